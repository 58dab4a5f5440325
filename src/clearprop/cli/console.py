"""What the command line writes: headings, lines and small tables that read well at 80 columns and in a pipe.

Everything goes through `plain`, so that no cell or column name can send control characters to a terminal,
and nothing is ever taken for markup. Colour and bold appear on a terminal only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from clearprop.words import plain

if TYPE_CHECKING:
    from rich.console import Console

INDENT = "  "


class Screen:
    """Standard output; silent if told to be."""

    def __init__(self, shown: bool = True) -> None:
        self.shown = shown
        self._console: Console | None = None
        self._begun = False

    @property
    def console(self) -> Console:
        """The rich console, made when something is first written."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        return self._console

    @property
    def width(self) -> int:
        """Columns to write in."""
        return min(self.console.width, 100)

    def heading(self, text: str) -> None:
        """Begin a section."""
        if self.shown:
            if self._begun:
                self.console.print()
            self._begun = True
            self._print(plain(text), style="bold")

    def line(self, text: str) -> None:
        """Write a line below a heading, wrapped and indented."""
        if self.shown:
            from rich.padding import Padding

            self._print(Padding(plain(text), (0, 0, 0, len(INDENT))))

    def verbatim(self, text: str, style: str = "") -> None:
        """Write a line that is not wrapped: a command, a path."""
        if self.shown:
            self.console.print(INDENT + plain(text), style=style, soft_wrap=True)

    def _print(self, what: Any, style: str = "") -> None:
        """Write without blanks at the ends of lines."""
        with self.console.capture() as written:
            self.console.print(what, style=style, width=self.width)
        self.console.file.write(re.sub(r" +(?=\n)", "", written.get()))

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()
    ) -> None:
        """Write a table; columns in `right` are set flush right."""
        if not self.shown:
            return
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
        for j, name in enumerate(header):
            table.add_column(Text(plain(name)), justify="right" if j in right else "left")
        for row in rows:
            table.add_row(*(Text(plain(cell)) for cell in row))
        self._print(Padding(table, (0, 0, 0, len(INDENT))))

    def close(self) -> None:
        """Hand everything on before something else (a progress bar) writes."""
        if self._console is not None:
            self._console.file.flush()


def complain(message: str) -> None:
    """Write one message to standard error."""
    print(plain(message), file=sys.stderr, flush=True)
