"""Options in a TOML file: its keys are the long names of options, and the command line overrules them.

One file serves `train`, `cross-validate` and `search`: each takes the options that it has. `out` names what
one command writes, so `cross-validate` takes it from its own command line only.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from clearprop.cli.answering import BAD_INPUT
from clearprop.cli.console import complain
from clearprop.errors import DataError

SHARING = ("train", "cross-validate", "search")
TABLES = {"type", "class-weight"}  #: options of NAME=VALUE, written as tables
NEVER = ("config", "show-config", "help")  #: no keys
NOT_SHOWN = (*NEVER, "json", "quiet", "checkpoint", "resume")  #: say how a run is watched, not what it is


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the options of a file for those not given; one message and exit code 2 when it cannot be used."""
    if path is not None:
        try:
            context.default_map = _defaults(context, path)
        except (DataError, OSError) as error:
            complain(f"error: {error}")
            raise typer.Exit(BAD_INPUT) from None
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; DataError when it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"there is no file {str(path)!r}; check the name and the folder") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: it is no TOML: {error}") from None


def given_data(context: typer.Context, data: Sequence[str] | None) -> list[str]:
    """The files named on the command line, else in the file of options; DataError when there are none.

    Click, up to 8.1, looks for arguments nowhere but on the command line, so they are looked up here.
    """
    found = list(data or (context.default_map or {}).get("data") or ())
    if not found:
        raise DataError('there are no data; name a file, such as mine.csv, or "penguins", shipped')
    context.params["data"] = found
    return found


def config_of(context: typer.Context) -> dict[str, Any]:
    """All options of this run by their long names, as a file would hold them; those not set are left out."""
    shown = {}
    for name, option in _options(context.command).items():
        value = context.params.get(option.name)
        if name in NOT_SHOWN or value is None or value is False or value in ([], ()):
            continue
        shown[name] = str(value) if isinstance(value, Path) else value
    for name in TABLES & shown.keys():
        if shown[name] != ["balanced"]:
            shown[name] = dict(pair.rpartition("=")[::2] for pair in shown[name])
    return shown


def as_toml(config: Mapping[str, Any]) -> str:
    r"""TOML of plain values, lists of texts and tables of texts.

    >>> print(as_toml({"epochs": 3, "target": ["a \"b\""], "type": {"zip code": "category"}}), end="")
    epochs = 3
    target = ["a \"b\""]
    <BLANKLINE>
    [type]
    "zip code" = "category"
    """
    tables = {name: value for name, value in config.items() if isinstance(value, Mapping)}
    lines = [f"{name} = {_value(value)}" for name, value in config.items() if name not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{_value(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _options(command: Any) -> dict[str, Any]:
    """The parameters of a command by their long names; DATA is `data`."""
    found = {}
    for option in command.params:
        long = [each for each in option.opts if each.startswith("--")] or [option.name]
        found[long[0].removeprefix("--")] = option
    return found


def _defaults(context: typer.Context, path: Path) -> dict[str, Any]:
    """Parameter -> value as the command line would give it."""
    read = read_toml(path)
    verbs = getattr(context.parent.command if context.parent else None, "commands", {})
    known = {key for verb in SHARING if verb in verbs for key in _options(verbs[verb])}
    own = _options(context.command)
    defaults = {}
    for key, value in read.items():
        name = key.replace("_", "-")
        if name not in known | own.keys() or name in NEVER:
            raise DataError(f"{path}: there is no option {key!r}; {_remedy(name, known | own.keys())}")
        if name in own and not (name == "out" and context.command.name == "cross-validate"):
            defaults[own[name].name] = _given(path, key, own[name], value)
    return defaults


def _remedy(name: str, known: set[str]) -> str:
    from clearprop.tables.table import near_matches

    near = near_matches(name, sorted(known - set(NEVER)))
    return f"did you mean {' or '.join(map(repr, near))}?" if near else "clearprop train --help lists them"


def _given(path: Path, key: str, option: Any, value: Any) -> Any:
    """A value of the file as the command line would give it."""
    flag = getattr(option, "is_flag", False)
    several = getattr(option, "multiple", False) or option.nargs == -1
    if key.replace("_", "-") in TABLES and isinstance(value, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    if key == "hidden" and isinstance(value, list):
        value = ",".join(map(str, value)) or "none"
    plain = isinstance(value, str | int | float) and (isinstance(value, bool) == flag)
    if flag and plain:
        return value
    if several and isinstance(value, str):
        return [value]
    if several and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    if not flag and not several and plain:
        return str(value)
    wanted = "true or false" if flag else "a text or a list of texts" if several else "a number or a text"
    raise DataError(f"{path}: {key!r} is {wanted}, not {value!r}")
