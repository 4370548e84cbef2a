"""What one step costs and does, against figures worked out in NumPy on three pictures."""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch._dynamo import OptimizedModule

from fercli.architecture import ArticleArchitecture, Normalisation
from fercli.fer2013 import Pictures
from fercli_training.inputs import TrainingData
from fercli_training.learner import Learner
from fercli_training.processes import launch
from fercli_training.recipe import Recipe, Training
from fercli_training.trainer import Trainer
from tests.fer2013 import made_up

Floats = NDArray[np.float64]

LABELS = np.array([0, 1, 3])
ARCHITECTURE = ArticleArchitecture(
    (3,), 3, (5,), 0.0, normalisation=Normalisation.NONE, dense_normalisation=Normalisation.NONE
)


class Teacher(nn.Module):
    """Answers every batch with the same logits."""

    def __init__(self, logits: Floats) -> None:
        super().__init__()
        self.logits = torch.tensor(logits, dtype=torch.float32)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(pictures)]


def three() -> Pictures:
    pixels, _ = made_up.pictures("Training")
    return Pictures(pixels[:3], LABELS, np.arange(3))


def twelve() -> Pictures:
    pixels, labels = made_up.pictures("Training")
    return Pictures(pixels[:12], labels[:12], np.arange(12))


def trainer(
    given: Any = None,
    teachers: Sequence[nn.Module] = (),
    pictures: Pictures | None = None,
    architecture: ArticleArchitecture = ARCHITECTURE,
    **values: Any,
) -> Trainer:
    """Of the three pictures as they are, or of others; one step an epoch."""
    usual: dict[str, Any] = {"batch_size": 3, "learning_rate": 0.1, "optimiser": "sgd"}
    training = Training(**usual | {"epochs": 1, "precision": "float32"} | values)
    recipe, fabric = Recipe("three", architecture, training), launch("cpu", "float32", 1)
    pictures = pictures or three()
    data = TrainingData(pictures, pictures, given, teachers)
    return Trainer(training, Learner(recipe, fabric, teachers), data, fabric)


def answers(run: Trainer, pixels: Floats | None = None) -> Floats:
    """The network's logits before the step, of the pictures or of others in 0..1."""
    given = three().pixels / 255 if pixels is None else pixels
    with torch.inference_mode():
        logits: torch.Tensor = run.learner.network(torch.tensor(given, dtype=torch.float32)[:, None])
    return logits.numpy().astype(np.float64)


def first_loss(run: Trainer) -> float:
    for _ in run.train_epoch():
        pass
    return run.means[0]


def log_softmax(logits: Floats) -> Floats:
    logarithms: Floats = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return logarithms


def cross_entropies(logits: Floats, targets: Floats) -> Floats:
    losses: Floats = -(targets * log_softmax(logits)).sum(-1)
    return losses


def test_a_class_weighs_as_much_as_the_recipe_says() -> None:
    run = trainer(class_weights={"disgust": 5.0, "happy": 0.5})
    each = cross_entropies(answers(run), np.eye(7)[LABELS])
    expected = (each[0] + 5 * each[1] + 0.5 * each[2]) / 6.5
    assert first_loss(run) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_teachers_are_compared_with_at_the_temperature_times_its_square(temperature: float) -> None:
    told = [np.random.default_rng(seed).normal(0, 3, (3, 7)) for seed in (1, 2)]
    run = trainer(
        teachers=[Teacher(logits) for logits in told],
        teacher=0.3,
        teacher_temperature=temperature,
    )
    logits = answers(run)
    answer = np.mean([np.exp(log_softmax(one / temperature)) for one in told], axis=0)
    far = (answer * (np.log(answer) - log_softmax(logits / temperature))).sum(1) * temperature**2
    expected = (0.7 * cross_entropies(logits, np.eye(7)[LABELS]) + 0.3 * far).mean()
    assert first_loss(run) == pytest.approx(expected, rel=1e-4)


def test_votes_are_learned_from() -> None:
    votes = np.zeros((3, 7), np.float32)
    votes[0, [4, 6]] = 0.75, 0.25
    run = trainer(votes, votes=0.4, label_smoothing=0.1)
    smooth = 0.9 * np.eye(7)[LABELS] + 0.1 / 7
    targets = smooth * np.array([[0.6], [1], [1]]) + 0.4 * votes
    expected = cross_entropies(answers(run), targets).mean()
    assert first_loss(run) == pytest.approx(expected, rel=1e-4)


def test_mixup_learns_from_pictures_and_targets_that_are_mixed_in_half() -> None:
    """An alpha this high leaves no share but a half."""
    run = trainer(mixup=1e9)
    pictures, targets = three().pixels / 255, np.eye(7)[LABELS]
    found = [
        cross_entropies(
            answers(run, (pictures + pictures[list(order)]) / 2), (targets + targets[list(order)]) / 2
        ).mean()
        for order in itertools.permutations(range(3))
    ]
    loss = first_loss(run)
    assert loss != pytest.approx(found[0], rel=1e-4)  # that order mixes each picture with itself
    assert any(loss == pytest.approx(mixed, rel=1e-4) for mixed in found[1:])


def test_the_squared_hinge_is_what_is_paid() -> None:
    run = trainer(loss="squared_hinge")
    logits, belongs = answers(run), np.eye(7)[LABELS] > 0
    margins = np.where(belongs, 1 - logits, 1 + logits).clip(min=0)
    assert first_loss(run) == pytest.approx((margins**2).sum(1).mean(), rel=1e-4)


