"""Overfitting, and what dropout does about it."""

from __future__ import annotations

from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import generated_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons.lesson import Claim, Lesson, State, Step


def _few() -> Dataset:
    return generated_set("moons", rows=60, noise=0.35, share=0.5, seed=1)


def _wide(dropout: float) -> Settings:
    return Settings(layers=(Layer(64, "relu", dropout=dropout),) * 2, batch_size=None, learning_rate=0.01)


OVERFITTING = Lesson(
    name="overfitting",
    title="Overfitting and dropout",
    source="Note 004, its last page names overfitting and dropout and says no more.",
    steps=(
        Step(
            "30 rows, 4417 parameters",
            (
                "Two moons with much noise: 30 rows to learn from, 30 held out, and a network that has 147 "
                "parameters for each row it learns. After 10 epochs it has the shape of the moons, and is "
                "about as good on the rows it never saw.",
                "Press Run: the two curves of the loss part soon.",
            ),
            State(_few, _wide(0.0), epochs=10),
            (Claim("validation_loss", "<", 0.26), Claim("loss", ">", 0.2)),
        ),
        Step(
            "400 epochs",
            (
                "The training loss is below 0.001: the network knows its 30 rows by heart, the noise with "
                "them. On the rows held out the loss is above 0.3, worse than after 10 epochs, because "
                "where it is wrong it is now sure.",
                "Go back with the slider to about epoch 10: that is what early stopping would have kept.",
            ),
            State(_few, _wide(0.0), epochs=400),
            (Claim("loss", "<", 0.001), Claim("validation_loss", ">", 0.3)),
        ),
        Step(
            "400 epochs with dropout",
            (
                "The same network, rows and seed, but at each step half of the hidden units, drawn anew, "
                "are silent: none can rely on another one, and a row cannot be learnt by heart by a few. "
                "The training loss stays above 0.03, and the loss of the rows held out is below 0.2.",
                "30 rows are few to judge by: choose another seed of the data or the network, and see how "
                "much of it stays. The glass box shows the network as it answers, with every unit on.",
            ),
            State(_few, _wide(0.5), epochs=400),
            (Claim("loss", ">", 0.03), Claim("validation_loss", "<", 0.2)),
        ),
    ),
)
