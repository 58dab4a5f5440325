"""The network drawn: layers as columns, units as circles, weights as lines; wide layers folded.

A line's colour is the sign of its number and its width the size, beside the largest line of its layer;
negative ones are dashed, too. What is neither (NaN, infinity) is dotted. Three views: the weights, the
activations of one example, the gradients of its pass. Of a wide layer a few units are drawn, of many weights
between these the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from clearprop.errors import SpecificationError
from clearprop.glassbox.whole_pass import WholePass
from clearprop.report.frame import cut_to, said, width_of
from clearprop.specification import Network, Parameters
from clearprop.web.drawings.canvas import drawing
from clearprop.web.drawings.columns import RADIUS, STEP, Column, bias_marks, circles, unit_numbers
from clearprop.web.drawings.folding import Fold, units_to_draw
from clearprop.web.drawings.layer_controls import TALL, Editing, layer_controls
from clearprop.web.drawings.numbers import View, numbers_of
from clearprop.web.drawings.weights import Sheaf, sheaf_between

UNITS = 12  #: rows of a column
LINES = 80  #: weights of a layer that are drawn
_ALL_LINES = 480  #: of all layers together
LONGEST_NAME = 120.0  #: width of an input's or a class's name
_TOP, _FOOT, _LEGEND = 44, 42, 17
_WIDE, _NARROW, _WHOLE = 190, 104, 1000  #: between columns, and of all columns where that is possible

_LEGENDS: dict[View, str] = {
    "weights": "lines: W, thick where large; squares: b",
    "activations": "circles: a, full where large; lines: W",
    "gradients": "lines: dC/dW; circles: delta; squares: dC/db",
}


def network_drawing(
    network: Network,
    theta: Parameters,
    *,
    view: View = "weights",
    seen: WholePass | None = None,
    example: int = 0,
    gradient: Parameters | None = None,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    units: int = UNITS,
    lines: int = LINES,
    fold: Fold = "ends",
    across: float | None = None,
    editing: Editing | None = None,
) -> str:
    """SVG of a network and its numbers; every number is a button that carries its name.

    Parameters
    ----------
    theta : Parameters
    view : {"weights", "activations", "gradients"}
    seen : WholePass, optional
        For the activations; with targets for the gradients.
    example : int
        Row of the pass whose activations and deltas are drawn; dC/dW and dC/db are the whole pass's.
    gradient : Parameters, optional
        dC/dtheta where there is no pass, such as of the batch that was trained on last.
    inputs, outputs : sequence of str
        Names of the inputs and of the outputs (classes).
    units : int
        Rows of a column, from 3.
    lines : int
        Weights of a layer that are drawn; fewer in a network of many layers.
    fold : {"ends", "largest"}
        Of a wide layer the first and the last units, or those with the largest numbers of the view.
    across : float
        Width to keep to, as far as columns can stand so near each other; left out, they stand at ease.
    editing : Editing, optional
        Draw controls that change the layers, too.

    Raises
    ------
    SpecificationError
        When a view wants numbers that are not given.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> drawn = network_drawing(net, net.initialize(), inputs=["age", "height"])
    >>> drawn.count('class="unit'), drawn.count('data-quantity="W[')
    (6, 9)
    """
    if units < 3:
        raise SpecificationError(f"units is a whole number from 3, not {units!r}")
    layers = numbers_of(network, theta, view, seen, example, gradient)
    shown = [units_to_draw(layer, units, fold) for layer in layers]
    left = 34 + max([width_of(cut_to(name, LONGEST_NAME)) for name in inputs], default=0.0)
    right = 34 + max([width_of(cut_to(name, LONGEST_NAME)) for name in outputs], default=0.0)
    left, right = max(left, 56.0), max(right, 56.0)
    room = _WHOLE if across is None else across - left - right
    step = min(_WIDE, max(_NARROW, room / network.depth))
    tall = max(map(len, shown))
    top = _TOP if editing is None else _TOP + TALL
    columns = [
        Column(layer, rows, left + l * step, top + RADIUS + (tall - len(rows)) * STEP / 2)
        for l, (layer, rows) in enumerate(zip(layers, shown, strict=True))
    ]
    share = min(lines, max(_ALL_LINES // network.depth, units))
    sheaves = [sheaf_between(columns[l - 1], columns[l], share) for l in range(1, len(columns))]
    width, long = left + network.depth * step + right, left + 160 + width_of(_LEGENDS[view])
    below = across is not None and long > max(width, across)
    width = max(width, left + 160 if below else long)
    height = top + 2 * RADIUS + (tall - 1) * STEP + _FOOT
    pieces: list[str] = []
    for l, sheaf in enumerate(sheaves, start=1):
        faint = ' class="behind"' if view == "activations" else ""
        pieces += [f"<g{faint}>", *sheaf.lines, "</g>"]
        pieces += _counted(sheaf, l, left + (l - 0.5) * step, height - _FOOT + 14, step)
    for column in columns:
        pieces += circles(column)
        pieces += bias_marks(column)
    for column, names in zip(columns, [inputs, *[()] * (network.depth - 1), outputs], strict=True):
        pieces += unit_numbers(column, len(names))
    pieces += _titles(network, columns, step, (14, 28) if editing is None else (18, 40))
    pieces += _names(columns[0], inputs, -1)
    pieces += _names(columns[-1], outputs, 1)
    pieces += _legend(view, left - RADIUS, height - 8, below)
    if editing is not None:
        pieces += layer_controls(network, columns, editing)
    return drawing(
        width,
        height + (_LEGEND if below else 0),
        pieces,
        _title(network, view),
        _about(network, shown, sheaves, view),
    )


def _titles(
    network: Network, columns: Sequence[Column], step: float, lines: tuple[int, int]
) -> Iterator[str]:
    """Above each column, what layer it is."""
    for l, column in enumerate(columns):
        if l == 0:
            words = ("inputs", f"{network.inputs:,}")
        else:
            layer = network.layers[l - 1]
            dropped = f", drop {layer.dropout:g}" if layer.dropout else ""
            words = (f"layer {l}", f"{layer.units:,} {layer.activation.name}{dropped}")
        for y, style, text in zip(lines, ("strong", "soft"), words, strict=True):
            yield (
                f'<text x="{column.x:g}" y="{y}" text-anchor="middle" class="{style}">'
                f"{said(cut_to(text, step - 6))}</text>"
            )


def _counted(sheaf: Sheaf, l: int, x: float, y: float, step: float) -> Iterator[str]:
    """Below the lines, how many of how many they are, where some are left out."""
    if sheaf.drawn == sheaf.of:
        return
    full = f"{sheaf.drawn:,} of {sheaf.of:,} weights"
    text = full if width_of(full) < step - 4 else f"{sheaf.drawn:,} of {_short_count(sheaf.of)}"
    yield (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" class="soft">{text}'
        f"<title>W[{l}]: {sheaf.drawn:,} of {sheaf.of:,} weights are drawn</title></text>"
    )


def _short_count(count: int) -> str:
    """A count in a few letters.

    >>> _short_count(950), _short_count(16384), _short_count(4194304)
    ('950', '16k', '4.2M')
    """
    if count < 10_000:
        return f"{count}"
    return f"{count / 1e3:.0f}k" if count < 1e6 else f"{count / 1e6:.1f}M"


def _names(column: Column, names: Sequence[str], side: Literal[-1, 1]) -> Iterator[str]:
    """Names beside the circles, to the left or the right."""
    anchor = "end" if side < 0 else "start"
    for k, j in enumerate(column.rows):
        if j is None or j >= len(names):
            continue
        yield (
            f'<text x="{column.x + side * (RADIUS + 7):g}" y="{column.y(k) + 4:g}" text-anchor="{anchor}">'
            f"{said(cut_to(names[j], LONGEST_NAME))}<title>{said(names[j])}</title></text>"
        )


def _legend(view: View, x: float, y: float, below: bool) -> Iterator[str]:
    """What colours, dashes and widths mean, the latter beside the former or below."""
    first = x
    for hue, words in (("k0", "positive"), ("k1", "negative")):
        yield f'<path d="M{x:g} {y - 4:g}h24" class="w {hue}" stroke-width="2.5"/>'
        yield f'<text x="{x + 29:g}" y="{y:g}">{words}</text>'
        x += 38 + width_of(words)
    if below:
        x, y = first, y + _LEGEND
    yield f'<text x="{x:g}" y="{y:g}" class="soft">{_LEGENDS[view]}</text>'


def _title(network: Network, view: View) -> str:
    widths = "-".join(map(str, network.widths))
    return f"Network {widths}: {view}"


def _about(
    network: Network, shown: Sequence[Sequence[int | None]], sheaves: Sequence[Sheaf], view: View
) -> str:
    """The drawing in words."""
    parts = [f"{network.inputs:,} inputs"]
    parts += [
        f"layer {l}: {layer.units:,} {layer.activation.name}"
        for l, layer in enumerate(network.layers, start=1)
    ]
    folded = [
        f"{'inputs' if l == 0 else f'layer {l}'}: {len([j for j in rows if j is not None])} of {count:,}"
        for l, (rows, count) in enumerate(zip(shown, network.widths, strict=True))
        if None in rows
    ]
    words = f"{'; '.join(parts)}. {_LEGENDS[view].capitalize()}."
    if folded:
        words += f" Units drawn: {'; '.join(folded)}."
    thinned = [
        f"W[{l}]: the largest {sheaf.drawn:,} of {sheaf.of:,} weights"
        for l, sheaf in enumerate(sheaves, start=1)
        if sheaf.drawn < sheaf.between
    ]
    if thinned:
        words += f" Lines drawn between these: {'; '.join(thinned)}."
    pieces = sorted({layer.activation.pieces for layer in network.layers} - {1})
    if pieces:
        words += " Of a maxout unit's pieces the one it takes is drawn, without an example the first."
    return words
