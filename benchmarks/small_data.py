"""Levenberg-Marquardt on small data: where it ends, and where Adam is after a hundred times as long.

    python benchmarks/small_data.py          # five minutes

The loss is that of the training rows, penalty included, from the same first weights; each from five seeds.
Adam takes batches of 32 and a cosine schedule from 0.01 down to 0, over as many epochs as fit the time.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # one core

import time

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

import clearprop as cp

SEEDS = range(5)
SECONDS = 30.0  #: of Adam, for each seed


def problems() -> dict[str, tuple[cp.Network, np.ndarray, np.ndarray]]:
    """Name -> (network, X, y)."""
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    x = np.linspace(-3, 3, 200)[:, None]
    curve = np.sin(3 * x[:, 0]) * np.exp(-(x[:, 0] ** 2) / 4)
    return {
        "diabetes, 10-10-1 tanh, l2 = 0.01": (
            cp.Network(10, [cp.Dense(10, "tanh"), cp.Dense(1)], l2=0.01),
            X,
            y,
        ),
        "sin(3x) exp(-x^2/4) at 200 points, 1-12-1 tanh": (
            cp.Network(1, [cp.Dense(12, "tanh"), cp.Dense(1)]),
            x,
            curve,
        ),
    }


def trained(
    problem: tuple[cp.Network, np.ndarray, np.ndarray], optimizer: object, seed: int, epochs: int
) -> tuple[float, float]:
    """Loss over all examples at the end, and seconds."""
    network, X, y = problem
    began = time.perf_counter()
    model = cp.train(network, X, y, optimizer=optimizer, seed=seed, epochs=epochs, progress=False)
    seconds = time.perf_counter() - began
    return cp.gradient(network, model.theta, X, y)[0], seconds


def main() -> None:
    """Print a line for every solver and problem."""
    for name, problem in problems().items():
        print(name)
        trained(problem, cp.Adam(0.01), 0, 1)  # the kernels are compiled
        _, taken = trained(problem, cp.Adam(0.01), 0, 300)
        solvers = {
            "Levenberg-Marquardt": (cp.LevenbergMarquardt(), 2000),
            "L-BFGS": (cp.LBFGS(), 20_000),
            "Adam": (cp.Adam(cp.Cosine(0.01)), int(300 * SECONDS / taken)),
        }
        for solver, (optimizer, epochs) in solvers.items():
            found = [trained(problem, optimizer, seed, epochs) for seed in SEEDS]
            losses, seconds = zip(*found, strict=True)
            print(
                f"  {solver:20} loss: mean {np.mean(losses):.3e}, least {np.min(losses):.3e}, "
                f"largest {np.max(losses):.3e}; {np.mean(seconds):.2f} s a seed",
                flush=True,
            )


if __name__ == "__main__":
    main()
