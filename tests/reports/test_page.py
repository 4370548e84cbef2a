from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from itertools import chain
from pathlib import Path
from urllib.parse import unquote_to_bytes

import cv2
import numpy as np
import pytest

from fercli.records import EXPRESSIONS, Box, Face, Photo
from fercli.reports import Format, open_report
from fercli.reports.html.writer import HtmlWriter
from fercli.reports.output import open_appearing
from fercli.reports.reading import read_report
from fercli.reports.settings import Model, Settings
from tests.conftest import Run
from tests.reports.pages import Page

HAPPY = (0.01, 0.01, 0.01, 0.9, 0.01, 0.01, 0.05)
UNSURE = (0.2, 0.19, 0.15, 0.13, 0.12, 0.11, 0.1)
HOSTILE = (
    "</script><script>alert(1)</script>.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    '"onmouseover="alert(1)".jpg',
    "<!--<script>.jpg",
    "]]>&amp;&lt;.jpg",
    "two\nlines\r\u2028\u2029\x85.jpg",
    "\u202egnp.exe",
    "שלום.jpg",
    "javascript:alert(1)",
    "//elsewhere.example/a.jpg",
    "a#b?c%41.jpg",
)
LEFT, RIGHT = (200, 40, 40), (40, 40, 200)
"""Red and blue, RGB."""


def face(x1: float, y1: float, x2: float, y2: float, shares: tuple[float, ...] = HAPPY) -> Face:
    return Face(Box(x1, y1, x2, y2), 0.99, None, shares)


def page_of(out: Path, photos: list[Photo]) -> Page:
    with open_report(str(out), Format.HTML) as writer:
        for photo in photos:
            writer.write(photo.rows())
    return Page(out)


