"""What a result file of `run.py` says, as the tables of README.md and as a picture.

Run it as `python benchmarks/page.py benchmarks/results/speed-DATE.json` to print the tables again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sections import EXACT, FLOOR, NUMPY, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Round = dict[str, Any]
    Columns = dict[str, list[float]]


def tables(result: dict[str, Any]) -> str:
    """All sections that were measured, in Markdown: medians of the rounds, least and most in brackets."""
    rounds = result["rounds"]
    made = ("\n".join(make(rounds[name])) for name, make in _MAKERS.items() if name in rounds)
    return "\n\n".join([_about(result), *made])


def draw(result: dict[str, Any], file: Path) -> None:
    """The mixed set's photos a second by each tool, as bars in a PNG, where it was measured."""
    from fercli.plotting import Figure

    seconds: Columns = {}
    for rounds in (result["rounds"].get(section) for section in ("further", "mixed")):
        if rounds:
            seconds |= _columns(rounds, "seconds") | _columns(rounds, "warm")
    rates = {name: [result["photos"] / each for each in taken] for name, taken in seconds.items()}
    rates = dict(sorted(rates.items(), key=lambda rate: median(rate[1])))
    middle = [median(each) for each in rates.values()]
    beyond = [(median(each) - min(each), max(each) - median(each)) for each in rates.values()]
    figure = Figure(figsize=(7, 0.5 + 0.4 * len(rates)), layout="constrained")
    axes = figure.subplots()
    colours = ["tab:blue" if name in OURS else "silver" for name in rates]
    bars = axes.barh(list(rates), middle, xerr=list(zip(*beyond, strict=True)), color=colours)
    axes.bar_label(bars, fmt="%.1f", padding=6)
    axes.set_xlabel("photos a second; of the other tools once they are warm")
    axes.set_xlim(0, 1.15 * max(map(max, rates.values())))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _about(result: dict[str, Any]) -> str:
    about = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['cores']} cores of {about['processor']} ({', '.join(about['instruction_sets'])}), Python"
        f" {about['python']}, {versions}. {result['photos']} mixed photos. Commit {about['commit']}."
    )


def _mixed(rounds: Sequence[Round]) -> Iterable[str]:
    seconds, warm, last = _columns(rounds, "seconds"), _columns(rounds, "warm"), rounds[-1]
    yield "| | whole process, s | times fercli's | once warm, s | times fercli's | faces | of fercli's |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name, taken in seconds.items():
        figures = [_spread(taken), _ratio(taken, seconds[EXACT])]
        figures += [_spread(warm[name]), _ratio(warm[name], seconds[EXACT])] if name in warm else ["", ""]
        faces = last["faces"][name]
        figures += [str(faces["theirs"]), f"{faces['found'] / faces['ours']:.1%}"]
        yield _row(name, figures)


def _floor(rounds: Sequence[Round]) -> Iterable[str]:
    seconds = _columns(rounds, "seconds")
    yield "| | seconds | times the floor |"
    yield "|---|--:|--:|"
    for name, taken in seconds.items():
        yield _row(name, [_spread(taken), _ratio(taken, seconds[FLOOR])])


def _start_up(rounds: Sequence[Round]) -> Iterable[str]:
    seconds = _columns(rounds, "seconds")
    yield f"| | seconds | times `{NUMPY}` |"
    yield "|---|--:|--:|"
    for name, taken in seconds.items():
        yield _row(f"`{name}`", [_spread(taken, 3), _ratio(taken, seconds[NUMPY])])


def _scaling(rounds: Sequence[Round]) -> Iterable[str]:
    yield "| | photos | seconds | photos a second |"
    yield "|---|--:|--:|--:|"
    for name, taken in _columns(rounds, "seconds").items():
        count = rounds[0]["photos"][name]
        yield _row(name, [str(count), _spread(taken), f"{count / median(taken):.1f}"])


def _memory(rounds: Sequence[Round]) -> Iterable[str]:
    yield "| | MB at the peak |"
    yield "|---|--:|"
    for name, taken in _columns(rounds, "megabytes").items():
        yield _row(name, [_spread(taken, 0)])


_MAKERS = {
    "mixed": _mixed,
    "further": _mixed,
    "floor": _floor,
    "start-up": _start_up,
    "scaling": _scaling,
    "memory": _memory,
}


def _columns(rounds: Sequence[Round], kind: str) -> Columns:
    """Each name's figures, one a round."""
    return {name: [each[kind][name] for each in rounds] for name in rounds[0][kind]}


def _ratio(taken: Sequence[float], base: Sequence[float]) -> str:
    return _spread([each / other for each, other in zip(taken, base, strict=True)])


def _spread(figures: Sequence[float], digits: int = 2) -> str:
    middle, least, most = (f"{each:.{digits}f}" for each in (median(figures), min(figures), max(figures)))
    return middle if least == most else f"{middle} ({least} to {most})"


def _row(name: str, figures: Iterable[str]) -> str:
    return f"| {name} | {' | '.join(figures)} |"


if __name__ == "__main__":
    print(tables(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
