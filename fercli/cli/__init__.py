"""The command line: one file a command, nothing but options, wording and exit codes.

Here is only how every run begins. What takes long to import is imported once signals are caught.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from fercli.interruption import Endings


def main() -> NoReturn:
    """The console script `fercli`."""
    endings = Endings()
    import threading

    from fercli.cli import ending
    from fercli.interruption import exit_code

    threading.excepthook = ending.end_of_thread
    try:
        from fercli.runtimes import spare_threads

        spare_threads()
        from fercli.cli.commands import app

        with endings.interruptible():
            app()
    except BaseException as error:  # noqa: BLE001 - the one place where every run ends
        # What a library makes of an interruption may look like an error.
        code = ending.end(error) if endings.received is None else exit_code(endings.received)
    sys.exit(ending.flushed(code))
