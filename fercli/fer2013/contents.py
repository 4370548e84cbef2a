"""Folders and archives: they hold the challenge's CSV, or else class folders."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.challenge import open_table, read_rows
from fercli.fer2013.folders import REMEDY, has_classes, read_tree
from fercli.fer2013.interpretation import NUMBERS, Interpretation
from fercli.fer2013.streams import BROKEN
from fercli.fer2013.trees import tree_on_disk
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fercli.fer2013.rows import BrokenRow, Row
    from fercli.fer2013.trees import Leaf, Tree

_TABLES = (".csv", ".csv.gz", ".csv.xz", ".csv.bz2")


def read_folder(path: Path, tell: Callable[[str], None]) -> Iterator[Row | BrokenRow]:
    """The rows of a folder's CSV, or the pictures of its class folders; raises as `read_contents`."""
    try:
        tree = tree_on_disk(path)
        yield from read_contents(path, tree, lambda: tree, tell)
    except OSError as error:
        where = quoted(error.filename or path)
        raise UsageError(f"{where} cannot be read: {error.strerror or error}.", REMEDY) from error


def read_contents(
    path: Path, tree: Tree, pictures: Callable[[], Tree], tell: Callable[[str], None]
) -> Iterator[Row | BrokenRow]:
    """The rows of the one CSV with FER2013's columns, or else the pictures of the class folders.

    Args:
        path: what is read.
        tree: its files and folders.
        pictures: gives the tree whose pictures can be read in any order.
        tell: takes a sentence on what was taken for what.

    Raises:
        UsageError: there is neither, there are several such CSVs, or a class has no folder.
        BROKEN: one of these; a file cannot be read.
    """
    table = _only_table(path, tree)
    taken = Interpretation(EXPRESSIONS if table is None else (*NUMBERS, *EXPRESSIONS))
    if table is not None:
        with table.open() as opened:
            yield from read_rows(opened, table.where, taken)
    elif has_classes(tree):
        yield from read_tree(pictures(), taken)
    else:
        there = ", ".join(map(quoted, tree.children(()))) or "none"
        raise UsageError(
            f"{quoted(path)} holds no CSV with the columns of FER2013, and no class folders; its folders"
            f" are: {there}.",
            REMEDY,
        )
    taken.report(path, tell)


def _only_table(path: Path, tree: Tree) -> Leaf | None:
    """The CSV to read: the only one with labels, pixels and splits, or else with labels and pixels."""
    tables = [leaf for leaf in tree.files if leaf.parts[-1].lower().endswith(_TABLES)]
    columns = {leaf.where: _has_splits(leaf) for leaf in tables}
    fit = [leaf for leaf in tables if columns[leaf.where] is not None]
    best = [leaf for leaf in fit if columns[leaf.where]] or fit
    if len(best) > 1:
        names = " and ".join(leaf.where for leaf in best)
        raise UsageError(f"{quoted(path)} holds several data sets: {names}.", "Name one of them.")
    if best:
        return best[0]
    # If it is the only CSV, reading it tells what it lacks.
    return tables[0] if len(tables) == 1 and not has_classes(tree) else None


def _has_splits(leaf: Leaf) -> bool | None:
    """Whether a CSV says which split its rows belong to; None where it lacks labels or pixels."""
    try:
        with leaf.open() as file:
            columns, _ = open_table(file, leaf.where, Interpretation(()))
    except (UsageError, csv.Error, *BROKEN):
        return None
    return columns.split is not None
