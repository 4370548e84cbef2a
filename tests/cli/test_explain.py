import csv
import io
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fercli.bundle import load_bundle
from fercli.cli.commands import app
from fercli.records import EXPRESSIONS
from fercli.sample_faces import sample_faces
from fercli_training.explanation import explain as explanation
from tests.conftest import Run

PHOTO = "astronaut-eileen-collins.jpg"


def explain(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture


def draw(photo: Path, folder: Path, *arguments: str) -> None:
    """A page, and the filters unless there are arguments."""
    others = arguments or ("--filters", str(folder / "filters.png"))
    result = explain(photo, "-o", folder / "page.png", *others)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def drawn(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw(samples / PHOTO, folder)
    return folder


def test_a_page_and_the_filters_are_drawn_the_same_on_every_call(
    drawn: Path, samples: Path, tmp_path: Path
) -> None:
    draw(samples / PHOTO, tmp_path)
    for name in ("page.png", "filters.png"):
        first, second = read(drawn / name), read(tmp_path / name)
        assert min(first.shape[:2]) > 500
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(read(drawn / "page.png"), read(drawn / "filters.png"))


@pytest.mark.parametrize(
    "arguments",
    [["--expression", "fear"], ["--detector", "none"], ["--model", "article"]],
    ids=lambda value: value[0],
)
def test_options_change_the_page(arguments: list[str], drawn: Path, samples: Path, tmp_path: Path) -> None:
    draw(samples / PHOTO, tmp_path, *arguments)
    plain, other = read(drawn / "page.png"), read(tmp_path / "page.png")
    assert plain.shape != other.shape or not np.array_equal(plain, other)


@pytest.mark.parametrize(
    "name", ["$5_{to}_$9.jpg", "\U0001f600 \u7167.jpg", "new\nline\x1b.jpg", "half \udcff.jpg"]
)
def test_the_page_takes_any_name_for_its_title(name: str, samples: Path, tmp_path: Path) -> None:
    try:
        shutil.copy(samples / PHOTO, tmp_path / name)
    except OSError:
        pytest.skip("This file system has no such names.")
    draw(tmp_path / name, tmp_path, "--detector", "none")
    assert min(read(tmp_path / "page.png").shape[:2]) > 500


@pytest.mark.parametrize("model", ["default", "article"])
def test_the_probabilities_are_those_of_the_torch_backend(model: str, inside: Run, samples: Path) -> None:
    from fercli.crop import crop_face
    from fercli.images import decode
    from fercli.plugins import find_detector

    rgb = decode((samples / PHOTO).read_bytes())
    detector = find_detector("mtcnn").load(40, 0.9, 1)
    (face,) = detector.detect(rgb)
    explained = explanation(load_bundle(model), crop_face(rgb, face, detector.framing))
    done = inside("predict", samples / PHOTO, "--backend", "torch", "--model", model)
    (row,) = csv.DictReader(io.StringIO(done.stdout.decode()))
    np.testing.assert_allclose(
        explained.probabilities, [float(row[name]) for name in EXPRESSIONS], atol=1e-4
    )


@pytest.mark.parametrize("model", ["default", "article"])
def test_attention_lies_in_0_and_1_and_depends_on_the_expression(model: str) -> None:
    face = sample_faces()[0]
    bundle = load_bundle(model)
    answers = [explanation(bundle, face, expression) for expression in (None, 0, 3)]
    for answer in answers:
        assert answer.attention.shape == (48, 48)
        assert answer.attention.min() >= 0
        assert answer.attention.max() <= 1
        assert all(maps.values.ndim == 3 and np.isfinite(maps.values).all() for maps in answer.layers)
    assert answers[0].expression == answers[0].probabilities.argmax()
    assert not np.array_equal(answers[1].attention, answers[2].attention)


def test_a_blank_face_has_no_attention_to_speak_of() -> None:
    answer = explanation(load_bundle("default"), np.zeros((48, 48), np.float32))
    assert np.isfinite(answer.attention).all()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{samples}/cat-chelsea-no-face.jpg"], 2, "No face was found in"),
        (["nowhere.jpg"], 3, "nowhere.jpg: "),
        (["{photo}", "--face", "3"], 2, "has no face 3.\nIts faces are 0 to 0."),
        (["{photo}", "--expression", "angri"], 2, "There is no expression angri.\nDid you mean angry?"),
        (["{photo}", "--model", "nothing"], 5, "nothing"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_message(
    arguments: list[str], code: int, message: str, samples: Path, tmp_path: Path
) -> None:
    filled = [argument.format(samples=samples, photo=samples / PHOTO) for argument in arguments]
    result = explain(*filled, "--out", tmp_path / "out.png")
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_file_that_cannot_be_written_is_one_sentence(samples: Path, tmp_path: Path) -> None:
    result = explain(samples / PHOTO, "--out", tmp_path / "gone" / "out.png")
    assert result.exit_code == 6
    assert "out.png cannot be written: No such file or directory.\nChoose another place" in result.stderr


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ("raises-in-detect", "The detector raises-in-detect fails: ZeroDivisionError: nothing."),
        ("leaves", "The detector leaves fails: SystemExit: 3."),
        ("loads-nothing", "The detector loads-nothing fails: AttributeError: "),
        ("framed-by-words", "The detector framed-by-words fails: TypeError: its framing is not "),
    ],
)
def test_a_detector_that_fails_is_named(
    detector: str,
    said: str,
    faulty_plugins: Path,
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)
    photo, out = samples / "group.jpg", tmp_path / "out.png"
    done = CliRunner().invoke(app, ["explain", str(photo), "-o", str(out), "--detector", detector])
    assert (done.exit_code, done.stdout) == (5, "")
    assert f"fercli: {said}" in done.stderr
    assert not out.exists()
