"""One tree over the shards, whoever owns them: the same bits on any number of ranks."""

import itertools
import threading
from itertools import pairwise

import numpy as np
import pytest

from clearprop.distributed.threads import Company, Threads, in_threads
from clearprop.engines import engine_for
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import OptimizerState
from clearprop.engines.shards import (
    Alone,
    OwnRows,
    Sharded,
    meet,
    middle,
    owned,
    partial_sums,
    subtrees,
    tree_sum_of,
)
from clearprop.errors import CommunicationError, SpecificationError
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network
from dealt import ByRank

NET = Network(5, [Dense(7, "tanh", dropout=0.3), Dense(3, "softmax")], l2=0.01)
STEPPING = [name for name, rule in optimizers.items() if rule.step]
COUNTS = [1, 2, 3, 5, 7, 8, 13, 16]


def leaves(shards, dtype=np.float32, size=9):
    """Arrays whose sum depends on the order."""
    rng = np.random.default_rng(shards)
    if np.dtype(dtype).kind == "f":
        return [
            (rng.normal(size=size) * 10.0 ** rng.integers(-4, 5, size)).astype(dtype) for _ in range(shards)
        ]
    return [rng.integers(0, 9, size).astype(dtype) for _ in range(shards)]


@pytest.mark.parametrize("shards", COUNTS)
def test_the_deal_is_even_and_in_a_row_and_its_subtrees_cover_it(shards):
    for world in range(1, shards + 1):
        dealt = [owned(rank, world, shards) for rank in range(world)]
        assert list(itertools.chain(*dealt)) == list(range(shards))
        assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
        assert min(map(len, dealt)) >= 1
        for own in dealt:
            nodes = subtrees(own, shards)
            assert [s for node in nodes for s in range(*node)] == list(own)
            assert len(nodes) <= 2 * shards.bit_length()


def test_the_tree_adds_neighbours_first():
    a, b, c, d, e = (np.float32(x) for x in (1e8, 1.0, -1e8, 1.0, 0.5))
    assert tree_sum_of([a, b, c, d, e]) == ((a + b) + (c + d)) + e
    assert [middle((0, n)) for n in (2, 3, 4, 5, 8, 9)] == [1, 2, 2, 4, 4, 8]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
@pytest.mark.parametrize("shards", COUNTS)
def test_any_number_of_ranks_gives_the_bits_of_the_tree(shards, dtype):
    arrays = leaves(shards, dtype)
    before = [array.copy() for array in arrays]
    wanted = tree_sum_of(arrays)
    for world in range(1, min(shards, 6) + 1):
        found = in_threads(
            world,
            shards,
            lambda comm: comm.tree_sum({s: arrays[s] for s in owned(comm.rank, comm.world, comm.shards)}),
        )
        assert all(each.dtype == dtype and each.tobytes() == wanted.tobytes() for each in found)
        found[0][:] = 0  # each rank's own
        assert all(each.tobytes() == wanted.tobytes() for each in found[1:])
    assert Alone(shards).tree_sum(dict(enumerate(arrays))).tobytes() == wanted.tobytes()
    assert all(np.array_equal(*pair) for pair in zip(arrays, before, strict=True))


def test_a_sum_by_rank_is_found_out():
    arrays = leaves(7, size=1000)
    wanted = tree_sum_of(arrays).tobytes()

    def job(comm):
        return ByRank(comm).tree_sum({s: arrays[s] for s in owned(comm.rank, comm.world, comm.shards)})

    assert [in_threads(world, 7, job)[0].tobytes() == wanted for world in (2, 4)] == [False, False]


def test_partial_sums_are_all_that_is_needed():
    arrays = leaves(11)
    told = {}
    for rank in range(4):
        told |= partial_sums({s: arrays[s] for s in owned(rank, 4, 11)}, 11)
    assert len(told) < 11
    assert meet(told, (0, 11)).tobytes() == tree_sum_of(arrays).tobytes()
    del told[next(iter(told))]
    with pytest.raises(CommunicationError, match="nobody gave the sum of shard 0"):
        meet(told, (0, 11))


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(SpecificationError, match=r"rank 0 owns the shards \[0, 1\], and gave \[0\]"):
        Alone(2).tree_sum({0: np.zeros(1)})
    with pytest.raises(SpecificationError, match="have one shape and dtype"):
        Alone(2).tree_sum({0: np.zeros(1), 1: np.zeros(2)})
    with pytest.raises(SpecificationError, match="several shapes or dtypes"):
        in_threads(2, 2, lambda comm: comm.tree_sum({comm.rank: np.zeros(1 + comm.rank)}))
    with pytest.raises(SpecificationError, match=r"2 shard\(s\) for 3 worker\(s\)"):
        in_threads(3, 2, lambda comm: None)


def test_a_rank_that_does_not_come_is_an_error_within_the_time_limit():
    company, said = Company(2, 2, 0.05), []

    def wait():
        try:
            Threads(company, 0).tree_sum({0: np.zeros(1)})
        except CommunicationError as error:
            said.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(30)
    assert said == ["rank 0 waited for the others in vain (at most 0.05 s)"]


