from typing import Any

import pytest
import torch
from torch import nn

from fercli.architecture import ArticleArchitecture, ResidualArchitecture, read_architecture
from fercli.errors import UnavailableError
from fercli_torch.network import Standardise, build_network
from fercli_training.cost import count_cost

ARTICLE = ArticleArchitecture().description()
RESIDUAL = ResidualArchitecture(32, ((48, 1), (80, 2), (160, 2), (320, 1)), 0.3).description()


def build(description: dict[str, Any]) -> nn.Module:
    return build_network(read_architecture(description))


def test_a_face_becomes_seven_logits() -> None:
    network = build(ARTICLE).eval()
    pictures = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        logits = network(pictures)
        assert logits.shape == (3, 7)
        assert logits.dtype == torch.float32
        torch.testing.assert_close(network(pictures[1:2]), logits[1:2], atol=1e-5, rtol=0)


def test_the_articles_network_costs_what_it_should() -> None:
    assert count_cost(build(ARTICLE).eval()) == {
        "parameters": 2_936_391,
        "multiply_adds": 94_785_024,
    }


def test_the_residual_network_costs_no_more() -> None:
    cost = count_cost(build(RESIDUAL).eval())
    assert cost == {"parameters": 2_507_303, "multiply_adds": 94_263_488}


def test_what_a_description_leaves_out_is_as_it_always_was() -> None:
    short = {name: ARTICLE[name] for name in ("name", "convolutions", "kernel", "dense", "dropout")}
    assert read_architecture(short) == ArticleArchitecture()


def test_a_fresh_block_adds_nothing_to_its_shortcut() -> None:
    network = build(RESIDUAL | {"stages": [[32, 2]]}).eval()
    maps = torch.rand(2, 32, 8, 8)
    torch.testing.assert_close(network.get_submodule("stages.0.1")(maps), maps)


def test_biases_are_where_no_normalisation_makes_them_idle() -> None:
    bare = build(ARTICLE | {"normalisation": "none", "dense_normalisation": "none"})
    both = build(ARTICLE | {"biases": True})
    for network in (bare, both):
        layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
        assert all(layer.bias is not None for layer in layers)


def test_local_response_is_the_tutorials() -> None:
    network = build(ARTICLE | {"convolutions": [12], "normalisation": "local_response"})
    maps = torch.rand(2, 12, 3, 3) * 30
    expected = torch.stack(
        [
            maps[:, channel]
            / (1 + 0.001 / 9 * maps[:, max(0, channel - 4) : channel + 5].square().sum(1)) ** 0.75
            for channel in range(12)
        ],
        dim=1,
    )
    torch.testing.assert_close(network.get_submodule("convolutions.0.local_response")(maps), expected)


def test_the_cost_of_a_small_network_is_what_a_pencil_says() -> None:
    network = build(ARTICLE | {"convolutions": [2], "kernel": 3, "dense": [10]}).eval()
    dense = 2 * 24 * 24 * 10
    assert count_cost(network) == {
        "parameters": 2 * 9 + 2 * 2 + dense + 2 * 10 + 10 * 7 + 7,
        "multiply_adds": 9 * 2 * 48 * 48 + dense + 10 * 7,
    }


def test_only_the_last_layer_has_a_bias() -> None:
    network = build(ARTICLE)
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert [layer.bias is None for layer in layers] == [True] * 5 + [False]


@pytest.mark.parametrize("change", [{"dense": []}, {"convolutions": []}, {"convolutions": [3] * 7}])
def test_other_widths_and_depths_work(change: dict[str, Any]) -> None:
    network = build(ARTICLE | {"dense": [5], "convolutions": [4]} | change).eval()
    assert network(torch.rand(2, 1, 48, 48)).shape == (2, 7)


