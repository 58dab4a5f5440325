"""The network of an exercise drawn with the names of its numbers, for a page; wide ones are left out."""

from __future__ import annotations

import itertools

from clearprop.specification import Network

WIDEST = 6  #: units of a layer that are drawn
_STEP_X, _STEP_Y, _RADIUS, _MARGIN = 150, 58, 19, 40


def network_drawing(network: Network) -> str:
    """SVG of units and weights by name; empty where a layer is wider than `WIDEST`.

    >>> from clearprop.specification import Dense
    >>> drawn = network_drawing(Network(2, [Dense(3, "tanh"), Dense(1)]))
    >>> drawn.count("<circle"), drawn.count("<line")
    (6, 9)
    """
    widths = network.widths
    if max(widths) > WIDEST:
        return ""
    tallest = max(widths)
    width = 2 * _MARGIN + (len(widths) - 1) * _STEP_X
    height = 2 * _MARGIN + (tallest - 1) * _STEP_Y
    places = [
        [(_MARGIN + l * _STEP_X, _MARGIN + (tallest - n) * _STEP_Y / 2 + j * _STEP_Y) for j in range(n)]
        for l, n in enumerate(widths)
    ]
    drawn = []
    for below, above in itertools.pairwise(places):
        for (x1, y1), (x2, y2) in itertools.product(below, above):
            drawn.append(
                f'<line x1="{x1 + _RADIUS}" y1="{y1:g}" x2="{x2 - _RADIUS}" y2="{y2:g}" '
                'stroke="currentColor" stroke-opacity="0.45"/>'
            )
    for l, layer in enumerate(places):
        for j, (x, y) in enumerate(layer):
            drawn.append(
                f'<circle cx="{x}" cy="{y:g}" r="{_RADIUS}" fill="none" stroke="currentColor"/>'
                f'<text x="{x}" y="{y + 4:g}" text-anchor="middle">{_label(l, j, len(widths) - 1)}</text>'
            )
    names = (
        f'<text x="{_MARGIN + (l - 0.5) * _STEP_X:g}" y="14" text-anchor="middle">W'
        f'<tspan dy="-4" font-size="9">{l}</tspan></text>'
        for l in range(1, len(widths))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="The network" font-family="system-ui, sans-serif" '
        'font-size="13" fill="currentColor">\n' + "\n".join([*drawn, *names]) + "\n</svg>"
    )


def _label(l: int, j: int, depth: int) -> str:
    """x_1, a_1 of layer l, or y_hat_1; units from 1 as in the equations beside."""
    below = f'<tspan dy="4" font-size="9">{j + 1}</tspan>'
    if l == 0:
        return f'<tspan font-style="italic">x</tspan>{below}'
    if l == depth:
        return f'<tspan font-style="italic">ŷ</tspan>{below}'
    above = f'<tspan dy="-5" font-size="9">{l}</tspan>'
    return f'<tspan font-style="italic">a</tspan>{above}<tspan dy="9" font-size="9">{j + 1}</tspan>'
