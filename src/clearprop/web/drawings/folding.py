"""Which units of a wide layer are drawn."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.render.svg import shown_units
from clearprop.web.drawings.numbers import Layer

Fold: TypeAlias = Literal["ends", "largest"]


def units_to_draw(layer: Layer, rows: int, fold: Fold) -> list[int | None]:
    """Units from top to bottom, None where some are left out.

    With "largest" those with the largest numbers in their circles, or with the largest row of W where these
    are empty; inputs without numbers have no order, so their ends are drawn.

    >>> layer = Layer(1, np.arange(100), np.arange(100.0) - 90)
    >>> units_to_draw(layer, 5, "ends"), units_to_draw(layer, 5, "largest")
    ([0, 1, None, 98, 99], [0, 1, 2, 3, None])
    """
    sizes = _sizes(layer) if fold == "largest" and layer.units > rows else None
    if sizes is None:
        return shown_units(layer.units, rows)
    kept = np.argpartition(-sizes, rows - 1)[: rows - 1]
    return [*np.sort(kept).tolist(), None]


def _sizes(layer: Layer) -> Array | None:
    """How large a unit's numbers are; what is not finite is larger than all else."""
    if layer.values is not None:
        sizes = np.abs(layer.values)
    elif layer.W is not None:
        W = layer.W if len(layer.rows) == len(layer.W) else layer.W[layer.rows]
        with np.errstate(all="ignore"):
            sizes = np.einsum("ji,ji->j", W, W)
    else:
        return None
    return np.where(np.isfinite(sizes), sizes, np.inf)
