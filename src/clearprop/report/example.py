"""One row of a report looked through: the one that says most, and one derivative of its loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.trace import Derivation
from clearprop.report.judged import Judged
from clearprop.table_model import TableModel
from clearprop.table_model.explaining import ExplainedRow, explain_row

NEAR_ROWS = 5000  #: rows among which the example is sought
LAYERS = 3  #: the last ones, which the derivation walks through
TERMS = 2  #: of a sum that are written out


@dataclass(frozen=True, eq=False)
class Example:
    """A row, why it was chosen, and one derivative of the loss there, derived."""

    why: str
    seen: ExplainedRow
    derivation: Derivation


def example_of(model: TableModel, judged: Judged) -> Example:
    """The judged row nearest to a decision (of the median answer, for numbers), explained."""
    place, why = _telling_row(model, judged)
    row = int(judged.table.row_numbers[place])
    seen = explain_row(model, judged.table, row)
    layer = max(1, model.network.depth - LAYERS + 1)
    gradient = seen.trace.dW[layer]
    j, i = np.unravel_index(int(np.argmax(np.abs(gradient))), gradient.shape)
    derivation = seen.trace.derive(f"W[{layer}][{j},{i}]", terms=TERMS, digits=4)
    return Example(why, seen, derivation)


def _telling_row(model: TableModel, judged: Judged) -> tuple[int, str]:
    """The row nearest to a decision, or the one of the median answer."""
    answers: Array = judged.answers[:NEAR_ROWS]
    if model.target.task == "numbers":
        place = int(np.argsort(answers[:, 0], kind="stable")[(len(answers) - 1) // 2])
        return place, "its prediction is the median one"
    if answers.shape[1] == 1:
        return int(np.argmin(np.abs(answers[:, 0]))), "its score lies nearest to the decision"
    ordered = np.sort(answers, axis=1)
    place = int(np.argmin(ordered[:, -1] - ordered[:, -2]))
    which = "two classes" if answers.shape[1] == 2 else "two most likely classes"
    return place, f"the probabilities of its {which} lie closest to each other"
