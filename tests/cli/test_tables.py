"""Tables in terminals of any width: no figure is cut, nothing is lost; a pipe gets what it always did."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from fercli.cli.ablation import ablation_table
from fercli.cli.commands import app
from fercli.cli.tables import fitted, fitted_document
from fercli_training.ablation import Result
from tests.fer2013.made_up import rows, write
from tests.terminal import WIDTHS, assert_nothing_is_cut, plain, shown


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, str]]:
    """What the commands whose figures are the same at every call print."""
    folder = tmp_path_factory.mktemp("data of mine")
    content = rows()
    content[4]["emotion"] = "9"
    whole, broken = write(folder / "fer2013.csv"), write(folder / "broken.csv", content)
    commands = {
        "evaluate": ["evaluate", "article", "--data", str(whole), "--split", "both"],
        "models list": ["models", "list"],
        "models show": ["models", "show", "article"],
        "doctor": ["doctor"],
        "data inspect": ["data", "inspect", str(whole)],
        "data inspect, broken": ["data", "inspect", str(broken)],
    }
    return dict(zip(commands, shown(list(commands.values())), strict=True))


@pytest.mark.parametrize(
    "command", ["evaluate", "models list", "models show", "doctor", "data inspect", "data inspect, broken"]
)
def test_no_figure_is_cut_in_a_narrow_terminal(command: str, printed: dict[str, dict[int, str]]) -> None:
    assert_nothing_is_cut(printed[command])


def test_what_a_pipe_gets_is_what_a_wide_terminal_shows(printed: dict[str, dict[int, str]]) -> None:
    result = CliRunner().invoke(app, ["models", "list"])
    assert result.stdout == plain(printed["models list"][200])


@pytest.mark.parametrize(
    ("environment", "sign"),
    [({"NO_COLOR": "1"}, re.compile(r"\x1b\[[0-9;]*3[0-9]")), ({"TERM": "dumb"}, re.compile("\x1b"))],
)
def test_no_colour_where_none_is_wanted(environment: dict[str, str], sign: re.Pattern[str]) -> None:
    (text,) = shown([["models", "list"]], [40], environment)
    assert sign.search(text[40]) is None


@pytest.mark.parametrize("columns", ["0", "00", "99999999", "9" * 5000])
def test_what_is_no_width_counts_as_none_given(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for command in (["models", "--help"], ["predict", "--nonsense"]):
        expected = CliRunner().invoke(app, command)
        assert expected.output.strip()
        assert CliRunner(env={"COLUMNS": columns}).invoke(app, command).output == expected.output


def compared(run_on: Path) -> list[list[str]]:
    quick = ["--repeat", "1"]
    return [
        ["compare", "backends", "--backends", "onnx,tensorrt", "--batch-sizes", "1,2,4,8", *quick],
        ["compare", "models", "article", "residual", "--backend", "onnx", *quick],
        ["compare", "detectors", str(run_on), "--detectors", "none,facenet", *quick],
    ]


def test_comparisons_lose_nothing_in_a_narrow_terminal(samples: Path) -> None:
    """Their figures differ from call to call, so that it is the words that are the same."""
    for by_width in shown(compared(samples / "group.jpg"), (200, 40)):
        wide, narrow = (plain(by_width[width]) for width in (200, 40))
        assert "…" not in narrow
        assert all(len(line) <= 40 or len(line.split()) == 1 for line in narrow.splitlines())
        words = re.findall(r"[A-Za-z][\w'-]*", wide)
        assert not set(words) - set(re.findall(r"[A-Za-z][\w'-]*", narrow))


ROWS = (
    ("one", "0.1234 (0.1111 to 0.2222)", "1,234,567", "12 words and more of them than fit in a line"),
    ("a-name-that-is-long", "0.5678 (0.4444 to 0.6666)", "-", ""),
    ("x", "1.0e-05", "89", "see /a/very/long/path/that/has/no/blank/in/it/at/all/and-is-1-word"),
    ("日本語", "-0.5", "7", "two\nlines of 3.25 and 4.75"),
)


def example() -> Table:
    table = Table("name", "accuracy", "count", "what it says", title="A title of 3 words")
    table.caption = "11 faces, 64 at once; Linux x86_64, 2 cores"
    for row in ROWS:
        table.add_row(*row)
    return table


def fit(table: Table, width: int) -> str:
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as captured:
        for part in fitted(table, console):
            console.print(part, soft_wrap=not isinstance(part, Table))
    return captured.get()


def test_any_width_shows_every_figure_and_every_word() -> None:
    expected = {word for row in ROWS for cell in row for word in cell.split()}
    for width in range(12, 170):
        text = fit(example(), width)
        assert not expected - set(re.split(r"[\s│┃]+", text)), width
        assert "…" not in text
        for line in text.splitlines():
            assert cell_len(line) <= width or len(line.split()) == 1


def test_a_figure_keeps_its_interval_beside_it() -> None:
    assert all("0.1234 (0.1111 to 0.2222)" in fit(example(), width) for width in range(27, 170))


def test_the_ablation_is_whole_in_a_narrow_terminal() -> None:
    results = [
        Result("plain", "57 to 59", 100, "epoch 87", 0.58321, (0.56697, 0.59924)),
        Result("with a rather long name", "", 100, "mean of 5 snapshots", 0.7, (0.68, 0.71)),
    ]
    assert_nothing_is_cut({width: fit(ablation_table(results), width) for width in WIDTHS})


def test_a_table_of_documents_is_fitted_too() -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 0.25 |"
    text = f"# A heading\n\n{table}\n\nWords that do not fit into a narrow line.\n"
    console = Console(width=20, markup=False, highlight=False)
    with console.capture() as captured:
        for part in fitted_document(text, console):
            console.print(part, soft_wrap=not isinstance(part, Table))
    lines = captured.get().splitlines()
    assert all(len(line) <= 20 for line in lines)
    assert lines[0] == "# A heading"
    assert any("0.25" in line for line in lines)
    assert " ".join(lines).endswith("Words that do not fit into a narrow line.")
