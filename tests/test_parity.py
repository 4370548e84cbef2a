"""The tolerances are what the documents promise, and what the checks hold networks to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fercli.parity import (
    CUDA_TOLERANCE,
    INT8_TOLERANCE,
    TOLERANCE,
    ParityError,
    check_int8,
    check_parity,
)

ROOT = Path(__file__).parents[1]
LOGITS = np.random.default_rng(2).normal(size=(20, 7)).astype(np.float32)


def test_they_are_what_was_measured() -> None:
    assert (TOLERANCE, CUDA_TOLERANCE, INT8_TOLERANCE) == (1e-4, 1e-3, 0.05)


def test_the_documents_promise_them() -> None:
    for name in ("docs/architecture.md", "backends/README.md", "CONTRIBUTING.md"):
        assert "1e-4" in (ROOT / name).read_text("utf-8"), name


def test_logits_within_the_tolerance_are_equal() -> None:
    assert check_parity(LOGITS + np.float32(9e-5), LOGITS, "x") == "logits within 9.0e-05"


@pytest.mark.parametrize("wrong", [1.1e-4, -1.1e-4, np.nan, np.inf])
def test_one_wrong_logit_is_enough(wrong: float) -> None:
    logits = LOGITS.copy()
    logits[3, 4] += np.float32(wrong)
    with pytest.raises(
        ParityError, match=r"The logits of x\.onnx differ from the model's by .*; 0\.0001 is"
    ):
        check_parity(logits, LOGITS, "x.onnx")


def test_8_bits_may_move_probabilities_a_little() -> None:
    assert check_int8(LOGITS, LOGITS, "x").endswith(" 20 expressions the same")
    near = LOGITS + np.random.default_rng(3).normal(scale=0.05, size=LOGITS.shape).astype(np.float32)
    check_int8(near, LOGITS, "x")


@pytest.mark.parametrize("wrong", [-LOGITS, LOGITS[::-1], 0 * LOGITS, LOGITS * np.nan, LOGITS * 1.5])
def test_8_bits_may_not_answer_something_else(wrong: np.ndarray) -> None:
    with pytest.raises(ParityError, match=r"The probabilities of x are .* from those of 32 bits"):
        check_int8(wrong.astype(np.float32), LOGITS, "x")
