"""fercli reads the facial expressions in folders of photos and writes a report.

As a library: `read_faces` reads photos, `analyze` one picture, `to_frame` makes a table of them. What is
named here is imported when it is first used, so `import fercli` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fercli.runtimes import set_environment

if TYPE_CHECKING:
    from fercli.api import read_faces
    from fercli.errors import ExitCode, FercliError
    from fercli.frames import to_frame
    from fercli.one_picture import analyze
    from fercli.records import Box, Face, Photo

__version__ = "0.1.0"
__all__ = ["Box", "ExitCode", "Face", "FercliError", "Photo", "analyze", "read_faces", "to_frame"]

_HOMES = {
    "fercli.api": ("read_faces",),
    "fercli.errors": ("ExitCode", "FercliError"),
    "fercli.frames": ("to_frame",),
    "fercli.one_picture": ("analyze",),
    "fercli.records": ("Box", "Face", "Photo"),
}

set_environment()


if not TYPE_CHECKING:  # or any name would do for a type checker

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
