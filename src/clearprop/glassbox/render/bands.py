"""Distributions over training: bands of quantiles by layer, small multiples side by side; SVG.

The line is the median, the inner band holds the middle half, the outer one 90 % of the numbers. One hue in
two strengths tells them apart for every eye and in grey; lines take the page's own colour for text, so a
picture serves on paper and in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

#: title, label of the axis, and for each epoch the quantiles at 0, 5, 25, 50, 75, 95 and 100 %
Panel = tuple[str, str, Sequence[Sequence[float]]]

ACROSS = 3  #: panels in a row
DECADES = 12  #: most powers of ten on an axis; smaller numbers lie on its foot
_WIDTH, _HEIGHT = 250, 170  # of a panel, its margins included
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 26, 12, 34
_BLUE = "#3b82f6"

_STANDALONE = (
    "<style>svg{color:#1f2937;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e5e7eb;background:#111827}}"
    "@media print{svg{color:#000;background:#fff}}</style>"
)


def as_bands(epochs: Sequence[int], panels: Sequence[Panel], *, sizes: bool = False) -> str:
    """Drawing of distributions over epochs.

    Parameters
    ----------
    epochs : sequence of int
    panels : sequence of (title, label, quantiles of each epoch)
    sizes : bool
        Whether the numbers are sizes, from 0: all panels share one axis, by powers of ten. Otherwise each
        panel has its own, linear.

    Examples
    --------
    >>> as_bands([1, 2], [("layer 1", "a[1]", [(0, 1, 2, 3, 4, 5, 6)] * 2)]).startswith("<svg")
    True
    """
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    width, height = across * _WIDTH, down * _HEIGHT + 22
    shared = _powers([q for _, _, each in panels for q in each]) if sizes else None
    drawn = []
    for k, panel in enumerate(panels):
        x, y = (k % across) * _WIDTH, (k // across) * _HEIGHT
        drawn.append(f'<g transform="translate({x},{y})">\n{_panel(epochs, panel, shared)}\n</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="Distributions by layer over the epochs" '
        'font-family="system-ui, sans-serif" font-size="11" fill="currentColor">\n'
        + "\n".join([*drawn, _legend(height)])
        + "\n</svg>"
    )


def standalone(svg: str) -> str:
    """The same drawing for a file of its own, with a ground that follows the reader's light or dark."""
    head, rest = svg.split("\n", 1)
    return f"{head}\n{_STANDALONE}\n{rest}\n"


def _powers(quantiles: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Powers of ten that hold all bands, at most DECADES."""
    positive = [value for q in quantiles for value in q[1:6] if 0 < value < math.inf]
    if not positive:
        return -1.0, 0.0
    high = math.ceil(math.log10(max(positive)))
    low = max(math.floor(math.log10(min(positive))), high - DECADES)
    return float(low), float(max(high, low + 1))


def _bounds(quantiles: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Ends of a linear axis, with some air."""
    finite = [value for q in quantiles for value in q[1:6] if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    air = 0.06 * (high - low) or 0.5 * max(abs(high), 1.0)
    return low - air, high + air


def _panel(epochs: Sequence[int], panel: Panel, powers: tuple[float, float] | None) -> str:
    title, label, quantiles = panel
    low, high = powers or _bounds(quantiles)
    first, last = epochs[0], max(epochs[-1], epochs[0] + 1)
    inner, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(epoch: float) -> float:
        return round(_LEFT + inner * (epoch - first) / (last - first), 2)

    def up(value: float) -> float:
        if powers:
            value = math.log10(value) if value > 0 else low
        share = (min(max(value, low), high) - low) / (high - low) if math.isfinite(value) else 1.0
        return round(_TOP + tall * (1 - share), 2)

    pieces = [f'<text x="{_LEFT}" y="15" font-weight="600">{escape(title)}</text>']
    pieces += _grid(low, high, up, powers is not None)
    for a, b, opacity in ((1, 5, 0.25), (2, 4, 0.45)):
        there = [f"{across(e)},{up(q[b])}" for e, q in zip(epochs, quantiles, strict=True)]
        back = [f"{across(e)},{up(q[a])}" for e, q in zip(epochs, quantiles, strict=True)]
        pieces.append(
            f'<polygon points="{" ".join(there + back[::-1])}" fill="{_BLUE}" fill-opacity="{opacity}" '
            f'stroke="{_BLUE}" stroke-opacity="{opacity}" stroke-width="1"/>'
        )
    median = " ".join(f"{across(e)},{up(q[3])}" for e, q in zip(epochs, quantiles, strict=True))
    pieces.append(
        f'<polyline points="{median}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linejoin="round"/>'
    )
    foot = _TOP + tall
    for epoch, anchor in ((first, "start"), (epochs[-1], "end")):
        if anchor == "start" or epoch != first:
            pieces.append(f'<text x="{across(epoch)}" y="{foot + 14}" text-anchor="{anchor}">{epoch}</text>')
    pieces.append(
        f'<text x="{_LEFT + inner / 2}" y="{foot + 14}" text-anchor="middle" opacity="0.7">epoch</text>'
    )
    middle = _TOP + tall / 2
    pieces.append(
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})" opacity="0.85">'
        f"{escape(label)}</text>"
    )
    return "\n".join(pieces)


def _grid(low: float, high: float, up: Callable[[float], float], powers: bool) -> list[str]:
    """Lines across, with their numbers: powers of ten, or round numbers."""
    found = []
    for tick in _ticks(low, high, whole=powers):
        y = up(10.0**tick if powers else tick)
        said = f'10<tspan dy="-4" font-size="8">{tick:.0f}</tspan>' if powers else f"{tick + 0.0:g}"
        found.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="currentColor" '
            f'stroke-opacity="0.15"/><text x="{_LEFT - 5}" y="{y + 4}" text-anchor="end">{said}</text>'
        )
    return found


def _ticks(low: float, high: float, *, whole: bool) -> list[float]:
    """Three to six round numbers between two ends.

    >>> _ticks(-1.1, 1.1, whole=False)
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    >>> _ticks(-9.0, 0.0, whole=True)
    [-9.0, -6.0, -3.0, 0.0]
    """
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    if whole:
        step = float(max(1, round(rough + 0.49)))
    else:
        step = next(size * k for k in (1.0, 2.0, 5.0, 10.0) if size * k >= rough * 0.9)
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _legend(height: int) -> str:
    """What line and bands are."""
    y = height - 8
    return (
        f'<g opacity="0.9"><line x1="{_LEFT}" x2="{_LEFT + 18}" y1="{y - 4}" y2="{y - 4}" '
        f'stroke="currentColor" stroke-width="1.5"/><text x="{_LEFT + 23}" y="{y}">median</text>'
        f'<rect x="{_LEFT + 76}" y="{y - 9}" width="18" height="10" fill="{_BLUE}" fill-opacity="0.59"/>'
        f'<text x="{_LEFT + 99}" y="{y}">25-75 %</text>'
        f'<rect x="{_LEFT + 152}" y="{y - 9}" width="18" height="10" fill="{_BLUE}" fill-opacity="0.25"/>'
        f'<text x="{_LEFT + 175}" y="{y}">5-95 %</text></g>'
    )
