"""Initializers: the variance each promises, and streams that stay apart."""

import numpy as np
import pytest

from clearprop.errors import FormulaError
from clearprop.formulas.initializers import Initializer, as_initializer, initializers
from clearprop.specification import Dense, Network

FAN_IN, FAN_OUT = 300, 200
VARIANCE = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "zeros": 0.0,
}


@pytest.mark.parametrize("name", initializers)
def test_variance(name):
    row = initializers[name]
    weights = row.draw((FAN_OUT, FAN_IN), FAN_IN, FAN_OUT, np.random.default_rng(0))
    assert weights.shape == (FAN_OUT, FAN_IN)
    assert weights.var() == pytest.approx(VARIANCE[name], rel=0.03)
    assert abs(weights.mean()) <= 5 * np.sqrt(VARIANCE[name] / weights.size)
    if row.distribution == "uniform":
        assert np.abs(weights).max() <= np.sqrt(3 * VARIANCE[name])


def test_layers_draw_from_streams_of_their_own():
    one = Network(4, [Dense(5, "tanh"), Dense(3, "softmax")]).initialize(seed=1)
    more = Network(4, [Dense(5, "tanh"), Dense(3, "tanh"), Dense(2)]).initialize(seed=1)
    np.testing.assert_array_equal(one.W[1], more.W[1])
    np.testing.assert_array_equal(one.W[2], more.W[2])
    assert not (one.W[1] == Network(4, [Dense(5, "tanh"), Dense(3)]).initialize(seed=2).W[1]).any()
    assert not one.b[1].any()


def test_the_activation_chooses_and_the_layer_overrides():
    plain, zeros = Dense(200, "relu"), Dense(200, "relu", initializer="zeros")
    theta = Network(300, [plain]).initialize(seed=0)
    assert theta.W[1].var() == pytest.approx(2 / 300, rel=0.03)
    assert not Network(300, [zeros]).initialize(seed=0).flat.any()


def test_float32_is_the_rounded_float64():
    network = Network(4, [Dense(5, "tanh")])
    single, double = network.initialize(0, "float32"), network.initialize(0)
    np.testing.assert_array_equal(single.flat, double.flat.astype("float32"))


def test_refusals():
    with pytest.raises(FormulaError, match="did you mean"):
        as_initializer("he_norml")
    with pytest.raises(FormulaError, match="uses depth"):
        Initializer(name="mine", scale="1 / depth", distribution="normal")
