"""Dropout masks are a reproducible function of (seed, epoch, layer, example, unit) and look random."""

import numpy as np
import pytest

from clearprop.engines.dropout import dropout_masks, layer_key, layer_mask, mix, threshold
from clearprop.specification import Dense, Network

NETWORK = Network(
    64, [Dense(100, "relu", dropout=0.25), Dense(100, dropout=0.5), Dense(1)], input_dropout=0.1
)
ROWS = np.arange(2000)
HASHES = ["0x0", "0x688990c0", "0xd1132181", "0x6768824a"]
KEYS = [3150628639, 2820657911]
BITS = [146, 246, 84, 75]


def masks(seed=0, epoch=0, rows=ROWS, network=NETWORK):
    return dropout_masks(network, seed, epoch, rows)


def test_layers_and_shapes():
    found = masks()
    assert {l: mask.shape for l, mask in found.items()} == {0: (2000, 64), 1: (2000, 100), 2: (2000, 100)}
    assert all(mask.dtype == np.bool_ for mask in found.values())
    assert masks(network=Network(3, [Dense(1)])) == {}


@pytest.mark.parametrize(("layer", "dropout"), [(0, 0.1), (1, 0.25), (2, 0.5)])
def test_the_kept_share(layer, dropout):
    kept = masks()[layer]
    deviation = np.sqrt(dropout * (1 - dropout) / kept.size)
    assert abs(kept.mean() - (1 - dropout)) < 4 * deviation
    assert abs(kept.mean(axis=0) - (1 - dropout)).max() < 5 * np.sqrt(dropout * (1 - dropout) / len(kept))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_neighbours_do_not_correlate(layer):
    kept = masks()[layer].astype(float)
    kept -= kept.mean()
    size = kept.size * kept.var()
    for down, right in ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (16, 0), (0, 32)):
        moved = kept[down:, right:] * kept[: len(kept) - down, : kept.shape[1] - right]
        assert abs(moved.sum() / size) < 5 / np.sqrt(kept.size)


def test_reproducible_and_local():
    """An example's mask does not depend on its batch."""
    some = np.array([5, 1999, 5, 17])
    for l, mask in masks(rows=some).items():
        np.testing.assert_array_equal(mask, masks()[l][some])


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"seed": 2**32}, {"epoch": 1}, {"seed": 1, "epoch": 1}], ids=str
)
def test_differs_by_seed_and_epoch(other):
    for l, mask in masks(**other).items():
        p = NETWORK.dropouts[l]
        assert abs((mask == masks()[l]).mean() - (p**2 + (1 - p) ** 2)) < 0.01


def test_differs_by_layer():
    network = Network(100, [Dense(100, dropout=0.5), Dense(1)], input_dropout=0.5)
    found = masks(network=network)
    assert abs((found[0] == found[1]).mean() - 0.5) < 0.01
    keys = {layer_key(seed, epoch, l) for seed in range(10) for epoch in range(10) for l in range(10)}
    assert len(keys) == 1000


def test_the_hash_is_what_it_was():
    """Frozen: a replay of an old run needs the same masks."""
    numbers = np.array([0, 1, 2, 0xFFFFFFFF], dtype=np.uint32)
    assert [hex(n) for n in mix(numbers)] == HASHES
    assert layer_key(0, 0, 0) == KEYS[0]
    assert layer_key(123456789012, 7, 3) == KEYS[1]
    assert np.packbits(layer_mask(42, np.arange(2), 16, 0.5)).tolist() == BITS


def test_mix_is_a_bijection():
    numbers = np.arange(1 << 20, dtype=np.uint32)
    assert len(np.unique(mix(numbers))) == len(numbers)


def test_thresholds():
    assert (threshold(0.0), threshold(0.5)) == (0, 2**31)
    assert layer_mask(1, np.arange(50), 50, 0.0).all()
