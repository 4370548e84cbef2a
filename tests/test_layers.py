"""Imports point down the layers of docs/architecture.md, in functions and for types too."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PACKAGES = (
    ROOT / "fercli",
    *sorted((ROOT / "backends").glob("fercli_*")),
    ROOT / "training/fercli_training",
)

MAY_IMPORT = {
    "fercli": set(),
    "fercli_onnx": {"fercli"},
    "fercli_openvino": {"fercli"},
    "fercli_tensorflow": {"fercli"},
    "fercli_torch": {"fercli"},
    "fercli_training": {"fercli", "fercli_torch"},
}
"""What the packages of the wheel may import of one another: fercli finds the others as plugins."""

COMMANDS_THAT_NEED_TRAINING = {
    "fercli.cli.ablation",
    "fercli.cli.explain",
    "fercli.cli.export",
    "fercli.cli.train",
    "fercli.cli.training",
}
"""The exceptions to that."""

_IN_A_STRING = re.compile(r"(fercli\w*(?:\.\w+)+):\w+|(fercli_\w+(?:\.\w+)+)")
"""`MODULE:NAME`, or a module beside `fercli`. Groups of entry points are called as modules in it may be."""


class Import(NamedTuple):
    """That a module names another, as an import or in a string; `for_types` is not there at run time."""

    importer: str
    line: int
    imported: str
    for_types: bool

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: {self.imported}"


@cache
def modules() -> dict[str, Path]:
    """The files of all modules, by their names."""
    found = {}
    for package in PACKAGES:
        for path in package.rglob("*.py"):
            parts = path.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> list[Import]:
    return [found for name in modules() for found in _imports(name)]


def _imports(importer: str) -> Iterator[Import]:
    tree = ast.parse(modules()[importer].read_text("utf-8"))
    guarded = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for name in _named(node):
            # The version stands in the package itself, which is otherwise the door to all that is in it.
            imported = name if name in modules() else name.rpartition(".")[0]
            if imported in modules() and imported != importer and name != "fercli.__version__":
                yield Import(importer, getattr(node, "lineno", 0), imported, id(node) in guarded)


def _named(node: ast.AST) -> list[str]:
    """What may be modules, or something in a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports name their modules in full"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _IN_A_STRING.fullmatch(node.value)
        return [name for name in (found.groups() if found else ()) if name in modules()]
    return []


@cache
def layers() -> dict[str, int]:
    """The table's entries, modules or packages, and the numbers of their layers."""
    section = ARCHITECTURE.read_text("utf-8").split("\n## Layers\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", section, re.MULTILINE)
    names = {name: int(number) for number, row in rows for name in re.findall(r"`([\w.]+)`", row)}
    return {name if name in modules() else f"fercli.{name}": number for name, number in names.items()}


def layer(module: str) -> int | None:
    """The layer of the nearest entry."""
    name = module
    while name not in layers() or name == "fercli" != module:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return layers()[name]


def room(module: str) -> str:
    """The module or package right below `fercli`, or the package beside it."""
    return ".".join(module.split(".")[:2]) if module.startswith("fercli.") else module.partition(".")[0]


def circle(named: Callable[[str], str], *, with_types: bool) -> list[str]:
    """Modules, or what they are called together, that import one another in a circle."""
    graph: dict[str, set[str]] = {}
    for found in imports():
        importer, imported = named(found.importer), named(found.imported)
        if importer != imported and (with_types or not found.for_types):
            graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        members: list[str] = error.args[1]
        return members
    return []


def test_every_module_has_a_layer_and_every_entry_is_there() -> None:
    assert [name for name in layers() if name not in modules()] == []
    assert [name for name in modules() if layer(name) is None] == []


def test_no_import_points_up() -> None:
    heights = {name: layer(name) or 0 for name in modules()}
    assert [str(found) for found in imports() if heights[found.imported] > heights[found.importer]] == []


def test_no_circle() -> None:
    assert circle(lambda module: module, with_types=False) == []
    assert circle(room, with_types=True) == []


def test_what_is_beside_fercli_is_found_as_a_plugin() -> None:
    across = [
        found
        for found in imports()
        if (imported := found.imported.partition(".")[0]) != (importer := found.importer.partition(".")[0])
        and imported not in MAY_IMPORT[importer]
    ]
    exceptions = {found.importer for found in across if found.imported.startswith("fercli_training")}
    assert [str(found) for found in across if found.importer not in COMMANDS_THAT_NEED_TRAINING] == []
    assert exceptions == COMMANDS_THAT_NEED_TRAINING
