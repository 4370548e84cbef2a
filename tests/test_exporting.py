from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from fercli.bundle import ONNX, Bundle, load_bundle
from fercli.errors import FercliError, ReportError, UnavailableError, UsageError
from fercli.exporting import export_model
from fercli.parity import ParityError
from fercli.plugins import EXPORTERS, discover, find_backend

if TYPE_CHECKING:
    from collections.abc import Callable


def altered(change: Callable[[onnx.ModelProto], None]) -> Callable[[Bundle, Path], None]:
    """A way to write model.onnx wrongly."""

    def write(bundle: Bundle, path: Path) -> None:
        model = onnx.load(bundle.verified(ONNX))
        change(model)
        onnx.save(model, path)

    return write


def for_one_face_only(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def with_another_bias(model: onnx.ModelProto) -> None:
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "classifier.bias")
    values = onnx.numpy_helper.to_array(bias) + np.float32(2e-4)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))


def test_every_exporter_names_backends_that_are_there() -> None:
    exporters = discover(EXPORTERS)
    assert [found.name for found in exporters] == [
        "keras",
        "onnx",
        "onnx-int8",
        "savedmodel",
        "torchscript",
    ]
    for name, exporter, availability in exporters:
        assert (exporter.name, availability.ok) == (name, True)
        for source in exporter.format.sources:
            assert find_backend(source).is_available().ok


def test_what_computes_something_else_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_text("earlier pictures and logits")
    with pytest.raises(ParityError, match=r"The logits of x\.onnx differ from the model's by 0\.0002"):
        export_model(load_bundle("default"), "onnx", path, 2, altered(with_another_bias))
    assert [child.name for child in tmp_path.iterdir()] == ["x.onnx"]
    assert path.read_text() == "earlier pictures and logits"


@pytest.mark.parametrize(
    "write",
    [altered(for_one_face_only), lambda _, path: path.write_bytes(b"no model"), lambda *_: None],
    ids=["takes one face only", "no model", "nothing"],
)
def test_what_its_runtime_cannot_run_is_not_kept(
    write: Callable[[Bundle, Path], None], tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError, match=r"^The export to onnx fails: \w+: "):
        export_model(load_bundle("default"), "onnx", tmp_path / "x.onnx", 2, write)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def installed(faulty_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)


@pytest.mark.usefixtures("installed")
def test_a_strangers_exporter_writes_beside_the_built_in_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = load_bundle("default")
    for _ in range(2):  # the second replaces the first
        exported = export_model(bundle, "copies", tmp_path / "a.model", 2)
        assert (exported.source, exported.faces) == ("onnx", 11)
        export_model(bundle, "copies-into-a-folder", tmp_path / "folder", 2)
    assert (tmp_path / "a.model").read_bytes() == bundle.verified(ONNX).read_bytes()
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["network", "words"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.model", "folder"]
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("POLLUTION on writing")) == ("", 4)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("writes-nothing", "The export to writes-nothing fails: NoSuchFile: "),
        ("raises-in-write", "The export to raises-in-write fails: RuntimeError: it would not write."),
        ("leaves-in-write", "The export to leaves-in-write fails: SystemExit: 7."),
        ("misshapen", "The export to misshapen fails: ValueError: "),
        ("not-numbers", "The logits of a.model differ from the model's by nan; 0.0001 is allowed."),
        (
            "described-in-words",
            "The exporter described-in-words cannot run here: it does not have ",
        ),
        (
            "no-exporter",
            "The exporter no-exporter cannot run here: it does not have the interface of an exporter.",
        ),
        ("copis", "There is no exporter copis."),
    ],
)
def test_what_an_exporter_does_wrong_is_said_and_nothing_is_kept(
    name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FercliError) as caught:
        export_model(load_bundle("default"), name, tmp_path / "a.model", 2)
    assert caught.value.message.startswith(message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("installed")
def test_a_folder_that_holds_more_than_an_export_stays(tmp_path: Path) -> None:
    (tmp_path / "network").write_bytes(b"pictures")
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ReportError, match="holds other things than an earlier copies-into-a-folder export"):
        export_model(load_bundle("default"), "copies-into-a-folder", tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["holiday.jpg", "network"]
    with pytest.raises(UsageError, match=r"is named like a file"):
        export_model(load_bundle("default"), "copies-into-a-folder", tmp_path / "a.model", 2)
