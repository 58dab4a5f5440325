"""Dates and times: found in text by their form, kept as days since 1970-01-01.

What is subtle is 3/4/2020. Where every cell fits both day/month and month/day nothing is guessed: the column
stays text, and a notice says how to settle it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array

if TYPE_CHECKING:
    import polars as pl

ORDERS = {"date": "", "date:dmy": "dmy", "date:mdy": "mdy", "date:ymd": "ymd"}  #: what may be asked for
FEW = 100  #: cells that are tried first
EARLIEST = -354_285.0  #: the year 1000; a version number such as 1.2.3 is no date
DAY_MICROSECONDS = 86_400_000_000.0

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f")
_FORMATS = (
    ("ymd", ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")),
    ("dmy", ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y")),
    ("mdy", ("%m/%d/%Y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y")),
)
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_LIKE_A_DATE = re.compile(r"^\s*(\d{1,4}|[A-Za-z]{3,9})[-/. ]\s?(\d{1,2}|[A-Za-z]{3,9})[-/. ,]")


@dataclass(frozen=True)
class Dates:
    """Cells read as dates.

    Attributes
    ----------
    days : ndarray (m,)
        Since 1970-01-01, float64, NaN where missing.
    order : str
        "ymd", "dmy" or "mdy".
    ambiguous : bool
        Whether another order fits every cell and gives other days.
    """

    days: Array
    order: str
    ambiguous: bool


def read_dates(cells: pl.Series, order: str = "") -> Dates | None:
    """Cells that are all dates of one form (or null); None where they are not.

    Parameters
    ----------
    cells : polars.Series of str
    order : {"", "ymd", "dmy", "mdy"}
        Asked for; "" finds it.

    Examples
    --------
    >>> import polars as pl
    >>> read_dates(pl.Series(["1970-01-02", None])).days
    array([ 1., nan])
    >>> read_dates(pl.Series(["3/4/2020"])).ambiguous, read_dates(pl.Series(["13/4/2020"])).order
    (True, 'dmy')
    >>> read_dates(pl.Series(["3/4/2020"]), "dmy").days - read_dates(pl.Series(["3/4/2020"]), "mdy").days
    array([30.])
    """
    known = cells.drop_nulls()
    if len(known) == 0 or (not order and not _LIKE_A_DATE.match(known[0])):
        return None
    if len(known) > FEW and read_dates(known[:FEW], order) is None:
        return None  # most columns of text are told by a few cells
    cells = _normalised(cells)
    fitting: dict[str, Array] = {}
    for each, dates in _FORMATS:
        if order and each != order:
            continue
        days = _first_fit(cells, dates, plain_digits=bool(order))
        if days is not None:
            fitting[each] = days
    if not fitting:
        return None
    (first, days), *others = fitting.items()
    alike = all(np.array_equal(days, other, equal_nan=True) for _, other in others)
    return Dates(days, first, not alike)


def first_undated(cells: pl.Series, order: str = "") -> int:
    """Place of the first cell that is no date of the form that those before it have.

    >>> import polars as pl
    >>> first_undated(pl.Series(["2020-01-02", None, "2.1.2020", "x"]))
    2
    """
    known = [k for k, cell in enumerate(cells) if cell is not None]
    first = bisect_left(known, True, key=lambda k: read_dates(cells[: k + 1], order) is None)
    return known[min(first, len(known) - 1)]


def _normalised(cells: pl.Series) -> pl.Series:
    """ISO's T as a blank; clock times with an offset as those of UTC."""
    import polars as pl

    cells = cells.str.replace(r"^(\d{4}-\d{2}-\d{2})T", "${1} ")
    known = cells.drop_nulls()
    if not _OFFSET.search(known[0]) or " " not in known[0]:
        return cells
    with_offset = cells.str.replace(r"Z$", "+00:00")
    for form in ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M%:z", "%Y-%m-%d %H:%M:%S%.f%z"):
        moments = with_offset.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC")
        if moments.null_count() == cells.null_count():
            return moments.dt.replace_time_zone(None).dt.to_string("%Y-%m-%d %H:%M:%S%.f").cast(pl.String)
    return cells


def _first_fit(cells: pl.Series, dates: tuple[str, ...], *, plain_digits: bool) -> Array | None:
    """Days by the first form that fits every cell."""
    for date in dates:
        if date == "%Y%m%d" and not plain_digits:
            continue  # eight digits are a number unless dates were asked for
        for time in _TIMES:
            form = date + time
            moments = (
                cells.str.to_datetime(form, strict=False, time_unit="us")
                if time
                else cells.str.to_date(form, strict=False)
            )
            if moments.null_count() == cells.null_count():
                days = days_of(moments.to_numpy())
                return days if np.nanmin(days) >= EARLIEST else None
    return None


def days_of(moments: Any) -> Array:
    """Dates or datetimes (NumPy's, or Python's with None for a gap) as float64 days, NaN where missing."""
    stamps = np.asarray(moments, dtype="datetime64[us]")
    days = stamps.astype(np.int64) / DAY_MICROSECONDS
    return np.where(np.isnat(stamps), np.nan, days)


def spelled(days: float) -> str:
    """A date as ISO 8601 writes it, with the time where it has one.

    >>> spelled(1.0), spelled(1.5)
    ('1970-01-02', '1970-01-02 12:00:00')
    """
    moment = np.datetime64(round(days * DAY_MICROSECONDS), "us")
    text = str(moment.astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00")
