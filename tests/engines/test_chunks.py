"""Chunks: whatever is lost on the way, every photo comes back once, in order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.engines.chunks import Chunks, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def read(
    paths: Iterable[str], size: int, window: int, killers: frozenset[str], order: Iterator[int]
) -> tuple[list[tuple[str, bool]], int]:
    """All photos as they came back, each with whether it was blamed; and how often a reader was lost."""
    chunks: Chunks[list[tuple[str, bool]]] = Chunks(paths, size, window)
    given_out, back, lost = list[Piece](), list[tuple[str, bool]](), 0
    while not chunks.is_done:
        while (piece := chunks.next_piece(waiting=not given_out)) is not None:
            given_out.append(piece)
        assert len({piece.number for piece in given_out}) <= window
        if given_out:
            piece = given_out.pop(next(order) % len(given_out))
            if not killers.isdisjoint(piece.paths):
                lost += 1
                if not chunks.lost(piece):
                    (path,) = piece.paths
                    chunks.done(piece, [(path, True)])
            else:
                chunks.done(piece, [(path, False) for path in piece.paths])
        for _, results in chunks.in_order():
            back += [photo for _, result in results for photo in result]
    return back, lost


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 50),
    st.integers(1, 20),
    st.integers(1, 5),
    st.sets(st.integers(0, 49), max_size=4),
    st.randoms(),
)
def test_every_photo_comes_back_once_in_order_and_who_kills_is_blamed(
    photos: int, size: int, window: int, numbers: set[int], random: object
) -> None:
    paths = [f"{number}.jpg" for number in range(photos)]
    killers = frozenset(f"{number}.jpg" for number in numbers)
    order = iter(lambda: random.randrange(1000), None)  # type: ignore[attr-defined]
    back, lost = read(paths, size, window, killers, order)
    assert back == [(path, path in killers) for path in paths]
    deaths = 2 + size.bit_length() + 3
    assert lost <= deaths * len(killers)


def test_one_death_blames_nobody() -> None:
    chunks: Chunks[str] = Chunks(["a.jpg"], 4, 1)
    piece = chunks.next_piece(waiting=True)
    assert piece is not None
    assert chunks.lost(piece)
    assert chunks.next_piece(waiting=False) is piece


def test_what_ends_the_paths_is_raised_after_the_photos_before_it() -> None:
    def paths() -> Iterator[str]:
        yield from ("a.jpg", "b.jpg", "c.jpg")
        raise LookupError("the list broke off")

    chunks: Chunks[str] = Chunks(paths(), 2, 3)
    pieces = [chunks.next_piece(waiting=True) for _ in range(3)]
    assert [piece and piece.paths for piece in pieces] == [("a.jpg", "b.jpg"), ("c.jpg",), None]
    for piece in pieces[:2]:
        assert not chunks.is_done
        assert piece is not None
        chunks.done(piece, "")
    assert len(list(chunks.in_order())) == 2
    with pytest.raises(LookupError, match="broke off"):
        _ = chunks.is_done


def test_a_path_that_never_comes_holds_up_nothing() -> None:
    ever = threading.Event()

    def paths() -> Iterator[str]:
        yield from ("a.jpg", "b.jpg")
        ever.wait()

    chunks: Chunks[str] = Chunks(paths(), 1, 3)
    for name in ("a.jpg", "b.jpg"):
        piece = chunks.next_piece(waiting=True)
        assert piece is not None
        chunks.done(piece, name)
    assert [result for _, results in chunks.in_order() for _, result in results] == ["a.jpg", "b.jpg"]
    assert not chunks.is_done
    ever.set()


def test_what_waits_is_bounded() -> None:
    taken = 0

    def paths() -> Iterator[str]:
        nonlocal taken
        for number in range(10_000):
            taken = number
            yield f"{number}.jpg"

    chunks: Chunks[str] = Chunks(paths(), 10, 3)
    out = [chunks.next_piece(waiting=True) for _ in range(4)]
    assert [piece is not None for piece in out] == [True, True, True, False]
    assert taken < 100
    chunks.close()
