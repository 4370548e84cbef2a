"""Confidence intervals of measured shares."""

from __future__ import annotations

import math

_Z = 1.959963984540054
"""The normal distribution's two-sided 95% quantile."""


def wilson_interval(right: int, pictures: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, 1927)."""
    share, spread = right / pictures, _Z**2 / pictures
    centre = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / pictures + spread / (4 * pictures))
    # Rounding errors can take an end beyond 0 or 1.
    return max(0.0, centre - half), min(1.0, centre + half)
