"""The model of step times: planted coefficients come back, and what it predicts is what it says."""

import json
import math

import pytest
from benchmarks.distributed.__main__ import FOUND
from benchmarks.distributed.model import batch_for, fitted_to
from benchmarks.distributed.pages import compared, few

from clearprop.distributed.step_time import MEASURED, REAL, StepTime

PLANTED = StepTime(3e-6, 0.5e-9, 30e-12, 0.8e-9, 200e-6, 40e-6, 2e-9, 0.1)


def measured_by(model, cores=2):
    """What a machine that keeps to the model would measure."""
    alone, sums, steps = [], [], []
    for P in (1e4, 1e5, 1e6):
        for rows in (16, 64, 256):
            middle = model.gradient(P, rows)
            gradient = [middle * (1 + model.tail * late) for late in (0.0, 0.0, 0.0, 1.0, 4.0)]
            alone.append(
                {
                    "world": 1,
                    "parameters": P,
                    "rows": rows,
                    "gradient": gradient,
                    "update": [model.update * P],
                }
            )
        for world in (2, 3, 4):
            crowd = max(1.0, world / cores)
            seconds = model.collective(P, world, crowd=crowd)
            sums.append({"world": world, "parameters": P, "seconds": seconds})
            step = model.step(P, 256, world, crowd=crowd)
            steps.append({"world": world, "parameters": P, "rows": 256, "step": step})
    slow = {"gigabits": 1.0, "sums": [], "steps": []}
    return {"cores": cores, "steps": alone + steps, "sums": sums, "slow": [slow]}


def test_planted_coefficients_come_back():
    found = fitted_to(measured_by(PLANTED))
    for name, value in vars(PLANTED).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6), name


def test_the_packages_coefficients_are_those_of_the_measurements():
    found = fitted_to(json.loads(FOUND.read_text()))
    for name, value in vars(found).items():
        assert getattr(MEASURED, name) == pytest.approx(value, rel=0.02), name


def test_what_keeps_to_the_model_is_on_its_line():
    cases = list(compared(measured_by(PLANTED), PLANTED))
    assert len(cases) == 18
    for where, measured, modelled in cases:
        assert measured == pytest.approx(modelled), where


def test_a_collective_is_what_its_formula_says():
    free = StepTime(0, 0, 0, 0, 0, 0, 0, 0, latency=0)
    for world, slices in ((2, 1 / 2), (4, 3 / 4), (1000, 999 / 1000)):
        bits = 2 * slices * REAL * 1e6 * 8
        assert free.collective(1e6, world, 1e9) == pytest.approx(bits / 1e9)
    assert PLANTED.collective(1e6, 1, 1e9) == 0


def test_a_shard_more_is_a_start_and_a_gradient_written_more():
    more = PLANTED.gradient(1e6, 64, shards=3) - PLANTED.gradient(1e6, 64)
    assert more == pytest.approx(2 * (PLANTED.start + PLANTED.write * 1e6))


def test_without_costs_of_sharing_nothing_is_lost():
    ideal = StepTime(0, 0, 30e-12, 0, 0, 0, 0, 0, latency=0)
    assert ideal.efficiency(1e6, 1024, 64, math.inf) == pytest.approx(1)
    assert PLANTED.slowest(1) == 1
    harmonic = sum(1 / k for k in range(1, 101))
    assert PLANTED.slowest(100) == pytest.approx(1 + 0.1 * (harmonic - math.log(2)), rel=1e-4)


@pytest.mark.parametrize("world", [2, 100])
def test_the_least_batch_is_where_the_gain_begins(world):
    for gain in (1.0, world / 2):
        rows = batch_for(PLANTED, gain, 1e6, world, 10e9)
        for factor, enough in ((1.001, True), (0.999, False)):
            gained = PLANTED.step(1e6, rows * factor, 1) / PLANTED.step(1e6, rows * factor, world, 10e9)
            assert (gained >= gain) == enough
    assert batch_for(PLANTED, 2 * world, 1e6, world, 10e9) == math.inf


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1234.5, "1,200"),
        (0.0123, "0.012"),
        (3.2e6, "3.2 million"),
        (2.5e8, "250 million"),
        (math.inf, "never"),
    ],
)
def test_figures_have_two_digits(value, said):
    assert few(value) == said
