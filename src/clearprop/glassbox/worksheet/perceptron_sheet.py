"""An exercise of the perceptron's learning rule as blocks: the table, and each pass over it."""

from __future__ import annotations

from collections.abc import Iterator

from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.worksheet.blocks import (
    Block,
    Equations,
    Formula,
    Given,
    Heading,
    Matrix,
    Notation,
    Piece,
    Prose,
    Room,
    Table,
    Worked,
)
from clearprop.glassbox.worksheet.exercise import Perceptron, Visit

ETA = Formula("eta")
_Y_HAT, _Z, _Y, _X = Quantity("y_hat"), Quantity("z"), Quantity("y"), Quantity("x")
_ERROR = Formula("y - p", {"y": _Y, "p": _Y_HAT})
_DOT = Notation("W . x + b", "W x + b", "<mrow><mi>W</mi><mi>x</mi><mo>+</mo><mi>b</mi></mrow>")


def perceptron_blocks(exercise: Perceptron, number: int, answers: bool) -> Iterator[Block]:
    """Blocks of one exercise, with its answers or with blanks."""
    yield Heading(f"Exercise {number}")
    yield from _statement(exercise)
    for k in range(exercise.sweeps):
        yield Heading(f"Pass {k + 1}", 2)
        yield _table(exercise, k, answers)
        if answers and k == 0:
            yield Prose(("How the numbers of this pass come about (those of the others do likewise):",))
            yield Worked(tuple(node for visit in exercise.sweep(k) for node in _nodes(exercise, visit)))
        if not answers:
            yield Room(2)
    yield from _ending(exercise, answers)


def _statement(exercise: Perceptron) -> Iterator[Block]:
    inputs = exercise.network.inputs
    yield Prose(
        (
            f"A perceptron with {inputs} input{'' if inputs == 1 else 's'} learns {exercise.task}: one "
            "example after the other, from the top of the table, and again from the top until a pass makes "
            "no mistake.",
        )
    )
    yield Equations(((_Z, _DOT), (_Y_HAT, Formula("where(z >= 0, 1, 0)"))))
    yield Prose(("So a z of exactly 0 gives 1. After each example:",))
    step = Formula("w + eta * (y - p) * x", {"w": Quantity("W"), "y": _Y, "p": _Y_HAT, "x": _X})
    bias = Formula("b + eta * (y - p)", {"y": _Y, "p": _Y_HAT})
    yield Equations(((Quantity("W"), step), (Quantity("b"), bias)), "<-")
    yield Prose(("It begins with",))
    start = exercise.visits[0].before
    b = start.b[1]
    assert b is not None  # noqa: S101 - the unit has a bias
    yield Given(((Quantity("W"), Matrix(start.W[1])), (Quantity("b"), float(b[0])), (ETA, exercise.eta)))


def _inputs(exercise: Perceptron) -> list[Quantity]:
    return [Quantity("x", None, (i,)) for i in range(exercise.network.inputs)]


def _table(exercise: Perceptron, k: int, answers: bool) -> Table:
    """A pass: each example with its numbers, and the parameters after it."""
    inputs = exercise.network.inputs
    weights = [Quantity("W", None, (i,)) for i in range(inputs)]
    header: tuple[Piece, ...] = (*_inputs(exercise), _Y, _Z, _Y_HAT, _ERROR, *weights, Quantity("b"))
    rows: list[tuple[Piece | None, ...]] = []
    for visit in exercise.sweep(k):
        asked = [visit.z, visit.y_hat, visit.error, *visit.after.flat.tolist()]
        given = [*exercise.X[visit.example].tolist(), float(exercise.y[visit.example])]
        rows.append((*given, *(asked if answers else [None] * len(asked))))
    return Table(header, tuple(rows))


def _nodes(exercise: Perceptron, visit: Visit) -> Iterator[Node]:
    """z, y_hat and, after a mistake, the new parameters."""
    e, x = visit.example, exercise.X[visit.example]
    W, b = visit.before.W[1][0], visit.before.flat[-1]
    names = [Quantity("W", None, (i,)) for i in range(len(x))]
    inputs = [Node(Quantity("x", None, (i,), e), float(value)) for i, value in enumerate(x)]
    weights = [Node(name, float(w)) for name, w in zip(names, W, strict=True)]
    bias = Node(Quantity("b"), float(b))
    products = tuple(
        Node(None, w.value * each.value, "product", (w, each))
        for w, each in zip(weights, inputs, strict=True)
    )
    z = Node(Quantity("z", example=e), visit.z, "sum", (*products, bias), f"example {e + 1}")
    yield z
    output = Quantity("y_hat", example=e)
    yield Node(output, visit.y_hat, "formula", (z,), "the step", "where(z >= 0, 1, 0)", ("z",))
    if visit.error == 0:
        return
    error = (Node(Quantity("y", example=e), float(exercise.y[e])), Node(output, visit.y_hat))
    texts = {"w + eta * (y - p) * x": ("w", "y", "p", "x"), "w + eta * (y - p)": ("w", "y", "p")}
    (by_input, alone) = texts
    steps = [(weight, by_input, (each,)) for weight, each in zip(weights, inputs, strict=True)]
    for (old, text, factor), new in zip([*steps, (bias, alone, ())], visit.after.flat.tolist(), strict=True):
        parts = (old, *error, *factor)
        constants = {"eta": exercise.eta}
        yield Node(old.quantity, new, "formula", parts, "a mistake", text, texts[text], constants)


def _ending(exercise: Perceptron, answers: bool) -> Iterator[Block]:
    if not answers:
        yield Prose(("Has it learnt the table? After which pass?",))
        yield Room(2)
        return
    counts = ", ".join(map(str, exercise.mistakes))
    told = f"Mistakes, pass by pass: {counts}. "
    if exercise.learnt:
        told += f"Pass {exercise.sweeps} makes none, so the numbers would stay as they are: learnt."
    else:
        told += f"After pass {exercise.sweeps} it is not learnt yet; more passes would be needed."
    yield Prose((told,))
