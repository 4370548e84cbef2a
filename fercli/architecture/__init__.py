"""The networks that a model.json can describe, without a framework: each backend builds from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.architecture.article import ArticleArchitecture, Normalisation
from fercli.architecture.common import (
    DEVIATION_FLOOR,
    LRN_ALPHA,
    LRN_BETA,
    LRN_SIZE,
    NORMALISATION_EPSILON,
    SIDE,
    from_description,
)
from fercli.architecture.residual import ResidualArchitecture
from fercli.errors import UnavailableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEVIATION_FLOOR",
    "LRN_ALPHA",
    "LRN_BETA",
    "LRN_SIZE",
    "NORMALISATION_EPSILON",
    "SIDE",
    "Architecture",
    "ArticleArchitecture",
    "Normalisation",
    "ResidualArchitecture",
    "read_architecture",
]

Architecture = ArticleArchitecture | ResidualArchitecture
"""Any network that there is."""

_KINDS: dict[str, type[Architecture]] = {
    kind.NAME: kind for kind in (ArticleArchitecture, ResidualArchitecture)
}


def read_architecture(description: Mapping[str, Any]) -> Architecture:
    """The architecture of a model.json.

    Raises:
        UnavailableError: the description names another architecture, or describes one wrongly.
    """
    name = description.get("name")
    if not isinstance(name, str) or name not in _KINDS:
        raise UnavailableError(
            f"This version does not know the architecture {name!r}.",
            did_you_mean(str(name), _KINDS) or "Update fercli, or choose another one.",
        )
    return from_description(_KINDS[name], description)
