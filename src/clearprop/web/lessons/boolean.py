"""The perceptron, and what two of them can that one cannot."""

from __future__ import annotations

from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import points_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step

_TABLE = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


def _table(title: str, y: tuple[int, int, int, int]) -> Dataset:
    return points_set(title, ("p", "q"), _TABLE, y, ("0", "1"))


def _and() -> Dataset:
    return _table("p and q", (0, 0, 0, 1))


def _exclusive_or() -> Dataset:
    return _table("p or q, not both", (0, 1, 1, 0))


def _outputs(unit: str, *values: float) -> tuple[Claim, ...]:
    """High and low of the four rows of the table."""
    return tuple(
        Claim(unit, ">" if y else "<", 0.99 if y else 0.01, r) for r, y in enumerate(values, start=1)
    )


BOOLEAN = Lesson(
    name="boolean",
    title="The perceptron and Boolean functions",
    source="Note 001, representative power of multilayer networks. A perceptron there is a step; here it "
    "is a steep sigmoid, which has a slope to learn by.",
    steps=(
        Step(
            "One unit: and",
            (
                "A perceptron adds what it receives, each input times its weight, and fires when the sum "
                "passes a threshold. This one has weights 20 and 20 and the bias -30: only with both "
                "inputs at 1 is the sum above 0.",
                "Row 4 of the table is picked. Press `z[1][0]` for its sum, then pick rows 1 to 3: their "
                "sums are -30, -10 and -10, and `a[1][0]` is all but 0.",
            ),
            State(
                _and,
                Settings(layers=(), batch_size=None),
                theta={"W[1]": [[20.0, 20.0]], "b[1]": [-30.0]},
                row=4,
            ),
            (
                *_outputs("a[1][0]", 0, 0, 0, 1),
                Claim("z[1][0]", "~", 10.0, 4),
                Claim("z[1][0]", "~", -10.0, 2),
            ),
            opens="z[1][0]",
            stage=1,
        ),
        Step(
            "One unit cannot: exclusive or",
            (
                "Now the output is to be 1 where just one input is. One unit cuts the square of the inputs "
                "along a straight line, and no line has (0,1) and (1,0) on one side, (0,0) and (1,1) on "
                "the other.",
                "500 epochs have been trained. The best that one unit can do is to answer 1/2 everywhere: "
                "the loss stands at ln 2 = 0.693, and more epochs change nothing. Press One epoch and see.",
            ),
            State(_exclusive_or, Settings(layers=(), batch_size=None, learning_rate=0.1), epochs=500, row=2),
            (
                Claim("loss", "~", 0.6931),
                Claim("a[1][0]", "~", 0.5, 1),
                Claim("a[1][0]", "~", 0.5, 2),
                Claim("a[1][0]", "~", 0.5, 4),
            ),
            opens="a[1][0]",
        ),
        Step(
            "Two units and a third",
            (
                "A hidden layer of two: unit 0 is `p or q` (bias -10), unit 1 is `p and q` (bias -30). The "
                "output fires for the first without the second: its weights are 20 and -20.",
                "Step through the passes of row 2, then pick row 4: there `a[1][1]` is 1 as well, and "
                "takes away what `a[1][0]` brought. In the same way one hidden layer can hold any Boolean "
                "function, with a unit for each row of its table that is 1.",
            ),
            State(
                _exclusive_or,
                Settings(layers=(Layer(2, "sigmoid"),), batch_size=None),
                theta={
                    "W[1]": [[20.0, 20.0], [20.0, 20.0]],
                    "b[1]": [-10.0, -30.0],
                    "W[2]": [[20.0, -20.0]],
                    "b[2]": [-10.0],
                },
                row=2,
            ),
            (
                *_outputs("a[2][0]", 0, 1, 1, 0),
                Claim("a[1][1]", ">", 0.99, 4),
                Claim("a[1][1]", "<", 0.01, 2),
            ),
            opens="z[2][0]",
            stage=0,
        ),
        Step(
            "Break it",
            (
                "Press `b[1][0]`, write -30 and press Set. Unit 0 is now an and, too; the two cancel, and "
                "the output is 0 for every row. Row 2 shows it: `a[2][0]` falls from 1 to 0, and C rises "
                "from 0 to 10.",
                "The gradient knows the way back: dC/db of that unit is below 0, so that an update raises "
                "the bias. It is small, though, because the unit is saturated; that is another lesson.",
            ),
            claims=(*_outputs("a[2][0]", 0, 1, 1, 0), Claim("C", "<", 0.01, 2)),
            opens="b[1][0]",
        ),
    ),
)
