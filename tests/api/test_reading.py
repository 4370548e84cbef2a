"""Photos read by `read_faces`: rows, arguments, errors."""

from __future__ import annotations

import errno
import inspect
import json
import os
import subprocess
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fercli
from fercli.bundle import DEFAULT_MODEL
from fercli.errors import ShortageError, UnavailableError, UsageError
from fercli.records import COLUMNS, Status
from tests.api.photos import FACE, LIGHT, rows_of
from tests.corpus import gradient
from tests.processes import worker_processes
from tests.tolerances import PRINTED_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Run


def assert_same(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for row, other in zip(rows, expected, strict=True):
        for name in COLUMNS:
            if isinstance(row[name], float):
                assert row[name] == pytest.approx(other[name], abs=PRINTED_PROBABILITY), name
            else:
                assert row[name] == other[name], name


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
