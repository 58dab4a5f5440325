"""Docstrings are read in a terminal as much as here: |x| and 2 * x stand in them as they are; escape them."""

from __future__ import annotations

import re
from typing import Any

#: code; emphasis; a bar or a star by itself
_MARK = re.compile(r"(``.+?``|`[^`]+`)(?=(\w?))|(?<![*\w])(?:(\*{1,2})\w[^*|]*?\3)(?![*\w])|([*|])")
_NAMED = re.compile(r"^\s*\*{1,2}\w+( : .*)?$")  #: `**parameters : float`, which napoleon knows


def escaped(lines: list[str]) -> list[str]:
    r"""Lines of a docstring whose bars and stars mean themselves, as in |x| and 2 * x.

    >>> escaped(["|W|^2 is `a * b`, 2 * x", ">>> 2 * 3", "6"])
    ['\\|W\\|^2 is `a * b`, 2 \\* x', '>>> 2 * 3', '6']
    >>> escaped(["**parameters : float", "a list of `Model`s, **summed**"])
    ['**parameters : float', 'a list of `Model`\\ s, **summed**']
    """
    told, example = [], False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        told.append(line if example or _NAMED.match(line) else _escaped(line))
    return told


def _escaped(line: str) -> str:
    def each(found: re.Match[str]) -> str:
        if found[1]:
            return found[1] + ("\\ " if found[2] else "")
        return "\\" + found[4] if found[4] else found[0]

    return _MARK.sub(each, line)


def _process(app: Any, what: str, name: str, owner: Any, options: Any, lines: list[str]) -> None:
    lines[:] = escaped(lines)


def setup(app: Any) -> dict[str, bool]:
    """Escape before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}
