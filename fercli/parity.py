"""How far two runs of one network may be apart and count as the same, and the checks that they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import FercliError
from fercli.prediction import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


class ParityError(FercliError):
    """Two runs of one network are further apart than they may be."""


def check_parity(logits: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> str:
    """Makes sure that two runtimes of 32 bits give the same logits, float32 (N, 7); says how near they are.

    Raises:
        ParityError: they differ by more than the tolerance; `name` is what has the wrong ones.
    """
    difference = float(np.abs(logits - expected).max())
    if not difference <= TOLERANCE:
        raise ParityError(
            f"The logits of {name} differ from the model's by {difference:.2g}; {TOLERANCE:g} is allowed.",
            "Check the model's files, or try other versions of the runtimes.",
        )
    return f"logits within {difference:.1e}"


def check_int8(logits: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> str:
    """Makes sure that 8 bits give nearly the probabilities of 32; both are logits, float32 (N, 7).

    Raises:
        ParityError: they differ by more than INT8_TOLERANCE; `name` is what has the wrong ones.
    """
    distance = float(np.abs(softmax(logits) - softmax(expected)).sum(axis=1).mean() / 2)
    if not distance <= INT8_TOLERANCE:
        raise ParityError(
            f"The probabilities of {name} are {distance:.2g} from those of 32 bits on average;"
            f" {INT8_TOLERANCE:g} is allowed.",
            "Calibrate it on faces like those that the model was trained on.",
        )
    same = int((logits.argmax(axis=1) == expected.argmax(axis=1)).sum())
    return f"probabilities within {distance:.3f} on average, {same} expressions the same"
