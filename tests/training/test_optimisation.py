import pytest
import torch
from torch import nn

from fercli.architecture import ArticleArchitecture
from fercli_torch.network import build_network
from fercli_training.optimisation import learning_rate, make_average, make_optimiser, weight_groups
from fercli_training.recipe import Training


def recipe(**values: object) -> Training:
    return Training(**{"epochs": 10, "batch_size": 8, "learning_rate": 0.5} | values)  # type: ignore[arg-type] # by name


def small_network() -> nn.Module:
    return build_network(ArticleArchitecture((4,), 3, (5,), 0.0))


def test_l2_falls_on_weights_by_their_kind_and_on_nothing_else() -> None:
    network = small_network()
    dense, convolutions, rest = weight_groups(network, recipe(weight_decay=0.25, dense_l2=0.5))
    kinds = {nn.Linear: dense["params"], nn.Conv2d: convolutions["params"]}
    for kind, parameters in kinds.items():
        expected = [module.weight for module in network.modules() if isinstance(module, kind)]
        assert [id(parameter) for parameter in parameters] == [id(weight) for weight in expected]
    assert all(parameter.ndim == 1 for parameter in rest["params"])
    assert [group["weight_decay"] for group in (dense, convolutions, rest)] == [0.75, 0.25, 0.0]
    count = sum(len(group["params"]) for group in (dense, convolutions, rest))
    assert count == len(list(network.parameters()))


def test_the_optimiser_is_the_recipes() -> None:
    adam = make_optimiser(small_network(), recipe())
    assert isinstance(adam, torch.optim.Adam)
    assert all(group["lr"] == 0.5 for group in adam.param_groups)
    optimiser = make_optimiser(small_network(), recipe(optimiser="sgd", momentum=0.8))
    assert isinstance(optimiser, torch.optim.SGD)
    assert all(group["momentum"] == 0.8 and group["nesterov"] for group in optimiser.param_groups)
    plain = make_optimiser(small_network(), recipe(optimiser="sgd", momentum=0.0))
    assert not any(group["nesterov"] for group in plain.param_groups)


def test_an_exponential_rate_falls_by_the_epoch_down_to_its_floor() -> None:
    falling = recipe(learning_rate_decay=0.5, learning_rate_floor=0.1)
    rates = [learning_rate(falling, done) for done in (0, 0.9, 1, 2, 3)]
    assert rates == pytest.approx([0.5, 0.5, 0.25, 0.125, 0.1])


def test_a_cosine_rises_then_falls_to_nothing() -> None:
    cosine = recipe(schedule="cosine", warmup=0.2)
    rates = [learning_rate(cosine, done) for done in (0, 1, 2, 6, 10 - 1e-9)]
    assert rates == pytest.approx([0, 0.25, 0.5, 0.25, 0], abs=1e-6)


def test_cycles_repeat_the_cosine() -> None:
    twice, once = recipe(schedule="cosine", cycles=2), recipe(schedule="cosine", epochs=5)
    for done in (0, 1, 2.5, 4.9):
        assert learning_rate(twice, done) == learning_rate(twice, done + 5) == learning_rate(once, done)


def test_the_average_follows_fast_at_first_and_slowly_then() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = make_average(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(1.0)
        average.update_parameters(network)  # the first one is taken as it is
        network.weight.fill_(0.0)
        expected = 1.0
        for count in range(1, 200):
            average.update_parameters(network)
            expected *= min(0.9, (1 + count) / (10 + count))
    assert average.module.get_parameter("weight").item() == pytest.approx(expected, rel=1e-4, abs=0)


def test_the_statistics_of_batches_are_averaged_too() -> None:
    network = nn.BatchNorm1d(1)
    average = make_average(network, 0.9)
    average.update_parameters(network)
    network.get_buffer("running_mean").fill_(11.0)
    average.update_parameters(network)  # by 2/11, as the second one
    assert average.module.get_buffer("running_mean").item() == pytest.approx(9)