def test_the_cause_is_raised_and_not_what_the_others_saw():
    def job(comm):
        if comm.rank == 1:
            raise ZeroDivisionError("here")
        comm.barrier()

    with pytest.raises(ZeroDivisionError, match="here"):
        in_threads(3, 3, job)


def examples(m, weighted):
    rng = np.random.default_rng(m)
    Y = np.eye(3)[rng.integers(0, 3, m)]
    weights = rng.random(m) * (rng.random(m) < 0.8) if weighted else None
    return rng.normal(size=(m, 5)), Y, weights


def ran(comm, optimizer, dtype, data, engine):
    X, Y, weights = data
    given = Examples(X.astype(dtype), Y.astype(dtype), weights)
    sharded = Sharded(engine_for(engine, NET, dtype=dtype, optimizer=optimizers[optimizer]), comm)
    theta, state = NET.initialize(0, dtype).flat, OptimizerState.fresh(NET, dtype)
    order = sharded.order(1, 0, len(X))
    stretch = sharded.run(
        theta, state, given, order, 0, 4, batch_size=len(X) // 4 + 1, rates=np.full(4, 0.05), seed=1
    )  # fmt: skip
    return theta.tobytes(), state.slots.tobytes(), stretch


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_engine_takes_the_same_steps_on_any_number_of_ranks(engine, dtype, weighted):
    for optimizer in STEPPING:
        for shards, m in ((5, 61), (7, 11)):  # 11 rows in batches of 3: shards without rows
            data = examples(m, weighted)
            wanted = ran(Alone(shards), optimizer, dtype, data, engine)
            assert np.isfinite(np.frombuffer(wanted[0], dtype)).all()
            for world in (2, 3, 4):
                found = in_threads(
                    world, shards, lambda comm, d=data, o=optimizer: ran(comm, o, dtype, d, engine)
                )
                assert found == [wanted] * world, (optimizer, shards, world)


def test_the_sum_of_shards_is_the_gradient_of_the_batch():
    X, Y, weights = examples(61, True)
    given = Examples(X, Y, weights)
    inner = engine_for("textbook", NET, dtype=np.float64)
    theta = NET.initialize(0, np.float64).flat
    loss, gradient = inner.gradient_sum(theta, X, Y, given.scale())
    for shards in (1, 4, 80):
        sharded = Sharded(inner, Alone(shards))
        found, parts = sharded.gradient_sum(theta, X, Y, given.scale())
        assert found == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(parts, gradient, rtol=1e-9, atol=1e-12)


def test_a_loss_that_is_not_finite_anywhere_is_known_everywhere():
    X, Y, _ = examples(8, False)
    theta = NET.initialize(0, np.float64).flat

    def job(comm, bad):
        sharded = Sharded(engine_for("textbook", NET, dtype=np.float64), comm)
        rows = X.copy()
        rows[:, 0] = 0.0
        rows[7, 0] = np.nan if bad else 0.0  # of shard 3
        own = slice(2 * sharded.own.start, 2 * sharded.own.stop)
        ends = [2 * (k + 1) for k in range(len(sharded.own))]
        return sharded.meeting(theta, OwnRows(rows[own], Y[own], np.full(8, 1 / 8)[own], ends))[2]

    assert in_threads(2, 4, lambda comm: job(comm, True)) == [False, False]
    assert in_threads(2, 4, lambda comm: job(comm, False)) == [True, True]


ENDS = {
    "even": [16, 32, 48, 61],
    "one": [61],
    "uneven, with nothing": [0, 1, 1, 40, 61, 61],
    "each row": list(range(1, 62)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("dropped", [False, True])
def test_gradients_of_parts_have_the_bits_that_each_has_alone(dtype, case, dropped):
    net = Network(5, [Dense(8, "tanh", dropout=0.3), Dense(6, "relu"), Dense(3, "softmax")])
    X, Y, _ = (None if each is None else each.astype(dtype) for each in examples(61, False))
    scale = np.random.default_rng(0).random(61).astype(dtype)
    theta, ends = net.initialize(0, dtype).flat, ENDS[case]
    masks = dropout_masks(net, 1, 0, np.arange(61)) if dropped else None
    for threads in (1, 2):
        engine, alone = (engine_for("compiled", net, dtype=dtype, threads=threads) for _ in range(2))
        out = np.full((len(ends), theta.size + 1), 7.0, dtype=dtype)
        losses = engine.gradient_sums(theta, X, Y, scale, ends, out, masks)
        assert (out[:, -1] == 7.0).all()
        for k, (first, last) in enumerate(pairwise((0, *ends))):
            rows = slice(first, last)
            held = None if masks is None else {l: mask[rows] for l, mask in masks.items()}
            wanted = (0.0, np.zeros_like(theta))
            if first < last:
                wanted = alone.gradient_sum(theta, X[rows], Y[rows], scale[rows], held)
            assert losses[k] == wanted[0]
            assert out[k, :-1].tobytes() == wanted[1].tobytes()
        again = engine.gradient_sum(theta, X, Y, scale, masks)  # the board is as it was
        assert again[1].tobytes() == alone.gradient_sum(theta, X, Y, scale, masks)[1].tobytes()
