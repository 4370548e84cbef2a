import csv
import json

from rich.console import Console

from fercli import __version__
from fercli.comparison.tables import (
    Column,
    Comparison,
    Section,
    as_csv,
    as_json,
    as_markdown,
    as_tables,
)

MADE_UP = Comparison(
    Column("name", "who"),
    (
        Section("Figures", (Column("speed", "faces/s", ".1f"), Column("count", "of them", ",d"))),
        Section("Words", (Column("reason", "reason"),)),
        Section("Never", (Column("unknown", "unknown"),)),
    ),
    [
        {"name": "a|b", "speed": 12.345678, "count": 1234567},
        {"name": "a-name-of-some-length", "reason": "it said: no,\nand 'x[y]' " + "again " * 20},
    ],
    "made up",
)


def test_json_has_every_key_and_numbers_as_measured() -> None:
    first, second = json.loads(as_json(MADE_UP))
    assert list(first) == list(second)
    assert (first["speed"], first["count"], first["reason"]) == (12.345678, 1234567, None)
    assert (second["name"], second["speed"]) == ("a-name-of-some-length", None)
    assert first["fercli"] == __version__
    assert first["machine"]


def test_csv_has_what_json_has() -> None:
    rows = list(csv.DictReader(as_csv(MADE_UP).splitlines(keepends=True)))
    expected = [
        {key: "" if value is None else str(value) for key, value in row.items()}
        for row in json.loads(as_json(MADE_UP))
    ]
    assert rows == expected


def test_markdown_has_a_table_for_each_section_that_has_something() -> None:
    blocks = as_markdown(MADE_UP).split("\n\n")
    assert blocks[:3] == [
        "**Figures**",
        "| who | faces/s | of them |\n| --- | --: | --: |\n| a&#124;b | 12.3 | 1,234,567 |",
        "**Words**",
    ]
    assert blocks[3].count("\n") == 2
    assert blocks[-1].startswith("made up; ")
    assert "Never" not in as_markdown(MADE_UP)


def test_tables_fit_a_narrow_terminal_and_keep_names_whole() -> None:
    console = Console(width=60, markup=False)
    with console.capture() as captured:
        for table in as_tables(MADE_UP):
            console.print(table)
    text = captured.get()
    assert all(len(line) <= 60 for line in text.splitlines())
    assert "a-name-of-some-length" in text
    assert "'x[y]'" in text
    assert "1,234,567" in text
