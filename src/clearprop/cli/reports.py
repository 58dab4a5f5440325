"""How an evaluation is written: metrics beside the baseline, and the confusion table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.cli.console import Screen
from clearprop.table_model.baselines import METRICS
from clearprop.words import number, plural

if TYPE_CHECKING:
    from clearprop.table_model import TableModel
    from clearprop.table_model.baselines import Evaluation

MOST_MISTAKES = 10  #: kinds of mistakes listed where the confusion table is too wide
LONGEST_LABEL = 16


def show_evaluation(screen: Screen, evaluation: Evaluation, model: TableModel, of: str) -> None:
    """Write metrics beside the baseline, and what was taken for what.

    Parameters
    ----------
    of : str
        What the rows are, for the heading.
    """
    from clearprop.table_model.telling import baseline_in_words

    screen.heading(f"Metrics on {of}")
    rows = [
        (METRICS[name][0], number(value), number(evaluation.baseline[name]))
        for name, value in evaluation.metrics.items()
    ]
    screen.table(("", "network", "baseline"), rows, right=(1, 2))
    screen.line(f"The baseline {baseline_in_words(model)}.")
    if model.threshold is not None:
        screen.line(threshold_in_words(model))
    if evaluation.by_target:
        names = list(next(iter(evaluation.by_target.values())))
        each = [
            (target, *(number(scores[name]) for name in names))
            for target, scores in evaluation.by_target.items()
        ]
        screen.heading("Each target")
        screen.table(("target", *(METRICS[name][0] for name in names)), each, right=(1, 2, 3))
    if evaluation.confusion is not None:
        _show_confusion(screen, evaluation)


def _show_confusion(screen: Screen, evaluation: Evaluation) -> None:
    table = evaluation.confusion
    if table is None:
        return
    labels = [_short(str(label)) for label in evaluation.classes]
    counts = [[str(count) for count in row] for row in table.tolist()]
    widths = [max(map(len, cells)) for cells in zip(labels, *counts, strict=True)]
    if sum(widths) + 2 * len(widths) + max(map(len, labels)) + 6 <= screen.width:
        screen.heading("Confusion (a row for each true class, a column for each predicted one)")
        rows = [(label, *row) for label, row in zip(labels, counts, strict=True)]
        screen.table(("", *labels), rows, right=range(1, len(labels) + 1))
        return
    mistakes = [(int(table[i, j]), i, j) for i, j in np.argwhere(table) if i != j]
    screen.heading(f"Mistakes ({plural(sum(count for count, _, _ in mistakes), 'row')})")
    worst = sorted(mistakes, key=lambda mistake: -mistake[0])[:MOST_MISTAKES]
    screen.table(
        ("true class", "taken for", "rows"), [(labels[i], labels[j], str(n)) for n, i, j in worst], right=(2,)
    )
    if len(mistakes) > MOST_MISTAKES:
        screen.line(f"... and {plural(len(mistakes) - MOST_MISTAKES, 'other kind')}; --json has them all")


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 3] + "..."


def threshold_in_words(model: TableModel) -> str:
    """From which probability on the model says the second class, and why."""
    chosen, (first, second) = model.threshold, model.target.classes
    if chosen is None:
        return f"{second!r} is said where it is the likelier."
    if chosen.value > 1:
        said = f"{str(first)!r} is always said"
    else:
        said = f"{str(second)!r} is said from a probability of {chosen.value:.4g} on"
    rows = plural(chosen.rows, "validation row")
    if chosen.source == "out-of-fold":
        rows = f"{plural(chosen.rows, 'training row')}, predicted out of fold"
    return f"Threshold: {said}, the best for {chosen.rule} on {rows}."
