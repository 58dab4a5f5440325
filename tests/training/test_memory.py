"""Data are not copied: rows held out leave the others where they are, checks look at blocks."""

from __future__ import annotations

import functools
import importlib.util
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop import MLPClassifier, MLPRegressor
from clearprop.engines import examples
from clearprop.engines.examples import BLOCK, check_inputs, check_targets
from clearprop.errors import DataError
from clearprop.estimators import multilayer
from clearprop.estimators.holding_out import held_out_rows
from clearprop.formulas.losses import losses
from clearprop.glassbox import verbs
from clearprop.metrics import scores_of
from clearprop.specification import Dense, Network
from clearprop.training import launch, train, validation
from clearprop.training.run import digest
from clearprop.training.validation import hold_out, prepare

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
    "L-BFGS": {"optimizer": "lbfgs", "sample_weight": np.linspace(0.1, 1, ROWS)},
    "gradient norm": {"stop_gradient_norm": 1e-9, "class_weight": "balanced"},
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


def test_dropout_which_numbers_the_rows_takes_a_copy(data, monkeypatch):
    asked = []

    def noting(*arguments, **options):
        asked.append(options["in_place"])
        return prepare(*arguments, **options)

    monkeypatch.setattr(launch, "prepare", noting)
    network = Network(40, [Dense(3, "tanh", dropout=0.5), Dense(3, "softmax")])
    train(network, *data, validation=0.1, batch_size=256, epochs=1, progress=False)
    assert asked == [False]


def test_holding_rows_out_in_place_copies_only_those(data):
    given = {"seed": 0, "sample_weight": None, "class_weight": None, "label_smoothing": 0.0}
    for in_place, most in ((True, 0.6), (False, 1.6)):
        peak, found = peak_of(prepare, NETWORK, *data, np.float32, validation=0.1, in_place=in_place, **given)
        assert len(found) == ROWS * 9 // 10
        assert (most - 0.6) * data[0].nbytes < peak < most * data[0].nbytes


WIDE = Network(200, [Dense(4, "relu"), Dense(2, "softmax")])
ONCE = {"batch_size": 1024, "epochs": 2, "progress": False}
FIT = {"batch_size": 1024, "max_iter": 2, "tol": 0.0, "random_state": 0}


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """48 MB in one array, in each of the ways in which it may come."""
    X = np.random.default_rng(0).standard_normal((60_000, 200), dtype=np.float32)
    file = tmp_path_factory.mktemp("memory") / "X.npy"
    np.save(file, X)
    mapped = np.load(file, mmap_mode="r")
    columns, double = np.asfortranarray(X), X.astype(np.float64)
    return {"X": X, "mapped": mapped, "columns": columns, "double": double, "y": (X[:, 0] > 0).astype(int)}


def model():
    return cp.Model(WIDE, WIDE.initialize(0, np.float32))


def fitted(given, kind=MLPClassifier):
    return kind(hidden_layer_sizes=(4,), **FIT).fit(given["X"][:2000], given["y"][:2000])


def seeds(given, X, **settings):
    jobs = [{"seed": k} for k in range(3)]
    return cp.train_many(jobs, network=WIDE, X=X, Y=given["y"], threads=3, **ONCE, **settings)


