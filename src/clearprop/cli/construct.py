"""`clearprop construct`: a network written down, not trained, as a model file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearprop.cli.answering import DONE, answering, require_writable
from clearprop.durable import write_durably
from clearprop.errors import DataError

if TYPE_CHECKING:
    from clearprop.constructions import BooleanNetwork, Towers


class Kind(StrEnum):
    """What the curve is made of."""

    sigmoid = "sigmoid"
    relu = "relu"


class Spacing(StrEnum):
    """How wide towers are."""

    even = "even"
    adaptive = "adaptive"


Out = Annotated[Path, typer.Option(metavar="FILE", help="Write the model file here.")]


@answering
def boolean(
    formula: Annotated[str, typer.Argument(metavar="FORMULA", help='Such as "(a & ~b) | c"; words will do.')],
    out: Out,
    variables: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Inputs in order, as a,b,c; else as they appear.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Steep sigmoids within this of 0 and 1, which can be trained; else steps, exact."),
    ] = None,
) -> int:
    """Write a Boolean function as a network of perceptrons with one hidden layer, exact on every row."""
    from clearprop.constructions import boolean as built

    require_writable(out)
    names = None if variables is None else [name.strip() for name in variables.split(",")]
    return _write(built(formula, variables=names, tolerance=tolerance), out)


@answering
def towers(
    f: Annotated[str, typer.Argument(metavar="F", help='In x (or x and y, ...): "sin(3*x)".')],
    domain: Annotated[
        list[str], typer.Option(metavar="LOW,HIGH", help="Interval of x; once more for each other input.")
    ],
    epsilon: Annotated[float, typer.Option(help="Largest error.")],
    out: Out,
    lipschitz: Annotated[
        float | None, typer.Option(help="|f(x) - f(y)| is at most this times |x - y|; else estimated.")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="Towers of two sigmoids, or straight lines.")] = Kind.sigmoid,
    spacing: Annotated[Spacing, typer.Option(help="One width, or as wide as f allows.")] = Spacing.even,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw f and the network here, as SVG.")
    ] = None,
) -> int:
    """Write a continuous function as a network of towers, with a proven and a measured error."""
    from clearprop.constructions import towers as built
    from clearprop.glassbox.render.bands import standalone

    for path, option in ((out, "--out"), (picture, "--picture")):
        if path is not None:
            require_writable(path, option=option)
    intervals = [_interval(each) for each in domain]
    network = built(f, intervals, epsilon, lipschitz=lipschitz, kind=kind.value, spacing=spacing.value)
    code = _write(network, out)
    if picture is not None:
        write_durably(picture, standalone(network.svg()).encode())
        print(f"drawn in {picture}")
    return code


def _interval(text: str) -> tuple[float, float]:
    """Interval of "LOW,HIGH".

    >>> _interval("-1, 2.5")
    (-1.0, 2.5)
    """
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise DataError(f"--domain takes LOW,HIGH, such as 0,3, not {text!r}") from None
    return low, high


def _write(built: BooleanNetwork | Towers, out: Path) -> int:
    built.model.save(out)
    print(f"{built}\nwritten to {out}")
    return DONE
