"""The names that the library has, and the examples of its documents."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fercli
import fercli.api
from tests.api.photos import FACE

ROOT = Path(__file__).parents[2]


class TestNames:
    def test_these_are_exported(self) -> None:
        names = ["Box", "ExitCode", "Face", "FercliError", "Photo", "analyze", "read_faces", "to_frame"]
        assert sorted(fercli.__all__) == names
        assert sorted(dir(fercli)) == sorted([*names, "__version__"])
        assert all(getattr(fercli, name) is not None for name in dir(fercli))

    def test_no_other_name_is_there(self) -> None:
        with pytest.raises(AttributeError, match=r"^module 'fercli' has no attribute 'read_face'$"):
            fercli.read_face  # type: ignore[attr-defined] # noqa: B018 - looking it up is what fails

    @pytest.mark.parametrize(
        "code", ["import fercli", "from fercli import FercliError, ExitCode, Photo, Face, Box"]
    )
    def test_importing_it_imports_nothing_heavy(self, code: str) -> None:
        heavy = "{'numpy', 'cv2', 'typer', 'rich', 'pandas', 'onnxruntime', 'fercli.api', 'subprocess'}"
        script = f"import sys; {code}; print(sorted({heavy} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_a_worker_begins_before_the_run_imports_anything_heavy(self) -> None:
        script = """
import sys
def look(event, _):
    if event == "subprocess.Popen":
        print(sorted({'numpy', 'cv2', 'openvino', 'onnxruntime'} & set(sys.modules)))
sys.addaudithook(look)
import fercli
fercli.read_faces([sys.argv[1]], workers=1).close()
"""
        line = [sys.executable, "-c", script, str(FACE)]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("[]\n", "")


class TestExamples:
    @pytest.fixture(autouse=True)
    def _in_the_clone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(ROOT)

    @pytest.mark.parametrize("name", ["read_faces", "analyze", "to_frame"])
    def test_every_function_has_one_that_is_true(self, name: str) -> None:
        (found,) = doctest.DocTestFinder(recurse=False).find(getattr(fercli, name), name)
        assert found.examples
        assert doctest.DocTestRunner().run(found).failed == 0

    def test_the_document_is_true(self) -> None:
        text = (ROOT / "docs" / "library.md").read_text("utf-8")
        blocks = re.findall(r"^```pycon\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        found = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "library.md", None, None)
        assert len(found.examples) > 5
        assert doctest.DocTestRunner().run(found).failed == 0
