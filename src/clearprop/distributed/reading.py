"""Row groups and whole columns of the files of a manifest, with errors that name file and row group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.distributed.manifest import Manifest, footer_digest, opened_parquet
from clearprop.distributed.sources import first_line, pyarrow
from clearprop.errors import DataError
from clearprop.tables.columns import MISSING_SPELLINGS, Column
from clearprop.tables.frames import frame_columns
from clearprop.tables.table import Table

if TYPE_CHECKING:
    import polars as pl


def row_groups(
    manifest: Manifest, groups: Iterable[int], names: Sequence[str]
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Read row groups (counted through all files, ascending) one after the other: its number, its cells.

    Raises
    ------
    DataError
        When a file is another than in the manifest, or a row group cannot be read.
    """
    with ExitStack() as stack:
        current, reader = -1, None
        for group in groups:
            place, number = manifest.row_groups[group]
            if place != current:
                stack.pop_all().close()
                reader, current = stack.enter_context(_checked(manifest, place)), place
            yield group, _read(reader, manifest.files[place].path, number, names)


def table_of(frame: pl.DataFrame, manifest: Manifest, first: int) -> Table:
    """Rows of a manifest as a table; the first is number `first` of all rows, from 0."""
    numbers = np.arange(first + 1, first + frame.height + 1, dtype=np.int64)
    return Table(tuple(_columns(frame, manifest, numbers)), manifest.source, numbers)


def whole_columns(manifest: Manifest, names: Sequence[str]) -> tuple[Column, ...]:
    """Columns of all files, typed as `read_table` would, in one pass over the files."""
    import polars as pl

    pieces = [frame for _, frame in row_groups(manifest, range(len(manifest.row_groups)), names)]
    return tuple(_columns(pl.concat(pieces), manifest, np.arange(1, manifest.rows + 1, dtype=np.int64)))


def _columns(frame: pl.DataFrame, manifest: Manifest, numbers: Any) -> Iterator[Column]:
    read = frame_columns(frame, source=manifest.source, null_values=MISSING_SPELLINGS)
    for name, column in zip(frame.columns, read, strict=True):
        yield replace(column, name=name, row_numbers=numbers, written=None)


class _checked:  # noqa: N801 - a context, used as a function is
    """A Parquet file of the manifest, opened, if it is still the one that the manifest describes."""

    def __init__(self, manifest: Manifest, place: int) -> None:
        self.file, self.stack = manifest.files[place], ExitStack()

    def __enter__(self) -> Any:
        reader, handle = self.stack.enter_context(opened_parquet(self.file.path))
        if handle.size() != self.file.size or footer_digest(handle) != self.file.footer:
            self.stack.close()
            raise DataError(
                f"{self.file.path}: was written anew since the run was planned; leave the files as they are "
                "while a run goes on, or begin another"
            )
        return reader

    def __exit__(self, *error: object) -> None:
        self.stack.close()


def _read(reader: Any, path: str, number: int, names: Sequence[str]) -> pl.DataFrame:
    import polars as pl
    from polars.exceptions import PanicException, PolarsError

    arrow, _ = pyarrow()
    try:
        found = reader.read_row_group(number, columns=list(names))
        return pl.DataFrame(pl.from_arrow(found.select(list(names))))  # "a" reads "a.b", too
    except (OSError, ValueError, KeyError, arrow.ArrowException, PolarsError, PanicException) as error:
        raise DataError(
            f"{path}, row group {number} (from 0): cannot be read ({first_line(error)}); write the file anew"
        ) from None
