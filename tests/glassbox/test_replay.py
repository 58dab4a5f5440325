"""A replayed step has the bits of the run, and a run that was not this one is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import engine_for
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.optimizers import LBFGS, SGD, Adam, LevenbergMarquardt, Momentum
from clearprop.formulas.schedules import Cosine, ReduceOnPlateau
from clearprop.glassbox import same_run
from clearprop.training import descent
from clearprop.training.run import TrainingDiverged

CLASSES = cp.Network(4, [cp.Dense(6, "tanh", dropout=0.3), cp.Dense(3, "softmax")], l2=1e-3, l1=1e-4)
NUMBERS = cp.Network(4, [cp.Dense(5, "softplus"), cp.Dense(1)], l2=1e-3)


def examples(dtype="float64", m=47):
    generator = np.random.default_rng(5)
    X = generator.normal(size=(m, 4)).astype(dtype)
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.3).astype(int) + (X[:, 2] > 0), generator.uniform(0.5, 2, m)


#: how a run was made, beyond its data: what may change its bits
RUNS = {
    "sgd": {"optimizer": SGD(0.1)},
    "adam and held-out rows": {"optimizer": Adam(0.01, clip_norm=0.5), "validation": 0.25},
    "cosine": {"optimizer": Momentum(Cosine(0.05, warmup=0.2))},
    "plateaus": {"optimizer": SGD(ReduceOnPlateau(0.5, patience=1.0, tolerance=0.05)), "validation": 0.2},
    "weights": {"sample_weight": True, "class_weight": {0: 2.0, 1: 1.0, 2: 0.5}},
    "balanced and smoothed": {"class_weight": "balanced", "label_smoothing": 0.1},
    "in order": {"shuffle": False, "batch_size": 47},
    "first parameters": {"initial": CLASSES.initialize(seed=9)},
    "snapshots": {"snapshots": 2, "optimizer": Adam(0.01)},
}


def run_and_steps(monkeypatch, settings, *, dtype="float64", engine="textbook"):
    """A run of six epochs, and its parameters after every one of its steps, noted as it took them."""
    X, Y, weights = examples(dtype)
    given = {"batch_size": 10, **settings}
    given["sample_weight"] = weights if given.get("sample_weight") else None
    taken = []
    take = descent.Batches.take

    def noting(self, theta, *rest):
        stretch = take(self, theta, *rest)
        taken.append(theta.copy())
        return stretch

    with monkeypatch.context() as patched:
        patched.setattr(descent, "SLICE_WORK", 0.0)  # a slice for each step
        patched.setattr(descent.Batches, "take", noting)
        model = cp.train(CLASSES, X, Y, epochs=6, seed=3, engine=engine, progress=False, **given)
    again = {name: given.get(name) for name in ("sample_weight", "initial")}
    return model, X, Y, taken, again


@pytest.mark.parametrize(
    ("name", "dtype", "engine"),
    [
        *((name, "float64", "textbook") for name in RUNS),
        *(
            (name, "float32", "compiled")
            for name in ("sgd", "adam and held-out rows", "snapshots", "weights")
        ),
    ],
)
def test_every_replayed_step_has_the_bits_of_the_run(monkeypatch, name, dtype, engine):
    model, X, Y, taken, again = run_and_steps(monkeypatch, RUNS[name], dtype=dtype, engine=engine)
    batches = len(taken) // 6
    for step in range(1, len(taken)):
        epoch, batch = step // batches + 1, step % batches + 1
        seen = model.replay(X, Y, epoch, batch, **again)
        assert np.array_equal(seen.before.flat, taken[step - 1]), step
        assert np.array_equal(seen.after.flat, taken[step]), step
        assert (seen.step, seen.same_bits, seen.notice) == (step + 1, True, "")
    assert np.array_equal(model.theta.flat, taken[model_epoch(model) * batches - 1])


def model_epoch(model):
    """Epoch whose parameters the model has."""
    losses = [loss for loss in model.history["validation_loss"] if loss is not None]
    return int(np.argmin(losses)) + 1 if losses else len(model.history["epoch"])


@pytest.mark.parametrize("optimizer", [LBFGS(), LevenbergMarquardt()], ids=lambda row: row.name)
def test_iterations_over_all_rows_are_replayed(optimizer):
    X, Y, _ = examples()
    ends = []
    model = cp.train(
        NUMBERS, X, Y.astype(float), optimizer=optimizer, epochs=9, validation=0.3, progress=False,
        engine="textbook", callbacks=lambda report: ends.append(report.theta.flat),
    )  # fmt: skip
    for epoch in (2, 5, 9):
        seen = model.replay(X, Y.astype(float), epoch)
        assert np.array_equal(seen.before.flat, ends[epoch - 2])
        assert np.array_equal(seen.after.flat, ends[epoch - 1])
        assert seen.same_bits
        assert len(seen.rows) == len(seen.trace) == 33
    with pytest.raises(SpecificationError, match="batch 1 alone"):
        model.replay(X, Y.astype(float), 1, 2)


def test_the_trace_and_the_update_are_those_of_the_batch_with_its_masks(monkeypatch):
    model, X, Y, _, _ = run_and_steps(monkeypatch, {"optimizer": SGD(0.1), "validation": 0.25})
    seen = model.replay(X, Y, 4, 2)
    assert np.array_equal(seen.trace.X, X[seen.rows])
    assert np.array_equal(np.argmax(seen.trace.Y, axis=1), Y[seen.rows])
    engine = engine_for("textbook", CLASSES, dtype="float64")
    scale = np.full(len(seen.rows), 1 / len(seen.rows))
    kept = seen.trace.masks
    assert not kept[1].all()
    _, gradient = engine.gradient_sum(seen.before.flat, seen.trace.X, seen.trace.Y, scale, kept)
    penalties = seen.trace.gradient.flat - gradient
    assert np.allclose(seen.update.flat, -0.1 * (gradient + penalties), rtol=1e-9, atol=1e-15)
    by_row = model.replay(X, Y, 4, row=int(seen.rows[3]))
    assert (by_row.batch, by_row.example) == (2, 3)
    assert by_row.trace.derive("delta[1][0]", example=by_row.example).value == seen.trace.delta[1][3, 0]
    assert "epoch 4, batch 2 (step 14, learning rate 0.1)" in str(seen)
    assert "the same bits as the run: yes" in str(seen)


def test_a_replay_starts_at_the_nearest_snapshot(monkeypatch, tmp_path):
    model, X, Y, taken, _ = run_and_steps(monkeypatch, RUNS["snapshots"])
    assert sorted(model.snapshots) == [2, 4, 6]
    model.save(tmp_path / "m.safetensors")
    loaded = cp.load(tmp_path / "m.safetensors")
    assert np.array_equal(loaded.snapshots[4].state.slots, model.snapshots[4].state.slots)
    taking = []
    take = descent.Batches.take
    monkeypatch.setattr(
        descent.Batches, "take", lambda self, *rest: taking.append(rest[3]) or take(self, *rest)
    )
    for each in (model, loaded):
        taking.clear()
        seen = each.replay(X, Y, 5, 3)
        assert np.array_equal(seen.after.flat, taken[22])
        assert set(taking) == {4}  # its own epoch alone, counted from 0
        assert seen.verified == (0, 4, 5)


def test_the_step_that_diverged_is_replayed():
    X, Y, _ = examples()
    with pytest.raises(TrainingDiverged) as caught:
        cp.train(
            NUMBERS, 1000 * X, Y.astype(float), optimizer=SGD(0.1), epochs=9, batch_size=10, progress=False,
            engine="textbook",
        )  # fmt: skip
    run = caught.value.run
    model = cp.Model.of(run)
    seen = model.replay(1000 * X, Y.astype(float), caught.value.epoch, max(caught.value.batch - 1, 1))
    assert np.abs(seen.update.flat).max() > 1e6
    last = model.replay(1000 * X, Y.astype(float), caught.value.epoch, caught.value.batch)
    assert not np.isfinite(last.trace.loss)
    assert not last.update.flat.any()
    assert not seen.same_bits
    assert "not known" in str(seen)


def other(X, i, value):
    changed = X.copy()
    changed[i] = value
    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda X, Y, w: (other(X, (46, 3), np.nextafter(X[46, 3], 9)), Y, w),
            "other numbers or another order",
        ),
        (lambda X, Y, w: (X[::-1], Y[::-1], w[::-1]), "other numbers or another order"),
        (lambda X, Y, w: (X, other(Y, 0, (Y[0] + 1) % 3), w), "other numbers"),
        (lambda X, Y, w: (X[:-1], Y[:-1], w[:-1]), "46 rows here, 47 there"),
        (lambda X, Y, w: (X, Y, None), "had weights of examples"),
        (lambda X, Y, w: (X, Y, 2 * w), "not the examples of the run"),
    ],
)
def test_other_data_are_refused(monkeypatch, change, words):
    model, *given, _, again = run_and_steps(monkeypatch, {**RUNS["weights"], "validation": 0.2})
    X, Y, weights = change(*given, again["sample_weight"])
    with pytest.raises(DataError, match=words):
        model.replay(X, Y, 2, sample_weight=weights)


def test_steps_that_never_were_are_refused(monkeypatch):
    model, X, Y, _, _ = run_and_steps(monkeypatch, RUNS["adam and held-out rows"])
    held = next(
        r for r in range(47) if r not in np.concatenate([model.replay(X, Y, 1, b).rows for b in range(1, 5)])
    )
    for given, words in (
        ({"epoch": 7}, "epoch is a number from 1 to 6"),
        ({"epoch": 0}, "epoch is a number from 1 to 6"),
        ({"epoch": 1, "batch": 5}, "batch is a number from 1 to 4"),
        ({"epoch": 1, "row": held}, f"row {held} was held out"),
        ({"epoch": 1, "row": 47}, "row 47 is not among the rows"),
    ):
        with pytest.raises(SpecificationError, match=words):
            model.replay(X, Y, **given)
    seen = model.replay(X, Y, 1, 2)
    with pytest.raises(SpecificationError, match="the row is in batch 2, not 3"):
        model.replay(X, Y, 1, 3, row=int(seen.rows[0]))
    with pytest.raises(SpecificationError, match="none to replay"):
        cp.Model(CLASSES, CLASSES.initialize()).replay(X, Y, 1)
    with pytest.raises(SpecificationError, match="kept no digests"):
        replace(model, record=replace(model.record, data="")).replay(X, Y, 1)


def test_first_parameters_must_be_given_again(monkeypatch):
    model, X, Y, _, _ = run_and_steps(monkeypatch, RUNS["first parameters"])
    with pytest.raises(DataError, match="give the same ones as initial="):
        model.replay(X, Y, 2)


def test_a_planted_change_of_the_mathematics_is_noticed(monkeypatch):
    model, X, Y, _, _ = run_and_steps(monkeypatch, RUNS["sgd"])
    record = replace(model.record, optimizer=SGD(0.1000001).to_dict())
    with pytest.raises(DataError, match="not the run's after epoch 1"):
        replace(model, record=record).replay(X, Y, 3)


def test_another_machine_is_said_and_differing_bits_too(monkeypatch):
    model, X, Y, taken, _ = run_and_steps(monkeypatch, RUNS["sgd"])
    monkeypatch.setattr(same_run, "cpu_name", lambda: "Another CPU")
    seen = model.replay(X, Y, 3)
    assert seen.same_bits
    assert re.search(r"bits may differ: CPU .* then, Another CPU now", str(seen))
    record = replace(model.record, optimizer=SGD(0.1 * (1 + 1e-15)).to_dict())
    with pytest.warns(UserWarning, match="the replayed bits differ after epoch 1; bits may differ: CPU"):
        seen = replace(model, record=record).replay(X, Y, 3)
    assert not seen.same_bits
    assert "no, they differ from the end of epoch 1 on" in str(seen)
    assert np.allclose(seen.after.flat, taken[10], rtol=1e-9)
