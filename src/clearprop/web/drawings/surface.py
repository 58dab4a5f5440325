"""What a network answers over two inputs as a coloured ground, and over one as a curve; the data on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.report.frame import Axis, Frame, Key, axis_over
from clearprop.report.style import HUES
from clearprop.web.drawings.canvas import in_words, largest, placeable, plotted
from clearprop.web.drawings.contour import contour
from clearprop.web.drawings.marks import LINE, Points, entries_of, legend, marked
from clearprop.web.drawings.pixels import data_uri

SIDE = 360  #: of a surface, its axes included
LEVELS = 24  #: strengths of a colour, so that the picture is small
_STRONGEST = 165  #: opacity, of 255
_NONE = "no value to draw"
TYPED = "typed in"
_OUTSIDE = "what was typed in lies outside"
_CROSS = "m-7 0h14m-7 -7v14"


@dataclass(frozen=True, eq=False)
class Surface:
    """Answers on a grid.

    Attributes
    ----------
    xs : ndarray (c,)
        The first input, increasing and evenly spaced.
    ys : ndarray (r,)
        The second one.
    values : ndarray (r, c) or (r, c, K)
        A number for each point (a probability of the second class, a prediction), or a probability for each
        of K classes.
    middle : float
        Of numbers, where their colour changes: 1/2 for a probability.
    reach : float, optional
        Distance from the middle that has the full colour; left out, the largest there is.
    """

    xs: Array
    ys: Array
    values: Array
    middle: float = 0.5
    reach: float | None = None


def decision_surface(
    surface: Surface,
    points: Points | None = None,
    *,
    names: tuple[str, str] = ("x[0]", "x[1]"),
    classes: Sequence[str] = (),
    picked: tuple[float, float] | None = None,
) -> str:
    """Ground, borders between answers, and the data.

    Colours are mixed with the page's ground by how sure an answer is; borders are lines, and each class has
    a mark of its own shape. `data-plot` says where the inputs lie, marks carry `data-row`; a cross stands at
    a point that was `picked` and is none of them.

    Raises
    ------
    DataError
        When the values do not fit the grid.

    Examples
    --------
    >>> xs = np.linspace(-1, 1, 20)
    >>> grid = 1 / (1 + np.exp(-5 * (xs + xs[:, None])))
    >>> decision_surface(Surface(xs, xs, grid), classes=["no", "yes"]).count("<image")
    1
    """
    values = np.asarray(surface.values, dtype=np.float64)
    if values.shape[:2] != (len(surface.ys), len(surface.xs)) or values.ndim not in (2, 3) or not values.size:
        raise DataError(
            f"a surface over {len(surface.xs)} times {len(surface.ys)} points has values of shape "
            f"({len(surface.ys)}, {len(surface.xs)}) or with classes behind, not {values.shape}"
        )
    several = values.ndim == 3
    few = tuple(range(len(HUES))) if several else (1, 0)
    hues = [few[k % len(few)] for k in range(max(len(classes), values.shape[2] if several else 2))]
    frame = Frame(_over(names[0], surface.xs), _over(names[1], surface.ys), size=(SIDE, SIDE))
    ground = _by_class(values, hues) if several else _by_side(values, surface)
    pieces = [_image(frame, ground), *_borders(frame, surface, values)]
    about = f"{names[0]} across, {names[1]} up."
    lost = int((~np.isfinite(values)).sum())
    notes = [f"{lost:,} of the {values.size:,} values are not a number or infinite"] if lost else []
    if points is not None:
        drawn, left_out = marked(frame, points, hues)
        pieces += drawn
        about += f" {len(drawn):,} points of data."
        notes += [f"{left_out:,} of the {len(points.x):,} points are not drawn"] if left_out else []
    entries = list(entries_of(points, classes, hues))
    if picked is not None and _within(frame.across, picked[0]) and _within(frame.up, picked[1]):
        pieces.append(_crossed(f"M{frame.x(picked[0]):g} {frame.y(picked[1]):g}{_CROSS}"))
        entries.append((_crossed(f"M0 0{_CROSS}"), TYPED))
    elif picked is not None:
        notes.append(_OUTSIDE)
    return _with_foot(frame, pieces, entries, notes, "What the network answers over two inputs", about)


def _within(axis: Axis, value: float) -> bool:
    return axis.low <= value <= axis.high


def _crossed(d: str) -> str:
    """Lines that are seen on any ground."""
    return f'<path d="{d}" class="halo"/><path d="{d}" class="picked"/>'


def _over(words: str, values: Array) -> Axis:
    """An axis from the first to the last, with some air for a single one."""
    low, high = float(values[0]), float(values[-1])
    return Axis(words, low, high) if high > low else axis_over(words, values)


def _with_foot(
    frame: Frame, pieces: list[str], entries: list[tuple[str, str]], notes: list[str], title: str, about: str
) -> str:
    """The plot with a legend and notes below its axes."""
    top = frame.height + 6
    drawn, tall = legend(entries, 14.0, top, frame.width)
    for note in notes:
        drawn.append(f'<text x="10" y="{top + tall + 4:g}" class="soft">{note}</text>')
        tall += LINE
    told = " ".join([about, *(f"{note.capitalize()}." for note in notes)])
    return plotted(frame, [*pieces, *drawn], title, told, tall + 4 if tall else 0.0)


def _mid(hue: int) -> tuple[int, ...]:
    """A colour between those for light and for dark grounds: a raster cannot follow the theme."""
    light, dark = ([int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in HUES[hue])
    return tuple((a + b) // 2 for a, b in zip(light, dark, strict=True))


def _opacity(share: Array) -> npt.NDArray[np.uint8]:
    """Opacity of how sure an answer is, 0 to 1, in steps; nothing where there is none."""
    stepped = np.round(np.clip(np.nan_to_num(share), 0, 1) * LEVELS) / LEVELS
    return np.where(np.isfinite(share), stepped * _STRONGEST, 0).astype(np.uint8)


def _by_side(values: Array, surface: Surface) -> npt.NDArray[np.uint8]:
    """Blue above the middle, orange below, and the stronger the farther from it."""
    off: Array = values - surface.middle
    reach = surface.reach if surface.reach is not None else largest(off)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = _mid(0)
    pixels[off < 0, :3] = _mid(1)
    with np.errstate(invalid="ignore"):
        pixels[..., 3] = _opacity(np.abs(off) / (reach or 1.0))
    return pixels


def _by_class(values: Array, hues: Sequence[int]) -> npt.NDArray[np.uint8]:
    """The likeliest class's hue, and the stronger the farther from a guess."""
    K = values.shape[2]
    whole = np.asarray(np.isfinite(values).all(axis=2))
    best = np.where(whole[..., None], values, 0).argmax(axis=2)
    top = np.where(whole, np.take_along_axis(values, best[..., None], 2)[..., 0], np.nan)
    pixels = np.empty((*best.shape, 4), np.uint8)
    pixels[..., :3] = np.array([_mid(hue) for hue in hues], np.uint8)[best]
    pixels[..., 3] = _opacity(0.15 + 0.85 * (top - 1 / K) / (1 - 1 / K) if K > 1 else top)
    return pixels


