"""Reports that are gone on with, cut, filled with NULs, read again in part: without photos or models."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fercli import flushing
from fercli.errors import ReportError, UsageError
from fercli.records import Box, Face, Photo
from fercli.reports import GROWING, Format
from fercli.reports import running as reports_running
from fercli.reports.earlier import Earlier, journal
from fercli.reports.reading import read_report, read_settings
from fercli.reports.running import open_running
from fercli.reports.settings import settings_file
from tests.test_settings import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row
    from fercli.reports.settings import Settings

FACE = Face(Box(1.25, 2.0, 30.01, 40.0), 0.5, None, (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
FAILED = "empty: The file is empty."


def result(path: str) -> Photo:
    """What becomes of a path: one, two or no face, or an error, by its first letter."""
    return {
        "o": Photo(path, (FACE,), 99, 99),
        "t": Photo(path, (FACE, FACE), 99, 99),
        "n": Photo(path, (), 99, 99),
        "e": Photo(path, error=FAILED),
    }.get(path[0], Photo(path, (FACE,), 99, 99))


def mended(path: str) -> Photo:
    """As `result`, once whatever could not be read can be."""
    return replace(result(path), error=None)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs need not wait for it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class Going:
    """One run into a report after another, each as `fercli predict` makes it."""

    def __init__(self, out: Path, kind: Format) -> None:
        self.out, self.kind = str(out), kind
        self.earlier: Earlier | None = None

    def run(
        self,
        paths: Iterable[str],
        *,
        resume: bool = False,
        retry: bool = False,
        told: Settings = USUAL,
        read: object = result,
        stop_after: int | None = None,
    ) -> list[list[Row]]:
        """The report afterwards; the run is interrupted after so many photos."""
        self.earlier = Earlier(self.out, self.kind, retry_errors=retry) if resume or retry else None
        told = told if self.earlier is None else self.earlier.go_on_with(told)
        to_do = paths if self.earlier is None else self.earlier.not_done(paths)
        try:
            with open_running(self.out, self.kind, self.earlier, told) as writer:
                for number, path in enumerate(to_do):
                    if number == stop_after:
                        raise KeyboardInterrupt  # noqa: TRY301 - as a signal does
                    writer.write(read(path).rows())  # type: ignore[operator]
        except KeyboardInterrupt:
            return []
        return self.rows()

    def rows(self) -> list[list[Row]]:
        return list(read_report(self.out, self.kind))

    @property
    def growing(self) -> Path:
        """What grows while a run lasts that begins with nothing."""
        return Path(self.out if self.kind in GROWING else journal(self.out, self.kind)[0])


@pytest.fixture(params=list(Format))
def going(request: pytest.FixtureRequest, tmp_path: Path) -> Going:
    return Going(tmp_path / f"r.{request.param}", request.param)


PATHS = ["one", "two", "=odd", "none", "error", 'n,"\n.jpg', "one", "tight"]


def expected(paths: Iterable[str], read: object = result) -> list[list[Row]]:
    return [list(read(path).rows()) for path in paths]  # type: ignore[operator]


def same(rows: list[list[Row]], paths: Iterable[str], read: object = result) -> bool:
    """Whether the rows are those of the paths, as any format has them."""
    wanted = expected(paths, read)
    for photo in [*rows, *wanted]:
        for row in photo:
            row["path"] = str(row["path"]).removeprefix("./")
    return rows == wanted


def lines(going: Going) -> bytes:
    """What a run over all paths writes to what grows."""
    going.run(PATHS, stop_after=len(PATHS) - 1)
    before = going.growing.read_bytes()
    with open_running(going.out, going.kind, None, USUAL) as writer:
        for path in PATHS:
            writer.write(result(path).rows())
        whole = going.growing.read_bytes()
    assert whole.startswith(before)
    return whole


def test_a_report_cut_at_every_byte_is_gone_on_with(going: Going) -> None:
    whole = lines(going)
    # Of a journal, which is one of these two, a part is enough.
    for end in range(0, len(whole) + 1, 1 if going.kind in GROWING else 41):
        Path(going.out).unlink(missing_ok=True)
        going.growing.write_bytes(whole[:end])
        assert same(going.run(PATHS, resume=True), PATHS), end
        assert going.earlier is not None
        assert not going.earlier.has_changed
        assert going.earlier.tally.total() >= 0


@pytest.mark.parametrize("page", [1, 4096])
def test_nuls_that_a_power_cut_leaves_are_cut_off(going: Going, page: int) -> None:
    whole = lines(going)
    for start in range(0 if page > len(whole) else whole.index(b"\n") + 1, len(whole), 137):
        Path(going.out).unlink(missing_ok=True)
        going.growing.write_bytes(whole[:start] + bytes(page) + whole[start + page :])
        assert same(going.run(PATHS, resume=True), PATHS), start


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.integers(0, len(PATHS)), max_size=4))
def test_however_often_it_is_interrupted(going: Going, stops: list[int]) -> None:
    for path in (Path(going.out), going.growing):
        path.unlink(missing_ok=True)
    for stop in stops:
        going.run(PATHS, resume=True, stop_after=stop)
    assert same(going.run(PATHS, resume=True), PATHS)


class TestOtherPhotos:
    def test_what_is_done_stays_and_what_is_new_is_added(self, going: Going) -> None:
        going.run(["one", "two", "error"])
        rows = going.run(["new", "two", "none"], resume=True)
        assert same(rows, ["one", "two", "error", "new", "none"])
        assert going.earlier is not None
        assert going.earlier.has_changed

    def test_the_last_one_is_not_lost_where_it_is_not_given_again(self, going: Going) -> None:
        going.run(["one", "two"])
        assert same(going.run(["new"], resume=True), ["one", "two", "new"])
        assert same(going.run([], resume=True), ["one", "two", "new"])

    def test_more_photos_at_the_end_are_no_others(self, going: Going) -> None:
        going.run(["one", "two"])
        assert same(going.run(["one", "two", "none"], resume=True), ["one", "two", "none"])
        assert going.earlier is not None
        assert not going.earlier.has_changed


class TestErrorsAgain:
    PATHS = ("error 1", "two", "error 2", "one", "error 1", "none")

    def test_they_are_read_again_in_their_place(self, going: Going) -> None:
        going.run(self.PATHS)
        assert same(going.run(self.PATHS, retry=True, read=mended), self.PATHS, mended)
        assert going.earlier is not None
        assert (going.earlier.tally["error"], going.earlier.tally["faces"]) == (0, 3)

    def test_those_that_are_not_given_stay(self, going: Going) -> None:
        going.run(self.PATHS)
        rows = going.run(["error 2", "new"], retry=True, read=mended)
        wanted = [*expected(self.PATHS[:2]), *expected(["error 2"], mended)]
        assert rows == [*wanted, *expected(self.PATHS[3:]), *expected(["new"])]

    @pytest.mark.parametrize("stop", range(5))
    def test_an_interruption_loses_nothing(self, going: Going, stop: int) -> None:
        going.run(self.PATHS)
        going.run(self.PATHS, retry=True, read=mended, stop_after=stop)
        assert same(going.run(self.PATHS, retry=True, read=mended), self.PATHS, mended)

    def test_after_an_interrupted_run(self, going: Going) -> None:
        going.run(self.PATHS, stop_after=4)
        assert same(going.run(self.PATHS, retry=True, read=mended), self.PATHS, mended)

    def test_few_wait_in_memory(self, going: Going, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reports_running, "_HELD", 2)
        going.run(self.PATHS)
        assert same(going.run(self.PATHS, retry=True, read=mended), self.PATHS, mended)


class TestSettings:
    def test_they_are_kept_with_the_report(self, going: Going) -> None:
        going.run(PATHS)
        assert read_settings(going.out) == USUAL
        assert settings_file(going.out).exists() == (going.kind is not Format.PARQUET)
        assert not settings_file(journal(going.out, going.kind)[0]).exists()

    @pytest.mark.parametrize("stop_after", [3, None])
    def test_other_ones_are_refused(self, going: Going, stop_after: int | None) -> None:
        going.run(PATHS, stop_after=stop_after)
        with pytest.raises(UsageError, match="was started with other settings: --min-face 40, now 60"):
            going.run(PATHS, resume=True, told=replace(USUAL, min_face="60"))
        assert same(going.run(PATHS, resume=True), PATHS)

    @pytest.mark.parametrize("stop_after", [3, None])
    def test_those_of_a_report_that_another_has_replaced_count_for_nothing(
        self, going: Going, tmp_path: Path, stop_after: int | None
    ) -> None:
        going.run(PATHS)
        other = Going(tmp_path / f"other.{going.kind}", going.kind)
        told = replace(USUAL, min_face="60")
        other.run(["two", *PATHS[2:]], told=told, stop_after=stop_after)
        if other.growing.exists():
            other.growing.replace(going.growing)
        else:
            Path(other.out).replace(going.out)
        assert read_settings(str(going.growing), Format.JSONL) in {None, told}
        assert going.run(PATHS, resume=True, told=told)

    def test_a_copy_keeps_them(self, going: Going, tmp_path: Path) -> None:
        going.run(PATHS)
        copy = Path(shutil.copytree(tmp_path, tmp_path / "copy")) / Path(going.out).name
        assert read_settings(str(copy)) == USUAL
        with pytest.raises(UsageError, match="--min-face 40, now 60"):
            Going(copy, going.kind).run(PATHS, resume=True, told=replace(USUAL, min_face="60"))

    def test_a_report_without_a_photo_has_none_to_keep(self, going: Going) -> None:
        going.run(PATHS, stop_after=0)
        other = replace(USUAL, min_face="60")
        assert same(going.run(PATHS, resume=True, told=other), PATHS)
        assert read_settings(going.out) == other

    def test_another_shard_is_no_longer_one_of_them(self, going: Going) -> None:
        going.run(PATHS[:3], told=replace(USUAL, shard="1/2"))
        going.run(PATHS, resume=True, told=replace(USUAL, shard="2/2"))
        settings_now = read_settings(going.out)
        assert settings_now is not None
        assert settings_now.shard == ""


class TestAnOlderReport:
    @pytest.mark.parametrize("older", [["one", "two"], ["none"]])  # the second is a single row
    def test_stays_until_the_new_one_is_whole(self, going: Going, older: list[str]) -> None:
        going.run(older)
        going.run(PATHS, told=replace(USUAL, tta=True), stop_after=3)
        assert same(going.rows(), older)
        assert read_settings(going.out) == USUAL
        with pytest.raises(UsageError, match="--tta on, now off"):
            going.run(PATHS, resume=True)
        assert same(going.run(PATHS, resume=True, told=replace(USUAL, tta=True)), PATHS)
        names = {path.name for path in Path(going.out).parent.iterdir()}
        assert names <= {Path(going.out).name, settings_file(going.out).name}

    def test_that_a_program_has_saved_again_is_gone_on_with(self, tmp_path: Path) -> None:
        going = Going(tmp_path / "r.csv", Format.CSV)
        going.run(PATHS[:4])
        text = Path(going.out).read_bytes()
        Path(going.out).write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
        assert same(going.run(PATHS, resume=True), PATHS)


class TestPowerCuts:
    """What a power cut leaves is what was flushed to the disk."""

    def test_rows_reach_the_disk_while_the_run_goes_on(
        self, going: Going, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flushing, "_SECONDS_OF_ROWS", 0.001)
        flushed = disk(monkeypatch)
        with open_running(going.out, going.kind, None, USUAL) as writer:
            writer.write(result("one").rows())
            size = going.growing.stat().st_size
            flushed.wait_for(going.growing, size)
            writer.write(result("two").rows())

    def test_all_rows_are_on_the_disk_before_the_run_ends(
        self, going: Going, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed = disk(monkeypatch)
        going.run(PATHS, stop_after=3)
        flushed.wait_for(going.growing, going.growing.stat().st_size)
        assert same(going.run(PATHS, resume=True), PATHS)
        flushed.wait_for(Path(going.out), Path(going.out).stat().st_size)

    def test_a_disk_that_loses_rows_is_an_error(
        self, going: Going, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(_: int) -> None:
            if threading.current_thread() is not threading.main_thread():
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fails)
            with pytest.raises(ReportError, match="Input/output error"):
                going.run(PATHS)
        assert same(going.run(PATHS, resume=True), PATHS)


class Disk:
    """How much of each file the system was asked to keep, by the file's number."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._changed = threading.Condition()

    def add(self, status: os.stat_result) -> None:
        with self._changed:
            self._sizes[status.st_ino] = max(status.st_size, self._sizes.get(status.st_ino, 0))
            self._changed.notify_all()

    def wait_for(self, path: Path, size: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._sizes.get(path.stat().st_ino, -1) >= size, 60)


def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    kept = Disk()

    def noticed(number: int) -> None:
        kept.add(os.fstat(number))

    monkeypatch.setattr(os, "fsync", noticed)
    return kept
