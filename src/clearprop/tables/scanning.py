"""A table that is read in pieces: a column at a time to learn its encoding, some rows at a time to encode.

Parquet and Arrow files are read where they lie. Text is first written once, cell by cell, to a Parquet file
in a folder of the caller, by a pass that holds little of it in memory; a piece can then be found again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.errors import DataError
from clearprop.tables.columns import MISSING_SPELLINGS, Column, stripped, typed_text
from clearprop.tables.decoding import decoded
from clearprop.tables.dialect import Dialect, Style, number_styles, sniffed
from clearprop.tables.frames import frame_columns
from clearprop.tables.opening import SEPARATORS, named_files, path_suffix
from clearprop.tables.table import Table

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 2**20  #: bytes of a text file that tell how it is written
LEAST_ROWS = 1


@dataclass(frozen=True)
class ScannedTable:
    """Files of one table, of which pieces are read; `scan_table` makes one.

    Attributes
    ----------
    source : str
        In messages.
    names : tuple of str
    n_rows : int
    """

    source: str
    names: tuple[str, ...]
    n_rows: int
    frame: pl.LazyFrame
    text: bool
    separator: str

    def column(self, name: str) -> Column:
        """One whole column, typed as `read_table` would."""
        series = self._collected(self.frame.select(name)).to_series()
        rows = np.arange(1, self.n_rows + 1, dtype=np.int64)
        return self._typed(series, name, rows, None)

    def pieces(self, size: int, styles: dict[str, Style], names: Sequence[str]) -> Iterator[Table]:
        """The table in pieces of so many rows, in order, with the columns that are asked for."""
        for first in range(0, self.n_rows, size):
            piece = self._collected(self.frame.select(names).slice(first, size))
            rows = np.arange(first + 1, first + piece.height + 1, dtype=np.int64)
            columns = tuple(
                self._typed(piece.get_column(name), name, rows, styles.get(name)) for name in names
            )
            yield Table(columns, self.source, rows)

    def _typed(self, series: Any, name: str, rows: Any, style: Style | None) -> Column:
        if self.text:
            cells = stripped(series, MISSING_SPELLINGS)
            found = style or number_styles([cells], self.separator)[0]
            return typed_text(
                name,
                cells,
                source=self.source,
                row_numbers=rows,
                null_values=MISSING_SPELLINGS,
                infer=True,
                style=found,
            )
        (column,) = frame_columns(series.to_frame(), source=self.source, null_values=MISSING_SPELLINGS)
        return Column(name=name, kind=column.kind, values=column.values, source=self.source, row_numbers=rows)

    def _collected(self, frame: pl.LazyFrame) -> pl.DataFrame:
        import polars as pl

        try:
            return frame.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{self.source} cannot be read to its end ({reason}); write it anew") from error


def scan_table(source: Any, folder: Path) -> ScannedTable:
    """Look at a table without reading it whole.

    Parameters
    ----------
    source : str, path or list of these
        Parquet or Arrow files, or plain CSV and its relatives in UTF-8; a pattern; all with the same columns.
    folder : Path
        Where text is written once more as Parquet.

    Raises
    ------
    DataError
        When a file is of another kind, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from clearprop.datasets import penguins_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = scan_table(penguins_path(), Path(folder))
    ...     table.n_rows, table.column("sex").kind
    (344, 'text')
    """
    import polars as pl

    paths = named_files(source)
    suffixes = {path_suffix(path) for path in paths}
    name = Path(paths[0]).name if len(paths) == 1 else f"{len(paths)} files ({Path(paths[0]).name}, ...)"
    for path in paths:
        if not Path(path).is_file():
            raise DataError(f"there is no file {path!r}; check the name and the folder")
        if path.lower().endswith((".gz", ".zst")):
            raise DataError(f"{Path(path).name} is packed and cannot be read in pieces; unpack it first")
    try:
        if suffixes <= {".parquet", ".pq"}:
            frame, text, separator = pl.scan_parquet(paths), False, ","
        elif suffixes <= {".arrow", ".feather", ".ipc"}:
            frame, text, separator = pl.scan_ipc(paths), False, ","
        elif suffixes <= set(SEPARATORS):
            frame, separator = _spooled(paths, folder)
            text = True
        else:
            raise DataError(
                f"{name}: only Parquet, Arrow or plain CSV files of one kind are read in pieces, not "
                f"{', '.join(sorted(suffixes))}; convert them to Parquet"
            )
        names = tuple(frame.collect_schema().names())
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{name} cannot be read as a table ({reason}); check the file") from error
    if rows < LEAST_ROWS:
        raise DataError(f"{name} has a header and no rows; give at least one row of data")
    return ScannedTable(name, names, rows, frame, text, separator)


def _spooled(paths: Sequence[str], folder: Path) -> tuple[pl.LazyFrame, str]:
    """The cells of text files as texts in Parquet, written by a pass in pieces; and what separates them."""
    import polars as pl

    spools, dialect = [], Dialect(",")
    for k, path in enumerate(paths):
        with Path(path).open("rb") as file:
            start = file.read(SAMPLE)
        whole = len(start) < SAMPLE
        cut = start if whole else start[: start.rfind(b"\n") + 1]
        text, said = decoded(cut, Path(path).name)
        if said:
            raise DataError(
                f"{Path(path).name}: {said[0]}; only UTF-8 is read in pieces, so convert it first"
            )
        dialect = sniffed(text, SEPARATORS[path_suffix(path)])
        spool = folder / f"cells-{k}.parquet"
        scanned = pl.scan_csv(
            path, separator=dialect.separator, quote_char=dialect.quote, infer_schema=False, low_memory=True
        )
        scanned.rename({name: name.strip() for name in scanned.collect_schema().names()}).sink_parquet(spool)
        spools.append(spool)
    return pl.scan_parquet(spools), dialect.separator