def _image(frame: Frame, pixels: npt.NDArray[np.uint8]) -> str:
    """The raster within the frame, its first row at the foot; half a cell lies beyond each edge."""
    r, c = pixels.shape[:2]
    wide, tall = frame.right - frame.left, frame.bottom - frame.top
    half_x = wide / (c - 1) / 2 if c > 1 else 0.0
    half_y = tall / (r - 1) / 2 if r > 1 else 0.0
    return (
        f'<svg x="{frame.left:g}" y="{frame.top:g}" width="{wide:g}" height="{tall:g}">'
        f'<image x="{-half_x:.2f}" y="{-half_y:.2f}" width="{wide + 2 * half_x:.2f}" '
        f'height="{tall + 2 * half_y:.2f}" preserveAspectRatio="none" href="{data_uri(pixels[::-1])}"/></svg>'
    )


def _borders(frame: Frame, surface: Surface, values: Array) -> list[str]:
    """Lines where the answer changes; one path for all of them."""
    if min(values.shape[:2]) < 2:
        return []
    if values.ndim == 2:
        segments = contour(surface.xs, surface.ys, values, surface.middle)
    else:
        present = np.unique(np.nan_to_num(values).argmax(axis=2)).tolist()[:-1]
        ahead = [values[..., k] - np.delete(values, k, axis=2).max(axis=2) for k in present]
        each = [contour(surface.xs, surface.ys, numbers) for numbers in ahead]
        segments = np.concatenate(each) if each else np.zeros((0, 2, 2))
    if not len(segments):
        return []
    ends = frame.places(segments[..., 0].ravel(), segments[..., 1].ravel()).reshape(-1, 4)
    ends = np.unique(ends[(ends[:, :2] != ends[:, 2:]).any(axis=1)], axis=0)
    d = "".join(f"M{a:g} {b:g}L{c:g} {e:g}" for a, b, c, e in ends.tolist())
    return [f'<path d="{d}" class="border"/>']


