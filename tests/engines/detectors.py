"""Detectors that meet each other through files, to show what is under way at once."""

# ruff: noqa: ARG002 - methods have the parameters of their interface

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faulty_plugins.detectors import TwoHalvesPlugin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fercli.records import Face

LARGE = 100
"""Pixels of width from which on a picture is large."""


@dataclass
class Meeting(TwoHalvesPlugin):
    """With a large picture it waits for the small one of the same number, which is the height's last digit.

    It fails where two large ones are under way.
    """

    folder: Path

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        height, width = rgb.shape[:2]
        door, alone = self.folder / f"door{height % 10}", self.folder / "alone"
        if width < LARGE:
            with door.open("wb") as file:  # a FIFO: opened once somebody reads
                file.write(b"x")
            return []
        os.close(os.open(alone, os.O_CREAT | os.O_EXCL))
        with door.open("rb") as file:
            file.read(1)
        alone.unlink()
        return []


class NoMemory(TwoHalvesPlugin):
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        raise MemoryError


class NoMemoryInLoad:
    def __init__(self) -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")
