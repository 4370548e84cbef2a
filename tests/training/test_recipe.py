from dataclasses import asdict
from pathlib import Path

import pytest

from fercli.architecture import ArticleArchitecture, read_architecture
from fercli.errors import UsageError
from fercli_training.recipe_files import load_experiments, load_recipe, recipe_names
from tests.fer2013.made_up import RECIPE


def test_the_recipe_that_ships_is_the_articles() -> None:
    recipe = load_recipe("article")
    assert recipe.name == "article"
    assert recipe.architecture == ArticleArchitecture()
    assert recipe.training.batch_size == 256
    assert recipe.training.dense_l2 == 0.004
    assert 0 < recipe.training.learning_rate_floor < recipe.training.learning_rate
    assert recipe.training.class_weights["disgust"] > 1
    assert recipe.training.flip == 0.5
    assert 0.5 <= recipe.architecture.dropout <= 0.7


def test_a_file_gives_its_own_values(recipe_file: Path) -> None:
    recipe = load_recipe(str(recipe_file))
    assert recipe.name == "tiny"
    assert recipe.architecture.description()["convolutions"] == [6, 8]
    assert recipe.training.seed == 3
    assert recipe.as_dict() == {
        "name": "tiny",
        "architecture": recipe.architecture.description(),
        "training": asdict(recipe.training),
    }


def test_set_changes_values_and_the_last_one_counts() -> None:
    recipe = load_recipe(
        "article", ["epochs=3", "learning_rate = 2e-4", "rotation=5", "precision=float32", "epochs=4"]
    )
    training = recipe.training
    assert (training.epochs, training.learning_rate, training.precision) == (4, 2e-4, "float32")
    assert training.rotation == 5.0
    assert isinstance(training.rotation, float)
    untouched = asdict(load_recipe("article").training)
    changed = {name for name, value in asdict(training).items() if value != untouched[name]}
    assert changed == {"epochs", "learning_rate", "rotation", "precision"}


