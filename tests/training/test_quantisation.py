from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from fercli.bundle import load_bundle
from fercli.crop import to_unit_range
from fercli.fer2013 import Pictures, Split
from fercli.parity import check_int8
from fercli.plugins import find_backend
from fercli_training.quantisation import CALIBRATION, calibration_faces, quantise

Splits = dict[Split, Pictures]


def pictures(count: int) -> Pictures:
    """Each of its own grey."""
    pixels = np.arange(count, dtype=np.uint8).repeat(48 * 48).reshape(-1, 48, 48)
    return Pictures(pixels, np.arange(count) * 7 // count, np.arange(count))


def tensors_of(path: Path) -> dict[str, NDArray[Any]]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


@pytest.fixture(scope="module")
def faces(splits: Splits) -> NDArray[np.float32]:
    return calibration_faces(splits[Split.TRAINING])


@pytest.fixture(scope="module")
def small(
    bundle_folder: Path, faces: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("int8") / "model.int8.onnx"
    quantise(bundle_folder / "model.onnx", faces, path)
    return path


def test_the_faces_are_mixed_and_always_the_same() -> None:
    faces = calibration_faces(pictures(250))
    assert faces.shape == (250, 1, 48, 48)
    assert faces.dtype == np.float32
    greys = np.rint(faces[:, 0, 0, 0] * 255).astype(int).tolist()
    assert sorted(greys) == list(range(250))
    assert len({grey * 7 // 250 for grey in greys[:64]}) == 7
    np.testing.assert_array_equal(faces, calibration_faces(pictures(250)))


def test_no_more_faces_than_are_needed_are_taken() -> None:
    count = CALIBRATION + 9
    many = Pictures(np.zeros((count, 48, 48), np.uint8), np.zeros(count, np.int64), np.arange(count))
    assert len(calibration_faces(many)) == CALIBRATION


def test_it_is_the_file_of_the_bundle(small: Path, bundle_folder: Path) -> None:
    assert small.read_bytes() == (bundle_folder / "model.int8.onnx").read_bytes()


def test_convolutions_and_dense_layers_have_7_bit_weights_a_scale_a_channel(small: Path) -> None:
    tensors = tensors_of(small)
    weights = {name: array for name, array in tensors.items() if name.endswith("weight_quantized")}
    assert len(weights) == 4
    for name, array in weights.items():
        assert array.dtype == np.int8
        assert -64 <= array.min() < array.max() <= 64
        scales = tensors[name.replace("_quantized", "_scale")]
        assert scales.shape == (len(array),)


def test_pictures_are_standardised_in_32_bits(small: Path) -> None:
    operations = [node.op_type for node in onnx.load(small).graph.node]
    first = operations.index("QuantizeLinear")
    assert {"ReduceMean", "Sub", "Sqrt", "Div"} <= set(operations[:first])
    assert not {"Sub", "Sqrt", "Div", "Relu"} & set(operations[first:])


def test_it_answers_as_32_bits_do(bundle_folder: Path, splits: Splits) -> None:
    bundle = load_bundle(str(bundle_folder))
    batch = to_unit_range(splits[Split.PRIVATE].pixels[:, np.newaxis])
    exact, quantised = (find_backend(name).load(bundle, "cpu", 1)(batch) for name in ("onnx", "onnx-int8"))
    assert np.abs(exact - quantised).max() > 0
    check_int8(quantised, exact, "model.int8.onnx")


def test_it_says_nothing(
    bundle_folder: Path,
    faces: NDArray[np.float32],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    quantise(bundle_folder / "model.onnx", faces, tmp_path / "small.onnx")
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]


@pytest.mark.fer2013
def test_the_shipped_file_is_what_the_data_gives(real_pictures: Splits, tmp_path: Path) -> None:
    bundle = load_bundle("default")
    training = real_pictures[Split.TRAINING]
    quantise(bundle.verified("model.onnx"), calibration_faces(training), tmp_path / "small.onnx")
    made, shipped = (
        tensors_of(path) for path in (tmp_path / "small.onnx", bundle.verified("model.int8.onnx"))
    )
    assert made.keys() == shipped.keys()
    for name, tensor in made.items():
        # Another processor's rounding moves what the activations reach.
        exact = name.endswith("weight_quantized")
        np.testing.assert_allclose(tensor, shipped[name], rtol=0 if exact else 1e-3, atol=0 if exact else 1)
