"""Throws what nobody would write at whatever reads: pictures, faces, reports, lists, settings.

    python -m tests.fuzz --minutes 10 [--seed 1]

Each target may refuse what it gets in its own words, and nothing else. What it does otherwise is printed
with the bytes that led there, made small; put those into `tests/test_fuzz.py`, and mend it. With coverage,
where atheris is installed: `python -m tests.fuzz --atheris decode`.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fercli.crop import FER2013, WHOLE, crop_face
from fercli.errors import PhotoError, PhotoErrorKind, UsageError, in_one_line
from fercli.images import decode
from fercli.records import Box, Face, Landmarks, Photo
from fercli.reports import Format, open_report
from fercli.reports.earlier import Earlier
from fercli.reports.reading import read_report
from fercli.reports.settings import Settings
from fercli.sources.lists import read_list
from tests import hostile
from tests.test_settings import USUAL

Target = Callable[[bytes], None]
_MOST_PIXELS = 4_000_000


def decode_any(data: bytes) -> None:
    """A picture, or one of the errors that a picture may have."""
    try:
        pixels = decode(data, _MOST_PIXELS)
    except PhotoError as error:
        if error.kind in {PhotoErrorKind.INTERNAL, PhotoErrorKind.CRASHED}:
            raise AssertionError(str(error)) from error
        return
    if (
        pixels.dtype != np.uint8
        or pixels.ndim != 3
        or pixels.shape[2] != 3
        or not pixels.flags.c_contiguous
    ):
        raise AssertionError(pixels.shape)


def crop_any(data: bytes) -> None:
    """A crop of any finite face in a small picture."""
    numbers = np.frombuffer(data.ljust(120, b"\1")[:120], np.float32)
    numbers = np.nan_to_num(numbers, nan=3.0).clip(-1e7, 1e7).astype(float)
    x, y, width, height = numbers[:4]
    box = Box(x, y, x + abs(width) + 1e-3, y + abs(height) + 1e-3)
    points = [(float(a), float(b)) for a, b in numbers[4:14].reshape(5, 2)]
    picture = np.full((1 + data[0] % 50 if data else 9, 31, 3), 128, np.uint8)
    for framing in (FER2013, WHOLE):
        crop = crop_face(picture, Face(box, 1.0, Landmarks(*points)), framing)
        if crop.shape != (48, 48) or not np.isfinite(crop).all() or not 0 <= crop.min() <= crop.max() <= 1:
            raise AssertionError(box)


def _report(kind: Format) -> Target:
    def read_any(data: bytes) -> None:
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            path = Path(folder, f"r.{kind}")
            path.write_bytes(data)
            for read in (read_report, _gone_on_with):
                try:
                    for rows in read(str(path), kind):
                        json.dumps(rows)
                except UsageError:
                    pass

    return read_any


def _gone_on_with(path: str, kind: Format) -> list[object]:
    return [Earlier(path, kind, retry_errors=True).count]


def list_any(data: bytes) -> None:
    """Paths, or the error that it is no list."""
    for null_separated in (False, True):
        try:
            for path in read_list(io.BytesIO(data), null_separated=null_separated):
                path.encode("utf-8", "surrogateescape")
        except UsageError:
            pass


def settings_any(data: bytes) -> None:
    """Settings, or none."""
    Settings.from_json(data)


TARGETS: dict[str, Target] = {
    "decode": decode_any,
    "crop": crop_any,
    **{f"report-{kind}": _report(kind) for kind in Format},
    "list": list_any,
    "settings": settings_any,
}


def seeds(target: str) -> list[bytes]:
    """What is changed to make the cases of a target."""
    if target == "decode":
        small = [
            case.data
            for case in (*hostile.depths(), *hostile.metadata(1 << 12))
            if len(case.data) < 1 << 16
        ]
        return [*map(hostile.good, hostile.FORMATS), *small]
    if target.startswith("report-"):
        kind = Format(target.removeprefix("report-"))
        face = Face(Box(1.25, 2.0, 30.01, 40.0), 0.5, None, (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            with open_report(f"{folder}/r", kind, settings=USUAL) as writer:
                for photo in (
                    Photo("a", (face, face), 9, 9),
                    Photo('b"\n,', error="empty: x."),
                    Photo("c"),
                ):
                    writer.write(photo.rows())
            return [Path(folder, "r").read_bytes()]
    if target == "list":
        text = 'a.jpg\r\n "b c.jpg" \n/d/é.jpg\n'
        return [text.encode(), text.encode("utf-16"), text.replace("\n", "\0").encode()]
    return [USUAL.to_json().encode(), np.arange(30, dtype=np.float32).tobytes()]


def changed(data: bytes, random: np.random.Generator, others: list[bytes]) -> bytes:
    """The bytes with a few of them changed, taken out, doubled or put in."""
    value = bytearray(data)
    for _ in range(int(random.integers(1, 8))):
        at = int(random.integers(0, len(value) + 1))
        end = at + int(random.integers(0, 1 + min(64, len(value))))
        match int(random.integers(0, 7)):
            case 0 if value:
                value[at % len(value)] ^= 1 << int(random.integers(0, 8))
            case 1 if value:
                value[at % len(value)] = int(
                    random.choice(np.array([0, 1, 127, 128, 254, 255, 10, 34, 44]))
                )
            case 2:
                del value[at:end]
            case 3:
                value[at:at] = value[at:end] * int(random.integers(1, 4))
            case 4:
                value[at:at] = random.bytes(int(random.integers(1, 9)))
            case 5:
                other = others[int(random.integers(0, len(others)))]
                start = int(random.integers(0, len(other) + 1))
                value[at:end] = other[start : start + end - at]
            case _:
                value[at : at + 4] = int(random.integers(0, 1 << 32)).to_bytes(4, "little")
    return bytes(value)


def failure(target: Target, data: bytes) -> str | None:
    """What a target does that it may not."""
    try:
        target(data)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return in_one_line(error)
    return None


def smallest(target: Target, data: bytes, said: str) -> bytes:
    """A part of the bytes that leads to an error of the same kind."""
    kind, step = said.partition(":")[0], len(data) // 2
    while step:
        for start in range(0, len(data), step):
            less = data[:start] + data[start + step :]
            words = failure(target, less)
            if words is not None and words.startswith(kind):
                data = less
                break
        else:
            step //= 2
    return data


def run(minutes: float, seed: int) -> dict[str, object]:
    """So long over all targets in turn: the cases of each, and what was found."""
    random = np.random.default_rng(seed)
    cases, finds = Counter[str](), {}
    pools = {name: seeds(name) for name in TARGETS}
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        for name, target in TARGETS.items():
            for _ in range(50):
                pool = pools[name]
                data = changed(pool[int(random.integers(0, len(pool)))], random, pool)
                cases[name] += 1
                said = failure(target, data)
                if said is not None and (name, said.partition(":")[0]) not in finds:
                    finds[name, said.partition(":")[0]] = said, smallest(target, data, said)
    found = [
        {"target": name, "said": said, "data": data.hex()[:4000]}
        for (name, _), (said, data) in finds.items()
    ]
    return {"cases": cases, "minutes": minutes, "finds": found}


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - no disk is needed


def main() -> None:
    """Prints what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--atheris", choices=TARGETS, help="this target alone, by coverage, until it is stopped"
    )
    asked = parser.parse_args()
    if asked.atheris is None:
        print(json.dumps(run(asked.minutes, asked.seed), indent=1))  # noqa: T201 - it is what it is for
        return
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv[:1], TARGETS[asked.atheris])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
