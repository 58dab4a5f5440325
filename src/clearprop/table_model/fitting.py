"""`fit_table`: from a table to a trained network, and where asked for, to the threshold it decides by."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.company import at_most
from clearprop.engines.helpers import check_threads
from clearprop.table_model.folding import fold_models
from clearprop.table_model.learning import train_network
from clearprop.table_model.model import TableModel, warn_of
from clearprop.table_model.plan import TablePlan, plan_table
from clearprop.table_model.rows import PerRow
from clearprop.table_model.settings import Settings
from clearprop.table_model.threshold import Threshold, best_threshold, parse_rule
from clearprop.tables.deciding import Task
from clearprop.training.course import Callback

FEWEST_ROWS = 200  #: validation rows that a threshold is chosen on
FOLDS = 5  #: of the training rows at most, where there are fewer


def fit_table(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
    settings: Settings | None = None,
    threads: int | None = None,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Callback | Sequence[Callback] = (),
) -> TableModel:
    """Learn to predict columns of a table from the others.

    Parameters
    ----------
    source : Table, path or DataFrame
    target : str or list of str
        The column to predict; several must be numbers.
    task : {"classes", "numbers"}, optional
        How the target is read, where its cells do not say it.
    exclude : str or iterable of str
        Columns that are no features.
    test : float, optional
        Share of the rows held out to judge the model (`.evaluation`), by class for classes.
    sample_weight : str or array (m,), optional
        A column of weights, which is no feature then, or a weight from 0 for each row of the table. Rows of
        weight 0 are left out. Whole numbers are taken as repeats of the training rows, up to 4 times these or
        10,000 rows; others weigh in the loss and in the encoders' statistics. Rows held out by `test` count
        once each.
    groups : str or array (m,), optional
        A column, which is no feature then, or a value for each row of the table: rows of one group are never
        parted between those trained on, those that choose the best epoch, and those held out.
    time : str or array (m,), optional
        Likewise, dates or numbers: the latest rows are held out, and rows of one moment stay together.
    settings : Settings, optional
        Network and training; the defaults adapt to the number of rows.
    threads : int, optional
        At most so many compute, members of an ensemble side by side; as many as the work pays for and there
        are cores if left out. No bit of a result depends on it.
    certify : bool
        Whether to certify the gradient at the end; `.model.certificate`, kept in the model file.
    checkpoint : path, optional
        A folder in which training commits where it stands, about twice a minute.
    resume : bool
        Go on from the checkpoint in that folder, if there is one.
    progress : bool
        Whether to show a progress bar on standard error.
    callbacks : callable or sequence of callables
        Each is given an `EpochReport` at the end of each epoch, and stops training by returning true.

    Returns
    -------
    TableModel
        The same for the same rows in any order, settings and seed, whatever else the machine does.

    Raises
    ------
    DataError, SpecificationError, FormulaError
        When the table or a setting cannot be used; the message says what to do.
    TrainingDiverged
        When the loss stops being finite.

    Warns
    -----
    UserWarning
        When rows are left out because their target is missing.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> model = fit_table(penguins_path(), "species", test=0.25)
    >>> model.evaluation.metrics["accuracy"] > 0.95
    True
    >>> model.predict(penguins_path())[:2]
    array(['Adelie', 'Adelie'], dtype=object)
    """
    check_threads(threads)
    plan = plan_table(
        source,
        target,
        task=task,
        exclude=exclude,
        test=test,
        sample_weight=sample_weight,
        groups=groups,
        time=time,
        settings=settings,
    )
    warn_of(plan.training.source, (*plan.notices, *plan.unread), level=3)
    with at_most(threads):
        return train_plan(
            plan,
            certify=certify,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
            callbacks=callbacks,
        )


def train_plan(
    plan: TablePlan,
    *,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Callback | Sequence[Callback] = (),
) -> TableModel:
    """Train what was planned, choose its threshold if there is to be one, and judge it on the rows held out.

    Ctrl-C ends training, or the choice of the threshold, and gives what was learnt so far without one;
    `.model.stopped` is "interrupted" then.
    """
    model = train_network(
        plan,
        certify=certify,
        checkpoint=checkpoint,
        resume=resume,
        progress=progress,
        callbacks=callbacks,
    )
    rule = plan.settings.threshold
    if rule is None or model.model.stopped == "interrupted":
        return model
    try:
        y, p, weights, source = _judged(plan, model)
    except KeyboardInterrupt:
        model.model.stopped = "interrupted"
        return model
    value = best_threshold(parse_rule(rule), model.target.classes, y, p, weights)
    decided = replace(model, threshold=Threshold(value, rule, len(y), source))
    return decided if plan.test is None else replace(decided, evaluation=decided.judge_table(plan.test))


def _judged(plan: TablePlan, model: TableModel) -> tuple[IntArray, Array, Array | None, str]:
    """Classes, probabilities of the second and weights of rows that the network was not fitted to."""
    parted = plan.validation_rows()
    twice = plan.ties is None and len(np.unique(plan.taught)) < len(plan.taught)  # a row may be on both sides
    if parted is not None and len(parted[1]) >= FEWEST_ROWS and not twice:
        held = plan.training.take(parted[1])
        weights = None if plan.weights is None else plan.weights[parted[1]]
        return model.target.transform(held), model.predict_proba(held)[:, 1], weights, "validation"
    rows, settings = plan.rows, replace(plan.settings, threshold=None)
    ys, ps, places = [], [], []
    within = np.unique(plan.taught)
    for fold in fold_models(rows, settings, rows.most_folds(FOLDS, within), settings.seed, within=within):
        ys.append(fold.model.target.transform(rows.table.take(fold.judged)))
        ps.append(fold.model.probabilities(fold.y_hat)[:, 1])
        places.append(fold.judged)
    weights = None if rows.weights is None else rows.weights[np.concatenate(places)]
    return np.concatenate(ys), np.concatenate(ps), weights, "out-of-fold"
