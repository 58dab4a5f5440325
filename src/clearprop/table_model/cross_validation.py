"""Cross-validation of a table: how good a network is on rows that did not teach it, and how sure that is.

Encoders, targets and thresholds are fitted anew in each fold, on its training rows alone. What is predicted
for a row out of fold is in the order and the terms of the table that was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from clearprop.company import at_most, together
from clearprop.engines.helpers import check_threads, usable_cores
from clearprop.errors import SpecificationError
from clearprop.table_model.baselines import (
    Evaluation,
    class_shares,
    judge_classes,
    judge_numbers,
)
from clearprop.table_model.fitting import train_plan
from clearprop.table_model.fold_scores import CrossValidation
from clearprop.table_model.folding import Fold, fold_pieces
from clearprop.table_model.plan import data_notices
from clearprop.table_model.rows import PerRow, Rows, learnable_rows
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, noticing
from clearprop.tables.deciding import Task
from clearprop.training.progress import counting


def cross_validate_table(
    source: Any,
    target: str | Sequence[str],
    *,
    folds: int = 5,
    repeats: int = 1,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
    settings: Settings | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> CrossValidation:
    """Judge a network by rows that it did not see: all folds but one teach it, in turn, and it predicts that.

    Parameters
    ----------
    source, target, task, exclude, sample_weight
        As for `fit_table`; in the scores each row counts once.
    folds : int
        From 2. Classes are spread evenly over them.
    repeats : int
        With other folds and first weights each time.
    groups : str or array (m,), optional
        Rows of one group are in one fold.
    time : str or array (m,), optional
        The rows are cut into folds + 1 blocks one after another; each block but the first is judged by a
        network taught by all rows before it. The first is never judged.
    settings : Settings, optional
        A threshold is chosen anew in each fold, from its training rows.
    seed : int, optional
        The one seed, in place of that of the settings.
    threads : int, optional
        Folds are trained side by side by so many threads; as many as there are cores if left out. No bit of
        a result depends on it.
    progress : bool
        Whether to show a progress bar on standard error.

    Raises
    ------
    DataError, SpecificationError, FormulaError
        When the table or a setting cannot be used.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> found = cross_validate_table(penguins_path(), "species", settings=Settings(epochs=30))
    >>> found.mean["accuracy"] > 0.95 > found.baseline["accuracy"]
    True
    >>> found.predictions[:2].tolist(), found.probabilities.shape
    (['Adelie', 'Adelie'], (344, 3))

    References
    ----------
    Stone, "Cross-validatory choice and assessment of statistical predictions", 1974
    """
    settings = settings or Settings()
    settings = settings if seed is None else settings.with_seed(seed)
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise SpecificationError(f"repeats is a whole number from 1, not {repeats!r}")
    if repeats > 1 and time is not None:
        raise SpecificationError(
            "folds by time are not drawn, so each repeat would have the same; leave it at 1"
        )
    rows = learnable_rows(
        source, target, task=task, exclude=exclude, sample_weight=sample_weight, groups=groups, time=time
    )
    pieces = []
    for repeat in range(repeats):
        own = settings.with_seed((settings.seed + repeat) % 2**64)
        pieces += fold_pieces(rows, own, folds, settings.seed, repeat=repeat, trainer=train_plan)
    with at_most(check_threads(threads)), counting(progress, len(pieces), "fold") as watch:
        found = together(pieces, usable_cores(), watch=watch)
    gathered = _Gathered(rows, repeats)
    for k, fold in enumerate(found):
        gathered.take(fold, *divmod(k, len(pieces) // repeats))
    return gathered.result(folds, settings)


class _Gathered:
    """What the folds say of each row, added up."""

    def __init__(self, rows: Rows, repeats: int) -> None:
        self.rows, target = rows, rows.target
        m = rows.table.n_rows
        self.scores: list[Evaluation] = []
        self.fold = np.full((repeats, m), -1, dtype=np.int64)
        self.total = np.zeros((m, len(target.classes) or len(target.columns)))
        self.votes = np.zeros((m, len(target.classes)))
        self.proper = target.task == "classes"
        self.encoder = Encoder(())

    def take(self, fold: Fold, repeat: int, number: int) -> None:
        model, judged = fold.model, fold.judged
        self.encoder = model.encoder  # the last is taught by the most rows, where folds are by time
        if model.evaluation is not None:
            self.scores.append(model.evaluation)
        self.fold[repeat, judged] = number
        if self.rows.target.task == "numbers":
            self.total[judged] += model.answers(fold.y_hat).reshape(len(judged), -1)
            return
        self.proper = model.gives_probabilities
        self.votes[judged, model.class_indices(fold.y_hat)] += 1
        if self.proper:
            self.total[judged] += model.probabilities(fold.y_hat)

    def result(self, folds: int, settings: Settings) -> CrossValidation:
        rows, target = self.rows, self.rows.target
        size = len(rows.row_numbers)
        seen = np.flatnonzero(self.fold[0] >= 0)
        mean = self.total[seen] / len(self.fold)
        probabilities = None
        if target.task == "numbers":
            said = mean[:, 0] if mean.shape[1] == 1 else mean
            predictions = np.full((size, *said.shape[1:]), np.nan)
            Y = target.inverse(target.transform(rows.table.take(seen)))
            together = judge_numbers(target, Y, mean)
        else:
            voted = settings.threshold is not None or not self.proper
            decided = (self.votes[seen] + mean / 2 if voted else mean).argmax(axis=1)
            said = target.inverse(decided)
            predictions = np.full(size, None, dtype=object)
            y = target.transform(rows.table.take(seen))
            shares = class_shares(target, target.transform(rows.table), rows.weights)
            scores = mean if self.proper else self.votes[seen] / len(self.fold)
            together = judge_classes(target, shares, y, decided, scores, proper=self.proper)
            if self.proper:
                probabilities = np.full((size, mean.shape[1]), np.nan)
                probabilities[rows.places[seen]] = mean
        predictions[rows.places[seen]] = said
        fold = np.full((len(self.fold), size), -1, dtype=np.int64)
        fold[:, rows.places] = self.fold
        return CrossValidation(
            scores=tuple(self.scores),
            fold=fold,
            predictions=predictions,
            probabilities=probabilities,
            out_of_fold=together,
            row_numbers=rows.row_numbers,
            target=target,
            folds=folds,
            repeats=len(self.fold),
            seed=settings.seed,
            by=rows.ties.kind if rows.ties else "class" if target.task == "classes" else "",
            source=rows.table.source,
            notices=(*data_notices(rows, self.encoder), *noticing.unread(self.encoder)),
        )
