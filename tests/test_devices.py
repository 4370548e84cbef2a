from __future__ import annotations

import os
from pathlib import Path

import pytest

from fercli.devices import usable_cores
from tests.engines.systems import SPLIT, system


def test_at_least_one_core_is_usable() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


ALL = usable_cores(Path("/nowhere"))
"""What the affinity leaves here: no system beneath that path says anything."""

V1 = {"mounts": SPLIT, "groups": "5:memory:/other\n4:cpu,cpuacct:/box\n0::/\n"}


@pytest.mark.parametrize(
    ("files", "place", "cores"),
    [
        pytest.param({}, {}, ALL, id="no limit"),
        pytest.param({"cpu.max": "max 100000\n"}, {}, ALL, id="2, no limit"),
        pytest.param({"cpu.max": "100000 100000\n"}, {}, 1, id="2, one core"),
        pytest.param({"cpu.max": "30000 100000\n"}, {}, 1, id="2, a part of a core"),
        pytest.param({"cpu.max": "150000 100000\n"}, {}, 2, id="2, a begun core counts"),
        pytest.param({"cpu.max": "9900000 100000\n"}, {}, 99, id="2, more than there are"),
        pytest.param(
            {"a/b/cpu.max": "100000 100000\n"}, {"groups": "0::/a/b\n"}, 1, id="2, a group in a group"
        ),
        pytest.param(
            {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"},
            {"groups": "0::/a/b\n"},
            1,
            id="2, the group around it has the limit",
        ),
        pytest.param(
            {"cpu.max": "100000 100000\n"},
            {"groups": "0::/docker/1f\n", "part": "/docker/1f"},
            1,
            id="2, a container sees its own group as the root",
        ),
        pytest.param(
            {"b/cpu.max": "100000 100000\n"},
            {"groups": "0::/docker/1f/b\n", "part": "/docker/1f"},
            1,
            id="2, a group inside a container",
        ),
        pytest.param(
            {"other/cpu.max": "100000 100000\n"},
            {"groups": "0::/../other\n"},
            1,
            id="2, outside of what is seen",
        ),
        pytest.param(
            {"ab/cpu.max": "100000 100000\n"}, {"groups": "0::/a\n", "part": "/"}, ALL, id="2, another's"
        ),
        pytest.param(
            {"cpu,cpuacct/box/cpu.cfs_quota_us": "10000\n", "cpu,cpuacct/box/cpu.cfs_period_us": "10000\n"},
            V1,
            1,
            id="1, one core",
        ),
        pytest.param(
            {"cpu,cpuacct/box/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n"},
            V1,
            ALL,
            id="1, no limit",
        ),
        pytest.param(
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "50000\n"},
            V1 | {"part": "/box"},
            1,
            id="1, a container sees its own group as the root",
        ),
        pytest.param(
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "0\n"},
            V1,
            ALL,
            id="1, nonsense",
        ),
        pytest.param({"cpu.max": "\xff\n"}, {}, ALL, id="2, nonsense"),
    ],
)  # fmt: skip
def test_a_containers_quota_counts(
    tmp_path: Path, files: dict[str, str], place: dict[str, str], cores: int
) -> None:
    root = system(tmp_path, files, **place)  # type: ignore[arg-type] # all of them strings
    assert usable_cores(root) == min(cores, ALL)
