"""How many actors a Ray cluster has room for."""

from __future__ import annotations

import pytest

from fercli.engines.cluster import Seats, seats, useful_workers


def node(cpus: float, gpus: float = 0, *, alive: bool = True) -> dict[str, object]:
    return {"Alive": alive, "Resources": {"CPU": cpus} | ({"GPU": gpus} if gpus else {})}


DEAD = node(64, 8, alive=False)
HEAD = {"Alive": True, "Resources": {"memory": 1e9}}


@pytest.mark.parametrize(
    ("nodes", "workers", "expected"),
    [
        ([node(2)], 2, 1),
        ([node(7), node(3), HEAD, DEAD], 2, 4),
        ([node(1)], 2, 0),
        ([HEAD], 1, 0),
        ([], 1, 0),
    ],
)
def test_an_actor_has_a_core_for_each_worker(
    nodes: list[dict[str, object]], workers: int, expected: int
) -> None:
    assert seats(nodes, workers, on_gpu=False) == Seats(expected, 0)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node(16, 1)], Seats(8, 0.125)),
        ([node(16, 8)], Seats(8, 1.0)),
        ([node(4, 8)], Seats(2, 1.0)),
        ([node(6, 1)], Seats(3, 0.3333)),  # three thirds that are rounded up would not fit
        ([node(16, 1), node(16, 4), node(64), DEAD], Seats(16, 0.125)),
        ([node(64)], Seats(0, 0)),
    ],
)
def test_the_actors_of_a_node_share_its_gpus(nodes: list[dict[str, object]], expected: Seats) -> None:
    assert seats(nodes, 2, on_gpu=True) == expected


def test_an_actor_fits_on_the_smallest_node() -> None:
    assert useful_workers([node(4), node(2), HEAD, DEAD]) == 2
    assert useful_workers([node(64)]) == 8
    assert useful_workers([HEAD]) == 8  # nodes may come
