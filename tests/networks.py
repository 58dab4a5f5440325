"""Random small networks and fitting data for tests; they iterate over the library's tables."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest

from clearprop.arrays import Array
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.protocol import Masks
from clearprop.errors import FormulaError
from clearprop.formulas.activations import AnyActivation, activations
from clearprop.formulas.losses import Loss, losses
from clearprop.specification import Dense, Network, Parameters

#: names for `@pytest.mark.parametrize("engine", ENGINES)`
ENGINES = (
    "textbook",
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(find_spec("clearprop.engines.compiled") is None, reason="not written yet"),
    ),
)
TRAINABLE = tuple(row for row in activations.values() if not row.refuses_training)


def fits(activation: AnyActivation, loss: Loss) -> bool:
    try:
        loss.require_fit(activation)
    except FormulaError:
        return False
    return True


#: every trainable output activation with every loss that can judge it
PAIRS = tuple((a, loss) for loss in losses.values() for a in TRAINABLE if fits(a, loss))
PAIR_IDS = [f"{a.name}-{loss.name}" for a, loss in PAIRS]


class Case(NamedTuple):
    network: Network
    theta: Parameters
    X: Array
    Y: Array
    weights: Array
    masks: Masks | None


def targets_for(loss: Loss, m: int, n: int, rng: np.random.Generator) -> Array:
    """Targets (m, n) of the kind the loss judges."""
    match loss.targets:
        case "counts":
            return rng.poisson(2.0, (m, n)).astype(float)
        case "probabilities":
            return np.where(rng.random((m, n)) < 0.5, rng.integers(0, 2, (m, n)), rng.random((m, n)))
        case "signs":
            return rng.choice([-1.0, 1.0], (m, n))
        case "distribution":
            hard = np.eye(n)[rng.integers(0, n, m)]
            return np.where(rng.random((m, 1)) < 0.5, hard, rng.dirichlet(np.ones(n), m))
        case _:
            return rng.normal(size=(m, n))


def random_case(
    output: AnyActivation,
    loss: Loss,
    hidden: tuple[AnyActivation, ...] = (),
    *,
    seed: int,
    dtype: str = "float64",
    dropout: bool = True,
    scale: float = 1.0,
) -> Case:
    """A network of a few units a layer, with weights, masks and penalties, all drawn from `seed`."""
    rng = np.random.default_rng(seed)
    n_inputs, n_outputs, m = (int(n) for n in rng.integers((2, 2, 3), (5, 4, 8)))
    layers = [
        Dense(
            int(rng.integers(2, 5)),
            row,
            bias=bool(rng.random() < 0.8),
            dropout=0.3 if dropout and rng.random() < 0.7 else 0.0,
        )
        for row in hidden
    ]
    network = Network(
        n_inputs,
        [*layers, Dense(n_outputs, output, bias=bool(rng.random() < 0.8))],
        loss=loss,
        l2=float(rng.choice([0.0, 0.1])),
        l1=float(rng.choice([0.0, 0.01])),
        input_dropout=0.2 if dropout and rng.random() < 0.5 else 0.0,
    )
    theta = Parameters(network, (scale * rng.normal(0, 0.7, network.n_parameters)).astype(dtype))
    X = rng.normal(size=(m, n_inputs))
    masks = dropout_masks(network, seed, 0, np.arange(m)) if network.has_dropout else None
    return Case(network, theta, X, targets_for(loss, m, n_outputs, rng), rng.uniform(0, 3, m), masks)
