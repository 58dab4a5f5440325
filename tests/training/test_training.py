"""What training promises: same seed same bits, every way to stop, and nothing lost when it goes wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clearprop.engines import engine_for, forward, gradient
from clearprop.engines.examples import check_examples
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import DataError, FormulaError, SpecificationError
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import LBFGS, SGD, Adam, Momentum, optimizers
from clearprop.formulas.schedules import Cosine, ReduceOnPlateau, schedules
from clearprop.metrics import Metric
from clearprop.specification import Dense, Network
from clearprop.training import TrainingDiverged, course, descent, train, validation
from clearprop.training.run import HISTORY, EpochReport, Run

CLASSIFIER = Network(2, [Dense(6, "tanh"), Dense(3, "softmax")])
REGRESSION = Network(3, [Dense(1)], loss="half_squared_error")


def blobs(m: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping classes in the plane."""
    generator = np.random.default_rng(seed)
    classes = np.arange(m) % 3
    centers = np.array([[0.0, 1.5], [1.5, -1.0], [-1.5, -1.0]])
    return centers[classes] + generator.normal(size=(m, 2)), classes


def line(m: int = 60, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(m, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.3 + noise * generator.normal(size=m)


def fit(network: Network, X: object, Y: object, **options: object) -> Run:
    return train(network, X, Y, **{"engine": "textbook", "progress": False, **options})


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    X, Y = blobs()
    network = Network(2, [Dense(6, "relu", dropout=0.2), Dense(3, "softmax")], l2=1e-3)
    runs = [fit(network, X, Y, epochs=3, seed=seed, validation=0.2) for seed in (7, 7, 8)]
    assert np.array_equal(runs[0].theta.flat, runs[1].theta.flat)
    assert runs[0].history["loss"] == runs[1].history["loss"]
    assert runs[0].history["validation_loss"] == runs[1].history["validation_loss"]
    assert not np.array_equal(runs[0].theta.flat, runs[2].theta.flat)


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
def test_slices_of_one_batch_and_of_a_whole_epoch_give_the_same_bits(monkeypatch, engine):
    X, Y = blobs()
    network = Network(2, [Dense(6, "tanh", dropout=0.3), Dense(3, "softmax")])
    options = {"batch_size": 7, "epochs": 3, "optimizer": Adam(Cosine(0.01)), "engine": engine}
    runs = []
    for work in (0.0, 1e15):
        monkeypatch.setattr(descent, "SLICE_WORK", work)
        runs.append(fit(network, X, Y, **options))
    assert runs[0].theta.flat.tobytes() == runs[1].theta.flat.tobytes()
    assert runs[0].state.slots.tobytes() == runs[1].state.slots.tobytes()
    assert runs[0].state.t == runs[1].state.t == 3 * 13
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-14)


def test_slices_follow_from_network_and_batch_and_shrink_with_their_work():
    wide = Network(784, [Dense(512, "relu"), Dense(10, "softmax")])
    lengths = [descent.slice_length(wide, batch, "compiled") for batch in (1, 16, 256)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] == 1


@pytest.mark.parametrize("at_once", [1, 7, 20, 4096])
@pytest.mark.parametrize("name", schedules)
def test_learning_rates_have_the_bits_that_they_have_one_by_one(monkeypatch, name, at_once):
    monkeypatch.setattr(descent, "RATES_AT_ONCE", at_once)
    net = Network(2, [Dense(1)])
    run = train(net, np.eye(2), np.ones(2), epochs=1, engine="textbook", progress=False)
    record = dataclasses.replace(run.record, epochs=11, batch_size=3)
    schedule = schedules[name](0.1)
    engine = engine_for("textbook", net, dtype="float64", optimizer=SGD(schedule))
    batches = descent.Batches(engine, check_examples(net, np.ones((10, 2)), np.ones(10), np.float64), record)
    asked = [(epoch, first, reductions) for epoch in range(11) for first in (0, 3) for reductions in (0, 2)]
    for epoch, first, reductions in [*asked, *reversed(asked)]:
        rates = batches.rates(epoch, first, 4, reductions)
        alone = [
            schedule.rates(t, t + 1, steps=44, steps_per_epoch=4, reductions=reductions)[0]
            for t in range(4 * epoch + first, 4 * epoch + 4)
        ]
        assert rates.tolist() == alone


def test_training_is_the_engine_run_over_every_epochs_order():
    X, Y = blobs()
    run = fit(CLASSIFIER, X, Y, epochs=2, batch_size=16, seed=3, optimizer=Momentum(0.05))
    engine = engine_for("textbook", CLASSIFIER, dtype="float64", optimizer=Momentum(0.05))
    from clearprop.engines.examples import check_examples

    examples = check_examples(CLASSIFIER, X, Y, "float64")
    theta = CLASSIFIER.initialize(seed=3).flat
    state = OptimizerState.fresh(CLASSIFIER, "float64")
    for epoch in range(2):
        order = engine.order(3, epoch, len(X))
        rates = np.full(6, 0.05)
        engine.run(theta, state, examples, order, 0, 6, batch_size=16, rates=rates, seed=3, epoch=epoch)
    assert np.array_equal(theta, run.theta.flat)


def test_without_shuffling_batches_follow_the_rows():
    X, Y = line()
    runs = [
        fit(REGRESSION, X, Y, epochs=1, shuffle=False, seed=seed, initial=start)
        for seed, start in ((0, REGRESSION.initialize(seed=5)), (9, REGRESSION.initialize(seed=5)))
    ]
    assert np.array_equal(runs[0].theta.flat, runs[1].theta.flat)


def test_history_has_one_entry_an_epoch_and_loss_is_the_data_loss_plus_penalty():
    X, Y = line()
    network = Network(3, [Dense(1)], l2=0.1)
    start = network.initialize(seed=0)
    run = fit(network, X, Y, epochs=1, batch_size=None, optimizer=SGD(0.01), initial=start)
    assert set(run.history) == set(HISTORY)
    assert all(len(values) == 1 for values in run.history.values())
    data_loss = float(((forward(network, start, X, engine="textbook")[:, 0] - Y) ** 2).mean())
    assert run.history["loss"][0] == pytest.approx(data_loss + 0.05 * (run.theta.W[1] ** 2).sum())
    assert run.history["validation_loss"] == run.history["validation_metric"] == [None]
    assert run.history["epoch"] == [1]
    assert run.history["learning_rate"] == [0.01]


@pytest.mark.parametrize("name", sorted({*optimizers} - {"levenberg_marquardt"}))  # see test_levenberg.py
def test_every_optimizer_lowers_the_loss(name):
    X, Y = blobs()
    run = fit(CLASSIFIER, X, Y, optimizer=name, epochs=10, batch_size=10)
    assert run.history["loss"][-1] < 0.95 * run.history["loss"][0]


def test_lbfgs_reaches_the_optimum_of_a_convex_problem():
    X, Y = line()
    run = fit(REGRESSION, X, Y, optimizer=LBFGS(tolerance=1e-10), epochs=200)
    exact, *_ = np.linalg.lstsq(np.c_[X, np.ones(len(X))], Y, rcond=None)
    np.testing.assert_allclose(run.theta.flat, exact, rtol=1e-6)
    assert run.stopped in ("gradient norm", "tolerance")
    assert run.history["epoch"] == list(range(1, run.state.t + 1))
    assert run.history["learning_rate"] == [None] * run.state.t
    assert np.all(np.diff(run.history["loss"]) <= 0)


def test_lbfgs_minimises_penalties_too():
    X, Y = line()
    network = Network(3, [Dense(1)], loss="half_squared_error", l2=0.5)
    run = fit(network, X, Y, optimizer="lbfgs", epochs=200)
    _, slope = gradient(network, run.theta, X, Y, engine="textbook")
    assert np.abs(slope.flat).max() < 1e-6


@pytest.mark.parametrize(
    ("network", "optimizer", "word"),
    [
        (Network(3, [Dense(1)], input_dropout=0.1), LBFGS(), "dropout"),
        (REGRESSION, LBFGS(0.1), "learning_rate"),
        (REGRESSION, LBFGS(clip_norm=1.0), "clip_norm"),
    ],
)
def test_lbfgs_says_what_it_cannot_use(network, optimizer, word):
    with pytest.raises(SpecificationError, match=word):
        fit(network, *line(), optimizer=optimizer)


# Every reason to stop


def test_stops_after_its_epochs():
    run = fit(CLASSIFIER, *blobs(), epochs=2)
    assert (run.stopped, run.history["epoch"]) == ("epochs", [1, 2])
    assert fit(CLASSIFIER, *blobs(), epochs=2, optimizer="lbfgs").stopped == "epochs"


def test_stops_on_patience_and_gives_back_the_best_epoch():
    X, Y = blobs(40)
    noise = np.random.default_rng(2).integers(0, 3, 40)
    seen: list[EpochReport] = []
    run = fit(
        CLASSIFIER, X, noise, epochs=300, optimizer=Adam(0.05), validation=(X[::-1], Y[::-1]), patience=5,
        callbacks=[lambda report: seen.append(report)],
    )  # fmt: skip
    losses_seen = run.history["validation_loss"]
    assert run.stopped == "patience"
    assert run.best_epoch == int(np.argmin(losses_seen)) + 1 == len(losses_seen) - 5
    assert np.array_equal(run.theta.flat, seen[run.best_epoch - 1].theta.flat)
    loss, _ = gradient(CLASSIFIER, run.theta, X[::-1], Y[::-1], engine="textbook")
    assert loss == pytest.approx(min(losses_seen), rel=1e-12)


def test_a_metric_takes_the_place_of_the_validation_loss():
    X, Y = blobs()
    run = fit(CLASSIFIER, X, Y, epochs=30, validation=0.3, metric="accuracy", patience=4, optimizer="sgd")
    scores = run.history["validation_metric"]
    assert run.best_epoch == int(np.argmax(scores)) + 1
    # rmse by hand, upside down: the best epoch is the worst one
    X, Y = line()
    upside_down = Metric("upside_down", lambda y, y_hat, w: float(((y - y_hat) ** 2).mean()), "numbers", True)
    run = fit(REGRESSION, X, Y, epochs=5, validation=0.3, metric=upside_down)
    assert run.best_epoch == 1


def test_tolerance_alone_stops_after_ten_epochs_of_standstill():
    run = fit(REGRESSION, *line(), epochs=50, tolerance=1e9)
    assert (run.stopped, len(run.history["epoch"])) == ("tolerance", 11)


def test_small_improvements_count_once_they_add_up():
    from clearprop.training.stopping import Standstill

    standstill = Standstill(0.1)
    assert [standstill.after(1 - 0.06 * k) for k in range(5)] == [0, 1, 0, 1, 0]


def test_stops_on_the_gradient_norm():
    network = Network(3, [Dense(1)], loss="half_squared_error", l2=0.1)
    X, Y = line()
    seen: list[EpochReport] = []
    run = fit(
        network, X, Y, epochs=500, batch_size=None, optimizer=SGD(0.2), stop_gradient_norm=0.01,
        callbacks=[seen.append],
    )  # fmt: skip
    assert run.stopped == "gradient norm"
    _, slope = gradient(network, run.theta, X, Y, engine="textbook")
    assert np.linalg.norm(slope.flat) == pytest.approx(seen[-1].gradient_norm, rel=1e-9)
    assert seen[-1].gradient_norm <= 0.01 < seen[-2].gradient_norm


def test_a_sample_of_the_rows_is_kept_for_callbacks_and_afterwards():
    network, seen = Network(1, [Dense(1)]), []
    X = np.arange(2000.0)[:, None] / 2000
    run = fit(network, X, X, epochs=2, validation=(X[:3], X[:3], [1, 2, 3]), callbacks=[seen.append])
    assert np.array_equal(run.sample.training.X, X[np.arange(512) * 2000 // 512])
    assert run.sample.held_out_weights.tolist() == [1, 2, 3]
    assert seen[0].sample is seen[1].sample is run.sample


def test_stops_when_the_time_budget_is_spent_even_within_an_epoch(monkeypatch):
    X, Y = line()
    run = fit(REGRESSION, X, Y, epochs=10**6, time_budget=0.05, optimizer=SGD(1e-4))
    assert run.stopped == "time budget"
    assert 0.05 <= run.seconds < 2
    monkeypatch.setattr(descent, "SLICE_WORK", 0.0)
    run = fit(REGRESSION, X, Y, epochs=5, batch_size=1, time_budget=1e-9)
    assert (run.stopped, run.history["epoch"], run.state.t) == ("time budget", [], 1)
    assert np.isfinite(run.theta.flat).all()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_callback_stops_by_returning_true_and_is_told_everything(optimizer):
    seen: list[EpochReport] = []

    def third(report: EpochReport) -> bool:
        seen.append(report)
        return report.epoch == 3

    run = fit(CLASSIFIER, *blobs(), epochs=9, callbacks=[third], validation=0.2, optimizer=optimizer)
    assert run.stopped == "callback"
    assert [report.epoch for report in seen] == [1, 2, 3] == run.history["epoch"]
    assert [report.loss for report in seen] == run.history["loss"]
    assert [report.validation_metric for report in seen] == run.history["validation_metric"]
    assert seen[0].epochs == 9
    assert not np.array_equal(seen[0].theta.flat, seen[1].theta.flat)  # a copy, not a view
    with pytest.raises(ValueError, match="read-only"):
        seen[0].theta.W[1][0, 0] = 1.0


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_ctrl_c_gives_the_model_so_far(optimizer):
    def interrupt(report: EpochReport) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    X, Y = blobs()
    run = fit(CLASSIFIER, X, Y, epochs=9, callbacks=[interrupt], optimizer=optimizer)
    assert (run.stopped, run.history["epoch"]) == ("interrupted", [1, 2])
    assert np.array_equal(run.theta.flat, fit(CLASSIFIER, X, Y, epochs=9, optimizer=optimizer,
                          callbacks=[lambda report: report.epoch == 2]).theta.flat)  # fmt: skip


def test_ctrl_c_within_a_slice_gives_the_best_parameters(monkeypatch):
    from clearprop.engines.textbook import Textbook

    steps = iter(range(100))
    plain = Textbook.update

    def update(self, *given):
        if next(steps) == 10:
            raise KeyboardInterrupt
        return plain(self, *given)

    monkeypatch.setattr(Textbook, "update", update)
    reports: list[EpochReport] = []
    run = fit(CLASSIFIER, *blobs(), epochs=9, batch_size=18, validation=0.2, callbacks=[reports.append])
    assert run.stopped == "interrupted"
    assert run.history["epoch"] == [1, 2]
    assert np.array_equal(run.theta.flat, reports[run.best_epoch - 1].theta.flat)


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
def test_a_diverged_loss_names_epoch_batch_and_remedy_and_keeps_the_parameters(engine):
    X, Y = line()
    with pytest.raises(TrainingDiverged) as caught:
        fit(REGRESSION, 1000 * X, Y, optimizer=SGD(0.1), epochs=50, batch_size=20, engine=engine)
    error = caught.value
    message = str(error)
    assert f"epoch {error.epoch}, batch {error.batch}" in message
    assert "last finite loss was" in message
    assert "Standardise the inputs" in message
    assert "SGD(0.01)" in message
    assert "clip_norm=1.0" in message
    assert error.epoch == len(error.run.history["epoch"]) + 1 > 1
    assert error.run.stopped == "diverged"
    assert np.isfinite(error.run.theta.flat).all()


def test_divergence_on_standardised_data_blames_the_learning_rate_alone():
    with pytest.raises(TrainingDiverged, match=r"batch \d+; .*\. Lower the learning rate \(now 50\)"):
        fit(REGRESSION, *line(), optimizer=SGD(50.0), epochs=1000)


def test_a_parameter_that_overflows_in_the_last_step_is_found():
    X = np.array([[1.0, 1.0, 1.0]])
    with pytest.raises(TrainingDiverged, match="epoch 1, batch 1") as caught:
        fit(REGRESSION, X, [1e200], optimizer=SGD(1e200), epochs=1)
    assert np.array_equal(caught.value.run.theta.flat, REGRESSION.initialize(seed=0).flat)


# What is trained on


def test_integer_class_weights_equal_repeated_rows_in_a_full_batch():
    X, Y = blobs(30)
    options = {"batch_size": None, "epochs": 5, "optimizer": Momentum(0.1)}
    weighted = fit(CLASSIFIER, X, Y, class_weight={0: 3, 2: 2}, **options)
    rows = np.repeat(np.arange(30), np.array([3, 1, 2])[Y])
    repeated = fit(CLASSIFIER, X[rows], Y[rows], **options)
    np.testing.assert_allclose(weighted.theta.flat, repeated.theta.flat, rtol=1e-9)


def test_balanced_class_weights_give_every_class_the_same_weight():
    X, Y = blobs(90)
    rows = np.flatnonzero((Y > 0) | (np.arange(90) < 30))
    given = np.linspace(1, 2, len(rows))
    data = validation.prepare(
        CLASSIFIER, X[rows], Y[rows], "float64", seed=0, validation=None, sample_weight=given,
        class_weight="balanced", label_smoothing=0,
    )  # fmt: skip
    totals = np.bincount(Y[rows], weights=data.training.weights)
    np.testing.assert_allclose(totals, given.sum() / 3)


def test_class_weights_count_in_the_validation_loss_but_not_in_the_metric():
    X, Y = blobs()
    options = {"epochs": 1, "validation": (X, Y), "optimizer": SGD(1e-12), "batch_size": None}
    weighted = fit(CLASSIFIER, X, Y, class_weight={0: 5}, **options)
    plain = fit(CLASSIFIER, X, Y, **options)
    assert weighted.history["validation_loss"] == pytest.approx(weighted.history["loss"])
    assert weighted.history["validation_loss"] != pytest.approx(plain.history["validation_loss"])
    assert weighted.history["validation_metric"] == plain.history["validation_metric"]


def test_label_smoothing_trains_on_mixed_targets_and_is_judged_on_plain_ones():
    X, Y = blobs()
    hard = np.eye(3)[Y]
    options = {"epochs": 3, "optimizer": SGD(0.1)}
    smoothed = fit(CLASSIFIER, X, Y, label_smoothing=0.3, validation=(X, Y), **options)
    by_hand = fit(CLASSIFIER, X, 0.7 * hard + 0.1, **options)
    assert smoothed.history["loss"] == pytest.approx(by_hand.history["loss"], rel=1e-12)
    theta = smoothed.theta
    plain, _ = gradient(CLASSIFIER, theta, X, Y, engine="textbook")
    assert smoothed.history["validation_loss"][smoothed.best_epoch - 1] == pytest.approx(plain, rel=1e-12)


def test_two_classes_are_smoothed_towards_a_half():
    network = Network(2, [Dense(1, "sigmoid")])
    X, Y = blobs()
    smoothed = fit(network, X, Y % 2, label_smoothing=0.2, epochs=2)
    by_hand = fit(network, X, 0.8 * (Y % 2)[:, None] + 0.1, epochs=2)
    np.testing.assert_allclose(smoothed.theta.flat, by_hand.theta.flat, rtol=1e-12)


def test_a_held_out_fraction_keeps_the_shares_of_the_classes():
    classes = np.repeat([0, 1, 2], [60, 30, 11])
    Y = np.eye(3)[classes]
    kept, held = validation.hold_out(losses["cross_entropy"], Y, 0.2, seed=4)
    assert np.array_equal(np.sort(np.r_[kept, held]), np.arange(101))
    assert np.bincount(classes[held]).tolist() == [12, 6, 2]
    again = validation.hold_out(losses["cross_entropy"], Y, 0.2, seed=4)[1]
    other = validation.hold_out(losses["cross_entropy"], Y, 0.2, seed=5)[1]
    assert np.array_equal(held, again)
    assert not np.array_equal(held, other)


def test_the_only_row_of_a_class_is_trained_on():
    Y = np.eye(3)[[0] * 5 + [1] * 5 + [2]]
    for seed in range(5):
        _, held = validation.hold_out(losses["cross_entropy"], Y, 0.5, seed)
        assert 10 not in held
        assert len(held) == 6 or len(held) == 5


def test_numbers_are_held_out_at_random():
    kept, held = validation.hold_out(losses["squared_error"], np.zeros((10, 1)), 0.3, seed=0)
    assert (len(kept), len(held)) == (7, 3)


def test_validation_data_of_ones_own_may_carry_weights():
    X, Y = blobs()
    weights = np.where(Y == 0, 1.0, 0.0)
    run = fit(CLASSIFIER, X, Y, epochs=1, validation=(X, Y, weights))
    only = Y == 0
    loss, _ = gradient(CLASSIFIER, run.theta, X[only], Y[only], engine="textbook")
    assert run.history["validation_loss"][0] == pytest.approx(loss)


def test_the_mean_gradient_does_not_depend_on_its_blocks(monkeypatch):
    X, Y = blobs()
    engine = engine_for("textbook", CLASSIFIER, dtype="float64")
    data = validation.prepare(
        CLASSIFIER, X, Y, "float64", seed=0, validation=None, sample_weight=None, class_weight=None,
        label_smoothing=0,
    )  # fmt: skip
    theta = CLASSIFIER.initialize(seed=0)
    loss, slope = course.mean_gradient(engine, theta.flat, data)
    monkeypatch.setattr(course, "BLOCK", 7)
    in_blocks, slope_in_blocks = course.mean_gradient(engine, theta.flat, data)
    assert in_blocks == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(slope_in_blocks, slope, rtol=1e-9, atol=1e-15)


def test_a_plateau_of_the_validation_loss_lowers_the_learning_rate():
    X, Y = line()
    rate = ReduceOnPlateau(0.1, factor=0.5, patience=2, tolerance=1e9)
    run = fit(REGRESSION, X, Y, optimizer=SGD(rate), epochs=7, validation=0.2)
    assert run.history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


def test_the_dtype_is_that_of_the_inputs_unless_said_otherwise():
    X, Y = line()
    assert fit(REGRESSION, X, Y, epochs=1).theta.dtype == np.float64
    assert fit(REGRESSION, X.astype(np.float32), Y, epochs=1).theta.dtype == np.float32
    assert fit(REGRESSION, (10 * X).astype(int), Y, epochs=1).theta.dtype == np.float64
    assert fit(REGRESSION, X, Y, epochs=1, dtype="float32").theta.dtype == np.float32


def test_initial_parameters_are_copied():
    start = REGRESSION.initialize(seed=1)
    before = start.flat.copy()
    run = fit(REGRESSION, *line(), initial=start, epochs=1)
    assert np.array_equal(start.flat, before)
    assert not np.array_equal(run.theta.flat, before)
    assert run.record.initial_given


def test_the_record_holds_what_a_replay_needs():
    run = fit(CLASSIFIER, *blobs(), epochs=2, batch_size=1000, seed=5, validation=0.1, class_weight={1: 2})
    record = run.record
    assert (record.seed, record.batch_size, record.rows, record.held_out) == (5, 81, 81, 9)
    assert (record.engine, record.dtype, record.validation_fraction) == ("textbook", "float64", 0.1)
    assert record.optimizer["name"] == "adam"
    assert record.class_weight == {"1": 2.0}
    assert record.steps == run.state.t == 2
    assert {"python", "clearprop", "numpy", "numba"} <= set(record.versions)
    assert record.cpu


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"epochs": 0}, "epochs is a whole number"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"patience": 0}, "patience"),
        ({"tolerance": -1}, "tolerance"),
        ({"stop_gradient_norm": 0}, "stop_gradient_norm"),
        ({"time_budget": float("nan")}, "time_budget"),
        ({"threads": 0}, "threads"),
        ({"seed": -1}, "seed"),
        ({"dtype": "int8"}, "dtype is float32 or float64"),
        ({"dtype": "no such"}, "dtype is float32 or float64"),
        ({"validation": 1.0}, "validation is a fraction"),
        ({"validation": 3}, "validation is a fraction"),
        ({"validation": ([[1.0, 2.0]],)}, "not 1 things"),
        ({"metric": "accuracy"}, "give validation="),
        ({"metric": "rmse", "validation": 0.5}, "those that can: accuracy, log_loss, roc_auc"),
        ({"class_weight": {5: 1.0}}, "class 5"),
        ({"class_weight": {0: -1.0}}, r"class_weight\[0\]"),
        ({"class_weight": "even"}, "'balanced'"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"initial": Network(2, [Dense(3, "softmax")]).initialize()}, "initial belongs to"),
        ({"engine": "steam"}, "engine is"),
    ],
)
def test_settings_that_make_no_sense_are_named(options, word):
    with pytest.raises(SpecificationError, match=word):
        fit(CLASSIFIER, *blobs(), **options)


def test_settings_that_do_not_fit_the_loss_are_named():
    with pytest.raises(SpecificationError, match="class_weight is for targets that are classes"):
        fit(REGRESSION, *line(), class_weight="balanced")
    with pytest.raises(SpecificationError, match="label_smoothing mixes probabilities"):
        fit(REGRESSION, *line(), label_smoothing=0.1)
    with pytest.raises(FormulaError, match="did you mean 'adam'"):
        fit(REGRESSION, *line(), optimizer="adan")
    with pytest.raises(DataError, match="there is only 1"):
        fit(REGRESSION, np.ones((1, 3)), [1.0], validation=0.5)
    with pytest.raises(DataError, match="validation X has 2 columns"):
        fit(REGRESSION, *line(), validation=(np.ones((2, 2)), [1.0, 2.0]))
    with pytest.raises(SpecificationError, match="cannot be trained with 'step'"):
        fit(Network(3, [Dense(1, "step")], loss="squared_error"), *line())
