"""fercli as a library: in a script, in a thread, at the prompt; read to the end, dropped, interrupted."""

from __future__ import annotations

import csv
import doctest
import errno
import gc
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

import fercli
import fercli.api
from fercli.bundle import DEFAULT_MODEL, DESCRIPTION, MODELS, ONNX
from fercli.errors import ModelError, ShortageError, UnavailableError, UsageError
from fercli.images import read_picture
from fercli.records import COLUMNS, EXPRESSIONS, Status
from tests.corpus import SAMPLES, encoded, gradient
from tests.processes import worker_processes
from tests.tolerances import PRINTED_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fercli import Photo
    from tests.conftest import Run

ROOT = Path(__file__).parents[1]
FACE = SAMPLES / "astronaut-eileen-collins.jpg"
LIGHT: dict[str, Any] = {"backend": "onnx", "detector": "none"}
"""What loads quickly."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of several faces, one of none, a file that is no photo, and pictures without losses."""
    folder = tmp_path_factory.mktemp("photos")
    shutil.copy(SAMPLES / "group.jpg", folder / "a.jpg")
    shutil.copy(SAMPLES / "cat-chelsea-no-face.jpg", folder / "b.jpg")
    (folder / "c.jpg").write_text("This is a text.")
    (folder / "d.png").write_bytes(encoded(gradient(), "png"))
    return folder


