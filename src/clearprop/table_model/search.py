"""A search over settings: each trial is judged on rows that did not teach it, the best is trained on all.

Rows held out by `test` take no part in it. The first trial is the settings as they were given, so what is
found is never worse than they are by the search's own measure; but the best of many scores is too good to
be true, and only the rows held out say how good the model is.

Source: Bergstra & Bengio, "Random search for hyper-parameter optimization", 2012.
"""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from clearprop.arrays import IntArray
from clearprop.company import at_most, together, turn
from clearprop.engines.helpers import check_threads, usable_cores
from clearprop.errors import SpecificationError
from clearprop.table_model.baselines import METRICS
from clearprop.table_model.fitting import train_plan
from clearprop.table_model.folding import fold_models
from clearprop.table_model.learning import train_network
from clearprop.table_model.plan import plan_rows
from clearprop.table_model.rows import PerRow, Rows, learnable_rows
from clearprop.table_model.samplers import SamplerName, sampler_of
from clearprop.table_model.search_space import Space, checked_space, chosen_settings
from clearprop.table_model.settings import Settings
from clearprop.table_model.trials import Search, Trial, ranked_trials
from clearprop.tables.deciding import Task
from clearprop.training.run import TrainingDiverged


def search_table(
    source: Any,
    target: str | Sequence[str],
    *,
    trials: int = 20,
    space: Space | None = None,
    seed: int | None = None,
    folds: int = 3,
    validation: float | None = None,
    metric: str | None = None,
    time_budget: float | None = None,
    sampler: SamplerName = "random",
    test: float | None = None,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
    settings: Settings | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Search:
    """Try settings on a table, and train by the best.

    Parameters
    ----------
    source, target, task, exclude, sample_weight, groups, time, test
        As for `fit_table`; groups and times part the rows of the trials too.
    trials : int
        How many, the settings as given among them.
    space : mapping from setting to Range or list of choices, optional
        Names of `Settings`, and `width` and `depth`; by default width, depth, activation, dropout, learning
        rate and weight decay.
    seed : int, optional
        The one seed, in place of that of the settings.
    folds : int
        Each trial is judged by the mean over so many folds of the rows not held out.
    validation : float, optional
        Judge by one split with this share instead, for large tables.
    metric : str, optional
        accuracy, log_loss (by default, for classes), roc_auc; rmse (for numbers), mae, r2.
    time_budget : float, optional
        Seconds after which no trial is begun.
    sampler : {"random", "optuna"}
        Optuna's own sampler needs the extra: `pip install "clearprop[search]"`.
    settings : Settings, optional
        What is not searched. A `threshold` is chosen for the best only.
    threads : int, optional
        Trials are made side by side by so many threads, and the best is trained by no more; as many as there
        are cores if left out. No bit of a result depends on it. Optuna's sampler learns from each trial
        before the next, so it makes them one by one, the folds of each side by side.
    progress : bool
        Whether to say each trial's score on standard error. Ctrl-C ends the search after the trials so far.

    Raises
    ------
    DataError, SpecificationError, FormulaError
        When the table, the space or a setting cannot be used, or no trial has a score.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model.search_space import Range
    >>> found = search_table(penguins_path(), "species", trials=3, folds=2, test=0.2,
    ...                      space={"width": (8, 16), "weight_decay": Range(0.01, 1.0, log=True)},
    ...                      settings=Settings(epochs=20))
    >>> len(found.trials), found.metric, found.best.score <= found.trials[0].score
    (3, 'log_loss', True)
    >>> found.model.evaluation.rows
    69
    """
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 1:
        raise SpecificationError(f"trials is a whole number from 1, not {trials!r}")
    settings = settings or Settings()
    settings = settings if seed is None else settings.with_seed(seed)
    rows = learnable_rows(
        source, target, task=task, exclude=exclude, sample_weight=sample_weight, groups=groups, time=time
    )
    first, second = np.arange(rows.table.n_rows), None
    if test is not None:
        first, second = rows.split(test, settings.seed)
    name = _metric(metric, rows, settings)
    judge = _Judge(rows, first, name, folds, validation, settings.seed)
    asked = sampler_of(sampler, checked_space(space, settings), settings.seed, METRICS[name][1])
    done, begun = dict[int, Trial](), clock.monotonic()
    check_threads(threads)

    def piece(number: int) -> None:
        if number and time_budget is not None and clock.monotonic() - begun >= time_budget:
            return
        trial = judge.trial(number, asked.ask(number) if number else {}, settings)
        with turn():
            done[number] = trial
            if number:
                asked.tell(trial.score)
            if progress:
                _say(trial, name, trials)

    stopped = "trials"
    try:
        pieces = [partial(piece, number) for number in range(trials)]
        with at_most(threads):
            if asked.learns:
                for each in pieces:
                    each()
            else:
                together(pieces, usable_cores())
        if len(done) < trials:
            stopped = "time_budget"
    except KeyboardInterrupt:
        if not done:
            raise
        stopped = "interrupted"
    made = [done[number] for number in sorted(done)]
    ranked = ranked_trials(made, name)
    if not ranked:
        raise SpecificationError(
            f"no trial has a {name}: training diverged, or the metric has no meaning on rows of one class; "
            "search over smaller learning rates, or judge by another metric"
        )
    plan = plan_rows(rows, first, second, ranked[0].settings, share=test)
    with at_most(threads):
        model = train_plan(plan)
    said = (*plan.notices, *plan.unread)
    return Search(name, tuple(made), ranked[0], model, judge.in_words(), stopped, said)


@dataclass(frozen=True, eq=False)
class _Judge:
    """How a trial gets its score."""

    rows: Rows
    within: IntArray
    metric: str
    folds: int
    validation: float | None
    seed: int

    def in_words(self) -> str:
        if self.validation is None:
            return f"{self.folds} folds of {len(self.within):,} rows"
        return f"a share of {self.validation:g} of {len(self.within):,} rows"

    def trial(self, number: int, chosen: Mapping[str, Any], settings: Settings) -> Trial:
        begun, made = clock.monotonic(), chosen_settings(settings, chosen)
        try:
            scores = self._scores(replace(made, threshold=None))
        except TrainingDiverged:
            scores = [None]
        known = np.array([score for score in scores if score is not None])
        whole = len(known) == len(scores)
        error = float(known.std(ddof=1) / np.sqrt(len(known))) if whole and len(known) > 1 else None
        score = float(known.mean()) if whole else None
        return Trial(number, dict(chosen), made, score, error, clock.monotonic() - begun)

    def _scores(self, settings: Settings) -> list[float | None]:
        if self.validation is None:
            found = fold_models(self.rows, settings, self.folds, self.seed, within=self.within)
            models = [fold.model for fold in found]
        else:
            first, second = self.rows.split(self.validation, self.seed, self.within, "validation")
            models = [train_network(plan_rows(self.rows, first, second, settings, all_classes=True))]
            if models[0].model.stopped == "interrupted":
                raise KeyboardInterrupt
        judged = [model.evaluation for model in models if model.evaluation is not None]
        return [evaluation.metrics[self.metric] for evaluation in judged]


def _metric(metric: str | None, rows: Rows, settings: Settings) -> str:
    """The metric that trials are judged by, once it fits the target."""
    signs = settings.loss_for(rows.target).targets == "signs"
    classes = ("accuracy", "roc_auc") if signs else ("log_loss", "accuracy", "roc_auc")
    fitting = classes if rows.target.task == "classes" else ("rmse", "mae", "r2")
    if metric is None:
        return fitting[0]
    if metric not in fitting:
        raise SpecificationError(f"metric {metric!r} cannot judge the trials; use {', '.join(fitting)}")
    return metric


def _say(trial: Trial, metric: str, trials: int) -> None:
    import sys

    score = "no score" if trial.score is None else f"{METRICS[metric][0]} {trial.score:.4g}"
    print(f"trial {trial.number + 1} of {trials}: {score} ({trial.in_words()})", file=sys.stderr, flush=True)
