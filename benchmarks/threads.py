"""A grid search under joblib's threading backend: one job against two, and the same bits.

python benchmarks/threads.py
"""

from __future__ import annotations

import statistics
import time
import warnings

import numpy as np
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import clearprop as cp

ROUNDS = 5
GRID = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 3e-3]}


def search(jobs: int) -> tuple[float, GridSearchCV]:
    """Seconds, and the fitted search."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    estimator = cp.MLPClassifier((100,), max_iter=60, random_state=0)
    with parallel_config("threading", n_jobs=jobs):
        searching = GridSearchCV(estimator, GRID, cv=4, refit=False)
        began = time.perf_counter()
        searching.fit(X, y)
        return time.perf_counter() - began, searching


def main() -> None:
    """Print the median seconds and their ratio."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    search(1)
    times: dict[int, list[float]] = {1: [], 2: []}
    scores = {}
    for _ in range(ROUNDS):
        for jobs, taken in times.items():
            seconds, fitted = search(jobs)
            taken.append(seconds)
            scores[jobs] = np.array([fitted.cv_results_[f"split{k}_test_score"] for k in range(4)])
    one, two = (statistics.median(taken) for taken in times.values())
    same = np.array_equal(scores[1], scores[2])
    print(f"one job {one:.2f} s, two {two:.2f} s: {one / two:.2f} times as fast; same scores: {same}")


if __name__ == "__main__":
    main()
