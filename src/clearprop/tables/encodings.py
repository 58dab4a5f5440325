"""How one column becomes features: one frozen row class for each kind, and the choice between them.

Missing cells get a feature of their own only where the training rows had some: a feature that was always 0 in
training has weights that were never trained. The slot `other` is that risk taken knowingly, so that a new
category is neither an error nor another category's twin.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.tables.averages import mean_and_std, median, shares
from clearprop.tables.columns import Column, Floats, Kind
from clearprop.tables.date_encoding import DateEncoding
from clearprop.tables.records import checked_list, checked_record, nonsense

IDENTIFIER_ROWS = 20  #: texts that never repeat in more rows than this are taken for identifiers
MANY_LEVELS = 50  #: more distinct texts than this, and than the square root of the rows, are too many
_IDENTIFIER = re.compile(
    r"(?i)(^|[\s_.-])(id|ids|uid|uuid|guid|key|index|idx|nr|no|row|rownum)$|^unnamed|[a-z](Id|ID)$"
)
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class NumberEncoding:
    """A standardised number, (x - mean) / std; missing cells take the training median.

    A column that was constant in training has std 0 and is encoded as zeros.
    """

    column_kind: ClassVar[Kind] = "number"
    column: str
    median: float
    mean: float
    std: float
    missing: int

    @classmethod
    def fit(cls, column: Column, weights: Array | None = None) -> NumberEncoding:
        """Freeze median, mean and population standard deviation of the training rows, gaps filled."""
        values, known = column.numbers(), column.known
        middle = median(values[known], None if weights is None else weights[known])
        mean, std = mean_and_std(np.where(known, values, middle), weights)
        return cls(column.name, middle, mean, std, column.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, one or two."""
        return (self.column, f"{self.column} missing")[: 2 if self.missing else 1]

    def encode(self, column: Column, out: Floats) -> None:
        """Write the features of m rows into out, shape (m, 1 or 2)."""
        values = column.numbers()
        gaps = np.isnan(values)
        if self.std > 0:
            filled = np.where(gaps, self.median, values)
            with np.errstate(over="ignore"):  # halves: a difference of two huge values is still finite
                scaled = 2 * ((filled / 2 - self.mean / 2) / self.std)
                out[:, 0] = np.clip(scaled, -LARGEST, LARGEST)
        if self.missing:
            out[:, 1] = gaps

    def described(self) -> str:
        """Say how the column is encoded."""
        if self.std == 0:
            return f"constant {self.mean:.6g}, encoded as zeros{'; gaps flagged' if self.missing else ''}"
        filled = f"; gaps flagged, filled with the median {self.median:.6g}" if self.missing else ""
        return f"standardised (mean {self.mean:.6g}, standard deviation {self.std:.6g}){filled}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {"kind": "number", **asdict(self)}

    @classmethod
    def from_dict(cls, record: object) -> NumberEncoding:
        """Read back what `to_dict` gave; DataError for anything else."""
        what = "encoder of a number column"
        schema = {"kind": str, "column": str, "median": float, "mean": float, "std": float, "missing": int}
        row = cls(**_fields(record, schema, what))
        if row.std < 0:
            raise nonsense(what, "has a negative 'std'")
        return row


