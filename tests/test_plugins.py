from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fercli.errors import UnavailableError
from fercli.plugins import BACKENDS, DETECTORS, discover, find_backend, find_detector, select

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installed(faulty_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)


def reasons(group: str) -> dict[str, str]:
    """Why each plugin of a group cannot be had, by its name; nothing where it can."""
    return {found.name: found.availability.reason for found in discover(group)}


def test_the_built_in_plugins_come_through_entry_points() -> None:
    assert [found.name for found in discover(BACKENDS)] == [
        "onnx", "onnx-int8", "openvino", "openvino-bf16", "tensorflow", "tensorrt", "torch"
    ]  # fmt: skip
    assert [found.name for found in discover(DETECTORS)] == ["facenet", "mtcnn", "none"]
    assert find_backend("onnx").name == "onnx"
    assert find_detector("mtcnn").name == "mtcnn"


@pytest.mark.usefixtures("installed")
def test_a_strangers_plugins_are_found_beside_them_and_broken_ones_say_why() -> None:
    backends, detectors = reasons(BACKENDS), reasons(DETECTORS)
    assert backends["onnx"] == backends["raises-in-load"] == detectors["two-halves"] == ""
    assert backends["unavailable"] == "the moon is not full"
    assert backends["raises-in-answer"] == "it fails to answer (RuntimeError: no answer)"
    assert backends["no-backend"] == "it does not have the interface of a backend"
    assert detectors["no-detector"] == "it does not have the interface of a detector"
    assert detectors["raises-in-import"] == "it fails to load (RuntimeError: broken)"
    assert detectors["raises-in-constructor"] == "it fails to load (RuntimeError: not made)"
    assert detectors["not-there"].startswith("it fails to load (AttributeError: ")
    assert list(backends) == sorted(backends)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["raises-in-import", "raises-in-constructor", "not-there", "no-detector"])
def test_a_broken_detector_is_an_error_when_it_is_asked_for(name: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        find_detector(name)
    assert caught.value.message.startswith(f"The detector {name} cannot run here: it ")
    assert caught.value.remedy == "fercli doctor shows what runs here."


@pytest.mark.usefixtures("installed")
def test_a_backend_that_is_not_available_gives_its_own_remedy() -> None:
    with pytest.raises(UnavailableError) as caught:
        find_backend("unavailable")
    assert caught.value.message == "The backend unavailable cannot run here: the moon is not full."
    assert caught.value.remedy == "wait [a month]"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("mtccn", "Did you mean mtcnn? Installed are facenet, mtcnn, none."),
        ("yolo", "Installed are facenet, mtcnn, none."),
    ],
)
def test_an_unknown_detector_gets_a_hint(name: str, remedy: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        find_detector(name)
    assert (caught.value.message, caught.value.remedy) == (f"There is no detector {name}.", remedy)


def test_an_unknown_backend_gets_a_hint() -> None:
    with pytest.raises(UnavailableError, match=r"There is no backend onxn\.") as caught:
        find_backend("onxn")
    assert caught.value.remedy.startswith("Did you mean onnx? Installed are onnx, onnx-int8, openvino, ")


def test_discovery_of_detectors_loads_no_backend() -> None:
    script = (
        "import sys; from fercli.plugins import DETECTORS, discover; discover(DETECTORS);"
        "print(*{'fercli_onnx', 'torch', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_all_that_are_installed_are_selected_or_those_asked_for_once() -> None:
    assert {"onnx", "openvino", "torch", "tensorflow", "tensorrt"} <= set(select(BACKENDS, []))
    assert {"mtcnn", "none"} <= set(select(DETECTORS, []))
    assert select(BACKENDS, ["torch", "onnx", "torch"]) == ["torch", "onnx"]


def test_one_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(UnavailableError, match="There is no detector mtcn") as caught:
        select(DETECTORS, ["none", "mtcn"])
    assert "Did you mean mtcnn?" in caught.value.remedy
