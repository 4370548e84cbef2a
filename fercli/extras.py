"""The extras that fercli can be installed with: what is missing of one, and how it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fercli.errors import UnavailableError

if TYPE_CHECKING:
    from types import ModuleType


def install(extra: str) -> str:
    """What to type for an extra, as the remedy of an error."""
    return f"pip install 'fercli[{extra}]'"


def missing(*modules: str) -> list[str]:
    """Those modules that are not installed; none is imported."""
    return [name for name in modules if find_spec(name) is None]


def require(purpose: str, extra: str, *modules: str) -> None:
    """Makes sure that the modules of an extra are installed; none is imported.

    Args:
        purpose: what needs them, as a sentence begins: `Training`.
        extra: its name in pyproject.toml.
        modules: their names.

    Raises:
        UnavailableError: some are not installed; they are named.
    """
    lacking = missing(*modules)
    if lacking:
        raise UnavailableError(f"{purpose} needs {', '.join(lacking)}, not installed here.", install(extra))


def import_extra(purpose: str, extra: str, module: str) -> ModuleType:
    """A module of an extra, imported; the arguments are those of `require`.

    Raises:
        UnavailableError: it is not installed, or cannot be imported.
    """
    package = module.partition(".")[0]
    require(purpose, extra, package)
    try:
        return import_module(module)
    except ImportError as error:
        raise UnavailableError(
            f"{purpose} needs {package}, which cannot be imported: {error}.", install(extra)
        ) from error
