"""`clearprop serve`: the local page, a playground on one's own data."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from clearprop.cli.answering import DONE, answering
from clearprop.cli.console import complain
from clearprop.errors import SpecificationError

EXTRA = ("starlette", "uvicorn", "jinja2", "anyio", "h11")  #: packages of the extra


@answering
def serve(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL] [DATA]", help="A model file, and a table to learn."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="To predict; the last one if left out.")
    ] = None,
    port: Annotated[int, typer.Option(help="Of this machine; 0 for a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Whether to open the page.")] = True,
) -> int:
    """Serve the page, to this machine alone, until Ctrl-C: train on your table, open any number."""
    try:
        from clearprop.web.opening import opened
        from clearprop.web.server import Served
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        raise SpecificationError(
            f'the page needs {error.name}, which is not installed; pip install "clearprop[web]"'
        ) from None
    found = opened(files or (), target)
    served = Served(port, fresh=found.fresh, table=found.table)
    print(served.address.url, flush=True)
    complain("the page is served to this machine; the address holds the token of this start. Ctrl-C ends it")
    with contextlib.suppress(KeyboardInterrupt):
        served.run(browser=browser)
    return DONE
