"""What the page says that the run's own optimizer would do, against what the run then does."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from clearprop.engines import engine_for
from clearprop.engines.protocol import OptimizerState
from clearprop.formulas.optimizers import optimizers
from clearprop.glassbox.quantity import Quantity
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.coming import Coming
from clearprop.web.bench.sets import generated_set
from clearprop.web.bench.settings import Layer, Settings, stepping
from clearprop.web.rooms.glass import steps_of
from clearprop.web.rooms.own_step import equations, own_step
from clearprop.web.rooms.plugs import Scene
from clearprop.web.rooms.updating import own_update
from served import asked, serving

ALONE = Settings(layers=(Layer(3, "tanh"),), batch_size=1, epochs=4, l2=0.01, learning_rate=0.05)
#: every optimizer, and what else bends a step
CASES = {
    **{name: {"optimizer": name} for name in stepping()},
    "clipped": {"optimizer": "adam", "clip_norm": 0.05},
    "decayed": {"optimizer": "sgd", "weight_decay": 0.3},
    "scheduled": {"optimizer": "momentum", "schedule": "cosine"},
}


@pytest.fixture
def standing():
    """A bench whose batches are single rows, after an epoch and five steps."""
    made = []

    def make(**settings):
        bench = Bench(generated_set("moons", rows=16), replace(ALONE, **settings))
        made.append(bench)
        bench.pace.one_epoch()
        for _ in range(5):
            bench.pace.one_batch()
        return bench

    yield make
    for bench in made:
        bench.close()


def next_row(bench):
    """Number of the row that is the next batch, as the run's record has it."""
    moment, part = bench.moment(), bench.data.training
    order = engine_for("textbook", bench.network, dtype="float64").order(
        bench.settings.seed, moment.epoch, len(part)
    )
    return int(part.numbers[order[moment.batch]])


def said(bench, change=lambda coming: coming):
    """Parameters after the next row, as the page would say; what is put in can be falsified."""
    scene, coming = Scene.poised(bench, next_row(bench))
    return own_step(scene.trace, change(coming))


@pytest.mark.parametrize("case", CASES)
def test_what_the_page_says_is_what_the_run_then_does(standing, case):
    bench = standing(**CASES[case])
    for _ in range(3):
        step = said(bench)
        bench.pace.one_batch()
        moment = bench.moment()
        assert step.t == moment.steps
        np.testing.assert_allclose(step.after.flat, moment.theta, rtol=0, atol=1e-14)
        slots = bench.pace.poised()[1].state.slots
        np.testing.assert_allclose(step.slots_after, slots, rtol=1e-12, atol=1e-16)


def test_a_run_taken_back_remembers_what_it_did_then(standing):
    bench = standing(optimizer="adam", schedule="cosine")
    bench.pace.back_to(1)
    then, number = said(bench), next_row(bench)
    bench.pace.one_epoch()
    bench.pace.back_to(1)
    again = said(bench)
    assert (again.t, again.rate, number) == (then.t, then.rate, next_row(bench))
    np.testing.assert_array_equal(again.slots_before, then.slots_before)
    bench.pace.one_batch()
    np.testing.assert_allclose(again.after.flat, bench.moment().theta, rtol=0, atol=1e-14)
    bench.pace.back_to(0)
    assert said(bench).t == 1
    assert not said(bench).slots_before.any()


def _forgetful(coming):
    return replace(coming, state=OptimizerState(np.zeros_like(coming.state.slots), coming.state.t))


@pytest.mark.parametrize(
    "wrong",
    [
        _forgetful,
        lambda coming: replace(coming, state=OptimizerState(coming.state.slots, coming.state.t + 1)),
        lambda coming: replace(coming, rate=coming.rate * 1.001),
        lambda coming: replace(coming, rule=coming.rule(clip_norm=0.01)),
    ],
)
def test_a_planted_fault_is_found(standing, wrong):
    bench = standing(optimizer="adam")
    step = said(bench, wrong)
    bench.pace.one_batch()
    assert np.abs(step.after.flat - bench.moment().theta).max() > 1e-8


