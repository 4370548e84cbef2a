import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fercli.evaluation.calibration import (
    BINS,
    TEMPERATURES,
    confidence_bins,
    expected_calibration_error,
    fit_temperature,
    log_probabilities,
    negative_log_likelihood,
    reliability_curve,
)

SEEDS = st.integers(0, 2**32 - 1)


def sample(seed: int, pictures: int = 400) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn with the probabilities that they give."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (pictures, 7))
    # Gumbel's way to draw: the largest of logits with such noise.
    return logits, (logits + random.gumbel(size=logits.shape)).argmax(axis=1)


@given(seed=SEEDS, scale=st.floats(0.2, 5))
def test_logits_made_larger_need_a_temperature_as_much_higher(seed: int, scale: float) -> None:
    logits, labels = sample(seed)
    assert fit_temperature(scale * logits, labels) == pytest.approx(
        scale * fit_temperature(logits, labels), rel=1e-6
    )


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_calibrated_logits_times_a_scale_have_that_temperature(scale: float) -> None:
    logits, labels = sample(5, 50_000)
    assert fit_temperature(scale * logits, labels) == pytest.approx(scale, rel=0.02)


@given(seed=SEEDS, other=st.floats(*TEMPERATURES))
def test_no_other_temperature_has_less_negative_log_likelihood(seed: int, other: float) -> None:
    logits, labels = sample(seed, 60)
    fitted = negative_log_likelihood(logits / fit_temperature(logits, labels), labels)
    assert fitted <= negative_log_likelihood(logits, labels) + 1e-12
    assert fitted <= negative_log_likelihood(logits / other, labels) + 1e-12


@given(seed=SEEDS)
def test_a_temperature_changes_no_answer(seed: int) -> None:
    logits, labels = sample(seed, 60)
    np.testing.assert_array_equal(
        (logits / fit_temperature(logits, labels)).argmax(axis=1), logits.argmax(axis=1)
    )


def test_the_temperature_of_logits_that_are_always_right_or_know_nothing_is_an_end() -> None:
    labels = np.arange(70) % 7
    right = np.eye(7)[labels]
    assert fit_temperature(right, labels) == pytest.approx(TEMPERATURES[0])
    assert fit_temperature(-right, labels) == pytest.approx(TEMPERATURES[1])


def test_float32_logits_are_as_good() -> None:
    logits, labels = sample(2)
    assert fit_temperature(logits.astype(np.float32), labels) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-5
    )


def test_log_probabilities_of_huge_logits_are_finite() -> None:
    huge, small = [1e4, 0, 0, 0, 0, 0, -1e4], [0] * 7
    logarithms = log_probabilities(np.array([huge, small], np.float32))
    assert logarithms[0].tolist() == [0, -1e4, -1e4, -1e4, -1e4, -1e4, -2e4]
    assert logarithms[1].tolist() == pytest.approx([-math.log(7)] * 7)


def test_the_negative_log_likelihood_of_even_odds_is_log_7() -> None:
    assert negative_log_likelihood(np.zeros((4, 7)), np.array([0, 2, 4, 6])) == pytest.approx(math.log(7))


def test_a_bin_holds_its_upper_end_and_not_its_lower() -> None:
    ends = np.arange(1, BINS + 1) / BINS
    assert confidence_bins(ends).tolist() == list(range(BINS))
    assert confidence_bins(ends[:-1] + 1e-6).tolist() == list(range(1, BINS))
    assert confidence_bins(np.array([0.0, 1.0])).tolist() == [0, BINS - 1]
    assert confidence_bins(np.array([1 + 1e-7])).tolist() == [BINS - 1]  # rounded up in float32
    assert confidence_bins(ends).dtype == np.int64


def test_a_curve_and_its_error_made_by_hand() -> None:
    # 0.6 to 0.667 holds three pictures, 0.933 to 1 two.
    confidences = np.array([0.61, 0.65, 0.63, 0.95, 0.99])
    low, high = curve = reliability_curve(confidences, np.array([True, False, False, True, True]))
    assert (low.pictures, high.pictures) == (3, 2)
    assert (low.lower, low.upper, high.upper) == (9 / 15, 10 / 15, 1)
    assert [low.confidence, low.accuracy] == pytest.approx([0.63, 1 / 3])
    assert [high.confidence, high.accuracy] == pytest.approx([0.97, 1])
    assert expected_calibration_error(curve) == pytest.approx((3 * (0.63 - 1 / 3) + 2 * 0.03) / 5)


@given(seed=SEEDS)
def test_every_picture_is_in_one_bin(seed: int) -> None:
    random = np.random.default_rng(seed)
    confidences, right = random.uniform(1 / 7, 1, 200), random.random(200) < 0.5
    curve = reliability_curve(confidences, right)
    assert sum(entry.pictures for entry in curve) == 200
    assert sum(entry.pictures * entry.accuracy for entry in curve) == pytest.approx(right.sum())
    assert all(entry.lower <= entry.confidence <= entry.upper for entry in curve)
    assert [entry.lower for entry in curve] == sorted(entry.lower for entry in curve)
