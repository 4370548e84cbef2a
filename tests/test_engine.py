from __future__ import annotations

import os
import random
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.analyzer import Analyzer
from fercli.bundle import load_bundle
from fercli.choosing import load_classifiers
from fercli.engines.local import run_local, usable_cores
from fercli.plugins import find_detector
from fercli.prediction import Predictor
from fercli.whole import WholePhotoDetector
from tests.corpus import encoded, gradient, noise
from tests.faulty_plugins import ConstantBackend, RaisesInCall, RaisesInDetectPlugin, TwoHalvesPlugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fercli.records import Photo

_LONG = 60
"""Seconds after which a wait has failed; no test that passes waits for it."""


def light(detector: type[TwoHalvesPlugin] | None = None) -> Analyzer:
    """An analyzer whose every part is quick."""
    return Analyzer(
        detector() if detector else WholePhotoDetector(), Predictor([ConstantBackend()]), 1_000_000
    )


def network() -> Predictor:
    return Predictor(load_classifiers([load_bundle("default")], "onnx", "cpu", 1).classifiers)


@pytest.fixture(scope="module")
def real() -> Analyzer:
    """The network that ships, and two faces a picture."""
    return Analyzer(TwoHalvesPlugin(), network(), 1_000_000)


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
def one_by_one(real: Analyzer, pictures: list[str]) -> dict[str, Photo]:
    """What one worker makes of each picture alone."""
    return {path: photo for path in pictures for photo in run_local([path], real, 1, 1)}


def assert_same(photo: Photo, expected: Photo) -> None:
    assert (photo.path, photo.error, photo.status) == (expected.path, expected.error, expected.status)
    for row, other in zip(photo.rows(), expected.rows(), strict=True):
        assert row["expression"] == other["expression"]
        for name, value in row.items():
            if isinstance(value, float):
                assert value == pytest.approx(other[name], abs=2e-4), name
            else:
                assert value == other[name], name


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(1, 5), st.integers(1, 40), st.integers(0, 12))
def test_order_workers_and_batches_never_change_a_row(
    real: Analyzer,
    pictures: list[str],
    one_by_one: dict[str, Photo],
    order: random.Random,
    workers: int,
    batch_size: int,
    repeated: int,
) -> None:
    paths = [*pictures, *order.choices(pictures, k=repeated)]
    order.shuffle(paths)
    photos = list(run_local(paths, real, workers, batch_size))
    assert [photo.path for photo in photos] == paths
    for photo in photos:
        assert_same(photo, one_by_one[photo.path])


def test_real_faces_come_out_the_same_whatever_the_batch(samples: Path) -> None:
    analyzer = Analyzer(
        find_detector("mtcnn").load(40, 0.9, threads=1),
        network(),
        200_000_000,
    )
    paths = [
        str(samples / name) for name in ("group.jpg", "cat-chelsea-no-face.jpg", "vice-president-biden.jpg")
    ]
    alone = [photo for path in paths for photo in run_local([path], analyzer, 1, 1)]
    together = list(run_local(paths, analyzer, 3, 64))
    assert len(alone[0].faces) > 1
    for photo, expected in zip(together, alone, strict=True):
        assert_same(photo, expected)


def test_no_path_is_no_photo() -> None:
    assert list(run_local([], light(), 2, 8)) == []


def test_a_bounded_number_of_photos_is_under_way(pictures: list[str]) -> None:
    pulled = 0

    def paths() -> Iterator[str]:
        nonlocal pulled
        for _ in range(500):
            pulled += 1
            yield pictures[0]

    workers, farthest = 2, 0
    for consumed, _ in enumerate(run_local(paths(), light(), workers, 4)):
        farthest = max(farthest, pulled - consumed)
    assert pulled == 500
    assert farthest <= 10 * workers


def test_while_nobody_takes_records_the_paths_stand_still(pictures: list[str]) -> None:
    pulled = 0
    ahead = threading.Event()

    def paths() -> Iterator[str]:
        nonlocal pulled
        for _ in range(500):
            pulled += 1
            if pulled == 3:
                ahead.set()
            yield pictures[0]

    with closing(run_local(paths(), light(), 1, 1)) as photos:
        next(photos)
        assert ahead.wait(_LONG)  # it works ahead of who takes the records
        for _ in range(200):  # plenty of work for other threads to overtake
            light().analyze([("", encoded(gradient(), "png"))])
        assert pulled <= 10


def test_a_slow_list_of_paths_holds_up_no_finished_photo(pictures: list[str]) -> None:
    taken = threading.Event()

    def paths() -> Iterator[str]:
        for path in pictures:
            yield path
            assert taken.wait(_LONG)
            taken.clear()

    for photo, path in zip(run_local(paths(), light(), 2, 64), pictures, strict=True):
        assert photo.path == path
        taken.set()


def test_an_error_of_the_list_of_paths_comes_after_the_photos_before_it(pictures: list[str]) -> None:
    def paths() -> Iterator[str]:
        yield from pictures[:5]
        raise OSError("the list broke")

    for _ in range(10):
        photos = run_local(paths(), light(), 2, 64)
        assert [next(photos).path for _ in range(5)] == pictures[:5]
        with pytest.raises(OSError, match="the list broke"):
            next(photos)


def test_a_photo_that_the_detector_fails_on_ends_nothing(pictures: list[str]) -> None:
    photos = list(run_local(pictures[:3], light(RaisesInDetectPlugin), 2, 8))
    assert [photo.error for photo in photos] == ["internal: ZeroDivisionError: nothing"] * 3


def test_no_worker_is_left_when_the_run_ends_early(pictures: list[str]) -> None:
    with closing(run_local(pictures * 20, light(), 3, 4)) as photos:
        next(photos)
    for thread in threading.enumerate():
        if thread.name.startswith("fercli"):
            thread.join(_LONG)
            assert not thread.is_alive()


def test_no_worker_is_left_when_the_network_fails(pictures: list[str]) -> None:
    failing = Analyzer(WholePhotoDetector(), Predictor([RaisesInCall()]), 1_000_000)
    with pytest.raises(Exception, match="it would not run"):
        list(run_local(pictures * 20, failing, 3, 4))
    for thread in threading.enumerate():
        if thread.name.startswith("fercli"):
            thread.join(_LONG)
            assert not thread.is_alive()


def test_paths_become_printable(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/not \xff utf-8.png")
    (photo,) = run_local([path], light(), 1, 1)
    assert photo.path == f"{tmp_path}/not \\xff utf-8.png"


def test_at_least_one_core_is_usable() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
