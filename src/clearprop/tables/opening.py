"""From what a user names to bytes: files, standard input, what is packed, and what a file really is.

A file is taken for what its first bytes say, and only then for what its name says: a gzip file without .gz is
unpacked, and a spreadsheet named .csv is refused by its own name.
"""

from __future__ import annotations

import glob
import io
import os
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from clearprop.errors import DataError

Format: TypeAlias = Literal["delimited", "parquet", "arrow", "json lines"]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ",", ".psv": "|"}
_FORMATS: dict[str, Format] = {
    **dict.fromkeys(SEPARATORS, "delimited"),
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
}
PACKED = (".gz", ".zst")
READABLE = ".csv, .tsv, .txt (also .gz, .zst), .parquet, .arrow, .feather or .jsonl"
STDIN = "-"
MOST_TIMES, LEAST_LIMIT = 300, 2**28  #: what is packed may have so many times its size, or so many bytes

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: first bytes -> what they belong to, where that is no table read here
_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or another zip file; open it and save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; open it and save the sheet as CSV",
    b"%PDF": "a PDF document; export the table as CSV",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; read it with pandas and give the DataFrame",
    b"\x93NUMPY": "a NumPy array; load it and give a DataFrame",
    b"\x80\x04\x95": "a pickle, which is never opened here; save the table as Parquet",
    b"BZh": "a bzip2 file; unpack it first, or pack it as .gz or .zst",
    b"\xfd7zXZ": "an xz file; unpack it first, or pack it as .gz or .zst",
}


@dataclass(frozen=True)
class Opened:
    """A file's bytes, unpacked, and what they are.

    Attributes
    ----------
    name : str
        In messages.
    suffix : str
        Of the name, in small letters, without .gz and .zst.
    notices : tuple of str
        What the user should know.
    """

    name: str
    data: bytes
    suffix: str
    format: Format
    notices: tuple[str, ...] = ()


def named_files(source: Any) -> list[str]:
    """Paths that a source names: one, several in a list, or those of a pattern such as "data/*.csv", sorted.

    Raises
    ------
    DataError
        When a pattern meets no file, or a list is empty.

    Examples
    --------
    >>> named_files("a.csv"), named_files(["a.csv", Path("b.csv")]), named_files("-")
    (['a.csv'], ['a.csv', 'b.csv'], ['-'])
    """
    if isinstance(source, (list, tuple)):
        if not source:
            raise DataError("the list of files is empty; name at least one")
        return [path for each in source for path in named_files(each)]
    path = os.fspath(source)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    if glob.has_magic(path) and not os.path.lexists(path):
        found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not found:
            raise DataError(f"no file is named like {path!r}; check the pattern and the folder")
        return found
    return [path]


def is_named(source: Any) -> bool:
    """Whether a source is one or several paths, not a DataFrame."""
    if isinstance(source, (str, os.PathLike)):
        return True
    listed = isinstance(source, (list, tuple))
    return listed and all(isinstance(each, (str, os.PathLike)) for each in source)


def path_suffix(path: str | Path) -> str:
    """Give the suffix that tells the format, without .gz and .zst and in small letters.

    >>> path_suffix("A.CSV.gz"), path_suffix("b.jsonl.zst")
    ('.csv', '.jsonl')
    """
    name = Path(path).name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def opened(path: str) -> Opened:
    """Read a file or standard input ("-"), unpack it, and say what it is.

    Raises
    ------
    DataError
        When it cannot be read, is damaged, or is no table.
    """
    name = "standard input" if path == STDIN else Path(path).name
    suffix = ".csv" if path == STDIN else path_suffix(path)
    data = _bytes(path, name)
    notices: tuple[str, ...] = ()
    if data.startswith((_GZIP, _ZSTD)):
        packed = "gzip" if data.startswith(_GZIP) else "Zstandard"
        data = _unpacked(data, name, packed)
        if path != STDIN and not path.lower().endswith(PACKED):
            notices = (f"it is packed by {packed}, though its name does not say so, and was unpacked",)
    elif path != STDIN and path.lower().endswith(PACKED):
        packed = "gzip" if path.lower().endswith(".gz") else "Zstandard"
        raise DataError(
            f"{name} is a damaged or cut {packed} file (its first bytes are others); copy it again"
        )
    return replace(Opened(name, data, suffix, _format(data, name, suffix)), notices=notices)


def _bytes(path: str, name: str) -> bytes:
    """Bytes of a file or of standard input; says in one sentence why they cannot be read."""
    try:
        if path == STDIN:
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path!r}; check the name and the folder") from error
    except IsADirectoryError as error:
        raise DataError(
            f"{path!r} is a folder; name one file in it ({READABLE}), or several as {path.rstrip('/')}/*.csv"
        ) from error
    except PermissionError as error:
        raise DataError(f"{path!r} may not be read; ask for the permission to read it") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path!r} cannot be read ({error}); check the file") from error


def _unpacked(data: bytes, name: str, packed: str) -> bytes:
    """What is packed, if it is no more than a table can be."""
    most = max(MOST_TIMES * len(data), LEAST_LIMIT)
    try:
        unpacked = _from_gzip(data, most + 1) if packed == "gzip" else _from_zstd(data, most + 1)
    except (EOFError, zlib.error, OSError, ValueError) as error:
        raise DataError(f"{name} is a damaged or cut {packed} file ({error}); copy it again") from error
    if len(unpacked) > most:
        raise DataError(
            f"{name} unpacks to more than {MOST_TIMES} times its size, which seems made to fill the memory; "
            "unpack it first, if you trust it"
        )
    return unpacked


def _from_gzip(data: bytes, most: int) -> bytes:
    import gzip

    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(most)


def _from_zstd(data: bytes, most: int) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    try:
        with zstd.ZstdFile(io.BytesIO(data)) as file:
            return bytes(file.read(most))
    except zstd.ZstdError as error:
        raise ValueError(error) from error


def _format(data: bytes, name: str, suffix: str) -> Format:
    """What the bytes are, else what the suffix says."""
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"ARROW1"):
        return "arrow"
    for start, what in _FOREIGN.items():
        if data.startswith(start):
            raise DataError(f"{name} is {what}")
    if suffix not in _FORMATS:
        hint = "; JSON is read as lines, one object each: save it as .jsonl" if suffix == ".json" else ""
        raise DataError(f"{name}: the suffix {suffix!r} names no format read here; use {READABLE}{hint}")
    return _FORMATS[suffix]
