"""The network drawn with its values: units as circles, weights as lines, wide layers folded; SVG.

Positive numbers are blue, negative ones orange, and the stronger the larger they are beside the others of
their layer. Lines take the page's own colour for text, so the drawing serves on paper and in the dark.
"""

from __future__ import annotations

from html import escape

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.whole_pass import WholePass

UNITS = 8  #: of a layer that are drawn
_BLUE, _ORANGE = "#2563eb", "#ea580c"
_STEP_X, _STEP_Y, _RADIUS, _MARGIN = 170, 56, 20, 46


def as_svg(seen: WholePass, *, example: int = 0, units: int = UNITS, digits: int = 3) -> str:
    """Drawing of a network and its numbers for one row.

    Parameters
    ----------
    example : int
        Row of the batch.
    units : int
        Units of a layer that are drawn, from 2; of a wider one the first and last, and how many lie between.

    Examples
    --------
    >>> from clearprop.glassbox.whole_pass import whole_pass
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> as_svg(whole_pass(net, net.initialize(), [[1.0, 2.0]])).startswith("<svg")
    True
    """
    network = seen.network
    values = [seen.X[example], *(seen.a[l][example] for l in range(1, network.depth + 1))]
    shown = [shown_units(len(layer), max(units, 2)) for layer in values]
    tallest = max(len(rows) for rows in shown)
    height = 2 * _MARGIN + (tallest - 1) * _STEP_Y + 40
    width = 2 * _MARGIN + network.depth * _STEP_X
    places = [_places(rows, l, tallest) for l, rows in enumerate(shown)]
    pieces = [_lines(seen, l, example, shown, places) for l in range(1, network.depth + 1)]
    for l, layer in enumerate(values):
        pieces.append(_circles(layer, l, shown[l], places[l], digits))
    titles = ["inputs", *(f"{layer.units} {layer.activation.name}" for layer in network.layers)]
    for l, title in enumerate(titles):
        x = _MARGIN + l * _STEP_X
        pieces.append(f'<text x="{x}" y="{height - 12}" text-anchor="middle">{escape(title)}</text>')
    label = escape(f"A network of {network.depth} layers with its values")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{label}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="currentColor">\n' + "\n".join(pieces) + "\n</svg>"
    )


def shown_units(count: int, units: int) -> list[int | None]:
    """Units that are drawn, None where some are left out.

    >>> shown_units(3, 8), shown_units(100, 5)
    ([0, 1, 2], [0, 1, None, 98, 99])
    """
    if count <= units:
        return list(range(count))
    first = units // 2
    return [*range(first), None, *range(count - (units - first - 1), count)]


def _places(rows: list[int | None], l: int, tallest: int) -> list[tuple[float, float]]:
    """Centres of a layer's units, in the middle of the drawing."""
    x, top = _MARGIN + l * _STEP_X, _MARGIN + (tallest - len(rows)) * _STEP_Y / 2
    return [(x, top + k * _STEP_Y) for k in range(len(rows))]


def _tint(value: float, largest: float) -> tuple[str, float]:
    """Colour and opacity of a number beside the largest of its kind."""
    share = abs(value) / largest if largest > 0 else 0.0
    return (_ORANGE if value < 0 else _BLUE), round(0.12 + 0.88 * share, 3)


def _lines(
    seen: WholePass,
    l: int,
    example: int,
    shown: list[list[int | None]],
    places: list[list[tuple[float, float]]],
) -> str:
    """Weights W[l] as lines; of maxout's pieces the one that was taken."""
    pieces = seen.network.layers[l - 1].activation.pieces
    W = seen.theta.W[l]
    largest = float(np.abs(W).max())
    found = []
    for (x2, y2), j in zip(places[l], shown[l], strict=True):
        for (x1, y1), i in zip(places[l - 1], shown[l - 1], strict=True):
            if j is None or i is None:
                continue
            taken = int(np.argmax(seen.z[l][example, j * pieces : (j + 1) * pieces]))
            weight = float(W[j * pieces + taken, i])
            colour, opacity = _tint(weight, largest)
            found.append(
                f'<line x1="{x1 + _RADIUS}" y1="{y1}" x2="{x2 - _RADIUS}" y2="{y2}" stroke="{colour}" '
                f'stroke-opacity="{opacity}" stroke-width="{1 + 2 * opacity:.2f}"><title>W[{l}][{j},{i}] = '
                f"{weight:.6g}</title></line>"
            )
    return "\n".join(found)


def _circles(
    layer: Array, l: int, rows: list[int | None], places: list[tuple[float, float]], digits: int
) -> str:
    """Units with their values, and the count of those that are not drawn."""
    largest = float(np.abs(layer).max())
    found = []
    for (x, y), j in zip(places, rows, strict=True):
        if j is None:
            hidden = len(layer) - len(rows) + 1
            found.append(f'<text x="{x}" y="{y + 4}" text-anchor="middle">{hidden} more</text>')
            continue
        value = float(layer[j])
        colour, opacity = _tint(value, largest)
        name = f"x[{j}]" if l == 0 else f"a[{l}][{j}]"
        found.append(
            f'<g><title>{name} = {value:.6g}</title><circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{colour}" '
            f'fill-opacity="{0.55 * opacity:.3f}" stroke="currentColor" stroke-opacity="0.6"/>'
            f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-size="11">'
            f"{value + 0.0:.{digits}g}</text></g>"
        )
    return "\n".join(found)
