"""Whole trajectories: textbook against compiled, and the fused run against the composed one."""

import itertools

import numpy as np
import pytest

from clearprop.engines import engine_for
from clearprop.engines.examples import check_examples
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.formulas.activations import activations
from clearprop.formulas.optimizers import optimizers
from clearprop.formulas.schedules import schedules
from clearprop.specification import Dense, Network
from networks import ENGINES, targets_for

STEPPING = [rule for rule in optimizers.values() if rule.step]
#: a schedule for each optimizer, in turn
RATES = {
    rule.name: schedule
    for rule, schedule in zip(
        STEPPING, [s for s in schedules.values() if s.name != "reduce_on_plateau"] * 2, strict=False
    )
}
RULE = pytest.mark.parametrize("rule", STEPPING, ids=lambda rule: rule.name)
ENGINE = pytest.mark.parametrize("engine", ENGINES)
DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])

NETWORKS = {
    "plain": Network(5, [Dense(7, "tanh"), Dense(3, "softmax")]),
    "penalties": Network(
        5, [Dense(6, "gelu", bias=False), Dense(4, "softplus"), Dense(2)], loss="huber", l1=0.003, l2=0.02
    ),
    "dropout": Network(
        5,
        [Dense(9, "silu", dropout=0.3), Dense(6, activations["maxout"](3), dropout=0.5), Dense(2, "sigmoid")],
        l2=0.01,
        input_dropout=0.1,
    ),
    "no hidden layer": Network(5, [Dense(3, "softmax")], loss="kl_divergence", l2=0.01),
}
BATCH, EPOCHS = 8, 5


def data_for(network, dtype, m=77, weights=True):
    """77 examples are nine batches of 8 and a tail of 5."""
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(m, network.inputs)), targets_for(network.loss, m, network.output.units, rng)
    return check_examples(network, X, Y, dtype, rng.uniform(0, 2, m) if weights else None)