def test_a_description_describes_what_it_is_read_from() -> None:
    description = ARTICLE | {"convolutions": [3, 4], "kernel": 3, "dense": [8], "dropout": 0.0}
    assert read_architecture(description).description() == description


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "not know the architecture None"),
        (ARTICLE | {"name": ["article"]}, r"not know the architecture \['article'\]"),
        (ARTICLE | {"name": "transformer"}, "not know the architecture 'transformer'"),
        ({"name": "article", "kernel": 5}, "lacks convolutions, dense, dropout"),
        (ARTICLE | {"convolutions": "wide"}, "convolutions is 'wide', not a list"),
        (ARTICLE | {"convolutions": 64}, "convolutions is 64, not a list"),
        (ARTICLE | {"dense": {}}, "dense is {}, not a list"),
        (ARTICLE | {"convolutions": [64, -1]}, "described wrongly"),
        (ARTICLE | {"dense": [0]}, "described wrongly"),
        (ARTICLE | {"dense": [512.5]}, "described wrongly"),
        (ARTICLE | {"kernel": 4}, "described wrongly"),
        (ARTICLE | {"kernel": "five"}, "described wrongly"),
        (ARTICLE | {"kernel": -1}, "described wrongly"),
        (ARTICLE | {"dropout": 1.0}, "described wrongly"),
        (ARTICLE | {"dropout": None}, "described wrongly"),
        (ARTICLE | {"leak": 1.0}, "described wrongly"),
        (ARTICLE | {"biases": 1}, "described wrongly"),
        (ARTICLE | {"normalisation": "group"}, "described wrongly"),
        (ARTICLE | {"dense_normalisation": "local_response"}, "described wrongly"),
        (ARTICLE | {"drop_out": 0.5}, "no entry 'drop_out'"),
        ({"name": "residual", "stem": 4}, "lacks stages, dropout"),
        (RESIDUAL | {"stages": []}, "described wrongly"),
        (RESIDUAL | {"stages": [[8, 1]] * 5}, "described wrongly"),
        (RESIDUAL | {"stages": 8}, "stages is 8, not a list"),
        (RESIDUAL | {"stages": [8, 8]}, "a stage is 8, not a list"),
        (RESIDUAL | {"stages": [[8, 1, 1]]}, "not a width and a count of blocks"),
        (RESIDUAL | {"stages": [[8, 0]]}, "described wrongly"),
        (RESIDUAL | {"stages": [[0, 1]]}, "described wrongly"),
        (RESIDUAL | {"stem": 0}, "described wrongly"),
        (RESIDUAL | {"dropout": True}, "described wrongly"),
    ],
)
def test_a_wrong_description_is_refused(description: dict[str, Any], message: str) -> None:
    with pytest.raises(UnavailableError, match=message):
        build(description)


def test_a_mistyped_entry_gets_the_nearest_name() -> None:
    with pytest.raises(UnavailableError) as caught:
        read_architecture(ARTICLE | {"normalization": "batch"})
    assert caught.value.remedy == "Did you mean normalisation?"


def test_standardised_pictures_have_mean_0_and_variance_1() -> None:
    pictures = torch.rand(6, 1, 48, 48) * torch.linspace(0.2, 1, 6).view(6, 1, 1, 1)
    standard = Standardise()(pictures)
    torch.testing.assert_close(standard.mean(dim=(1, 2, 3)), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.var(dim=(1, 2, 3), correction=0), torch.ones(6), atol=1e-4, rtol=0)


def test_light_and_contrast_make_no_difference() -> None:
    pictures = torch.rand(4, 1, 48, 48)
    standard = Standardise()
    torch.testing.assert_close(standard(pictures * 0.5 + 0.3), standard(pictures), atol=1e-4, rtol=0)


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_flat_picture_becomes_zeros_and_its_noise_is_not_blown_up(grey: float) -> None:
    flat = torch.full((1, 1, 48, 48), grey)
    torch.testing.assert_close(Standardise()(flat), torch.zeros_like(flat), atol=1e-4, rtol=0)
    faint = Standardise()(flat + 0.001 * torch.randn(1, 1, 48, 48))
    assert faint.std() < 0.06
