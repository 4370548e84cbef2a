"""A model: a folder of model.json (what it is), its weights, and the checksums that tie them together.

What a folder holds is checked before a runtime sees it: a model may come from anywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fercli.architecture import Architecture, read_architecture
from fercli.errors import ModelError, UnavailableError, UsageError, did_you_mean
from fercli.onnx_file import check_onnx
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

MODELS = Path(__file__).parent / "models"
DEFAULT_MODEL = "residual"
ENSEMBLES = {"large": (DEFAULT_MODEL, "article")}
"""Names for several models that ship, whose probabilities are averaged."""
DESCRIPTION = "model.json"
ONNX = "model.onnx"
"""The network, and the one copy of its weights."""
WEIGHTS = "weights.safetensors"
"""The weights of earlier models, whose model.onnx does not have them as they were trained."""
ONNX_INT8 = "model.int8.onnx"
CARD = "MODEL_CARD.md"
FORMAT = 1
_IN_RUN = "model"
"""The folder, in that of a training run, of the model that it made."""

_REQUIRED = ("format", "name", "architecture", "expressions", "files")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model's folder and what its model.json says."""

    folder: Path
    description: dict[str, Any] = field(hash=False, repr=False)

    @property
    def architecture(self) -> Architecture:
        """The network that the weights belong to.

        Raises:
            ModelError: this version does not know the network.
        """
        try:
            return read_architecture(self.description["architecture"])
        except UnavailableError as error:
            raise ModelError(
                f"{quoted(self.folder / DESCRIPTION)}: {error.message}", error.remedy
            ) from error

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.description["name"])

    @property
    def files(self) -> dict[str, str]:
        """The sha256 of each file that belongs to the model, by its name."""
        return dict(self.description["files"])

    @property
    def sha256(self) -> str:
        """The sha256 of the file that holds the weights; of its first file where none does."""
        return self.files.get(WEIGHTS) or self.files.get(ONNX) or next(iter(self.files.values()), "")

    def verified(self, name: str) -> Path:
        """The path of one of the model's files, its bytes checked against model.json.

        Raises:
            ModelError: the model has no such file, it is missing, its checksum is wrong, or it is an
                ONNX file that is broken, reaches outside itself or holds weights that are not numbers.
        """
        path = self.folder / name
        if name not in self.files:
            raise ModelError(f"The model {self.name} in {quoted(self.folder)} has no {name}.")
        try:
            digest = sha256(path)
        except OSError as error:
            raise ModelError(f"{quoted(path)} cannot be read: {error.strerror}.") from error
        if digest != self.files[name]:
            raise ModelError(f"{quoted(path)} is not the file that model.json was made with.")
        if path.suffix == ".onnx":
            check_onnx(path)
        return path


def shipped_models() -> list[str]:
    """The names of the models that ship with fercli."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{DESCRIPTION}"))


def load_members(model: str) -> list[Bundle]:
    """The models of an ensemble by its name, or the one model that `load_bundle` gives.

    Raises:
        UnavailableError: as `load_bundle` does.
    """
    return [load_bundle(member) for member in ENSEMBLES.get(_known_name(model), (model,))]


def load_models(names: Iterable[str]) -> tuple[Bundle, ...]:
    """The models of names and folders, those of an ensemble one by one.

    Raises:
        UsageError: there are no names.
        UnavailableError: as `load_bundle` does.
    """
    bundles = tuple(bundle for name in names for bundle in load_members(name))
    if not bundles:
        raise UsageError("No model is given.", "Leave it out, or give one such as default.")
    return bundles


def load_bundle(model: str) -> Bundle:
    """A model by the name of one that ships (`default` is the default one), or by its folder.

    The name may be in capitals; the folder may be named by the model.json in it, or be a run's, which
    holds the folder `model`.

    Raises:
        UnavailableError: no such model, its model.json is missing, broken or of an unknown architecture, or
            one of its files is missing.
    """
    folder = _find(model)
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(*_no_such_model(model, folder)) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{quoted(path)} cannot be read: {reason}.") from error
    _check(description, path)
    bundle = Bundle(folder, description)
    _ = bundle.architecture  # raises if this version does not know the network
    _require_files(bundle)
    return bundle


def _find(model: str) -> Path:
    """The folder that a name or a path means, whether it is there or not."""
    path = Path(model)
    name = _known_name(model)
    if name in _names():
        return MODELS / _names()[name]
    if path.name == DESCRIPTION and _is_file(path):
        return path.parent
    in_run = path / _IN_RUN
    return in_run if _is_file(in_run / DESCRIPTION) and not _is_file(path / DESCRIPTION) else path


def _known_name(model: str) -> str:
    """The text in lower case if it names a model or an ensemble that ships; else the text as it is."""
    name = model.strip().rstrip("/\\").casefold()
    # A folder of exactly that name comes first, unless the text is spelled as a name that ships.
    return (
        name if (name in _names() or name in ENSEMBLES) and (name == model or not _exists(model)) else model
    )


def _names() -> dict[str, str]:
    return {"default": DEFAULT_MODEL} | {name: name for name in shipped_models()}


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # as above
        return False


def _require_files(bundle: Bundle) -> None:
    for name in bundle.files:
        if not _is_file(bundle.folder / name):
            raise ModelError(f"{quoted(bundle.folder / name)} is missing.")


def sha256(path: Path) -> str:
    """The hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_such_model(model: str, folder: Path) -> tuple[str, str]:
    if model in ENSEMBLES:
        members = " and ".join(ENSEMBLES[model])
        return f"{model} is not one network, but the mean of {members}.", "Name one of them."
    names = shipped_models()
    known = f"The models that ship are {', '.join(names)}; a folder that holds a {DESCRIPTION} works too."
    if folder.is_dir():
        return f"The folder {quoted(folder)} holds no {DESCRIPTION}.", known
    if folder.is_file():
        there = next((near for near in folder.parents[:2] if (near / DESCRIPTION).is_file()), None)
        hint = f"Name the folder {quoted(there)}." if there else known
        return f"{quoted(folder)} is a file, and a model is a folder that holds a {DESCRIPTION}.", hint
    hint = did_you_mean(model.casefold(), [*names, *ENSEMBLES])
    return f"There is no model {quoted(model)}.", f"{hint} {known}".lstrip()


def _check(description: object, path: Path) -> None:
    if not isinstance(description, dict):
        raise ModelError(f"{quoted(path)} does not describe a model.")
    missing = [key for key in _REQUIRED if key not in description]
    if missing:
        raise ModelError(f"{quoted(path)} lacks {', '.join(missing)}.")
    if description["format"] != FORMAT:
        raise ModelError(
            f"{quoted(path)} has format {description['format']}; this version reads format {FORMAT}.",
            "Update fercli.",
        )
    if description["expressions"] != list(EXPRESSIONS):
        raise ModelError(f"{quoted(path)} names other expressions than {', '.join(EXPRESSIONS)}.")
    if not isinstance(description["architecture"], dict):
        raise ModelError(f"{quoted(path)} does not describe the architecture.")
    files = description["files"]
    # A name with a folder in it could reach outside the model's own.
    if not isinstance(files, dict) or any(Path(name).name != name for name in files):
        raise ModelError(f"{quoted(path)} lists its files wrongly.")
