"""Softmax: several outputs that add up to 1, and the gradient that comes of it."""

from __future__ import annotations

from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import points_set
from clearprop.web.bench.settings import Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step


def _three() -> Dataset:
    return points_set("three classes", ("x",), [[1.0], [1.0], [1.0]], [1, 0, 2], ("A", "B", "C"))


_SETTINGS = Settings(layers=(), optimizer="sgd", learning_rate=0.5, batch_size=None)
_NO_WEIGHTS = [[0.0], [0.0], [0.0]]

SOFTMAX = Lesson(
    name="softmax",
    title="Softmax",
    source="Note 001, output activation function. Its loss is in bits (log2) while its derivative is that "
    "of ln. Note 000 adds (1 - c) ln(1 - p) to the loss of softmax; p - c is the derivative without "
    "that part.",
    steps=(
        Step(
            "The example of the notes",
            (
                "Three outputs, one a class; the weights are 0, so that z is the bias: 10, 20, -30. "
                "Softmax takes e to the power of each, which makes them positive, and divides by their "
                "sum, which makes them add up to 1.",
                "`a[1][1]` is 0.99995, `a[1][0]` 0.0000454: ten more in z is e^10 = 22,026 times as likely.",
            ),
            State(_three, _SETTINGS, theta={"W[1]": _NO_WEIGHTS, "b[1]": [10.0, 20.0, -30.0]}),
            (
                Claim("a[1][0]", "~", 4.54e-5),
                Claim("a[1][1]", "~", 0.99995),
                Claim("a[1][2]", "<", 1e-20),
            ),
            opens="a[1][0]",
            stage=1,
        ),
        Step(
            "Only differences count",
            (
                "z = 1, 2, 3 gives 0.0900, 0.245 and 0.665. Press `b[1][0]`, `b[1][1]` and `b[1][2]` and "
                "add the same to each, 100 or 1000: nothing changes, for e^100 cancels above and below. "
                "(An engine takes the largest z off first, or e^1000 would overflow.)",
            ),
            State(_three, _SETTINGS, theta={"W[1]": _NO_WEIGHTS, "b[1]": [1.0, 2.0, 3.0]}),
            (Claim("a[1][0]", "~", 0.09), Claim("a[1][1]", "~", 0.245), Claim("a[1][2]", "~", 0.665)),
            opens="a[1][0]",
        ),
        Step(
            "The gradient is what is missing",
            (
                "Cross-entropy looks at the true class alone: C = -ln a. Row 1 is a B, so C = -ln 0.245 = "
                "1.41. Yet every output has a delta, because all share the sum: a - 1 = -0.755 for the "
                "true class, a for the others, 0.0900 and 0.665. Together they are 0: what one class gains "
                "the others lose.",
                "Derive `delta[1][1]` and `delta[1][2]`; then pick row 2 (an A) and row 3 (a C).",
            ),
            claims=(
                Claim("C", "~", 1.41, 1),
                Claim("delta[1][0]", "~", 0.09, 1),
                Claim("delta[1][1]", "~", -0.755, 1),
                Claim("delta[1][2]", "~", 0.665, 1),
            ),
            opens="delta[1][1]",
        ),
        Step(
            "Three classes, no hint",
            (
                "The three rows have the same x and three different classes. 200 steps later the network "
                "says what it can know: a third each. The loss is ln 3 = 1.0986, and no weight could do "
                "better.",
            ),
            State(_three, _SETTINGS, theta={"W[1]": _NO_WEIGHTS, "b[1]": [1.0, 2.0, 3.0]}, epochs=200),
            (Claim("a[1][0]", "~", 1 / 3), Claim("a[1][1]", "~", 1 / 3), Claim("loss", "~", 1.0986)),
            opens="C",
        ),
    ),
)
