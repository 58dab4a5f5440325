"""Whether a target column is read as classes or as numbers, why, and what there is to learn in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.tables.averages import mean_and_std
from clearprop.tables.columns import Column, number_text
from clearprop.tables.encodings import IDENTIFIER_ROWS

Task: TypeAlias = Literal["classes", "numbers"]
Label: TypeAlias = str | int | float | bool

FEW_NUMBERS = 10  #: whole numbers with at most this many distinct values are read as classes


def several(columns: Sequence[Column], task: Task | None) -> tuple[Task, str]:
    """Read several target columns as numbers."""
    odd = [column for column in columns if column.kind != "number"]
    if task == "classes" or odd:
        fault = f"{odd[0].name!r} holds {odd[0].kind}" if odd else "the task 'classes' was asked for"
        raise DataError(
            f"{columns[0].source}: several targets are read as numbers, but {fault}; "
            "train one model for each target, or name number columns only"
        )
    return "numbers", f"{', '.join(column.name for column in columns)}: several targets, read as numbers"


def task_of(column: Column, asked: Task | None) -> tuple[Task, str]:
    """Decide between classes and numbers for one column of known cells; say why in one sentence."""
    if column.kind == "date":
        raise DataError(
            f"{column.source}: the target {column.name!r} holds dates, neither classes nor numbers; "
            "make a column of what you want to predict (days until then, the month), or name another target"
        )
    if column.kind == "number":
        distinct = np.unique(column.values)
        whole = bool(np.all(distinct == np.floor(distinct)))
        task: Task = "classes" if whole and len(distinct) <= FEW_NUMBERS else "numbers"
        saying = f"{'whole numbers' if whole else 'numbers'} with {len(distinct)} distinct values"
        other = f"; --task {'numbers' if task == 'classes' else 'classes'} changes that"
    else:
        task, other = "classes", ""
        count = len(set(column.values.tolist()))
        saying = f"{'text' if column.kind == 'text' else 'true or false'} with {count} distinct values"
    if asked is not None:
        task, other = asked, ", as asked"
    return task, f"{column.name}: {saying}, read as {task}{other}"


def spread(column: Column, weights: Array | None = None) -> tuple[float, float]:
    """Give mean and standard deviation of a numeric target; refuse one that never changes."""
    mean, std = mean_and_std(column.numbers(), weights)
    if std == 0:
        raise DataError(
            f"{column.source}: the target {column.name!r} is {number_text(mean)} in {_all_rows(column)}, so "
            "there is nothing to learn; name another target, or add rows"
        )
    return mean, std


def labels(column: Column) -> tuple[Label, ...]:
    """Give the class labels in order: as they were written, numbers without a needless fraction."""
    found: tuple[Label, ...]
    if column.kind == "text":
        found = tuple(sorted(set(column.texts())))
    elif column.kind == "number":
        found = tuple(int(v) if v == int(v) else float(v) for v in np.unique(column.values))
    else:
        found = tuple(_usual_spelling(column, value) for value in np.unique(column.values))
    if len(found) == 1:
        raise DataError(
            f"{column.source}: the target {column.name!r} is {str(found[0])!r} in {_all_rows(column)}, so "
            "there is nothing to learn; name another target, or add rows of another class"
        )
    if len(found) == len(column.values) > IDENTIFIER_ROWS:
        remedy = (
            "; ask for task numbers, or name another target"
            if column.kind == "number"
            else "; name another target"
        )
        raise DataError(
            f"{column.source}: all {len(found)} values of the target {column.name!r} differ, so as classes "
            f"there is nothing to learn{remedy}"
        )
    return found


def _all_rows(column: Column) -> str:
    return "every row" if len(column.values) > 1 else "the only row"


def _usual_spelling(column: Column, value: float) -> Label:
    """Give the most frequent spelling of true or of false; the plain bool where none was written."""
    if column.written is None:
        return bool(value)
    texts = column.texts()[column.values == value].tolist()
    return max(sorted(set(texts)), key=texts.count)
