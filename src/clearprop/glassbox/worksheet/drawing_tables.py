"""Tables for the perceptron: a truth table, or points of the plane that a line separates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import as_activation
from clearprop.glassbox.worksheet.exercise import MOST_SWEEPS, Perceptron, learn
from clearprop.specification import Dense, Network, Parameters

DRAWS = 300
SWEEPS = (2, 6)  #: passes that a nice exercise takes
MOST_TABLE_INPUTS = 3  #: a truth table of 4 inputs has 16 rows
WEIGHTS = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
BIASES = (-0.75, -0.25, 0.25, 0.75)  #: with halves as weights and steps, z is never exactly 0
POINTS = 4  #: of each class, as far as coordinates go
MARGIN = 1.0  #: of the points from the line that separates them

#: inputs -> name of a function -> its value for inputs of 0 and 1
TABLES: Mapping[int, Mapping[str, Callable[[tuple[int, ...]], bool]]] = {
    1: {"NOT": lambda x: not x[0], "the input itself": lambda x: bool(x[0])},
    2: {
        "AND": all,
        "OR": any,
        "NAND": lambda x: not all(x),
        "NOR": lambda x: not any(x),
        "the first input AND NOT the second": lambda x: bool(x[0] and not x[1]),
        "the first input OR NOT the second": lambda x: bool(x[0] or not x[1]),
    },
    3: {
        "AND": all,
        "OR": any,
        "NAND": lambda x: not all(x),
        "NOR": lambda x: not any(x),
        "the majority of the inputs": lambda x: sum(x) >= 2,
    },
}


def draw_perceptron(
    inputs: int, rng: np.random.Generator, *, examples: int | None, sweeps: int | None, eta: float
) -> Perceptron:
    """Exercise for the perceptron's rule with nice numbers.

    Parameters
    ----------
    examples : int or None
        Points with integer coordinates; None takes a truth table where the inputs are few.
    sweeps : int or None
        Passes at most; None goes on until a pass makes no mistake.

    Raises
    ------
    SpecificationError
        When no draw makes a mistake that is then unlearnt.
    """
    network = Network(inputs, (Dense(1, as_activation("step")),))
    fallback = None
    for _ in range(DRAWS):
        if examples is None and inputs <= MOST_TABLE_INPUTS:
            task, X, y = truth_table(inputs, rng)
        else:
            task = "the points of the table"
            X, y = separable_points(inputs, examples or 2 * POINTS, rng)
        start = Parameters(network, np.append(rng.choice(WEIGHTS, inputs), rng.choice(BIASES)))
        done = learn(task, network, start, X, y, eta=eta, sweeps=sweeps or MOST_SWEEPS)
        if not done.mistakes[0] or (sweeps is None and not done.learnt):
            continue
        fallback = fallback or done
        off_zero = all(abs(visit.z) > 1e-9 for visit in done.visits)
        short = sweeps is not None or SWEEPS[0] <= done.sweeps <= SWEEPS[1]
        if off_zero and short and sum(done.mistakes) >= 2:
            return done
    if fallback is None:
        raise SpecificationError(
            f"none of {DRAWS} draws was learnt within {MOST_SWEEPS} passes; use fewer inputs or examples, "
            "another eta, or another seed"
        )
    return fallback


def truth_table(inputs: int, rng: np.random.Generator) -> tuple[str, Array, Array]:
    """Name, X (2^n, n) and y (2^n,) of a function that one unit can learn.

    >>> truth_table(2, np.random.default_rng(0))[1].tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    tables = TABLES[inputs]
    name = list(tables)[int(rng.integers(len(tables)))]
    rows = list(itertools.product((0, 1), repeat=inputs))
    return name, np.array(rows, dtype=np.float64), np.array([float(tables[name](row)) for row in rows])


def separable_points(inputs: int, examples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Different points with integer coordinates from -3 to 3 (m, n), and the side (m,) of a line they are on.

    Raises
    ------
    SpecificationError
        When there are not that many points.
    """
    if examples < 2 or examples > 7**inputs // 2:
        raise SpecificationError(
            f"a perceptron with {inputs} input(s) takes 2 to {7**inputs // 2} examples here, not {examples}"
        )
    while True:
        w, b = rng.choice(WEIGHTS, inputs), float(rng.choice(BIASES))
        found: dict[tuple[float, ...], float] = {}
        for _ in range(20 * examples):
            x = rng.integers(-3, 4, inputs).astype(np.float64)
            side = float(x @ w + b)
            if abs(side) >= MARGIN * np.linalg.norm(w) / 2 and len(found) < examples:
                found[tuple(x.tolist())] = float(side > 0)
        if len(found) == examples and len(set(found.values())) == 2:
            return np.array(list(found)), np.array(list(found.values()))
