"""Do the defaults for tables hold? Test scores beside logistic or ridge regression and scikit-learn's MLP.

Each seed draws another quarter of the rows to judge by. clearprop reads the raw table; its peers are given
the same columns one-hot, imputed and standardised. A default fails where it is below the better peer by more
than noise: two standard errors of the paired differences over the seeds, and 0.002 besides.

    python benchmarks/tabular_defaults.py [--seeds 5]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from clearprop.datasets import penguins_path
from clearprop.table_model import fit_table
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, Table, read_table

SLACK = 0.002  #: less than anyone would notice
TARGET = "target"


def tables() -> Iterator[tuple[str, Table, str]]:
    """Name, table and target of each data set."""
    for name in ("iris", "wine", "breast_cancer", "digits", "diabetes"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        columns = {f"x{j}": X[:, j].astype(float) for j in range(X.shape[1])}
        target = y.astype(float) if name == "diabetes" else [f"class {k}" for k in y]
        yield name, read_table(pl.DataFrame({**columns, TARGET: target})), TARGET
    penguins = read_table(penguins_path())
    for target in ("species", "sex", "body_mass_g"):
        yield f"penguins: {target}", penguins.take(penguins.column(target).known), target


def peers(train: Table, test: Table, target: str, seed: int) -> dict[str, tuple[float, float]]:
    """(accuracy or R2, log-loss or 0) of scikit-learn's two on standardised inputs."""
    encoder = Encoder.fit(train, target=target)
    X, X_test = encoder.transform(train), encoder.transform(test)
    mean, std = X.mean(axis=0), X.std(axis=0)
    std[std == 0] = 1
    X, X_test = (X - mean) / std, (X_test - mean) / std
    column, judged = train.column(target), test.column(target)
    if column.kind == "text":
        models: dict[str, Any] = {
            "logistic": LogisticRegression(max_iter=2000),
            "MLP": MLPClassifier(random_state=seed),
        }
    else:
        models = {"ridge": Ridge(), "MLP": MLPRegressor(random_state=seed)}
    scores = {}
    for name, model in models.items():
        if column.kind == "text":
            p = model.fit(X, column.texts().astype(str)).predict_proba(X_test)
            y = judged.texts().astype(str)
            decided = model.classes_[p.argmax(axis=1)]
            scores[name] = accuracy_score(y, decided), log_loss(y, p, labels=model.classes_)
        else:  # the MLP is given a standardised target, as its users do
            y = column.numbers()
            model.fit(X, (y - y.mean()) / y.std())
            scores[name] = r2_score(judged.numbers(), model.predict(X_test) * y.std() + y.mean()), 0.0
    return scores


def ours(train: Table, test: Table, target: str, seed: int) -> tuple[float, float]:
    """The same of clearprop's defaults."""
    scores = fit_table(train, target, settings=Settings(seed=seed)).evaluate(test).metrics
    if "r2" in scores:
        return float(scores["r2"] or 0), 0.0
    return float(scores["accuracy"] or 0), float(scores["log_loss"] or 0)


def compare(table: Table, target: str, seeds: int) -> dict[str, list[tuple[float, float]]]:
    """Scores of everyone for each seed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        column = table.column(target)
        strata = column.texts() if column.kind == "text" else None
        rows, held = train_test_split(
            np.arange(table.n_rows), test_size=0.25, random_state=seed, stratify=strata
        )
        train, test = table.take(np.sort(rows)), table.take(np.sort(held))
        for name, scores in peers(train, test, target, seed).items():
            found.setdefault(name, []).append(scores)
        found.setdefault("clearprop", []).append(ours(train, test, target, seed))
    return found


def verdict(own: np.ndarray, others: dict[str, np.ndarray], sign: int) -> str:
    """What stands beside a row: how far from the better peer, and whether that is noise."""
    best = max(others, key=lambda name: sign * others[name].mean())
    difference = sign * (own - others[best])
    noise = 2 * difference.std(ddof=1) / np.sqrt(len(difference)) + SLACK
    held = "ok" if difference.mean() >= -noise else "BELOW"
    return f"{held} ({sign * difference.mean():+.4f} to {best}, noise {noise:.4f})"


def main() -> int:
    """Print the table; 1 if a default does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore", ConvergenceWarning)
    below = 0
    print(f"{'table':22}{'metric':10}{'linear':>9}{'MLP':>9}{'clearprop':>11}")
    for name, table, target in tables():
        began = time.perf_counter()
        found = {who: np.array(scores) for who, scores in compare(table, target, seeds).items()}
        own = found.pop("clearprop")
        numbers = "ridge" in found
        for j, (metric, sign) in enumerate([("R2", 1)] if numbers else [("accuracy", 1), ("log-loss", -1)]):
            others = {who: scores[:, j] for who, scores in found.items()}
            means = "".join(f"{values.mean():9.4f}" for values in others.values())
            said = verdict(own[:, j], others, sign)
            below += said.startswith("BELOW")
            print(f"{name:22}{metric:10}{means}{own[:, j].mean():11.4f}  {said}", flush=True)
        print(f"{'':22}{time.perf_counter() - began:.1f} s", file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
