"""Data are not copied: rows held out leave the others where they are, checks look at blocks."""

from __future__ import annotations

import functools
import importlib.util
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from clearprop.engines.examples import BLOCK, check_inputs, check_targets
from clearprop.errors import DataError
from clearprop.specification import Dense, Network
from clearprop.training import launch, train
from clearprop.training.run import digest
from clearprop.training.validation import prepare

spec = importlib.util.spec_from_file_location(
    "benchmarks_memory", Path(__file__).parents[2] / "benchmarks/memory.py"
)
memory = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = memory  # where dataclasses look for it
spec.loader.exec_module(memory)

ROWS = 30_000
NETWORK = Network(40, [Dense(3, "tanh"), Dense(3, "softmax")])


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    return generator.standard_normal((ROWS, 40), dtype=np.float32), generator.integers(0, 3, ROWS)


def peak_of(function, *arguments, **options):
    """Bytes that were allocated at most at one time, and what was returned."""
    tracemalloc.start()
    try:
        found = function(*arguments, **options)
        return tracemalloc.get_traced_memory()[1], found
    finally:
        tracemalloc.stop()


def test_inputs_of_the_engines_type_are_not_copied(data):
    peak, checked = peak_of(check_inputs, NETWORK, data[0], np.float32)
    assert checked is data[0]
    assert peak < 0.01 * data[0].nbytes


def test_inputs_of_another_type_are_converted_without_a_temporary(data):
    peak, checked = peak_of(check_inputs, NETWORK, data[0].astype(np.float64), np.float32)
    assert np.array_equal(checked, data[0])
    assert peak < 1.01 * checked.nbytes


def test_a_sum_that_overflows_makes_no_mask_of_the_whole(data):
    huge = np.full_like(data[0], 3e38)
    peak, checked = peak_of(check_inputs, NETWORK, huge, np.float32)
    assert checked is huge
    assert peak < 0.2 * huge.nbytes


@pytest.mark.parametrize("row", [0, BLOCK - 1, BLOCK, ROWS - 1])
def test_a_number_that_is_not_finite_is_found_in_any_block(data, row):
    X = data[0].copy()
    X[row, 7] = np.inf
    with pytest.raises(DataError, match=rf"X has inf at row {row}, column 7"):
        check_inputs(NETWORK, X, np.float32)


def test_classes_become_columns_of_the_engines_type_at_once(data):
    peak, Y = peak_of(check_targets, NETWORK, data[1], ROWS, np.float32)
    assert np.array_equal(Y, np.eye(3)[data[1]])
    assert peak < Y.nbytes + 20 * ROWS


def test_a_digest_of_rows_is_that_of_their_copy(data):
    rows = np.arange(1, ROWS, 2)
    assert digest(data[0][rows], data[1][rows], None) == digest(*data, None, rows=rows)
    assert digest(data[0], None, rows=rows) != digest(data[0], None, rows=rows - 1)


SETTINGS = {
    "plain": {},
    "weights of classes": {"class_weight": {0: 2.0, 1: 0.5}},
    "balanced": {"class_weight": "balanced"},
    "weighted": {"sample_weight": np.linspace(0.1, 1, ROWS), "class_weight": "balanced"},
    "smoothed": {"label_smoothing": 0.2},
    "in order": {"shuffle": False},
    "textbook": {"engine": "textbook"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_rows_held_out_in_place_give_the_bits_of_rows_copied(data, settings, monkeypatch):
    common = {"validation": 0.1, "batch_size": 256, "epochs": 2, "progress": False}
    left, in_place = [], []

    def noting(*arguments, force, **options):
        in_place.append(options["in_place"])
        return prepare(*arguments, **{**options, "in_place": force and options["in_place"]})

    for force in (True, False):
        monkeypatch.setattr(launch, "prepare", functools.partial(noting, force=force))
        run = train(NETWORK, *data, **common, **settings)
        sample = run.sample.training
        left.append((run.record.to_dict(), run.theta.flat.tobytes(), sample.X.tobytes(), sample.Y.tobytes()))
        history = {name: values for name, values in run.history.items() if name != "seconds"}
        left[-1] += (history,)
    assert in_place == [True, True]
    assert left[0] == left[1]


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        (Network(40, [Dense(3, "tanh", dropout=0.5), Dense(3, "softmax")]), {}),
        (NETWORK, {"optimizer": "lbfgs"}),
        (NETWORK, {"stop_gradient_norm": 1e-9}),
    ],
    ids=["dropout", "lbfgs", "gradient norm"],
)
def test_runs_that_number_or_sum_all_rows_take_a_copy(data, network, settings, monkeypatch):
    asked = []

    def noting(*arguments, **options):
        asked.append(options["in_place"])
        return prepare(*arguments, **options)

    monkeypatch.setattr(launch, "prepare", noting)
    train(network, *data, validation=0.1, batch_size=256, epochs=1, progress=False, **settings)
    assert asked == [False]


def test_holding_rows_out_in_place_copies_only_those(data):
    given = {"seed": 0, "sample_weight": None, "class_weight": None, "label_smoothing": 0.0}
    for in_place, most in ((True, 0.6), (False, 1.6)):
        peak, found = peak_of(prepare, NETWORK, *data, np.float32, validation=0.1, in_place=in_place, **given)
        assert len(found) == ROWS * 9 // 10
        assert (most - 0.6) * data[0].nbytes < peak < most * data[0].nbytes


@pytest.mark.slow
@pytest.mark.parametrize("case", memory.CASES.values(), ids=memory.CASES)
def test_peak_memory_stays_within_its_bound(case):
    size, above = memory.measure(case, 200)
    assert size == pytest.approx(200, rel=0.01)
    assert size < above <= case.times * size + memory.SLACK


@pytest.mark.slow
def test_copies_are_seen():
    size, above = memory.measure(memory.Case("return [X + 1, X + 2, X + 3]"), 200)
    assert above > 1.1 * size + memory.SLACK