def test_the_accuracy_is_the_share_of_answers_that_are_their_targets_highest() -> None:
    run, pictures = trainer(), twelve().pixels / 255
    with torch.no_grad():
        run.learner.network.get_parameter("classifier.weight").mul_(1000)
    answered = answers(run, pictures).argmax(1)
    assert len(set(answered.tolist())) > 1
    wanted = answered.copy()
    wanted[[1, 5, 6, 11]] = (wanted[[1, 5, 6, 11]] + 1) % 7
    targets = torch.tensor(0.6 * np.eye(7)[wanted] + 0.4 / 7, dtype=torch.float32)
    batch = torch.tensor(pictures, dtype=torch.float32)[:, None]
    _, accuracy = run.learner.learn(batch, targets, torch.ones(12), 0.1)
    assert float(accuracy) == pytest.approx(8 / 12)


def test_a_step_goes_down_the_weighted_gradient_by_the_rate() -> None:
    """The step of the last bias, whose gradient is the answer less the target."""
    run = trainer(class_weights={"disgust": 4.0}, momentum=0.0)
    before = run.learner.network.get_parameter("classifier.bias").detach().double().numpy().copy()
    errors = np.exp(log_softmax(answers(run))) - np.eye(7)[LABELS]
    gradient = (np.array([1, 4, 1]) @ errors) / 6
    first_loss(run)
    after = run.learner.network.get_parameter("classifier.bias").detach().double().numpy()
    np.testing.assert_allclose(after, before - 0.1 * gradient, atol=1e-6)


def test_a_cosine_falls_from_step_to_step() -> None:
    run = trainer(pictures=twelve(), epochs=2, schedule="cosine")
    rates: list[float] = []
    for _ in range(2):
        rates += [run.learner.optimiser.param_groups[0]["lr"] for _ in run.train_epoch()]
        run.end_epoch()
    # In the middle of each of eight steps.
    expected = [0.05 * (1 + np.cos(np.pi * (step + 0.5) / 8)) for step in range(8)]
    assert rates == pytest.approx(expected)


def test_the_kept_statistics_are_averages_as_the_weights_are() -> None:
    normalised = replace(ARCHITECTURE, normalisation=Normalisation.BATCH)
    run = trainer(pictures=twelve(), architecture=normalised, average_decay=0.8)
    seen: list[dict[str, Floats]] = []
    for _ in run.train_epoch():
        state = run.learner.network.state_dict()
        seen.append({name: value.double().numpy().copy() for name, value in state.items()})
    weights = run.learner.averaged_weights()
    for name in ("convolutions.0.normalisation.running_mean", "convolutions.0.normalisation.running_var",
                 "classifier.weight"):  # fmt: skip
        average = seen[0][name]
        for count, values in enumerate(seen[1:], start=1):
            decay = min(0.8, (1 + count) / (10 + count))
            average = decay * average + (1 - decay) * values[name]
        kept = weights[name].double().numpy()
        np.testing.assert_allclose(kept, average, rtol=1e-4, atol=1e-6)
        assert not np.allclose(kept, seen[-1][name], rtol=1e-3, atol=1e-6)


def test_answers_are_those_of_the_weights_that_are_given() -> None:
    run = trainer()
    pixels = torch.from_numpy(three().pixels)[:, None]
    weights = run.learner.averaged_weights()
    np.testing.assert_allclose(run.learner.answers(pixels), answers(run), atol=1e-5)
    weights["classifier.bias"] = torch.arange(7.0)
    shifted = run.learner.answers(pixels, weights) - run.learner.answers(pixels)
    before = run.learner.averaged_weights()["classifier.bias"].numpy()
    np.testing.assert_allclose(shifted, np.tile(np.arange(7) - before, (3, 1)), atol=1e-5)


def test_a_weight_that_is_no_number_is_noticed() -> None:
    run = trainer()
    assert run.learner.is_whole()
    with torch.no_grad():
        run.learner.network.get_parameter("classifier.bias")[2] = torch.inf
    assert not run.learner.is_whole()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of torch
@pytest.mark.parametrize("compiled", [False, True])
def test_what_learns_and_what_teaches_is_compiled_where_that_is_asked(compiled: bool) -> None:
    teacher, training = Teacher(np.zeros((3, 7))), Training(epochs=1, batch_size=3, learning_rate=0.1)
    asked: dict[str, Any] = {"compiled": True} if compiled else {}
    learner = Learner(
        Recipe("any", ARCHITECTURE, training), launch("cpu", "float32", 1), [teacher], **asked
    )
    for module in (learner.model, *learner.teachers):
        assert any(isinstance(part, OptimizedModule) for part in module.modules()) is compiled
    for module in (learner.network, learner.average):
        assert not any(isinstance(part, OptimizedModule) for part in module.modules())


def test_what_a_checkpoint_holds_is_taken_on_but_its_regularisation() -> None:
    before = trainer(optimiser="adam", dense_l2=0.125)
    first_loss(before)
    after = trainer(optimiser="adam", dense_l2=0.5, weight_decay=0.25, seed=9)
    after.learner.restore(copy.deepcopy(before.learner.state()))
    taken, held = after.learner.state(), before.learner.state()
    for part in ("network", "average"):
        torch.testing.assert_close(dict(taken[part]), dict(held[part]), rtol=0, atol=0)
    torch.testing.assert_close(taken["optimiser"]["state"], held["optimiser"]["state"], rtol=0, atol=0)
    assert [group["weight_decay"] for group in after.learner.optimiser.param_groups] == [0.75, 0.25, 0.0]
