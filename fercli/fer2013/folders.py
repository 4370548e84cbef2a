"""Class folders: ROOT/Training/happy/00012.png; without split folders, all pictures are for training."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import UsageError, did_you_mean
from fercli.fer2013.interpretation import label_of, split_of
from fercli.fer2013.picture_files import picture_name, read_picture, row_numbers, write_picture
from fercli.fer2013.rows import BrokenRow, Row, RowError, Split
from fercli.files import whole_folder
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fercli.fer2013.interpretation import Interpretation
    from fercli.fer2013.trees import Leaf, Parts, Tree

REMEDY = (
    f"Give a folder that holds {', '.join(Split)} or some of them, and in each of these, or without them,"
    f" a folder of pictures, even if an empty one, for each of {', '.join(EXPRESSIONS)}."
)


class _File(NamedTuple):
    """A picture with its split and label."""

    split: Split
    label: int
    leaf: Leaf


def read_tree(tree: Tree, taken: Interpretation) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of their row numbers: their names, or else their places in the folders.

    Raises:
        UsageError: a class has no folder, or a folder belongs to no split or class.
    """
    files = sorted(_files(tree, taken), key=_order)
    numbers = row_numbers([PurePosixPath(*file.leaf.parts) for file in files])
    for number, (_, file) in sorted(zip(numbers, enumerate(files), strict=True)):
        try:
            picture = read_picture(file.leaf.read, file.leaf.where, taken)
            yield Row(number, file.label, picture, file.split)
        except RowError as error:
            yield BrokenRow(file.leaf.where, str(error))


def write_folders(rows: Iterable[Row], root: Path) -> None:
    """Writes each row's picture into the folder of its split and class; its name is the row's number.

    Raises:
        ReportError: a picture cannot be written.
    """
    with whole_folder(root) as made:
        fill_folders(rows, made)


def fill_folders(rows: Iterable[Row], root: Path) -> None:
    """Does what `write_folders` does in a folder that is there; raises `OSError` where that fails."""
    for row in rows:
        folder = root / row.split
        if not folder.exists():
            for name in EXPRESSIONS:
                (folder / name).mkdir(parents=True)
        write_picture(row.picture, folder / EXPRESSIONS[row.label] / picture_name(row.number))


def has_classes(tree: Tree) -> bool:
    """Whether a tree has folders of splits or classes, at its top or below single folders."""
    children = tree.children(_top(tree))
    return any(split_of(name) is not None or label_of(name) is not None for name in children)


def _top(tree: Tree) -> Parts:
    """The folder that holds splits or classes; single folders above it are skipped."""
    top: Parts = ()
    children = tree.children(top)
    while len(children) == 1 and split_of(children[0]) is None and label_of(children[0]) is None:
        top = (*top, children[0])
        children = tree.children(top)
    return top


def _files(tree: Tree, taken: Interpretation) -> Iterator[_File]:
    top = _top(tree)
    splits: Mapping[Parts, Split] = {top: Split.TRAINING}
    children = tree.children(top)
    if any(split_of(name) is not None for name in children):
        _refuse_unknown(tree, top, [name for name in children if split_of(name) is None], list(Split))
        _refuse_several(tree, top, children, {name: str(split_of(name)) for name in children})
        splits = {(*top, name): taken.split(name) for name in children}
    labels = {folder: label for parent in splits for folder, label in _classes(tree, parent, taken).items()}
    for leaf in tree.files:
        place = leaf.parts[: len(next(iter(labels)))]
        if place in labels and len(leaf.parts) > len(place):
            yield _File(_split(leaf, splits[place[:-1]], taken), labels[place], leaf)


def _classes(tree: Tree, parent: Parts, taken: Interpretation) -> dict[Parts, int]:
    """The class folders of a split, by their paths."""
    children = tree.children(parent)
    _refuse_unknown(tree, parent, [name for name in children if label_of(name) is None], EXPRESSIONS)
    labels = {name: taken.label(name) for name in children}
    _refuse_several(tree, parent, children, {name: EXPRESSIONS[label] for name, label in labels.items()})
    missing = [name for label, name in enumerate(EXPRESSIONS) if label not in labels.values()]
    if missing:
        raise UsageError(f"{tree.name(parent)} has no folder {' and no folder '.join(missing)}.", REMEDY)
    return {(*parent, name): label for name, label in labels.items()}


def _split(leaf: Leaf, split: Split, taken: Interpretation) -> Split:
    """A picture's split: its folder's, but in a folder `test` a name may say PublicTest."""
    name = leaf.parts[-1].partition("_")[0]
    if split is not Split.PRIVATE or name != Split.PUBLIC:
        return split
    taken.take(f"{name}_*", Split.PUBLIC)
    return Split.PUBLIC


def _order(file: _File) -> tuple[int, int, Parts]:
    return list(Split).index(file.split), file.label, file.leaf.parts


def _refuse_unknown(tree: Tree, parent: Parts, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        hint = did_you_mean(name.casefold(), known) or REMEDY
        folder = tree.name((*parent, name))
        raise UsageError(f"{folder} is none of the folders {', '.join(known)}.", hint)


def _refuse_several(tree: Tree, parent: Parts, names: Sequence[str], meanings: Mapping[str, str]) -> None:
    for meaning in meanings.values():
        same = [quoted(name) for name in names if meanings[name] == meaning]
        if len(same) > 1:
            raise UsageError(
                f"{tree.name(parent)} has several folders for {meaning}: {' and '.join(same)}.",
                "Put their pictures into one.",
            )
