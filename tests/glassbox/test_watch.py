"""Watch: a network measured while it is trained, warnings as they become due, pictures of distributions."""

import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import SpecificationError
from clearprop.glassbox.diagnosis import checks
from clearprop.glassbox.diagnosis.measuring import measure
from clearprop.glassbox.render.bands import as_bands, standalone
from clearprop.glassbox.whole_pass import whole_pass
from planted_runs import HEALTHY, PLANTED, table


def watched(plan, **options):
    """Watch of a plan's run, and the warnings it gave."""
    watch = cp.Watch(**options)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = plan.run(callbacks=watch)
    return watch, model, [str(each.message) for each in told if each.category is cp.DiagnosisWarning]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_told_once_while_it_is_trained(name):
    watch, model, told = watched(PLANTED[name]())
    name = name.partition(" (")[0]
    if model.stopped == "diverged" and not watch.records:
        return  # in its first epoch, before any report
    epoch, finding = watch.findings[name]
    assert 1 <= epoch <= len(model.history["epoch"])
    assert [each for each in told if f": {finding.title}. " in each] == [
        f"epoch {epoch}: {finding.title}. {finding.explanation} {finding.remedy}"
    ]


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_told_of_a_healthy_run(name):
    watch, model, told = watched(HEALTHY[name](0))
    assert (told, dict(watch.findings)) == ([], {})
    assert watch.diagnosis().names == ()
    assert len(watch.records) == len(model.history["epoch"])


def test_records_are_measures_of_the_sample_at_each_epochs_end():
    thetas, plan = [], HEALTHY["breast cancer"](0)
    watch = cp.Watch(every=3)
    model = plan.run(callbacks=[watch, lambda report: thetas.append(report.theta)])
    epochs = [each.epoch for each in watch.records]
    assert epochs == list(range(3, len(thetas) + 1, 3))
    rows = model.sample.training
    for found in watch.records:
        theta, before = thetas[found.epoch - 1], thetas[found.epoch - 2]
        seen = whole_pass(model.network, theta, rows.X, rows.Y, sample_weight=rows.weights)
        assert found == measure(seen, epoch=found.epoch, before=before)
        change = np.linalg.norm(theta.flat - before.flat) / np.linalg.norm(before.flat)
        assert found.update == pytest.approx(change)


def test_a_quiet_watch_keeps_its_numbers_and_tells_at_the_end():
    watch, _, told = watched(PLANTED["dead units"](), live=False)
    assert told == []
    assert watch.findings == {}
    assert watch.diagnosis().names == ("dead units",)
    assert repr(watch) == "<Watch: 30 epochs measured, 0 findings told>"


def test_another_run_begins_anew():
    watch = cp.Watch(live=False)
    for name in ("dead units", "units that are all alike"):
        plan = PLANTED[name]()
        plan.run(callbacks=watch)
        assert watch.diagnosis().names == (name,)
        assert len(watch.records) == plan.settings["epochs"]


def test_a_finding_that_does_not_last_is_not_told(monkeypatch):
    told = PLANTED["dead units"]().run().diagnose()[0]
    flicker = checks.Check("dead units", lambda case: told if case.found.epoch % 3 else None)
    monkeypatch.setattr("clearprop.glassbox.diagnosis.watch.CHECKS", (flicker,))
    monkeypatch.setattr(checks, "CHECKS", (flicker,))
    assert watched(HEALTHY["sine"](0))[2] == []
    monkeypatch.setattr("clearprop.glassbox.diagnosis.watch.CHECKS", (replace(flicker, lasts=2),))
    assert len(watched(HEALTHY["sine"](0))[2]) == 1


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_drop_ins_take_a_watch(solver):
    X, y = table("iris")
    watch = cp.Watch(live=False)
    settings = {"max_iter": 30, "learning_rate_init": 0.02, "solver": solver, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.MLPClassifier(hidden_layer_sizes=(8,), activation="tanh", **settings).fit(X, y, callbacks=watch)
    assert len(watch.records) == 30 or solver == "lbfgs"
    assert watch.records[-1].loss < watch.records[0].loss
    assert watch.diagnosis().names == ()


def test_a_drop_ins_lost_numbers_are_found():
    X, y = table("friedman")
    watch = cp.Watch()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        network = cp.MLPRegressor(
            hidden_layer_sizes=(16,), solver="sgd", learning_rate_init=1.0, random_state=0, max_iter=30
        )
        with pytest.raises(ValueError, match="non-finite"):
            network.fit(X, y, callbacks=watch)
    names = [str(each.message) for each in told if each.category is cp.DiagnosisWarning]
    assert len(names) == 1
    assert "learning rate too high" in names[0]


@pytest.mark.parametrize("what", ["gradients", "deltas", "activations", "preactivations"])
def test_pictures_have_a_panel_a_layer_and_points_an_epoch(what):
    watch, model, _ = watched(PLANTED["vanishing gradients"](), live=False)
    svg = watch.svg(what)
    tree = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    medians = tree.findall(f".//{space}polyline")
    assert len(medians) == model.network.depth == 8
    assert all(len(each.get("points").split()) == 40 for each in medians)
    assert "layer 8: 3 softmax" in svg
    heights = [float(each.get("points").split()[-1].split(",")[1]) for each in medians]
    if what == "deltas":  # on one axis: the first layer's lies lowest, and so furthest down the page
        assert heights[0] == max(heights)
    file = standalone(svg)
    assert ElementTree.fromstring(file) is not None
    assert "prefers-color-scheme:dark" in file


def test_bands_put_numbers_where_they_belong():
    flat = as_bands([1, 2, 3], [("p", "a", [(0, 1, 2, 3, 4, 5, 6)] * 3)])
    tree = ElementTree.fromstring(flat)
    space = "{http://www.w3.org/2000/svg}"
    outer, inner = tree.findall(f".//{space}polygon")
    ends = [{float(p.split(",")[1]) for p in each.get("points").split()} for each in (outer, inner)]
    median = float(tree.find(f".//{space}polyline").get("points").split(",")[1].split()[0])
    assert max(ends[0]) - min(ends[0]) == pytest.approx(2 * (max(ends[1]) - min(ends[1])), abs=0.05)
    assert median == pytest.approx(sum(ends[1]) / 2, abs=0.02)
    powers = as_bands([1], [("p", "g", [(0.0, 0.0, 1e-3, 1e-2, 1e-1, 1.0, np.inf)])], sizes=True)
    assert ">-3</tspan>" in powers
    assert ">0</tspan>" in powers


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: cp.Watch(every=0), "every is a whole number of epochs from 1, not 0"),
        (lambda: cp.Watch(every=True), "not True"),
        (lambda: cp.Watch().svg(), "has measured no epoch; give it to train"),
        (lambda: cp.Watch().svg("weights"), "svg draws gradients, deltas, .* not 'weights'"),
        (lambda: cp.Watch().diagnosis(), "has measured no epoch"),
    ],
)
def test_errors_say_what_to_do(wrong, message):
    with pytest.raises(SpecificationError, match=message):
        wrong()
