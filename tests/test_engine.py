from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.detectors import load_detector
from fercli.engines.local import run_local
from fercli.engines.memory import Memory
from fercli.engines.workers import Workers
from fercli.errors import UnavailableError
from fercli.prediction import Predictor
from fercli.whole_photo import WholePhotoDetector
from tests.corpus import encoded, gradient, noise
from tests.faulty_plugins.backends import ConstantBackend, RaisesInCall
from tests.faulty_plugins.detectors import (
    ByWidthPlugin,
    KilledInLoadPlugin,
    RaisesInDetectPlugin,
    TwoHalvesPlugin,
)
from tests.processes import worker_processes
from tests.tolerances import PRINTED_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fercli.plugins import Detector
    from fercli.records import Photo

_LONG = 60
"""Seconds after which a wait has failed; no test that passes waits for it."""


PLENTY = Memory(1 << 40)
LIGHT = Predictor([ConstantBackend()])


@contextmanager
def working(
    load_detector: Callable[[], Detector] = WholePhotoDetector,
    count: int = 2,
    timeout: float = _LONG,
    memory: Memory = PLENTY,
) -> Iterator[Workers]:
    workers = Workers(load_detector, 200_000_000, count, timeout, memory)
    try:
        yield workers
    finally:
        workers.close()


@pytest.fixture(scope="module")
def light() -> Iterator[Workers]:
    """Workers that take a picture for a face."""
    with working() as workers:
        yield workers


@pytest.fixture(scope="module")
def halves() -> Iterator[Workers]:
    """Workers that find two faces a picture."""
    with working(TwoHalvesPlugin, 3) as workers:
        yield workers


@pytest.fixture(scope="module")
def network() -> Predictor:
    """The network that ships."""
    return Predictor(load_classifiers([load_bundle("default")], "onnx", "cpu", 1).classifiers)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Pictures of many sizes, so that some take longer than others, and files that are none."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(8):
        side = (20, 900, 48, 300)[number % 4]
        pixels = noise(side + number, side) if number % 2 else gradient(side + number, side)
        (folder / f"{number}.png").write_bytes(encoded(pixels, "png"))
    (folder / "bad.jpg").write_text("This is a text.")
    (folder / "empty.jpg").touch()
    return [*map(str, sorted(folder.iterdir())), str(folder / "missing.jpg"), str(folder)]


@pytest.fixture(scope="module")
def one_by_one(halves: Workers, network: Predictor, pictures: list[str]) -> dict[str, Photo]:
    """What becomes of each picture alone."""
    return {path: photo for path in pictures for photo in run_local([path], halves, network, 1)}


def assert_same(photo: Photo, expected: Photo) -> None:
    assert (photo.path, photo.error, photo.status) == (expected.path, expected.error, expected.status)
    for row, other in zip(photo.rows(), expected.rows(), strict=True):
        assert row["expression"] == other["expression"]
        for name, value in row.items():
            if isinstance(value, float):
                assert value == pytest.approx(other[name], abs=PRINTED_PROBABILITY), name
            else:
                assert value == other[name], name


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(0, 12))
def test_order_and_batches_never_change_a_row(
    halves: Workers,
    network: Predictor,
    pictures: list[str],
    one_by_one: dict[str, Photo],
    order: random.Random,
    batch_size: int,
    repeated: int,
) -> None:
    paths = [*pictures, *order.choices(pictures, k=repeated)]
    order.shuffle(paths)
    photos = list(run_local(paths, halves, network, batch_size))
    assert [photo.path for photo in photos] == paths
    for photo in photos:
        assert_same(photo, one_by_one[photo.path])


def test_real_faces_come_out_the_same_whatever_the_workers_and_batch(
    network: Predictor, samples: Path
) -> None:
    names = ("group.jpg", "cat-chelsea-no-face.jpg", "vice-president-biden.jpg")
    paths = [str(samples / name) for name in names]
    mtcnn = partial(load_detector, "mtcnn", 40, 0.9, threads=1)
    with working(mtcnn, 1) as one, working(mtcnn, 3) as three:
        alone = [photo for path in paths for photo in run_local([path], one, network, 1)]
        together = list(run_local(paths, three, network, 64))
    assert len(alone[0].faces) > 1
    for photo, expected in zip(together, alone, strict=True):
        assert_same(photo, expected)


def test_no_path_is_no_photo(light: Workers) -> None:
    assert list(run_local([], light, LIGHT, 8)) == []


def test_a_bounded_number_of_photos_is_under_way(light: Workers, pictures: list[str]) -> None:
    pulled = 0

    def paths() -> Iterator[str]:
        nonlocal pulled
        for _ in range(1000):
            pulled += 1
            yield pictures[0]

    farthest = 0
    for consumed, _ in enumerate(run_local(paths(), light, LIGHT, 4)):
        farthest = max(farthest, pulled - consumed)
    assert pulled == 1000
    assert farthest <= 300


def test_while_nobody_takes_records_the_paths_stand_still(light: Workers, pictures: list[str]) -> None:
    pulled = 0
    ahead = threading.Event()

    def paths() -> Iterator[str]:
        nonlocal pulled
        for _ in range(1000):
            pulled += 1
            if pulled == 3:
                ahead.set()
            yield pictures[0]

    with closing(run_local(paths(), light, LIGHT, 1)) as photos:
        next(photos)
        assert ahead.wait(_LONG)  # it works ahead of who takes the records
        for _ in range(200):  # plenty of work for other threads to overtake
            light.prepare(pictures[0])
        assert pulled <= 300


