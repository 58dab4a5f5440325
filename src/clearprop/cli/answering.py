"""What every verb shares: exit codes, where data come from, and where results may be written."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec

import typer

from clearprop.cli.console import complain
from clearprop.errors import ClearpropError, DataError

DONE, CHECK_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_P = ParamSpec("_P")


def answering(verb: Callable[_P, int]) -> Callable[_P, None]:
    """The verb, ending with the exit code it returns; errors become one message and exit code 2."""

    @functools.wraps(verb)
    def answer(*args: _P.args, **options: _P.kwargs) -> None:
        try:
            code = verb(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = DONE
        except (ClearpropError, OSError) as error:
            complain(f"error: {error}")
            code = BAD_INPUT
        except MemoryError:
            complain("error: there is not enough memory for this table and network; use less of either")
            code = BAD_INPUT
        except KeyboardInterrupt:
            complain("interrupted")
            code = INTERRUPTED
        raise typer.Exit(code)

    answer.__annotations__ = {**verb.__annotations__, "return": "None"}
    return answer


def require_writable(out: Path, *others: str, option: str = "--out") -> None:
    """Raise DataError before any work is done for a result that could not be written.

    Parameters
    ----------
    others : str
        Files that are read, and so must not be written to.
    option : str
        That named it.
    """
    if out.is_dir():
        raise DataError(f"{str(out)!r} is a folder; name a file in it")
    if not out.parent.is_dir():
        raise DataError(f"there is no folder {str(out.parent)!r} to write {out.name!r} to; make it first")
    if not os.access(out.parent, os.W_OK):
        raise DataError(f"the folder {str(out.parent)!r} may not be written to; choose another with {option}")
    for other in others:
        if out.exists() and Path(other).exists() and out.samefile(other):
            raise DataError(f"{str(out)!r} is read by this command; write to another file")


def require_page(report: Path, *others: str) -> None:
    """Raise DataError likewise for a report, also where its name says that it is another kind of file."""
    require_writable(report, *others, option="--report")
    if report.suffix.lower() not in ("", ".html", ".htm"):
        raise DataError(f"--report {str(report)!r}: the report is an HTML page; give it the suffix .html")


def write_json(plain: Mapping[str, Any]) -> None:
    """Write one JSON object to standard output."""
    sys.stdout.write(json.dumps(plain, allow_nan=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """NumPy's scalars as Python's own."""
    return value.item()
