"""The same bits on any number of threads, in any cut, and with any width of the CPU's vectors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import helpers, tasks
from clearprop.engines.compiled import Compiled
from clearprop.engines.examples import Examples, check_examples
from clearprop.engines.plan import block_rows, is_tall, unit_tasks
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.specification import Dense, Network
from networks import TRAINABLE

THREADS = (1, 2, 3, 4, 13)
WIDE = Network(50, [Dense(70, "relu"), Dense(33, "tanh", dropout=0.2), Dense(5, "softmax")], l2=0.01, l1=1e-4)
SMALL = Network(4, [Dense(9, "tanh"), Dense(3, cp.Maxout(2)), Dense(2)], loss="squared_error")
INPUTS_DROPPED = Network(
    20, [Dense(40, "gelu", bias=False), Dense(3, "sigmoid")], loss="binary_cross_entropy", input_dropout=0.3
)
NETWORKS = {"wide": WIDE, "small": SMALL, "inputs dropped": INPUTS_DROPPED}
STEPPING = [name for name, rule in optimizers.items() if rule.step]


def examples_for(network: Network, m: int, dtype: str, *, weighted: bool = False) -> Examples:
    rng = np.random.default_rng(m)
    X = rng.standard_normal((m, network.inputs))
    n = network.widths[-1]
    Y = rng.integers(0, n, m) if network.loss.name == "cross_entropy" else rng.random((m, n))
    return check_examples(network, X, Y, dtype, rng.random(m) if weighted else None)


def trained(
    network: Network,
    rule: Optimizer,
    dtype: str,
    threads: int | None,
    *,
    m: int = 300,
    batch: int = 64,
    **options: Any,
) -> tuple[bytes, ...]:
    """All that a run of two epochs brings, as bytes."""
    examples = examples_for(network, m, dtype, weighted=options.pop("weighted", False))
    engine = Compiled(network, dtype, rule, threads=threads)
    theta, state = network.initialize(3, dtype).flat, OptimizerState.fresh(network, dtype)
    steps, found = -(-m // batch), []
    trace = np.zeros((steps, 3))
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(m)
        stretch = engine.run(
            *(theta, state, examples, order, 0, steps),
            batch_size=batch,
            rates=np.full(steps, 0.01),
            seed=5,
            epoch=epoch,
            trace=trace,
            **options,
        )
        found += [repr((stretch.loss, stretch.weight)).encode(), trace.tobytes()]
    y_hat = engine.forward(theta, examples.X)
    value, judged = engine.evaluate(theta, examples.X, examples.Y, examples.scale())
    loss, gradient = engine.gradient_sum(theta, examples.X, examples.Y, examples.scale())
    assert (judged == y_hat).all()
    assert np.isfinite(y_hat).all()
    arrays = theta, state.slots, y_hat, gradient, np.array([value, loss])
    return (*found, *(array.tobytes() for array in arrays))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STEPPING)
def test_every_optimizer_has_the_same_bits_on_any_number_of_threads(name: str, dtype: str) -> None:
    rule = optimizers[name](0.01, clip_norm=0.1)
    alone = trained(WIDE, rule, dtype, 1)
    for threads in THREADS[1:]:
        assert trained(WIDE, rule, dtype, threads) == alone, threads


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", ["plain", "weighted", "divided", "one row", "whole"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_batch_has_the_same_bits_on_any_number_of_threads(
    name: str, case: str, dtype: str
) -> None:
    given: dict[str, Any] = {
        "plain": {},
        "weighted": {"weighted": True},
        "divided": {"divide_penalty": True, "weighted": True},
        "one row": {"m": 5, "batch": 1},
        "whole": {"m": 300, "batch": 300},
    }[case]
    rule = optimizers["adam"](0.01)
    alone = trained(NETWORKS[name], rule, dtype, 1, **given)
    for threads in (None, *THREADS[1:]):
        assert trained(NETWORKS[name], rule, dtype, threads, **given) == alone, threads


def test_a_tall_batch_has_the_same_bits_on_any_number_of_threads_and_the_textbooks_gradient() -> None:
    m = 4 * block_rows(SMALL, 8) + 100
    assert is_tall(SMALL, m, 8)
    assert not is_tall(WIDE, 300, 8)
    rule = optimizers["adam"](0.01)
    alone = trained(SMALL, rule, "float64", 1, m=m, batch=m)
    for threads in THREADS[1:]:
        assert trained(SMALL, rule, "float64", threads, m=m, batch=m) == alone, threads
    examples, theta = examples_for(SMALL, m, "float64"), SMALL.initialize(0)
    for threads in (1, 3):
        _, ours = Compiled(SMALL, "float64", threads=threads).gradient_sum(
            theta.flat, examples.X, examples.Y, examples.scale()
        )
        _, expected = cp.gradient(SMALL, theta, examples.X, examples.Y, engine="textbook")
        np.testing.assert_allclose(ours, expected.flat, rtol=1e-11, atol=1e-14)


def test_a_batch_that_does_not_fit_in_memory_at_once_has_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = optimizers["momentum"](0.01)
    whole = trained(WIDE, rule, "float32", 1, m=700, batch=350)
    monkeypatch.setattr("clearprop.engines.compiled.most_rows", lambda network, itemsize: 96)
    for threads in (1, 2):
        assert trained(WIDE, rule, "float32", threads, m=700, batch=350) == whole


@pytest.mark.parametrize("row", TRAINABLE, ids=lambda row: row.name)
def test_a_rows_numbers_do_not_depend_on_its_company(row: AnyActivation) -> None:
    network = Network(37, [Dense(40, row), Dense(5, "softmax")])
    theta = network.initialize(1, "float32")
    X = np.random.default_rng(0).standard_normal((67, network.inputs)).astype("float32")
    engine, answer = Compiled(network, "float32"), cp.Model(network, theta).compiled()
    together = engine.forward(theta.flat, X)
    assert np.isfinite(together).all()
    for i in (0, 13, 66):
        assert (engine.forward(theta.flat, X[i : i + 1])[0] == together[i]).all()
        assert (answer(X[i]) == together[i]).all()


def test_a_function_of_rows_keeps_its_parameters_and_its_answers() -> None:
    model = cp.Model(SMALL, SMALL.initialize(0))
    row, X = model.compiled(), np.arange(8.0).reshape(2, 4)
    expected = model.predict(X)
    model.theta.flat[:] = 0
    first, second = row(X[0]), row(list(X[1]))
    assert (np.array([first, second]) == expected).all()
    with pytest.raises(ValueError, match="broadcast"):
        row(np.ones(3))


def test_overlapping_fits_with_helpers_do_not_disturb_each_other() -> None:
    rule = optimizers["adam"](0.01)
    alone = trained(WIDE, rule, "float32", 1)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: trained(WIDE, rule, "float32", 3), range(12)))
    assert found == [alone] * 12


def test_helpers_that_never_come_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = optimizers["adam"](0.01)
    alone = trained(WIDE, rule, "float32", 1)
    monkeypatch.setattr(helpers._Helper, "run", lambda self: None)
    monkeypatch.setattr(helpers, "_pool", helpers._Pool())
    assert trained(WIDE, rule, "float32", 4) == alone


def test_a_helper_that_fell_asleep_comes_again() -> None:
    rule = optimizers["adam"](0.01)
    alone = trained(WIDE, rule, "float32", 1)
    for pause in (0.0, 0.3, 0.0):
        time.sleep(pause)
        assert trained(WIDE, rule, "float32", 2) == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_helpers_of_its_own() -> None:
    rule = optimizers["adam"](0.01)
    expected = trained(WIDE, rule, "float32", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is what is tested
        child = os.fork()
    if child == 0:
        os._exit(0 if trained(WIDE, rule, "float32", 3) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_task_that_is_cut_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = optimizers["adam"](0.01)
    alone = trained(WIDE, rule, "float32", 1)

    def overlapping(network: Network, itemsize: int, threads: int) -> Any:
        found = unit_tasks(network, itemsize, threads)
        return np.concatenate([found, found[:1]]) if threads > 1 else found

    monkeypatch.setattr("clearprop.engines.compiled.unit_tasks", overlapping)
    assert trained(WIDE, rule, "float32", 2) != alone


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2", 10**6])
def test_threads_are_a_whole_number(threads: Any) -> None:
    with pytest.raises(SpecificationError, match="threads is a whole number from 1 to 256"):
        cp.train(SMALL, np.ones((4, 4)), np.ones((4, 2)), threads=threads, progress=False)


def test_small_work_stays_on_one_thread_and_large_work_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert helpers.threads_for(None, 1e5) == 1
    assert helpers.threads_for(None, 1e9) == 3
    assert helpers.threads_for(2, 1e5) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert helpers.usable_cores() >= 1


def test_kernels_are_never_given_what_they_would_misread() -> None:
    work = tasks.Work.empty(1, np.dtype("float32"))
    with pytest.raises(TypeError, match="theta is float64"):
        work.point({"theta": np.zeros(3)})
    with pytest.raises(TypeError, match="kernels read int64"):
        work.point({"order": np.zeros(6, np.int64)[::2]})


DIGEST = """
import hashlib, numpy as np, clearprop as cp
rng = np.random.default_rng(0)
X, y = rng.standard_normal((500, 33)), rng.integers(0, 3, 500)
layers = [cp.Dense(45, "tanh"), cp.Dense(20, "elu", dropout=0.2), cp.Dense(3, "softmax")]
found = hashlib.sha256()
for dtype in ("float32", "float64"):
    model = cp.train(cp.Network(33, layers), X, y, dtype=dtype, epochs=3, progress=False)
    found.update(model.theta.flat.tobytes() + model.predict(X).tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
def test_vectors_of_another_width_give_the_same_bits(tmp_path: Path) -> None:
    """Narrower vectors of the same kind of CPU: other tiles, the same chains of sums."""
    found = []
    for name, features in ((None, None), ("haswell", "+avx,+avx2,+fma,+bmi,+bmi2")):
        environment = {**os.environ, "CLEARPROP_CACHE_DIR": str(tmp_path)}
        if name:
            environment |= {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": str(features)}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.strip())
    assert found[0] == found[1]
