import math
from dataclasses import replace

import pytest
import torch

from fercli_training.augmentation import augment
from fercli_training.recipe import Training
from fercli_training.recipe_files import load_recipe

SIDE = 48
MANY = 600
CENTRE = (SIDE - 1) / 2


def recipe(**values: float) -> Training:
    nothing = {"flip": 0.0, "rotation": 0.0, "shift": 0.0, "scale": 0.0}
    return replace(load_recipe("article").training, **(nothing | values))  # type: ignore[arg-type] # all floats


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int) -> torch.Tensor:
    return torch.rand(count, 1, SIDE, SIDE, generator=random(7))


def spots(across: float, down: float, count: int = MANY) -> torch.Tensor:
    """A soft spot on black, at a place measured from the centre in pixels, many times."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    distance = (columns - CENTRE - across) ** 2 + (rows - CENTRE - down) ** 2
    return torch.exp(-distance / 8).expand(count, 1, SIDE, SIDE)


def places(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each picture's light is, across and down from the centre in pixels."""
    light = pictures[:, 0]
    offsets = torch.arange(SIDE) - CENTRE
    total = light.sum(dim=(1, 2))
    return (light.sum(dim=1) * offsets).sum(1) / total, (light.sum(dim=2) * offsets).sum(1) / total


def test_shape_type_and_range_stay() -> None:
    pictures = noise(20) * 0.5 + 0.25
    variants = augment(pictures, load_recipe("article").training, random())
    assert variants.shape == pictures.shape
    assert variants.dtype == torch.float32
    assert variants.min() >= pictures.min()
    assert variants.max() <= pictures.max()


def test_nothing_asked_is_nothing_done() -> None:
    pictures = noise(8)
    torch.testing.assert_close(augment(pictures, recipe(), random()), pictures, atol=1e-5, rtol=0)


def test_a_sure_flip_mirrors() -> None:
    pictures = noise(8)
    variants = augment(pictures, recipe(flip=1), random())
    torch.testing.assert_close(variants, pictures.flip(3), atol=1e-5, rtol=0)


def test_half_of_the_pictures_are_mirrored_and_nothing_else() -> None:
    across, down = places(augment(spots(10, 5), recipe(flip=0.5), random()))
    assert 0.4 < (across < 0).float().mean() < 0.6
    torch.testing.assert_close(across.abs(), torch.full((MANY,), 10.0), atol=0.01, rtol=0)
    torch.testing.assert_close(down, torch.full((MANY,), 5.0), atol=0.01, rtol=0)


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("centre_crop", [1.0, 0.5])
def test_rotation_turns_about_the_centre_either_way_up_to_its_limit(
    flip: float, centre_crop: float
) -> None:
    turned = recipe(rotation=30, flip=flip, centre_crop=centre_crop)
    across, down = places(augment(spots(6, 0, 4 * MANY), turned, random()))
    across = across * (1 - 2 * flip)
    degrees = torch.rad2deg(torch.atan2(down, across))
    far = torch.full((4 * MANY,), 6 / centre_crop)
    torch.testing.assert_close(torch.hypot(across, down), far, atol=0.1, rtol=0)
    assert -30.05 < degrees.min() < -29.9
    assert 29.9 < degrees.max() < 30.05
    assert abs(float(degrees.mean())) < 1


def test_shift_moves_either_way_up_to_its_share_of_the_side() -> None:
    for moved in places(augment(spots(0, 0), recipe(shift=0.125), random())):
        assert -6.05 < moved.min() < -5.7
        assert 5.7 < moved.max() < 6.05
        assert abs(float(moved.mean())) < 0.6


def test_scale_grows_and_shrinks_up_to_its_limit() -> None:
    across, down = places(augment(spots(10, 0), recipe(scale=0.3), random()))
    exponents = torch.log(across / 10)
    assert -0.31 < exponents.min() < -0.28
    assert 0.28 < exponents.max() < 0.31
    assert down.abs().max() < 0.01


def test_what_lies_outside_continues_the_border() -> None:
    flat = torch.full((50, 1, SIDE, SIDE), 0.7)
    variants = augment(flat, recipe(flip=0.5, rotation=45, shift=0.5, scale=0.5), random())
    torch.testing.assert_close(variants, flat, atol=1e-5, rtol=0)


def test_every_picture_gets_a_variant_of_its_own() -> None:
    same = noise(1).expand(30, 1, SIDE, SIDE)
    variants = augment(same, load_recipe("article").training, random())
    differences = (variants[:, None] - variants[None]).abs().amax(dim=(2, 3, 4))
    assert (differences + torch.eye(30)).min() > 0.05


def test_the_generator_decides_alone() -> None:
    """Of every kind of variant: each makes the difference where it is the only one."""
    kinds: list[dict[str, float]] = [
        {"flip": 0.5}, {"rotation": 9}, {"shift": 0.1}, {"scale": 0.1}, {"brightness": 0.2},
        {"contrast": 0.2}, {"text": 0.5}, {"watermark": 0.5}, {"erasing": 0.5},
    ]  # fmt: skip
    pictures = noise(10)
    for kind in kinds:
        generator, alone = random(5), recipe(**kind)
        torch.manual_seed(98)
        first, second = augment(pictures, alone, generator), augment(pictures, alone, generator)
        assert not torch.equal(first, second)
        torch.manual_seed(99)
        assert torch.equal(augment(pictures, alone, random(5)), first)
        assert not torch.equal(augment(pictures, alone, random(6)), first)


