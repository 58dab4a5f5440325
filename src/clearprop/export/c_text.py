r"""Names, texts, comments and numbers as C99 writes them, whatever they hold.

A column may be called `*/ system("...")` and a level may hold quotes, line breaks and trigraphs. Names keep
letters, digits and underscores; texts and comments keep what can be printed, and cannot end early.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from clearprop.errors import SpecificationError

LONGEST_TEXT = 4095  #: bytes of a string that every C99 compiler takes
#: words of C and C++, and macros in small letters, that no name may be
_RESERVED = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t
    class compl complex concept const const_cast consteval constexpr constinit continue decltype default
    delete do double dynamic_cast else enum explicit export extern false float for friend goto i386 if
    imaginary inline int linux long mutable namespace new noexcept not not_eq nullptr operator or or_eq
    private protected public register reinterpret_cast requires restrict return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename
    typeof typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor xor_eq
    cdecl errno far interface math_errhandling near noreturn pascal small""".split()  # noqa: SIM905
)


def identifier(name: str, otherwise: str) -> str:
    """A name in small letters, digits and single underscores; `otherwise` where nothing is left of it.

    >>> identifier("Bill length (mm)", "column"), identifier("Größe", "column"), identifier("年齢", "column")
    ('bill_length_mm', 'grosse', 'column')
    >>> identifier("int", "column"), identifier("2nd", "column")
    ('int_', 'n2nd')
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = re.sub(r"[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")
    if not kept:
        return otherwise
    if kept[0].isdigit():
        kept = f"n{kept}"
    return f"{kept}_" if kept in _RESERVED else kept


def identifiers(names: Iterable[str], noun: str) -> list[str]:
    """An identifier of its own for each name; those alike get a number.

    >>> identifiers(["a b", "a-b", "?"], "column")
    ['a_b', 'a_b_2', 'column_3']
    """
    found: list[str] = []
    taken: set[str] = set()
    for place, name in enumerate(names, start=1):
        first = chosen = identifier(name, f"{noun}_{place}")
        count = 1
        while chosen in taken:
            count += 1
            chosen = f"{first.rstrip('_')}_{count}"
        taken.add(chosen)
        found.append(chosen)
    return found


def literal(text: str) -> str:
    r"""A string literal; anything but plain ASCII as octal digits of its UTF-8.

    >>> print(literal('a "b" ??/ é'))
    "a \"b\" \?\?/ \303\251"

    Raises
    ------
    SpecificationError
        When C cannot hold the text: it has a NUL, or is longer than C99 promises to take.
    """
    data = text.encode("utf-8", "surrogatepass")
    if 0 in data or len(data) > LONGEST_TEXT:
        fault = "holds a NUL" if 0 in data else f"is longer than the {LONGEST_TEXT} bytes of a C99 string"
        raise SpecificationError(f"export: the text {text!r:.60} {fault}; write ONNX, or recode the column")
    return '"' + "".join(_byte(byte) for byte in data) + '"'


def _byte(byte: int) -> str:
    character = chr(byte)
    if character in '"\\?':
        return f"\\{character}"
    return character if 32 <= byte < 127 else f"\\{byte:03o}"


def comment(text: str) -> str:
    r"""Text that stands inside /* and */ and cannot end the comment, on one line.

    >>> print(comment("a */ b\n/* ??/ é"))
    a * / b\x0a/ * ? ?/ é
    """
    shown = "".join(c if c.isprintable() else _escape(c) for c in text)
    return shown.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("??", "? ?")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def decimal(value: Any) -> str:
    """A floating-point literal with the fewest digits that give the number back, in its own dtype.

    >>> decimal(0.1), decimal(np.float32(0.1)), decimal(-2), decimal(float("inf"))
    ('0.1', '0.1f', '-2.0', 'INFINITY')
    """
    single = isinstance(value, np.float32)
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else f"{'-' if value < 0 else ''}INFINITY"
    digits = str(value) if single else repr(float(value))
    return digits + ("f" if single else "")
