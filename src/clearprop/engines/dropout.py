"""Dropout masks as a pure function of (seed, epoch, layer, example, unit).

A counter-based hash takes the place of a generator: no state to keep, the mask of any example is the same
in any batch, on any thread, and in a replay. The compiled kernels hold the same hash; a test compares
them bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.specification import Network

GOLDEN = 0x9E3779B9  #: 2**32 / golden ratio: spreads consecutive counters


def mix(x: Array) -> Array:
    """Scramble 32-bit numbers (the lowbias32 hash, found by C. Wellons' search); uint32 in and out."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def layer_key(seed: int, epoch: int, layer: int) -> int:
    """Key of one layer's masks in one epoch, below 2**32."""
    key = np.zeros(1, dtype=np.uint32)
    for part in (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, epoch, layer):
        key = mix((key + np.uint32(GOLDEN)) ^ np.uint32(part & 0xFFFFFFFF))
    return int(key[0])


def threshold(dropout: float) -> int:
    """Hashes below it are dropped."""
    return round(dropout * 2**32)


def layer_mask(key: int, examples: IntArray, units: int, dropout: float) -> BoolArray:
    """Mask (m, units): True where the unit of that example is kept."""
    rows = mix(np.uint32(key) ^ mix(examples.astype(np.uint32) + np.uint32(GOLDEN)))
    columns = np.arange(units, dtype=np.uint32) * np.uint32(GOLDEN)
    kept: BoolArray = mix(rows[:, None] + columns[None, :]) >= threshold(dropout)
    return kept


def dropout_masks(network: Network, seed: int, epoch: int, examples: IntArray) -> Mapping[int, BoolArray]:
    """Masks of a batch: layer l = 0..L-1 (0 is the inputs) to (m, n_l), for layers with dropout.

    Parameters
    ----------
    examples : ndarray of int64 (m,)
        Row numbers of the examples in the training data.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1000, "relu", dropout=0.25), Dense(1)])
    >>> mask = dropout_masks(net, seed=0, epoch=0, examples=np.arange(100))[1]
    >>> mask.shape, round(float(mask.mean()), 2)
    ((100, 1000), 0.75)
    """
    return {
        l: layer_mask(layer_key(seed, epoch, l), examples, network.widths[l], dropout)
        for l, dropout in enumerate(network.dropouts)
        if dropout
    }
