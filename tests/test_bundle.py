from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fercli.bundle import (
    CARD,
    DEFAULT_MODEL,
    MODELS,
    ONNX,
    load_bundle,
    load_members,
    sha256,
    shipped_models,
)
from fercli.errors import ExitCode, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small folder that is a whole model as far as its files go."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / CARD).write_text("A card.")
    description = json.loads((MODELS / DEFAULT_MODEL / "model.json").read_text("utf-8"))
    write(folder, description | {"name": "small", "files": {CARD: sha256(folder / CARD)}})
    return folder


def write(folder: Path, description: object) -> None:
    (folder / "model.json").write_text(json.dumps(description))


def change(folder: Path, **entries: Any) -> None:
    write(folder, json.loads((folder / "model.json").read_text()) | entries)


def failure(model: str | Path) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        load_bundle(str(model))
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert "\n" not in caught.value.message
    return caught.value


def test_the_models_that_ship_are_whole() -> None:
    assert DEFAULT_MODEL in shipped_models()
    for name in shipped_models():
        bundle = load_bundle(name)
        assert bundle.name == name
        assert {ONNX, CARD} <= set(bundle.files)
        for file in bundle.files:
            assert bundle.verified(file) == MODELS / name / file


def test_default_is_the_default_model() -> None:
    assert load_bundle("default").folder == load_bundle(DEFAULT_MODEL).folder


@pytest.mark.parametrize("name", ["Residual", "DEFAULT", "article/", " residual", "ARTICLE"])
def test_a_name_in_capitals_or_with_a_slash_is_the_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = name.strip(" /").lower()
    assert load_bundle(name).folder == load_bundle(plain).folder


@pytest.mark.parametrize("name", ["large", "LARGE", "Large/"])
def test_an_ensemble_is_its_members(name: str) -> None:
    assert [bundle.name for bundle in load_members(name)] == ["residual", "article"]


def test_a_folder_of_that_name_is_the_folder(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model.rename(tmp_path / "Residual")
    assert load_bundle("Residual").name == "small"
    assert load_bundle("./Residual/").name == "small"
    assert load_bundle("residual").name == "residual"


def test_a_model_may_be_named_by_what_is_in_it_or_around_it(model: Path, tmp_path: Path) -> None:
    for path in (f"{model}/", str(model / "model.json"), str(tmp_path), f"{tmp_path}/"):
        assert load_bundle(path).folder == model
    (tmp_path / "metrics.jsonl").touch()
    assert load_bundle(str(tmp_path)).folder == model


def test_a_file_of_a_model_is_answered_with_its_folder(model: Path) -> None:
    error = failure(model / CARD)
    assert error.message == f"{model / CARD} is a file, and a model is a folder that holds a model.json."
    assert error.remedy == f"Name the folder {model}."


def test_a_folder_is_a_model_too(model: Path) -> None:
    bundle = load_bundle(str(model))
    assert (bundle.name, bundle.folder) == ("small", model)
    assert bundle.verified(CARD).read_text() == "A card."


def test_a_name_nearly_right_gets_a_hint() -> None:
    error = failure(DEFAULT_MODEL[:-1])
    assert error.message == f"There is no model {DEFAULT_MODEL[:-1]}."
    assert error.remedy.startswith(f"Did you mean {DEFAULT_MODEL}?")


def test_an_ensemble_is_no_single_network() -> None:
    error = failure("large")
    assert error.message == "large is not one network, but the mean of residual and article."
    assert error.remedy == "Name one of them."


@pytest.mark.parametrize("name", ["zzz", "x" * 5000, "no/such/folder", ".." + "/.." * 50])
def test_a_name_far_off_gets_an_error(name: str) -> None:
    assert "Did you mean" not in failure(name).remedy


def test_a_folder_without_a_description_is_named(tmp_path: Path) -> None:
    assert failure(tmp_path).message == f"The folder {tmp_path} holds no model.json."


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file" in failure(tmp_path / "file").message


@pytest.mark.parametrize(
    "text", ["", "{", "\ud800", "[" * 200_000], ids=["empty", "cut", "not UTF-8", "too deep"]
)
def test_a_description_that_is_no_json_is_named(model: Path, text: str) -> None:
    (model / "model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert failure(model).message.startswith(f"{model / 'model.json'} cannot be read: ")


@pytest.mark.parametrize("description", [[], 1, "model", None])
def test_a_description_that_is_no_object_is_named(model: Path, description: object) -> None:
    write(model, description)
    assert "does not describe a model" in failure(model).message


@pytest.mark.parametrize("key", ["format", "name", "architecture", "expressions", "files"])
def test_what_a_description_lacks_is_named(model: Path, key: str) -> None:
    description = json.loads((model / "model.json").read_text())
    del description[key]
    write(model, description)
    assert failure(model).message.endswith(f"lacks {key}.")


def test_another_format_is_named(model: Path) -> None:
    change(model, format=2)
    assert "has format 2" in failure(model).message
    assert failure(model).remedy == "Update fercli."


@pytest.mark.parametrize("expressions", [["happy", "sad"], [], 7, None])
def test_other_expressions_are_refused(model: Path, expressions: object) -> None:
    change(model, expressions=expressions)
    assert "names other expressions" in failure(model).message


@pytest.mark.parametrize("files", [[CARD], None, {"../model/" + CARD: ""}, {"/etc/passwd": ""}])
def test_a_list_of_files_that_leaves_the_folder_is_refused(model: Path, files: object) -> None:
    change(model, files=files)
    assert "lists its files wrongly" in failure(model).message


def test_a_file_that_was_changed_is_refused(model: Path) -> None:
    (model / CARD).write_text("Another card.")
    with pytest.raises(UnavailableError, match=r"is not the file that model\.json was made with"):
        load_bundle(str(model)).verified(CARD)


def test_a_file_that_is_missing_is_named(model: Path) -> None:
    (model / CARD).unlink()
    assert failure(model).message == f"{model / CARD} is missing."


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ({"name": "transformer"}, "This version does not know the architecture 'transformer'."),
        ({"name": "article", "kernel": 5}, "The description of the architecture lacks convolutions,"),
        ("article", "does not describe the architecture."),
    ],
)
def test_an_architecture_that_is_unknown_or_incomplete_is_refused(
    model: Path, architecture: object, said: str
) -> None:
    change(model, architecture=architecture)
    assert failure(model).message.startswith(str(model / "model.json"))
    assert said in failure(model).message


def test_a_file_that_the_model_does_not_list_is_refused(model: Path) -> None:
    shutil.copy(MODELS / DEFAULT_MODEL / ONNX, model / ONNX)
    with pytest.raises(UnavailableError, match=r"has no model\.onnx"):
        load_bundle(str(model)).verified(ONNX)
