"""The environments of the tools that fercli is compared with, made by pip where they are missing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = {
    # fer's detector is facenet-pytorch, which asks for torch 2.2 and NumPy 1; fer itself for pkg_resources.
    "fer": ("fer==25.10.3", "facenet-pytorch==2.6.0", "torch==2.2.2", "numpy<2", "setuptools<81"),
    "mtcnn": ("mtcnn[tensorflow]==1.0.0", "opencv-python-headless"),
}
"""What pip is asked for, for each environment; that of fer has facenet-pytorch too, and takes 7 GB."""


def python_of(name: str, folder: Path) -> Path:
    """The Python of an environment in a folder, once it is whole.

    Raises:
        CalledProcessError: pip cannot make it; what is there is gone on with the next time.
    """
    environment = folder.resolve() / name
    python, whole = environment / "bin" / "python", environment / "whole"
    if not whole.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], check=True)
        whole.touch()
    return python
