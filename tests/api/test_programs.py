"""The library in scripts, at the prompt, and in processes that fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import fercli
from tests.api.photos import FACE, LIGHT
from tests.corpus import encoded, gradient
from tests.processes import ended_with_the_test

ROOT = Path(__file__).parents[2]
_LONG = 120
"""Seconds after which a program that does not answer has failed; no test that passes waits for it."""

SCRIPT = """
import signal, sys
before = [signal.getsignal(number) for number in signal.valid_signals()]
import fercli
photo, = fercli.read_faces(sys.argv[1], workers=1, backend="onnx", detector="none")
analyzed = fercli.analyze(sys.argv[1], backend="onnx", detector="none")
assert before == [signal.getsignal(number) for number in signal.valid_signals()]
"""
"""Has no `if __name__ == "__main__"`, and asks that nothing is printed or caught."""


def script(
    *arguments: str | Path, code: str, **environment: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    return ended_with_the_test(process, _LONG)


class TestScripts:
    @pytest.mark.parametrize("way", ["file", "standard input", "prompt"])
    def test_it_needs_no_main_module_and_says_nothing(self, tmp_path: Path, way: str) -> None:
        (tmp_path / "script.py").write_text(SCRIPT)
        file = str(tmp_path / "script.py")
        options = {"file": [file], "standard input": ["-"], "prompt": ["-q", "-i", "-"]}
        done = subprocess.run(
            [sys.executable, *options[way], FACE], input=SCRIPT if way != "file" else None,
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        said = done.stderr.replace(">>> ", "").strip() if way == "prompt" else done.stderr
        assert (done.returncode, done.stdout, said) == (0, "", "")

    def test_at_its_end_a_program_waits_for_no_photo(self, tmp_path: Path, faulty_plugins: Path) -> None:
        for name, width in (("a", 50), ("b", 102)):  # for ever, for the second
            (tmp_path / f"{name}.png").write_bytes(encoded(gradient(width, 50), "png"))
        code = """import sys, fercli
photos = fercli.read_faces(sys.argv[1], detector="by-width", backend="onnx", workers=1, timeout=1e6)
print(next(photos).status)"""
        with script(tmp_path, code=code, PYTHONPATH=str(faulty_plugins)) as process:
            assert process.communicate(timeout=_LONG) == ("ok\n", "")
        assert process.returncode == 0

    def test_ctrl_c_is_python_s_own_and_leaves_no_process(
        self, tmp_path: Path, faulty_plugins: Path
    ) -> None:
        (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
        code = """import os, sys, fercli
sys.path.insert(0, sys.argv[2])
from tests.processes import worker_processes
try:
    for photo in fercli.read_faces(sys.argv[1], detector="waits", backend="onnx", workers=1, timeout=1e6):
        pass
except KeyboardInterrupt:
    print(worker_processes())"""
        with script(tmp_path, ROOT, code=code, PYTHONPATH=str(faulty_plugins)) as process:
            assert process.stderr is not None
            while process.stderr.readline() != "WAITING\n":
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=_LONG) == ("[]\n", "")
        assert process.returncode == 0


FORKED_READER = """import os, sys, fercli
photos = fercli.read_faces(3 * [sys.argv[1]], workers=2, backend="onnx", detector="none")
next(photos)
if (child := os.fork()) == 0:
    try:
        next(photos)
    except fercli.FercliError as error:
        print(error.message, flush=True)
    sys.exit()
print(os.waitpid(child, 0)[1], len(list(photos)))"""

FORKED_END = """import os, sys
from fercli.reader import FaceReader
photos = FaceReader(iter(()), None, None, None, lambda: print("ended", flush=True))
if (child := os.fork()) == 0:
    print("the child ends", flush=True)
    sys.exit()
os.waitpid(child, 0)"""

FORKED_ANALYSIS = """import multiprocessing, sys, fercli
def look(path):
    return fercli.analyze(path, backend="onnx", detector="none").faces[0].expression
print(look(sys.argv[1]))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(*pool.map(look, 2 * [sys.argv[1]]), sep="\\n")"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
class TestForks:
    """The threads of networks and of readers are not forked with a process."""

    def test_a_process_that_was_forked_analyses_with_networks_of_its_own(self) -> None:
        with script(FACE, code=FORKED_ANALYSIS) as process:
            answers = process.communicate(timeout=_LONG)[0].split()
        assert answers == 3 * [fercli.analyze(FACE, **LIGHT).faces[0].expression]

    def test_its_end_is_not_the_end_of_what_another_process_reads(self) -> None:
        with script(code=FORKED_END) as process:
            assert process.communicate(timeout=_LONG) == ("the child ends\nended\n", "")

    def test_it_can_neither_take_nor_end_what_another_process_reads(self) -> None:
        with script(FACE, code=FORKED_READER) as process:
            said, rest = process.communicate(timeout=_LONG)[0].splitlines()
        assert said.startswith("Photos that one process reads cannot be taken by a process that was forked")
        assert rest == "0 2"
