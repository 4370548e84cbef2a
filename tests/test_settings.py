from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fercli.errors import UsageError
from fercli.reports.settings import Model, Settings, refuse_other_settings

USUAL = Settings(
    fercli="1.2.3", models=(Model("residual", "a" * 64),), backend="onnx", runtime="ONNX Runtime 1.2",
    device="CPU", precision="float32", detector="mtcnn", min_face="40", min_score="0.9", tta=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fercli": "1.3.0"}, "fercli 1.2.3, now 1.3.0"),
        ({"models": (Model("article", "b" * 64),)}, "the model residual, now article"),
        (
            {"models": (Model("residual", "b" * 64),)},
            "the model residual (sha256 aaaaaaaaaaaa), now residual (sha256 bbbbbbbbbbbb)",
        ),
        (
            {"models": (Model("residual", "a" * 64), Model("article", "b" * 64))},
            "the model residual, now residual and article",
        ),
        ({"detector": "none", "min_face": "", "min_score": ""}, "the detector mtcnn, now none"),
        ({"min_face": "60"}, "--min-face 40, now 60"),
        ({"min_score": "0.5"}, "--min-score 0.9, now 0.5"),
        ({"precision": "int8"}, "the precision float32, now int8"),
        ({"min_face": "5%"}, "--min-face 40, now 5%"),
        ({"tta": True}, "--tta off, now on"),
        ({"fast": True}, "--fast off, now on"),
    ],
)
def test_what_changes_rows_is_refused_and_named(changed: dict[str, object], said: str) -> None:
    now = replace(USUAL, **changed)  # type: ignore[arg-type] # of each field's own type
    with pytest.raises(UsageError) as caught:
        refuse_other_settings("r.csv", USUAL, now)
    assert caught.value.message.startswith(f"r.csv was started with other settings: {said}")
    assert "another report" in caught.value.remedy


@pytest.mark.parametrize(
    "changed",
    [{"fercli": "1.2.4"}, {"backend": "torch", "runtime": "PyTorch 2", "device": "CUDA"}, {"shard": "2/3"}],
)
def test_what_changes_no_row_is_not(changed: dict[str, str]) -> None:
    refuse_other_settings("r.csv", USUAL, replace(USUAL, **changed))  # type: ignore[arg-type]


def test_the_order_of_averaged_models_does_not_matter() -> None:
    both = (Model("residual", "a"), Model("article", "b"))
    assert not replace(USUAL, models=both).differences(replace(USUAL, models=both[::-1]))


def test_they_are_read_as_they_were_written() -> None:
    for settings in (USUAL, replace(USUAL, min_face="5%", fast=True)):
        assert Settings.from_json(settings.to_json()) == settings


def test_those_from_before_there_was_a_fast_way_are_read() -> None:
    assert Settings.from_json(USUAL.to_json().replace(', "fast": false', "")) == USUAL
    assert Settings.from_json(USUAL.to_json().replace("{", '{"of a later version": 1, ', 1)) == USUAL


@given(st.text() | st.recursive(st.none() | st.integers(), st.lists).map(str))
def test_anything_else_is_none(text: str) -> None:
    assert Settings.from_json(text) is None


def test_a_part_of_them_is_none() -> None:
    whole = USUAL.to_json()
    assert all(Settings.from_json(whole[:cut]) is None for cut in range(len(whole)))
    assert Settings.from_json(whole.replace("false", '"no"')) is None
    assert Settings.from_json(whole.replace('"onnx"', "7")) is None
