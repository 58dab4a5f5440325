"""What a user should be told of a table that can be used: cells that were bent, and columns that surprise.

Nothing here refuses anything. Each function gives sentences that name the column, the first such cell and
what to do: `read_table` (as `Table.doubts`), plans of training and trained models say them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Sized

import numpy as np

from clearprop.arrays import IntArray
from clearprop.tables.columns import Column, numbers_of, place_of, shortened, text_series
from clearprop.tables.dialect import LEAST_NUMBERS, plain_numbers
from clearprop.tables.encoding import Encoder
from clearprop.tables.encodings import LeftOut, NumberEncoding, TextEncoding
from clearprop.tables.table import Table
from clearprop.tables.target import Target

EXACT = 2**53  #: a 64-bit float holds every whole number up to here
FAR = 1e4  #: so many times the spread of the middle half, and a cell dwarfs its column
FARTHEST = 1e6  #: standard deviations at which a cell to predict on is held
LEAST_ROWS = 10  #: in fewer rows, a column may equal the target by chance
MOST_NAMED = 5


def rounded(columns: Iterable[Column]) -> tuple[str, ...]:
    """Whole numbers that a 64-bit float cannot hold.

    >>> from clearprop.tables import read_table
    >>> import polars as pl
    >>> print(*read_table(pl.DataFrame({"n": [1, 2**53 + 1]})).doubts)  # doctest: +ELLIPSIS
    in the column 'n', 1 whole number beyond 2**53 was rounded (data row 2: '9007199254740993'); if they...
    """
    said = []
    for column in columns:
        if column.kind != "number" or column.written is None:
            continue
        large = np.flatnonzero(np.abs(column.values) >= EXACT)
        written = plain_numbers(column.written.gather(large), column.style).to_list()
        bent = [int(i) for i, text in zip(large, written, strict=True) if _is_bent(text, column.values[i])]
        if bent:
            verb = "was" if len(bent) == 1 else "were"
            said.append(
                f"in the column {column.name!r}, {_count(bent, 'whole number')} beyond 2**53 {verb} rounded "
                f"({_cell(column, bent[0])}); if they are codes, read them as text (--type "
                f"{column.name}=category)"
            )
    return tuple(said)


def nearly_numbers(columns: Iterable[Column]) -> tuple[str, ...]:
    """Columns of text, half of whose cells or more are numbers."""
    said = []
    for column in columns:
        if column.kind != "text" or column.asked or not column.known.any():
            continue
        odd = np.flatnonzero(
            np.isnan(numbers_of(plain_numbers(text_series(column.values), column.style))) & column.known
        )
        known = int(column.known.sum())
        if 0 < len(odd) <= (1 - LEAST_NUMBERS) * known:
            remedy = "write numbers there or leave the cells empty"
            said.append(
                f"the column {column.name!r} is read as text, since {len(odd)} of its {known} cells "
                f"{'is no number' if len(odd) == 1 else 'are no numbers'} ({_cell(column, int(odd[0]))}); "
                f"{remedy}, if it is one of numbers"
            )
    return tuple(said)


def unread(encoder: Encoder) -> tuple[str, ...]:
    """Columns of the training rows that give the network nothing, and why."""
    said = []
    for row in encoder.columns:
        if isinstance(row, LeftOut):
            said.append(f"the column {row.column!r} is left out: {row.reason}")
        elif isinstance(row, NumberEncoding) and row.std == 0:
            said.append(f"the column {row.column!r} is {row.described()}")
    return tuple(said)


def dwarfing(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Cells so far from the rest of their column of numbers that beside them the others look alike."""
    said = []
    for column in map(table.column, names):
        if column.kind != "number":
            continue
        places = np.flatnonzero(column.known)
        halves = column.values[places] / 2  # of which a difference is finite
        if not len(halves):
            continue
        low, high = np.quantile(halves, 0.25, method="higher"), np.quantile(halves, 0.75, method="lower")
        distance = np.abs(halves - np.median(halves))
        far = places[distance / FAR > high - low]
        if high > low and len(far):
            worst = int(places[np.argmax(distance)])
            more = f", and {len(far) - 1} more like it" if len(far) > 1 else ""
            said.append(
                f"in the column {column.name!r}, one cell ({_cell(column, worst)}){more} is so far from the "
                f"others, half of which lie between {2 * low:g} and {2 * high:g}, that they look alike "
                "beside it; correct it, or leave it empty"
            )
    return tuple(said)


def copies(table: Table, encoder: Encoder, target: Target) -> tuple[str, ...]:
    """Features that equal a target in every row."""
    if table.n_rows < LEAST_ROWS:
        return ()
    wanted = [table.column(name) for name in target.columns]
    return tuple(
        f"the column {name!r} equals the target {goal.name!r} in every row; exclude it (--exclude {name}), "
        "unless it will be known for new rows"
        for name in encoder.column_names
        for goal in wanted
        if _equal(table.column(name), goal)
    )