def test_looking_at_the_next_step_changes_no_bit_of_the_run():
    records = []
    for looked in (False, True):
        bench = Bench(settings=Settings(optimizer="adam", schedule="cosine", epochs=3))
        while bench.moment().ended == "":
            if looked:
                scene, coming = Scene.poised(bench, 2)
                steps_of(scene, "W[1][0,1]", coming)
                coming.state.slots[:] = 7.0  # a copy
            bench.pace.one_batch()
        records.append(bench.pace.result().record.digests)
        assert Scene.poised(bench, 2)[1].over
        bench.close()
    assert records[0] == records[1]
    assert len(records[0]) == 4


def test_the_equation_with_its_numbers_put_in_makes_the_number_after(standing):
    bench = standing(optimizer="adam", clip_norm=0.05, weight_decay=0.2)
    scene, coming = Scene.poised(bench, 3)
    step, q = own_step(scene.trace, coming), Quantity("W", 1, (2, 0))
    lines = list(equations(step, q))
    assert [line.rule.split()[0] for line in lines] == [
        "of", "learning", "for", "for", "weight", "remembered", "remembered", "Adam"
    ]  # fmt: skip
    assert "clipped" in lines[0].rule
    for line in lines:
        made, value = (_computed(text) for text in (line.numbers[0], line.value))
        assert made == pytest.approx(value, rel=2e-4), line
    assert _computed(lines[-1].value) == pytest.approx(step.after.W[1][2, 0], rel=1e-5)
    shown = own_update(scene, "W[1][2,0]", step)[-1]
    assert shown.change.after == step.after.W[1][2, 0]
    assert [pair[1] for pair in shown.slots] == [slots[4] for slots in step.slots_after]


def _computed(formula):
    """A formula of MathML with numbers alone, computed."""
    return float(eval(_spelled(ElementTree.fromstring(f"<mrow>{formula}</mrow>")), {"__builtins__": {}}))


def _spelled(element):
    """A piece of MathML in Python's arithmetic."""
    parts = [_spelled(part) for part in element]
    match element.tag:
        case "mrow":
            return "".join(parts)
        case "msup":
            return f"({parts[0]})**({parts[1]})"
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msqrt":
            return f"({''.join(parts)})**0.5"
    return element.text.replace("·", "*").replace("−", "-")


def test_one_step_is_shown_where_the_two_are_the_same_and_plain_where_there_is_no_other(standing):
    for settings, tables in (({"optimizer": "sgd"}, 1), ({"optimizer": "sgd", "clip_norm": 1e-3}, 2)):
        scene, coming = Scene.poised(standing(**settings), 3)
        shown = steps_of(scene, "b[1][1]", coming)
        assert shown.count("<tbody>\n<tr><th") == tables
        assert ("Beside it" in shown) == (tables == 2)
        state = coming.state
    for name in ("lbfgs", "levenberg_marquardt"):
        shown = steps_of(scene, "b[1][1]", Coming(optimizers[name], state, None))
        assert "takes the whole data at once" in shown
        assert "derivation" not in shown


@pytest.mark.parametrize("of", ["C", "z[1][0]", "y_hat[0]", "x[1]", "delta[2][0]"])
def test_other_numbers_are_shown_before_and_after_without_an_equation(standing, of):
    scene, coming = Scene.poised(standing(), 3)
    shown = steps_of(scene, of, coming)
    assert 'class="derivation"' not in shown
    assert "by the run's own Adam" in shown.replace("&#39;", "'")


def test_the_page_shows_the_own_step_also_of_a_run_that_diverged():
    with serving() as served:
        path = f"/api/benches/{asked(served, '/api/benches', body={})['id']}"
        asked(
            served, f"{path}/settings", body={"optimizer": "momentum", "learning_rate": 1000.0, "epochs": 9}
        )
        asked(served, f"{path}/do", body={"verb": "edit", "name": "W[1][0,0]", "value": 1e200})
        for _ in range(3):
            asked(served, f"{path}/do", body={"verb": "batch"})
        shown = asked(served, f"{path}/derivation?row=3&of=W[1][0,0]")
        assert "step 4 of Momentum" in shown
        assert "η" in shown
