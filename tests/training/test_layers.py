import pytest
import torch
from torch import nn

from fercli_training.layers import watched


@pytest.fixture
def network() -> nn.Sequential:
    return nn.Sequential(nn.Identity(), nn.ReLU(), nn.Identity())


def layers(network: nn.Sequential) -> dict[str, nn.Module]:
    return {"relu": network[1], "first": network[0]}


def test_each_layer_that_runs_is_seen_and_no_other(network: nn.Sequential) -> None:
    seen: list[tuple[str, list[float]]] = []
    numbers = torch.tensor([-1.0, 2.0])
    with watched(layers(network), lambda name, output: seen.append((name, output.tolist()))):
        network(numbers)
    assert seen == [("first", [-1.0, 2.0]), ("relu", [0.0, 2.0])]
    network(numbers)
    assert len(seen) == 2


def test_what_is_returned_takes_the_outputs_place(network: nn.Sequential) -> None:
    with watched({"first": network[0]}, lambda _, output: -output):
        assert network(torch.tensor([-1.0, 2.0])).tolist() == [1.0, 0.0]
    assert network(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_a_network_that_fails_is_watched_no_longer(network: nn.Sequential) -> None:
    seen: list[str] = []
    with pytest.raises(TypeError), watched(layers(network), lambda name, _: seen.append(name)):
        network("no tensor")
    assert seen == ["first"]
    network(torch.zeros(1))
    assert seen == ["first"]