def without_target(table: Table, target: Target) -> tuple[str, ...]:
    """Rows that have no target."""
    lacking = int(np.count_nonzero(~target.known_rows(table)))
    if not lacking:
        return ()
    rows = "1 row has" if lacking == 1 else f"{lacking} rows have"
    names = " or ".join(map(repr, target.columns))
    return (f"{rows} no value of the target {names} and {'is' if lacking == 1 else 'are'} left out",)


def lone_classes(target: Target, y: IntArray) -> tuple[str, ...]:
    """Classes with a single row among y (m,)."""
    counts = np.bincount(y, minlength=len(target.classes))
    lone = [str(target.classes[k]) for k in np.flatnonzero(counts == 1)]
    if not lone:
        return ()
    have = f"the class {lone[0]!r} has" if len(lone) == 1 else f"the classes {_listed(lone)} have"
    return (f"{have} a single row, to learn from and so not to test on; give more",)


def unlike_training(table: Table, encoder: Encoder, target: Target) -> tuple[str, ...]:
    """What rows to predict on have that the training rows had not."""
    said, with_gaps = [], []
    for row in encoder.columns:
        if not row.feature_names:
            continue
        column = table.column(row.column, because=", which the model was trained with")
        if column.missing and not row.missing:
            with_gaps.append(column)
        if isinstance(row, TextEncoding):
            said += _unseen_texts(column, row)
        elif isinstance(row, NumberEncoding):
            said += _beyond(column, row)
    return (*said, *_new_gaps(with_gaps), *_foreign(table, encoder, target))


def _new_gaps(columns: Sequence[Column]) -> list[str]:
    if not columns:
        return []
    missing = sum(column.missing for column in columns)
    first = min((int(np.flatnonzero(~column.known)[0]), k) for k, column in enumerate(columns))
    place = _row(columns[first[1]], first[0])
    return [
        f"{_columns(columns)}, {missing:,} cell{' is' if missing == 1 else 's are'} missing ({place}), and "
        "in training none was; filled with what was usual there, texts read as other"
    ]


def _foreign(table: Table, encoder: Encoder, target: Target) -> list[str]:
    known = {row.column for row in encoder.columns} | set(target.columns)
    foreign = [column for column in table.columns if column.name not in known]
    if not foreign:
        return []
    what = _columns(foreign).removeprefix("in ")
    was = "was" if len(foreign) == 1 else "were"
    return [f"{what} {was} not learnt from, and {_is(foreign)} passed over"]


def _unseen_texts(column: Column, row: TextEncoding) -> list[str]:
    texts = column.texts().tolist()
    levels = {*row.levels, None}
    if levels.issuperset(texts):
        return []
    unseen = [i for i, text in enumerate(texts) if text not in levels]
    return [
        f"in the column {row.column!r}, {_count(unseen, 'cell')} hold{'s' if len(unseen) == 1 else ''} "
        f"text that training did not see ({_cell(column, unseen[0])}); read as other"
    ]


def _beyond(column: Column, row: NumberEncoding) -> list[str]:
    if row.std == 0:
        return []
    values = column.numbers()
    with np.errstate(over="ignore"):
        far = np.flatnonzero(np.abs(values / 2 - row.mean / 2) / row.std > FARTHEST / 2)
    if not far.size:
        return []
    return [
        f"in the column {row.column!r}, {_count(far, 'value')} {_is(far)} more than a million standard "
        f"deviations from training's mean ({_cell(column, int(far[0]))}) and {_is(far)} taken as that far; "
        "check the column's unit"
    ]


def _equal(column: Column, goal: Column) -> bool:
    if column.kind != goal.kind:
        return False
    if column.kind == "text":
        return bool((column.values == goal.values).all())
    return np.array_equal(column.values, goal.values, equal_nan=True)


def _is_bent(text: str | None, value: float) -> bool:
    whole = re.fullmatch(r"[+-]?0*([0-9]+)", text or "")
    return whole is not None and int(whole[1]) != abs(
        int(value)
    )  # without zeros before it: `int` has a limit


def _cell(column: Column, index: int) -> str:
    """Name a cell by its row and what is written in it."""
    plain_number = column.written is None and column.kind == "number"
    text = f"{column.values[index]:.17g}" if plain_number else str(column.texts()[index])
    return f"{_row(column, index)}: {shortened(text)}"


def _row(column: Column, index: int) -> str:
    place = place_of(column.source, int(column.row_numbers[index])).partition(" (")[0]
    return place.removeprefix(f"{column.source}, ")


def _columns(columns: Sequence[Column]) -> str:
    names = [column.name for column in columns]
    return f"in the column{'' if len(names) == 1 else 's'} {_listed(names)}"


def _count(found: Sized, noun: str) -> str:
    return f"{len(found):,} {noun}{'' if len(found) == 1 else 's'}"


def _is(found: Sized) -> str:
    return "is" if len(found) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(repr, names[:MOST_NAMED])) + more
