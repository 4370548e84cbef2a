"""An explanation as one page, and a page of a network's filters. Drawn without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.plotting import Figure, Polygon
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from numpy.typing import NDArray

    from fercli_training.explanation import Explanation, Maps

_DOTS_PER_INCH = 100
_SHOWN = 12
"""Pictures in a row: as many as are large enough to be seen."""

_ROW_HEIGHT = 1.65
"""Inches, for a layer's title and its row of maps."""

_TITLE, _HEADING, _WORDS = 20, 14, 13
"""Sizes of letters, in points."""

_HOW_TO_READ = (
    "HiResCAM colours the places that speak for the expression: the brighter, the more."
    " Below, each row is a layer, from the first to the last.\n"
    "A map shows where a layer finds what it looks for: yellow is much, violet nothing."
    " Early layers see edges, late ones whole parts of the face."
)


def explanation_chart(
    explanation: Explanation, rgb: NDArray[np.uint8], to_photo: NDArray[np.float64], title: str
) -> Figure:
    """The photo, the input, where the network looked, the probabilities, and each layer's maps.

    Args:
        explanation: a face's.
        rgb: the upright photo, uint8 (H, W, 3).
        to_photo: (2, 3), from the centres of the input's pixels to the photo's.
        title: the page's.
    """
    layers = explanation.layers
    figure = Figure(figsize=(14, 5.8 + _ROW_HEIGHT * len(layers)), dpi=_DOTS_PER_INCH, layout="constrained")
    figure.suptitle(title, fontsize=_TITLE, parse_math=False)  # a file's name may have dollars
    top, words, bottom = _parts(figure, 3, height_ratios=(4.3, 0.7, _ROW_HEIGHT * len(layers)))
    _draw_top(top, explanation, rgb, to_photo)
    words.text(0.01, 0.5, _HOW_TO_READ, fontsize=_WORDS, va="center")
    for part, maps in zip(_parts(bottom, len(layers)), layers, strict=True):
        _draw_maps(part, maps)
    return figure


def filters_chart(convolutions: Mapping[str, NDArray[np.float32]], title: str) -> Figure:
    """A page of filters: of the first convolution all, of the others those for the first input.

    Args:
        convolutions: weights, (outputs, inputs, height, width), by the layer's name.
        title: the page's.
    """
    figure = Figure(
        figsize=(14, 0.8 + _ROW_HEIGHT * len(convolutions)), dpi=_DOTS_PER_INCH, layout="constrained"
    )
    figure.suptitle(title, fontsize=_TITLE, parse_math=False)  # a file's name may have dollars
    for part, (name, weights) in zip(_parts(figure, len(convolutions)), convolutions.items(), strict=True):
        outputs, inputs, height, width = weights.shape
        kernels = weights[:_SHOWN, 0]
        first = "" if inputs == 1 else ", as they look at the first map"
        part.suptitle(
            f"{name}: {len(kernels)} of {outputs} filters of {height}x{width} on {inputs} maps{first}",
            fontsize=_HEADING,
        )
        limit = float(np.abs(kernels).max())
        for axes, kernel in zip(_grid(part), kernels, strict=False):
            axes.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
    return figure


def _draw_top(
    figure: SubFigure, explanation: Explanation, rgb: NDArray[np.uint8], to_photo: NDArray[np.float64]
) -> None:
    photo, face, cam, over, bars = figure.subplots(1, 5, width_ratios=(1.5, 1, 1, 1.5, 1.4))
    side = len(explanation.face)
    ends = np.array(
        [[-0.5, -0.5, 1], [side - 0.5, -0.5, 1], [side - 0.5, side - 0.5, 1], [-0.5, side - 0.5, 1]]
    )
    corners = ends @ to_photo.T
    _show(photo, rgb, "the photo and the crop")
    photo.add_patch(Polygon(corners, fill=False, edgecolor="#d55e00", linewidth=2))
    _show(face, explanation.face, f"the input, {side}x{side}")
    wanted = EXPRESSIONS[explanation.expression]
    height, width = rgb.shape[:2]
    if explanation.attention.any():
        _show(cam, explanation.face, f"HiResCAM: {wanted}")
        cam.imshow(explanation.attention, cmap="inferno", alpha=0.55, vmin=0, vmax=1)
        _show(over, rgb, "HiResCAM on the photo")
        attention = cv2.warpAffine(explanation.attention, to_photo, (width, height))
        over.imshow(attention, cmap="inferno", alpha=0.7 * attention.clip(0, 1), vmin=0, vmax=1)
    else:
        # A dark picture would be read as one of where it looks.
        cam.text(
            0.5, 0.5, f"HiResCAM finds no\nplace that speaks\nfor {wanted}", fontsize=_WORDS, ha="center"
        )
        cam.set_axis_off()
        _show(over, rgb, "the face")
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.25 * (high - low).max()
    over.set_xlim(max(low[0] - margin, 0), min(high[0] + margin, width))
    over.set_ylim(min(high[1] + margin, height), max(low[1] - margin, 0))
    _draw_probabilities(bars, explanation.probabilities)


def _draw_probabilities(axes: Axes, probabilities: NDArray[np.float32]) -> None:
    places = range(len(EXPRESSIONS))
    axes.barh(places, probabilities, color="#0072b2")
    for place, probability in enumerate(probabilities):
        axes.text(float(probability) + 0.02, place, f"{probability:.3f}", va="center", fontsize=_WORDS)
    axes.set_yticks(places, EXPRESSIONS, fontsize=_WORDS)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3)
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(labelsize=_WORDS)
    axes.set_title("probabilities", fontsize=_HEADING)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_maps(figure: SubFigure, maps: Maps) -> None:
    channels, height, width = maps.values.shape
    varying = maps.values.var(axis=(1, 2))
    liveliest = [
        channel for channel in np.argsort(-varying, kind="stable")[:_SHOWN] if varying[channel] > 0
    ]
    which = (
        f"the {len(liveliest)} that vary most of {channels}"
        if len(liveliest) < channels
        else f"all {channels}"
    )
    figure.suptitle(f"{maps.title}: {which} maps of {height}x{width}", fontsize=_HEADING, x=0.01, ha="left")
    for axes, channel in zip(_grid(figure), liveliest, strict=False):
        axes.imshow(maps.values[channel], cmap="viridis")


def _parts(
    figure: Figure | SubFigure, count: int, height_ratios: Sequence[float] | None = None
) -> list[SubFigure]:
    """Parts of a figure, one under the other."""
    parts: list[SubFigure] = np.ravel(
        np.array(figure.subfigures(count, 1, height_ratios=height_ratios), dtype=object)
    ).tolist()
    return parts


def _grid(figure: SubFigure) -> list[Axes]:
    """Places for pictures, without their frames."""
    grid: list[Axes] = figure.subplots(1, _SHOWN).ravel().tolist()
    for axes in grid:
        axes.set_axis_off()
    return grid


def _show(axes: Axes, picture: NDArray[np.generic], title: str) -> None:
    axes.imshow(picture, cmap="gray" if picture.ndim < len("HWC") else None)
    axes.set_title(title, fontsize=_HEADING)
    axes.set_axis_off()
