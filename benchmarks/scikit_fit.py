"""Times of `fit` beside scikit-learn's MLP with equal loss curves, for docs/scikit-learn.md.

    python benchmarks/scikit_fit.py          # prints the table and puts it into the page

One core each, float64, standardised inputs, scikit-learn's default network (100 ReLU units), both fits in
turns in one process; a ratio is the median of scikit-learn's times over the median of ours.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # one core each

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import clearprop as cp

ROUNDS = 7
PAGE = Path(__file__).parents[1] / "docs" / "scikit-learn.md"
BEGIN, END = "<!-- fit times: begin -->\n", "<!-- fit times: end -->\n"
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "adam, early stopping": {"early_stopping": True},
}


def data() -> dict[str, tuple[np.ndarray, np.ndarray, str, int]]:
    """Name -> (X, y, estimator, epochs)."""
    tables = {
        "digits": datasets.load_digits(return_X_y=True),
        "breast_cancer": datasets.load_breast_cancer(return_X_y=True),
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "synthetic 20,000 x 50": datasets.make_classification(
            20_000, 50, n_informative=20, n_classes=5, random_state=0
        ),
    }
    found = {}
    for name, (X, y) in tables.items():
        kind = "MLPRegressor" if name == "diabetes" else "MLPClassifier"
        if name == "diabetes":
            y = (y - y.mean()) / y.std()
        found[name] = StandardScaler().fit_transform(X), y, kind, 10 if len(X) > 10_000 else 100
    return found


def measured(X: np.ndarray, y: np.ndarray, kind: str, epochs: int, settings: dict[str, Any]) -> list[str]:
    """Cells of a row: epochs, largest relative difference of the loss curves, milliseconds, ratio."""
    given = {"max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs, "random_state": 0, **settings}
    pair = [getattr(library, kind)(**given) for library in (cp, neural_network)]
    times: list[list[float]] = [[], []]
    for each in pair:
        each.fit(X, y)
    for _ in range(ROUNDS):
        for each, taken in zip(pair, times, strict=True):
            began = time.perf_counter()
            each.fit(X, y)
            taken.append(time.perf_counter() - began)
    ours, theirs = (np.array(each.loss_curve_) for each in pair)
    difference = np.abs(ours - theirs).max() / np.abs(theirs).min() if len(ours) == len(theirs) else np.nan
    mine, other = (statistics.median(taken) for taken in times)
    return [
        str(len(ours)),
        f"{difference:.0e}",
        f"{1e3 * mine:.0f}",
        f"{1e3 * other:.0f}",
        f"{other / mine:.1f}",
    ]


def main() -> None:
    """Measure every data set with every setting."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = [
        "| data | settings | epochs | largest difference of the loss curves | clearprop, ms | "
        "scikit-learn, ms | times as fast |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (X, y, kind, epochs) in data().items():
        for words, settings in SETTINGS.items():
            cells = measured(X, y, kind, epochs, settings)
            lines.append(f"| {' | '.join([name, words, *cells])} |")
            print(lines[-1], flush=True)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
