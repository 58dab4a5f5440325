"""What only the compiled engine promises: bits that depend on the example alone, and good manners."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import clearprop as cp
from clearprop.blas import one_blas_thread
from clearprop.engines import engine_for, gradient
from clearprop.engines.compiled import Compiled
from clearprop.engines.examples import Examples, check_examples
from clearprop.engines.plan import block_rows
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network, Parameters
from networks import ENGINES, TRAINABLE


def some_network(dropout: float = 0.0) -> Network:
    return Network(7, [Dense(33, "tanh", dropout=dropout), Dense(12, "gelu"), Dense(3, "softmax")])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rows_prediction_has_the_same_bits_alone_and_in_any_company(dtype: str) -> None:
    network = some_network()
    engine = Compiled(network, dtype)
    theta = network.initialize(seed=1, dtype=dtype).flat
    X = np.random.default_rng(0).standard_normal((1100, 7)).astype(dtype)
    together = engine.forward(theta, X)
    for first, last in ((0, 1), (5, 6), (3, 90), (0, 1099), (1000, 1100), (257, 258)):
        alone = engine.forward(theta, np.ascontiguousarray(X[first:last]))
        assert (alone == together[first:last]).all(), (first, last)


@pytest.mark.parametrize("m", [255, 256, 257, 5000])
def test_a_batch_of_many_blocks_has_the_textbooks_gradient(m: int) -> None:
    network = some_network(dropout=0.3)
    assert block_rows(network, 8) < 5000
    theta = network.initialize(seed=0)
    generator = np.random.default_rng(m)
    X, y = generator.standard_normal((m, 7)), generator.integers(0, 3, m)
    masks = {1: generator.random((m, 33)) > 0.3}
    weights = generator.random(m)
    (loss, ours), (expected, reference) = (
        cp.gradient(network, theta, X, y, engine=engine, masks=masks, sample_weight=weights)
        for engine in ("compiled", "textbook")
    )
    assert loss == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(ours.flat, reference.flat, rtol=1e-11, atol=1e-15)


def test_blocks_depend_on_the_network_alone() -> None:
    small, large = Network(4, [Dense(3)]), Network(784, [Dense(2048, "relu"), Dense(10, "softmax")])
    assert block_rows(small, 4) > block_rows(large, 4) >= 256
    assert block_rows(small, 8) <= block_rows(small, 4)


def test_arrays_that_cannot_be_written_or_are_strided_are_taken() -> None:
    network = some_network()
    theta = network.initialize(seed=0)
    X = np.random.default_rng(0).standard_normal((20, 14))
    frozen = X[:, ::2].copy()
    frozen.flags.writeable = False
    expected = cp.forward(network, theta, X[:, ::2].copy())
    assert (cp.forward(network, theta, frozen) == expected).all()
    assert (cp.forward(network, theta, X[:, ::2]) == expected).all()
    assert (cp.forward(network, theta, np.asfortranarray(X)[:, ::2]) == expected).all()


def test_the_gradient_given_to_update_is_left_as_it_was() -> None:
    network = Network(3, [Dense(2)], l2=0.5, l1=0.1)
    engine = Compiled(network, "float64", optimizers["adam"](0.1, clip_norm=0.01))
    gradient = np.arange(8.0)
    engine.update(network.initialize(0).flat, gradient, OptimizerState.fresh(network, "float64"), 0.1)
    assert (gradient == np.arange(8.0)).all()


@pytest.mark.parametrize("bad", [np.inf, 1e300])
def test_the_first_batch_whose_loss_is_not_finite_is_named_and_nothing_after_it_is_done(bad: float) -> None:
    network = Network(2, [Dense(3, "relu"), Dense(1)])
    examples = check_examples(network, np.ones((40, 2)), np.ones(40), "float64")
    examples.X[25] = bad
    engine = Compiled(network, "float64", optimizers["sgd"](1e-9))
    theta, state = network.initialize(0).flat, OptimizerState.fresh(network, "float64")
    with np.errstate(all="ignore"):
        stretch = engine.run(
            theta, state, examples, np.arange(40), 0, 4, batch_size=10, rates=np.full(4, 1e-9)
        )
    assert stretch.failed == 2
    assert state.t == 2
    assert np.isfinite(theta).all()


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_overlapping_computations_share_one_limit_and_the_last_lifts_it() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            with one_blas_thread():
                assert set(blas_threads()) == {1}
            assert set(blas_threads()) == {1}
        assert blas_threads() == before


def test_a_thread_limits_blas_though_another_that_did_so_before_still_lives() -> None:
    asked, answer = threading.Event(), threading.Event()
    seen = []

    def first() -> None:
        with one_blas_thread():
            pass
        asked.set()
        answer.wait(10)

    def second() -> None:
        asked.wait(10)
        with one_blas_thread():
            seen.append(set(blas_threads()))
        seen.append(set(blas_threads()))
        answer.set()

    with threadpool_limits(2, user_api="blas"):
        threads = [threading.Thread(target=each) for each in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [{1}, {2}]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("divide_penalty", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_traces_its_batches(engine: str, divide_penalty: bool, weighted: bool) -> None:
    network = Network(3, [Dense(4, "tanh"), Dense(1)], loss="squared_error", l1=0.01, l2=0.1)
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(25, 3)), rng.normal(size=(25, 1))
    weights = np.concatenate((rng.uniform(0, 2, 10), np.zeros(10), np.ones(5))) if weighted else None
    examples, order = Examples(X, Y, weights), np.arange(25)
    computing = engine_for(engine, network, dtype="float64", optimizer=optimizers["adam"](0.01))
    results = []
    for run in (computing.run, functools.partial(Engine.run, computing)):
        theta, state = network.initialize(0).flat.copy(), OptimizerState.fresh(network, "float64")
        trace = np.zeros((3, 3))
        rates = np.full(3, 0.01)
        given = {"batch_size": 10, "rates": rates, "divide_penalty": divide_penalty, "trace": trace}
        run(theta, state, examples, order, 0, 3, **given)
        results.append((theta, trace, state.t))
    assert np.array_equal(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-14)
    assert results[0][2] == results[1][2] == 3
    start, trace = network.initialize(0), results[0][1]
    plain = Network(3, network.layers, loss="squared_error")
    loss, _ = gradient(
        plain,
        Parameters(plain, start.flat),
        X[:10],
        Y[:10],
        sample_weight=None if weights is None else weights[:10],
    )
    total = 10.0 if weights is None else weights[:10].sum()
    P = sum(0.05 * (W**2).sum() + 0.01 * np.abs(W).sum() for W in start.W.values())
    np.testing.assert_allclose(trace[0], [loss, P / total if divide_penalty else P, total], rtol=1e-12)
    if weighted and divide_penalty:
        assert not trace[1].any()  # a batch without weight
    assert trace[2, 2] == 5


def test_runs_in_several_threads_at_once_have_the_bits_of_one_alone() -> None:
    network = some_network(dropout=0.2)
    generator = np.random.default_rng(0)
    examples = check_examples(
        network, generator.standard_normal((600, 7)), generator.integers(0, 3, 600), "float32"
    )

    def trained() -> np.ndarray:
        engine = Compiled(network, "float32", optimizers["adam"](0.01))
        theta, state = network.initialize(0, "float32").flat, OptimizerState.fresh(network, "float32")
        for epoch in range(20):
            engine.run(
                theta,
                state,
                examples,
                np.arange(600),
                0,
                10,
                batch_size=60,
                rates=np.full(10, 0.01),
                epoch=epoch,
            )
        return theta

    alone = trained()
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(trained())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all((result == alone).all() for result in results)


@pytest.mark.parametrize("m", [3, 5000])
def test_nothing_is_dropped_outside_training(m: int) -> None:
    network = Network(7, some_network(dropout=0.3).layers, input_dropout=0.2)
    theta = network.initialize(0)
    generator = np.random.default_rng(m)
    X, y = generator.standard_normal((m, 7)), generator.integers(0, 3, m)
    y_hat, reference = (cp.forward(network, theta, X, engine=engine) for engine in ("compiled", "textbook"))
    np.testing.assert_allclose(y_hat, reference, rtol=1e-12)
    (loss, ours), (expected, flat) = (
        cp.gradient(network, theta, X, y, engine=engine) for engine in ("compiled", "textbook")
    )
    assert loss == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(ours.flat, flat.flat, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
@pytest.mark.parametrize("m", [3, 5000])
def test_evaluate_gives_the_loss_of_the_gradient_and_the_outputs_of_forward(engine: str, m: int) -> None:
    network = some_network(dropout=0.3)
    theta = network.initialize(0).flat
    generator = np.random.default_rng(0)
    examples = check_examples(
        network,
        generator.standard_normal((m, 7)),
        generator.integers(0, 3, m),
        "float64",
        generator.random(m),
    )
    computing = engine_for(engine, network, dtype="float64")
    loss, y_hat = computing.evaluate(theta, examples.X, examples.Y, examples.scale())
    expected, _ = computing.gradient_sum(theta, examples.X, examples.Y, examples.scale())
    assert loss == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(y_hat, computing.forward(theta, examples.X), rtol=1e-13)


@pytest.mark.parametrize("row", TRAINABLE, ids=lambda row: row.name)
def test_a_nan_is_never_turned_into_a_number(row: AnyActivation) -> None:
    """Else training would go on with parameters that are no numbers."""
    network = Network(1, [Dense(2, row)])
    theta = np.array([1.0] * network.n_parameters)
    for position in range(network.layers[0].rows):
        broken = theta.copy()
        broken[position] = np.nan
        for engine in ("compiled", "textbook"):
            y_hat = engine_for(engine, network, dtype="float64").forward(broken, np.ones((300, 1)))
            assert np.isnan(y_hat).any(axis=1).all(), engine


@pytest.mark.parametrize("loss", losses.values(), ids=losses)
def test_a_nan_among_the_outputs_is_a_nan_in_the_loss(loss: Loss) -> None:
    network = Network(1, [Dense(3, loss.link)], loss=loss)
    theta = np.ones(network.n_parameters)
    theta[1] = np.nan
    Y = np.array([[0.0, 1.0, 0.0]] * 2) if loss.targets != "signs" else np.array([[-1.0, 1.0, -1.0]] * 2)
    for engine in ("compiled", "textbook"):
        computing = engine_for(engine, network, dtype="float64")
        value, _ = computing.gradient_sum(theta, np.ones((2, 1)), Y, np.full(2, 0.5))
        assert np.isnan(value), engine
