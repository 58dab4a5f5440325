"""Controls above a network's columns: fewer or more units, no such layer, one more, a layer's settings.

A drawing says what is wanted, as `data-press`, `data-layer` (from 1) and, for a width, `data-units`; who
listens changes the layers. The controls are a toolbar: a stop of the Tab key beside that of the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clearprop.specification import Network
from clearprop.web.drawings.columns import Column

SIDE = 26  #: of a button, so that a finger meets it
TALL = 33  #: what the controls take beside the titles
_GAP, _UPPER, _LOWER, _TITLE = 2, 1, 45, 72


@dataclass(frozen=True)
class Editing:
    """That the layers of a drawing can be changed in it, and how far."""

    most_units: int
    most_layers: int


def widths_beside(units: int, most: int) -> tuple[int | None, int | None]:
    """The next smaller and larger width: by one below 16, then by about an eighth, to round numbers.

    >>> widths_beside(8, 1024), widths_beside(64, 1024), widths_beside(100, 1024)
    ((7, 9), (60, 72), (96, 104))
    >>> widths_beside(1, 1024), widths_beside(1024, 1024)
    ((None, 2), (960, None))
    """
    below, above = _step(units - 1), _step(units)
    fewer, more = (units - 1) // below * below, min((units // above + 1) * above, most)
    return fewer or None, more if more > units else None


def _step(units: int) -> int:
    """The largest power of two up to an eighth of the units."""
    return 1 << max((units // 8).bit_length() - 1, 0)


def layer_controls(network: Network, columns: Sequence[Column], editing: Editing) -> Iterator[str]:
    """Buttons of every hidden layer, and one between any two columns.

    Parameters
    ----------
    columns : sequence of Column
        The inputs, then each layer.
    """
    hidden = network.layers[:-1]
    yield '<g class="layering" role="toolbar" aria-label="The hidden layers">'
    for l, column in enumerate(columns[1:], start=1):
        if len(hidden) < editing.most_layers:
            before = f"layer {l}" if l <= len(hidden) else "the output"
            middle = (columns[l - 1].x + column.x) / 2
            yield _Button(
                "add", l, f"Add a layer before {before}", "+", middle - SIDE / 2, _UPPER, "round"
            ).svg()
        if l <= len(hidden):
            yield from _of_layer(l, hidden[l - 1].units, column.x, editing.most_units)
    yield "</g>"


def _of_layer(l: int, units: int, x: float, most: int) -> Iterator[str]:
    label = f"Open layer {l} in the form"
    yield _Button("open", l, label, "", x - _TITLE / 2, _UPPER, "title", wide=_TITLE).svg()
    left = x - 1.5 * SIDE - _GAP
    for k, (press, sign, wanted) in enumerate(
        zip(("fewer", "more"), "−+", widths_beside(units, most), strict=True)
    ):
        at = left + k * (SIDE + _GAP)
        if wanted is None:
            label = f"Layer {l} is as {'narrow' if press == 'fewer' else 'wide'} as can be"
            yield _Button(press, l, label, sign, at, _LOWER, "off").svg(' aria-disabled="true"')
            continue
        step = abs(wanted - units)
        label = f"{'Narrow' if press == 'fewer' else 'Widen'} layer {l} by {step} to {wanted}"
        shown = sign if step == 1 else f"{sign}{step}"
        yield _Button(press, l, label, shown, at, _LOWER).svg(f' data-units="{wanted}"')
    yield _Button("remove", l, f"Take layer {l} away", "×", left + 2 * (SIDE + _GAP), _LOWER).svg()


@dataclass(frozen=True)
class _Button:
    press: str
    layer: int
    label: str
    shown: str
    x: float
    y: float
    style: str = ""
    wide: float = SIDE

    def svg(self, more: str = "") -> str:
        size = 15 if len(self.shown) == 1 else 10
        radius = SIDE / 2 if self.style == "round" else 5
        style = f"press {self.style}".rstrip()
        text = (
            f'<text x="{self.x + self.wide / 2:g}" y="{self.y + SIDE / 2 + size / 3:g}" text-anchor="middle" '
            f'font-size="{size}">{self.shown}</text>'
        )
        return (
            f'<g data-press="{self.press} {self.layer}" data-layer="{self.layer}"{more} tabindex="0" '
            f'role="button" aria-label="{self.label}"><title>{self.label}</title>'
            f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.wide:g}" height="{SIDE}" rx="{radius:g}" '
            f'class="{style}"/>{text if self.shown else ""}</g>'
        )
