"""Completion in the shells that are installed: bash is everywhere, zsh and fish on some machines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import FERCLI

_SCRIPTS = {
    "bash": """
eval "$(_FERCLI_COMPLETE=source_bash fercli)"
complete -p fercli >/dev/null || exit 9
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_fercli_completion fercli
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": """
_FERCLI_COMPLETE=source_fish fercli | source
complete --do-complete '{words}'
""",
    "zsh": """
autoload -Uz compinit && compinit -u -D
eval "$(_FERCLI_COMPLETE=source_zsh fercli)"
[[ ${{_comps[fercli]}} == _fercli_completion ]] || exit 9
_TYPER_COMPLETE_ARGS="{words}" _FERCLI_COMPLETE=complete_zsh fercli
""",
}
SHELLS = [shell for shell in _SCRIPTS if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fercli pre", {"predict"}),
        ("fercli models sh", {"show"}),
        ("fercli predict --min-f", {"--min-face"}),
        ("fercli compare ", {"backends", "detectors", "models"}),
    ],
)
def test_a_shell_completes(shell: str, words: str, expected: set[str], tmp_path: Path) -> None:
    typed = words if words[-1] != " " or shell != "bash" else f"{words}''"
    path = os.pathsep.join([str(FERCLI.parent), os.environ["PATH"]])
    done = subprocess.run(
        [shell, "-c", _SCRIPTS[shell].format(words=typed)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "PATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert expected <= set(re.findall(r"[\w-]+", done.stdout))
