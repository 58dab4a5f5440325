"""An epoch's order is NumPy's permutation, whichever engine draws it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.engines import engine_for
from clearprop.specification import Dense, Network

NETWORK = Network(1, [Dense(1)])


def order(seed=0, epoch=0, rows=50, engine="compiled", dtype="float64"):
    return engine_for(engine, NETWORK, dtype=dtype).order(seed, epoch, rows)


def numpys(seed, epoch, rows):
    key = np.array([seed, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(rows)


@pytest.mark.parametrize("engine", ["compiled", "textbook"])
def test_an_epochs_order_is_a_permutation_of_its_own(engine):
    first, again, next_, other = (
        order(seed, epoch, engine=engine) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert np.array_equal(np.sort(first), np.arange(50))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, next_)
    assert not np.array_equal(first, other)
    assert first.dtype == np.int64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 255, 256, 257, 4096, 65_537, 1_000_003])
def test_the_compiled_order_is_numpys(rows, dtype):
    for seed, epoch in ((0, 0), (2**64 - 1, 3), (2**63, 2**40)):
        assert np.array_equal(order(seed, epoch, rows, dtype=dtype), numpys(seed, epoch, rows))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32), st.integers(0, 3000))
def test_the_compiled_order_is_numpys_for_any_seed(seed, epoch, rows):
    assert np.array_equal(order(seed, epoch, rows), numpys(seed, epoch, rows))


def test_every_place_is_taken_by_every_row():
    seen = np.zeros((6, 6))
    for epoch in range(6000):
        seen[np.arange(6), order(epoch=epoch, rows=6)] += 1
    chances = 6000 / 6
    assert abs(seen - chances).max() < 5 * np.sqrt(chances * 5 / 6)
