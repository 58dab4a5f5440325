"""Runs with a planted fault, healthy runs, and how a diagnosis's change is applied to a run.

A `Plan` is everything a run is made of, as plain data, so that a change is applied mechanically: what is a
setting of `train` goes there, what is a part of the network goes into the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.formulas.initializers import Initializer
from clearprop.tables import Encoder, Target


@dataclass(frozen=True)
class Plan:
    X: Any
    Y: Any
    hidden: tuple[int, ...] = (16,)
    activation: Any = "tanh"
    initializer: Any = None
    output: str = "identity"
    loss: Any = None
    l2: float = 0.0
    settings: dict = field(default_factory=dict)

    def network(self):
        classes = self.output == "softmax"
        outputs = int(self.Y.max()) + 1 if classes else 1 if self.Y.ndim == 1 else self.Y.shape[1]
        layers = [cp.Dense(n, self.activation, initializer=self.initializer) for n in self.hidden]
        layers.append(cp.Dense(outputs, self.output, initializer=self.initializer))
        return cp.Network(self.X.shape[1], layers, loss=self.loss, l2=self.l2)

    def run(self, callbacks=()):
        settings = {"engine": "textbook", "progress": False, **self.settings}
        initial = settings.pop("initial", None)
        network = self.network()
        if initial is not None:
            settings["initial"] = initial(network)
        try:
            return cp.train(network, self.X, self.Y, callbacks=callbacks, **settings)
        except cp.TrainingDiverged as diverged:
            return cp.Model.of(diverged.run)

    def following(self, change):
        """The plan with a finding's change."""
        plan = self
        for name, value in change.items():
            if name in ("X", "Y"):
                assert value == "standardised"
                plan = replace(plan, **{name: standardised(getattr(plan, name))})
            elif name in ("activation", "initializer", "output", "loss", "l2"):
                plan = replace(plan, **{name: value})
            else:
                plan = replace(plan, settings={**plan.settings, name: value})
        return plan


def standardised(X):
    deviations = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)


@cache
def table(name):
    """Inputs, standardised, and targets of a small data set."""
    if name == "moons":
        X, y = datasets.make_moons(300, noise=0.15, random_state=0)
    elif name == "friedman":
        X, y = datasets.make_friedman1(300, n_features=8, noise=0.5, random_state=0)
    elif name == "xor":
        X = np.random.default_rng(0).uniform(-1, 1, (400, 2))
        y = (X[:, 0] * X[:, 1] > 0).astype(int)
    elif name == "sine":
        X = np.random.default_rng(1).uniform(-3, 3, (300, 1))
        y = np.sin(X[:, 0])
    elif name == "penguins":
        from clearprop.tables import read_table

        whole = read_table(penguins_path())
        target = Target.fit(whole, "species")
        known = whole.take(target.known_rows(whole))
        X = Encoder.fit(known, target=("species",)).transform(known).astype(np.float64)
        y = target.transform(known)
    elif name == "digits":
        X, y = datasets.load_digits(return_X_y=True)
        return X[:500] / 16, y[:500]
    else:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = standardised(X)
    return X, y if name in ("moons", "xor") or y.dtype.kind == "i" else standardised(y)


def small(scale):
    """First weights a factor larger or smaller than usual."""
    return Initializer(name="scaled", scale=f"{scale} * sqrt(2 / fan_in)", distribution="normal")


ADAM = cp.Adam(0.01)


def plan_of(name, *rest, seed=0, epochs=40, optimizer=ADAM, settings=None, **parts):
    """Plan on a small data set: `rest` and `parts` are the network's, the others settings of `train`."""
    given = {"epochs": epochs, "optimizer": optimizer, "seed": seed, **(settings or {})}
    return Plan(*table(name), *rest, settings=given, **parts)


JUDGED = {"validation": 0.2, "patience": 10}

#: runs with nothing wrong: data set -> activation, output, loss, optimizer of every kind, by seed
HEALTHY = {
    "iris": lambda seed: plan_of("iris", output="softmax", epochs=60, seed=seed),
    "wine": lambda seed: plan_of(
        "wine", (32, 16), "relu", output="softmax", optimizer=cp.SGD(0.1), seed=seed
    ),
    "breast cancer": lambda seed: plan_of(
        "breast_cancer", (16,), "sigmoid", output="sigmoid", l2=1e-3, settings=JUDGED, epochs=30, seed=seed
    ),
    "digits": lambda seed: plan_of(
        "digits", (32,), "leaky_relu", output="softmax", optimizer=cp.Adam(0.003), epochs=20, seed=seed
    ),
    "diabetes": lambda seed: plan_of(
        "diabetes",
        (8,),
        "silu",
        l2=0.01,
        optimizer=cp.AdamW(0.005, weight_decay=0.1),
        settings=JUDGED,
        epochs=30,
        seed=seed,
    ),
    "penguins": lambda seed: plan_of(
        "penguins", (16, 16), "elu", output="softmax", optimizer=cp.Momentum(0.02), epochs=20, seed=seed
    ),
    "friedman": lambda seed: plan_of(
        "friedman", (32,), "gelu", loss=cp.Huber(1.0), optimizer=cp.RMSprop(0.003), epochs=60, seed=seed
    ),
    "moons": lambda seed: plan_of(
        "moons", (16, 16), "relu", output="sigmoid", optimizer=cp.Nesterov(0.05), epochs=60, seed=seed
    ),
    "xor": lambda seed: plan_of(
        "xor", (12,), output="sigmoid", loss="squared_error", optimizer=cp.Adam(0.03), epochs=60, seed=seed
    ),
    "sine": lambda seed: plan_of("sine", (12, 12), optimizer=cp.LBFGS(), seed=seed),
}


