"""What is said of the photos that were found, and of what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.cli.messages import say
from fercli.errors import NoPhotosError
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.sources import Findings


def nothing_to_do(paths: Iterable[str], shard: str, findings: Findings) -> NoPhotosError:
    """The error of a run without a photo: there is none, or none for this part of the work."""
    if not findings.photos:
        return findings.no_photos(paths)
    return NoPhotosError(
        f"--shard {shard} has no photo: there {_are(findings.photos)} in all.", "Share it in fewer parts."
    )


def say_findings(findings: Findings, *, quiet: bool) -> None:
    """Names the arguments that gave nothing and, unless `quiet`, counts what was left out of folders."""
    say(*(f"fercli: {sentence}" for sentence in findings.fruitless))
    left_out = findings.left_out_line()
    if left_out and not quiet:
        say(left_out)


def _are(photos: int) -> str:
    return f"{'is' if photos == 1 else 'are'} {count_of(photos, 'photo')}"
