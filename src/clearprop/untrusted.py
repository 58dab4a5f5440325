"""JSON from files that nobody vouches for: read within limits, or refused in words.

`Wrong` says what does not fit; whoever reads a file adds its name and the remedy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

DEEPEST = 32  #: levels of nesting
MOST_CONTAINERS, MOST_KEYS, MOST_ITEMS = 100_000, 200_000, 400_000  #: lists and objects; keys; commas
LONGEST_INTEGER = 20  #: digits; a seed is below 2**64


class Wrong(Exception):  # noqa: N818 - readers turn it into a ModelFileError
    """What is wrong with the bytes, in words."""


def parse(
    raw: bytes | str, what: str, *, constant: Callable[[str], Any] | None = None, most: int = MOST_ITEMS
) -> dict[str, Any]:
    """A JSON object within the limits; no key twice, no endless integer.

    Parameters
    ----------
    what : str
        Its name in the message.
    constant : callable, optional
        What to make of NaN and Infinity, such as `float`; left out, they are refused.
    most : int
        Commas at most.

    Raises
    ------
    Wrong
        When it is anything else.

    Examples
    --------
    >>> parse(b'{"seed": 7}', "record")
    {'seed': 7}
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        if too_long(text, most):
            raise Wrong(f"its {what} has more pieces than a model needs")
        plain = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_constant=constant or _no_constant
        )
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


def too_long(text: str, most: int = MOST_ITEMS) -> bool:
    """Whether JSON has more pieces than are read."""
    return (
        text.count("[") + text.count("{") > MOST_CONTAINERS
        or text.count(":") > MOST_KEYS
        or text.count(",") > most
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return plain


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def every(values: Iterable[Any], check: Callable[[Any], bool], where: str) -> None:
    """Raise Wrong unless every value passes."""
    if not all(check(value) for value in values):
        raise Wrong(f"{where} holds something else than it should")


def is_number(value: Any) -> bool:
    """Whether the value is a finite number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
