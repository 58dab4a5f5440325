"""Dates as features: how long ago, and where in the year, the week and the day, as points on circles.

A circle is what makes December next to January. Only those parts are features that the training rows vary:
a table of a single week has no season to learn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.tables.averages import mean_and_std, median
from clearprop.tables.columns import Column, Floats, Kind
from clearprop.tables.dates import ORDERS, read_dates, spelled
from clearprop.tables.records import checked_list, checked_record, nonsense

YEAR, WEEK = 365.2425, 7.0  #: days
#: part -> its length in days, and the day on which a circle begins
PARTS: dict[str, tuple[float, float]] = {"year": (YEAR, 0.0), "week": (WEEK, 4.0), "day": (1.0, 0.0)}
LEAST_SPAN = {"year": 60.0, "week": 2.0, "day": 0.0}  #: days that training dates must span for a part


@dataclass(frozen=True)
class DateEncoding:
    """A date as (days - mean) / std and as sine and cosine of the parts that vary; gaps take the median."""

    column_kind: ClassVar[Kind] = "date"
    column: str
    median: float
    mean: float
    std: float
    parts: tuple[str, ...]
    order: str
    missing: int

    @classmethod
    def fit(cls, column: Column, weights: Array | None = None) -> DateEncoding:
        """Freeze the median, mean and deviation of the training rows' days, and which parts vary."""
        order = ORDERS.get(column.asked, "")
        if not order and column.written is not None:
            found = read_dates(column.written)
            order = "" if found is None else found.order
        values, known = column.dates(order), column.known
        middle = median(values[known], None if weights is None else weights[known])
        mean, std = mean_and_std(np.where(known, values, middle), weights)
        return cls(column.name, middle, mean, std, _varying(values[known]), order, column.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features: days, two for each part, and whether the cell is missing."""
        circles = tuple(f"{self.column} {part} {each}" for part in self.parts for each in ("sin", "cos"))
        return (self.column, *circles, f"{self.column} missing")[: None if self.missing else -1]

    def encode(self, column: Column, out: Floats) -> None:
        """Write the features of m rows into out, shape (m, 1 + 2 parts, and one for gaps)."""
        values = column.dates(self.order)
        gaps = np.isnan(values)
        filled = np.where(gaps, self.median, values)
        if self.std > 0:
            out[:, 0] = (filled - self.mean) / self.std
        for k, part in enumerate(self.parts):
            length, start = PARTS[part]
            angle = 2 * np.pi * (((filled - start) % length) / length)
            out[:, 1 + 2 * k], out[:, 2 + 2 * k] = np.sin(angle), np.cos(angle)
        if self.missing:
            out[:, -1] = gaps

    def described(self) -> str:
        """Say how the column is encoded."""
        shown = f"date: days (mean {spelled(round(self.mean))}, standard deviation {self.std:.4g})"
        circles = "".join(f", {part} as a circle" for part in self.parts)
        filled = f"; gaps flagged, filled with {spelled(self.median)}" if self.missing else ""
        return shown + circles + filled

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {"kind": "date", **asdict(self), "parts": list(self.parts)}

    @classmethod
    def from_dict(cls, record: object) -> DateEncoding:
        """Read back what `to_dict` gave; DataError for anything else."""
        what = "encoder of a date column"
        numbers = dict.fromkeys(("median", "mean", "std"), float)
        schema = {"kind": str, "column": str, **numbers, "parts": list, "order": str, "missing": int}
        fields = checked_record(record, schema, what)
        del fields["kind"]
        parts = tuple(checked_list(fields.pop("parts"), str, "parts", what))
        if list(parts) != [part for part in PARTS if part in parts] or fields["std"] < 0:
            raise nonsense(what, "has 'parts' that are not known, or a negative 'std'")
        if fields["order"] not in ("", "ymd", "dmy", "mdy") or not 0 <= fields["missing"] <= 2**53:
            raise nonsense(what, "has an unknown 'order', or a 'missing' that counts no cells")
        return cls(parts=parts, **fields)


def _varying(days: Array) -> tuple[str, ...]:
    """Parts that the training dates vary: all of them differ in it somewhere, over a long enough span."""
    found = []
    for part, (length, start) in PARTS.items():
        places = (np.floor(days) if part != "day" else days) - start
        varied = np.ptp(places % length) > 0
        if varied and np.ptp(days) >= LEAST_SPAN[part]:
            found.append(part)
    return tuple(found)
