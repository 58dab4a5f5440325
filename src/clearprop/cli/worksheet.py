"""`clearprop worksheet`: exercises by hand, and their key, from a seed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearprop.cli.answering import DONE, answering, require_writable
from clearprop.cli.console import complain
from clearprop.cli.explain import Form
from clearprop.durable import write_durably
from clearprop.errors import DataError

if TYPE_CHECKING:
    from clearprop.glassbox.worksheet.sheet import Worksheet


class Kind(StrEnum):
    """What is exercised."""

    descent = "descent"
    perceptron = "perceptron"


@answering
def worksheet(
    layers: Annotated[
        str | None,
        typer.Option(metavar="WIDTHS", help="Widths, inputs first: 2-2-1 if left out (a perceptron: 2-1)."),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the hidden units; sigmoid if left out.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the output units; left out, one that suits loss and units."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="half_squared_error if left out, cross_entropy on a softmax."),
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="Gradient descent, or the perceptron's learning rule.")
    ] = Kind.descent,
    seed: Annotated[int, typer.Option(min=0, help="Another number gives another sheet.")] = 0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of descent (1 if left out), or passes of a perceptron at most."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Learning rate; left out, 0.5 or the next smaller one with which the loss falls."),
    ] = None,
    exercises: Annotated[int, typer.Option(min=1, help="Exercises on the sheet.")] = 1,
    examples: Annotated[
        int | None,
        typer.Option(min=1, help="Examples of each exercise (1 if left out), or a perceptron's points."),
    ] = None,
    bias: Annotated[bool, typer.Option(help="Whether the units have biases.")] = True,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help='A number of your own: "W[1][0,0]=0.1", "x[0]=60", "y[0]=1"; or one of the forward pass '
            'that is taken as it is: "a[1][0]=0.37". May be repeated.',
        ),
    ] = None,
    to: Annotated[Form, typer.Option(help="Text, a LaTeX file, or a page with MathML.")] = Form.text,
    key: Annotated[bool, typer.Option("--key", help="Write the key instead of the sheet.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here, not to the screen.")] = None,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the key here, beside the sheet.")
    ] = None,
) -> int:
    """Make an exercise sheet with nice numbers, and its key.

    Sheet and key are two files of one command (--out and --answers), or come from the same command without
    and with --key.
    """
    from clearprop.glassbox.worksheet.sheet import worksheet as made

    if key and answers is not None:
        raise DataError("--key writes the key instead of the sheet, --answers beside it; use one of them")
    for path in (out, answers):
        if path is not None:
            require_writable(path)
    if out is not None and answers is not None and out.resolve() == answers.resolve():
        raise DataError(f"--out and --answers are both {str(out)!r}; write the key to another file")
    sheet = made(
        layers,
        activation,
        output=output,
        loss=loss,
        kind=kind.value,
        seed=seed,
        steps=steps,
        eta=rate,
        exercises=exercises,
        examples=examples,
        bias=bias,
        given=read_given(given or []),
    )
    for path, with_answers in ((out, key), *([(answers, True)] if answers else [])):
        text = written(sheet, to, with_answers)
        if path is None:
            print(text, end="")
        else:
            write_durably(path, text.encode())
            complain(f"written to {path}")
    return DONE


def written(sheet: Worksheet, to: Form, answers: bool) -> str:
    """The sheet or its key in a form."""
    return {Form.text: sheet.text, Form.latex: sheet.latex, Form.html: sheet.html}[to](answers)


def read_given(pairs: list[str]) -> dict[str, float]:
    """Numbers by name of "NAME=NUMBER".

    >>> read_given(["W[1][0,0]=0.1", "x[0] = 60"])
    {'W[1][0,0]': 0.1, 'x[0]': 60.0}
    """
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, number = (piece.strip() for piece in pair.partition("="))
        try:
            value = float(number)
        except ValueError:
            raise DataError(f'--given takes NAME=NUMBER, such as "W[1][0,0]=0.1", not {pair!r}') from None
        if name in found:
            raise DataError(f"--given names {name} twice; say it once")
        found[name] = value
    return found
