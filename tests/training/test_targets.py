from typing import Any

import pytest
import torch
from torch.nn import functional

from fercli_training.recipe import Training
from fercli_training.targets import distillation, losses, make_targets, mix, picture_weights

LABELS = torch.tensor([0, 1, 3, 6])


def recipe(**values: Any) -> Training:
    return Training(epochs=1, batch_size=2, learning_rate=0.1, **values)


def logits(count: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 7, generator=torch.Generator().manual_seed(seed))


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_bare_labels_give_torchs_cross_entropy() -> None:
    expected = functional.cross_entropy(logits(), LABELS, reduction="none")
    torch.testing.assert_close(
        losses(logits(), make_targets(LABELS, None, recipe()), "cross_entropy"), expected
    )


def test_label_smoothing_is_torchs() -> None:
    targets = make_targets(LABELS, None, recipe(label_smoothing=0.2))
    expected = functional.cross_entropy(logits(), LABELS, label_smoothing=0.2, reduction="none")
    torch.testing.assert_close(losses(logits(), targets, "cross_entropy"), expected)


def test_votes_take_their_share_where_there_are_any() -> None:
    votes = torch.zeros(4, 7)
    votes[0, 4], votes[0, 6] = 0.75, 0.25
    targets = make_targets(LABELS, votes, recipe(votes=0.4))
    torch.testing.assert_close(targets[0], torch.tensor([0.6, 0, 0, 0, 0.3, 0, 0.1]))
    torch.testing.assert_close(targets[1:], functional.one_hot(LABELS[1:], 7).float())


def test_classes_weigh_what_the_recipe_says() -> None:
    weights = picture_weights(LABELS, recipe(class_weights={"disgust": 10.0, "neutral": 0.5}))
    assert weights.tolist() == [1.0, 10.0, 1.0, 0.5]


def test_the_squared_hinge_is_tangs() -> None:
    values = torch.tensor([[2.0, -3.0, 0.5, -0.5, -1.0, -2.0, 0.0], [-0.25, *[-2.0] * 6]])
    # The first right class is beyond its margin; of the others, 0.5, -0.5 and 0 are short of theirs.
    # The second right class is short of it, and the others are not.
    targets = make_targets(torch.tensor([0, 0]), None, recipe())
    expected = [1.5**2 + 0.5**2 + 1.0, 1.25**2]
    assert losses(values, targets, "squared_hinge").tolist() == pytest.approx(expected)


def test_mixup_mixes_pictures_and_targets_by_the_same_shares() -> None:
    pictures = torch.eye(4).view(4, 1, 2, 2)
    targets = torch.zeros(4, 7)
    targets[:, :4] = torch.eye(4)
    mixed, answers = mix(pictures, targets, 0.4, random())
    torch.testing.assert_close(mixed.view(4, 4), answers[:, :4])
    torch.testing.assert_close(answers.sum(1), torch.ones(4))
    assert (answers.diagonal() >= 0.5).all()  # a picture stays more itself than another
    assert (answers >= 0).all()  # and no more than itself
    assert not torch.equal(mixed, pictures)
    again, _ = mix(pictures, targets, 0.4, random())
    assert torch.equal(mixed, again)


def test_mixups_shares_have_seeds_enough() -> None:
    pictures, targets = torch.eye(2).view(2, 1, 1, 2), torch.eye(7)[:2]
    found = {mix(pictures, targets, 0.4, random(seed))[1][0, 0].item() for seed in range(600)}
    assert len(found) > 200  # half of them are mixed with themselves


def test_a_teacher_that_answers_the_same_costs_nothing() -> None:
    for temperature in (1.0, 4.0):
        same = (logits() / temperature).softmax(1)
        torch.testing.assert_close(
            distillation(logits(), same, temperature), torch.zeros(4), atol=1e-5, rtol=0
        )
        assert (distillation(logits(seed=2), same, temperature) > 0).all()


def test_another_answer_costs_the_divergence_times_the_temperatures_square() -> None:
    teacher = (logits(seed=2) / 3).softmax(1)
    ours = (logits() / 3).softmax(1)
    expected = (teacher * (teacher / ours).log()).sum(1) * 9
    torch.testing.assert_close(distillation(logits(), teacher, 3.0), expected)
