"""The program on a terminal of any width: a pseudo-terminal, so Linux and macOS only."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence

WIDTHS = (200, 80, 60, 40)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*(?:e[-+]\d+)?")
_MARK = "=" * 5

_PROGRAM = """
import fcntl, json, struct, sys, termios
from fercli.cli.commands import app
widths, commands = json.loads(sys.argv[1])
for command in commands:
    for width in widths:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        print(MARK, flush=True)
        app(command, standalone_mode=False)
""".replace("MARK", repr(_MARK))
"""One process for all widths and commands: most of a command's time is its start."""


def shown(
    commands: Sequence[Sequence[str]], widths: Sequence[int] = WIDTHS, env: Mapping[str, str] | None = None
) -> list[dict[int, str]]:
    """What each command prints to a terminal of each width, escapes and all."""
    ours, theirs = pty.openpty()
    read: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(ours, read))
    reader.start()
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps([widths, [list(command) for command in commands]])],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**environment, "TERM": "xterm-256color", **(env or {})},
        timeout=180,
        check=False,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert done.returncode == 0, done.stderr.decode()
    parts = b"".join(read).decode().replace("\r\n", "\n").split(f"{_MARK}\n")[1:]
    assert len(parts) == len(commands) * len(widths)
    return [
        dict(zip(widths, parts[place : place + len(widths)], strict=True))
        for place in range(0, len(parts), len(widths))
    ]


def plain(text: str) -> str:
    """Without what colours it."""
    return _ESCAPES.sub("", text)


def figures(text: str) -> Counter[str]:
    """How often each figure stands whole in a line."""
    return Counter(_FIGURE.findall(text))


def assert_nothing_is_cut(printed: Mapping[int, str]) -> None:
    """Every figure of the widest is whole in all; no line is wider than its terminal, but for one word."""
    widest = figures(plain(printed[max(printed)]))
    assert widest
    for width, text in printed.items():
        bare = plain(text)
        assert "…" not in bare
        assert not widest - figures(bare), width
        for line in bare.splitlines():
            assert len(line) <= width or len(line.split()) == 1, line


def _drain(terminal: int, read: list[bytes]) -> None:
    try:
        while chunk := os.read(terminal, 1 << 16):
            read.append(chunk)
    except OSError:  # how Linux says that the other side has closed
        return
