"""Towers: two steep sigmoids make one, and towers make any curve."""

from __future__ import annotations

from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import generated_set, points_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step

_X = (-0.9, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7, 0.9)


def _tower() -> Dataset:
    return points_set("one tower", ("x",), [[x] for x in _X], [float(-0.4 < x < 0.2) for x in _X])


def _two() -> Dataset:
    heights = [1.0 if -0.4 < x < 0.2 else 0.5 if 0.4 < x < 0.8 else 0.0 for x in _X]
    return points_set("two towers", ("x",), [[x] for x in _X], heights)


def _sine() -> Dataset:
    return generated_set("sine", rows=200, noise=0.05)


_SIGMOIDS = Settings(layers=(Layer(2, "sigmoid"),), batch_size=None)
_FOUR = Settings(layers=(Layer(4, "sigmoid"),), batch_size=None)

TOWERS = Lesson(
    name="towers",
    title="Towers",
    source="Note 001, tower functions: take two sigmoids with different b and subtract them.",
    steps=(
        Step(
            "A sigmoid as a step",
            (
                "With a large weight the sigmoid is a step: here the weight is 100, and unit 0 goes from 0 "
                "to 1 where 100 x + 40 = 0, at x = -0.4. The weight says how steep the step is, -b/w where "
                "it is.",
                "Press `a[1][0]` and edit x above: at -0.4 the unit is at 1/2; at -0.5 it is 0, at -0.3 it "
                "is 1. Then set `W[1][0,0]` to 10: the step is a slope (and begins at x = -4 instead).",
            ),
            State(
                _tower,
                _SIGMOIDS,
                theta={
                    "W[1]": [[100.0], [100.0]],
                    "b[1]": [40.0, -20.0],
                    "W[2]": [[1.0, -1.0]],
                    "b[2]": [0.0],
                },
                row=3,
            ),
            (Claim("a[1][0]", "<", 0.001, 2), Claim("a[1][0]", ">", 0.999, 3)),
            opens="a[1][0]",
            stage=1,
        ),
        Step(
            "One less the other",
            (
                "Unit 1 is the same step at x = 0.2. The output takes the first less the second: 1 between "
                "the two steps, and 0 on either side, where both are 0 or both are 1.",
                "Row 5 (x = 0.1) stands in the tower, row 1 to its left, row 9 to its right. Press "
                "`z[2][0]` for each, and see what it is made of.",
            ),
            claims=(
                Claim("a[2][0]", "<", 0.001, 1),
                Claim("a[2][0]", "~", 1.0, 4),
                Claim("a[2][0]", "~", 1.0, 5),
                Claim("a[2][0]", "<", 0.001, 9),
                Claim("a[1][1]", ">", 0.999, 9),
            ),
            opens="z[2][0]",
        ),
        Step(
            "Towers add up",
            (
                "Four units, two towers: the second one stands between 0.4 and 0.8, and the weights of its "
                "pair, 0.5 and -0.5, make it half as high. A curve that is cut into narrow strips is a sum "
                "of such towers: any precision wanted is a number of units.",
            ),
            State(
                _two,
                _FOUR,
                theta={
                    "W[1]": [[100.0]] * 4,
                    "b[1]": [40.0, -20.0, -40.0, -80.0],
                    "W[2]": [[1.0, -1.0, 0.5, -0.5]],
                    "b[2]": [0.0],
                },
                row=7,
            ),
            (
                Claim("a[2][0]", "~", 1.0, 4),
                Claim("a[2][0]", "<", 0.001, 6),
                Claim("a[2][0]", "~", 0.5, 7),
                Claim("a[2][0]", "~", 0.5, 8),
                Claim("a[2][0]", "<", 0.001, 9),
            ),
            opens="z[2][0]",
        ),
        Step(
            "Learnt instead of built",
            (
                "Sixteen sigmoids have learnt a sine with a little noise for 600 epochs. Nobody told them "
                "to build towers, and they do not: their steps are wide and overlap. The theorem says that "
                "a network is there; what training finds is another one.",
                "Press `z[2][0]` to see which units hold this row up, and which down.",
            ),
            State(_sine, Settings(layers=(Layer(16, "sigmoid"),), learning_rate=0.05), epochs=600),
            (Claim("loss", "<", 0.05), Claim("validation_loss", "<", 0.05)),
            opens="z[2][0]",
        ),
    ),
)
