"""Every optimizer's rule against an independent NumPy implementation, twenty steps."""

import numpy as np
import pytest

from clearprop.engines import engine_for
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas.latex import latex
from clearprop.formulas.optimizers import Optimizer, as_optimizer, optimizers
from clearprop.formulas.schedules import schedules
from clearprop.specification import Dense, Network
from networks import ENGINES

STEPS, RATE = 20, 0.05


def sgd(w, gradient):
    for k in range(STEPS):
        w = w - RATE * gradient(w, k)
    return w


def momentum(w, gradient):
    velocity = np.zeros_like(w)
    for k in range(STEPS):
        velocity = 0.9 * velocity - RATE * gradient(w, k)
        w = w + velocity
    return w


def nesterov(w, gradient):
    """Sutskever's form, written at the looked-ahead parameters."""
    velocity = np.zeros_like(w)
    for k in range(STEPS):
        g = gradient(w, k)
        before, velocity = velocity, 0.9 * velocity - RATE * g
        w = w - 0.9 * before + (1 + 0.9) * velocity
    return w


def adagrad(w, gradient):
    squares = []
    for k in range(STEPS):
        g = gradient(w, k)
        squares.append(g * g)
        w = w - RATE * g / (np.sqrt(np.sum(squares, axis=0)) + 1e-10)
    return w


def rmsprop(w, gradient):
    average = np.zeros_like(w)
    for k in range(STEPS):
        g = gradient(w, k)
        average += (1 - 0.9) * (g * g - average)
        w = w - RATE * g / (np.sqrt(average) + 1e-8)
    return w


def adam(w, gradient, decay=0.0):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for k in range(STEPS):
        g = gradient(w, k)
        m += (1 - 0.9) * (g - m)
        v += (1 - 0.999) * (g * g - v)
        w = w * (1 - RATE * decay)
        w = w - RATE * (m / (1 - 0.9 ** (k + 1))) / (np.sqrt(v / (1 - 0.999 ** (k + 1))) + 1e-8)
    return w


def adamw(w, gradient):
    return adam(w, gradient, decay=0.01)


BY_HAND = {rule.__name__: rule for rule in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw)}
STEPPING = [rule for rule in optimizers.values() if rule.step]
NETWORK = Network(6, [Dense(1, bias=False)])
START = np.linspace(-2, 2, 6)


def gradient(w, k):
    """Of a bowl that is stiffer in some directions, with a push that changes from step to step."""
    return w * np.array([1, 2, 3, 4, 5, 6]) / 4 + np.sin(k + np.arange(6))


def twenty_steps(rule, gradient, network=NETWORK, engine="textbook"):
    computing = engine_for(engine, network, dtype="float64", optimizer=rule)
    theta, state = START.copy(), OptimizerState.fresh(network, "float64")
    for k in range(STEPS):
        computing.update(theta, gradient(theta, k), state, RATE)
    assert state.t == STEPS
    return theta


def test_every_rule_has_a_counterpart():
    assert [rule.name for rule in STEPPING] == list(BY_HAND)
    assert [rule.name for rule in optimizers.values() if not rule.step] == ["lbfgs", "levenberg_marquardt"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rule", STEPPING, ids=lambda rule: rule.name)
def test_the_rule_by_hand(rule, engine):
    found = twenty_steps(rule, gradient, engine=engine)
    np.testing.assert_allclose(found, BY_HAND[rule.name](START.copy(), gradient), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("norm", [0.5, 1e3])
def test_clipping_by_the_norm_of_the_whole_gradient(norm, engine):
    network = Network(2, [Dense(2), Dense(1, bias=False)])  # two arrays of weights, one of biases
    network_size = network.n_parameters
    start = np.linspace(-1, 1, network_size)
    computing = engine_for(engine, network, dtype="float64", optimizer=optimizers["sgd"](1.0, clip_norm=norm))
    theta, state = start.copy(), OptimizerState.fresh(network, "float64")
    g = np.arange(network_size, dtype=float)
    computing.update(theta, g, state, 1.0)
    np.testing.assert_allclose(start - theta, g * min(1, norm / np.linalg.norm(g)), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("engine", ENGINES)
def test_decay_spares_biases_and_the_penalty_is_added_before_clipping(engine):
    network = Network(2, [Dense(1)], l2=0.5)
    rule = optimizers["sgd"](0.1, weight_decay=0.2, clip_norm=1.0)
    computing = engine_for(engine, network, dtype="float64", optimizer=rule)
    theta, state = np.array([1.0, -2.0, 3.0]), OptimizerState.fresh(network, "float64")
    computing.update(theta, np.array([3.0, 1.0, 1.0]), state, 0.1)
    g = np.array([3.5, 0.0, 1.0])
    g /= np.linalg.norm(g)
    np.testing.assert_allclose(theta, np.array([0.98, -1.96, 3.0]) - 0.1 * g, rtol=1e-14)


def test_parameters_and_calls():
    rule = optimizers["adam"](schedules["cosine"](0.01), beta1=0.5, weight_decay=0.1)
    assert (rule["beta1"], rule["beta2"], rule.weight_decay) == (0.5, 0.999, 0.1)
    assert rule.learning_rate.name == "cosine"
    assert repr(optimizers["adam"](0.01, clip_norm=1.0)) == "Adam(0.01, clip_norm=1)"
    assert as_optimizer("adamw").weight_decay == 0.01
    with pytest.raises(FormulaError, match="Adam has no 'beta3'; it takes learning_rate"):
        optimizers["adam"](beta3=1.0)
    with pytest.raises(SpecificationError, match="clip_norm is a positive number or None"):
        optimizers["sgd"](clip_norm=0.0)
    with pytest.raises(SpecificationError, match="weight_decay is a number from 0"):
        optimizers["sgd"](weight_decay=-1.0)
    with pytest.raises(SpecificationError, match="not negative"):
        optimizers["sgd"](-1.0)
    with pytest.raises(FormulaError, match="did you mean 'adam'"):
        as_optimizer("adm")


def test_a_rule_of_ones_own_is_checked():
    with pytest.raises(FormulaError, match="uses velocity"):
        Optimizer(name="mine", step="theta - rate * velocity")
    with pytest.raises(FormulaError, match="at most 2 slots"):
        Optimizer(name="mine", step="theta", slots=tuple((n, "g") for n in ("p", "q", "r")))
    signed = Optimizer(name="signed", step="theta - rate * where(g > 0, 1, -1)")
    found = twenty_steps(signed, lambda w, k: np.ones(6))
    np.testing.assert_allclose(found, START - STEPS * RATE)


@pytest.mark.parametrize("rule", STEPPING, ids=lambda rule: rule.name)
def test_every_rule_has_latex(rule):
    for _, text in (*rule.scalars, *rule.slots, ("theta", rule.step)):
        assert latex(text)
