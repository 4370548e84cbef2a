import json
import os
import shutil
import subprocess
from pathlib import Path

from fercli.bundle import MODELS, load_bundle
from fercli.fer2013 import Split, read_pictures
from fercli_training.inputs import TrainingData
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from tests.cli.test_data import write_votes
from tests.conftest import FERCLI
from tests.fer2013.made_up import ONE_THREAD, rows, write

SCRIPT = Path(__file__).parents[2] / "tools" / "train_default.sh"
TINY = (
    "snapshots=1", "batch_size=28", "precision=float32", "architecture.stem=2", "architecture.dropout=0.4",
    "architecture.stages=[[2, 1], [2, 1], [2, 1], [4, 1]]",
)  # fmt: skip


def script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        env=os.environ | ONE_THREAD | {"FERCLI": str(FERCLI)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def epochs(run: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_finished_runs_stay_begun_ones_go_on_and_the_student_learns_from_both(tmp_path: Path) -> None:
    """Two epochs of few pictures, into a folder with a blank in its name."""
    data = write(tmp_path / "fer2013.csv")
    votes = write_votes(tmp_path / "fer2013new.csv", [int(row["emotion"]) for row in rows()])
    out = tmp_path / "my runs"
    shutil.copytree(MODELS / "residual", out / "teacher-1" / "model")
    (out / "teacher-2").mkdir()
    splits = read_pictures(data, Split)
    begun = load_recipe("residual", [*TINY, "epochs=1", "seed=12"])
    TrainingRun(begun, TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC]), out / "teacher-2").run(
        lambda _: None
    )

    done = script(data, votes, out, *(word for change in TINY for word in ("--set", change)),
                  "--set", "epochs=2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{out}/student/model"
    assert "residual on PublicTest" in done.stdout
    assert [path.name for path in (out / "teacher-1").iterdir()] == ["model"]
    assert epochs(out / "teacher-2") == epochs(out / "student") == [1, 2]
    assert done.stderr.count("epoch 1/2") == 1  # the student's
    recipe = load_bundle(str(out / "student")).description["provenance"]["recipe"]
    assert (recipe["seed"], recipe["teacher"], recipe["votes"]) == (1, 0.5, 0.3)


def test_without_arguments_it_says_how_it_is_used() -> None:
    done = script()
    assert (done.returncode, done.stdout) == (2, "")
    assert "tools/train_default.sh DATA VOTES OUT [OPTION...]" in done.stderr
    assert "set -euo" not in done.stderr
