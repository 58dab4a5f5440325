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

from clearprop.errors import DataError, SpecificationError
from clearprop.tables.files import JoinedFiles
from clearprop.tables.opening import is_named, named_files
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
    """The files of one table, sorted, with the columns that all of them have.

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

    @property
    def source(self) -> str:
        """The table's name in messages, which knows in which file a row stands."""
        names = [file.name for file in self.files]
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

    @classmethod
    def from_dict(cls, plain: Any) -> Manifest:
        """Read back what `to_dict` gave; DataError for anything else."""
        try:
            files = tuple(
                ParquetFile(**{**file, "row_groups": tuple(map(int, file["row_groups"]))})
                for file in plain["files"]
            )
            return cls(files, tuple((str(name), str(kind)) for name, kind in plain["schema"]))
        except (TypeError, KeyError, ValueError) as error:
            raise DataError(f"this is no manifest ({error}); make it anew by read_manifest") from None

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
        Files, patterns such as "data/*.parquet", or URLs of pyarrow's or fsspec's file systems
        ("s3://bucket/data/*.parquet"), which every worker can read by the same name.

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
    paths = sorted(set(_paths(source)))
    files, schema = [], None
    for path in paths:
        file, own = _look(path)
        if schema is None:
            schema = own
        elif own != schema:
            raise DataError(f"{path}: {_difference(schema, own, files[0].name)}; give files of one table")
        files.append(file)
    return Manifest(tuple(files), schema or ())


@contextmanager
def opened_parquet(path: str) -> Iterator[tuple[Any, Any]]:
    """A Parquet file to read row groups of (`pyarrow.parquet.ParquetFile`), and the open file under it.

    Raises DataError, naming the file, when it cannot be opened.
    """
    arrow, parquet = pyarrow()
    try:
        system, inner = _system(path)
        handle = system.open_input_file(inner)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise DataError(
            f"{path}: cannot be opened ({_first(error)}); check the name and the rights"
        ) from None
    with handle:
        try:
            reader = parquet.ParquetFile(handle)
        except (OSError, arrow.ArrowException) as error:
            raise DataError(f"{path}: is no whole Parquet file ({_first(error)}); write it as one") from None
        yield reader, handle


def footer_digest(handle: Any) -> str:
    """Digest of a Parquet file's footer: its schema, and where every column of every row group lies."""
    size = handle.size()
    handle.seek(size - _MAGIC - 4)
    length = int.from_bytes(handle.read(4), "little")
    handle.seek(size - _MAGIC - 4 - length)
    return hashlib.sha256(handle.read(length)).hexdigest()[:16]


def pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet; SpecificationError naming the extra, if they are not there."""
    try:
        import pyarrow as arrow
        import pyarrow.fs
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise SpecificationError(
            f"reading Parquet by row groups needs {error.name}, which is not installed; pip install "
            '"clearprop[ray]"'
        ) from None
    return arrow, parquet


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
    if twice:
        raise DataError(f"{path}: names the column {twice[0]!r} twice; give every column its own name")
    if not file.rows:
        raise DataError(f"{path}: has no rows; leave it out")
    return file, schema


def _difference(first: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]], name: str) -> str:
    """How the schema of a file differs from that of the first file, which has that name."""
    wanted, found = dict(first), dict(own)
    for column, kind in first:
        if column not in found:
            return f"has no column {column!r}, which {name} has"
        if found[column] != kind:
            return f"its column {column!r} is {found[column]}, and {kind} in {name}"
    more = [column for column in found if column not in wanted]
    return f"has a column {more[0]!r}, which {name} has not" if more else f"orders its columns unlike {name}"


def _paths(source: Any) -> list[str]:
    if isinstance(source, (list, tuple)):
        return [path for each in source for path in _paths(each)] or named_files([])
    if isinstance(source, str) and "://" in source:
        return _of_url(source)
    if not is_named(source):
        raise DataError(
            f"workers read Parquet files by their names, and this is a {type(source).__name__}; write it as "
            "Parquet, or learn it here by fit_table"
        )
    return named_files(source)


def _of_url(url: str) -> list[str]:
    """The files that a URL names: one, or those of a pattern in its last part."""
    folder, _, pattern = url.rpartition("/")
    if not any(mark in pattern for mark in "*?["):
        return [url]
    from fnmatch import fnmatchcase

    arrow, _ = pyarrow()
    try:
        system, inner = _system(folder)
        listed = system.get_file_info(arrow.fs.FileSelector(inner))
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise DataError(
            f"{folder}: cannot be listed ({_first(error)}); check the name and the rights"
        ) from None
    found = [f"{folder}/{entry.base_name}" for entry in listed if fnmatchcase(entry.base_name, pattern)]
    if not found:
        raise DataError(f"no file is named like {url!r}; check the pattern and the folder")
    return found


def _system(path: str) -> tuple[Any, str]:
    """A file system of pyarrow, or of fsspec where it has none, and the path within it."""
    arrow, _ = pyarrow()
    if "://" not in path:
        return arrow.fs.LocalFileSystem(), path
    try:
        system, inner = arrow.fs.FileSystem.from_uri(path)
    except arrow.ArrowInvalid:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            scheme = path.partition("://")[0]
            raise DataError(f"{path}: pyarrow knows no {scheme!r}; pip install fsspec, if it does") from None
        other, inner = url_to_fs(path)
        return arrow.fs.PyFileSystem(arrow.fs.FSSpecHandler(other)), inner
    return system, inner


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
