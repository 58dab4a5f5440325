"""The option `--threads` of every verb that computes with a network."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from clearprop.cli.answering import BAD_INPUT
from clearprop.cli.console import complain
from clearprop.company import at_most


def _limited(context: typer.Context, threads: int | None) -> int | None:
    """Hold the whole verb to so many threads; one message and exit code 2 when that is no number of them."""
    from clearprop.engines.helpers import MOST_THREADS

    if threads is not None and not 1 <= threads <= MOST_THREADS:
        complain(f"error: --threads is a whole number from 1 to {MOST_THREADS}, not {threads}")
        raise typer.Exit(BAD_INPUT)
    context.with_resource(at_most(threads))
    return threads


#: the option itself keeps what the verb computes to that number; a verb has it as a parameter, and is done
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="To compute with, at most; by default as many as pay. The result is the same, to the bit.",
        callback=_limited,
    ),
]
