"""The settings that the rows of a report depend on. They are kept beside the report, or inside Parquet."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fercli import __version__
from fercli.errors import ReportError, UsageError
from fercli.files import real_path, whole_file
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fercli.bundle import Bundle

_NAME = ".fercli-run"
_FIRST_ROWS = 1024
"""Bytes."""

_NAMES = {
    "detector": "the detector",
    "min_face": "--min-face",
    "min_score": "--min-score",
    "precision": "the precision",
}
_SWITCHES = ("tta", "fast")


class Model(NamedTuple):
    """A model by its name and the sha256 of its weights."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run and what it ran on, as far as a report's reader may want to know.

    Texts are what backend and detector say about themselves. A text is empty if there is no such setting:
    the detector `none` has no smallest face.
    """

    fercli: str
    """The version that wrote the report."""
    models: tuple[Model, ...]
    backend: str
    runtime: str
    """With its version."""
    device: str
    precision: str
    detector: str
    min_face: str
    min_score: str
    tta: bool
    shard: str = "1/1"
    """The part of the photos that the report has, as of `--shard`."""
    fast: bool = False

    def to_json(self) -> str:
        """As one line of JSON, which `from_json` reads."""
        return json.dumps(asdict(self) | {"models": [model._asdict() for model in self.models]})

    @staticmethod
    def from_json(text: str | bytes) -> Settings | None:
        """The settings, or None if the text holds none. Entries of later versions are ignored."""
        try:
            values: dict[str, Any] = json.loads(text)
            models = tuple(Model(str(each["name"]), str(each["sha256"])) for each in values["models"])
            values.setdefault("fast", False)  # earlier versions had no such option
            known = {field.name: values[field.name] for field in fields(Settings)}
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        texts = [value for name, value in known.items() if name not in {"models", *_SWITCHES}]
        if not (
            all(isinstance(known[name], bool) for name in _SWITCHES)
            and all(isinstance(text, str) for text in texts)
        ):
            return None
        return Settings(**(known | {"models": models}))

    def differences(self, other: Settings) -> list[tuple[str, str, str]]:
        """The settings that make rows differ, each with its name and its value here and there.

        Backends, runtimes and devices give the same answers if the precision is the same. So do versions
        that differ only in their last number.
        """
        return list(_differences(self, other))


def settings_of(
    models: Iterable[Bundle],
    backend: Mapping[str, str],
    detector: Mapping[str, str],
    *,
    tta: bool,
    shard: str = "1/1",
) -> Settings:
    """The settings of a run that is about to start.

    Args:
        models: as of `fercli.reader.Pipeline`.
        backend: likewise.
        detector: likewise.
        tta: whether mirror images are read too.
        shard: which part of the photos is read.
    """
    return Settings(
        fercli=__version__,
        models=tuple(Model(bundle.name, bundle.sha256) for bundle in models),
        backend=backend.get("name", ""),
        runtime=f"{backend.get('runtime', '')} {backend.get('version', '')}".strip(),
        device=backend.get("device", ""),
        precision=backend.get("precision", ""),
        detector=detector.get("detector", ""),
        min_face=detector.get("min_face", ""),
        min_score=detector.get("min_score", ""),
        tta=tta,
        shard=shard,
        fast=detector.get("fast") == "on",
    )


def settings_file(report: str) -> Path:
    """The hidden file beside a report that has its settings."""
    path = real_path(report)
    return path.with_name(f".{path.name}{_NAME}")


def keep_settings(report: str, settings: Settings | None) -> None:
    """Writes the settings beside a report, if that is possible. None removes those of an earlier report."""
    place = settings_file(report)
    with suppress(ReportError, OSError):
        if settings is None:
            place.unlink()
            return
        with whole_file(place) as made:
            made.write_text(settings.to_json() + "\n", "utf-8")


def bind_settings(report: str) -> None:
    """Binds the settings beside a report to its first bytes, so that they count for no other report."""
    with suppress(OSError), settings_file(report).open("r+") as file:
        file.seek(0, os.SEEK_END)
        file.write(f"{_beginning(report)}\n")


def kept_settings(report: str) -> Settings | None:
    """The settings beside a report; None if they cannot be read, or belong to another report."""
    try:
        settings, _, begins_with = settings_file(report).read_bytes().partition(b"\n")
        if begins_with and begins_with.strip() != _beginning(report).encode():
            return None
    except OSError:
        return None
    return Settings.from_json(settings)


def _beginning(report: str) -> str:
    """The sha256 of a report's first bytes."""
    from hashlib import file_digest, sha256  # loads OpenSSL, which most commands do without

    with Path(report).open("rb") as file:
        start = file.read(_FIRST_ROWS)
        # All pages begin alike.
        return (file_digest(file, "sha256") if start.startswith(b"<") else sha256(start)).hexdigest()


def refuse_other_settings(report: str, earlier: Settings, now: Settings) -> None:
    """Refuses to resume a report if its rows would be different now.

    Raises:
        UsageError: they would be; each difference is named.
    """
    if differences := earlier.differences(now):
        words = (f"{what} {was}, now {there_is}" for what, was, there_is in differences)
        raise UsageError(
            f"{quoted(report)} was started with other settings: {'; '.join(words)}.",
            "Use the settings that it was started with, or name another report with --out.",
        )


def _differences(one: Settings, other: Settings) -> Iterator[tuple[str, str, str]]:
    if _generation(one.fercli) != _generation(other.fercli):
        yield "fercli", one.fercli, other.fercli
    if sorted(model.sha256 for model in one.models) != sorted(model.sha256 for model in other.models):
        yield "the model", _names(one, other), _names(other, one)
    for name, shown in _NAMES.items():
        here, there = getattr(one, name), getattr(other, name)
        if here != there:
            yield shown, str(here) or "none", str(there) or "none"
    for name in _SWITCHES:
        here, there = getattr(one, name), getattr(other, name)
        if here != there:
            yield f"--{name}", "on" if here else "off", "on" if there else "off"


def _generation(version: str) -> list[str]:
    """The numbers of a version of which one changes if rows may change."""
    return version.split(".")[:2]


def _names(of: Settings, beside: Settings) -> str:
    """The models' names, with their checksums if the names are the same."""
    same = sorted(model.name for model in of.models) == sorted(model.name for model in beside.models)
    return " and ".join(f"{name} (sha256 {sha256[:12]})" if same else name for name, sha256 in of.models)