#: what is done, and how many arrays of X's size are made on the way (a tenth of one: rows held out)
DOINGS = {
    "train": (lambda g: train(WIDE, g["X"], g["y"], **ONCE), 0),
    "train, mapped": (lambda g: train(WIDE, g["mapped"], g["y"], **ONCE), 0),
    "train, weights": (lambda g: train(WIDE, g["X"], g["y"], sample_weight=np.ones(len(g["y"])), **ONCE), 0),
    "train, in columns": (lambda g: train(WIDE, g["columns"], g["y"], **ONCE), 1),
    "train, converted": (lambda g: train(WIDE, g["double"], g["y"], dtype="float32", **ONCE), 1),
    "train, validation": (lambda g: train(WIDE, g["X"], g["y"], validation=0.1, **ONCE), 0.1),
    "train, L-BFGS": (
        lambda g: train(WIDE, g["X"], g["y"], validation=0.1, **{**ONCE, "optimizer": "lbfgs"}),
        0.1,
    ),
    "train_many": (lambda g: seeds(g, g["X"]), 0),
    "train_many, converted": (lambda g: seeds(g, g["double"], dtype="float32"), 1),
    "evaluate": (lambda g: model().evaluate(g["X"], g["y"]), 0),
    "evaluate, mapped, weights": (lambda g: model().evaluate(g["mapped"], g["y"], np.ones(len(g["y"]))), 0),
    "predict": (lambda g: model().predict(g["mapped"]), 0),
    "predict, converted": (lambda g: model().predict(g["double"]), 0),
    "predict, in columns": (lambda g: model().predict(g["columns"]), 0),
    "classifier": (lambda g: MLPClassifier((4,), **FIT).fit(g["mapped"], g["y"]), 0),
    "classifier, in columns": (lambda g: MLPClassifier((4,), **FIT).fit(g["columns"], g["y"]), 1),
    "classifier, early_stopping": (
        lambda g: MLPClassifier((4,), early_stopping=True, **FIT).fit(g["X"], g["y"]),
        0.1,
    ),
    "regressor, early_stopping": (
        lambda g: MLPRegressor(hidden_layer_sizes=(4,), early_stopping=True, **FIT).fit(g["X"], g["X"][:, 0]),
        0.1,
    ),
    "probabilities": (lambda g: fitted(g).predict_proba(g["X"]), 0),
    "score": (lambda g: fitted(g).score(g["X"], g["y"]), 0),
    "score of numbers": (lambda g: fitted(g, MLPRegressor).score(g["X"], g["y"]), 0),
}


#: what may be taken besides, in times X: what is kept for each row beside its columns, and the kernels' rooms
BESIDE = 0.35


def over_x(doing, given):
    """Peak of what is allocated over the size of X; done in small first, for what is loaded and compiled."""
    doing({name: array[:2000] for name, array in given.items()})
    return peak_of(doing, given)[0] / given["X"].nbytes


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("doing", "copies"), DOINGS.values(), ids=DOINGS)
def test_no_copy_of_the_data_is_made(doing, copies, wide):
    assert over_x(doing, wide) < copies + BESIDE


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("module", "name", "doing"),
    [
        (validation, "check_examples", "train"),
        (verbs, "check_examples", "evaluate"),
        (examples, "converted", "predict"),
        (multilayer, "Examples", "classifier"),
    ],
)
def test_a_copy_that_came_back_is_seen(module, name, doing, wide, monkeypatch):
    honest = getattr(module, name)

    def copying(*arguments, **options):
        return honest(*(a.copy() if np.ndim(a) == 2 else a for a in arguments), **options)

    monkeypatch.setattr(module, name, copying)
    assert over_x(DOINGS[doing][0], wide) > 1


LONG = 400_000
NARROW = {
    "one probability": (losses["binary_cross_entropy"], 1),
    "two classes": (losses["cross_entropy"], 2),
    "numbers": (losses["squared_error"], 1),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
@pytest.mark.parametrize(("loss", "outputs"), NARROW.values(), ids=NARROW)
def test_metrics_take_a_few_arrays_of_a_number_a_row(loss, outputs, weighted):
    """Of 8 bytes: three, or four with weights; never the dozen of a sort with all its ranks."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, LONG)
    Y = (y[:, None] == 1 if outputs == 1 else y[:, None] == np.arange(2)).astype(np.float32)
    y_hat = generator.dirichlet(np.ones(2), LONG).astype(np.float32)[:, :outputs]
    peak, _ = peak_of(scores_of, loss, Y, y_hat, generator.uniform(0, 1, LONG) if weighted else None)
    assert peak < (34 if weighted else 28) * LONG


@pytest.mark.parametrize("labels", [None, np.arange(LONG) % 3 == 0], ids=["", "labels"])
def test_rows_are_held_out_without_lists(labels):
    held_out_rows(100, 0.1, np.random.RandomState(0), np.arange(100) % 2)  # loads scikit-learn's splitters
    peak, found = peak_of(held_out_rows, LONG, 0.1, np.random.RandomState(0), labels)
    assert sum(len(rows) for rows in found) == LONG
    assert peak < 32 * LONG


def test_rows_held_out_by_class_take_few_arrays():
    Y = np.eye(3, dtype=np.float32)[np.arange(LONG) % 3]
    peak, _ = peak_of(hold_out, losses["cross_entropy"], Y, 0.1, 0)
    assert peak < 24 * LONG


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
