"""Which Parquet files a source names, and on which file system each lies: local, pyarrow's, or fsspec's."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from clearprop.errors import DataError, SpecificationError
from clearprop.tables.opening import is_named, named_files

_MAGIC = re.compile(r"[*?[]")
_QUERY = re.compile(r"\?\w+=.*$")  #: "?region=eu-north-1", as pyarrow's URLs may end


def paths_of(source: Any) -> list[str]:
    """Paths and URLs of a source, in the order named; those of a pattern sorted, local ones absolute.

    Parameters
    ----------
    source : str, path or list of these
        Files, patterns such as "data/*.parquet", or URLs of pyarrow's or fsspec's file systems
        ("s3://bucket/data/*.parquet").

    Raises
    ------
    DataError
        When a pattern meets no file, or the source is no name of files.

    Examples
    --------
    >>> paths_of(["s3://bucket/b.parquet", "/data/a.parquet"])
    ['s3://bucket/b.parquet', '/data/a.parquet']
    """
    if isinstance(source, (list, tuple)):
        return [path for each in source for path in paths_of(each)] or named_files([])
    if isinstance(source, str) and "://" in source:
        return _of_url(source)
    if not is_named(source):
        raise DataError(
            f"workers read Parquet files by their names, and this is a {type(source).__name__}; write it as "
            "Parquet, or learn it here by fit_table"
        )
    found = [os.path.abspath(path) for path in named_files(source)]  # noqa: PTH100 - workers have other folders
    for path in found:
        if os.path.isdir(path):  # noqa: PTH112 - a str
            raise DataError(f"{path}: is a folder; name its files, such as '{path}/*.parquet'")
    return found


def system_of(path: str) -> tuple[Any, str]:
    """A file system of pyarrow, or of fsspec where it has none, and the path within it."""
    return _system(path)[:2]


def first_line(error: BaseException) -> str:
    """The first line of a foreign message, without its last mark."""
    return str(error).partition("\n")[0].rstrip(".")


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


def _of_url(url: str) -> list[str]:
    """The files that a URL names: one, or those of a pattern in its last part, without hidden ones."""
    query = (_QUERY.search(url) or [""])[0]
    folder, _, pattern = url.removesuffix(query).rpartition("/")
    if _MAGIC.search(folder):
        raise DataError(
            f"{url}: in a URL, a pattern may stand in the last part alone; name the folders one by one"
        )
    if not _MAGIC.search(pattern):
        return [url]
    arrow, _ = pyarrow()
    try:
        system, inner, quoted = _system(folder + query)
        listed = system.get_file_info(arrow.fs.FileSelector(inner))
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise DataError(
            f"{folder}: cannot be listed ({first_line(error)}); check the name and the rights"
        ) from None
    there = (entry.base_name for entry in listed if entry.is_file)
    names = sorted(
        name for name in there if fnmatchcase(name, pattern) and (name[0] != "." or pattern[0] == ".")
    )
    if not names:
        raise DataError(f"no file is named like {url!r}; check the pattern and the folder")
    return [f"{folder}/{quote(name) if quoted else name}{query}" for name in names]


def _system(path: str) -> tuple[Any, str, bool]:
    """The file system, the path within it, and whether its URLs are percent-encoded."""
    arrow, _ = pyarrow()
    if "://" not in path:
        return arrow.fs.LocalFileSystem(), path, False
    try:
        return (*arrow.fs.FileSystem.from_uri(path), True)
    except arrow.ArrowInvalid:
        scheme = path.partition("://")[0]
        try:
            from fsspec.core import url_to_fs

            other, inner = url_to_fs(path)
        except ImportError as error:
            raise DataError(
                f"{path}: pyarrow knows no {scheme!r}, and fsspec cannot read it here "
                f"({first_line(error)}); install what is missing"
            ) from None
        return arrow.fs.PyFileSystem(arrow.fs.FSSpecHandler(other)), inner, False
