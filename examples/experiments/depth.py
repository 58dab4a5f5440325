"""A deep thin network against a shallow wide one with as many parameters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from experiment import HUES, Claim, Experiment, Seen, axes, band, run, spread
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import clearprop as cp

DEPTHS = (1, 2, 3, 4, 6, 8)
SEEDS = range(8)


def teeth(x: np.ndarray) -> np.ndarray:
    """The tent map three times: four teeth on [0, 1]. A composition, as a network's layers are."""
    for _ in range(3):
        x = 1 - np.abs(1 - 2 * x)
    return x


def size(network: cp.Network) -> int:
    """Number of parameters."""
    widths = [network.inputs, *(layer.units for layer in network.layers)]
    return sum((before + 1) * after for before, after in pairwise(widths))


def shape(inputs: int, outputs: cp.Dense, depth: int, parameters: int) -> cp.Network:
    """The network of that depth whose number of parameters is nearest to the one asked for."""
    every = (cp.Network(inputs, [*[cp.Dense(width, "relu")] * depth, outputs]) for width in range(2, 100))
    return min(every, key=lambda network: abs(size(network) - parameters))


def trained(networks: list[cp.Network], X: np.ndarray, Y: np.ndarray, epochs: int) -> list[list[cp.Model]]:
    """Every network with every seed."""
    jobs = [{"network": network, "seed": seed} for network in networks for seed in SEEDS]
    rule = cp.Adam(cp.Cosine(0.01))
    models = cp.train_many(jobs, X=X, Y=Y, epochs=epochs, optimizer=rule, progress=False)
    return [models[k : k + len(SEEDS)] for k in range(0, len(models), len(SEEDS))]


def look() -> Seen:
    """Train every depth on digits, and on a function with four teeth."""
    X, y = load_digits(return_X_y=True)
    rows, others, labels, truth = train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)
    pictures = [shape(64, cp.Dense(10, "softmax"), depth, 3000) for depth in DEPTHS]
    models = trained(pictures, rows, labels, 100)
    wrong = np.array(
        [[100 * np.mean(m.predict(others).argmax(axis=1) != truth) for m in own] for own in models]
    )

    x = np.linspace(0, 1, 1024)[:, None]
    between = (x[1:] + x[:-1]) / 2
    waves = [shape(1, cp.Dense(1), depth, 200) for depth in DEPTHS]
    models = trained(waves, 2 * x - 1, teeth(x), 300)
    error = np.array(
        [
            [np.sqrt(np.mean((m.predict(2 * between - 1) - teeth(between)) ** 2)) for m in own]
            for own in models
        ]
    )

    figure, (left, far) = axes()
    band(left, DEPTHS, wrong.T, "", marker="o")
    left.set(xlabel="hidden layers", ylabel="wrong, % of the test rows", title="digits, 3,000 parameters")
    band(far, DEPTHS, error.T, "", marker="o", color=HUES[1])
    far.set(xlabel="hidden layers", ylabel="rms error between the rows", yscale="log")
    far.set_title("four teeth, 200 parameters")

    table = [("hidden layers", "digits: units a layer", "wrong, %", "teeth: units a layer", "rms error")]
    for k, depth in enumerate(DEPTHS):
        units = [f"{net.layers[0].units} ({size(net):,} parameters)" for net in (pictures[k], waves[k])]
        table.append((str(depth), units[0], spread(wrong[k]), units[1], spread(error[k])))
    of_teeth, of_digits = np.median(error, axis=1), np.median(wrong, axis=1)
    return Seen(
        table,
        (
            Claim(
                "On the teeth three hidden layers are more than ten times as exact as one wide one (median).",
                of_teeth[0] > 10 * of_teeth[DEPTHS.index(3)],
            ),
            Claim(
                "On the teeth the deeper, the better, to the last depth (median).",
                bool((np.diff(of_teeth) < 0).all()),
            ),
            Claim(
                "On the digits some deep thin network is better than the shallow wide one (median).",
                bool((of_digits[1:] < of_digits[0]).any()),
            ),
            Claim(
                "One hidden layer could represent the teeth: its best seed is below 0.01.",
                bool(error[0].min() < 0.01),
            ),
        ),
        figure,
        "Depth pays where the function is itself a composition: each application of the tent map "
        "doubles the number of pieces, which a single layer has to list one by one. On the digits it costs, "
        "a little at first. And what can be represented need not be found: look at the spread over the "
        "seeds.",
    )


EXPERIMENT = Experiment(
    "depth",
    "Deep and thin against shallow and wide, at equal parameters",
    "001 assumes a deep thin network and asks who is responsible for the loss; before that, a single hidden "
    "layer of sigmoid neurons can approximate any continuous function to any desired precision. It does not "
    "say at what price.",
    "ReLU layers of equal width, 1 to 8 of them, the width chosen for 3,000 parameters on half of the digits "
    "(the other half is the test) and for 200 on a function with four teeth (the tent map three times, 1,024 "
    "points; judged between them). Adam, cosine from 0.01, batches of 32, 100 and 300 epochs; eight seeds.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
