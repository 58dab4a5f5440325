"""`worksheet`: exercises drawn from a seed, as a sheet to fill in and as its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss
from clearprop.glassbox.render.lines import DIGITS
from clearprop.glassbox.worksheet.asking import (
    fixed_numbers,
    is_number,
    network_of,
    read_layers,
    require_count,
    require_perceptron,
)
from clearprop.glassbox.worksheet.blocks import Block, Paper
from clearprop.glassbox.worksheet.descent_sheet import descent_blocks
from clearprop.glassbox.worksheet.drawing_numbers import draw_descent
from clearprop.glassbox.worksheet.drawing_tables import draw_perceptron
from clearprop.glassbox.worksheet.exercise import Descent, Perceptron
from clearprop.glassbox.worksheet.html import paper_as_html
from clearprop.glassbox.worksheet.latex import paper_as_latex
from clearprop.glassbox.worksheet.perceptron_sheet import perceptron_blocks
from clearprop.glassbox.worksheet.text import paper_as_text

Kind = Literal["descent", "perceptron"]

RATE = 0.5  #: of the perceptron's rule


@dataclass(frozen=True)
class Worksheet:
    """Exercises, written as a sheet with blanks or, with `answers=True`, as its key.

    Attributes
    ----------
    exercises : tuple of Descent or Perceptron
        Their numbers as plain data: `.passes[0].dW[1]`, `.thetas[1]`; `.visits[0].z`.
    kind : {"descent", "perceptron"}
    seed : int
    digits : int
        Significant digits that are printed.
    """

    exercises: tuple[Descent | Perceptron, ...]
    kind: Kind
    seed: int
    digits: int = DIGITS

    def text(self, answers: bool = False) -> str:
        """Plain text; layers from 1, units from 0, as in code."""
        return paper_as_text(self._paper(answers))

    def latex(self, answers: bool = False) -> str:
        """A whole file that `latex` and `pdflatex` compile; units from 1, as in the notes."""
        return paper_as_latex(self._paper(answers))

    def html(self, answers: bool = False) -> str:
        """A whole page with MathML and without a script; units from 1, as in the notes."""
        return paper_as_html(self._paper(answers))

    def __str__(self) -> str:
        return self.text()

    def _paper(self, answers: bool) -> Paper:
        subject = "the perceptron" if self.kind == "perceptron" else "backpropagation by hand"
        rounding = (
            f"Every number was computed without rounding in between and is printed to {self.digits} "
            "significant digits; with rounded numbers in between, the last of yours may differ."
        )
        return Paper(
            title=f"{'Answers' if answers else 'Worksheet'}: {subject}",
            subtitle=(
                f"Seed {self.seed}. {rounding}"
                if answers
                else f"Seed {self.seed}. Keep {self.digits} significant digits in between."
            ),
            named=not answers,
            blocks=tuple(self._blocks(answers)),
            digits=self.digits,
        )

    def _blocks(self, answers: bool) -> Iterator[Block]:
        for number, exercise in enumerate(self.exercises, start=1):
            if isinstance(exercise, Perceptron):
                yield from perceptron_blocks(exercise, number, answers)
            else:
                yield from descent_blocks(exercise, number, answers)


def worksheet(
    layers: str | Sequence[int] | None = None,
    activation: str | AnyActivation | None = None,
    *,
    output: str | AnyActivation | None = None,
    loss: str | Loss | None = None,
    kind: Kind = "descent",
    seed: int = 0,
    steps: int | None = None,
    eta: float | None = None,
    exercises: int = 1,
    examples: int | None = None,
    bias: bool = True,
    given: Mapping[str, float] | None = None,
) -> Worksheet:
    """Exercise sheet with nice numbers from a seed, and its key; the same seed gives the same sheet.

    Parameters
    ----------
    layers : str or sequence of int
        Widths, inputs first: "2-2-1", which is what is taken if left out ("2-1" for a perceptron).
    activation : str or row
        Of the hidden units; "sigmoid" if left out.
    output : str or row, optional
        Left out, what the loss is made for (softmax for cross-entropy), else `activation` where it is
        bounded, else "identity".
    loss : str or Loss, optional
        "half_squared_error" if left out, or "cross_entropy" on a softmax.
    kind : {"descent", "perceptron"}
        Steps of gradient descent, or the perceptron's learning rule on a truth table (3 inputs at most, and
        no `examples`) or on points that a line separates.
    steps : int, optional
        Steps of gradient descent, 1 if left out; passes of a perceptron at most, else until it makes no
        mistake.
    eta : float, optional
        Learning rate. Left out, 0.5, or in gradient descent the next smaller one with which the loss falls.
    exercises, examples : int
        Exercises on the sheet; examples of each.
    bias : bool
        Whether the units have biases.
    given : mapping from name to number, optional
        Numbers of your own, for a single exercise with one example: parameters "W[1][0,0]" and "b[1][0]",
        inputs and targets "x[0]" and "y[0]"; and numbers of the forward pass to be taken as they are,
        "z[1][0]", "a[1][0]", "y_hat[0]" (see `clearprop.trace`). The rest is drawn.

    Raises
    ------
    SpecificationError, FormulaError
        When there is no such network, or no such exercise.

    Examples
    --------
    >>> sheet = worksheet("2-2-1", "sigmoid", seed=7)
    >>> sheet.exercises[0].falls, sheet.html() == worksheet("2-2-1", "sigmoid", seed=7).html()
    (True, True)
    >>> given = {"W[1][0,0]": 2, "b[1][0]": 1, "x[0]": 1, "y[0]": 5}
    >>> thin = worksheet("1-1", "identity", given=given)
    >>> thin.exercises[0].passes[0].dW[1], thin.exercises[0].losses
    (array([[-2.]]), (2.0, 0.5))

    Notes
    -----
    The exercises of the note 001 (a thin network with numbers given, and the perceptron; Rosenblatt, 1958).
    """
    for name, number in (("exercises", exercises), ("steps", steps), ("examples", examples)):
        if number is not None:
            require_count(name, number)
    if eta is not None and not (is_number(eta) and eta > 0):
        raise SpecificationError(f"eta is a number above 0, not {eta!r}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise SpecificationError(f"seed is a whole number from 0, not {seed!r}")
    if kind not in ("descent", "perceptron"):
        raise SpecificationError(f"kind is 'descent' or 'perceptron', not {kind!r}")
    generators = [np.random.default_rng([int(seed), k]) for k in range(exercises)]
    widths = read_layers(layers or ("2-1" if kind == "perceptron" else "2-2-1"))
    found: list[Descent | Perceptron]
    if kind == "perceptron":
        others = {"output": output, "loss": loss, "given": given, "activation": activation, "bias": bias}
        require_perceptron(widths, others)
        found = [
            draw_perceptron(widths[0], rng, examples=examples, sweeps=steps, eta=RATE if eta is None else eta)
            for rng in generators
        ]
    else:
        network = network_of(widths, activation, output, loss, bias)
        fixed = fixed_numbers(network, given or {}, exercises, examples or 1, steps or 1)
        found = [
            draw_descent(network, rng, examples=examples or 1, steps=steps or 1, eta=eta, fixed=fixed)
            for rng in generators
        ]
    return Worksheet(tuple(found), kind, int(seed))
