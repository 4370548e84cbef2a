"""Which part of a data set each picture belongs to, so that no person is in two parts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from math import isfinite
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.rows import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shares = tuple[float, float, float]
"""The shares of Training, PublicTest and PrivateTest; they add up to 1."""


def shares_of(text: str) -> Shares:
    """The shares that `60,20,20` or `0.6,0.2,0.2` means.

    Raises:
        UsageError: it is not three numbers of 0 or more, the first above 0.
    """
    try:
        training, public, private = map(float, text.split(","))
    except ValueError:
        training = public = private = -1.0
    total = training + public + private
    if min(training, public, private) < 0 or not training or not isfinite(total):
        raise UsageError(
            f"--split {text} is not three shares.", f"Give those of {', '.join(Split)}, such as 60,20,20."
        )
    return training / total, public / total, private / total


def share_out(people: Sequence[str], labels: Sequence[int], shares: Shares) -> list[Split]:
    """The part of each picture.

    Whole people are dealt out, those with most pictures first, each to the part that lacks most of what
    they show: so the parts come near to their shares of every expression. The same people and labels give
    the same parts, in whatever order they come.

    Args:
        people: who is on each picture.
        labels: what each shows, 0..6.
        shares: of the parts. One above 0 gets a person, if there are as many people as such parts.
    """
    shown: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for person, label in zip(people, labels, strict=True):
        shown[person][label] += 1
    totals = Counter(labels)
    wanted = dict(zip(Split, shares, strict=True))
    held: dict[Split, list[str]] = {split: [] for split in Split}
    lacking = {
        split: {label: share * total for label, total in totals.items()} for split, share in wanted.items()
    }
    for person in sorted(shown, key=lambda person: (-shown[person].total(), _digest(person))):
        open_parts = [split for split, share in wanted.items() if share]
        part = max(open_parts, key=lambda split: _fit(shown[person], lacking[split]))
        held[part].append(person)
        for label, count in shown[person].items():
            lacking[part][label] -= count
    _fill_empty(held, wanted)
    part_of = {person: split for split, members in held.items() for person in members}
    return [part_of[person] for person in people]


def _fit(shown: Mapping[int, int], lacking: Mapping[int, float]) -> float:
    """How much of what a person shows a part lacks."""
    return sum(count * lacking[label] for label, count in shown.items())


def _fill_empty(held: dict[Split, list[str]], wanted: Mapping[Split, float]) -> None:
    """Gives each empty part a person with few pictures, of the part that has most people."""
    for split, share in wanted.items():
        richest = max(held.values(), key=len)
        if share and not held[split] and len(richest) > 1:
            held[split].append(richest.pop())


def _digest(person: str) -> str:
    return hashlib.sha256(person.encode("utf-8", "surrogatepass")).hexdigest()
