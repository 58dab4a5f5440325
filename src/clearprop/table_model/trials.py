"""What a search tried and what it found, to print and to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clearprop.table_model.baselines import METRICS
from clearprop.table_model.model import TableModel
from clearprop.table_model.settings import Settings

SHOWN = 10  #: trials that are printed


@dataclass(frozen=True)
class Trial:
    """One choice of settings, judged.

    Attributes
    ----------
    number : int
        From 0; trial 0 is the settings as they were given.
    chosen : mapping from name to value
    settings : Settings
    score : float or None
        Mean of the search's metric; None where training diverged or the metric has no meaning.
    standard_error : float or None
        Of this mean over the folds.
    seconds : float
    """

    number: int
    chosen: Mapping[str, Any]
    settings: Settings = field(repr=False)
    score: float | None
    standard_error: float | None
    seconds: float

    def in_words(self) -> str:
        """What was chosen, in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.chosen.items()) or "as given"

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types, where the choices are)."""
        return {
            "number": self.number,
            "chosen": dict(self.chosen),
            "score": self.score,
            "standard_error": self.standard_error,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, eq=False)
class Search:
    """What `search_table` found; print it.

    Attributes
    ----------
    metric : str
    trials : tuple of Trial
        In the order in which they were tried.
    best : Trial
    model : TableModel
        Trained by the best settings on all rows but those held out; `.evaluation` is on the latter.
    judged_by : str
        On what the trials were judged, in words.
    stopped : {"trials", "time_budget", "interrupted"}
    notices : tuple of str
    """

    metric: str
    trials: tuple[Trial, ...] = field(repr=False)
    best: Trial
    model: TableModel = field(repr=False)
    judged_by: str
    stopped: str
    notices: tuple[str, ...] = ()

    @property
    def ranked(self) -> list[Trial]:
        """The trials that have a score, the best first."""
        return ranked_trials(self.trials, self.metric)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        evaluation = self.model.evaluation
        return {
            "metric": self.metric,
            "judged_by": self.judged_by,
            "stopped": self.stopped,
            "best": self.best.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
            "test": evaluation.to_dict() if evaluation else None,
            "notices": list(self.notices),
        }

    def __str__(self) -> str:
        name, ranked = METRICS[self.metric][0], self.ranked
        why = "" if self.stopped == "trials" else f" (stopped by {self.stopped})"
        lines = [f"{len(self.trials)} trials{why}, each judged by {name} on {self.judged_by}", ""]
        lines.append(f"{'trial':>5}{name:>10}{'std. error':>12}{'seconds':>9}   settings")
        for trial in ranked[:SHOWN]:
            error = "-" if trial.standard_error is None else f"{trial.standard_error:.3g}"
            row = f"{trial.number:>5}{trial.score:>10.4g}{error:>12}{trial.seconds:>9.2g}"
            lines.append(f"{row}   {trial.in_words()}")
        if len(ranked) > SHOWN:
            lines.append(f"... and {len(ranked) - SHOWN} more")
        if len(ranked) < len(self.trials):
            lines.append(f"{len(self.trials) - len(ranked)} without a score")
        evaluation = self.model.evaluation
        if evaluation is not None:
            value, other = evaluation.metrics[self.metric], evaluation.baseline[self.metric]
            told = ["-" if each is None else f"{each:.4g}" for each in (value, other)]
            held = f"the {evaluation.rows:,} rows held out, which no trial saw"
            lines += ["", f"on {held}: {name} {told[0]}, baseline {told[1]}"]
        return "\n".join([*lines, *(f"note: {notice}" for notice in self.notices)])


def ranked_trials(trials: Iterable[Trial], metric: str) -> list[Trial]:
    """The trials that have a score, the best first."""
    sign = -1 if METRICS[metric][1] else 1
    scored = [(sign * trial.score, trial) for trial in trials if trial.score is not None]
    return [trial for _, trial in sorted(scored, key=lambda pair: (pair[0], pair[1].number))]
