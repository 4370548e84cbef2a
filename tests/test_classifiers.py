from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.errors import DeviceError, UnavailableError
from fercli.wording import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run

DRIVER = """
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
"""
"""A driver that shows two devices, on which nothing can really run."""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LD_LIBRARY_PATH that holds the driver."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the driver with")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(DRIVER)
    library = folder / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "driver.c"], check=True)
    return folder


def hide(folder: Path, *modules: str) -> dict[str, str]:
    """An environment in which modules cannot be imported."""
    for module in modules:
        (folder / f"{module}.py").write_text(f"raise ImportError('no {module} here')\n")
    return {"PYTHONPATH": str(folder)}


def chosen(run: Run, samples: Path, env: dict[str, str], *options: str) -> str:
    """What `--verbose` says of the backend."""
    photo = samples / "cat-chelsea-no-face.jpg"
    done = run("predict", photo, "--detector", "none", "-v", *options, env=env)
    assert done.returncode == 0, done.stderr
    return next(line for line in done.stderr.splitlines() if line.startswith("backend: "))


def test_auto_is_openvino_on_a_cpu(run: Run, samples: Path) -> None:
    assert chosen(run, samples, {}, "--device", "cpu").startswith("backend: name openvino, ")


@pytest.mark.parametrize(
    ("hidden", "taken"), [(["openvino"], "onnx"), (["openvino", "onnxruntime"], "torch")]
)
def test_auto_takes_the_next_where_one_is_not_installed(
    run: Run, samples: Path, tmp_path: Path, hidden: list[str], taken: str
) -> None:
    assert chosen(run, samples, hide(tmp_path, *hidden)).startswith(f"backend: name {taken}, ")


def test_auto_takes_no_strangers_backend(run: Run, samples: Path, faulty_plugins: Path) -> None:
    assert chosen(run, samples, {"PYTHONPATH": str(faulty_plugins)}).startswith("backend: name openvino, ")


def test_a_runtime_that_is_not_installed_is_one_line_with_its_extra(
    run: Run, samples: Path, tmp_path: Path
) -> None:
    done = run("predict", samples, "--backend", "openvino", env=hide(tmp_path, "openvino"))
    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        "fercli: The backend openvino cannot run here: openvino cannot be imported (no openvino here).",
        "pip install 'fercli[cpu]'",
    ]


def test_a_driver_that_shows_a_device_does_not_keep_the_cpu_from_being_taken(
    run: Run, samples: Path, driver: Path
) -> None:
    environment = {"LD_LIBRARY_PATH": str(driver)}
    assert "device CPU" in chosen(run, samples, environment, "--backend", "onnx")
    assert "2 CUDA devices" in run("doctor", env=environment).stdout.decode()


def test_cuda_that_does_not_run_is_5_with_reason_and_remedy(run: Run, samples: Path) -> None:
    done = run("predict", samples, "--device", "cuda:97")
    assert (done.returncode, done.stdout) == (5, b"")
    reason, remedy = done.stderr.splitlines()
    assert "cuda:97" in reason
    assert "--device cpu" in remedy


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "cuda:", "cpu:0", "", "CUDA", "cuda:٣"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(DeviceError) as caught:
        load_classifiers([load_bundle("default")], "auto", device, 1)
    assert caught.value.message == f"There is no device {quoted(device)}."
    assert caught.value.remedy == "Choose auto, cpu, cuda or cuda:N."


def test_several_models_are_run_by_one_backend() -> None:
    bundle = load_bundle("default")
    loaded = load_classifiers([bundle, bundle], "auto", "cpu", 1)
    assert (loaded.backend, len(loaded.classifiers)) == ("openvino", 2)


def test_an_unknown_backend_gets_a_hint() -> None:
    with pytest.raises(UnavailableError, match=r"There is no backend onxn\.") as caught:
        load_classifiers([load_bundle("default")], "onxn", "cpu", 1)
    assert caught.value.remedy.startswith("Did you mean onnx? ")


@pytest.fixture
def installed(faulty_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)


BACKENDS = {
    "raises-in-load": "fails: RuntimeError: it would not load.",
    "raises-in-call": "fails: RuntimeError: it would not run.",
    "wrong-shape": "gives no finite logits of shape (1, 7).",
    "not-finite": "gives no finite logits of shape (1, 7).",
    "gives-nothing": "gives no finite logits of shape (1, 7).",
    "gives-words": "fails: ValueError: could not convert string to float: 'happy'.",
    "loads-nothing": "fails: TypeError: it loads nothing that can be called.",
    "leaves": "fails: SystemExit: nothing more to do.",
    "leaves-in-load": "fails: SystemExit.",
    "is-speechless": "fails: SpeechlessError.",
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_that_misbehaves_is_named_with_its_model(name: str) -> None:
    bundle = load_bundle("default")
    with pytest.raises(UnavailableError) as caught:
        load_classifiers([bundle], name, "cpu", 1)
    assert (
        caught.value.message == f"The backend {name}, with the model in {bundle.folder}, {BACKENDS[name]}"
    )
    assert caught.value.remedy


@pytest.mark.usefixtures("installed")
def test_a_backend_that_misbehaves_later_is_named_too() -> None:
    _, (network,) = load_classifiers([load_bundle("default")], "forgets", "cpu", 1)
    with pytest.raises(UnavailableError, match=r"^The backend forgets, .* fails: LookupError: it was here"):
        network(np.zeros((3, 1, 48, 48), np.float32))


@pytest.mark.usefixtures("installed")
def test_a_backend_that_cannot_say_what_it_is_is_named() -> None:
    _, (network,) = load_classifiers([load_bundle("default")], "describes-nothing", "cpu", 1)
    with pytest.raises(UnavailableError, match=r"^The backend describes-nothing, .* fails: AttributeE"):
        network.describe()


@pytest.mark.usefixtures("installed")
def test_what_a_backend_prints_is_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    load_classifiers([load_bundle("default")], "prints", "cpu", 1)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "POLLUTION on reading\n")
