"""What the JSON in a model file looks like, and reading it without trust.

`Wrong` says in words what does not fit; header.py adds the file and the remedy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

DEEPEST = 32  #: levels of nesting in its JSON
MOST_CONTAINERS, MOST_ITEMS = 200_000, 1_000_000  #: lists and objects; commas


_NUMBER = (int, float)
_OPTIONAL_NUMBER = (int, float, type(None))
_ROW = {"name": (str,), "parameters": (dict,), "source": (str,)}

#: for each kind of record in the JSON: key -> types of its value; no key may be missing, none be added
SCHEMA: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "contents": {
        "format": (int,),
        "specification": (dict,),
        "classes": (list,),
        "history": (dict,),
        "record": (dict, type(None)),
        "encoder": (dict, type(None)),
        "target": (dict, type(None)),
        "certificate": (dict, type(None)),
        "snapshots": (dict,),
        "versions": (dict,),
    },
    "specification": {
        "inputs": (int,),
        "layers": (list,),
        "loss": (dict,),
        "l1": _NUMBER,
        "l2": _NUMBER,
        "input_dropout": _NUMBER,
    },
    "layer": {
        "units": (int,),
        "activation": (dict,),
        "bias": (bool,),
        "dropout": _NUMBER,
        "initializer": (str, type(None)),
    },
    "coupled activation": {
        **_ROW,
        "formula": (str,),
        "derivative": (str,),
        "range": (dict,),
        "initializer": (str,),
        "refuses_training": (str,),
    },
    "activation": {
        **_ROW,
        "formula": (str,),
        "derivative": (str,),
        "kinks": (list,),
        "range": (dict,),
        "initializer": (str,),
        "refuses_training": (str,),
    },
    "loss": {
        **_ROW,
        "value": (str,),
        "slope": (str,),
        "link": (str,),
        "linked_value": (str,),
        "linked_delta": (str,),
        "domain": (dict,),
        "targets": (str,),
        "kinks": (list,),
    },
    "interval": {"low": _OPTIONAL_NUMBER, "high": _OPTIONAL_NUMBER, "attained": (list,)},
    "tensor": {"dtype": (str,), "shape": (list,), "data_offsets": (list,)},
}


class Wrong(Exception):  # noqa: N818 - header.py turns it into a ModelFileError
    """What is wrong with the bytes, in words."""


def parse(raw: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object within the limits; no key twice, no NaN, no endless integer."""
    marks: tuple[Any, ...] = (b"[", b"{", b",") if isinstance(raw, bytes) else ("[", "{", ",")
    if raw.count(marks[0]) + raw.count(marks[1]) > MOST_CONTAINERS or raw.count(marks[2]) > MOST_ITEMS:
        raise Wrong(f"its {what} has more pieces than a model needs")
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        plain = json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"its {what} is not JSON ({error})") from None
    if not isinstance(plain, dict):
        raise Wrong(f"its {what} is not a JSON object")
    level: list[Any] = [plain]
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    if level:
        raise Wrong(f"its {what} is nested deeper than {DEEPEST} levels")
    return plain


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return plain


def _integer(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def require(plain: Any, kind: str, where: str) -> Mapping[str, Any]:
    """The record, if it has the keys and the types that the schema gives its kind."""
    wanted = SCHEMA[kind]
    if not isinstance(plain, dict):
        raise Wrong(f"{where} is not an object")
    if plain.keys() != wanted.keys():
        odd = sorted(plain.keys() ^ wanted.keys())[0]
        raise Wrong(f"{where} {'lacks' if odd in wanted else 'has an unknown'} {odd[:40]!r}")
    for key, types in wanted.items():
        value = plain[key]
        boolean = isinstance(value, bool)
        if not isinstance(value, types) or (boolean and bool not in types):
            raise Wrong(f"{where} has a {type(value).__name__} as {key!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise Wrong(f"{where} has an infinite {key!r}")
    return plain


def every(values: Iterable[Any], check: Callable[[Any], bool], where: str) -> None:
    """Raise Wrong unless every value passes."""
    if not all(check(value) for value in values):
        raise Wrong(f"{where} holds something else than it should")


def is_number(value: Any) -> bool:
    """Whether the value is a finite number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
