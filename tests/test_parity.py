"""The tolerances are what the documents promise."""

from __future__ import annotations

from pathlib import Path

from fercli.parity import CUDA_TOLERANCE, INT8_TOLERANCE, TOLERANCE

ROOT = Path(__file__).parents[1]


def test_they_are_what_was_measured() -> None:
    assert (TOLERANCE, CUDA_TOLERANCE, INT8_TOLERANCE) == (1e-4, 1e-3, 0.05)


def test_the_documents_promise_them() -> None:
    for name in ("docs/architecture.md", "backends/README.md", "CONTRIBUTING.md"):
        assert "1e-4" in (ROOT / name).read_text("utf-8"), name