def lost_biases(network):
    """First parameters whose hidden biases lie far below all z."""
    theta = network.initialize(0)
    theta.b[1][:] = -8.0
    return theta


def large_weights(network):
    theta = network.initialize(0)
    theta.W[1][:] *= 30
    return theta


def wrong_and_flat(network):
    """First parameters whose output answers 1 to everything."""
    theta = network.initialize(0)
    theta.b[network.depth][:] = 8.0
    return theta


def unlike():
    X, y = datasets.load_wine(return_X_y=True)
    return Plan(X, y, output="softmax", settings={"epochs": 40, "optimizer": cp.SGD(0.05)})


def far_targets():
    X, y = datasets.load_diabetes(return_X_y=True)
    return Plan(standardised(X), y, (8,), settings={"epochs": 20})


def rare():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 4))
    y = (X[:, 0] + X[:, 1] + rng.normal(size=800) > 2.9).astype(int)
    settings = {"epochs": 20, "optimizer": cp.Adam(0.003)}
    return Plan(X, y, (8,), output="sigmoid", l2=3e-3, settings=settings)


def few_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 20))
    y = (X[:, 0] + 0.7 * rng.normal(size=150) > 0).astype(int)
    settings = {"epochs": 100, "optimizer": cp.Adam(0.01), "validation": 0.4}
    return Plan(X, y, (64, 64), "relu", output="sigmoid", settings=settings)


def iris(**parts):
    return plan_of("iris", output="softmax", **parts)


#: finding (and, in brackets, by what) -> a run with that fault and no other
PLANTED = {
    "vanishing gradients": lambda: iris(hidden=(16,) * 7, activation="sigmoid", optimizer=cp.SGD(0.1)),
    "vanishing gradients (small weights)": lambda: iris(
        hidden=(16,) * 6, activation="leaky_relu", initializer=small(0.1), optimizer=cp.SGD(0.1)
    ),
    "exploding gradients": lambda: plan_of(
        "friedman", (16,) * 8, "relu", initializer=small(4), optimizer=cp.SGD(0.01), epochs=30
    ),
    "dead units": lambda: plan_of("friedman", (16,), "relu", epochs=30, settings={"initial": lost_biases}),
    "dead units (small weights)": lambda: iris(
        hidden=(16,) * 6, activation="relu", initializer=small(0.1), optimizer=cp.SGD(0.1)
    ),
    "saturated units": lambda: plan_of(
        "friedman", (32,), epochs=20, optimizer=cp.Adam(0.003), settings={"initial": large_weights}
    ),
    "inputs on unlike scales": unlike,
    "targets on a scale far from 1": far_targets,
    "targets out of the output's range": lambda: plan_of("sine", activation="relu", output="relu"),
    "learning rate too high": lambda: iris(optimizer=cp.SGD(30.0)),
    "learning rate too high (Adam)": lambda: plan_of(
        "moons", (32, 32), "relu", output="sigmoid", optimizer=cp.Adam(2.0)
    ),
    "learning rate too high (diverged)": lambda: plan_of(
        "friedman", (16,), "relu", optimizer=cp.SGD(1.0), epochs=40
    ),
    "learning rate too high (weight decay)": lambda: plan_of(
        "friedman", (16,), "relu", optimizer=cp.AdamW(0.01, weight_decay=250.0), epochs=10
    ),
    "learning rate too low": lambda: iris(optimizer=cp.SGD(1e-5)),
    "learning rate too low (Adam)": lambda: iris(optimizer=cp.Adam(1e-6), epochs=20),
    "slow start on a saturated output": lambda: plan_of(
        "moons",
        (8,),
        output="sigmoid",
        loss="squared_error",
        epochs=20,
        optimizer=cp.SGD(0.05),
        settings={"initial": wrong_and_flat},
    ),
    "overfitting": few_rows,
    "class imbalance": rare,
    "constant output": lambda: iris(l2=1.0),
    "units that are all alike": lambda: iris(initializer="zeros"),
}
