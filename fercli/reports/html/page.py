"""The visible parts of a page: its start with the policy, and its end with the summary and the script."""

from __future__ import annotations

from base64 import b64encode
from functools import cache, partial
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from fercli import __version__
from fercli.records import EXPRESSIONS, Status
from fercli.reports.html.blocks import PAGE_END, PAGE_START, inert_json
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fercli.reports.settings import Settings
    from fercli.reports.summary import Share, Summary

PAGE_SIZE = 200
"""How many faces the document shows at once."""

_SCRIPT = (
    "script/table.js", "script/filters.js", "script/faces.js",
    "script/face.js", "script/timeline.js", "script/controls.js",
)  # fmt: skip
"""The parts of the page's one script, in order."""


class Part(NamedTuple):
    """One report of a page."""

    name: str
    summary: Summary
    settings: Settings | None


def page_start() -> str:
    """Everything before the rows.

    The policy allows only pictures to be loaded: those in the page, and photos beside it. It allows only
    the page's own script and style, identified by their checksums.
    """
    policy = "; ".join((
        "default-src 'none'", "img-src data: 'self' file:", f"style-src '{_checksum('page.css')}'",
        f"script-src '{_checksum(*_SCRIPT)}'", "base-uri 'none'", "form-action 'none'",
    ))  # fmt: skip
    return (
        f'{PAGE_START.decode()}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="generator" content="fercli {__version__}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>fercli: faces and their expressions</title>\n"
        f"<style>{_asset('page.css')}</style>\n</head>\n<body>\n"
    )


def page_end(parts: Sequence[Part]) -> str:
    """Everything after the rows."""
    about = {"expressions": EXPRESSIONS, "reports": [part.name for part in parts], "page": PAGE_SIZE}
    markup = Template(_asset("page.html")).substitute(
        subtitle=_subtitle(parts), summary=_summary(parts), choices=_choices(), made=_made(parts)
    )
    return (
        f'{markup}<script type="application/json" id="about">{inert_json(about)}</script>\n'
        f'<script type="module">{_asset(*_SCRIPT)}</script>\n</body>\n{PAGE_END.decode()}\n'
    )


@cache
def _asset(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in names)


def _checksum(*names: str) -> str:
    return f"sha256-{b64encode(sha256(_asset(*names).encode()).digest()).decode()}"


def _subtitle(parts: Sequence[Part]) -> str:
    faces = sum(part.summary.faces for part in parts)
    photos = sum(part.summary.photos.total() for part in parts)
    names = ", ".join(map(_bdi, filter(lambda part: part.name, parts)))
    return f"{count_of(faces, 'face')} in {count_of(photos, 'photo')}{': ' if names else ''}{names}"


def _summary(parts: Sequence[Part]) -> str:
    kinds = sorted({kind for part in parts for kind in part.summary.failures})
    lines: dict[str, Callable[[Summary], int]] = {
        "Photos": lambda each: each.photos.total(),
        "Faces": lambda each: each.faces,
        "Photos without a face": lambda each: each.photos[Status.NO_FACE],
        "Photos that could not be read": lambda each: each.photos[Status.ERROR],
        **{f"of these: {escape(kind)}": partial(_failures, kind) for kind in kinds},
    }
    rows = [
        [_row_header(words), *(_number(count(part.summary)) for part in parts)]
        for words, count in lines.items()
    ]
    header = ["", *map(_bdi, parts)] if len(parts) > 1 else []
    return _table("Photos and faces", header, rows) + _expressions(parts)


def _failures(kind: str, summary: Summary) -> int:
    return summary.failures[kind]


def _expressions(parts: Sequence[Part]) -> str:
    with_faces = [part for part in parts if part.summary.faces]
    if not with_faces:
        return ""
    header = ["Expression"]
    for part in with_faces:
        of = f" in {_bdi(part)}" if len(parts) > 1 else ""
        header += [f"Faces{of}", "Share", "95% interval", '<span class="unseen">Share as a bar</span>']
    rows = []
    for each in zip(*(part.summary.shares() for part in with_faces), strict=True):
        cells = [_row_header(each[0].expression)]
        for share in each:
            interval = f"{100 * share.low:.1f} to {share.high:.1%}"
            cells += [
                _number(share.faces),
                _cell(f"{share.share:.1%}"),
                _cell(interval),
                f"<td>{_bar(share)}</td>",
            ]
        rows.append(cells)
    return _table("Expressions", header, rows)


def _made(parts: Sequence[Part]) -> str:
    lists = []
    for part in parts:
        told = _told(part.settings).items()
        lines = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in told)
        heading = f"<h3>{_bdi(part)}</h3>\n" if len(parts) > 1 else ""
        lists.append(f'{heading}<dl class="settings">{lines}</dl>\n')
    lists.append(f"<p>The page was made with fercli {escape(__version__)}.</p>\n")
    return "".join(lists)


def _told(settings: Settings | None) -> dict[str, str]:
    """The settings of a report, under names for people."""
    if settings is None:
        return {"Settings": "The report does not say how it was made."}
    models = ", ".join(f"{model.name} (sha256 {model.sha256[:12]})" for model in settings.models)
    runtime = ", ".join(filter(None, (settings.runtime, settings.device, settings.precision)))
    detector = {"smallest face": settings.min_face, "lowest score": settings.min_score}
    limits = (f"{name} {value}" for name, value in detector.items() if value)
    return {
        "Model": models,
        "Backend": f"{settings.backend} ({runtime})",
        "Detector": ", ".join((settings.detector, *limits, *(["fast"] if settings.fast else []))),
        "Mirror images": "read too" if settings.tta else "not read",
        **({"Part of the photos": settings.shard} if settings.shard not in {"", "1/1"} else {}),
        "fercli": settings.fercli,
    }


def _choices() -> str:
    return "\n".join(
        f'<label><input type="checkbox" name="expression" value="{name}" checked>'
        f'<span class="dot {name}"></span>{name}</label>'
        for name in EXPRESSIONS
    )


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in header)
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    # A table that scrolls sideways on a phone must be reachable by keyboard, so it needs a name.
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table>\n'
        f"<caption>{escape(caption)}</caption>\n"
        f"{f'<thead><tr>{head}</tr></thead>' if head else ''}\n<tbody>\n{lines}\n</tbody></table></div>\n"
    )


def _bar(share: Share) -> str:
    low, high = 100 * share.low, 100 * share.high
    return (
        f'<svg class="share {share.expression}" viewBox="0 0 100 10" preserveAspectRatio="none"'
        ' aria-hidden="true">'
        f'<rect width="{100 * share.share:.2f}" height="10"/>'
        f'<line x1="{low:.2f}" x2="{high:.2f}" y1="5" y2="5"/></svg>'
    )


def _bdi(part: Part) -> str:
    return f"<bdi>{escape(quoted(part.name))}</bdi>"


def _row_header(text: str) -> str:
    return f'<th scope="row">{text}</th>'


def _number(value: int) -> str:
    return _cell(f"{value:,}")


def _cell(text: str) -> str:
    return f'<td class="number">{text}</td>'
