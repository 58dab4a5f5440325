"""Numbers over the epochs: losses, metrics, norms of gradients; as many points as can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray
from clearprop.errors import DataError
from clearprop.report.frame import HUES, Axis, Frame, Key, axis_over, fitted, said
from clearprop.web.drawings.canvas import HUGE, in_words, placeable, plotted

Scale: TypeAlias = Literal["linear", "log"]
Numbers: TypeAlias = Array | Sequence[float] | Sequence[float | None]
SEEN = 280  #: columns in which a line can be told apart
READ = 60  #: points of a line that a page can read aloud


def curves_by_epoch(
    epochs: npt.ArrayLike,
    series: Mapping[str, Numbers],
    words: str,
    *,
    scale: Scale = "linear",
    lowest: str | None = None,
) -> str:
    """Lines over the epochs, by name, at most six.

    Each line's group carries `data-series`, `data-epochs` and `data-values`: at most 60 of its points.

    Parameters
    ----------
    epochs : array (n,)
        In order.
    series : mapping from name to array (n,)
        None where there is nothing to say, such as between validations; NaN and infinities are told of.
    words : str
        What the numbers are.
    scale : {"linear", "log"}
    lowest : str, optional
        Name of the line whose lowest point is marked.

    Raises
    ------
    DataError
        When a line has another number of points than there are epochs.

    Examples
    --------
    >>> drawn = curves_by_epoch([1, 2, 3], {"training": [0.9, 0.4, 0.3]}, "loss")
    >>> drawn.count("<polyline"), 'data-values="0.9 0.4 0.3"' in drawn
    (1, True)
    """
    x = np.asarray(epochs, dtype=np.float64)
    lines = {name: np.asarray(values, dtype=np.float64) for name, values in list(series.items())[:HUES]}
    for name, values in lines.items():
        if values.shape != x.shape:
            raise DataError(f"{name!r} has shape {values.shape}, and there are {len(x)} epochs")
    missing = {name: np.array([value is None for value in series[name]], np.bool_) for name in lines}
    drawn = {name: _on_scale(values, scale) for name, values in lines.items()}
    keys = [Key(k, name) for k, name in enumerate(lines)] if len(lines) > 1 else []
    frame = Frame(replace(axis_over("epoch", x, air=0.0), whole=True), _up(words, drawn, scale), keys)
    pieces = []
    for k, (name, values) in enumerate(drawn.items()):
        pieces.append(f"<g {_readable(name, x, lines[name])}>{_line(frame, x, values, k)}</g>")
    if lowest is not None and lowest in drawn:
        pieces += _lowest(frame, x, drawn[lowest], list(drawn).index(lowest))
    notes = [*_notes(x, lines, missing, scale), *([] if len(x) else ["no epoch yet"])]
    for k, note in enumerate(notes[:3]):
        pieces.append(
            f'<text x="{frame.right - 4}" y="{frame.top + 14 + 14 * k:g}" text-anchor="end">'
            f"{fitted(note, frame.right - frame.left - 8)}</text>"
        )
    last = [f"{name}: {in_words(float(values[-1]))}" for name, values in lines.items() if len(x)]
    about = f"At epoch {x[-1]:g}: {'; '.join(last)}." if len(x) else ""
    told = " ".join([about, *(f"{note}." for note in notes)]).strip()
    return plotted(frame, pieces, f"{words} by epoch", told)


def loss_curves(
    epochs: npt.ArrayLike,
    training: Numbers,
    validation: Numbers | None = None,
    *,
    scale: Scale = "linear",
) -> str:
    """Loss of training and, where there is one, of validation, whose lowest point is marked.

    >>> "best: epoch 2" in loss_curves([1, 2, 3], [3.0, 2.0, 1.0], [3.0, 2.5, 2.7], scale="log")
    True
    """
    series = {"training": training} | ({} if validation is None else {"validation": validation})
    return curves_by_epoch(epochs, series, "loss", scale=scale, lowest="validation")


def gradient_norms(epochs: npt.ArrayLike, norms: npt.ArrayLike, *, scale: Scale = "log") -> str:
    """Norm of dC/dW[l] by layer (n, L) over the epochs; of many layers six, from the first to the last.

    >>> gradient_norms([1, 2], [[1.0, 0.1], [0.5, 0.2]]).count("<polyline")
    2
    """
    numbers = np.atleast_2d(np.asarray(norms, dtype=np.float64))
    depth = numbers.shape[1]
    layers = np.unique(np.linspace(1, depth, min(depth, HUES)).round().astype(int)).tolist()
    series = {f"layer {l}": numbers[: np.size(epochs), l - 1] for l in layers}
    of = f", {len(layers)} of {depth} layers" if len(layers) < depth else ""
    return curves_by_epoch(epochs, series, f"norm of the gradient{of}", scale=scale)


def thinned(x: Array, y: Array, columns: int = SEEN) -> tuple[Array, Array]:
    """First, lowest, highest and last point of each column: the line looks as that of all points.

    >>> x = np.arange(100_000.0)
    >>> y = np.where(x == 777, 9.0, np.sin(x))
    >>> shorter, ys = thinned(x, y)
    >>> len(shorter) <= 4 * 280, ys.max()
    (True, np.float64(9.0))
    """
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if len(x) <= 2 * columns:
        return x, y
    column = np.minimum(((x - x[0]) / (x[-1] - x[0]) * columns).astype(np.int64), columns - 1)
    order = np.lexsort((y, column))
    by_height = column[order]
    kept = np.zeros(len(x), np.bool_)
    for each, sequence in ((column, np.arange(len(x))), (by_height, order)):
        turn = np.flatnonzero(np.diff(each))
        kept[sequence[np.concatenate([[0], turn + 1, turn, [len(x) - 1]])]] = True
    return x[kept], y[kept]


def _on_scale(values: Array, scale: Scale) -> Array:
    """Values that have a place on the axis, NaN for the others."""
    there = placeable(values) & ((values > 1 / HUGE) if scale == "log" else True)
    return np.where(there, values, np.nan)


def _up(words: str, lines: Mapping[str, Array], scale: Scale) -> Axis:
    every = np.concatenate([*lines.values(), np.zeros(0)])
    if not np.isfinite(every).any():
        return Axis(words, 0.0, 1.0)
    return axis_over(words, every, powers=scale == "log")


def _line(frame: Frame, x: Array, values: Array, hue: int) -> str:
    """A line, or a dot for a single point."""
    if np.isfinite(values).sum() == 1:
        return frame.points(x, values, hue, "dots")
    return frame.line(*thinned(x, values), hue)


def _readable(name: str, x: Array, values: Array) -> str:
    """Attributes with some of the points."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), READ)).round().astype(np.int64))
    epochs = " ".join(f"{epoch:g}" for epoch in x[kept].tolist())
    numbers = " ".join(f"{value:.4g}" for value in values[kept].tolist())
    return f'data-series="{said(name)}" data-epochs="{epochs}" data-values="{numbers}"'


def _lowest(frame: Frame, x: Array, values: Array, hue: int) -> list[str]:
    """A ring at the lowest point."""
    if not np.isfinite(values).any():
        return []
    best = int(np.nanargmin(values))
    told = f"best: epoch {x[best]:g}, {values[best]:.4g}"
    place = f'cx="{frame.x(x[best]):g}" cy="{frame.y(values[best]):g}"'
    return [f'<circle {place} r="4.5" class="ring k{hue}"><title>{told}</title></circle>']


def _notes(x: Array, lines: Mapping[str, Array], missing: Mapping[str, BoolArray], scale: Scale) -> list[str]:
    """What cannot be drawn, in words."""
    found = []
    for name, values in lines.items():
        wrong = np.flatnonzero(~placeable(values) & ~missing[name])
        if len(wrong):
            found.append(f"{name}: {in_words(float(values[wrong[0]]))} at epoch {x[wrong[0]]:g}")
        low = int((values <= 1 / HUGE).sum()) if scale == "log" else 0
        if low:
            found.append(f"{name}: {low:,} at or below 0 have no place here")
    return found
