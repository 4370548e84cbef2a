"""Which columns of a CSV hold the labels, the pixels and the splits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli.errors import UsageError, did_you_mean
from fercli.fer2013.interpretation import label_of, split_of
from fercli.fer2013.rows import PIXELS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fercli.fer2013.interpretation import Interpretation

NAMES = ("emotion", "pixels", "Usage")
_EMOTION, _PIXELS, _USAGE = NAMES

_OTHERS = {
    _EMOTION: ("emotions", "label", "labels", "class", "expression", "target", "category"),
    _PIXELS: ("pixel", "pixelvalues", "pixelvalue"),
    _USAGE: ("split", "set", "subset", "dataset", "partition"),
}
_ONE_PIXEL = re.compile(r"\s*(?:pixels?|px?)?[\s_.-]*\d+\s*", re.ASCII | re.IGNORECASE)
_SHOWN = 5
"""How many columns a message names."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of the columns.

    Attributes:
        label: the emotion's.
        pixels: one for all pixels, or one for each of them.
        split: the Usage's; None where there is no such column.
        count: how many columns a row has.
    """

    label: int
    pixels: tuple[int, ...]
    split: int | None
    count: int


def find_columns(header: Sequence[str], where: str, remedy: str, taken: Interpretation) -> Columns:
    """The columns that a header names, in FER2013's own words or in other ones.

    Raises:
        UsageError: labels or pixels are missing, or two columns could be one of them.
    """
    found = {name: _find(name, header, where, taken) for name in NAMES}
    wide = tuple(place for place, name in enumerate(header) if _ONE_PIXEL.fullmatch(name))
    if found[_PIXELS] is None and len(wide) == PIXELS:
        taken.remark(f"{quoted(header[wide[0]])} and the {PIXELS - 1} columns after it are the pixels")
        pixels: tuple[int, ...] = wide
    else:
        pixels = tuple(place for place in (found[_PIXELS],) if place is not None)
    label = found[_EMOTION]
    if label is None or not pixels:
        missing = [name for name, there in ((_EMOTION, label is not None), (_PIXELS, pixels)) if not there]
        shown = ", ".join(quoted(name[:40]) for name in header[:_SHOWN])
        more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
        hint = did_you_mean(missing[0], [name.strip() for name in header])
        raise UsageError(
            f"{where} has no column {' and no column '.join(missing)}; it has {shown}{more}.",
            f"{hint} {remedy}".lstrip(),
        )
    if found[_USAGE] is None:
        taken.remark(f"it has no column {_USAGE}, so all its rows are for Training")
    return Columns(label, pixels, found[_USAGE], len(header))


def columns_of_data(fields: Sequence[str]) -> Columns | None:
    """The columns of a file without a header, from its first row; None if it is not clear."""
    pixels = [place for place, field in enumerate(fields) if len(field.split()) == PIXELS]
    labels = [place for place, field in enumerate(fields) if label_of(field.strip()) is not None]
    splits = [place for place, field in enumerate(fields) if split_of(field.strip()) is not None]
    if len(pixels) != 1 or len(labels) != 1 or len(splits) > 1:
        return None
    return Columns(labels[0], (pixels[0],), splits[0] if splits else None, len(fields))


def _find(name: str, header: Sequence[str], where: str, taken: Interpretation) -> int | None:
    """The place of the column with this name, or else of one with the same letters, or with a synonym."""
    keys = [re.sub(r"[\W_]", "", heading).casefold() for heading in header]
    for wanted, headings in (((name,), header), ((name.casefold(),), keys), (_OTHERS[name], keys)):
        places = [place for place, heading in enumerate(headings) if heading in wanted]
        if len(places) > 1:
            both = " and ".join(quoted(header[place]) for place in places)
            raise UsageError(f"{where} has several columns for {name}: {both}.", "Leave one of them.")
        if places:
            if header[places[0]] != name:
                taken.take(header[places[0]], name)
            return places[0]
    return None
