"""`clearprop export`: a model as a file that runs without clearprop."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearprop.cli.answering import DONE, answering, require_writable
from clearprop.cli.console import Screen
from clearprop.durable import write_durably
from clearprop.errors import DataError

if TYPE_CHECKING:
    from clearprop.export import Pipeline


class Form(StrEnum):
    """What a model is written as."""

    onnx = "onnx"
    c = "c"


@answering
def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file.")],
    to: Annotated[
        Form | None, typer.Option(help="ONNX, or one file of C99; else as the suffix of --out says.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here; else beside MODEL, by its name.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the names in a C file begin with.")
    ] = None,
) -> int:
    """Write a model so that it runs without clearprop: from raw columns to answers, or its bare network."""
    from clearprop.export import FORMATS, exported, format_of

    if to is None and out is None:
        raise DataError("say what to write: --to onnx, --to c, or --out FILE with such a suffix")
    form = format_of(out) if to is None and out is not None else str(to)
    out = Path(model).with_suffix(f".{form}") if out is None else out
    if FORMATS.get(out.suffix.lower(), form) != form:
        raise DataError(f"--to {form} and --out {str(out)!r} name two formats; leave one of them away")
    require_writable(out, model)
    pipeline = pipeline_of(model)
    content = exported(pipeline, form, name or out.stem)
    write_durably(out, content)
    _say(pipeline, form, out, name or out.stem)
    return DONE


def pipeline_of(model: str) -> Pipeline:
    """What a model file holds, with its table's encoders if it has them."""
    from clearprop.export import Pipeline
    from clearprop.model import read_model
    from clearprop.table_model import TableModel

    bare = read_model(model)
    if bare.encoder is None:
        return Pipeline(bare.network, bare.theta, bare.classes)
    return TableModel.load(model).pipeline


def _say(pipeline: Pipeline, form: str, out: Path, name: str) -> None:
    """What was written, and what it takes and gives."""
    from clearprop.export.interface import interface

    screen = Screen()
    screen.heading("Model")
    screen.verbatim(f"{out} ({out.stat().st_size / 1000:.3g} kB)")
    takes, gives = interface(pipeline, form, name)
    for title, rows in (("Takes", takes), ("Gives", gives)):
        screen.heading(title)
        screen.table(("name", "what it holds"), rows)
    screen.close()
