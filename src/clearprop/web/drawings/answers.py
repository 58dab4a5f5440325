"""Answers of a classifier beside the truth: the confusion as a table, pictures that were mistaken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.report.frame import cut, said
from clearprop.web.drawings.pixels import data_uri
from clearprop.web.drawings.style import shade_of
from clearprop.words import percent, plain

CLASSES = 20  #: of a table; of more those with the most mistakes
LONGEST_NAME = 24  #: letters


def confusion_table(table: IntArray, labels: Sequence[str]) -> str:
    """HTML table: a row for each true class, a column for each answer; shaded by the share of the row.

    A cell carries `data-truth` and `data-answer`, the numbers of its classes. Right answers are bold and
    blue, wrong ones orange.

    Parameters
    ----------
    table : array of int (K, K)
    labels : sequence of K str

    Raises
    ------
    DataError
        When the table does not fit the labels.

    Examples
    --------
    >>> drawn = confusion_table(np.array([[9, 1], [0, 5]]), ["no", "yes"])
    >>> '<td class="miss1" data-truth="0" data-answer="1">1</td>' in drawn
    True
    """
    counts = np.asarray(table)
    K = len(labels)
    if counts.shape != (K, K):
        raise DataError(f"a confusion of {K} classes is a table ({K}, {K}), not {counts.shape}")
    if not K:
        return '<p class="soft">no class to show</p>'
    sums = counts.sum(axis=1)
    right = np.diag(counts)
    kept = np.arange(K)
    if K > CLASSES:
        mistakes = sums + counts.sum(axis=0) - 2 * right
        kept = np.sort(np.argsort(-mistakes, kind="stable")[:CLASSES])
    names = [f"{_whole(label)}>{cut(label, LONGEST_NAME)}" for label in labels]
    head = "".join(f'<th scope="col"{names[j]}</th>' for j in kept)
    rows = [
        f'<tr><th scope="row"{names[i]}</th>{"".join(_cell(counts, sums, i, j) for j in kept.tolist())}</tr>'
        for i in kept.tolist()
    ]
    total = int(sums.sum())
    told = f"{int(right.sum()):,} of {total:,} right ({percent(right.sum() / total)})" if total else "no rows"
    more = f"; the {CLASSES} of {K} classes with the most mistakes" if K > CLASSES else ""
    return (
        f'<table class="confusion"><caption>Rows: true class; columns: answer. {told}{more}.</caption>'
        f'<thead><tr><th scope="col">true \\ answer</th>{head}</tr></thead><tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table>"
    )


def _whole(label: str) -> str:
    """Attribute that says a name that is cut, or nothing."""
    return f' title="{said(label)}"' if len(plain(label)) > LONGEST_NAME else ""


def _cell(counts: IntArray, sums: IntArray, i: int, j: int) -> str:
    count = int(counts[i, j])
    shade = shade_of(count / int(sums[i])) if count else 0
    style = "none" if not count else f"hit{shade} right" if i == j else f"miss{shade}"
    return f'<td class="{style}" data-truth="{i}" data-answer="{j}">{count:,}</td>'


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that was judged.

    Attributes
    ----------
    pixels : ndarray (height, width)
    truth, answer : str
    row : int
        Of the table.
    probability : float, optional
        Of the answer.
    """

    pixels: Array
    truth: str
    answer: str
    row: int
    probability: float | None = None


def picture_tiles(pictures: Sequence[Picture], *, low: float = 0.0, high: float | None = None) -> str:
    """HTML list of pictures with truth and answer; each is a button with `data-row`.

    Parameters
    ----------
    low, high : float
        Numbers that are black and white; `high` left out, the largest of all pictures.

    Examples
    --------
    >>> drawn = picture_tiles([Picture(np.eye(8), "3", "8", 17, 0.9)])
    >>> 'data-row="17"' in drawn, "true 3, answered 8 (90%)" in drawn
    (True, True)
    """
    if not pictures:
        return '<p class="soft">no mistaken picture</p>'
    every = np.concatenate([np.ravel(each.pixels) for each in pictures]).astype(np.float64)
    top = high if high is not None else float(every[np.isfinite(every)].max(initial=low))
    tiles = []
    for each in pictures:
        sure = "" if each.probability is None else f" ({percent(round(each.probability, 3))})"
        told = f"row {each.row}: true {each.truth}, answered {each.answer}{sure}"
        (h, w), source = each.pixels.shape, data_uri(_grey(each.pixels, low, top))
        tiles.append(
            f'<li><button type="button" data-row="{each.row}">'
            f'<img src="{source}" width="{w}" height="{h}" alt="{said(told)}"/><span aria-hidden="true">'
            f"{cut(each.truth, LONGEST_NAME)} → {cut(each.answer, LONGEST_NAME)}{sure}</span></button></li>"
        )
    return '<ul class="tiles">\n' + "\n".join(tiles) + "\n</ul>"


def _grey(pixels: Array, low: float, high: float) -> npt.NDArray[np.uint8]:
    """From black to white; what is no number is black."""
    share = (np.asarray(pixels, dtype=np.float64) - low) / ((high - low) or 1.0)
    return (255 * np.clip(np.nan_to_num(share, nan=0.0), 0, 1)).round().astype(np.uint8)