def fitted_curve(
    xs: Array,
    y_hat: Array,
    points: Points | None = None,
    *,
    names: tuple[str, str] = ("x[0]", "y"),
    picked: float | None = None,
) -> str:
    """What a network of one input answers, as a line, and the data.

    Parameters
    ----------
    xs, y_hat : array (n,)
        Inputs in order, and the answer to each.
    points : Points, optional
        Input and target of each row.
    names : pair of str
        Of the input and of the target.
    picked : float, optional
        An input that is none of the points: a line stands there.

    Examples
    --------
    >>> xs = np.linspace(0, 6, 50)
    >>> fitted_curve(xs, np.sin(xs)).count("<polyline")
    1
    """
    xs, y_hat = np.asarray(xs, dtype=np.float64), np.asarray(y_hat, dtype=np.float64)
    there = points if points is not None else Points(np.zeros(0), np.zeros(0))
    shown, known = (placeable(xs) & placeable(y_hat)), (placeable(there.x) & placeable(there.y))
    keys = [Key(0, "the network")]
    frame = Frame(
        axis_over(names[0], xs[shown], there.x[known]),
        axis_over(names[1], y_hat[shown], there.y[known]),
        keys,
        (SIDE, 300),
    )
    lost = int((~shown).sum())
    notes = [f"{lost:,} of {len(y_hat):,} answers are no number, or off all scales"] if lost else []
    notes += [] if len(xs) else [_NONE]
    drawn, left_out = marked(frame, there, [1])
    notes += [f"{left_out:,} of the {len(there.x):,} points are not drawn"] if left_out else []
    pieces = [*drawn, frame.line(xs[shown], y_hat[shown], 0)]  # the line lies on top, or many points hide it
    entries = list(entries_of(points, [], [1]))
    if picked is not None and _within(frame.across, picked):
        pieces.append(_crossed(f"M{frame.x(picked):g} {frame.top:g}V{frame.bottom:g}"))
        entries.append((_crossed("M0 -5V5"), TYPED))
    elif picked is not None:
        notes.append(_OUTSIDE)
    finite = y_hat[shown]
    about = (
        f"{names[0]} across, {names[1]} up; answers from {in_words(float(finite.min()))} to "
        f"{in_words(float(finite.max()))}; {len(drawn):,} points of data."
        if len(finite)
        else "No answer yet."
    )
    return _with_foot(frame, pieces, entries, notes, "What the network answers over its input", about)
