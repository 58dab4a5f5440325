"""`clearprop inspect`: what a model file or a checkpoint holds, from its header alone."""

from __future__ import annotations

from typing import Annotated

import typer

from clearprop.cli.answering import DONE, answering, write_json
from clearprop.cli.console import Screen


@answering
def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A model file or a checkpoint.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> int:
    """Say what is in a model file or a checkpoint; its numbers are not read."""
    from clearprop.model_file.inspecting import inspect_file

    found = inspect_file(file)
    if as_json:
        write_json(found.to_dict())
        return DONE
    screen = Screen()
    for heading, lines in found.sections():
        screen.heading(heading)
        for line in lines:
            screen.line(line)
    return DONE