@pytest.mark.parametrize(
    ("override", "message", "remedy"),
    [
        ("learning_rat=1", "there is no recipe key learning_rat.", "Did you mean learning_rate?"),
        ("zzz=1", "there is no recipe key zzz.", "Known are epochs, batch_size"),
        ("epochs", "--set epochs has no '='.", "Write --set key=value."),
        ("epochs=many", "The recipe's epochs is 'many'; it must be of type int.", ""),
        ("epochs=2.5", "The recipe's epochs is 2.5; it must be of type int.", ""),
        ("epochs=true", "The recipe's epochs is True; it must be of type int.", ""),
        ("flip=true", "The recipe's flip is True; it must be of type float.", ""),
        ("rotation=[1]", "The recipe's rotation is [1]; it must be of type float.", ""),
        ("precision=16", "The recipe's precision is 16; it must be of type str.", ""),
        ("class_weights=2", "The recipe's class_weights is 2; it must be a table.", ""),
        (
            "class_weights={ disgust = true }",
            "class_weights.disgust is True; it must be of type float.",
            "",
        ),
        ("epochs=", "The recipe's epochs is ''; it must be of type int.", ""),
        (f"epochs={'9' * 5000}", "'; it must be of type int.", ""),
        (f"epochs={'[' * 5000}", "'; it must be of type int.", ""),
        (
            f"learning_rate={'9' * 400}",
            "The recipe's learning_rate is inf; it must be above 0, at most 1e+30.",
            "",
        ),
    ],
)
def test_a_wrong_key_or_type_is_refused(override: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("article", [override])
    assert caught.value.message.endswith(message)
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    "override",
    [
        "epochs=0", "batch_size=1", "learning_rate=0", "learning_rate=-1e-3", "learning_rate=nan",
        "learning_rate=1e39", "dense_l2=inf",
        "learning_rate_decay=0", "learning_rate_decay=1.01", "learning_rate_floor=-1e-9", "dense_l2=-0.1",
        "average_decay=1", "average_decay=-0.1", "class_weights={ disgust = 0 }", "flip=1.1", "flip=-0.1",
        "rotation=-1", "shift=-0.1", "shift=1.5", "scale=-0.1", "seed=-1", "seed=9223372036854775808",
        "momentum=1", "warmup=1", "cycles=0", "weight_decay=-1", "label_smoothing=1.1", "votes=2",
        "teacher=-1",
        "teacher_temperature=0", "mixup=-0.1", "centre_crop=0", "centre_crop=1.1", "brightness=-1",
        "contrast=1.5", "erasing=2", "text=-1", "watermark=2", "snapshots=0", "snapshot_interval=0",
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_refused_by_name(override: str) -> None:
    name = override.partition("=")[0]
    with pytest.raises(UsageError, match=rf"^The recipe's {name} is .*; it must be "):
        load_recipe("article", [override])


@pytest.mark.parametrize(
    ("override", "message", "remedy"),
    [
        ("precision=float16", "precision has no 'float16'.", "Did you mean bfloat16?"),
        ("precision=half", "precision has no 'half'.", "Choose one of auto, bfloat16, float32."),
        ("precision=float31", "precision has no 'float31'.", "Did you mean float32?"),
        ("optimiser=adma", "optimiser has no 'adma'.", "Did you mean adam?"),
        ("schedule=cosin", "schedule has no 'cosin'.", "Did you mean cosine?"),
        ("loss=squared_hing", "loss has no 'squared_hing'.", "Did you mean squared_hinge?"),
        ("class_weights={ disgusted = 2 }", "class_weights has no 'disgusted'.", "Did you mean disgust?"),
    ],
)
def test_a_choice_that_there_is_not_names_the_nearest(override: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("article", [override])
    assert caught.value.message == f"The recipe's {message}"
    assert caught.value.remedy == remedy


def test_set_changes_the_architecture_too() -> None:
    recipe = load_recipe("article", ["architecture.dropout=0.25", "architecture.dense=[64]"])
    description = recipe.architecture.description()
    assert (description["dropout"], description["dense"]) == (0.25, [64])
    assert recipe.training == load_recipe("article").training


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_ships_describes_a_network(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert read_architecture(recipe.architecture.description()) == recipe.architecture


def test_the_ablation_is_the_articles_in_its_order() -> None:
    experiments = load_experiments(["epochs=2"])
    assert [experiment.article for experiment in experiments] == [
        "57 to 59", "61+", "", "", "about 60", "60+", "61 to 62", "62.5 to 64.6", "66 to 67", "", "65+", "",
        "67 to 68", "",
    ]  # fmt: skip
    assert {experiment.recipe.training.epochs for experiment in experiments} == {2}
    plain, dropout, *_, snapshots = (experiment.recipe for experiment in experiments)
    assert plain.training == dropout.training
    assert (plain.architecture.dropout, dropout.architecture.dropout) == (0.0, 0.6)
    assert snapshots.training.class_weights == {"disgust": 10.0}
    assert snapshots.training.flip == 0.5
    for experiment in experiments:
        description = experiment.recipe.architecture.description()
        assert read_architecture(description) == experiment.recipe.architecture


@pytest.mark.parametrize(
    "override",
    ["epochs=1", "batch_size=2", "learning_rate_decay=1", "learning_rate_floor=0", "dense_l2=0",
     "average_decay=0", "flip=0", "flip=1", "rotation=0", "shift=0", "shift=1", "scale=0", "seed=0"],
)  # fmt: skip
def test_the_ends_of_the_ranges_are_allowed(override: str) -> None:
    name, _, value = override.partition("=")
    assert getattr(load_recipe("article", [override]).training, name) == int(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECIPE.replace("epochs = 8\n", ""), "lacks epochs."),
        (RECIPE.replace("[training]", "[trainig]"), "there is no recipe key trainig."),
        (RECIPE.replace("epochs = 8", "epochs = "), "is not a recipe:"),
        (RECIPE.replace("flip", "flop"), "there is no recipe key flop."),
        (RECIPE.partition("[training]")[0], "lacks the table [training]."),
        (RECIPE.partition("[training]")[0] + "[training]\n", "lacks epochs, batch_size"),
        ("[training]" + RECIPE.partition("[training]")[2], "lacks the table [architecture]."),
        ("training = 3\n", "lacks the table [training]."),
        ("architecture = 'article'\n[training]" + RECIPE.partition("[training]")[2],
         "lacks the table [architecture]."),
        ("", "lacks the table [training]."),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(str(path))
    assert str(path) in caught.value.message
    assert message in caught.value.message


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"mine\.toml is not a recipe"):
        load_recipe(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("name", ["artikle", "", "/nowhere/mine.toml"])
def test_an_unknown_recipe_names_those_that_ship(name: str) -> None:
    with pytest.raises(UsageError, match="There is no recipe") as caught:
        load_recipe(name)
    assert "article" in caught.value.remedy
