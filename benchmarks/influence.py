"""Ranking by gradient norms: what it costs beside a gradient, and whether it finds wrong labels.

    python benchmarks/influence.py

5 % of the digits' labels are drawn anew; the ROC AUC is that of telling them from the others.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # one core

import statistics
import time
from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import clearprop as cp

ROUNDS = 30
SEEDS = range(5)


def seconds(call: Callable[[], object]) -> float:
    """Median of several."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print a line for each network."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype("float32")
    for hidden in ((100,), (64, 64), (256, 256)):
        net = cp.Network(64, [*(cp.Dense(n, "relu") for n in hidden), cp.Dense(10, "softmax")])
        norms, losses = [], []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            flipped = rng.random(len(y)) < 0.05
            given = np.where(flipped, (y + rng.integers(1, 10, len(y))) % 10, y)
            model = cp.train(net, X, given, epochs=20, seed=seed, progress=False)
            norms.append(roc_auc_score(flipped, model.gradient_norms(X, given)))
            p = model.predict(X)[np.arange(len(y)), given]
            losses.append(roc_auc_score(flipped, -np.log(np.maximum(p, 1e-30))))
        ratio = seconds(lambda m=model, t=given: m.gradient_norms(X, t)) / seconds(
            lambda n=net, m=model, t=given: cp.gradient(n, m.theta, X, t)
        )
        print(
            f"64-{'-'.join(map(str, hidden))}-10: {ratio:.2f} of a gradient's time; "
            f"AUC by norm {np.mean(norms):.4f}, by loss {np.mean(losses):.4f}"
        )


if __name__ == "__main__":
    main()
