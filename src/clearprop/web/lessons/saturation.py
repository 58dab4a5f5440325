"""A saturated unit under squared error and under cross-entropy."""

from __future__ import annotations

from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.specification import Dense, Network
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import points_set
from clearprop.web.bench.settings import Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step


def _number() -> Dataset:
    return points_set("x = 1, y = 1", ("x",), [[1.0]], [1.0])


def _class() -> Dataset:
    return points_set("x = 1, y = 1", ("x",), [[1.0]], [1], ("0", "1"))


_SETTINGS = Settings(layers=(), optimizer="sgd", learning_rate=0.5, batch_size=None)
_SQUARED = Network(1, (Dense(1, activations["sigmoid"]),), losses["squared_error"])
_WRONG = {"W[1]": [[-4.0]], "b[1]": [-2.0]}

SATURATION = Lesson(
    name="saturation",
    title="Squared error against cross-entropy",
    source="Note 001, problems with squared error loss. Its (y_hat - y) y_hat (1 - y_hat) x lacks the "
    "factor 2 of the square, and its cross-entropy in bits the factor 1 / ln 2.",
    steps=(
        Step(
            "Quite sure, and wrong",
            (
                "One sigmoid, one row: x = 1, and y is 1. The weight is -4, the bias -2, so z = -6 and the "
                "output `a[1][0]` is 0.00247. The unit is saturated: out here the sigmoid is flat.",
                "Its squared error is all but 1, as large as it gets. The gradient is not: `W[1][0,0]` has "
                "2 (y_hat - y) y_hat (1 - y_hat) x = -0.00492. The slope g'(z) has eaten it.",
            ),
            State(_number, _SETTINGS, theta=_WRONG, network=_SQUARED),
            (
                Claim("a[1][0]", "~", 0.00247),
                Claim("C", ">", 0.99),
                Claim("W[1][0,0]", "~", -0.00492),
            ),
            opens="W[1][0,0]",
        ),
        Step(
            "The same unit under cross-entropy",
            (
                "The same weight, bias and row. Cross-entropy has the slope -1/y_hat at y = 1, which is "
                "huge here, and the small factor g'(z) cancels against it: `delta[1][0]` is y_hat - y = "
                "-0.998.",
                "The gradient is 203 times that under squared error. Press `W[1][0,0]`, and read the "
                "derivation: no slope is left in it. The worse the answer, the larger the step.",
            ),
            State(_class, _SETTINGS, theta=_WRONG),
            (
                Claim("a[1][0]", "~", 0.00247),
                Claim("W[1][0,0]", "~", -0.9975),
                Claim("delta[1][0]", "~", -0.9975),
            ),
            opens="W[1][0,0]",
        ),
        Step(
            "After 50 updates, cross-entropy",
            (
                "50 steps of plain gradient descent with the learning rate 0.5: the answer is right, and "
                "the loss is near 0.",
            ),
            State(_class, _SETTINGS, theta=_WRONG, epochs=50),
            (Claim("a[1][0]", ">", 0.9), Claim("C", "<", 0.1)),
            opens="a[1][0]",
        ),
        Step(
            "After 50 updates, squared error",
            (
                "The same 50 steps under squared error: the unit has hardly moved. Press One epoch as "
                "often as you like; it creeps for another 150 or so, and then falls within twenty.",
            ),
            State(_number, _SETTINGS, theta=_WRONG, network=_SQUARED, epochs=50),
            (Claim("a[1][0]", "<", 0.01), Claim("C", ">", 0.98)),
            opens="W[1][0,0]",
        ),
    ),
)
