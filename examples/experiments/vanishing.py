"""Gradients vanish below many sigmoids, not below ReLU; and why."""

from __future__ import annotations

import numpy as np
from experiment import Claim, Experiment, Seen, axes, band, number, run
from sklearn.datasets import load_digits

import clearprop as cp

DEPTHS = (1, 2, 3, 4, 6, 8, 10)
SEEDS = range(5)
#: label -> activation and what the first weights are multiplied by
KINDS = {
    "sigmoid": ("sigmoid", 1.0),
    "sigmoid, weights x 4": ("sigmoid", 4.0),
    "tanh": ("tanh", 1.0),
    "ReLU": ("relu", 1.0),
}


def begun(activation: str, factor: float, depth: int, seed: int) -> tuple[cp.Network, cp.Parameters]:
    """A network of 32 units a layer, and its first parameters."""
    network = cp.Network(64, [*[cp.Dense(32, activation)] * depth, cp.Dense(10, "softmax")])
    theta = network.initialize(seed)
    for l in range(1, depth + 2):
        theta.W[l][:] *= factor
    return network, theta


def look() -> Seen:
    """Measure the first gradient by depth, and what 20 epochs make of it."""
    X, y = load_digits(return_X_y=True)
    X /= 16
    share = {kind: np.empty((len(SEEDS), len(DEPTHS))) for kind in KINDS}
    right = {kind: np.empty((len(SEEDS), len(DEPTHS))) for kind in KINDS}
    slopes = np.empty((len(SEEDS), len(DEPTHS)))
    for kind, (activation, factor) in KINDS.items():
        for k, depth in enumerate(DEPTHS):
            for seed in SEEDS:
                network, theta = begun(activation, factor, depth, seed)
                gradient = cp.gradient(network, theta, X, y)[1]
                size = [float(np.sqrt((gradient.W[l] ** 2).mean())) for l in (1, depth + 1)]
                share[kind][seed, k] = size[0] / size[1]
                if kind == "sigmoid":
                    seen = cp.trace(network, theta, X, y)
                    slopes[seed, k] = np.mean([a * (1 - a) for a in (seen.a[l] for l in range(1, depth + 1))])
                fitted = cp.train(
                    network, X, y, optimizer=cp.SGD(0.1), initial=theta, seed=seed, epochs=20, progress=False
                )
                right[kind][seed, k] = fitted.evaluate(X, y)["accuracy"]

    figure, (left, far) = axes()
    for kind in KINDS:
        band(left, DEPTHS, share[kind], kind, marker="o", markersize=4)
        band(far, DEPTHS, right[kind], kind, marker="o", markersize=4)
    left.set(yscale="log", xlabel="hidden layers", ylabel="rms dC/dW[1] / rms dC/dW[L]")
    left.set_title("before training")
    far.set(xlabel="hidden layers", ylabel="training accuracy", title="after 20 epochs of SGD")
    left.legend()

    table = [
        ("hidden layers", *(f"{kind}: gradient" for kind in KINDS), *(f"{kind}: accuracy" for kind in KINDS))
    ]
    for k, depth in enumerate(DEPTHS):
        cells = [number(float(np.median(share[kind][:, k]))) for kind in KINDS]
        table.append((str(depth), *cells, *(f"{np.median(right[kind][:, k]):.2f}" for kind in KINDS)))
    fall = share["sigmoid"][:, -1] / share["sigmoid"][:, 0]
    per_layer = float(np.median(fall ** (1 / (DEPTHS[-1] - DEPTHS[0]))))
    return Seen(
        table,
        (
            Claim(
                "With ten layers of sigmoids the first layer's gradient is less than a millionth of the "
                "last one's, with every seed.",
                bool((share["sigmoid"][:, -1] < 1e-6).all()),
            ),
            Claim(
                "With ReLU it stays above a tenth at every depth.",
                bool((share["ReLU"] > 0.1).all()),
            ),
            Claim(
                "From four hidden layers of sigmoids on, 20 epochs leave every network at chance (below "
                "0.2).",
                bool((right["sigmoid"][:, DEPTHS.index(4) :] < 0.2).all()),
            ),
            Claim(
                "The same networks with ReLU are right on more than three in four rows.",
                bool((right["ReLU"][:, DEPTHS.index(4) :] > 0.75).all()),
            ),
            Claim(
                "It is because the sigmoids are saturated: their mean slope is below a tenth.",
                bool((slopes < 0.1).all()),
            ),
            Claim(
                "Only ReLU is free of it: tanh, whose slope vanishes far out as well, falls below a tenth.",
                bool((share["tanh"][:, -1] < 0.1).all()),
            ),
        ),
        figure,
        f"The mean slope of the sigmoids at the start is {number(float(slopes.mean()))}, nearly the largest "
        "there is, 1/4: nothing is saturated. What vanishes is a product of layers, each slope times "
        f"weights, here {number(per_layer)} a layer. Weights four times as large put it off, and tanh, "
        "whose slope is 1 at 0, keeps its gradient with the same weights. Large z, the notes' reason, is a "
        "second one. Ten layers of ReLU learn unevenly: the worst seed is right on "
        f"{number(100 * float(right['ReLU'].min()))} % of the rows.",
    )


EXPERIMENT = Experiment(
    "vanishing",
    "Vanishing gradients by depth, sigmoid against ReLU",
    "004, sigmoid: where z is large or small, sigma'(z) goes to 0, and the update with it: no change in "
    "cost. Beside it stands ReLU.",
    "All 1,797 digits (8 x 8 pixels, 0 to 1), 1 to 10 hidden layers of 32 units, softmax; the default first "
    "weights (Glorot's for sigmoid and tanh, He's for ReLU); SGD with the rate 0.1, batches of 32, 20 "
    "epochs; five seeds: medians, and in the picture all between the extremes.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
