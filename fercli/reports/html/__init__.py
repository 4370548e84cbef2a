"""The report as a page: one file that shows every face and loads nothing from a network.

The file begins with the rows, in inert blocks that no browser runs. It ends with the markup, which has the
summary, and with the script that shows the faces. So it is written in one pass, and `writer` keeps only one
block of rows in memory. A page is a report too: `blocks` reads its rows.
"""
