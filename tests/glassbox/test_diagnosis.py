"""Diagnosis: a planted fault for each finding, healed by its own change; healthy runs give none."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

import clearprop as cp
from clearprop.errors import DataError
from clearprop.glassbox.diagnosis import answers, case, checks, flow, measure, measuring, scales, steps, units
from clearprop.glassbox.diagnosis.measuring import is_bounded, largest_slope
from clearprop.glassbox.whole_pass import whole_pass
from networks import random_case
from planted_runs import HEALTHY, PLANTED, Plan, few_rows, table

LEVEL = "level (0 perfect, 1 a constant answer)"


def score(plan, model):
    """Higher is better: balanced accuracy, held-out loss, or the level that is left."""
    if plan is not None and len(plan.Y) == 800:
        return balanced_accuracy_score(plan.Y, model.predict(plan.X)[:, 0] > 0.5)
    held = [value for value in model.history["validation_loss"] if value is not None]
    return -min(held) if held else -model.diagnose().looked_at[LEVEL]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_alone_and_its_change_heals_it(name):
    plan = PLANTED[name]()
    model = plan.run()
    (finding,) = model.diagnose()
    assert finding.name == name.partition(" (")[0]
    followed = plan.following(finding.change)
    healed = followed.run()
    assert healed.diagnose().names == ()
    assert score(followed, healed) > score(plan, model)
    assert finding.equation
    assert finding.latex.count("{") == finding.latex.count("}")
    assert len(finding.numbers) >= 2
    assert np.isfinite(list(finding.numbers.values())).all()
    assert json.loads(json.dumps(finding.to_dict(), allow_nan=False))["name"] == finding.name
    for piece in (finding.name, "numbers", "equation", "remedy", "change"):
        assert piece in str(finding)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_gives_no_finding(name):
    told = HEALTHY[name](0).run().diagnose()
    assert told.names == ()
    assert str(told).startswith("Nothing found. Looked at: rows = ")
    assert told.looked_at[LEVEL] < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 20))
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_of_other_seeds_give_none(name, seed):
    assert HEALTHY[name](seed).run().diagnose().names == ()


def test_every_kind_of_finding_is_planted():
    planted = {name.partition(" (")[0] for name in PLANTED}
    assert planted == {check.name for check in checks.CHECKS}


@pytest.mark.parametrize("blind", checks.CHECKS, ids=lambda check: check.name)
def test_a_check_that_sees_nothing_is_noticed(blind, monkeypatch):
    rest = (replace(each, look=lambda case: None) if each is blind else each for each in checks.CHECKS)
    monkeypatch.setattr(checks, "CHECKS", tuple(rest))
    with pytest.raises((AssertionError, ValueError)):
        test_a_planted_fault_is_found_alone_and_its_change_heals_it(blind.name)


@pytest.mark.parametrize("always", checks.CHECKS, ids=lambda check: check.name)
def test_a_check_that_always_sees_something_is_noticed(always, monkeypatch):
    told = PLANTED["dead units"]().run().diagnose()[0]
    rest = (replace(each, look=lambda case: told) if each is always else each for each in checks.CHECKS)
    monkeypatch.setattr(checks, "CHECKS", tuple(rest))
    with pytest.raises(AssertionError):
        test_a_healthy_run_gives_no_finding("sine")


@pytest.mark.parametrize("row", ["tanh", "sigmoid", "relu", "softplus", "gelu"])
def test_measures_are_numpys(row):
    case = random_case(
        cp.activations["softmax"], cp.losses["cross_entropy"], (cp.activations[row],) * 2, seed=3
    )
    seen = whole_pass(case.network, case.theta, case.X, case.Y)
    found = measure(seen, epoch=4, before=cp.Parameters(case.network, case.theta.flat * 2))
    assert (found.epoch, found.loss) == (4, seen.loss)
    assert found.update == pytest.approx(0.5)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(seen.gradient.flat))
    for l, layer in enumerate(found.layers, start=1):
        for numbers, of in ((layer.z, seen.z[l]), (layer.a, seen.a[l]), (layer.delta, abs(seen.delta[l]))):
            np.testing.assert_allclose(
                numbers.quantiles, np.quantile(of, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
            )
            assert numbers.rms == pytest.approx(np.sqrt(np.mean(of**2)))
        assert layer.gradient.quantiles[-1] == np.abs(seen.dW[l]).max()
    slopes = np.abs(case.network.layers[0].activation.slope(seen.z[1], seen.a[1]))
    largest = largest_slope(case.network.layers[0].activation)
    flat = {
        "saturated": (slopes < 0.01 * largest).mean(),
        "dead": (slopes < 1e-3 * largest).all(axis=0).mean(),
    }
    kind = "saturated" if is_bounded(case.network.layers[0].activation) else "dead"
    assert getattr(found.layers[0], kind) == flat[kind]


def test_a_users_own_row_is_measured_by_its_derivative_and_range():
    row = cp.Activation("squash", "z / (1 + abs(z))", derivative="1 / (1 + abs(z))**2", range=(-1, 1))
    half = cp.Activation("half", "maximum(z, 0) / 2", derivative="where(z > 0, 1 / 2, 0)")
    net = cp.Network(1, [cp.Dense(2, row, bias=False), cp.Dense(2, half, bias=False), cp.Dense(1)])
    theta = cp.parameters_from_arrays(
        net, [[[100.0], [0.1]], [[1.0, 0], [-1, 0]], [[1.0, 1]]], [None, None, [0]]
    )
    first, second, _ = measure(whole_pass(net, theta, [[1.0], [2.0]], [0.0, 1.0])).layers
    assert (first.saturated, first.dead) == (0.5, None)
    assert (second.saturated, second.dead) == (None, 0.5)


def test_rows_not_trained_on_show_what_was_learnt_by_heart():
    plan = few_rows()
    settings = {**plan.settings, "validation": None}
    kept, new = (Plan(plan.X[rows], plan.Y[rows]) for rows in (slice(90), slice(90, None)))
    model = replace(plan, X=kept.X, Y=kept.Y, settings=settings).run()
    assert model.diagnose().names == ()
    assert model.diagnose(new.X, new.Y).names == ("overfitting",)
    loaded = replace(model, sample=None)
    assert loaded.diagnose(new.X, new.Y).names == ("overfitting",)
    assert model.diagnose(kept.X, kept.Y).names == ()


def test_a_diverged_run_names_its_cause():
    X, y = table("friedman")
    net = cp.Network(8, [cp.Dense(16, "relu"), cp.Dense(1)])
    with pytest.raises(cp.TrainingDiverged) as error:
        cp.train(net, X * [1e4, *[1] * 7], y, optimizer=cp.SGD(0.1), engine="textbook", progress=False)
    (finding,) = cp.Model.of(error.value.run).diagnose()
    assert finding.name == "inputs on unlike scales"
    assert finding.severity == "fault"
    assert "column 0" in finding.where


def test_what_holds_while_the_network_learns_is_a_note_and_hides_nothing():
    X, y = table("iris")
    net = cp.Network(5, [cp.Dense(16, "tanh"), cp.Dense(3, "softmax")])
    rare_unit = np.c_[X, X[:, 0] / 1e5]
    model = cp.train(net, rare_unit, y, optimizer=cp.Adam(0.01), epochs=60, engine="textbook", progress=False)
    (finding,) = model.diagnose()
    assert (finding.name, finding.severity) == ("inputs on unlike scales", "note")


def test_without_history_and_record_the_sample_speaks():
    plan = PLANTED["vanishing gradients"]()
    model = plan.run()
    assert cp.diagnose(model.network, model.theta, plan.X, plan.Y).names == ("vanishing gradients",)
    low = PLANTED["learning rate too low"]()
    model = low.run()
    assert cp.diagnose(model.network, model.theta, low.X, low.Y).names == ()


def test_columns_and_classes_are_called_by_their_names():
    plan = PLANTED["class imbalance"]()
    model = plan.run()
    model.classes = ("well", "ill")
    assert model.diagnose()[0].where == "class ill"
    X = np.c_[plan.X, 1000 * plan.X[:, 0]] * [1, 0.5, 1, 1, 1]
    net = cp.Network(5, [cp.Dense(1, "sigmoid")])
    (finding,) = cp.diagnose(net, net.initialize(), X, plan.Y, columns=["a", "b", "c", "d", "e"])
    assert finding.where == "column e and column b"


def test_a_model_without_rows_says_what_it_needs(tmp_path):
    plan = HEALTHY["sine"](0)
    model = plan.run()
    model.save(tmp_path / "sine")
    loaded = cp.load(tmp_path / "sine")
    with pytest.raises(DataError, match=r"keeps no rows of its training .* give diagnose\(X, Y\) some"):
        loaded.diagnose()
    with pytest.raises(DataError, match="X and Y together"):
        model.diagnose(plan.X)
    with pytest.raises(DataError, match="diagnose needs the targets Y"):
        cp.diagnose(model.network, model.theta, plan.X, None)
    assert loaded.diagnose(plan.X, plan.Y).names == ()


def test_a_diagnosis_is_a_sequence_and_shows_in_a_notebook():
    told = PLANTED["dead units"]().run().diagnose()
    assert told[0] is next(iter(told))
    assert told[:1] == tuple(told)
    page = told._repr_html_()
    assert "<ol><li><b>dead units: layer 1</b>" in page
    assert str(told).startswith("1. dead units: layer 1\n  16 of the 16 relu units of layer 1 have no slope")


def test_the_page_has_every_finding_and_the_thresholds_as_they_are():
    page = (Path(__file__).parents[2] / "docs/diagnosis.md").read_text(encoding="utf-8")
    for check in checks.CHECKS:
        assert f"| {check.name} |" in page
    written = re.findall(r"`([A-Z_1]+)` = ([\d.]+)", page)
    assert len(written) >= 20
    modules = (answers, case, flow, measuring, scales, steps, units)
    for name, number in written:
        assert {getattr(module, name) for module in modules if hasattr(module, name)} == {float(number)}, name
