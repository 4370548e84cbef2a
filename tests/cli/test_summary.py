from __future__ import annotations

import os
import pty
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from fercli.records import Box, Face, Photo
from fercli.reports import Format, open_report
from tests.conftest import FERCLI, Run
from tests.terminal import assert_nothing_is_cut, plain, shown


def face(confidence: float) -> Face:
    rest = (1 - confidence) / 6
    return Face(Box(1, 1, 9, 9), 1.0, None, (rest, rest, rest, confidence, rest, rest, rest))


def report(out: Path, photos: list[Photo]) -> Path:
    with open_report(str(out), Format(out.suffix[1:])) as writer:
        for photo in photos:
            writer.write(photo.rows())
    return out


def on_terminal(width: int, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
    """What the program prints to a standard error that is a terminal, once nothing moves any more."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    bare = {
        name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}
    }
    with subprocess.Popen(
        [FERCLI, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
        env={**bare, "TERM": "xterm-256color", **(env or {})},
    ):  # fmt: skip
        os.close(theirs)
        read = b""
        try:
            while part := os.read(ours, 1 << 16):
                read += part
        except OSError:  # the terminal's other end is gone
            pass
    os.close(ours)
    return read.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def photo(samples: Path) -> Path:
    return samples / "group.jpg"


class TestAfterARun:
    def test_shares_as_bars_failures_and_the_rate(self, photo: Path, tmp_path: Path) -> None:
        (tmp_path / "empty.jpg").touch()
        printed = plain(
            on_terminal(80, "predict", photo, tmp_path / "empty.jpg", "--out", tmp_path / "r.csv")
        )
        *_, first, second, failures, rate, last, end = printed.split("\n")
        assert end == ""
        counts = "2 photos: 4 faces, 0 photos without a face, 1 that could not be read"
        assert last == f"{counts}; {tmp_path / 'r.csv'}."
        assert rate.endswith(" photos a second.")
        assert float(rate.split()[0]) < 1000  # the time that the first photos take counts too
        assert failures == "Not read: 1 empty."
        for line, expression in ((first, "happy"), (second, "neutral")):
            name, share, count, bar = line.rsplit("\x1b", 1)[-1].split()
            assert (name[-len(expression) :], share, count) == (expression, "50%", "2")
            assert set(bar) == {"█"}

    @pytest.mark.parametrize("width", [80, 40, 24])
    def test_no_line_is_wider_than_the_terminal(self, photo: Path, tmp_path: Path, width: int) -> None:
        printed = plain(on_terminal(width, "predict", photo, "--out", tmp_path / "r.csv"))
        bars = [line.rpartition("\r")[2] for line in printed.split("\n") if "50%" in line]
        assert len(bars) == 2
        assert all(len(line) <= width for line in bars)

    def test_a_terminal_without_means_gets_words_alone(self, photo: Path, tmp_path: Path) -> None:
        printed = on_terminal(80, "predict", photo, "--out", tmp_path / "r.csv", env={"TERM": "dumb"})
        assert "happy     50%  2\n" in printed
        assert "█" not in printed

    def test_a_terminal_that_shows_ascii_only_gets_ascii(self, photo: Path, tmp_path: Path) -> None:
        printed = on_terminal(
            80, "predict", photo, "-o", tmp_path / "r.csv", env={"PYTHONIOENCODING": "ascii"}
        )
        assert "50%  2  ####" in printed

    def test_its_own_words_are_without_colours(self, photo: Path, tmp_path: Path) -> None:
        printed = on_terminal(80, "predict", photo, "--out", tmp_path / "r.csv", env={"NO_COLOR": "1"})
        after = printed[printed.index("50%") :]
        assert "\x1b" not in after

    def test_quiet_says_nothing(self, photo: Path, tmp_path: Path) -> None:
        assert on_terminal(80, "predict", photo, "--out", tmp_path / "r.csv", "--quiet") == ""

    def test_a_log_gets_the_one_line_alone(self, run: Run, photo: Path, tmp_path: Path) -> None:
        done = run("predict", photo, "--out", tmp_path / "r.csv")
        assert done.stderr.count("\n") == 1


PHOTOS = [
    Photo("b.jpg", (face(0.9), face(0.31)), 10, 10),
    Photo("a b.jpg", (face(0.4),), 10, 10),
    Photo("none.jpg", (), 10, 10),
    Photo("c.jpg", error="empty: The file is empty."),
    Photo("d.jpg", error="missing: There is no such file."),
    Photo("e.jpg", error="empty: The file is empty."),
]


class TestOfAReport:
    @pytest.mark.parametrize("kind", list(Format))
    def test_shares_failures_and_the_least_certain(self, inside: Run, tmp_path: Path, kind: Format) -> None:
        report(tmp_path / f"r.{kind}", PHOTOS)
        done = inside("report", f"r.{kind}", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        lines = [" ".join(line.replace("│", " ").split()) for line in done.stdout.decode().splitlines()]
        assert lines[0] == f"r.{kind}: 6 photos: 3 faces, 1 photo without a face, 3 that could not be read."
        assert "happy 3 100.0% 43.9% 100.0%" in lines
        assert "fear 0 0.0% 0.0% 56.1%" in lines
        assert lines.index("empty 2") < lines.index("missing 1")
        assert lines[-3:] == [
            "31.0% happy, face 1 of b.jpg",
            "40.0% happy, face 0 of 'a b.jpg'",
            "90.0% happy, face 0 of b.jpg",
        ]

    def test_several_one_after_another(self, inside: Run, tmp_path: Path) -> None:
        report(tmp_path / "1.csv", PHOTOS[:1])
        report(tmp_path / "2.csv", PHOTOS[2:])
        printed = inside("report", "1.csv", "2.csv", cwd=tmp_path).stdout.decode()
        assert printed.index("1.csv: 1 photo: 2 faces") < printed.index("2.csv: 4 photos: 0 faces")

    def test_only_the_ten_least_certain_of_many(self, inside: Run, tmp_path: Path) -> None:
        photos = [Photo(f"{n}.jpg", (face(0.3 + (n * 7 % 500) / 1000),), 10, 10) for n in range(500)]
        printed = inside("report", report(tmp_path / "r.jsonl", photos)).stdout.decode()
        least = printed[printed.index("Least certain:\n") :].splitlines()[1:]
        assert [line.split()[0] for line in least] == [f"{30 + n / 10:.1f}%" for n in range(10)]

    def test_the_first_of_equals(self, inside: Run, tmp_path: Path) -> None:
        photos = [Photo(f"{n}.jpg", (face(0.5),), 10, 10) for n in range(50)]
        printed = inside("report", report(tmp_path / "r.jsonl", photos)).stdout.decode()
        least = printed[printed.index("Least certain:\n") :].splitlines()[1:]
        assert [line.split()[-1] for line in least] == [f"{n}.jpg" for n in range(10)]

    def test_in_any_width(self, tmp_path: Path) -> None:
        (printed,) = shown([["report", str(report(tmp_path / "r.csv", PHOTOS))]])
        tables = {
            width: text[text.index("Shares") : text.index("Least certain")]
            for width, text in printed.items()
        }
        assert_nothing_is_cut(tables)

    def test_without_a_photo(self, inside: Run, tmp_path: Path) -> None:
        done = inside("report", report(tmp_path / "r.csv", []))
        assert done.stdout.decode().endswith(
            "r.csv: 0 photos: 0 faces, 0 photos without a face, 0 that could not be read.\n"
        )

    def test_a_broken_report_is_named(self, inside: Run, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("path,face\n1,2\n")
        done = inside("report", "r.csv", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith("fercli: r.csv is not a report of fercli: ")


class TestPictures:
    def test_beside_the_report(self, inside: Run, photo: Path, tmp_path: Path) -> None:
        folders = ("--annotate", tmp_path / "boxes", "--crops", tmp_path / "faces")
        done = inside(
            "predict", photo.parent, "--include", "group.jpg", "--out", tmp_path / "r.csv", *folders
        )
        assert done.returncode == 0
        assert (tmp_path / "boxes" / "group.jpg").is_file()
        assert sorted(path.name for path in (tmp_path / "faces").rglob("*.jpg")) == [
            f"group.jpg.face{number}.jpg" for number in range(4)
        ]
        assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == ["happy", "neutral"]

    def test_what_is_in_the_way_stays_and_the_report_is_whole(
        self, inside: Run, photo: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "group.jpg").write_bytes(photo.read_bytes())
        (tmp_path / "boxes").mkdir()
        (tmp_path / "boxes" / "group.jpg").write_text("mine")
        done = inside("predict", "group.jpg", "--out", "r.csv", "--annotate", "boxes", cwd=tmp_path)
        assert done.returncode == 6
        assert "boxes/group.jpg" in done.stderr
        assert (tmp_path / "boxes" / "group.jpg").read_text() == "mine"
        assert (tmp_path / "r.csv").read_text().count("\n") == 5

    def test_not_among_the_photos(self, inside: Run, photo: Path, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.jpg").write_bytes(photo.read_bytes())
        done = inside("predict", "in", "--out", "r.csv", "--annotate", "in/boxes", cwd=tmp_path)
        assert done.returncode == 2
        assert "in/boxes" in done.stderr
        assert not (tmp_path / "r.csv").exists()
