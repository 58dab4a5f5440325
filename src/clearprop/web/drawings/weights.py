"""The lines between two columns: colour and dash by sign, width by size; of too many the largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.glassbox.quantity import Quantity
from clearprop.web.drawings.canvas import button, hue_of, in_words, largest, share_of
from clearprop.web.drawings.columns import RADIUS, Column

THIN, THICK = 0.6, 5.0
_AIRY = 24  #: lines that may all be thick; of more the thickest is thinner, or they would hide each other


@dataclass(frozen=True)
class Sheaf:
    """Lines as SVG, the weak ones first; how many, of how many between the drawn units, and in all."""

    lines: tuple[str, ...]
    between: int
    of: int

    @property
    def drawn(self) -> int:
        """Lines that are drawn."""
        return len(self.lines)


def sheaf_between(below: Column, above: Column, most: int) -> Sheaf:
    """Lines from one column to the next, at most so many.

    The thickest is the largest that is finite.
    """
    layer = above.layer
    assert layer.W is not None  # noqa: S101 - only the inputs have no W
    to = [(k, int(layer.rows[j])) for k, j in enumerate(above.rows) if j is not None]
    start = [(k, i) for k, i in enumerate(below.rows) if i is not None]
    W = layer.W[np.ix_([row for _, row in to], [i for _, i in start])]
    sizes = np.where(np.isfinite(W), np.abs(W), np.inf).ravel()
    order = np.argsort(sizes, kind="stable")[-most:]
    scale = largest(W)
    thick = max(THICK * min(1.0, (_AIRY / max(len(order), 1)) ** 0.5), 2.2)
    found = []
    for place in order.tolist():
        (k2, row), (k1, i) = to[place // len(start)], start[place % len(start)]
        value = float(W.flat[place])
        share = share_of(value, scale)
        quantity = Quantity("W", layer.l, (row, i))
        d = f"M{below.x + RADIUS:g} {below.y(k1):g}L{above.x - RADIUS:g} {above.y(k2):g}"
        found.append(
            f"<g {button(quantity, f'{layer.prefix}{quantity.text} = {in_words(value)}')}>"
            f'<path d="{d}" class="hit"/><path d="{d}" class="w {hue_of(value)}" '
            f'stroke-width="{THIN + (thick - THIN) * share:.2f}" opacity="{0.2 + 0.75 * share:.2f}"/></g>'
        )
    return Sheaf(tuple(found), W.size, len(layer.rows) * layer.W.shape[1])
