"""Tables that the user dropped: read at once, kept in memory under an id; no path comes from outside."""

from __future__ import annotations

import re
import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from clearprop.errors import ClearpropError, DataError
from clearprop.tables import Table, read_table
from clearprop.tables.opening import PACKED, READABLE, SEPARATORS, path_suffix

MOST = 8  #: tables at once
LONGEST_NAME = 100
FRAMES = (".parquet", ".pq", ".arrow", ".feather", ".ipc", ".jsonl", ".ndjson")


class Uploads:
    r"""Tables by id.

    Examples
    --------
    >>> uploads = Uploads()
    >>> name = uploads.add(b"a,b\n1,2\n", "../../mine.csv")
    >>> uploads.get(name).source, uploads.get(name).names
    ('mine.csv', ('a', 'b'))
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._tables: OrderedDict[str, Table] = OrderedDict()
        self._turn = threading.Lock()

    def add(self, data: bytes, shown: str) -> str:
        """Read a table, and give its id; `shown` is its name in messages and tells its format.

        Raises
        ------
        DataError
            When the bytes cannot be read as a table; the message says what to do.
        """
        shown = plain_name(shown)
        with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
            path = Path(folder) / f"{secrets.token_hex(8)}{_suffixes(shown)}"
            path.write_bytes(data)
            try:
                table = read_table(path)
            except ClearpropError as error:
                raise DataError(str(error).replace(str(path), shown).replace(path.name, shown)) from None
        return self.keep(named(table, shown, path.name))

    def keep(self, table: Table) -> str:
        """Keep a table, and give its id; the oldest makes room, if need be."""
        name = secrets.token_hex(8)
        with self._turn:
            self._tables[name] = table
            while len(self._tables) > self.most:
                self._tables.popitem(last=False)
        return name

    def find(self, table: Table | None) -> str | None:
        """The id of a table, if it is kept."""
        with self._turn:
            return next((name for name, kept in self._tables.items() if kept is table), None)

    def get(self, name: str) -> Table:
        """The table of an id.

        Raises
        ------
        DataError
            When there is none (any more).
        """
        with self._turn:
            if name not in self._tables:
                raise DataError("this table is gone; drop the file again")
            return self._tables[name]


def described(name: str, table: Table) -> dict[str, Any]:
    """An upload's id and what it holds, so that a target can be chosen."""
    return {
        "id": name,
        "name": table.source,
        "rows": table.n_rows,
        "columns": [{"name": column.name, "kind": column.kind} for column in table.columns],
        "notices": [*table.notices, *table.doubts],
    }


def named(table: Table, shown: str, before: str) -> Table:
    """The table under another name, in every message that will speak of it."""
    columns = tuple(replace(column, source=shown) for column in table.columns)
    notices = tuple(notice.replace(before, shown) for notice in table.notices)
    return replace(table, columns=columns, source=shown, notices=notices)


def plain_name(given: str) -> str:
    r"""The last part of a name, without control characters, for messages.

    >>> plain_name("C:\\data\\mine.csv"), plain_name(""), plain_name("a\x00b.csv")
    ('mine.csv', 'table', 'ab.csv')
    """
    last = re.split(r"[/\\]", given)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    return kept[-LONGEST_NAME:] or "table"


def _suffixes(shown: str) -> str:
    """Suffixes that tell the format, one of those known."""
    suffix = path_suffix(shown)
    if suffix not in SEPARATORS and suffix not in FRAMES:
        raise DataError(f"{shown}: the suffix {suffix!r} names no format read here; use {READABLE}")
    packed = next((each for each in PACKED if shown.lower().endswith(each)), "")
    return suffix + packed
