"""Networks as ONNX and C: every activation and link, the user's own, far out, near 0, and planted faults."""

import numpy as np
import pytest
from scipy import special

import clearprop as cp
from clearprop.engines.textbook import forward_pass
from clearprop.export import Pipeline
from clearprop.export.c_formulas import CReading
from clearprop.export.onnx_formulas import OnnxReading
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from exported import by_onnx, disagreement, needs_compiler, network_by_c
from networks import random_case

TINY = (1e-5, 1e-9, 1e-20, 1e-37)
Z = np.concatenate((np.linspace(-50, 50, 801), [1e4, -1e4, 0.0, -0.0], TINY, np.negative(TINY)))
OWN = (
    cp.Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1", alpha=1.5),
    cp.Activation("waves", "cos(z) * erf(z) + floor(z) / 7", derivative="1"),
    cp.Activation("roots", "log1p(abs(z)) * sqrt(abs(z) + beta)**3", derivative="1", beta=2.0),
    cp.Activation("powers", "log(z**2 + 1) - abs(z)**1.5 + +z", derivative="1"),
    cp.Activation("identity", "2 * z", derivative="2"),
    cp.Activation("flat", "gamma", derivative="0", gamma=-3.0),
    cp.Activation("lost", "log(-1 - abs(z))  # */ NaN everywhere", derivative="0"),
)
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def engine(pipeline, X):
    """y_hat by the textbook."""
    with np.errstate(all="ignore"):
        return forward_pass(pipeline.network, pipeline.theta, X).a[pipeline.network.depth]


def spread_over(row, dtype):
    """A layer of the row that sees each z of Z, and inputs for it."""
    coupled = not isinstance(row, cp.Activation)
    network = cp.Network(
        1, [cp.Dense(3 if coupled else 1, row, bias=False)], None if coupled else "half_squared_error"
    )
    flat = np.array([-0.5, 0.25, 1.0, 0.75, -1.0, 0.125])[: network.n_parameters] if coupled else np.ones(1)
    return Pipeline(network, cp.Parameters(network, flat.astype(dtype))), Z[:, None].astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", [*activations.values(), *OWN], ids=lambda row: row.name)
def test_every_activation_is_the_engines_in_onnx(row, dtype):
    pipeline, X = spread_over(row, dtype)
    found = by_onnx(pipeline, {"X": X})["y_hat"]
    assert found.dtype == dtype
    assert disagreement(found, engine(pipeline, X)) < TOLERANCE[dtype]


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", [*activations.values(), *OWN], ids=lambda row: row.name)
def test_every_activation_is_the_engines_in_c(row, dtype, tmp_path):
    pipeline, X = spread_over(row, dtype)
    assert disagreement(network_by_c(pipeline, tmp_path, X), engine(pipeline, X)) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("expm1(z)", special.expm1),
        ("softplus(z)", lambda z: np.logaddexp(0, z)),
        ("sigmoid(z)", special.expit),
        ("log1p(abs(z))", lambda z: special.log1p(np.abs(z))),
        ("erf(z)", special.erf),
        ("erfc(z)", special.erfc),
    ],
)
def test_what_is_small_keeps_its_digits_in_onnx(text, exact, dtype):
    pipeline, X = spread_over(cp.Activation("own", text, derivative="1"), dtype)
    kept = X[np.abs(X[:, 0]) <= 9]
    found = by_onnx(pipeline, {"X": kept})["y_hat"].astype(np.float64)
    expected = exact(kept.astype(np.float64))
    known = np.abs(expected) > 1e-35
    assert known.sum() > 100
    limit = 1e-14 if dtype == "float64" else 1e-6  # of erfc, exp(-z^2) alone has 81 roundings of z^2 at 9
    assert np.abs(found[known] / expected[known] - 1).max() < limit


HIDDEN = tuple(activations[name] for name in ("maxout", "identity", "monotone", "gelu", "softmax", "tanh"))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", losses.values(), ids=lambda loss: loss.name)
def test_every_losss_link_on_a_deep_network_with_dropout(loss, dtype, tmp_path):
    case = random_case(activations[loss.link], loss, HIDDEN, seed=3, dtype=dtype)
    pipeline = Pipeline(case.network, case.theta)
    X = case.X.astype(dtype)
    expected = engine(pipeline, X)
    assert disagreement(by_onnx(pipeline, {"X": X})["y_hat"], expected) < TOLERANCE[dtype]
    assert disagreement(by_onnx(pipeline, {"X": X[:1]})["y_hat"], expected[:1]) < TOLERANCE[dtype]
    assert disagreement(network_by_c(pipeline, tmp_path, X), expected) < TOLERANCE[dtype]


def test_adopt_opens_what_is_written_of_the_usual_activations(tmp_path):
    for name in ("relu", "tanh", "sigmoid", "silu"):
        network = cp.Network(3, [cp.Dense(4, name), cp.Dense(2, "softmax")])
        model = cp.Model(network, network.initialize())
        model.export(tmp_path / "m.onnx")
        opened = cp.adopt(tmp_path / "m.onnx")
        assert opened.theta.flat.tolist() == model.theta.flat.tolist()
        assert np.abs(opened.predict(np.eye(3)) - model.predict(np.eye(3))).max() < 1e-15


def planted_weight(case, monkeypatch):
    theta = case.theta.copy()
    theta.W[2][0, 0] += 1e-3
    return theta


def planted_formula(case, monkeypatch):
    for reading in (OnnxReading, CReading):
        sound = reading.activation
        monkeypatch.setattr(
            reading, "activation", lambda self, row, z, f=sound: self.negative(f(self, row, z))
        )
    return case.theta


@needs_compiler
@pytest.mark.parametrize("plant", [planted_weight, planted_formula])
def test_a_planted_fault_is_noticed(plant, tmp_path, monkeypatch):
    case = random_case(activations["sigmoid"], losses["binary_cross_entropy"], HIDDEN[-2:], seed=3)
    expected = engine(Pipeline(case.network, case.theta), case.X)
    wrong = Pipeline(case.network, plant(case, monkeypatch))
    assert disagreement(by_onnx(wrong, {"X": case.X})["y_hat"], expected) > 1e-6
    assert disagreement(network_by_c(wrong, tmp_path, case.X), expected) > 1e-6
