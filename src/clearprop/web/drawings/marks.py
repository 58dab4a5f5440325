"""Points of data: a shape and a hue for each class, filled where trained on and hollow where held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.report.frame import HUES, Frame, cut_to, fitted, width_of

MOST_POINTS = 500  #: that are drawn
LINE = 16  #: height of a legend's row
LONGEST_NAME = 130.0
_SHAPES = (
    "m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z",  # circle
    "m-3.3-3.3h6.6v6.6h-6.6z",  # square
    "m0-4.4l4.2 7.4h-8.4z",  # triangle
    "m0-4.7l4.7 4.7-4.7 4.7-4.7-4.7z",  # diamond
    "m0 4.4l4.2-7.4h-8.4z",  # triangle on its tip
    "m-2-3.8h4l2 3.8-2 3.8h-4l-2-3.8z",  # hexagon
)


@dataclass(frozen=True, eq=False)
class Points:
    """Rows of a table as points of a plot.

    Attributes
    ----------
    x, y : ndarray (m,)
        Where they lie: the two inputs of a surface, or the input and the target of a curve.
    classes : ndarray of int (m,), optional
        Class of each; left out, all are of the first.
    held : ndarray of bool (m,), optional
        True where a row is held out for validation.
    rows : ndarray of int (m,), optional
        Numbers of the rows; left out, 0 to m - 1.
    """

    x: Array
    y: Array
    classes: IntArray | None = None
    held: BoolArray | None = None
    rows: IntArray | None = None


def shape_of(kind: int) -> str:
    """Path of a class's mark around where the pen is; each hue has a shape of its own."""
    return _SHAPES[kind % HUES]


def marked(frame: Frame, points: Points, hues: Sequence[int]) -> tuple[list[str], int]:
    """Marks of the points within a frame, each with its row, and how many points are left out.

    Too many are thinned evenly; the same rows remain from frame to frame.
    """
    m = len(points.x)
    classes = np.zeros(m, np.int64) if points.classes is None else points.classes
    held = np.zeros(m, np.bool_) if points.held is None else points.held
    rows = np.arange(m) if points.rows is None else points.rows
    there = np.isfinite(points.x) & np.isfinite(points.y)
    for axis, values in ((frame.across, points.x), (frame.up, points.y)):
        there &= (values >= axis.low) & (values <= axis.high)
    kept = np.flatnonzero(there)
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).astype(np.int64)]
    places = frame.places(points.x[kept], points.y[kept])
    drawn = []
    for k, (x, y) in zip(kept.tolist(), places.tolist(), strict=True):
        style = f"mark{' held' if held[k] else ''} k{hues[classes[k]] % HUES}"
        drawn.append(
            f'<path d="M{x:g} {y:g}{shape_of(int(classes[k]))}" class="{style}" data-row="{rows[k]}"/>'
        )
    return drawn, m - len(kept)


def legend(
    entries: Sequence[tuple[str, str]], left: float, top: float, width: float
) -> tuple[list[str], float]:
    """Marks (SVG around the origin) with their words in rows, and the height these take."""
    found, x, row = [], left, 0
    for mark, words in entries:
        wide = 16 + width_of(cut_to(words, LONGEST_NAME)) + 10
        if x > left and x + wide > width:
            x, row = left, row + 1
        y = top + row * LINE
        found.append(
            f'<g transform="translate({x + 5:g} {y:g})">{mark}</g>'
            f'<text x="{x + 14:g}" y="{y + 4:g}">{fitted(words, LONGEST_NAME)}</text>'
        )
        x += wide
    return found, (row + 1) * LINE if entries else 0.0


def entries_of(points: Points | None, names: Sequence[str], hues: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Legend of classes, and of training and validation where there are both."""
    for kind, name in enumerate(names):
        yield f'<path d="M0 0{shape_of(kind)}" class="mark k{hues[kind] % HUES}"/>', name
    if points is not None and points.held is not None and points.held.any():
        hue = 5 if len(names) else hues[0]
        yield f'<path d="M0 0{shape_of(0)}" class="mark k{hue}"/>', "training"
        yield f'<path d="M0 0{shape_of(0)}" class="mark held k{hue}"/>', "validation"
