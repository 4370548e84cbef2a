"""The hostile corpus, decoded here; `python -m tests.hostile` has the program read it, and larger files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.images import decode
from tests import hostile

KINDS: dict[str, Callable[[], Iterator[hostile.Hostile]]] = {
    "cuts": lambda: hostile.cuts(3),
    "flips": lambda: hostile.flips(20),
    "bombs": hostile.bombs,
    "wrong suffixes": hostile.wrong_suffixes,
    "metadata": lambda: hostile.metadata(1 << 18),
    "depths": hostile.depths,
    "polyglots": hostile.polyglots,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_gets_a_status_that_it_may_get(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for case in KINDS[kind]():
        try:
            pixels = decode(case.data)
        except PhotoError as error:
            status: str = error.kind
        else:
            status = hostile.READ
            if case.whole is not None and not np.array_equal(pixels, decode(case.whole)):
                status = "read in part"
        if status not in case.allowed:
            wrong.append((case.name, status))
    assert wrong == []
    assert capfd.readouterr() == ("", "")
