"""A layer as a column: circles with their numbers, squares of biases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clearprop.glassbox.quantity import Quantity
from clearprop.web.drawings.canvas import SHORT, button, hue_of, in_words, largest, share_of, short
from clearprop.web.drawings.numbers import Layer

RADIUS, STEP = 17, 40
_BIAS = 5  #: half a square's side


@dataclass(frozen=True, eq=False)
class Column:
    """A layer, the units of it that are drawn (None for a gap), and where."""

    layer: Layer
    rows: Sequence[int | None]
    x: float
    top: float

    def y(self, k: int) -> float:
        """Centre of the k-th circle."""
        return self.top + k * STEP


def circles(column: Column) -> Iterator[str]:
    """Units, each a button; filled as its number is large beside the others of its layer."""
    layer = column.layer
    most = 0.0 if layer.values is None else largest(layer.values)
    for k, j in enumerate(column.rows):
        y = column.y(k)
        if j is None:
            yield from _gap(column, y)
            continue
        quantity = layer.quantity(j)
        name = f"{layer.prefix}{quantity.text}" if quantity.kind == "x" else quantity.text
        if layer.values is None:
            size, label, style, inside = 9.5, name, 'class="unit"', f'<tspan class="soft">{j}</tspan>'
        else:
            value = float(layer.values[j])
            strength = 0.06 + 0.44 * share_of(value, most)
            label, inside = f"{name} = {in_words(value)}", short(value)
            size = 9.5 if len(inside) <= SHORT else 8
            style = f'class="unit {hue_of(value)}" fill-opacity="{strength:.3f}"'
        yield (
            f"<g {button(quantity, label)}>"
            f'<circle cx="{column.x:g}" cy="{y:g}" r="{RADIUS}" {style}/>'
            f'<text x="{column.x:g}" y="{y + 3.5:g}" text-anchor="middle" font-size="{size}">'
            f"{inside}</text></g>"
        )


def _gap(column: Column, y: float) -> Iterator[str]:
    """Three dots, and how many units are not drawn."""
    hidden = column.layer.units - len(column.rows) + 1
    dots = "".join(f"M{column.x:g} {y - 14 + 6 * k:g}h0" for k in range(3))
    yield f'<path d="{dots}" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/>'
    yield (f'<text x="{column.x:g}" y="{y + 13:g}" text-anchor="middle" class="soft">{hidden:,} more</text>')


def unit_numbers(column: Column, named: int) -> Iterator[str]:
    """Beside the circles of a folded layer, which unit each is; those with a name have it there instead."""
    if None not in column.rows or column.layer.values is None:
        return
    for k, j in enumerate(column.rows):
        if j is not None and j >= named:
            x, y = column.x - RADIUS * 0.75, column.y(k) - RADIUS * 0.65
            yield f'<text x="{x:g}" y="{y:g}" text-anchor="end" font-size="9" class="over">{j}</text>'


def bias_marks(column: Column) -> Iterator[str]:
    """Squares at the foot of the circles, with a plus or a minus; the view of activations has none."""
    layer = column.layer
    if layer.b is None or (layer.values is not None and not layer.derived):
        return
    most = largest(layer.b)
    for k, j in enumerate(column.rows):
        if j is None:
            continue
        row = int(layer.rows[j])
        value = float(layer.b[row])
        quantity = Quantity("b", layer.l, (row,))
        x, y = column.x - RADIUS * 0.8, column.y(k) + RADIUS * 0.8
        half = round(3.2 + (_BIAS - 3.2) * share_of(value, most), 2)
        sign = "" if value == 0 else f"M{x - 2:g} {y:g}h4" + (f"M{x:g} {y - 2:g}v4" if value > 0 else "")
        yield (
            f"<g {button(quantity, f'{layer.prefix}{quantity.text} = {in_words(value)}')}>"
            f'<rect x="{x - half:g}" y="{y - half:g}" width="{2 * half:g}" height="{2 * half:g}" '
            f'class="bias {hue_of(value)}"/><path d="{sign}" class="sign"/></g>'
        )
