"""How far two runs of one network may be apart and count as the same."""

TOLERANCE = 1e-4
"""The largest difference of logits between the runtimes of one bundle, 32-bit, on a CPU."""

CUDA_TOLERANCE = 1e-3
"""The same where one of the two runs on a CUDA device, which adds up in another order."""

INT8_TOLERANCE = 0.05
"""How far the probabilities of a face may move by 8 bits, on average.

The distance of a face's two answers is half the sum of the differences of its seven probabilities (total
variation), so no probability moves by more. A network that is calibrated well has 0.01 to 0.02, one that
is calibrated on noise 0.07 and more.
"""
