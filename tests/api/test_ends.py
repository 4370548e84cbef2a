"""Readers that are read to the end, dropped, closed, left: no process stays."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fercli
from fercli.records import Status
from tests.api.photos import FACE, LIGHT
from tests.processes import worker_processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli import Photo


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
