"""Activations of each layer as histograms, with the share of units that no longer learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.formulas.activations import AnyActivation
from clearprop.glassbox.diagnosis.measuring import at_rest, slopes_of
from clearprop.glassbox.render.curve import ticks
from clearprop.report.frame import fitted, tick_label
from clearprop.web.drawings.canvas import drawing, in_words, placeable
from clearprop.words import percent, plural

BINS = 24
ACROSS = 3  #: panels in a row
_WIDE, _TALL, _SIDE, _TOP, _BOTTOM = 210, 132, 12, 40, 22


@dataclass(frozen=True, eq=False)
class LayerHistogram:
    """How the activations of a layer are spread over some rows.

    Attributes
    ----------
    name : str
    counts : ndarray of int (bins,)
    edges : ndarray (bins + 1,)
    dead, saturated : float or None
        Shares of dead units and of saturated numbers; None where that has no meaning.
    lost : int
        Numbers that are in no bin: not finite, or beyond all use.
    """

    name: str
    counts: IntArray
    edges: Array
    dead: float | None = None
    saturated: float | None = None
    lost: int = 0


def layer_histogram(
    name: str, a: npt.ArrayLike, z: npt.ArrayLike | None = None, row: AnyActivation | None = None
) -> LayerHistogram:
    """Histogram of a layer's activations (m, n_l); with z (m, r_l) and the activation, what is at rest.

    >>> from clearprop.formulas.activations import as_activation
    >>> z = np.array([[-1.0, 2.0], [-3.0, 1.0]])
    >>> found = layer_histogram("layer 1", np.maximum(z, 0), z, as_activation("relu"))
    >>> found.counts.sum(), found.dead, found.saturated
    (np.int64(4), 0.5, None)
    """
    values = np.asarray(a, dtype=np.float64)
    there = values[placeable(values)]
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(high), 1.0)
    counts, edges = np.histogram(there, BINS, (low, high))
    dead = saturated = None
    if z is not None and row is not None and values.size:
        with np.errstate(all="ignore"):
            dead, saturated = at_rest(row, slopes_of(row, np.asarray(z, dtype=np.float64), values))
    return LayerHistogram(name, counts, edges, dead, saturated, values.size - there.size)


def activation_histograms(layers: Sequence[LayerHistogram], across: int = ACROSS) -> str:
    """A panel for each layer, so many side by side; what is dead or saturated stands in its title.

    >>> drawn = activation_histograms([layer_histogram("layer 1", np.linspace(-1, 1, 48))])
    >>> drawn.count("<rect")
    24
    """
    across = max(min(across, len(layers)), 1)
    down = max(-(-len(layers) // across), 1)
    pieces = []
    for k, layer in enumerate(layers):
        place = f"translate({k % across * _WIDE},{k // across * _TALL})"
        pieces += [f'<g transform="{place}">', *_panel(layer), "</g>"]
    if not layers:
        pieces.append('<text x="10" y="20" class="soft">no layer</text>')
    about = " ".join(f"{layer.name}: {_in_words(layer)}." for layer in layers)
    return drawing(across * _WIDE, down * _TALL, pieces, "Activations by layer", about)


def _panel(layer: LayerHistogram) -> Iterator[str]:
    """Bars, the axis below them, and two lines of words above."""
    words = _rest(layer)
    bad = (layer.dead or 0) >= 0.5 or (layer.saturated or 0) >= 0.5 or layer.lost > 0
    wide, foot = _WIDE - 2 * _SIDE, _TALL - _BOTTOM
    yield f'<text x="{_SIDE}" y="14" class="strong">{fitted(layer.name, wide)}</text>'
    weight, sign = ("strong", "⚠ ") if bad else ("soft", "")
    yield f'<text x="{_SIDE}" y="29" class="{weight}">{sign}{words}</text>'
    most, low, high = int(layer.counts.max(initial=0)), float(layer.edges[0]), float(layer.edges[-1])
    if most:
        bins = len(layer.counts)
        for k, count in enumerate(layer.counts.tolist()):
            tall = round((foot - _TOP) * count / most, 2)
            yield (
                f'<rect x="{_SIDE + k * wide / bins + 0.5:.2f}" y="{foot - tall:g}" '
                f'width="{wide / bins - 1:.2f}" height="{tall:g}" class="fill k{1 if bad else 0}">'
                f"<title>{count:,} from {layer.edges[k]:.3g} to {layer.edges[k + 1]:.3g}</title></rect>"
            )
        for tick in ticks(low, high, 3) if high > low else [low]:
            x = _SIDE + wide * ((tick - low) / (high - low) if high > low else 0.5)
            yield f'<path d="M{x:.1f} {foot}v4" class="axis"/>'
            anchor = "start" if x < 2 * _SIDE else "end" if x > _WIDE - 2 * _SIDE else "middle"
            yield f'<text x="{x:.1f}" y="{foot + 16}" text-anchor="{anchor}">{tick_label(tick)}</text>'
    yield f'<path d="M{_SIDE} {foot}H{_WIDE - _SIDE}" class="axis"/>'


def _rest(layer: LayerHistogram) -> str:
    """Shares of what is at rest, and what is no number."""
    parts = [f"{percent(layer.dead)} dead"] if layer.dead is not None else []
    parts += [f"{percent(layer.saturated)} saturated"] if layer.saturated is not None else []
    parts += [f"{layer.lost:,} off the scale"] if layer.lost else []
    return ", ".join(parts) or ("no values" if not layer.counts.any() else "")


def _in_words(layer: LayerHistogram) -> str:
    total = int(layer.counts.sum())
    parts = [part for part in (_rest(layer),) if part]
    if total:
        ends = f"from {in_words(float(layer.edges[0]))} to {in_words(float(layer.edges[-1]))}"
        parts.insert(0, f"{plural(total, 'value')} {ends}")
    return ", ".join(parts)