def test_what_is_not_asked_for_draws_no_numbers() -> None:
    """So that one kind more or less in a recipe leaves what the others draw."""

    def left(alone: Training) -> torch.Tensor:
        generator = random()
        augment(noise(2), alone, generator)
        return generator.get_state()

    for kind in ("brightness", "contrast", "text", "watermark", "erasing"):
        assert not torch.equal(left(recipe()), left(recipe(**{kind: 0.5})))


def test_the_centre_is_cut_out_and_enlarged() -> None:
    across, down = places(augment(spots(6, -5), recipe(centre_crop=0.5), random()))
    torch.testing.assert_close(across, torch.full((MANY,), 12.0), atol=0.5, rtol=0)
    torch.testing.assert_close(down, torch.full((MANY,), -10.0), atol=0.5, rtol=0)


def test_brightness_and_contrast_stay_in_their_limits() -> None:
    grey = torch.full((MANY, 1, SIDE, SIDE), 0.5)
    brighter = augment(grey, recipe(brightness=0.2), random())[:, 0, 0, 0]
    assert 0.3 <= brighter.min() < 0.32
    assert 0.68 < brighter.max() <= 0.7
    steeper = augment(grey, recipe(contrast=0.4), random())[:, 0, 0, 0]
    assert 0.3 <= steeper.min() < 0.32
    assert 0.68 < steeper.max() <= 0.7
    white = augment(torch.ones(MANY, 1, SIDE, SIDE), recipe(brightness=0.2, contrast=0.2), random())
    assert white.max() == 1.0
    assert 0.5 < white.min() < 0.7
    black = augment(torch.zeros(MANY, 1, SIDE, SIDE), recipe(brightness=0.2, contrast=0.2), random())
    assert black.min() == 0.0
    assert 0.18 < black.max() <= 0.2


def test_erasing_paints_one_rectangle_of_one_grey() -> None:
    pictures = noise(MANY)
    variants = augment(pictures, recipe(erasing=0.5), random())
    changed = ((variants - pictures).abs() > 1e-4)[:, 0]
    touched = changed.flatten(1).any(1)
    assert 0.4 < float(touched.float().mean()) < 0.6
    for mask, variant in zip(changed[touched], variants[touched, 0], strict=True):
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        box = variant[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert float(box.max() - box.min()) < 1e-6
        assert 0.01 < box.numel() / SIDE**2 < 0.3


def test_erased_rectangles_are_of_every_size_shape_place_and_grey() -> None:
    """A 50th to a quarter of the picture, up to three times as high as wide or as wide as high."""
    black = torch.full((4 * MANY, 1, SIDE, SIDE), -1.0)
    painted = augment(black, recipe(erasing=1), random())[:, 0]
    inside = painted >= 0
    rows, columns = inside.any(2).sum(1), inside.any(1).sum(1)
    assert torch.equal(inside.sum((1, 2)), rows * columns)
    shares, ratios = rows * columns / SIDE**2, rows / columns
    for values, low, high in ((shares, 0.02, 0.25), (ratios.log(), -math.log(3), math.log(3))):
        assert float(values.min()) == pytest.approx(low, abs=0.01 + 0.1 * abs(low))
        assert float(values.max()) == pytest.approx(high, abs=0.02 + 0.1 * high)
        assert float(values.mean()) == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    for axis in (1, 2):
        free = ~inside.any(axis)
        before = free.long().cumprod(1).sum(1)  # lines free of it to one side
        after = free.sum(1) - before
        assert before.min() == after.min() == 0
        assert float((before / free.sum(1)).mean()) == pytest.approx(0.5, abs=0.03)
        assert float((before == 0).float().mean()) == pytest.approx(
            float((after == 0).float().mean()), abs=0.02
        )
    greys = painted.amax((1, 2))
    assert 0 <= greys.min() < 0.01
    assert 0.99 < greys.max() <= 1
    assert abs(float(greys.mean()) - 0.5) < 0.02


@pytest.mark.parametrize(("name", "strongest"), [("text", 1.0), ("watermark", 0.3)])
def test_text_lies_in_a_line_over_the_pictures_that_the_odds_choose(name: str, strongest: float) -> None:
    grey = torch.full((MANY, 1, SIDE, SIDE), 0.5)
    variants = augment(grey, recipe(**{name: 0.5}), random())
    change = (variants - grey).abs()[:, 0]
    touched = change.flatten(1).max(1).values > 1e-3
    assert 0.4 < float(touched.float().mean()) < 0.6
    assert float(change.max()) == pytest.approx(0.5 * strongest, abs=0.01)
    # A line of small letters: most rows stay as they were.
    assert ((change[touched].amax(2) > 1e-3).float().mean(1) < 0.4).all()
    assert (variants[touched].amax((1, 2, 3)) > 0.51).any()
    assert (variants[touched].amin((1, 2, 3)) < 0.49).any()
