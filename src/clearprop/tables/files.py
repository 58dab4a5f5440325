"""Files to cells: each by its format, several joined into one table whose messages still name the file."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clearprop.errors import DataError
from clearprop.tables.decoding import decoded
from clearprop.tables.delimited import read_delimited
from clearprop.tables.dialect import SPOKEN, Dialect, sniffed
from clearprop.tables.opening import SEPARATORS, STDIN, Opened, opened

if TYPE_CHECKING:
    import polars as pl


class JoinedFiles(str):
    """Name of several files in messages, which knows in which of them a row stands.

    >>> joined = JoinedFiles.of(["a.csv", "b.csv"], [2, 3])
    >>> str(joined), joined.place(4)
    ('2 files (a.csv, b.csv)', ('b.csv', 2))
    """

    names: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[int]) -> JoinedFiles:
        """Name of files with so many rows each."""
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        joined = cls(f"{len(names)} files ({shown})")
        joined.names = tuple(names)
        joined.starts = tuple(sum(rows[:k]) for k in range(len(rows)))
        return joined

    def place(self, number: int) -> tuple[str, int]:
        """File of a row counted from 1 through all files, and its number there."""
        k = bisect.bisect_right(self.starts, number - 1) - 1
        return self.names[k], number - self.starts[k]


@dataclass(frozen=True)
class Asked:
    """What the user says of a text file; None where it is to be found out."""

    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        spoken = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
        if self.separator is not None:
            mark = spoken.get(self.separator, self.separator)
            if len(mark) != 1 or mark in "\"'\n\r" or ord(mark) > 127:
                raise DataError(
                    f"the separator {self.separator!r} is not one mark such as ',', ';', '|' or 'tab'"
                )
            object.__setattr__(self, "separator", mark)


@dataclass(frozen=True)
class Cells:
    """What a source holds: a frame with types, or columns of text.

    Attributes
    ----------
    frame : polars.DataFrame or None
    names, columns : list
        Of a delimited text.
    """

    source: str
    frame: Any = None
    names: tuple[str, ...] = ()
    columns: tuple[pl.Series, ...] = ()
    separator: str = ","
    notices: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of data."""
        if self.frame is not None:
            return int(self.frame.height)
        return len(self.columns[0]) if self.columns else 0


def read_files(paths: Sequence[str], asked: Asked) -> Cells:
    """Cells of one file, or of several with the same columns, one below the other."""
    pieces = [_read(opened(path), asked, path) for path in paths]
    return pieces[0] if len(pieces) == 1 else _joined(pieces)


def _read(file: Opened, asked: Asked, path: str) -> Cells:
    if file.format == "delimited":
        return _read_text(file, asked, path)
    return Cells(file.name, frame=_read_frame(file), notices=file.notices)


def _read_text(file: Opened, asked: Asked, path: str) -> Cells:
    text, said = decoded(file.data, file.name, asked.encoding)
    usual = SEPARATORS[file.suffix]
    dialect = sniffed(text, asked.separator or usual)
    if asked.separator is not None:
        dialect = Dialect(asked.separator, dialect.quote)
    elif dialect.separator != usual and (path != STDIN or dialect.separator != ","):
        spoken = SPOKEN.get(dialect.separator, repr(dialect.separator))
        said = (*said, f"the columns are separated by {spoken}")
    if dialect.quote == "'":
        said = (*said, "cells are quoted by apostrophes")
    names, columns = read_delimited(text, dialect, source=file.name, header=asked.header)
    return Cells(
        file.name,
        names=tuple(names),
        columns=tuple(columns),
        separator=dialect.separator,
        notices=(*file.notices, *said),
    )


def _read_frame(file: Opened) -> Any:
    import polars as pl

    spoken = {"parquet": "Parquet", "arrow": "Arrow"}.get(file.format, "JSON lines")
    if not file.data.strip():
        raise DataError(f"{file.name} is empty; give a table with at least one row")
    try:
        if file.format == "parquet":
            return pl.read_parquet(file.data)
        if file.format == "arrow":
            return pl.read_ipc(file.data)
        return pl.read_ndjson(file.data, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{file.name} is not a readable {spoken} file ({reason}); write it anew") from error


def _joined(pieces: Sequence[Cells]) -> Cells:
    """Pieces of the same columns, in the order of the first."""
    import polars as pl

    first = pieces[0]
    wanted = list(first.names) if first.frame is None else first.frame.columns
    for other in pieces[1:]:
        if (other.frame is None) != (first.frame is None):
            raise DataError(
                f"{first.source} and {other.source} are of unlike formats (one declares types); give files "
                "of one format"
            )
        names = list(other.names) if other.frame is None else other.frame.columns
        for name in (*wanted, *names):
            if name not in names or name not in wanted:
                has, lacks = (first, other) if name in wanted else (other, first)
                raise DataError(
                    f"{has.source} has a column {name!r} and {lacks.source} has none; give files with the "
                    "same columns"
                )
    rows = [piece.rows for piece in pieces]
    source = JoinedFiles.of([piece.source for piece in pieces], rows)
    notices = tuple(f"{piece.source}: {notice}" for piece in pieces for notice in piece.notices)
    if first.frame is not None:
        frames = [piece.frame.select(wanted) for piece in pieces]
        try:
            return Cells(source, frame=pl.concat(frames, how="vertical_relaxed"), notices=notices)
        except pl.exceptions.PolarsError as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{source}: a column is not of one type in all of them ({reason})") from error
    columns = [pl.concat(list(_of_name(pieces, name))) for name in wanted]
    return Cells(
        source, names=tuple(wanted), columns=tuple(columns), separator=first.separator, notices=notices
    )


def _of_name(pieces: Sequence[Cells], name: str) -> Iterator[pl.Series]:
    for piece in pieces:
        yield piece.columns[piece.names.index(name)].alias(name)
