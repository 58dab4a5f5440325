"""Everything a report says, as plain data: computed here, written by `page`.

All of it is a function of model, rows and seed alone: what is drawn (resamples, shuffles, points of a cloud)
comes from the seed, and no time of day or duration is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer
from clearprop.glassbox.certificate import Certificate
from clearprop.glassbox.certifying import certify
from clearprop.glassbox.diagnosis import Finding, Watch
from clearprop.report.curves import Curve, Reliability, precision_recall_curve, reliability, roc_curve
from clearprop.report.example import Example, example_of
from clearprop.report.importance import Importance
from clearprop.report.judged import Judged, Score, importance_of, judge, scores_of
from clearprop.table_model import TableModel
from clearprop.table_model.diagnosing import diagnose_table
from clearprop.table_model.plan import TablePlan, as_table, targets
from clearprop.table_model.telling import network_in_words, split_in_words, training_in_words
from clearprop.tables import Table
from clearprop.tables.encoding import DescribedColumn
from clearprop.words import percent

MOST_EPOCHS = 120  #: of the picture of the gradients
CERTIFIED_ROWS = 10  #: a slip of a formula shows in any row; more of them take longer


@dataclass(frozen=True)
class Data:
    """What was read: the table, its columns, the target.

    `shares` holds for each class (label, training rows or None, judged rows); it is empty for numbers.
    """

    source: str
    rows: int
    missing: int
    columns: tuple[DescribedColumn, ...]
    inputs: int
    target: str
    shares: tuple[tuple[str, int | None, int], ...]
    spread: tuple[tuple[str, tuple[float, ...]], ...]  #: of numbers: least, quartiles and largest
    notices: tuple[str, ...]
    split: str


@dataclass(frozen=True, eq=False)
class OfClass:
    """A class against all others on the judged rows; what has no meaning is None."""

    label: str
    rows: int
    precision: float | None
    recall: float | None
    roc: Curve | None
    precision_recall: Curve | None


@dataclass(frozen=True, eq=False)
class Content:
    """A report.

    Attributes
    ----------
    judged : Judged
        Its rows are held out from training, or were trained on, or are new.
    scores : tuple of Score
    classes : tuple of OfClass
        The second alone where there are two; empty for numbers.
    calibration : Reliability or None
        Of the probability of the second of two classes, else of the class answered; None without any.
    findings : tuple of Finding
    gradients : str
        SVG of the gradients over the training, where a `Watch` saw it.
    """

    model: TableModel
    seed: int
    data: Data
    network: str
    training: str
    judged: Judged
    scores: tuple[Score, ...]
    classes: tuple[OfClass, ...]
    calibration: Reliability | None
    importance: Importance
    gradients: str
    findings: tuple[Finding, ...]
    looked_at: Mapping[str, float]
    certificate: Certificate
    example: Example

    @property
    def main(self) -> Score:
        """What the verdict goes by: accuracy, RMSE, or R2 for several targets, whose units differ."""
        several = len(self.model.target.columns) > 1
        return next((each for each in self.scores if several and each.name == "r2"), self.scores[0])

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the classes as text."""
        return tuple(map(str, self.model.target.classes))


