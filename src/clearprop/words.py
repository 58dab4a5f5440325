"""Texts, numbers and counts as a person reads them, on a screen and on a page."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""The text without control characters, which are spelled out.

    >>> plain("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def number(value: float | None) -> str:
    """A metric as a person reads it: four significant digits, "-" where it has no meaning.

    >>> number(0.98765), number(None), number(12345.6)
    ('0.9877', '-', '12,346')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def percent(share: float) -> str:
    """A share as a percentage.

    >>> percent(0.2), percent(0.125)
    ('20%', '12.5%')
    """
    return f"{100 * share:.3g}%"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
