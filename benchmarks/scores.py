"""Test scores and fit times of the drop-in estimators beside scikit-learn's, with the same settings.

Run as `python benchmarks/scores.py`; it prints the table and writes docs/scores.md. Five splits of each data
set, the same for both; inputs are standardised, and so is a target of numbers, on the training rows alone.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # one core each

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from clearprop.datasets import penguins_path
from clearprop.estimators import mlp
from clearprop.tables import Encoder, read_table

SEEDS = range(5)
TEST_SHARE = 0.25
OUT = Path(__file__).parents[1] / "docs" / "scores.md"

#: words for the table -> settings of both libraries
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"max_iter": 200},
    "adam, early stopping": {"max_iter": 200, "early_stopping": True},
    "sgd, adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.05,
        "max_iter": 200,
    },
    "lbfgs": {"solver": "lbfgs", "alpha": 1.0, "max_iter": 200},
}


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows to score."""

    X: np.ndarray  # (m, n_0)
    y: np.ndarray  # (m,)
    X_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Result:
    """Scores of five seeds and the ratio of the fit times."""

    ours: list[float]
    theirs: list[float]
    ratio: float


def arrays(load: Callable[..., Any], seed: int) -> Split:
    """A split of a data set of numbers."""
    X, y = load(return_X_y=True)
    regression = np.unique(y).size > 20
    stratify = None if regression else y
    X, X_test, y, y_test = train_test_split(X, y, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    if regression:
        y_test, y = (y_test - y.mean()) / y.std(), (y - y.mean()) / y.std()
    scaler = StandardScaler().fit(X)
    return Split(scaler.transform(X), y, scaler.transform(X_test), y_test)


def penguins(seed: int) -> Split:
    """A split of the shipped table: the species from text, numbers and gaps, read by the house's encoder."""
    table = read_table(penguins_path())
    y = np.asarray(table.column("species").values, dtype=str)
    kept, held = train_test_split(
        np.arange(table.n_rows), test_size=TEST_SHARE, random_state=seed, stratify=y
    )
    encoder = Encoder.fit(table.take(kept), target="species", exclude=["year"])
    X, X_test = encoder.transform(table.take(kept)), encoder.transform(table.take(held))
    return Split(X, y[kept], X_test, y[held])


DATA: dict[str, Callable[[int], Split]] = {
    "digits": lambda seed: arrays(datasets.load_digits, seed),
    "breast_cancer": lambda seed: arrays(datasets.load_breast_cancer, seed),
    "wine": lambda seed: arrays(datasets.load_wine, seed),
    "penguins": penguins,
    "diabetes": lambda seed: arrays(datasets.load_diabetes, seed),
}


def fitted(library: Any, regression: bool, split: Split, **settings: Any) -> tuple[float, float]:
    """Test score of a fit, and its seconds."""
    estimator = (library.MLPRegressor if regression else library.MLPClassifier)(**settings)
    began = time.perf_counter()
    estimator.fit(split.X, split.y)
    seconds = time.perf_counter() - began
    return float(estimator.score(split.X_test, split.y_test)), seconds


def compare(data: str, settings: dict[str, Any]) -> Result:
    """Both libraries on the five splits of a data set, in turns."""
    ours, theirs, ratios = [], [], []
    for seed in SEEDS:
        split = DATA[data](seed)
        regression = data == "diabetes"
        score, seconds = fitted(mlp, regression, split, random_state=seed, **settings)
        score_there, seconds_there = fitted(neural_network, regression, split, random_state=seed, **settings)
        ours.append(score)
        theirs.append(score_there)
        ratios.append(seconds_there / seconds)
    return Result(ours, theirs, statistics.median(ratios))


def table() -> Iterator[str]:
    """Lines of the Markdown table."""
    yield "| data | settings | clearprop | scikit-learn | largest difference | times faster to fit (median) |"
    yield "|---|---|---|---|---|---|"
    for data in DATA:
        for words, settings in SETTINGS.items():
            result = compare(data, settings)
            cells = [
                f"{np.mean(scores):.4f} ± {np.std(scores):.4f}" for scores in (result.ours, result.theirs)
            ]
            gap = max(abs(a - b) for a, b in zip(result.ours, result.theirs, strict=True))
            yield f"| {data} | {words} | {cells[0]} | {cells[1]} | {gap:.4f} | {result.ratio:.1f} |"


TEXT = """# Test scores beside scikit-learn's

`python benchmarks/scores.py` wrote this page.

`MLPClassifier` and `MLPRegressor` of clearprop and of scikit-learn with the same settings, `random_state`
and the same splits:
{seeds} splits of each data set, {share:.0%} of the rows held out, inputs (and the diabetes target)
standardised on the training rows. Scores are those of the held-out rows, mean ± standard deviation over the
splits: accuracy, and R² for diabetes. The largest difference is over the splits. One hidden layer of 100
ReLU units and float64, as by default; `lbfgs` with `alpha=1`. Times are of `fit`, one core each, in turns;
the ratio depends on the machine.

The drop-ins draw first weights and batches as scikit-learn does and take the same steps, so scores differ
only where rounding does: where `lbfgs` ends depends on it, in both libraries.

{table}
"""


def main() -> None:
    """Print the table and write the page."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = datasets.load_wine(return_X_y=True)
    mlp.MLPClassifier(max_iter=1).fit(X, y)  # kernels are compiled, or loaded from the disk cache
    lines = []
    for line in table():
        print(line, flush=True)
        lines.append(line)
    OUT.write_text(TEXT.format(seeds=len(SEEDS), share=TEST_SHARE, table="\n".join(lines)))


if __name__ == "__main__":
    main()
