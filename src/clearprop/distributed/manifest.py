"""The manifest: which Parquet files a run reads, how their rows are grouped, and what tells them apart later.

It is made once, from the files' footers alone, and travels with the run: every worker checks the files that
it opens against it, so that a file which was written anew under way is an error and not another run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any

from clearprop.distributed.sources import first_line, paths_of, pyarrow, system_of
from clearprop.errors import DataError
from clearprop.tables.files import JoinedFiles
from clearprop.tables.table import column_remedy

_MAGIC = 4  #: bytes of "PAR1" at a file's end, behind the length of its footer


@dataclass(frozen=True)
class ParquetFile:
    """One file: its path or URL, size in bytes, footer's digest, and the rows of each row group."""

    path: str
    size: int
    footer: str
    row_groups: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.row_groups)

    @property
    def name(self) -> str:
        """Its name in messages, without the folder."""
        return PurePosixPath(self.path.replace("\\", "/")).name


@dataclass(frozen=True)
class Manifest:
    """The files of one table, in their order, with the columns that all of them have.

    Attributes
    ----------
    files : tuple of ParquetFile
    schema : tuple of (name, type)
        As Arrow calls the types.
    """

    files: tuple[ParquetFile, ...]
    schema: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns."""
        return tuple(name for name, _ in self.schema)

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @cached_property
    def source(self) -> str:
        """The table's name in messages, which knows in which file a row stands."""
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):  # as clusters write them: part-0.parquet in several folders
            parts = [file.path.replace("\\", "/").split("/") for file in self.files]
            alike = next((k for k, each in enumerate(zip(*parts, strict=False)) if len(set(each)) > 1), -1)
            names = ["/".join(each[alike:]) for each in parts]
        return names[0] if len(names) == 1 else JoinedFiles.of(names, [file.rows for file in self.files])

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of the table: its schema, and size, footer and rows of each file."""
        plain = [(file.name, file.size, file.footer, file.row_groups) for file in self.files]
        return hashlib.sha256(json.dumps([self.schema, plain]).encode()).hexdigest()[:16]

    def require_columns(self, names: Sequence[str]) -> None:
        """Raise DataError when a column is not there."""
        for name in names:
            if name not in self.names:
                raise DataError(f"{self.source} has no column {name!r}; {column_remedy(name, self.names)}")

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Rows before each row group, counted through all files."""
        return (0, *accumulate(rows for file in self.files for rows in file.row_groups))

    @cached_property
    def row_groups(self) -> tuple[tuple[int, int], ...]:
        """(file, row group in it) of every row group, counted through all files."""
        return tuple((f, g) for f, file in enumerate(self.files) for g in range(len(file.row_groups)))


def read_manifest(source: Any) -> Manifest:
    """Look at the footers of Parquet files.

    Parameters
    ----------
    source : str, path or list of these
        As in `sources.paths_of`; every worker must be able to read them by the same names.

    Raises
    ------
    DataError
        For a file that is not there, is no Parquet, has no rows, or has another schema than the first.
    SpecificationError
        When pyarrow is not installed.

    Examples
    --------
    >>> import tempfile, polars as pl
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.DataFrame({"x": [1.0, 2.0, 3.0]}).write_parquet(Path(folder) / "a.parquet", row_group_size=2)
    ...     manifest = read_manifest(folder + "/*.parquet")
    >>> manifest.rows, manifest.files[0].row_groups, manifest.schema
    (3, (2, 1), (('x', 'double'),))
    """
    files, schema = [], None
    for path in paths_of(source):
        file, own = _look(path)
        if schema is None:
            schema = own
        elif own != schema:
            raise DataError(f"{path}: {_difference(schema, own, files[0].path)}; give files of one table")
        files.append(file)
    return Manifest(tuple(files), schema or ())


@contextmanager
def opened_parquet(path: str) -> Iterator[tuple[Any, Any]]:
    """A Parquet file to read row groups of (`pyarrow.parquet.ParquetFile`), and the open file under it.

    Raises DataError, naming the file, when it cannot be opened.
    """
    arrow, parquet = pyarrow()
    try:
        system, inner = system_of(path)
        handle = system.open_input_file(inner)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise DataError(
            f"{path}: cannot be opened ({first_line(error)}); check the name and the rights"
        ) from None
    with handle:
        try:
            reader = parquet.ParquetFile(handle, page_checksum_verification=True)
        except (OSError, arrow.ArrowException) as error:
            raise DataError(
                f"{path}: is no whole Parquet file ({first_line(error)}); write it as one"
            ) from None
        yield reader, handle


def footer_digest(handle: Any) -> str:
    """Digest of a Parquet file's footer: its schema, and where every column of every row group lies."""
    size = handle.size()
    handle.seek(size - _MAGIC - 4)
    length = int.from_bytes(handle.read(4), "little")
    handle.seek(size - _MAGIC - 4 - length)
    return hashlib.sha256(handle.read(length)).hexdigest()[:16]


def _look(path: str) -> tuple[ParquetFile, tuple[tuple[str, str], ...]]:
    with opened_parquet(path) as (reader, handle):
        found = reader.metadata
        schema = tuple((field.name, str(field.type)) for field in reader.schema_arrow)
        file = ParquetFile(
            path,
            int(handle.size()),
            footer_digest(handle),
            tuple(found.row_group(k).num_rows for k in range(found.num_row_groups)),
        )
    names = [name for name, _ in schema]
    twice = [name for name in names if names.count(name) > 1]
    if "" in map(str.strip, names):
        raise DataError(f"{path}: has a column with a blank name; give every column its own name")
    if twice:
        raise DataError(f"{path}: names the column {twice[0]!r} twice; give every column its own name")
    if not file.rows:
        raise DataError(f"{path}: has no rows; leave it out")
    return file, schema


def _difference(first: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]], name: str) -> str:
    """How the schema of a file differs from that of the first file, which has that path."""
    wanted, found = dict(first), dict(own)
    for column, kind in first:
        if column not in found:
            return f"has no column {column!r}, which {name} has"
        if found[column] != kind:
            return f"its column {column!r} is {found[column]}, and {kind} in {name}"
    more = [column for column in found if column not in wanted]
    return f"has a column {more[0]!r}, which {name} has not" if more else f"orders its columns unlike {name}"
