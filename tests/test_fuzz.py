"""What the fuzz has found, each with its target, and some cases more; long runs: `python -m tests.fuzz`."""

from __future__ import annotations

import numpy as np
import pytest

from tests import fuzz

FOUND = {
    "a box of 10,000 km": ("crop", bytes.fromhex("000000000000803f00e63ede")),
    "a box as wide as the largest number": ("crop", b"\xff\xff\x7f\x7f" * 4),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    target, data = FOUND[name]
    assert fuzz.failure(fuzz.TARGETS[target], data) is None


def test_names_of_parquet_that_are_not_utf_8() -> None:
    (report,) = fuzz.seeds("report-parquet")
    bad = report.replace(b"score", b"sc\x80re")
    assert bad != report
    assert fuzz.failure(fuzz.TARGETS["report-parquet"], bad) is None


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_a_few_cases_more(target: str) -> None:
    random, pool = np.random.default_rng(11), fuzz.seeds(target)
    for _ in range(60):
        data = fuzz.changed(pool[int(random.integers(0, len(pool)))], random, pool)
        assert fuzz.failure(fuzz.TARGETS[target], data) is None, data.hex()
