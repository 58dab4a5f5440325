"""Lessons: every step can be prepared, what its text claims is so, and the page is told where it stands."""

import re

import pytest

from clearprop.errors import DataError
from clearprop.web.bench.bench import Bench
from clearprop.web.lessons import LESSONS, Claim, measured, prepare
from clearprop.web.rooms.teaching import marked

STEPS = [(name, k) for name, lesson in LESSONS.items() for k in range(len(lesson.steps))]


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def broken(bench, name, step, claims=None):
    """Claims of a step that its state does not bear out."""
    lesson = LESSONS[name]
    prepare(bench, lesson, step)
    row = lesson.state_of(step).row
    claims = lesson.steps[step].claims if claims is None else claims
    return [claim.text for claim in claims if not claim.holds(measured(bench, claim, row))]


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_what_a_step_claims_is_so(bench, name, step):
    own, state = LESSONS[name].steps[step], LESSONS[name].state_of(step)
    assert own.claims
    assert broken(bench, name, step) == []
    if own.opens:
        assert bench.derive(state.row, own.opens, view=own.view)
    numbers = re.findall(r"`([^`]*\[[^`]*)`", " ".join(own.text))
    assert all(bench.derive(state.row, each) for each in numbers)
    assert bench.moment().epoch == state.epochs
    assert bench.lesson == (name, step)


@pytest.mark.parametrize(
    "claim",
    [
        Claim("a[1][0]", "~", 0.5, 4),
        Claim("a[1][0]", "<", 0.9, 4),
        Claim("z[1][0]", ">", 11.0, 4),
        Claim("loss", "<", 9),
    ],
)
def test_a_planted_claim_is_found_wrong(bench, claim):
    assert broken(bench, "boolean", 0, [claim]) == [claim.text]


def test_what_the_lessons_tell_the_reader_to_do_comes_out_as_they_say(bench):
    prepare(bench, LESSONS["boolean"], 3)
    bench.edit("b[1][0]", -30.0)
    assert max(bench.trace(row).y_hat[0, 0] for row in (1, 2, 3, 4)) < 0.01
    assert bench.trace(2).loss == pytest.approx(10, rel=0.01)
    assert bench.trace(2).db[1][0] < 0
    prepare(bench, LESSONS["softmax"], 1)
    before = bench.trace(1).y_hat
    for k, value in enumerate((1.0, 2.0, 3.0)):
        bench.edit(f"b[1][{k}]", value + 1000)
    assert bench.trace(1).y_hat == pytest.approx(before)
    prepare(bench, LESSONS["saturation"], 0)
    squared = bench.trace(1).dW[1][0, 0]
    prepare(bench, LESSONS["saturation"], 1)
    assert bench.trace(1).dW[1][0, 0] / squared == pytest.approx(203, rel=0.005)
    prepare(bench, LESSONS["saturation"], 3)
    bench.pace.run()
    while bench.pace.status == "running":
        pass
    loss = bench.moment().history["loss"]
    low, high = (next(k for k, each in enumerate(loss) if each < bound) for bound in (0.05, 0.9))
    assert 190 < high < low < high + 40


def test_a_lesson_or_a_step_that_is_none_is_refused(bench):
    with pytest.raises(DataError, match="steps 1 to 4"):
        prepare(bench, LESSONS["boolean"], 4)


def test_texts_are_escaped():
    assert marked("<b> `<i>`") == "&lt;b&gt; <code>&lt;i&gt;</code>"
