"""How much memory this process took."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_megabytes() -> float | None:
    """The most memory that this process ever held, in megabytes of 10^6 bytes; None where nothing tells."""
    with suppress(OSError):  # only Linux has it
        fields = dict(line.split(":", 1) for line in _STATUS.read_text("ascii", "replace").splitlines())
        return int(fields["VmHWM"].removesuffix("kB")) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows does not have it
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6
