"""How much of its largest slope an activation has left."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from clearprop.arrays import Array
from clearprop.formulas.activations import Activation


def slope_share(row: Activation, z: Array, a: Array) -> Array:
    """|g'(z)| as a share of its largest for z from -10 to 10, or of 1 where that is larger; shape of z.

    >>> from clearprop.formulas.activations import activations
    >>> sigmoid, z = activations["sigmoid"], np.array([0.0, 6.0])
    >>> slope_share(sigmoid, z, sigmoid.value(z)).round(4)
    array([1.    , 0.0099])
    """
    return np.abs(row.slope(z, a)) / _largest_slope(row)


@lru_cache
def _largest_slope(row: Activation) -> float:
    z = np.linspace(-10, 10, 2001)
    largest = float(np.abs(row.slope(z, row.value(z))).max())
    return min(largest, 1.0) or 1.0  # a constant has no slope at all
