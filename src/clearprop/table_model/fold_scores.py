"""What cross-validation found: the scores of the folds, and what was predicted for each row out of fold.

The standard error is the deviation of a repeat's folds over the square root of their number, averaged over
the repeats: these make the mean steadier, but the rows stay the same ones, so it does not shrink with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.table_model.baselines import METRICS, Evaluation, Scores
from clearprop.tables import Target


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What `cross_validate_table` found; print it.

    Attributes
    ----------
    scores : tuple of Evaluation
        One for each fold, repeat after repeat, each on the rows that its network did not see.
    fold : ndarray of int64 (repeats, m)
        Which fold judged each row of the table, from 0; -1 for none (no target, no weight, or too early).
    predictions : ndarray (m,), or (m, k) for k > 1 targets
        Labels or numbers out of fold; None or NaN for rows that no fold judged. Over several repeats the
        likelier class by the mean probability (with thresholds: the class said most often), or the mean.
    probabilities : ndarray (m, K) or None
        Out of fold, the mean over the repeats.
    out_of_fold : Evaluation
        Of these predictions together.
    row_numbers : ndarray of int64 (m,)
    target : Target
        As read on all rows.
    folds, repeats, seed : int
    by : str
        What held the rows apart: "class", "group", "time", or "" for chance.
    source : str
    notices : tuple of str
        What the user should know about the data.
    """

    scores: tuple[Evaluation, ...]
    fold: IntArray = field(repr=False)
    predictions: Array = field(repr=False)
    probabilities: Array | None = field(repr=False)
    out_of_fold: Evaluation = field(repr=False)
    row_numbers: IntArray = field(repr=False)
    target: Target
    folds: int
    repeats: int
    seed: int
    by: str
    source: str
    notices: tuple[str, ...] = ()

    @property
    def mean(self) -> Scores:
        """Mean of each metric over the folds; None where it has no meaning in one of them."""
        return _means([fold.metrics for fold in self.scores])

    @property
    def baseline(self) -> Scores:
        """The same of the baseline."""
        return _means([fold.baseline for fold in self.scores])

    @property
    def standard_error(self) -> Scores:
        """Of each mean; see above."""
        errors: dict[str, float | None] = {}
        for name, mean in self.mean.items():
            values = np.array([[fold.metrics[name] for fold in self.scores]], dtype=np.float64)
            each = values.reshape(self.repeats, self.folds).var(axis=1, ddof=1) / self.folds
            errors[name] = None if mean is None else float(np.sqrt(each.mean()))
        return errors

    def columns(self) -> dict[str, list[Any]]:
        """Columns of a table out of fold: `row`, `fold` from 1, `predicted_<target>`, `p_<class>`."""
        first = self.fold[0]
        columns: dict[str, list[Any]] = {
            "row": self.row_numbers.tolist(),
            "fold": [None if fold < 0 else fold + 1 for fold in first.tolist()],
        }
        said = self.predictions.reshape(len(first), -1)
        for j, name in enumerate(self.target.columns):
            columns[f"predicted_{name}"] = _without_nan(said[:, j])
        if self.probabilities is not None:
            for k, label in enumerate(self.target.classes):
                columns[f"p_{label}"] = _without_nan(self.probabilities[:, k])
        return columns

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        return {
            "source": self.source,
            "target": list(self.target.columns),
            "task": self.target.task,
            "folds": self.folds,
            "repeats": self.repeats,
            "seed": self.seed,
            "by": self.by,
            "mean": dict(self.mean),
            "standard_error": dict(self.standard_error),
            "baseline": dict(self.baseline),
            "scores": [fold.to_dict() for fold in self.scores],
            "out_of_fold": self.out_of_fold.to_dict(),
            "notices": list(self.notices),
        }

    def __str__(self) -> str:
        lines = [f"{self.source}: {', '.join(self.target.columns)} by {self.in_words()}", ""]
        error, baseline = self.standard_error, self.baseline
        lines.append(f"{'':10}{'network':>12}{'std. error':>12}{'baseline':>12}   by fold")
        for name, mean in self.mean.items():
            each = " ".join(_number(fold.metrics[name]) for fold in self.scores[: self.folds])
            more = " ..." if self.repeats > 1 else ""
            numbers = "".join(f"{_number(value):>12}" for value in (mean, error[name], baseline[name]))
            lines.append(f"{METRICS[name][0]:10}{numbers}   {each}{more}")
        judged = int((self.fold[0] >= 0).sum())
        lines += ["", f"{judged:,} of {len(self.row_numbers):,} rows are predicted out of fold"]
        return "\n".join([*lines, *(f"note: {notice}" for notice in self.notices)])

    def in_words(self) -> str:
        """How the rows were parted, in a phrase."""
        parted = {
            "class": "drawn by class",
            "group": "groups kept together",
            "time": "each after the rows that teach it",
            "": "drawn",
        }[self.by]
        repeated = f", {self.repeats} times" if self.repeats > 1 else ""
        drawn = "" if self.by == "time" else f", seed {self.seed}"
        return f"{self.folds}-fold cross-validation{repeated} ({parted}{drawn})"


def _means(folds: Sequence[Scores]) -> Mapping[str, float | None]:
    means: dict[str, float | None] = {}
    for name in folds[0]:
        values = [fold[name] for fold in folds]
        known = [value for value in values if value is not None]
        means[name] = float(np.mean(known)) if len(known) == len(values) else None
    return means


def _without_nan(values: Array) -> list[Any]:
    return [None if value is None or value != value else value for value in values.tolist()]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