def content_of(model: TableModel, source: Any, *, watch: Watch | None = None, seed: int = 0) -> Content:
    """Compute a report; see `write_report` for the parameters.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model import Settings, train_plan
    >>> from clearprop.table_model.plan import plan_table
    >>> plan = plan_table(penguins_path(), "species", test=0.2, settings=Settings(hidden=(8,), epochs=30))
    >>> content = content_of(train_plan(plan), plan)
    >>> len(content.judged), content.scores[0].name, content.scores[0].verdict
    (69, 'accuracy', 'better')
    """
    if not isinstance(model, TableModel):
        raise SpecificationError(
            f"a report is about a table's model, as fit_table and train_plan give it, not a "
            f"{type(model).__name__}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest there are
        return _content_of(model, source, watch, seed)


def _content_of(model: TableModel, source: Any, watch: Watch | None, seed: int) -> Content:
    plan = source if isinstance(source, TablePlan) else None
    table = as_table(source) if plan is None else plan.training
    if plan is None:
        judged = judge(model, table, "given")
    elif plan.test is None:
        judged = judge(model, plan.training, "training")
    else:
        judged = judge(model, plan.test, "held out")
    diagnosis = diagnose_table(model, table)
    findings = tuple(diagnosis)
    if judged.origin == "held out":  # only rows not trained on tell what was learnt by heart
        apart = diagnose_table(model, judged.table)
        known = {*diagnosis.names, *(set(apart.names) - {"overfitting"})}
        findings += tuple(each for each in apart if each.name not in known)
    proper = model.gives_probabilities
    return Content(
        model=model,
        seed=seed,
        data=_data(model, plan, table, judged),
        network=network_in_words(model.network),
        training=_training(model),
        judged=judged,
        scores=scores_of(model, judged, seed),
        classes=_classes(model, judged),
        calibration=_calibration(model, judged) if proper else None,
        importance=importance_of(model, judged, seed),
        gradients=_gradients(watch) if watch is not None and watch.records else "",
        findings=findings,
        looked_at=diagnosis.looked_at,
        certificate=model.model.certificate or _certificate(model, judged),
        example=example_of(model, judged),
    )


def _data(model: TableModel, plan: TablePlan | None, table: Table, judged: Judged) -> Data:
    target = model.target
    parts = [judged.table] if plan is None or plan.test is None else [table, plan.test]
    shares: tuple[tuple[str, int | None, int], ...] = ()
    spread: tuple[tuple[str, tuple[float, ...]], ...] = ()
    if target.task == "classes":
        there = np.bincount(judged.y, minlength=len(target.classes))
        trained = None if plan is None else target.transform(plan.training)
        before = None if trained is None else np.bincount(trained, minlength=len(there))
        shares = tuple(
            (str(label), None if before is None else int(before[k]), int(there[k]))
            for k, label in enumerate(target.classes)
        )
    else:
        quartiles = np.quantile(judged.y, [0, 0.25, 0.5, 0.75, 1], axis=0).T
        spread = tuple(
            (name, tuple(map(float, q))) for name, q in zip(target.columns, quartiles, strict=True)
        )
    return Data(
        source=table.source,
        rows=sum(part.n_rows for part in parts),
        missing=sum(column.missing for part in parts for column in part.columns),
        columns=tuple(model.encoder.describe()),
        inputs=len(model.encoder.feature_names),
        target=target.reason,
        shares=shares,
        spread=spread,
        notices=table.notices if plan is None else plan.notices,
        split=_split(model, plan, judged),
    )


def _split(model: TableModel, plan: TablePlan | None, judged: Judged) -> str:
    if plan is not None:
        return split_in_words(plan)
    share = (
        "" if model.test is None else f"; {percent(model.test)} of the table of the training were held out"
    )
    return f"{judged.words} are judged; whether the network was trained on them is not known here{share}"


def _training(model: TableModel) -> str:
    record = model.model.record
    if record is None:
        return "No record of a training came with the model."
    epochs = len(model.history.get("epoch", ()))
    words = training_in_words(
        Optimizer.from_dict(record.optimizer), record.batch_size, record.epochs, record.dtype
    )
    stopped = model.model.stopped
    why = "" if stopped in ("", "epochs") else f"; stopped by {stopped} after {epochs}"
    return f"{words}{why}"


def _classes(model: TableModel, judged: Judged) -> tuple[OfClass, ...]:
    table = judged.evaluation.confusion
    if table is None:
        return ()
    labels, answers = model.target.classes, judged.answers
    which = [1] if len(labels) == 2 else range(len(labels))
    found = []
    for k in which:
        positive = judged.y == k
        scores = answers[:, min(k, answers.shape[1] - 1)]
        right, rows, answered = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
        found.append(
            OfClass(
                str(labels[k]),
                rows,
                right / answered if answered else None,
                right / rows if rows else None,
                roc_curve(positive, scores),
                precision_recall_curve(positive, scores),
            )
        )
    return tuple(found)


def _calibration(model: TableModel, judged: Judged) -> Reliability:
    p = judged.answers
    if p.shape[1] == 2:
        return reliability(judged.y == 1, p[:, 1])
    return reliability(judged.y == p.argmax(axis=1), p.max(axis=1))


def _certificate(model: TableModel, judged: Judged) -> Certificate:
    few = judged.table.take(range(min(CERTIFIED_ROWS, len(judged))))
    return certify(
        model.network, model.theta, judged.X[: few.n_rows], targets(model.network, model.target, few)
    )


def _gradients(watch: Watch) -> str:
    """The picture of the gradients, of at most so many epochs, the last among them."""
    thinned, every = copy(watch), -(-len(watch.records) // MOST_EPOCHS)
    thinned.records = watch.records[::-every][::-1]
    return thinned.svg("gradients")
