"""The picture of a network of towers: f, each tower, and their sum; SVG in the page's own colours.

What is told by colour is told by a dash, a place or a word, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from clearprop.arrays import Array
from clearprop.constructions.built import BuiltTowers
from clearprop.constructions.predicting import predicted
from clearprop.errors import SpecificationError
from clearprop.glassbox.render.curve import ticks

_BLUE, _ORANGE = "#3b82f6", "#ea580c"
_WIDTH, _LEFT, _RIGHT, _TOP, _PLOT = 720, 64, 20, 34, 280
DRAWN = 150  #: towers; of more than these only the sum is drawn
_POINTS = 1200  #: of the curves


class Towers(BuiltTowers):
    """A continuous function as a network of towers; see `BuiltTowers` for what it holds."""

    def svg(self, *, at: tuple[float, ...] | None = None) -> str:
        """Picture of f, the network and, in one dimension, each tower; for light and dark pages.

        Parameters
        ----------
        at : tuple of float, optional
            Point of several inputs: the first of them runs through the picture, the others stay. The middle
            of a cell in the middle if left out.
        """
        return _picture(self, at)

    def _repr_html_(self) -> str:
        return self.svg()


def _picture(built: BuiltTowers, at: tuple[float, ...] | None) -> str:
    """Picture along the first input; the others stay where `at` has them."""
    n = len(built.domain)
    fixed = _middle(built) if at is None else [float(each) for each in at]
    if len(fixed) != n or not all(
        low <= x <= high for x, (low, high) in zip(fixed, built.domain, strict=True)
    ):
        raise SpecificationError(f"at is a point of the domain, with {n} number(s), not {at!r}")
    x = _abscissae(built)
    points = np.tile(np.array(fixed), (len(x), 1))
    points[:, 0] = x
    theta = built.model.theta
    f, g = built.f(points), predicted(theta, points, "textbook")
    each = _each_tower(built, x) if n == 1 and len(built.edges[0]) - 1 <= DRAWN else np.empty((0, len(x)))
    frame = _Frame(x, np.concatenate([f, g, each.ravel()]))
    words = "straight pieces" if built.kind == "relu" else f"{built.heights.size:,} towers"
    label = f"f and a network of {words}"
    rest = [f"x[{d}] = {value:g}" for d, value in enumerate(fixed) if d > 0]
    pieces = [
        *frame.axes("x" if n == 1 else ", ".join(["x[0]", *rest])),
        *(frame.curve(x, tower, "currentColor", 'stroke-opacity="0.35" stroke-width="1"') for tower in each),
        frame.curve(x, f, _BLUE, 'stroke-width="2.4"'),
        frame.curve(x, g, _ORANGE, 'stroke-width="1.6" stroke-dasharray="6 3"'),
        *_legend("hats" if built.kind == "relu" else "towers", bool(len(each))),
    ]
    height = _TOP + _PLOT + 44
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(label)}" font-family="system-ui, sans-serif" '
        'font-size="12" fill="currentColor">\n' + "\n".join(pieces) + "\n</svg>"
    )


def _middle(built: BuiltTowers) -> list[float]:
    """Middle of a cell, in the middle of the domain."""
    cells = [(len(each) - 1) // 2 for each in built.edges]
    return [float(each[k] + each[k + 1]) / 2 for each, k in zip(built.edges, cells, strict=True)]


def _abscissae(built: BuiltTowers) -> Array:
    """Points evenly over the first input, and close together around edges."""
    edges = built.edges[0]
    even = np.linspace(edges[0], edges[-1], _POINTS)
    if built.kind == "relu" or len(edges) > DRAWN:
        return np.union1d(even, edges)
    around = edges[:, None] + built.blur * np.array([-1, -0.5, -0.2, 0, 0.2, 0.5, 1])
    return np.union1d(even, np.clip(around.ravel(), edges[0], edges[-1]))


def _each_tower(built: BuiltTowers, x: Array) -> Array:
    """Each tower on the level it stands on, (N, points), as the parameters are now; or each hat of a knot."""
    if built.kind == "relu":
        return np.stack(
            [np.interp(x, built.edges[0], np.where(np.arange(len(built.heights)) == k, built.heights, 0.0))
             for k in range(len(built.heights))]
        )  # fmt: skip
    theta = built.model.theta
    bias, level = theta.b[1], theta.b[2]
    with np.errstate(over="ignore"):
        steps = 1 / (1 + np.exp(-(x[:, None] * theta.W[1][:, 0] + bias)))
    parts = (steps * theta.W[2][0]).T
    return np.asarray(level + parts[0::2] + parts[1::2])


class _Frame:
    """Where numbers lie in the picture."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x0, self.x1 = float(x[0]), float(x[-1])
        low, high = float(y.min()), float(y.max())
        room = 0.06 * (high - low) or max(abs(low), 1.0)
        self.y0, self.y1 = low - room, high + room
        self.bottom = _TOP + _PLOT

    def across(self, x: Array) -> Array:
        """Places of numbers on the axis of x."""
        return _LEFT + (x - self.x0) / (self.x1 - self.x0) * (_WIDTH - _LEFT - _RIGHT)

    def down(self, y: Array) -> Array:
        """Places of values."""
        return self.bottom - (y - self.y0) / (self.y1 - self.y0) * _PLOT

    def axes(self, name: str) -> Iterator[str]:
        """Frame, ticks and the name of x."""
        right = _WIDTH - _RIGHT
        yield (
            f'<path d="M{_LEFT} {_TOP}V{self.bottom}H{right}" fill="none" stroke="currentColor" '
            'stroke-opacity="0.7"/>'
        )
        for tick in ticks(self.x0, self.x1):
            x = round(float(self.across(np.array(tick))), 2)
            yield f'<line x1="{x}" y1="{self.bottom}" x2="{x}" y2="{self.bottom + 5}" stroke="currentColor"/>'
            yield f'<text x="{x}" y="{self.bottom + 18}" text-anchor="middle">{tick + 0.0:.6g}</text>'
        for tick in ticks(self.y0, self.y1, 5):
            y = round(float(self.down(np.array(tick))), 2)
            yield (
                f'<line x1="{_LEFT - 5}" y1="{y}" x2="{right}" y2="{y}" stroke="currentColor" '
                'stroke-opacity="0.15"/>'
            )
            yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{tick + 0.0:.6g}</text>'
        yield f'<text x="{(_LEFT + right) / 2}" y="{self.bottom + 35}" text-anchor="middle">{name}</text>'

    def curve(self, x: Array, y: Array, colour: str, more: str) -> str:
        """A curve, without points that lie on the straight line between their neighbours."""
        across, down = np.round(self.across(x), 1), np.round(self.down(y), 1)
        level = np.zeros(len(x), dtype=bool)
        level[1:-1] = (down[1:-1] == down[:-2]) & (down[1:-1] == down[2:])
        places = zip(across[~level].tolist(), down[~level].tolist(), strict=True)
        points = " ".join(f"{a:g},{d:g}" for a, d in places)
        return f'<polyline points="{points}" fill="none" stroke="{colour}" {more}/>'


def _legend(towers: str, shown: bool) -> Iterator[str]:
    """What the lines are."""
    yield f'<text x="{_LEFT}" y="20"><tspan fill="{_BLUE}">━━</tspan> f</text>'
    yield f'<text x="{_LEFT + 70}" y="20"><tspan fill="{_ORANGE}">╍╍</tspan> the network</text>'
    if shown:
        yield f'<text x="{_LEFT + 200}" y="20"><tspan fill-opacity="0.5">──</tspan> its {towers}</text>'