@dataclass(frozen=True)
class BooleanEncoding:
    """One feature, 1 for true and 0 for false; missing cells take the more frequent of the two."""

    column_kind: ClassVar[Kind] = "boolean"
    column: str
    usual: bool
    missing: int

    @classmethod
    def fit(cls, column: Column, weights: Array | None = None) -> BooleanEncoding:
        """Freeze the more frequent value of the training rows, false at a tie."""
        share = np.ones(len(column.values)) if weights is None else shares(weights)
        true, false = (share[column.booleans() == value].sum() for value in (1.0, 0.0))
        return cls(column.name, bool(true > false), column.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, one or two."""
        return (self.column, f"{self.column} missing")[: 2 if self.missing else 1]

    def encode(self, column: Column, out: Floats) -> None:
        """Write the features of m rows into out, shape (m, 1 or 2)."""
        values = column.booleans()
        gaps = np.isnan(values)
        out[:, 0] = np.where(gaps, float(self.usual), values)
        if self.missing:
            out[:, 1] = gaps

    def described(self) -> str:
        """Say how the column is encoded."""
        usual = str(self.usual).lower()
        return "true 1, false 0" + (f"; gaps flagged, filled with the usual {usual}" if self.missing else "")

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {"kind": "boolean", **asdict(self)}

    @classmethod
    def from_dict(cls, record: object) -> BooleanEncoding:
        """Read back what `to_dict` gave; DataError for anything else."""
        schema = {"kind": str, "column": str, "usual": bool, "missing": int}
        return cls(**_fields(record, schema, "encoder of a boolean column"))


@dataclass(frozen=True)
class TextEncoding:
    """One-hot: a slot for each level, sorted, one for unseen text, one for missing if training had gaps."""

    column_kind: ClassVar[Kind] = "text"
    column: str
    levels: tuple[str, ...]
    missing: int

    @classmethod
    def fit(cls, column: Column) -> TextEncoding:
        """Freeze the distinct texts of the training rows."""
        return cls(column.name, _distinct(column), column.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the slots."""
        other = "other (unseen)" if "other" in self.levels else "other"
        names = tuple(f"{self.column}={level}" for level in (*self.levels, other))
        return (*names, f"{self.column} missing") if self.missing else names

    def encode(self, column: Column, out: Floats) -> None:
        """Write the slots of m rows into out, shape (m, levels + 1 or 2), which holds zeros."""
        other = len(self.levels)
        slots: dict[str | None, int] = {level: slot for slot, level in enumerate(self.levels)}
        slots[None] = other + 1 if self.missing else other
        chosen = [slots.get(text, other) for text in column.texts()]
        out[np.arange(len(chosen)), np.array(chosen, dtype=np.int64)] = 1.0

    def described(self) -> str:
        """Say how the column is encoded."""
        listed = ", ".join(self.levels[:5]) + (", ..." if len(self.levels) > 5 else "")
        levels = f"{len(self.levels)} level{'s' if len(self.levels) > 1 else ''}"
        return f"one-hot: {levels} ({listed}), other{', missing' if self.missing else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {"kind": "text", **asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, record: object) -> TextEncoding:
        """Read back what `to_dict` gave; DataError for anything else."""
        what = "encoder of a text column"
        fields = _fields(record, {"kind": str, "column": str, "levels": list, "missing": int}, what)
        levels = tuple(checked_list(fields.pop("levels"), str, "levels", what))
        if not levels or not all(first < second for first, second in pairwise(levels)):
            raise nonsense(what, "has 'levels' that are not distinct and sorted")
        return cls(levels=levels, **fields)


@dataclass(frozen=True)
class LeftOut:
    """A column that gives no feature, and why."""

    column: str
    column_kind: Kind
    reason: str
    missing: int

    feature_names: ClassVar[tuple[str, ...]] = ()

    def encode(self, column: Column, out: Floats) -> None:
        """Write nothing: out has shape (m, 0)."""

    def described(self) -> str:
        """Say why the column is left out."""
        return f"left out: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {"kind": "left out", **asdict(self)}

    @classmethod
    def from_dict(cls, record: object) -> LeftOut:
        """Read back what `to_dict` gave; DataError for anything else."""
        what = "encoder of a column left out"
        schema = {"kind": str, "column": str, "column_kind": str, "reason": str, "missing": int}
        row = cls(**_fields(record, schema, what))
        if row.column_kind not in ("number", "boolean", "text", "date"):
            raise nonsense(what, f"has the unknown 'column_kind' {row.column_kind!r}")
        return row


Encoding: TypeAlias = NumberEncoding | BooleanEncoding | TextEncoding | DateEncoding | LeftOut

ENCODINGS: Mapping[str, type[Encoding]] = {
    "number": NumberEncoding,
    "boolean": BooleanEncoding,
    "text": TextEncoding,
    "date": DateEncoding,
    "left out": LeftOut,
}


def fit_column(column: Column, weights: Array | None = None) -> Encoding:
    """Choose and freeze the encoding of a training column; weights (m,) above 0 weigh its cells."""
    known = len(column.values) - column.missing
    if known == 0:
        return LeftOut(column.name, column.kind, "every cell is missing in the training rows", column.missing)
    if column.kind == "number":
        if not column.asked and _counts_rows(column):
            reason = "named like an identifier, and every row has another whole number"
            return LeftOut(column.name, column.kind, reason, column.missing)
        return NumberEncoding.fit(column, weights)
    if column.kind == "boolean":
        return BooleanEncoding.fit(column, weights)
    if column.kind == "date":
        return DateEncoding.fit(column, weights)
    if column.asked:
        return TextEncoding.fit(column)
    distinct = len(_distinct(column))
    if distinct == known > IDENTIFIER_ROWS:
        reason = f"all {distinct} texts differ, as in an identifier, and say nothing about a new row"
        return LeftOut(column.name, column.kind, reason, column.missing)
    if distinct > (limit := max(MANY_LEVELS, math.isqrt(known))):
        reason = f"{distinct} different texts are more than the {limit} that {known} rows can teach"
        return LeftOut(column.name, column.kind, reason, column.missing)
    return TextEncoding.fit(column)


def _counts_rows(column: Column) -> bool:
    """Whether a number column is an identifier: by its name, and since no whole number comes twice."""
    if not _IDENTIFIER.search(column.name) or len(column.values) <= IDENTIFIER_ROWS:
        return False
    values = column.values
    whole = not column.missing and bool((values == np.floor(values)).all())
    distinct = len(np.unique(values)) if column.written is None else column.written.n_unique()  # not rounded
    return whole and distinct == len(values)


def encoding_from_dict(record: object) -> Encoding:
    """Read back one encoding; DataError for anything else."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in ENCODINGS:
        raise nonsense("encoder", f"has a column of the unknown kind {str(kind)[:40]!r}")
    return ENCODINGS[kind].from_dict(record)


def _distinct(column: Column) -> tuple[str, ...]:
    return tuple(sorted({text for text in column.texts() if text is not None}))


def _fields(record: object, schema: dict[str, type], what: str) -> dict[str, Any]:
    """Check a record that holds one encoding; give its fields without the kind."""
    fields = checked_record(record, schema, what)
    if not 0 <= fields["missing"] <= 2**53:
        raise nonsense(what, "has a 'missing' that counts no cells")
    del fields["kind"]
    return fields
