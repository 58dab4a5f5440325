"""Texts as syntax trees, from any number of threads."""

from __future__ import annotations

import ast

_TRIES = 20


def expression_tree(text: str) -> ast.expr:
    """One Python expression as a tree, unchecked: `ast.parse` that may be called from several threads.

    CPython 3.11 before 3.11.8 counts the depth of trees for all threads together, and where the garbage
    collector hands the interpreter to another thread that reads one, too, raises a SystemError
    (https://github.com/python/cpython/issues/106905). The count starts anew with each call: reading again
    is the remedy, also where the other thread is not ours.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        As `ast.parse`.

    Examples
    --------
    >>> ast.dump(expression_tree("z"))
    "Name(id='z', ctx=Load())"
    """
    for _ in range(_TRIES):
        try:
            return ast.parse(text, mode="eval").body
        except SystemError:
            continue
    return ast.parse(text, mode="eval").body