def test_a_slow_list_of_paths_holds_up_no_finished_photo(light: Workers, pictures: list[str]) -> None:
    taken = threading.Event()

    def paths() -> Iterator[str]:
        for path in pictures:
            yield path
            assert taken.wait(_LONG)
            taken.clear()

    for photo, path in zip(run_local(paths(), light, LIGHT, 64), pictures, strict=True):
        assert photo.path == path
        taken.set()


def test_an_error_of_the_list_of_paths_comes_after_the_photos_before_it(
    light: Workers, pictures: list[str]
) -> None:
    def paths() -> Iterator[str]:
        yield from pictures[:5]
        raise OSError("the list broke")

    for _ in range(10):
        photos = run_local(paths(), light, LIGHT, 64)
        assert [next(photos).path for _ in range(5)] == pictures[:5]
        with pytest.raises(OSError, match="the list broke"):
            next(photos)


def test_a_photo_that_the_detector_fails_on_ends_nothing(pictures: list[str]) -> None:
    with working(RaisesInDetectPlugin) as workers:
        photos = list(run_local(pictures[:3], workers, LIGHT, 8))
    assert [photo.error for photo in photos] == ["internal: ZeroDivisionError: nothing"] * 3


def assert_none_left(before: int) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("fercli"):
            thread.join(_LONG)
            assert not thread.is_alive()
    assert len(worker_processes()) == before


def test_no_worker_is_left_when_the_run_ends_early(pictures: list[str]) -> None:
    before = len(worker_processes())
    with working(count=3) as workers, closing(run_local(pictures * 20, workers, LIGHT, 4)) as photos:
        next(photos)
        assert len(worker_processes()) == before + 3
    assert_none_left(before)


def test_no_worker_is_left_when_the_network_fails(pictures: list[str]) -> None:
    before = len(worker_processes())
    failing = Predictor([RaisesInCall()])
    with working() as workers, pytest.raises(Exception, match="it would not run"):
        list(run_local(pictures * 20, workers, failing, 4))
    assert_none_left(before)


def test_a_worker_whose_run_was_killed_ends_without_a_word() -> None:
    command = [sys.executable, "-c", "from fercli.engines.worker import main; main()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdout.close()  # nobody is left to hear what it has to say
        _, said = worker.communicate(b"no pickle")
    assert (worker.returncode, said) == (0, b"")


class TestWhatGoesWrongCostsAPhoto:
    """A worker that dies, hangs or gets nonsense, among pictures that are fine."""

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str | None]]:
        """The errors of nine photos of which the third, fifth and seventh have a given width."""
        monkeypatch.setenv("FERCLI_CRASHED_ONCE", str(tmp_path / "once"))

        def run(width: int) -> list[str | None]:
            paths = [str(tmp_path / f"{number}.png") for number in range(9)]
            for number, path in enumerate(paths):
                side = width if number in (2, 4, 6) else 30 + number
                Path(path).write_bytes(encoded(gradient(side, 20), "png"))
            with working(ByWidthPlugin, timeout=2) as workers:
                photos = list(run_local(paths, workers, LIGHT, 4))
            assert [photo.path for photo in photos] == paths
            assert [photo.error for n, photo in enumerate(photos) if n not in (2, 4, 6)] == [None] * 6
            return [photos[number].error for number in (2, 4, 6)]

        return run

    def test_crashes(self, run: Callable[[int], list[str | None]]) -> None:
        error = "crashed: Reading it ended the process 2 times: SIGSEGV."
        assert run(ByWidthPlugin.CRASHES) == [error] * 3

    def test_aborts(self, run: Callable[[int], list[str | None]]) -> None:
        error = "crashed: Reading it ended the process 2 times: SIGABRT."
        assert run(ByWidthPlugin.ABORTS) == [error] * 3

    def test_a_face_larger_than_a_town(self, run: Callable[[int], list[str | None]]) -> None:
        assert run(ByWidthPlugin.IS_HUGE) == [None] * 3

    @pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says what a process has")
    def test_a_worker_that_leaks_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "leaks.png"
        path.write_bytes(encoded(gradient(ByWidthPlugin.LEAKS, 20), "png"))
        with working(ByWidthPlugin, count=1) as workers:
            photos = list(run_local([str(path)] * 9, workers, LIGHT, 4))
        assert [photo.error for photo in photos] == [None] * 9
        # As many leaks as make a gigabyte, and never more, in one process after another.
        assert [photo.faces[0].score for photo in photos] == [1, 2, 3, 4] * 2 + [1]

    def test_hangs(self, run: Callable[[int], list[str | None]]) -> None:
        assert run(ByWidthPlugin.HANGS) == ["timeout: It took longer than 2 s (--timeout)."] * 3

    def test_a_worker_that_is_killed_once_costs_nothing(
        self, run: Callable[[int], list[str | None]]
    ) -> None:
        assert run(ByWidthPlugin.CRASHES_ONCE) == [None] * 3

    @pytest.mark.parametrize("width", [ByWidthPlugin.LIES, ByWidthPlugin.IS_NO_LIST])
    def test_nonsense(self, run: Callable[[int], list[str | None]], width: int) -> None:
        errors = run(width)
        assert all(error is not None and error.startswith("internal: ") for error in errors)


def test_a_detector_whose_loading_ends_the_process_is_named_so(pictures: list[str]) -> None:
    with working(partial(KilledInLoadPlugin().load, 40, 0.9, 1)) as workers:
        with pytest.raises(UnavailableError, match="ended before the detector was loaded: SIGKILL"):
            workers.describe()
        with pytest.raises(UnavailableError, match="ended before the detector was loaded: SIGKILL"):
            list(run_local(pictures, workers, LIGHT, 4))


def test_paths_become_printable(light: Workers, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/not \xff utf-8.png")
    (photo,) = run_local([path], light, LIGHT, 1)
    assert photo.path == f"{tmp_path}/not \\xff utf-8.png"
