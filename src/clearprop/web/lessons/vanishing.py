"""Why gradients vanish below many sigmoids, and not below ReLU."""

from __future__ import annotations

from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import generated_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step


def _moons() -> Dataset:
    return generated_set("moons", rows=200)


def _deep(activation: str) -> Settings:
    return Settings(layers=(Layer(8, activation),) * 6, learning_rate=0.01)


VANISHING = Lesson(
    name="vanishing",
    title="Vanishing gradients and ReLU",
    source="Note 004, sigmoid and ReLU: where the slope is 0, w stays as it is. There ReLU is z for z >= "
    "0; at 0 itself it has no slope, and is given 0 here, as in note 002.",
    steps=(
        Step(
            "Six layers of sigmoids",
            (
                "Each layer multiplies delta by its weights and by the slope of its activation, and a "
                "sigmoid's slope is a (1 - a): 1/4 at the most. Six layers leave (1/4)^6 = 0.00024 of it "
                "at best, and the weights at the start are too small to make up for that.",
                "Step backward through the layers with `n`, and watch delta shrink: `delta[7][0]` is about "
                "1/2, `delta[1][0]` less than 0.0001. Layer 1 learns nothing for a long time.",
            ),
            State(_moons, _deep("sigmoid")),
            (
                Claim("delta[7][0]", ">", 0.2),
                Claim("delta[1][0]", "<", 1e-4),
                Claim("delta[1][1]", "<", 1e-4),
                Claim("delta[1][2]", "<", 1e-4),
            ),
            opens="delta[1][0]",
        ),
        Step(
            "10 epochs later",
            (
                "The loss has hardly left ln 2 = 0.693, the loss of a network that answers 1/2 to "
                "everything: only the layers near the output have moved.",
            ),
            State(_moons, _deep("sigmoid"), epochs=10),
            (Claim("loss", ">", 0.68),),
            opens="delta[1][0]",
        ),
        Step(
            "The same with ReLU",
            (
                "The slope of ReLU is 1 wherever the unit is on, so nothing is lost on the way through it: "
                "where `delta[7][0]` is 0.54, `delta[1][2]` is 0.12, and not 10,000 times smaller.",
                "Where a unit is off its slope is 0, and its delta is exactly 0. A unit that is off for "
                "every row is dead: no update reaches it any more.",
            ),
            State(_moons, _deep("relu")),
            (
                Claim("delta[7][0]", "~", 0.538),
                Claim("delta[1][2]", "~", 0.121),
                Claim("delta[1][0]", "<", 1e-300),
            ),
            opens="delta[1][2]",
        ),
        Step(
            "And as many epochs",
            ("10 epochs, as the sigmoids had, and the loss is below 0.25.",),
            State(_moons, _deep("relu"), epochs=10),
            (Claim("loss", "<", 0.25),),
            opens="delta[1][2]",
        ),
    ),
)
