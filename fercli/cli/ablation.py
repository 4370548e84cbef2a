"""`fercli ablation`: the article's experiments, one after another, beside the article's accuracies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import print_table, say
from fercli.cli.training import begin, interrupted_message, training_progress

if TYPE_CHECKING:
    from rich.table import Table

    from fercli_training.ablation import Result


def ablation(
    data: options.Data,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="The experiments' folder.", show_default=False),
    ],
    resume: options.ResumeTraining = False,
    changes: options.Changes = None,
) -> None:
    """Train the article's experiments on FER2013, one after another, and compare them with the article.

    OUT/ablation.json and OUT/ablation.png are written after every experiment. A checkpoint is written after
    every epoch, and at Ctrl-C: --resume goes on from it.
    """
    begin(out, [("data set", data)], resume=resume)
    from fercli_training.ablation import run_ablation, write_results
    from fercli_training.inputs import RunInputs, read_inputs
    from fercli_training.place import occupied

    training_data, _ = read_inputs(RunInputs(data), say)
    results: list[Result] = []
    try:
        with occupied(out), training_progress() as report:
            for result in run_ablation(training_data, out, changes or (), resume, report):
                results.append(result)
                write_results(results, out)
    except KeyboardInterrupt:
        say(interrupted_message(out, saved=True))
        raise
    print_table(ablation_table(results))


def ablation_table(results: list[Result]) -> Table:
    """The experiments' accuracies beside the article's."""
    from rich.table import Table

    table = Table("experiment", "the article", "PublicTest, %", "95%", "epochs", "by")
    for result in results:
        low, high = (f"{100 * end:.1f}" for end in result.interval)
        table.add_row(
            result.name, result.article or "-", f"{100 * result.accuracy:.1f}", f"{low} to {high}",
            str(result.epochs), result.by,
        )  # fmt: skip
    return table