def assert_same(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for row, other in zip(rows, expected, strict=True):
        for name in COLUMNS:
            if isinstance(row[name], float):
                assert row[name] == pytest.approx(other[name], abs=PRINTED_PROBABILITY), name
            else:
                assert row[name] == other[name], name


def rows_of(*photos: Photo) -> list[dict[str, Any]]:
    return [dict(row) for photo in photos for row in photo.rows()]


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


class TestReading:
    def test_it_gives_the_rows_of_the_report(self, run: Run, folder: Path) -> None:
        with fercli.read_faces(folder, workers=2) as photos:
            rows = rows_of(*photos)
        report = json.loads(run("predict", folder, "--format", "json").stdout)
        assert len(rows) == 7
        assert_same(rows, report)

    def test_it_says_what_reads_and_what_was_left_out(self, folder: Path, tmp_path: Path) -> None:
        photos = fercli.read_faces([folder, tmp_path], exclude="*.jpg", workers=1, **LIGHT)
        assert [photo.path for photo in photos] == [f"{folder}/d.png"]
        assert photos.findings.photos == 1
        assert photos.findings.left_out_line() == "Left out in folders: 3 excluded."
        assert photos.findings.fruitless == [f"{tmp_path} holds no photo."]
        pipeline = photos.pipeline
        assert [bundle.name for bundle in pipeline.models] == [DEFAULT_MODEL]
        assert (pipeline.backend["name"], pipeline.detector["detector"]) == ("onnx", "none")
        assert pipeline.workers == 1

    @pytest.mark.parametrize("kind", ["text", "path", "list", "iterator"])
    def test_paths_come_in_many_forms(self, folder: Path, kind: str) -> None:
        path = folder / "d.png"
        forms = {"text": str(path), "path": path, "list": [path], "iterator": iter([str(path)])}
        (photo,) = fercli.read_faces(forms[kind], workers=1, **LIGHT)  # type: ignore[arg-type] # one of them
        assert (photo.path, photo.status) == (str(path), Status.OK)

    def test_a_part_of_the_paths_is_selected(self, folder: Path) -> None:
        def second(paths: Iterator[str]) -> Iterator[str]:
            return (path for path in paths if path.endswith(("b.jpg", "d.png")))

        photos = fercli.read_faces(folder, select=second, workers=1, **LIGHT)
        assert [Path(photo.path).name for photo in photos] == ["b.jpg", "d.png"]
        assert photos.findings.photos == 4

    def test_a_list_is_read_from_a_stream(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "list").write_bytes(os.fsencode(folder / "d.png") + b"\0")
        with (tmp_path / "list").open("rb") as stream:
            (photo,) = fercli.read_faces("-", stdin=stream, null_separated=True, workers=1, **LIGHT)
        assert photo.status is Status.OK

    @pytest.mark.parametrize(
        ("setting", "said"),
        [
            ({"batch_size": 0}, "batch_size is 0. It must be between 1 and 4096."),
            ({"batch_size": 4097}, "batch_size is 4097. It must be between 1 and 4096."),
            ({"workers": -1}, "workers is -1. It must be 0 or more."),
            ({"timeout": 0.0}, "timeout is 0.0. It must be 1 or more."),
            ({"max_pixels": 0}, "max_pixels is 0. It must be 1 or more."),
            ({"min_score": 1.5}, "min_score is 1.5. It must be between 0 and 1."),
            ({"min_score": float("nan")}, "min_score is nan. It must be between 0 and 1."),
            (
                {"min_score": "0.9"},
                "min_score is '0.9', which is not a number. It must be between 0 and 1.",
            ),
            (
                {"timeout": 10**400},
                "timeout is 100000000000000000...0000000000000000000, which is too large."
                " Give a smaller one.",
            ),
            ({"workers": 1.5}, "workers is 1.5, which is not a whole number. It must be 0 or more."),
            ({"tta": "no"}, "tta is 'no'. It must be True or False."),
            ({"backend": None}, "backend is None, which is not a text. Give its name as a text."),
            ({"include": ["*.jpg", 7]}, "include is ['*.jpg', 7]. Give a text, or a list of texts."),
            ({"stdin": "list.txt"}, "stdin is 'list.txt', which gives no bytes. Open a file with "),
            ({"stdin": StringIO(str(FACE))}, "stdin is <_io.StringIO"),
            ({"model": []}, "No model is given. Leave it out, or give one such as default."),
            (
                {"detector": "mtcnn", "min_face": 1},
                "The smallest face (--min-face) is 1 pixels; nothing below 12 is looked for.",
            ),
        ],
    )
    def test_settings_that_make_no_sense_are_refused(self, setting: dict[str, Any], said: str) -> None:
        before = len(worker_processes())
        with pytest.raises(UsageError) as caught:
            fercli.read_faces(FACE, **{**LIGHT, **setting})
        assert f"{caught.value.message} {caught.value.remedy}".startswith(said)
        assert len(worker_processes()) == before

    @pytest.mark.parametrize("call", [fercli.read_faces, fercli.analyze])
    def test_a_value_of_another_type_is_refused_by_the_name_of_its_argument(
        self, call: Callable[..., object]
    ) -> None:
        before = len(worker_processes())
        _, *names = inspect.signature(call).parameters
        for name in names:
            with pytest.raises(UsageError) as caught:
                call(FACE, **{**LIGHT, name: object()})
            assert name in caught.value.message.replace("-", "_")
            assert caught.value.remedy
        assert len(worker_processes()) == before

    @pytest.mark.parametrize(
        "paths", [None, 7, b"a.jpg", gradient(), [FACE, None], iter([[FACE]])], ids=type
    )
    def test_what_is_not_a_path_is_refused(self, paths: Any) -> None:
        before = len(worker_processes())
        with pytest.raises(UsageError, match=r" is not a path\.$") as caught:
            list(fercli.read_faces(paths, workers=1, **LIGHT))
        assert "fercli.analyze takes a picture" in caught.value.remedy
        assert len(worker_processes()) == before

    def test_so_is_what_a_selection_makes_of_paths(self) -> None:
        with pytest.raises(UsageError, match=r"^None is not a path\.$"):
            list(fercli.read_faces(FACE, select=lambda _: [None], workers=1, **LIGHT))  # type: ignore[list-item] # it is wrong

    def test_numbers_of_numpy_are_numbers(self) -> None:
        numbers = {"workers": np.int64(1), "batch_size": np.int32(8), "min_score": np.float32(0.9)}
        (photo,) = fercli.read_faces(FACE, timeout=float("inf"), tta=np.True_, **numbers, **LIGHT)  # type: ignore[arg-type] # as in a notebook
        assert photo.status is Status.OK

    @pytest.mark.parametrize("given", ["nothing", "'no thing'"])
    @pytest.mark.parametrize("name", ["model", "backend", "detector", "device"])
    def test_what_is_not_there_is_an_error_that_leaves_no_process(self, name: str, given: str) -> None:
        before = len(worker_processes())
        with pytest.raises(UnavailableError, match=rf"^There is no {name} {given}\.$"):
            fercli.read_faces(FACE, **{**LIGHT, name: given.strip("'")})
        assert len(worker_processes()) == before

    def test_want_of_processes_is_an_error_of_fercli(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

        monkeypatch.setattr(subprocess, "Popen", fail)
        with pytest.raises(ShortageError, match="threads or processes"):
            fercli.read_faces(FACE, **LIGHT)


class TestEnds:
    @pytest.fixture
    def before(self) -> int:
        return len(worker_processes())

    def test_a_reader_that_is_dropped_leaves_no_process(self, before: int, folder: Path) -> None:
        photos = fercli.read_faces([folder] * 50, workers=2, **LIGHT)
        next(photos)
        assert len(worker_processes()) == before + 2
        del photos
        gc.collect()
        assert len(worker_processes()) == before

    def test_nor_one_that_was_never_asked(self, before: int) -> None:
        fercli.read_faces(FACE, workers=1, **LIGHT)
        gc.collect()
        assert len(worker_processes()) == before

    def test_nor_a_loop_that_is_left(self, before: int, folder: Path) -> None:
        for photo in fercli.read_faces([folder] * 50, workers=2, **LIGHT):
            assert photo.path.endswith("a.jpg")
            break
        gc.collect()
        assert len(worker_processes()) == before

    def test_nor_one_that_is_closed_or_done(self, before: int, folder: Path) -> None:
        closed = fercli.read_faces([folder] * 50, workers=2, **LIGHT)
        next(closed)
        closed.close()
        closed.close()
        done = fercli.read_faces(folder / "d.png", workers=1, **LIGHT)
        assert len(list(done)) == 1
        assert len(worker_processes()) == before
        assert list(closed) == list(done) == []

    def test_nor_one_that_another_thread_closes_while_it_waits_for_a_path(self, before: int) -> None:
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as stream, os.fdopen(theirs, "wb"):
            photos = fercli.read_faces("-", stdin=stream, workers=1, **LIGHT)
            with ThreadPoolExecutor(1) as thread:
                waiting = thread.submit(list, photos)
                photos.close()
                assert waiting.result() == []
        assert len(worker_processes()) == before

    def test_threads_that_share_one_take_turns(self, before: int, folder: Path) -> None:
        photos = fercli.read_faces([folder] * 10, workers=1, **LIGHT)
        with ThreadPoolExecutor(4) as threads:
            parts: Iterator[list[Photo]] = threads.map(list, [photos] * 4)
            taken = [photo for part in parts for photo in part]
        paths = fercli.read_faces([folder] * 10, workers=1, **LIGHT)
        assert sorted(photo.path for photo in taken) == sorted(photo.path for photo in paths)
        assert len(worker_processes()) == before

    def test_nor_an_error_of_the_paths(self, before: int) -> None:
        def paths() -> Iterator[Path]:
            yield FACE
            raise LookupError("no more")

        photos = fercli.read_faces(paths(), workers=1, **LIGHT)
        assert next(photos).status is Status.OK
        with pytest.raises(LookupError, match="no more"):
            next(photos)
        assert len(worker_processes()) == before


SCRIPT = """
import signal, sys
before = [signal.getsignal(number) for number in signal.valid_signals()]
import fercli
photo, = fercli.read_faces(sys.argv[1], workers=1, backend="onnx", detector="none")
analyzed = fercli.analyze(sys.argv[1], backend="onnx", detector="none")
assert before == [signal.getsignal(number) for number in signal.valid_signals()]
"""
"""Has no `if __name__ == "__main__"`, and asks that nothing is printed or caught."""


def script(*arguments: str | Path, code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip


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
            assert process.communicate(timeout=120) == ("ok\n", "")
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
            assert process.communicate(timeout=120) == ("[]\n", "")
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
            answers = process.communicate(timeout=120)[0].split()
        assert answers == 3 * [fercli.analyze(FACE, **LIGHT).faces[0].expression]

    def test_it_can_neither_take_nor_end_what_another_process_reads(self) -> None:
        with script(FACE, code=FORKED_READER) as process:
            said, rest = process.communicate(timeout=120)[0].splitlines()
        assert said.startswith("Photos that one process reads cannot be taken by a process that was forked")
        assert rest == "0 2"


class TestPictures:
    def test_a_path_its_bytes_and_its_pixels_give_the_same(self) -> None:
        photo = fercli.analyze(FACE)
        assert (photo.path, len(photo.faces), photo.faces[0].expression) == (str(FACE), 1, "happy")
        for image in (FACE.read_bytes(), bytearray(FACE.read_bytes()), read_picture(str(FACE))):
            other = fercli.analyze(image)
            assert other.path == ""
            assert (other.faces, other.width, other.height) == (photo.faces, photo.width, photo.height)

    def test_it_is_what_the_report_says(self, run: Run) -> None:
        (row,) = csv.DictReader(run("predict", FACE, "-q").stdout.decode().splitlines())
        photo = fercli.analyze(str(FACE))
        assert row["expression"] == photo.faces[0].expression
        assert float(row["confidence"]) == pytest.approx(photo.faces[0].confidence, abs=PRINTED_PROBABILITY)

    def test_any_view_of_an_array_will_do_and_stays_as_it_is(self) -> None:
        bgr = cv2.imread(str(FACE))
        assert bgr is not None
        kept = bgr.copy()
        (face,) = fercli.analyze(bgr[:, :, ::-1]).faces  # type: ignore[arg-type] # OpenCV's type is wider
        assert face.expression == "happy"
        np.testing.assert_array_equal(bgr, kept)

    @pytest.mark.parametrize(
        ("image", "kind"),
        [
            ("nowhere.jpg", "missing"),
            (SAMPLES, "not-a-file"),
            (b"", "empty"),
            (b"This is a text.", "not-an-image"),
            (FACE.read_bytes()[:9000], "truncated"),
        ],
        ids=str,
    )
    def test_one_that_cannot_be_read_says_why(self, image: Any, kind: str) -> None:
        photo = fercli.analyze(image, **LIGHT)
        assert photo.status is Status.ERROR
        assert photo.error is not None
        assert photo.error.startswith(f"{kind}: ")

    @pytest.mark.parametrize(
        "image",
        [
            None,
            7,
            [[0, 0, 0]],
            gradient().tolist(),
            gradient()[:, :, 0],
            gradient().astype(np.float32),
            np.zeros((9, 9, 4), np.uint8),
            np.zeros((0, 9, 3), np.uint8),
            np.zeros((2, 9, 9, 3), np.uint8),
        ],
        ids=lambda image: f"{type(image).__name__} {getattr(image, 'shape', '')}",
    )
    def test_what_is_no_image_is_refused(self, image: Any) -> None:
        with pytest.raises(UsageError, match=r" is not an image\.$") as caught:
            fercli.analyze(image, **LIGHT)
        assert "uint8 (H, W, 3), RGB" in caught.value.remedy

    def test_an_image_of_pillow_is_told_what_to_be(self) -> None:
        image: Any = Image.fromarray(gradient())
        with pytest.raises(UsageError, match=r"^What is of the type PIL\.Image\.Image is not") as caught:
            fercli.analyze(image, **LIGHT)
        assert "numpy.asarray(image.convert('RGB'))" in caught.value.remedy
        assert fercli.analyze(np.asarray(image.convert("RGB")), **LIGHT).width == image.width

    def test_a_picture_above_the_limit_is_refused(self) -> None:
        photo = fercli.analyze(encoded(gradient(100, 100), "png"), max_pixels=9999, **LIGHT)
        assert str(photo.error).startswith("too-large: ")

    def test_threads_take_turns(self) -> None:
        expected = fercli.analyze(FACE, **LIGHT)
        with ThreadPoolExecutor(4) as threads:
            for photo in threads.map(partial(fercli.analyze, **LIGHT), [FACE] * 12):
                assert photo == expected


class TestKept:
    """A model's file that is broken shows whether it is loaded anew."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        model = shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model")
        fercli.analyze(gradient(), model=model, **LIGHT)
        (model / ONNX).write_bytes(b"broken")
        return model

    def test_networks_are_kept_for_the_next_call(self, model: Path) -> None:
        assert fercli.analyze(gradient(), model=model, **LIGHT).status is Status.OK

    def test_a_model_that_was_made_anew_is_loaded_anew(self, model: Path) -> None:
        description = json.loads((model / DESCRIPTION).read_text("utf-8"))
        description["files"][ONNX] = "0" * 64
        (model / DESCRIPTION).write_text(json.dumps(description))
        with pytest.raises(ModelError, match=r"is not the file that model\.json was made with"):
            fercli.analyze(gradient(), model=model, **LIGHT)

    def test_only_so_many_are_kept(self, model: Path) -> None:
        for min_face in range(50, 54):
            fercli.analyze(gradient(), min_face=min_face, **LIGHT)
        with pytest.raises(ModelError, match=r"is not the file that model\.json was made with"):
            fercli.analyze(gradient(), model=model, **LIGHT)


class TestFrame:
    def test_it_has_the_report_s_rows_columns_and_types(self, folder: Path) -> None:
        photos = list(fercli.read_faces(folder, workers=1))
        frame = fercli.to_frame(photos)
        assert tuple(frame.columns) == COLUMNS
        types = {name: str(dtype) for name, dtype in frame.dtypes.items()}
        assert types == {
            **dict.fromkeys(COLUMNS, "float64"),
            "path": "string",
            "error": "string",
            "face": "Int32",
            "status": "category",
            "expression": "category",
        }
        assert list(frame["status"].cat.categories) == [str(status) for status in Status]
        assert list(frame["expression"].cat.categories) == list(EXPRESSIONS)
        values = frame.astype(object).where(frame.notna(), None).to_dict("records")
        assert values == rows_of(*photos)

    @pytest.mark.parametrize("photos", [None, 7, "photos", [None], [{}]], ids=repr)
    def test_what_is_not_a_photo_is_refused(self, photos: Any) -> None:
        with pytest.raises(UsageError, match=r" is not a Photo\.$"):
            fercli.to_frame(photos)

    def test_without_photos_it_has_the_same_columns(self) -> None:
        empty, one = fercli.to_frame([]), fercli.to_frame(fercli.analyze(gradient(), **LIGHT))
        assert (len(empty), len(one)) == (0, 1)
        assert dict(empty.dtypes) == dict(one.dtypes)

    def test_without_pandas_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(UnavailableError, match=r"^A DataFrame needs pandas, not inst") as caught:
            fercli.to_frame([])
        assert caught.value.remedy == "pip install 'fercli[pandas]'"