def two_colours(path: Path, width: int = 400, height: int = 200) -> Path:
    """A photo whose left half is of one colour, and whose right half of another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = np.full((height, width, 3), LEFT, np.uint8)
    rgb[:, width // 2 :] = RIGHT
    # Encoded in memory: OpenCV opens no file whose name is not of its own code page.
    path.write_bytes(cv2.imencode(".png", rgb[:, :, ::-1])[1].tobytes())
    return path


def colour(crop: str) -> tuple[int, int, int]:
    bgr = cv2.imdecode(np.frombuffer(b64decode(crop), np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    blue, green, red = bgr.reshape(-1, 3).mean(axis=0)
    return round(red), round(green), round(blue)


def made_with(name: str) -> Settings:
    return Settings("1.2.3", (Model(name, "0" * 64),), name, name, name, name, name, name, name, tta=True)


class TestWhatMayRun:
    def test_only_its_own_style_and_script_which_the_policy_knows_by_checksum(self, tmp_path: Path) -> None:
        page = page_of(tmp_path / "p.html", [Photo(name, (face(1, 1, 9, 9),), 10, 10) for name in HOSTILE])
        policies = [
            has["content"] for name, has, _ in page.elements
            if name == "meta" and has.get("http-equiv") == "Content-Security-Policy"
        ]  # fmt: skip
        (script,) = page.texts("script", type="module")
        (style,) = page.texts("style")
        (policy,) = policies
        assert policy is not None
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert (
            rules["script-src"]
            == f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        )
        assert (
            rules["style-src"] == f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        )
        assert not {"http:", "https:", "*", "'unsafe-inline'", "'unsafe-eval'"} & set(
            policy.replace(";", "").split()
        )
        # The policy comes before whatever it is about.
        names = [name for name, _, _ in page.elements]
        assert names.index("meta") < names.index("style") < names.index("script")

    def test_all_else_is_data(self, tmp_path: Path) -> None:
        page = page_of(tmp_path / "p.html", [Photo(name, error=f"missing: {name}") for name in HOSTILE])
        kinds = [has.get("type") for name, has, _ in page.elements if name == "script"]
        assert set(kinds) == {"application/json", "text/plain", "module"}
        assert kinds.count("module") == 1

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_name_comes_back_as_it_is_and_makes_no_element(self, tmp_path: Path, name: str) -> None:
        plain = page_of(tmp_path / "plain.html", [Photo("a.jpg", (face(1, 1, 9, 9),), 10, 10)])
        page = page_of(tmp_path / "p.html", [Photo(name, (face(1, 1, 9, 9),), 10, 10)])
        assert page.columns["path"] == [name]
        assert [(tag, has) for tag, has, _ in page.elements] == [
            (tag, has) for tag, has, _ in plain.elements
        ]
        assert (tmp_path / "p.html").read_bytes().count(b"\n") == (
            tmp_path / "plain.html"
        ).read_bytes().count(b"\n")

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_report_with_such_a_name_makes_no_element(self, tmp_path: Path, name: str) -> None:
        for out, called in (("plain.html", "a.csv"), ("p.html", name)):
            with open_appearing(str(tmp_path / out)) as file:
                writer = HtmlWriter(file, str(tmp_path / out))
                for report in (called, called):
                    writer.begin(report, made_with(called))
                    writer.write(Photo("a.jpg", error=f"{called}: x").rows())
                writer.finish()
        plain, page = Page(tmp_path / "plain.html"), Page(tmp_path / "p.html")
        assert [tag for tag, _, _ in page.elements] == [tag for tag, _, _ in plain.elements]
        assert len(page.texts("script", type="module")) == 1

    def test_nothing_stands_for_an_address_elsewhere(self, tmp_path: Path) -> None:
        page = page_of(tmp_path / "p.html", [Photo("a.jpg", (face(1, 1, 9, 9),), 10, 10)])
        addresses = [
            has[name] for _, has, _ in page.elements for name in ("src", "href", "action") if name in has
        ]
        assert addresses == ["#faces"]
        handlers = [
            name for _, has, _ in page.elements for name in has if name.startswith("on") or name == "style"
        ]
        assert not handlers


class TestFaces:
    def test_each_is_cut_from_its_photo(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        two_colours(tmp_path / "in" / "a.png")
        faces = (face(20, 60, 80, 120), face(320, 60, 380, 120))
        page = page_of(
            Path("p.html"), [Photo("in/a.png", faces, 400, 200), Photo("gone.png", faces[:1], 9, 9)]
        )
        left, right, gone = page.crops
        assert np.allclose(colour(left), LEFT, atol=12)
        assert np.allclose(colour(right), RIGHT, atol=12)
        assert gone == ""
        assert page.columns["width"] == [400, 400, None]
        assert page.columns["height"] == [200, 200, None]

    def test_many_in_blocks_stay_with_their_rows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        two_colours(tmp_path / "a.png")
        pair = (face(20, 60, 80, 120), face(320, 60, 380, 120))
        photos = [Photo("a.png", pair[n % 2 : n % 2 + 1], 400, 200) for n in range(700)]
        page = page_of(tmp_path / "p.html", photos)
        assert len(page.texts("script", class_="rows")) > 1
        for x1, crop in list(zip(page.columns["x1"], page.crops, strict=True))[::35]:
            assert np.allclose(colour(crop), LEFT if x1 == 20 else RIGHT, atol=12)

    @pytest.mark.parametrize(
        "box", [(0, 0, 400, 200), (-50, -50, 20, 20), (0, 0, 400, 2), (399, 199, 400, 200), (5, 5, 5, 5)]
    )
    def test_a_face_of_any_size_and_place_has_a_picture(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: tuple[int, int, int, int]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        two_colours(tmp_path / "a.png")
        (crop,) = page_of(tmp_path / "p.html", [Photo("a.png", (face(*box),), 400, 200)]).crops
        bgr = cv2.imdecode(np.frombuffer(b64decode(crop), np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None
        assert bgr.shape[0] == bgr.shape[1] <= 96

    def test_a_photo_that_is_no_picture_any_more_leaves_its_place_empty(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a.png").write_bytes(b"changed since")
        page = page_of(tmp_path / "p.html", [Photo("a.png", (face(1, 1, 9, 9),), 10, 10)])
        assert (page.crops, page.columns["link"]) == ([""], ["./a.png"])


class TestLinks:
    @pytest.mark.parametrize(
        "name", [*HOSTILE[1:6], "שלום.png", "a b.png", "100%.png", "a#b?c.png", "~x.png"]
    )
    def test_a_link_leads_to_the_file_from_where_the_page_lies(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        name = name.replace("/", "")
        two_colours(tmp_path / "in" / name)
        (tmp_path / "out" / "deep").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "out")
        out = Path("deep", "p.html")
        (link,) = page_of(out, [Photo(f"../in/{name}", (face(1, 1, 9, 9),), 400, 200)]).columns["link"]
        assert link.startswith("../../in/")
        assert link.isascii()
        assert not set(link) & set("<>\"'?#\n ")
        found = out.parent / os.fsdecode(unquote_to_bytes(link))
        assert found.samefile(tmp_path / "in" / name)

    def test_a_page_in_a_store_has_faces_and_no_links(self, tmp_path: Path) -> None:
        photo = Photo(str(two_colours(tmp_path / "a.png")), (face(1, 1, 9, 9),), 400, 200)
        with open_appearing(str(tmp_path / "p.html")) as file:
            writer = HtmlWriter(file, "s3://bucket/reports/p.html")
            writer.write(photo.rows())
            writer.finish()
        page = Page(tmp_path / "p.html")
        assert page.columns["link"] == [None]
        assert colour(page.crops[0]) == pytest.approx(LEFT, abs=8)

    def test_a_name_that_is_not_utf_8(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path(os.fsdecode(b"caf\xe9.png")).write_bytes(two_colours(tmp_path / "a.png").read_bytes())
        page = page_of(tmp_path / "p.html", [Photo(r"caf\xe9.png", (face(20, 60, 80, 120),), 400, 200)])
        assert page.columns["link"] == ["./caf%E9.png"]
        assert np.allclose(colour(page.crops[0]), LEFT, atol=12)

    def test_a_photo_of_a_name_that_no_file_can_have(self, tmp_path: Path) -> None:
        page = page_of(
            tmp_path / "p.html", [Photo("a\0b.jpg", error="unreadable: No file can have such a name.")]
        )
        assert page.columns["link"] == [None]

    def test_a_file_url(self, tmp_path: Path) -> None:
        place = two_colours(tmp_path / "a b.png")
        page = page_of(tmp_path / "p.html", [Photo(place.as_uri(), (face(1, 1, 9, 9),), 400, 200)])
        assert page.columns["link"] == ["./a%20b.png"]


def numbers(page: Page) -> list[str]:
    return page.texts("td", class_="number")


class TestSummary:
    def test_counts_shares_and_intervals(self, tmp_path: Path) -> None:
        photos = [
            Photo("a.jpg", (face(1, 1, 9, 9), face(1, 1, 9, 9), face(1, 1, 9, 9, UNSURE)), 10, 10),
            Photo("b.jpg", (face(1, 1, 9, 9),), 10, 10),
            Photo("c.jpg", (), 10, 10),
            Photo("d.jpg", error="missing: There is no such file."),
            Photo("e.jpg", error="missing: There is no such file."),
            Photo("f.jpg", error="empty: The file is empty."),
        ]
        page = page_of(tmp_path / "p.html", photos)
        assert numbers(page)[:6] == ["6", "4", "1", "3", "1", "2"]
        angry, happy = (numbers(page)[6 + 3 * EXPRESSIONS.index(name) :][:3] for name in ("angry", "happy"))
        assert angry == ["1", "25.0%", "4.6 to 69.9%"]  # Wilson's, worked out elsewhere
        assert happy == ["3", "75.0%", "30.1 to 95.4%"]

    def test_without_a_face_or_a_photo(self, tmp_path: Path) -> None:
        assert numbers(page_of(tmp_path / "p.html", [])) == ["0", "0", "0", "0"]
        assert numbers(page_of(tmp_path / "q.html", [Photo("a", (), 1, 1)])) == ["1", "0", "1", "0"]

    def test_expressions_can_be_told_from_one_another_by_words_alone(self, tmp_path: Path) -> None:
        page = page_of(tmp_path / "p.html", [Photo("a.jpg", (face(1, 1, 9, 9),), 10, 10)])
        values = [has["value"] for name, has, _ in page.elements if has.get("name") == "expression"]
        assert values == list(EXPRESSIONS)


class TestWhatMadeIt:
    def test_model_runtime_and_settings(self, tmp_path: Path) -> None:
        settings = Settings(
            "1.2.3", (Model("residual", "ab" * 32), Model("article", "cd" * 32)), "onnx",
            "onnxruntime 1.22", "CPU", "float32", "mtcnn", "40", "0.9", tta=False, shard="2/4",
        )  # fmt: skip
        with open_appearing(str(tmp_path / "p.html")) as file:
            HtmlWriter(file, str(tmp_path / "p.html"), settings).finish()
        page = Page(tmp_path / "p.html")
        assert dict(zip(page.texts("dt"), page.texts("dd"), strict=True)) == {
            "Model": "residual (sha256 abababababab), article (sha256 cdcdcdcdcdcd)",
            "Backend": "onnx (onnxruntime 1.22, CPU, float32)",
            "Detector": "mtcnn, smallest face 40, lowest score 0.9",
            "Mirror images": "not read",
            "Part of the photos": "2/4",
            "fercli": "1.2.3",
        }

    def test_a_report_that_does_not_tell(self, tmp_path: Path) -> None:
        page = page_of(tmp_path / "p.html", [])
        assert page.texts("dd") == ["The report does not say how it was made."]


PHOTOS = [
    Photo("a.jpg", (face(1.25, 1, 9, 9), face(1, 1, 9, 9, UNSURE)), 10, 10),
    Photo("b.jpg", (), 10, 10),
    Photo("c.jpg", error="empty: The file is empty."),
]


class TestCommand:
    @pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet", "html"])
    def test_of_a_report_in_any_format(self, inside: Run, tmp_path: Path, kind: str) -> None:
        with open_report(str(tmp_path / f"r.{kind}"), Format(kind)) as writer:
            for photo in PHOTOS:
                writer.write(photo.rows())
        done = inside("report", f"r.{kind}", "--out", "page.html", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, b"")
        assert done.stderr == "3 photos of 1 report; page.html.\n"
        rows = [list(photo.rows()) for photo in PHOTOS]
        assert list(read_report(str(tmp_path / "page.html"))) == rows
        columns = Page(tmp_path / "page.html").columns
        assert [columns[name] for name in ("path", "confidence", "error")] == [
            [row[name] for row in chain(*rows)] for name in ("path", "confidence", "error")
        ]

    def test_several_side_by_side(self, inside: Run, tmp_path: Path) -> None:
        for name, photos in (("1.csv", PHOTOS), ("2.jsonl", PHOTOS[:1])):
            with open_report(str(tmp_path / name), Format(name[2:])) as writer:
                for photo in photos:
                    writer.write(photo.rows())
        done = inside("report", "1.csv", "2.jsonl", "--out", "page.html", cwd=tmp_path)
        assert done.stderr == "4 photos of 2 reports; page.html.\n"
        page = Page(tmp_path / "page.html")
        assert page.columns["report"] == [0, 0, 0, 0, 1, 1]
        assert numbers(page)[:8] == ["3", "1", "2", "2", "1", "0", "1", "0"]

    def test_paths_may_be_relative_to_the_report(self, inside: Run, tmp_path: Path) -> None:
        two_colours(tmp_path / "there" / "a.png")
        with open_report(str(tmp_path / "there" / "r.csv"), Format.CSV) as writer:
            writer.write(Photo("a.png", (face(20, 60, 80, 120),), 400, 200).rows())
        assert inside("report", "there/r.csv", "--out", "page.html", cwd=tmp_path).returncode == 0
        page = Page(tmp_path / "page.html")
        assert page.columns["link"] == ["./there/a.png"]
        assert np.allclose(colour(page.crops[0]), LEFT, atol=12)

    def test_to_standard_output(self, inside: Run, tmp_path: Path) -> None:
        with open_report(str(tmp_path / "r.csv"), Format.CSV) as writer:
            writer.write(PHOTOS[0].rows())
        done = inside("report", "r.csv", "--out", "-", "--quiet", cwd=tmp_path)
        (tmp_path / "page.html").write_bytes(done.stdout)
        assert list(read_report(str(tmp_path / "page.html"))) == [list(PHOTOS[0].rows())]

    @pytest.mark.parametrize("out", ["r.csv", "page.txt", "other.csv"])
    def test_a_page_in_no_other_place(self, inside: Run, tmp_path: Path, out: str) -> None:
        with open_report(str(tmp_path / "r.csv"), Format.CSV) as writer:
            writer.write(PHOTOS[0].rows())
        before = (tmp_path / "r.csv").read_bytes()
        assert inside("report", "r.csv", "--out", out, cwd=tmp_path).returncode == 2
        assert (tmp_path / "r.csv").read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv"]

    def test_a_page_of_somebody_else_is_not_replaced(self, inside: Run, tmp_path: Path) -> None:
        with open_report(str(tmp_path / "r.csv"), Format.CSV) as writer:
            writer.write(PHOTOS[0].rows())
        (tmp_path / "page.html").write_text("<!doctype html><title>my own</title>")
        done = inside("report", "r.csv", "--out", "page.html", cwd=tmp_path)
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "fercli: page.html exists and is not a report of fercli.",
        )
        assert (tmp_path / "page.html").read_text() == "<!doctype html><title>my own</title>"

    def test_a_broken_report_leaves_an_earlier_page_as_it_is(self, inside: Run, tmp_path: Path) -> None:
        page_of(tmp_path / "page.html", PHOTOS)
        before = (tmp_path / "page.html").read_bytes()
        (tmp_path / "r.csv").write_text("path,face\n1,2\n")
        assert inside("report", "r.csv", "--out", "page.html", cwd=tmp_path).returncode == 2
        assert (tmp_path / "page.html").read_bytes() == before
