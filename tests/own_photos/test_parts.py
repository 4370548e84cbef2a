import random
from collections import Counter

import pytest

from fercli.errors import UsageError
from fercli.fer2013 import Split
from fercli.own_photos.parts import share_out, shares_of

SHARES = (0.6, 0.2, 0.2)


def crowd(seed: int) -> list[tuple[str, int]]:
    """Some hundred pictures: few people with many, many with one, and rare expressions."""
    made = random.Random(seed)  # noqa: S311 - no secret
    return [
        (f"person {number}", made.choices(range(7), [12, 1, 2, 30, 8, 5, 20])[0])
        for number in range(120)
        for _ in range(min(40, int(made.paretovariate(0.9))))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_person_is_in_two_parts_and_the_shares_are_met(seed: int) -> None:
    people, labels = zip(*crowd(seed), strict=True)
    parts = share_out(people, labels, SHARES)
    assert len(set(zip(people, parts, strict=True))) == len(set(people))
    counts = Counter(parts)
    for split, share in zip(Split, SHARES, strict=True):
        assert counts[split] / len(parts) == pytest.approx(share, abs=0.03)
    for label, total in Counter(labels).items():
        if total < 50:  # one person may have most of them
            continue
        for split, share in zip(Split, SHARES, strict=True):
            held = sum(pair == (label, split) for pair in zip(labels, parts, strict=True))
            assert abs(held - share * total) < 0.15 * total


def parts_of(made: list[tuple[str, int]]) -> dict[str, Split]:
    """The part of each person."""
    people = [person for person, _ in made]
    return dict(zip(people, share_out(people, [label for _, label in made], SHARES), strict=True))


def test_the_order_of_the_photos_changes_nothing() -> None:
    made = crowd(3)
    parts = parts_of(made)
    random.Random(1).shuffle(made)  # noqa: S311 - no secret
    assert parts_of(made) == parts


@pytest.mark.parametrize("pictures", [[1, 1, 1], [50, 1, 1], [9, 9, 9, 9]])
def test_every_part_gets_somebody_if_there_are_enough_people(pictures: list[int]) -> None:
    people = [f"person {number}" for number, count in enumerate(pictures) for _ in range(count)]
    assert set(share_out(people, [3] * len(people), SHARES)) == set(Split)


def test_one_person_is_not_split_to_fill_the_parts() -> None:
    assert set(share_out(["Anna"] * 9, [3, 4, 5] * 3, SHARES)) == {Split.TRAINING}


def test_a_part_without_a_share_stays_empty() -> None:
    people = [str(number) for number in range(50)]
    assert Counter(share_out(people, [0] * 50, shares_of("80,20,0"))) == {
        Split.TRAINING: 40,
        Split.PUBLIC: 10,
    }


@pytest.mark.parametrize("text", ["60,20,20", "0.6,0.2,0.2", " 6, 2, 2 ", "3,1,1"])
def test_shares_are_taken_in_any_unit(text: str) -> None:
    assert shares_of(text) == pytest.approx(SHARES)


@pytest.mark.parametrize(
    "text", ["", "60,40", "60,20,20,0", "a,b,c", "0,50,50", "70,-10,40", "nan,1,1", "inf,1,1"]
)
def test_other_shares_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not three shares") as caught:
        shares_of(text)
    assert "such as 60,20,20" in caught.value.remedy
