"""The nets' files are checked before anything of them is run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fercli.errors import UnavailableError
from fercli.mtcnn.nets import WEIGHTS, load_nets


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_a_copy_loads(weights: Path) -> None:
    assert len(load_nets(1, weights)) == 3


def test_a_changed_net_is_refused(weights: Path) -> None:
    path = weights / "rnet.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnavailableError, match=r"rnet\.onnx is not the file .*sha256 differs"):
        load_nets(1, weights)


def test_a_changed_digest_is_refused(weights: Path) -> None:
    manifest = json.loads((weights / "nets.json").read_text())
    manifest["nets"]["onet"]["sha256"] = "0" * 64
    (weights / "nets.json").write_text(json.dumps(manifest))
    with pytest.raises(UnavailableError, match=r"onet\.onnx"):
        load_nets(1, weights)


@pytest.mark.parametrize("name", ["pnet.onnx", "nets.json"])
def test_a_missing_file_is_named(weights: Path, name: str) -> None:
    (weights / name).unlink()
    with pytest.raises(UnavailableError, match=name) as raised:
        load_nets(1, weights)
    assert raised.value.remedy


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nets": {"pnet": 1}}'])
def test_a_broken_manifest_is_named(weights: Path, content: str) -> None:
    (weights / "nets.json").write_text(content)
    with pytest.raises(UnavailableError, match=r"nets\.json"):
        load_nets(1, weights)


def test_the_manifest_says_where_the_nets_come_from() -> None:
    manifest = json.loads((WEIGHTS / "nets.json").read_text())
    assert "facenet-pytorch 2.6.0" in manifest["origin"]
    assert "MIT" in manifest["licence"]
    assert all(len(net["source_sha256"]) == 64 for net in manifest["nets"].values())
    assert "Timothy Esler" in (WEIGHTS / "LICENSE.md").read_text()
