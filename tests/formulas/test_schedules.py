"""Schedules: their ends, their shapes, one rate a step."""

import numpy as np
import pytest

from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas.latex import latex
from clearprop.formulas.schedules import Schedule, as_schedule, schedules

T, PER_EPOCH = 200, 10


def rates(schedule, first=0, last=T, **given):
    return schedule.rates(first, last, steps=T, steps_per_epoch=PER_EPOCH, **given)


@pytest.fixture(params=schedules.values(), ids=schedules)
def schedule(request):
    return request.param


def test_one_finite_rate_a_step(schedule):
    found = rates(schedule)
    assert found.shape == (T,)
    assert found.dtype == np.float64
    assert found.flags.writeable  # kernels are compiled for arrays of their own
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.max() <= schedule["rate"] * (1 + 1e-12)


def test_pieces_are_the_whole(schedule):
    pieces = [rates(schedule, first, first + 50) for first in range(0, T, 50)]
    np.testing.assert_array_equal(np.concatenate(pieces), rates(schedule))


def test_scales_with_the_rate(schedule):
    if schedule.name != "cosine" or not schedule["final"]:
        np.testing.assert_allclose(rates(schedule(1.0)) * 3, rates(schedule(3.0)), rtol=1e-12)


def test_constant():
    assert (rates(as_schedule(0.3)) == 0.3).all()


def test_inverse_scaling():
    found = rates(schedules["inverse_scaling"](0.1, power=0.5))
    assert (found[0], found[3]) == (0.1, 0.05)


def test_step_decay_by_whole_epochs():
    found = rates(schedules["step_decay"](0.8, factor=0.5, every=3.0))
    assert found[:30].tolist() == [0.8] * 30
    assert found[30:60].tolist() == [0.4] * 30


def test_exponential_by_epoch():
    found = rates(schedules["exponential"](1.0, factor=0.9))
    np.testing.assert_allclose(found[::PER_EPOCH], 0.9 ** np.arange(T / PER_EPOCH))


def test_cosine_with_warm_up():
    found = rates(schedules["cosine"](1.0, warmup=0.1, final=0.1))
    assert found[0] == pytest.approx(1 / 20)
    assert found[19] == pytest.approx(1.0)
    assert found[20] == pytest.approx(1.0)
    assert found[110] == pytest.approx(0.55)
    assert 0.1 < found[-1] < 0.101
    assert (np.diff(found[:20]) > 0).all()
    assert (np.diff(found[20:]) < 0).all()


def test_one_cycle():
    found = rates(schedules["one_cycle"](1.0, warmup=0.3, start=25.0, end=1e4))
    assert found[0] == pytest.approx(1 / 25)
    assert found.argmax() == 60
    assert found.max() == pytest.approx(1.0)
    assert found[-1] < 1e-3
    assert (np.diff(found[:61]) > 0).all()
    assert (np.diff(found[60:]) < 0).all()


def test_reduce_on_plateau_follows_the_reductions():
    schedule = schedules["reduce_on_plateau"](0.8, factor=0.5)
    assert [rates(schedule, 0, 1, reductions=n)[0] for n in range(3)] == [0.8, 0.4, 0.2]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_runs(schedule, steps):
    found = schedule.rates(0, steps, steps=steps, steps_per_epoch=1)
    assert np.isfinite(found).all()
    assert found[0] > 0


def test_refusals():
    for bad in (True, "fast", float("nan"), None):
        with pytest.raises((SpecificationError, FormulaError)):
            as_schedule(bad)
    with pytest.raises(FormulaError, match="needs a parameter 'rate'"):
        Schedule(name="mine", formula="t")
    with pytest.raises(FormulaError, match="uses when"):
        Schedule(name="mine", formula="rate * when", parameters=(("rate", 1.0),))


def test_has_latex(schedule):
    assert latex(schedule.formula)
