from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fercli.fer2013 import Pictures, Split
from fercli_training.inputs import TrainingData
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun

Splits = dict[Split, Pictures]


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0, "histograms": 0})
    return events.Reload()


def train(recipe_file: Path, splits: Splits, folder: Path, epochs: int, *, resume: bool = False) -> None:
    recipe = load_recipe(str(recipe_file), [f"epochs={epochs}"])
    trainer = TrainingRun(recipe, TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC]), folder)
    if resume:
        trainer.resume()
    trainer.run(lambda _: None)


@pytest.fixture(scope="module")
def events(recipe_file: Path, splits: Splits, tmp_path_factory: pytest.TempPathFactory) -> EventAccumulator:
    folder = tmp_path_factory.mktemp("board")
    train(recipe_file, splits, folder, 2)
    train(recipe_file, splits, folder, 3, resume=True)
    return read(folder)


def test_scalars_go_on_where_a_run_was_resumed(events: EventAccumulator) -> None:
    names = {"learning_rate", "loss", "accuracy", "public_accuracy", "pictures_a_second"}
    assert set(events.Tags()["scalars"]) == names
    for name in names:
        assert [event.step for event in events.Scalars(name)] == [1, 2, 3]


def test_weights_and_activations_are_drawn_as_histograms(events: EventAccumulator) -> None:
    tags = events.Tags()["histograms"]
    assert "weights/convolutions.0.convolution.weight" in tags
    assert {"activations/convolutions.1.convolution", "activations/classifier"} <= set(tags)
    weights = events.Histograms("weights/classifier.weight")[0].histogram_value
    assert weights.num == 16 * 7


def test_the_graph_is_there(events: EventAccumulator) -> None:
    assert events.Tags()["graph"]
    assert any("convolutions" in node.name for node in events.Graph().node)


def test_inputs_and_confusions_are_pictures(events: EventAccumulator) -> None:
    assert set(events.Tags()["images"]) == {"augmented", "confusion"}
    sheet = events.Images("augmented")[0]
    assert (sheet.width, sheet.height) == (8 * 48, 7 * 48)
    assert len(events.Images("confusion")) == 3


def test_every_epochs_sheet_is_another(events: EventAccumulator) -> None:
    sheets = [np.frombuffer(event.encoded_image_string, np.uint8) for event in events.Images("augmented")]
    assert not np.array_equal(sheets[0], sheets[1])
