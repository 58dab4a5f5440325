"""Pieces of a page: tables, pictures with captions, what folds away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clearprop.report.frame import cut, said
from clearprop.report.resampling import Interval
from clearprop.words import number

LONGEST_NAME = 32  #: letters of a name in a table
FEW = 12  #: rows of a table that are shown at once; the others fold


def grid(head: Sequence[str], rows: Sequence[Sequence[object]], right: Iterable[int] = ()) -> str:
    """A table; the first cell of a row is its heading, columns in `right` are flush right."""
    flush = set(right)
    marks = [' class="right"' if k in flush else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{m}>{said(name)}</th>' for name, m in zip(head, marks, strict=True))
    body = "\n".join(
        "<tr>"
        + f'<th scope="row">{cut(row[0], LONGEST_NAME)}</th>'
        + "".join(f"<td{m}>{said(cell)}</td>" for cell, m in zip(row[1:], marks[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="table"><thead><tr>{top}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def folded_grid(
    head: Sequence[str], rows: Sequence[Sequence[object]], nouns: str, right: Iterable[int] = ()
) -> str:
    """A table whose rows after the first dozen fold away."""
    flush = tuple(right)
    if len(rows) <= FEW + 3:
        return grid(head, rows, flush)
    more = grid(head, rows[FEW:], flush)
    return grid(head, rows[:FEW], flush) + folded(f"{len(rows) - FEW:,} more {nouns}", more)


def folded(summary: str, body: str) -> str:
    """What a reader may open."""
    return f"<details><summary>{said(summary)}</summary>\n{body}\n</details>"


def figure(svg: str, caption: str, *, broad: bool = False) -> str:
    """A picture and its caption; a broad one may be wider than a phone, and scrolls there."""
    if broad:
        return (
            f'<figure class="broad"><div class="wide">{svg}</div><figcaption>{caption}</figcaption></figure>'
        )
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def beside(svg: str, caption: str) -> str:
    """A single picture, its caption beside it where there is room."""
    return f'<figure class="beside">{svg}<figcaption>{caption}</figcaption></figure>'


def figures(*each: str) -> str:
    """Pictures side by side where there is room."""
    return '<div class="figures">\n' + "\n".join(each) + "\n</div>"


def span(interval: Interval | None) -> str:
    """The ends of an interval."""
    return "-" if interval is None else f"{number(interval[0])} to {number(interval[1])}"
