"""The options that every verb which reads a table has, said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from clearprop.cli.console import complain
from clearprop.cli.options import with_options
from clearprop.errors import DataError

if TYPE_CHECKING:
    from clearprop.table_model import TableModel
    from clearprop.tables import Table

_KINDS = "number, category, boolean, date, date:dmy, date:mdy or date:ymd"


@dataclass(frozen=True)
class Reading:
    """How the user says that a table is to be read; None where it is to be found out."""

    separator: Annotated[
        str | None,
        typer.Option(metavar="MARK", help="Between the cells: , ; | or tab."),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a text file, such as cp1252."),
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(metavar="MARK", help="Before the decimals: . or ,"),
    ] = None
    no_header: Annotated[bool, typer.Option("--no-header", help="The first line is data.")] = False
    null: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Means missing, besides the usual."),
    ] = None
    type: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=KIND", help=f"Read a column as {_KINDS}."),
    ] = None

    def table(self, data: Sequence[str], *, says: bool = True) -> Table:
        """The table of one or several files, or the shipped one of that name.

        `says` writes what the user should know to standard error.
        """
        from clearprop.datasets import penguins_path
        from clearprop.tables import MISSING_SPELLINGS, read_table

        files = [str(penguins_path()) if each == "penguins" else each for each in data]
        table = read_table(
            files,
            separator=self.separator,
            encoding=self.encoding,
            decimal=self.decimal,
            header=False if self.no_header else None,
            null_values=(*MISSING_SPELLINGS, *(self.null or ())),
            types=self._types(),
        )
        if says:
            say(table.notices)
        return table

    def table_for(self, model: TableModel, data: Sequence[str]) -> Table:
        """A table for a model; what the user should know of the two goes to standard error."""
        table = self.table(data, says=False)
        say(model.notices(table))
        return table

    def said(self) -> list[str]:
        """The options that the user gave."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return [f"--{name.replace('_', '-')}" for name, value in given.items() if value]

    def _types(self) -> dict[str, str]:
        found = {}
        for pair in self.type or ():
            column, equals, kind = pair.rpartition("=")
            if not equals or not column:
                raise DataError(f"--type is COLUMN=KIND, such as zip=category, not {pair!r}")
            found[column] = kind
        return found


def say(notices: Iterable[str]) -> None:
    """Write notes to standard error."""
    for notice in notices:
        complain(f"note: {notice}")


#: the verb with a command-line option for each field of its parameter `reading`
reading_options = with_options(reading=Reading)
