"""What the JSON in a model file looks like: the keys of each record, and the types of their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clearprop.untrusted import Wrong

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
