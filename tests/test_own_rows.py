"""An activation and a loss that a user writes in one call are first-class everywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest

import clearprop as cp
from clearprop.formulas.latex import latex

SNAKE = cp.Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.0)
LOG_COSH = cp.Loss(
    "log_cosh",
    "abs(a - y) + log1p(exp(-2 * abs(a - y))) - log(2)",
    slope="tanh(a - y)",
    source="a smooth absolute error",
)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    X = generator.uniform(-2, 2, (300, 2))
    return X, np.sin(3 * X[:, 0]) + X[:, 1]


@pytest.fixture(scope="module")
def model(data):
    net = cp.Network(2, [cp.Dense(16, SNAKE(2.0)), cp.Dense(1)], loss=LOG_COSH)
    return cp.train(net, *data, optimizer=cp.Adam(0.02), epochs=60, progress=False)


def test_it_trains(model, data):
    assert model.history["loss"][-1] < 0.2 * model.history["loss"][0]
    assert np.abs(model.predict(data[0])[:, 0] - data[1]).mean() < 0.2


def test_its_gradient_is_certified(model, data):
    certificate = model.certify(*data)
    assert certificate.holds, str(certificate)


def test_a_wrong_derivative_is_not_certified(data):
    wrong = cp.Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(alpha*z)", alpha=1.0)
    net = cp.Network(2, [cp.Dense(16, wrong), cp.Dense(1)], loss=LOG_COSH)
    assert not cp.certify(net, net.initialize(seed=0), *data).holds


def test_it_is_shown_in_latex():
    assert latex(SNAKE.formula) == r"z + \frac{{\left(\sin\left(\alpha \, z\right)\right)}^{2}}{\alpha}"
    assert latex(LOG_COSH.slope) == r"\tanh\left(a - y\right)"


def test_it_travels_in_the_model_file_to_a_process_that_never_heard_of_it(model, data, tmp_path):
    path = tmp_path / "own.safetensors"
    model.save(path)
    again = cp.load(path)
    assert again.network.layers[0].activation == SNAKE(2.0)
    assert again.network.loss == LOG_COSH
    np.save(tmp_path / "X.npy", data[0])
    code = (
        "import sys, numpy as np, clearprop as cp\n"
        "y = cp.load(sys.argv[1]).predict(np.load(sys.argv[2]))\n"
        "np.save(sys.argv[3], y)\n"
    )
    arguments = [str(path), str(tmp_path / "X.npy"), str(tmp_path / "y.npy")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=os.environ, timeout=300)
    assert np.load(tmp_path / "y.npy").tobytes() == model.predict(data[0]).tobytes()


def test_a_derivative_left_out_is_found_and_shown():
    found = cp.Activation("swish", "z * sigmoid(beta * z)", beta=1.5)
    assert "sigmoid" in found.derivative
    net = cp.Network(2, [cp.Dense(3, found), cp.Dense(1)])
    X, y = np.random.default_rng(0).standard_normal((10, 2)), np.ones(10)
    assert cp.certify(net, net.initialize(seed=0), X, y).holds
