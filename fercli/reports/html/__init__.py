"""The report as a page: one file that shows every face, and asks nothing of a network.

The file begins with the rows, in inert blocks that no browser runs, and ends with the markup, which has the
summary, and the script that shows the rest. So it is written in one pass, and `writer` holds no more than a
block of rows. A page is a report too: `blocks` has its rows again.
"""
