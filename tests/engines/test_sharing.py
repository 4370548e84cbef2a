"""Workers that share little memory: what waits for what, and what is given back."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fercli.engines.local import run_local
from fercli.engines.memory import BYTES_A_PIXEL, Memory
from fercli.engines.worker import SMALL_FILE
from fercli.errors import MemoryShortageError
from fercli.whole_photo import WholePhotoDetector
from tests.corpus import encoded, gradient, noise
from tests.engines.detectors import LARGE, Meeting, NoMemory, NoMemoryInLoad
from tests.faulty_plugins.detectors import ByWidthPlugin
from tests.servers import Answer, Web
from tests.test_engine import LIGHT, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from fercli.records import Photo

TIGHT = Memory(1, swap=1 << 40)
"""So little that every photo has it to itself, and so much swap that every photo may be read."""


def written(folder: Path, *sizes: tuple[int, int]) -> list[str]:
    """Paths of pictures of these widths and heights."""
    paths = [folder / f"{number}.png" for number in range(len(sizes))]
    for path, (width, height) in zip(paths, sizes, strict=True):
        path.write_bytes(encoded(gradient(width, height), "png"))
    return [str(path) for path in paths]


def test_large_photos_wait_for_each_other_and_small_ones_go_on(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        os.mkfifo(tmp_path / f"door{number}")
    paths = written(tmp_path, (LARGE, 201), (LARGE, 302), (10, 11), (LARGE, 253), (10, 12), (10, 13))
    room = Memory(2 * LARGE * 320 * BYTES_A_PIXEL)  # for pixels the half
    # A worker each: the large one whose turn comes first may need any of the small ones.
    with working(partial(Meeting, tmp_path), 6, memory=room) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    assert [(photo.path, photo.error) for photo in photos] == [(path, None) for path in paths]


@pytest.mark.parametrize("count", [1, 3])
def test_photos_that_need_more_than_there_is_go_one_by_one(tmp_path: Path, count: int) -> None:
    paths = written(tmp_path, *((20 + number, 30) for number in range(12)))
    with working(count=count, memory=TIGHT) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    assert [(photo.path, photo.width) for photo in photos] == [(p, 20 + n) for n, p in enumerate(paths)]


def test_files_wait_for_each_other_too_before_they_are_read(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.bmp") for number in range(2)]
    for path in paths:
        Path(path).write_bytes(encoded(noise(1400, 1200), "bmp"))
        assert Path(path).stat().st_size > SMALL_FILE
    with working(count=3, memory=TIGHT) as workers:
        photos = list(run_local([*paths, *paths], workers, LIGHT, 4))
    assert [(photo.error, photo.width) for photo in photos] == [(None, 1400)] * 4


def test_what_is_read_ahead_waits_too_and_for_no_worker_that_waits_for_it(
    tmp_path: Path, web: tuple[Web, str]
) -> None:
    server, address = web
    large, small = encoded(noise(1400, 1200), "bmp"), encoded(gradient(30, 20), "png")
    (tmp_path / "large.bmp").write_bytes(large)
    paths = []
    for number in range(4):
        server.answers[f"/{number}.bmp"] = [Answer(large)]
        server.answers[f"/{number}.png"] = [Answer(small)]
        paths += [f"{address}/{number}.bmp", str(tmp_path / "large.bmp"), f"{address}/{number}.png"]
    with working(count=1, memory=TIGHT) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    assert [(photo.path, photo.error, photo.width) for photo in photos] == [
        (path, None, 30 if path.endswith("png") else 1400) for path in paths
    ]


@pytest.mark.parametrize("width", [ByWidthPlugin.CRASHES, ByWidthPlugin.HANGS])
def test_a_worker_that_is_replaced_gives_back_what_it_held(tmp_path: Path, width: int) -> None:
    paths = written(tmp_path, (30, 20), (width, 20), (31, 20), (width, 20), (32, 20), (33, 20))
    with working(ByWidthPlugin, timeout=2, memory=TIGHT) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    assert [photo.error is None for photo in photos] == [True, False, True, False, True, True]


def test_waiting_for_others_is_no_part_of_the_time_a_photo_may_take(tmp_path: Path) -> None:
    paths = written(tmp_path, (ByWidthPlugin.HANGS, 20), (ByWidthPlugin.HANGS, 20), (31, 20))
    with working(ByWidthPlugin, 3, timeout=1, memory=TIGHT) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    assert photos[2].error is None  # it waited for both, longer than a photo may take


def test_a_run_that_ends_while_photos_wait_leaves_no_thread(tmp_path: Path) -> None:
    paths = written(tmp_path, (30, 20), (ByWidthPlugin.HANGS, 20), (31, 20), (32, 20), (33, 20))
    with (
        working(ByWidthPlugin, 3, timeout=2, memory=TIGHT) as workers,
        closing(run_local(paths, workers, LIGHT, 1)) as photos,
    ):
        next(photos)
    for thread in threading.enumerate():
        if thread.name.startswith("fercli"):
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[Memory], Photo]:
    """What becomes of a photo of 40,000 pixels."""

    def read(memory: Memory) -> Photo:
        with working(WholePhotoDetector, 1, memory=memory) as workers:
            (photo,) = run_local(written(tmp_path, (200, 200)), workers, LIGHT, 4)
        return photo

    return read


def test_a_photo_for_which_there_is_not_enough_memory_is_too_large(
    alone: Callable[[Memory], Photo],
) -> None:
    error = alone(Memory(250_000, swap=100_000)).error
    assert error == "too-large: Its 40000 pixels take about 0.5 MB of memory, and there are 0.3 MB."
    assert alone(Memory(250_000, swap=300_000)).error is None


def test_memory_that_runs_out_amid_a_photo_costs_that_photo(tmp_path: Path) -> None:
    paths = written(tmp_path, (20, 20), (21, 20))
    with working(NoMemory) as workers:
        photos = list(run_local(paths, workers, LIGHT, 4))
    error = "too-large: It does not fit into the memory that is left; try fewer --workers."
    assert [photo.error for photo in photos] == [error] * 2


def test_a_detector_that_memory_does_not_suffice_for_is_said_so() -> None:
    with working(NoMemoryInLoad) as workers, pytest.raises(MemoryShortageError, match="not enough memory"):  # type: ignore[arg-type]
        workers.describe()
