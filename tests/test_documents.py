"""The documents: what they tell people to type is typed here, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from fercli.cli.commands import app
from tests.conftest import FERCLI

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for folder in ("", "docs", "docs/how-to", "backends", "benchmarks", "samples", "fercli/models/*")
    for path in ROOT.glob(f"{folder}/*.md" if folder else "*.md")
)
_BLOCK = re.compile(r"^```sh run\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\[]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
_DECIMAL = re.compile(r"\d+\.\d+")
_SHOWN = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FERCLI = re.compile(
    r"""(?:^|[|(;&'])\s*(?:\w+=\S+\ )*(?:\S*/)?fercli\ ((?:[^|&;<>()'"\n]|'[^'\n]*'|"[^"\n]*")*)""",
    re.MULTILINE | re.VERBOSE,
)
_OPTIONAL = ("duckdb", "ffmpeg", "jq", "parallel")
"""Programs that not every machine has: a page is followed as far as they are not needed."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """The commands and outputs of a page that can be tried on this machine."""
    absent = [name for name in _OPTIONAL if shutil.which(name) is None]
    return [
        (commands, output)
        for commands, output in _BLOCK.findall(page.read_text("utf-8"))
        if not any(re.search(rf"\b{name}\b", commands) for name in absent)
    ]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


RUNNABLE = [page for page in PAGES if blocks(page)]


def test_the_tutorial_and_some_ways_are_tried() -> None:
    assert {page.name for page in RUNNABLE} >= {"tutorial.md", "pipelines.md", "tables.md", "defaults.md"}


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_what_a_page_says_is_what_happens(page: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FERCLI_")}
    environment["PATH"] = os.pathsep.join([str(FERCLI.parent), os.environ["PATH"]])
    environment["HOME"] = str(tmp_path)
    for commands, output in blocks(page):
        done = subprocess.run(
            ["/bin/bash", "-c", commands],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=180,
        )
        printed = done.stdout.decode()
        assert _DECIMAL.sub("#", printed) == _DECIMAL.sub("#", output), commands
        ours, theirs = ([float(number) for number in _DECIMAL.findall(text)] for text in (printed, output))
        assert ours == pytest.approx(theirs, abs=0.002), commands


WRITTEN = [page for page in PAGES if page.name != "reference.md"]  # that one is made


def commands_shown(page: Path) -> Iterator[Any]:
    """Every command of fercli in a page, as Typer understands it."""
    shown = _SHOWN.findall(page.read_text("utf-8"))
    for block in (text for language, text in shown if language in {"", "sh", "sh run"}):
        for words in _FERCLI.findall(block.replace("\\\n", " ")):
            typed = shlex.split(re.sub(r"\$\w+", "1", words))
            command: Any = typer.main.get_command(app)
            while hasattr(command, "commands") and not typed[0].startswith("-"):
                if typed[0] not in command.commands:
                    typed = ["show", *typed]  # fercli report REPORT...
                command = command.commands[typed.pop(0)]
            if not hasattr(command, "commands"):
                yield command.make_context(words, typed)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_fercli_understands_every_command_that_a_page_shows(page: Path) -> None:
    list(commands_shown(page))


def test_every_training_that_a_page_shows_gets_what_its_recipe_needs() -> None:
    from fercli_training.inputs import RunInputs, require_fit
    from fercli_training.recipe_files import load_recipe

    shown = [context.params for page in WRITTEN for context in commands_shown(page)
             if context.command.name == "train"]  # fmt: skip
    assert shown
    for given in shown:
        # For a model that an earlier command makes, the default stands in.
        init = "default" if "/" in (given["init"] or "") else given["init"]
        inputs = RunInputs(given["data"], given["ferplus"], given["teacher"] or (), init)
        require_fit(load_recipe(given["recipe"], given["changes"] or ()), inputs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target, anchor in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"\w+:", target):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_every_page_of_docs_is_in_the_sites_navigation() -> None:
    listed = set(re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= listed


def test_the_citation_names_the_version() -> None:
    from fercli import __version__

    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


@pytest.mark.parametrize("name", ["Containerfile", "Containerfile.gpu"])
def test_a_container_runs_as_a_user_and_copies_what_there_is(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)
    assert re.search(r"^USER [1-9]\d*$", stages[-1], re.MULTILINE)  # Kubernetes looks at numbers alone
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources), line
    extra = re.findall(r"'\.\[(\w+)\]'", text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(extra) <= project["optional-dependencies"].keys()
    assert extra
