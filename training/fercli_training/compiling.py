"""Networks compiled to this machine's own code by torch.compile, without leaving files elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from fercli.errors import UnavailableError
from fercli.runtimes import TORCH_CACHE, user_has_chosen_torch_cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn

_FOLDER = "compiled"

_OPTIONS: dict[str, Any] = {
    "fallback_random": True,  # dropout draws the same numbers as without compiling
    "cpp_cache_precompile_headers": False,  # they would go to the system's temporary folder
}


def compile_network(network: nn.Module) -> nn.Module:
    """The same weights, compiled at the first call, which has to be in `compiler_cache`."""
    return torch.compile(network, dynamic=False, options=_OPTIONS)  # type: ignore[return-value] # torch's stub


@contextmanager
def compiler_cache(folder: Path) -> Iterator[None]:
    """While this lasts, torch compiles into the run's folder, or where TORCHINDUCTOR_CACHE_DIR says."""
    if user_has_chosen_torch_cache():
        yield
        return
    before = os.environ.get(TORCH_CACHE)
    os.environ[TORCH_CACHE] = str((folder / _FOLDER).absolute())
    try:
        yield
    finally:
        if before is None:
            del os.environ[TORCH_CACHE]
        else:
            os.environ[TORCH_CACHE] = before


def remove_compiled(folder: Path) -> None:
    """Removes what was compiled for a run, at its end."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)


def compiling_fault(folder: Path) -> str:
    """Why nothing can be compiled here, or nothing; found out by compiling a trifle into the run's folder.

    A compiler alone is not enough: it needs Python's headers and libraries.
    """
    compiler = os.environ.get("CXX") or _usual_compiler()
    if shutil.which(compiler) is None:
        return f"there is no C++ compiler {compiler}"
    try:
        with compiler_cache(folder):
            torch.compile(torch.neg, options=_OPTIONS)(torch.ones(2))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in compilers and their surroundings
        remove_compiled(folder)
        reason = str(error).strip().partition("\n")[0][:200]
        return f"{compiler} does not work ({reason or type(error).__name__})"
    return ""


def require_compiling(folder: Path) -> None:
    """Makes sure that networks can be compiled, for a recipe with `compile = true`.

    Raises:
        UnavailableError: nothing can be compiled here.
    """
    reason = compiling_fault(folder)
    if reason:
        raise UnavailableError(
            f"The networks cannot be compiled: {reason}.",
            "Install a C++ compiler and Python's headers (g++ and python3-dev), or --set compile=false.",
        )


def _usual_compiler() -> str:
    return {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
