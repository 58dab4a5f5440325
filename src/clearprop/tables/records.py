"""Reading a frozen description back from JSON: every field checked by a small schema before it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clearprop.errors import DataError


def checked_record(record: object, schema: Mapping[str, type], what: str) -> dict[str, Any]:
    """Check that a JSON object has exactly the fields of a schema, of the right types.

    Parameters
    ----------
    record : object
        What JSON gave.
    schema : mapping of str to type
        Field names and plain JSON types; `float` also takes whole numbers and means a finite number.
    what : str
        Name of the description in messages.

    Returns
    -------
    dict
        The fields, numbers of `float` fields as float.

    Raises
    ------
    DataError
        Naming the description and the field.

    Examples
    --------
    >>> checked_record({"column": "age", "mean": 3}, {"column": str, "mean": float}, "encoder")
    {'column': 'age', 'mean': 3.0}
    """
    if not isinstance(record, dict):
        raise nonsense(what, f"is a {type(record).__name__}, not an object of named fields")
    lacking = [name for name in schema if name not in record]
    foreign = [name for name in record if name not in schema]
    if lacking or foreign:
        fault = f"lacks the field {lacking[0]!r}" if lacking else f"has the unknown field {foreign[0]!r}"
        raise nonsense(what, fault)
    return {name: _checked(record[name], wanted, name, what) for name, wanted in schema.items()}


def checked_list(items: object, wanted: type, field: str, what: str) -> list[Any]:
    """Check that a field is a list of one JSON type; give it with numbers as float where float is wanted."""
    if not isinstance(items, list):
        raise nonsense(what, f"has {field!r} that is not a list")
    return [_checked(item, wanted, field, what) for item in items]


def nonsense(what: str, fault: str) -> DataError:
    """Give the error that a description cannot be used, for the caller to raise."""
    return DataError(f"the {what} {fault}; save it again with clearprop")


def _checked(value: object, wanted: type, field: str, what: str) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
        value = float(value)
    right = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    if not right or (isinstance(value, float) and not math.isfinite(value)):
        raise nonsense(what, f"has {field!r} that is not a usable {wanted.__name__}")
    return value