def trajectory(run, network, rule, dtype, cuts=(), weights=True, schedule=None):
    """Theta, slots and the sums of each epoch after EPOCHS epochs; batches cut into calls at `cuts`."""
    theta = network.initialize(seed=3, dtype=dtype).flat
    state, examples = OptimizerState.fresh(network, dtype), data_for(network, dtype, weights=weights)
    n_batches = -(-len(examples) // BATCH)
    sums = []
    for epoch in range(EPOCHS):
        order = np.random.default_rng([5, epoch]).permutation(len(examples))
        edges = [0, *cuts, n_batches]
        for first, last in itertools.pairwise(edges):
            start = epoch * n_batches
            rates = (schedule or rule.learning_rate).rates(
                start + first, start + last, steps=EPOCHS * n_batches, steps_per_epoch=n_batches
            )
            stretch = run(
                theta, state, examples, order, first, last,
                batch_size=BATCH, rates=rates, seed=11, epoch=epoch,
            )  # fmt: skip
            assert stretch.failed == -1
            sums.append((stretch.loss, stretch.weight))
    assert state.t == EPOCHS * n_batches
    return theta, state.slots, sums


def composed(engine):
    """The default run: forward and backward, then the update, batch by batch."""
    return lambda *args, **kwargs: Engine.run(engine, *args, **kwargs)


def settings(rule, **given):
    return rule(RATES[rule.name](0.02), **given)


@pytest.mark.parametrize("name", NETWORKS)
@RULE
@DTYPE
def test_compiled_follows_the_textbook(rule, name, dtype):
    """50 steps with weights, clipping, decay, a schedule and whatever the network adds."""
    network = NETWORKS[name]
    rule = settings(rule, clip_norm=0.8, weight_decay=0.01)
    engines = [engine_for(name, network, dtype=dtype, optimizer=rule) for name in ("textbook", "compiled")]
    oracle, found = (trajectory(engine.run, network, rule, dtype) for engine in engines)
    # Adagrad and Adam divide by |g| at first, so that rounding of a tiny gradient is not tiny afterwards
    tolerance = 1e-9 if dtype == "float64" else 5e-3
    assert np.abs(found[0] - oracle[0]).max() <= tolerance * np.abs(oracle[0]).max()
    np.testing.assert_allclose(np.array(found[2]), np.array(oracle[2]), rtol=tolerance)


@RULE
@DTYPE
@ENGINE
@pytest.mark.parametrize("name", NETWORKS)
def test_fused_run_has_the_bits_of_the_composed(rule, dtype, engine, name):
    network = NETWORKS[name]
    rule = settings(rule, clip_norm=0.8, weight_decay=0.01)
    computing = engine_for(engine, network, dtype=dtype, optimizer=rule)
    fused = trajectory(computing.run, network, rule, dtype)
    whole = trajectory(composed(computing), network, rule, dtype)
    np.testing.assert_array_equal(fused[0], whole[0])
    np.testing.assert_array_equal(fused[1], whole[1])
    assert fused[2] == whole[2]


@RULE
@DTYPE
@ENGINE
def test_bits_do_not_depend_on_the_cut_into_calls(rule, dtype, engine):
    network = NETWORKS["dropout"]
    rule = settings(rule)
    for weights in (True, False):
        runs = []
        for cuts in ((), (1,), (3, 4, 9), tuple(range(1, 10))):
            computing = engine_for(engine, network, dtype=dtype, optimizer=rule)
            runs.append(trajectory(computing.run, network, rule, dtype, cuts, weights))
        for theta, slots, _ in runs[1:]:
            np.testing.assert_array_equal(theta, runs[0][0])
            np.testing.assert_array_equal(slots, runs[0][1])


@RULE
@ENGINE
def test_without_clipping_decay_and_weights(rule, engine):
    """The other branches, fused against composed again."""
    network = NETWORKS["plain"]
    rule = settings(rule, weight_decay=0.0)
    computing = engine_for(engine, network, dtype="float32", optimizer=rule)
    fused = trajectory(computing.run, network, rule, "float32", weights=False)
    whole = trajectory(composed(computing), network, rule, "float32", weights=False)
    np.testing.assert_array_equal(fused[0], whole[0])
    assert fused[2] == whole[2]


@ENGINE
@DTYPE
@pytest.mark.parametrize("name", [name for name in schedules if name != "reduce_on_plateau"])
def test_every_schedule(name, dtype, engine):
    network, rule = NETWORKS["plain"], optimizers["momentum"]
    computing = engine_for(engine, network, dtype=dtype, optimizer=rule)
    found = trajectory(computing.run, network, rule, dtype, schedule=schedules[name](0.05))
    oracle = engine_for("textbook", network, dtype="float64", optimizer=rule)
    exact = trajectory(oracle.run, network, rule, "float64", schedule=schedules[name](0.05))
    tolerance = 1e-10 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(found[0], exact[0], atol=tolerance)


@ENGINE
@DTYPE
def test_state_is_the_callers(engine, dtype):
    """Two engines of one network, or one engine of two runs, share nothing."""
    network = NETWORKS["dropout"]
    rule = settings(optimizers["adam"])
    computing = engine_for(engine, network, dtype=dtype, optimizer=rule)
    first = trajectory(computing.run, network, rule, dtype)
    again = trajectory(computing.run, network, rule, dtype)
    fresh = trajectory(engine_for(engine, network, dtype=dtype, optimizer=rule).run, network, rule, dtype)
    for other in (again, fresh):
        np.testing.assert_array_equal(other[0], first[0])


@ENGINE
@DTYPE
def test_a_failed_batch_updates_nothing(engine, dtype):
    network = Network(1, [Dense(1, bias=False)], loss="squared_error")
    rule = optimizers["sgd"](0.1)
    computing = engine_for(engine, network, dtype=dtype, optimizer=rule)
    huge = np.finfo(dtype).max ** 0.75
    examples = check_examples(network, [[1.0], [1.0], [huge], [1.0]], [1.0] * 4, dtype)
    theta, state = np.zeros(1, dtype), OptimizerState.fresh(network, dtype)
    theta[0] = 0.5
    arguments = (examples, np.arange(4), 0, 4)
    stretch = computing.run(theta, state, *arguments, batch_size=1, rates=np.full(4, 0.1))
    assert stretch.failed == 2
    assert state.t == 2
    assert stretch.weight == 2.0
    assert theta[0] == pytest.approx(1 - 0.5 * 0.8**2)


@ENGINE
@DTYPE
def test_an_update_leaves_the_gradient(engine, dtype):
    network = NETWORKS["penalties"]
    computing = engine_for(engine, network, dtype=dtype, optimizer=optimizers["adam"](clip_norm=0.1))
    theta, state = network.initialize(0, dtype).flat, OptimizerState.fresh(network, dtype)
    gradient = np.linspace(-1, 1, theta.size).astype(dtype)
    before = gradient.copy()
    computing.update(theta, gradient, state, 0.01)
    np.testing.assert_array_equal(gradient, before)
    assert state.t == 1


@ENGINE
@DTYPE
def test_a_batch_of_weight_0_moves_nothing_under_sgd(engine, dtype):
    network = Network(2, [Dense(2, "softmax")])
    examples = check_examples(network, np.eye(2), [0, 1], dtype, [1.0, 0.0])
    computing = engine_for(engine, network, dtype=dtype, optimizer=optimizers["sgd"])
    theta, state = network.initialize(0, dtype).flat, OptimizerState.fresh(network, dtype)
    before = theta.copy()
    stretch = computing.run(theta, state, examples, np.array([1, 0]), 0, 1, batch_size=1, rates=np.ones(1))
    np.testing.assert_array_equal(theta, before)
    assert (stretch.weight, stretch.loss, stretch.failed) == (0.0, 0.0, -1)


@ENGINE
@DTYPE
def test_a_row_has_the_same_prediction_in_any_company(engine, dtype):
    if engine == "textbook":
        pytest.skip("NumPy's product of one row differs from the same row in a batch")
    for network in NETWORKS.values():
        computing = engine_for(engine, network, dtype=dtype)
        theta = network.initialize(0, dtype).flat
        X = np.random.default_rng(0).normal(size=(300, 5)).astype(dtype)
        together = computing.forward(theta, X)
        for m in (1, 2, 7, 64, 299):
            np.testing.assert_array_equal(computing.forward(theta, X[:m]), together[:m])
            np.testing.assert_array_equal(computing.forward(theta, X[-m:].copy()), together[-m:])


@ENGINE
@DTYPE
def test_a_batch_of_many_blocks(engine, dtype):
    """More rows than fit a block of the compiled engine, full batch."""
    network = Network(4, [Dense(32, "tanh"), Dense(16, "relu"), Dense(4)], loss="squared_error")
    rng = np.random.default_rng(0)
    examples = check_examples(network, rng.normal(size=(5000, 4)), rng.normal(size=(5000, 4)), dtype)
    theta = network.initialize(0, dtype).flat
    loss, found = engine_for(engine, network, dtype=dtype).gradient_sum(
        theta, examples.X, examples.Y, examples.scale()
    )
    exact = check_examples(network, examples.X, examples.Y, "float64")
    oracle = engine_for("textbook", network, dtype="float64")
    value, gradient = oracle.gradient_sum(theta.astype("float64"), exact.X, exact.Y, exact.scale())
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    assert loss == pytest.approx(value, rel=tolerance)
    np.testing.assert_allclose(found, gradient, atol=tolerance * np.abs(gradient).max())
