"""Defaults of a folder or a user: `fercli.toml`, and FERCLI_* variables; and what of them holds for a run.

A file has a table for each command, `[predict]` or `[compare.backends]`, with options by their long names.
A variable is named after command and option: FERCLI_PREDICT_MIN_FACE. The command line comes first, then a
variable, then the file.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from fercli.errors import UnavailableError, UsageError, did_you_mean
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "fercli.toml"
NAMED = "FERCLI_CONFIG"
"""The environment variable that names another file."""
_PREFIX = "FERCLI"


def find_file() -> Path | None:
    """The file that FERCLI_CONFIG names, else that of the current folder, else the user's own; or None."""
    if named := os.environ.get(NAMED):
        return Path(named)
    places = (Path(FILE).absolute(), Path(typer.get_app_dir("fercli"), FILE))
    # A place that cannot be looked into, such as the home of somebody else, holds no file for this run.
    return next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113


def set_defaults(context: typer.Context) -> None:
    """Gives every command of the program the defaults of the file and of the variables.

    Raises:
        UsageError: the file cannot be read, or names a command or an option that there is not.
    """
    for words, command in _commands(context.command, ()):
        for name, option in _options(command).items():
            option.envvar = _variable(words, name)
            option.show_envvar = False  # one rule says them all
    if (path := find_file()) is not None:
        context.default_map = _checked(path, _read(path), context.command, ())


def origin(context: typer.Context, name: str | None) -> str | None:
    """The file or variable that a parameter's value comes from; None where it was typed, or by default."""
    source = context.get_parameter_source(name) if name else None
    option = next((one for one in context.command.params if one.name == name), None)
    match source and source.name:
        case "DEFAULT_MAP":
            return str(find_file())
        case "ENVIRONMENT":
            return str(getattr(option, "envvar", None))
    return None


def at_origin(context: typer.Context, name: str | None, error: UsageError) -> UsageError:
    """The error of a parameter's value, with the file or variable that it comes from, if it does."""
    place = origin(context, name)
    return error if place is None else UsageError(f"{place}: {error.message}", error.remedy)


def defaults_of_run(context: typer.Context) -> list[str]:
    """A line for each file or variable that a command's options come from."""
    found: dict[str, list[str]] = {}
    for name, option in _options(context.command).items():
        if place := origin(context, option.name):
            found.setdefault(place, []).append(name)
    return [f"defaults: {', '.join(names)} from {place}" for place, names in found.items()]


@contextmanager
def defaults_named(context: typer.Context) -> Iterator[None]:
    """What a command cannot use may not have been typed: its error says which options were not."""
    try:
        yield
    except (UsageError, UnavailableError) as error:
        error.remedy = "\n".join(filter(None, [error.remedy, *defaults_of_run(context)]))
        raise


def defaults_in_sight(context: typer.Context) -> list[str]:
    """A line for the file and each variable that there is, whatever command runs; wrong ones are named."""
    lines = []
    if (path := find_file()) is not None:
        tables = ", ".join(f"[{name}]" for name in _read(path)) or "nothing"
        lines.append(f"{quoted(path)}: {tables}")
    known = {
        _variable(words, name)
        for words, command in _commands(context.find_root().command, ())
        for name in _options(command)
    }
    commands = {_variable(words, "") for words, _ in _commands(context.find_root().command, ()) if words}
    for name in sorted(os.environ):
        if name in known:
            lines.append(f"{name}={quoted(os.environ[name])}")
        elif name.startswith(tuple(commands)):
            lines.append(f"{name} names no option. {did_you_mean(name, known)}".rstrip())
    return lines


def _variable(words: tuple[str, ...], name: str) -> str:
    return "_".join((_PREFIX, *words, name)).upper().replace("-", "_")


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a command, with the words that are typed for it."""
    for word, child in getattr(command, "commands", {}).items():
        yield (*words, word), child
        yield from _commands(child, (*words, word))


def _options(command: Any) -> dict[str, Any]:
    """A command's options by their long names, without the dashes."""
    longs = (
        (next((name for name in one.opts if name.startswith("--")), ""), one) for one in command.params
    )
    return {long.removeprefix("--"): one for long, one in longs if long and one.name != "help"}


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{quoted(path)} cannot be read: {error.strerror}.", f"See {NAMED}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{quoted(path)} is not TOML: {error}.", "Correct it, or move it away.") from error


def _checked(path: Path, table: Mapping[str, Any], command: Any, words: tuple[str, ...]) -> dict[str, Any]:
    """A table by the names of parameters, as contexts want it."""
    commands, options = getattr(command, "commands", {}), _options(command) if words else {}
    here = f"[{'.'.join(words)}]" if words else "it"
    made: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name in commands and isinstance(value, dict):
            made[name] = _checked(path, value, commands[name], (*words, name))
        elif name in options and not isinstance(value, dict):
            if value == "":
                raise UsageError(
                    f"{quoted(path)}: {here} has {key}, which is empty.", "Fill it, or leave it out."
                )
            several = options[name].multiple
            if isinstance(value, list) and not several:
                raise UsageError(
                    f"{quoted(path)}: {here} has a list for {key}, which takes one value.",
                    "Write the value without brackets.",
                )
            made[options[name].name] = [value] if several and not isinstance(value, list) else value
        else:
            what, known = ("option", options) if options else ("table of a command", commands)
            raise UsageError(
                f"{quoted(path)}: {here} has {key}, which names no {what}.",
                did_you_mean(name, known) or f"There are {', '.join(known)}.",
            )
    return made
