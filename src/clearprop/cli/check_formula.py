"""`clearprop check-formula`: whether a formula that was derived by hand is right, and its slip if not."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli.answering import CHECK_FAILED, DONE, answering, write_json
from clearprop.errors import SpecificationError

if TYPE_CHECKING:
    from clearprop.glassbox.checker.verdict import FormulaVerdict
    from clearprop.specification import Network


class Convention(StrEnum):
    """How vectors are laid out."""

    auto = "auto"
    columns = "columns"
    rows = "rows"


@answering
def check_formula(
    formula: Annotated[
        str, typer.Argument(metavar="FORMULA", help='NumPy-like: "W[2].T @ delta[2] * dg[1](z[1])".')
    ],
    of: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help='What it should be: "C", "delta[1]", "W[1]" (dC/dW), "W[1][j,i]", "dC/da[1]", '
            '"da[1]/dz[1]", "new W[1]"; with l for every layer, as "delta[l]".',
        ),
    ],
    layers: Annotated[str, typer.Option(metavar="WIDTHS", help="Inputs, hidden, outputs.")] = "4-3-2",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "sigmoid",
    output: Annotated[str | None, typer.Option(help="Of the outputs; left out, fits the loss.")] = None,
    loss: Annotated[str | None, typer.Option(help="Left out, fits the output.")] = None,
    l1: Annotated[float, typer.Option("--l1", min=0, help="Penalty l1 |W|_1.")] = 0.0,
    l2: Annotated[float, typer.Option("--l2", min=0, help="Penalty l2/2 |W|^2.")] = 0.0,
    convention: Annotated[
        Convention, typer.Option(help="Vectors as columns, one example a row, or either.")
    ] = Convention.auto,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> int:
    """Check a formula derived by hand: right; or wrong (exit code 1), with a counterexample and its slip."""
    from clearprop.glassbox.checker.checking import check_formula as check

    network = network_of(layers, activation, output, loss, l1, l2)
    verdict = check(formula, of, network=network, convention=convention.value)
    if as_json:
        write_json({"network": network.to_dict(), **as_plain(verdict)})
    else:
        print(f"{network!r}\n{verdict}")
    return DONE if verdict.right else CHECK_FAILED


def network_of(
    layers: str, activation: str, output: str | None, loss: str | None, l1: float, l2: float
) -> Network:
    """Network of widths such as "2-3-1"; over one output, cross-entropy is the binary one.

    >>> network_of("2-3-1", "tanh", None, "cross_entropy", 0, 0)
    Network(2, [Dense(3, 'tanh'), Dense(1, 'sigmoid')], loss='binary_cross_entropy')
    """
    from clearprop.formulas.activations import as_activation
    from clearprop.formulas.losses import as_loss
    from clearprop.specification import Dense, Network

    widths = [int(piece) if piece.isdecimal() and len(piece) < 4 else 0 for piece in layers.split("-")]
    if len(widths) < 2 or len(widths) > 10 or not all(0 < width <= 12 for width in widths):
        raise SpecificationError(
            f"--layers is inputs, hidden and outputs such as 2-3-1, up to 12 units each, not {layers!r}"
        )
    if loss in ("cross_entropy", "cross_entropy_bits") and widths[-1] == 1:
        loss = f"binary_{loss}"
    if output is None:
        output = as_loss(loss).link if loss else "sigmoid" if widths[-1] == 1 else "softmax"
    hidden = [Dense(width, as_activation(activation)) for width in widths[1:-1]]
    last = Dense(widths[-1], as_activation(output))
    return Network(widths[0], [*hidden, last], loss=loss, l1=l1, l2=l2)  # type: ignore[arg-type]


def as_plain(verdict: FormulaVerdict) -> dict[str, Any]:
    """A verdict as JSON types."""
    example = verdict.counterexample
    return {
        "formula": verdict.formula,
        "of": verdict.of,
        "right": verdict.right,
        "conventions": list(verdict.conventions),
        "caveat": verdict.caveat,
        "misfit": verdict.misfit,
        "slips": [
            {
                "names": list(each.names),
                "why": [str(correction) for correction in each.corrections],
                "formula": each.formula,
                "convention": each.convention,
            }
            for each in verdict.slips
        ],
        "counterexample": example
        and {
            "numbers": {name: array.tolist() for name, array in example.numbers},
            "element": example.element,
            "value": example.value,
            "truth": example.truth,
        },
    }
