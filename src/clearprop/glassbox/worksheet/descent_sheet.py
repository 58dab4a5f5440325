"""An exercise of gradient descent as blocks: what is given, what is asked, and with answers the working."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from clearprop.formulas.activations import Activation
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.worksheet.blocks import (
    Block,
    Cell,
    Drawing,
    Equations,
    Formula,
    Given,
    Grid,
    Heading,
    Matrix,
    Notation,
    Piece,
    Prose,
    Room,
    Table,
    Worked,
    blank_unless,
)
from clearprop.glassbox.worksheet.exercise import Descent
from clearprop.glassbox.worksheet.working import (
    activation_name,
    delta_rows,
    forward_rows,
    gradient_rows,
    on_paper,
    parameter_rows,
    step_nodes,
    value_of,
    worked,
)
from clearprop.specification import Parameters

ACROSS = 4  #: numbers side by side in a grid

_SUM_EXP = Notation(
    "(sum over k of exp(z_k))",
    r"\sum_k e^{z_k}",
    "<mrow><munder><mo>∑</mo><mi>k</mi></munder><msup><mi>e</mi><msub><mi>z</mi><mi>k</mi></msub></msup></mrow>",
)
_SIGMOID = Notation("sigmoid(z)", r"\sigma(z)", "<mrow><mi>σ</mi><mo>(</mo><mi>z</mi><mo>)</mo></mrow>")
_DELTA_IS = Notation(
    "delta[l][j] = dC/dz[l][j]",
    r"\delta^{l}_{j} = \frac{\partial C}{\partial z^{l}_{j}}",
    "<mrow><msubsup><mi>δ</mi><mi>j</mi><mi>l</mi></msubsup><mo>=</mo><mfrac><mrow><mo>∂</mo><mi>C</mi></mrow>"
    "<mrow><mo>∂</mo><msubsup><mi>z</mi><mi>j</mi><mi>l</mi></msubsup></mrow></mfrac></mrow>",
)
ETA = Formula("eta")


def descent_blocks(exercise: Descent, number: int, answers: bool) -> Iterator[Block]:
    """Blocks of one exercise, with its answers or with blanks.

    Parameters
    ----------
    number : int
        Of the exercise on the sheet, from 1.
    """
    yield Heading(f"Exercise {number}")
    yield from _statement(exercise)
    for step in range(exercise.steps):
        yield from _step(exercise, step, answers)
    yield from _ending(exercise, answers)


def _statement(exercise: Descent) -> Iterator[Block]:
    network, seen = exercise.network, exercise.passes[0]
    *hidden, output = (_counted(x.units, f"{_name(x.activation.name)} unit") for x in network.layers)
    output = output.replace("unit", "output")
    units = ", ".join([_counted(network.inputs, "input"), *hidden])
    steps = "one step" if exercise.steps == 1 else f"{exercise.steps} steps"
    yield Prose(
        (
            f"A network of {units} and {output} is trained by {steps} of gradient descent on the "
            f"{_name(network.loss.name)}.",
        )
    )
    yield Drawing(network)
    yield Equations(tuple(_equations(exercise)))
    yield Prose((_given(exercise),))
    yield Given(tuple(_numbers(exercise)))
    if len(seen) > 1:
        yield _examples(exercise)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _name(row: str) -> str:
    return row.replace("_", " ")


def _equations(exercise: Descent) -> Iterator[tuple[Piece, ...]]:
    """F1 and F2 of each layer, the functions in them, and the loss."""
    network, below = exercise.network, Quantity("x")
    functions = list(dict.fromkeys(layer.activation for layer in network.layers))
    several = len(functions) > 1
    for l, layer in enumerate(network.layers, start=1):
        letters = {"W": Quantity("W", l), "x": below, "b": Quantity("b", l)}
        yield Quantity("z", l), Formula("W * x + b" if layer.bias else "W * x", letters)
        a = Quantity("y_hat") if l == network.depth else Quantity("a", l)
        yield a, _function("g", functions.index(layer.activation) + 1 if several else None, l)
        below = a
    for k, row in enumerate(functions, start=1):
        index = k if several else None
        if isinstance(row, Activation):
            text, letters = on_paper(row.formula), dict(row.constants)
            first: tuple[Piece, ...] = (_SIGMOID,) if text == "sigmoid(z)" else ()
            yield (
                _function("g", index),
                *first,
                Formula(re.sub(r"\bsigmoid\(z\)", "1 / (1 + exp(-z))", text) if first else text, letters),
            )
            slope = Formula(on_paper(row.derivative), {**letters, "a": _function("g", index)})
            yield _function("g'", index), slope
        else:  # softmax
            yield _function("g", index, unit=True), Formula("exp(z_j) / s", {"s": _SUM_EXP, "z_j": _Z_J})
    yield from _loss(exercise)


_Z_J = Notation("z_j", "z_j", "<msub><mi>z</mi><mi>j</mi></msub>")


def _function(name: str, index: int | None, l: int | None = None, *, unit: bool = False) -> Notation:
    """g(z), with a number below where there are several, its argument z[l] or z; or its unit j."""
    z = Quantity("z", l)
    below = "" if index is None else str(index)
    mark, letter = ("'", "<mi>g′</mi>") if name.endswith("'") else ("", "<mi>g</mi>")
    shown = f"<msub>{letter}<mn>{below}</mn></msub>" if below else letter
    after = ("_j", "_j", "<msub><mrow>", "</mrow><mi>j</mi></msub>") if unit else ("", "", "", "")
    return Notation(
        f"g{below}{mark}({z.text}){after[0]}",
        f"g{mark}{f'_{{{below}}}' if below else ''}({z.latex}){after[1]}",
        f"{after[2]}<mrow>{shown}<mo>(</mo>{z.mathml}<mo>)</mo></mrow>{after[3]}",
    )


def _loss(exercise: Descent) -> Iterator[tuple[Piece, ...]]:
    network = exercise.network
    several = network.output.units > 1
    names = {"a": Quantity("y_hat"), "y": Quantity("y")}
    constants = {name: value for name, value in network.loss.constants.items() if np.ndim(value) == 0}
    value = Formula(on_paper(network.loss.value), {**constants, **names})
    over = [["outputs", "sum"]] if several else []
    over += [["examples", "mean"]] if len(exercise.passes[0]) > 1 else []
    words = [f"{how} over the {what}" for what, how in over]
    words += ["0 ln 0 is 0"] if "log(y" in value.text else []
    yield (Quantity("C"), value, *([f"({', '.join(words)})"] if words else []))


def _given(exercise: Descent) -> str:
    """What is given, in words."""
    seen = exercise.passes[0]
    words = ["the weights", *(["the biases"] if any(x.bias for x in exercise.network.layers) else [])]
    words += ["the examples"] if len(seen) > 1 else ["the input", "the target"]
    words += ["the learning rate", *(["some numbers of the forward pass"] if seen.given else [])]
    return f"Given are {', '.join(words[:-1])} and {words[-1]}."


def _numbers(exercise: Descent) -> Iterator[tuple[Piece, Piece]]:
    seen = exercise.passes[0]
    for l in range(1, exercise.network.depth + 1):
        yield Quantity("W", l), Matrix(seen.theta.W[l])
        b = seen.theta.b[l]
        if b is not None:
            yield Quantity("b", l), Matrix(b[:, None])
    if len(seen) == 1 and seen.Y is not None:
        yield Quantity("x"), Matrix(seen.X.T)
        yield Quantity("y"), Matrix(seen.Y.T)
    for name, value in exercise.network.loss.constants.items():
        if np.ndim(value):
            yield Formula(name), Matrix(np.asarray(value)[:, None])
    yield ETA, exercise.eta
    for name, value in seen.given.items():
        yield read_name(name), value


def _examples(exercise: Descent) -> Table:
    seen = exercise.passes[0]
    assert seen.Y is not None  # noqa: S101 - an exercise has targets
    names = [Quantity("x", None, (i,)) for i in range(seen.X.shape[1])]
    names += [Quantity("y", None, (k,)) for k in range(seen.Y.shape[1])]
    rows = np.concatenate((seen.X, seen.Y), axis=1).tolist()
    return Table(("example", *names), tuple((str(e + 1), *row) for e, row in enumerate(rows)))


def _step(exercise: Descent, step: int, answers: bool) -> Iterator[Block]:
    """The three parts of a step: forward, backward, and the new parameters."""
    seen, after, several = exercise.passes[step], exercise.thetas[step + 1], exercise.steps > 1
    if several:
        yield Heading(f"Step {step + 1}", 2)
    known: set[Quantity] = set()
    again = " with the new numbers" if step else ""
    yield Prose((f"(a) Forward{again}: z and a of every unit, and the loss C.",))
    yield from _part(exercise, step, list(forward_rows(seen)), known, answers)
    if answers:
        yield from _conflicts(exercise, step)
    yield Prose(("(b) Backward: every ", _DELTA_IS, ", from the output down."))
    yield from _part(exercise, step, list(delta_rows(seen)), known, answers)
    yield Prose(("(c) The derivatives of C by every weight and bias.",))
    yield from _part(exercise, step, list(gradient_rows(seen)), known, answers)
    rows = list(parameter_rows(seen))
    yield Prose(("(d) The step: new weights and biases, each less ", ETA, " times its derivative."))
    yield _grid(exercise, step, rows, answers, after)
    if answers:
        yield Worked(step_nodes(seen, rows, exercise.eta, after))
    else:
        yield Room(4)


def _part(
    exercise: Descent, step: int, rows: list[list[Quantity]], known: set[Quantity], answers: bool
) -> Iterator[Block]:
    yield _grid(exercise, step, rows, answers)
    if answers:
        yield Worked(worked(exercise.passes[step], rows, known))
    else:
        yield Room(2 + len(rows))


def _grid(
    exercise: Descent,
    step: int,
    rows: Iterable[Sequence[Quantity]],
    answers: bool,
    after: Parameters | None = None,
) -> Grid:
    """Grid of the named numbers, wide rows broken; with `after`, of new parameters."""
    seen = exercise.passes[step]
    taken = {read_name(name) for name in seen.given}
    cells = [
        tuple(
            Cell(q, blank_unless(answers or (after is None and q in taken), value_of(seen, q, after)))
            for q in piece
        )
        for row in rows
        for piece in (row[k : k + ACROSS] for k in range(0, len(row), ACROSS))
    ]
    return Grid(tuple(cells), "=" if after is None else "<-")


def _conflicts(exercise: Descent, step: int) -> Iterator[Block]:
    """Numbers that were taken as given though the network makes others."""
    for conflict in exercise.passes[step].conflicts:
        q = read_name(conflict.name)
        name = activation_name(exercise.network.depth, q.layer or 0, q.units[0], None)
        name = q if q.kind == "z" else name
        yield Prose(
            (name, f" is taken as {conflict.given:g}; the equations give {conflict.computed:.6g} instead.")
        )


def _ending(exercise: Descent, answers: bool) -> Iterator[Block]:
    """The forward pass after the last step, and whether the loss fell."""
    if len(exercise.passes) == exercise.steps:
        if answers:
            yield Prose(
                ("Whether C falls is not told: the given numbers belong to the old weights, not to the new.",)
            )
        return
    seen, rows = exercise.passes[-1], list(forward_rows(exercise.passes[-1]))
    yield Prose(("(e) Check: forward once more with the new numbers. Has C fallen?",))
    yield _grid(exercise, exercise.steps, rows, answers)
    if not answers:
        yield Room(3)
        return
    yield Worked(worked(seen, rows, set()))
    for k, (before, after) in enumerate(itertools.pairwise(exercise.losses), start=1):
        step = "The step" if exercise.steps == 1 else f"Step {k}"
        yield Prose((*_told(step, before, after, exercise.eta),))


def _told(step: str, before: float, after: float, eta: float) -> tuple[Piece, ...]:
    if after < before:
        return (f"{step} made C fall from ", before, " to ", after, ".")
    if after == before:
        return (f"{step} left C at ", before, ".")
    return (f"{step} made C rise from ", before, " to ", after, f": with eta = {eta:g} it is too long here.")
