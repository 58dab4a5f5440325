"""A saturated sigmoid learns slowly under squared error, and at once under cross-entropy."""

from __future__ import annotations

import numpy as np
from experiment import Claim, Experiment, Seen, axes, number, run
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import clearprop as cp

LOSSES = ("squared_error", "binary_cross_entropy")
STARTS = (0.0, -2.0, -4.0, -6.0, -8.0)  #: z before the first update; y is 1
RATES = 10.0 ** np.arange(-2, 3.1, 0.5)


def answers(loss: str, start: float, updates: int = 2000) -> np.ndarray:
    """y_hat before each update of one sigmoid with one row, x = 1 and y = 1."""
    network = cp.Network(1, [cp.Dense(1, "sigmoid")], loss=loss)
    theta = cp.parameters_from_arrays(network, [[[start / 2]]], [[start / 2]])
    fitted = cp.train(
        network, [[1.0]], [[1.0]], optimizer=cp.SGD(0.5), initial=theta, epochs=updates, progress=False
    )
    losses = np.array(fitted.history["loss"])  # of the parameters before the update
    return 1 - np.sqrt(losses) if loss == "squared_error" else np.exp(-losses)


def slope(loss: str, z: float) -> float:
    """dC/dz at y = 1, by the engine."""
    network = cp.Network(1, [cp.Dense(1, "sigmoid")], loss=loss)
    theta = cp.parameters_from_arrays(network, [[[0.0]]], [[z]])
    return float(cp.gradient(network, theta, [[1.0]], [[1.0]])[1].b[1][0])


def accuracy(loss: str, rate: float, wrong: cp.Parameters, X: np.ndarray, y: np.ndarray) -> float:
    """Share of right answers after 50 whole-batch updates of a table's unit that began quite wrong."""
    network = cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], loss=loss)
    fitted = cp.train(
        network,
        X,
        y[:, None].astype(float),
        optimizer=cp.SGD(rate),
        initial=wrong,
        batch_size=None,
        epochs=50,
        progress=False,
    )
    return float(((fitted.predict(X)[:, 0] > 0.5) == y).mean())


def wrong_unit(X: np.ndarray, y: np.ndarray) -> cp.Parameters:
    """The fitted unit's parameters times -4: nearly every row is answered wrongly, and surely."""
    network = cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], l2=0.01)
    theta = cp.train(network, X, y, optimizer=cp.LBFGS(), epochs=500, progress=False).theta
    theta.flat[:] *= -4
    return theta


def look() -> Seen:
    """Count updates until the unit is right, and sweep the rate on a real table."""
    paths = {(loss, start): answers(loss, start) for loss in LOSSES for start in STARTS}
    first = {key: int(np.argmax(path > 0.5)) for key, path in paths.items()}
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    theta = wrong_unit(X, y)
    right = {loss: [accuracy(loss, rate, theta, X, y) for rate in RATES] for loss in LOSSES}

    figure, (left, middle, far) = axes(3)
    for loss, dash in zip(LOSSES, ("-", "--"), strict=True):
        name = loss.replace("_", " ")
        left.plot(paths[loss, -6.0][:260], dash, label=name)
        z = np.linspace(-10, 4, 57)
        middle.semilogy(z, [abs(slope(loss, each)) for each in z], dash, label=name)
        far.semilogx(RATES, right[loss], dash, marker="o", label=name)
    left.set(xlabel="update", ylabel="y_hat (y = 1)", title="one unit, z = -6 at first")
    middle.set(xlabel="z", ylabel="|dC/dz|", title="the gradient at y = 1")
    far.set(xlabel="learning rate", ylabel="accuracy after 50 updates", title="569 rows, begun wrong")
    left.legend()

    gradient, updates = "|dC/dz|", "updates until y_hat > 0.5"
    table = [
        (
            "z at first",
            *(f"{of}, {loss}" for of in (gradient, updates) for loss in ("squared error", "cross-entropy")),
        )
    ]
    for start in STARTS:
        slopes = [number(abs(slope(loss, start))) for loss in LOSSES]
        table.append((f"{start:g}", *slopes, *(f"{first[loss, start]:,}" for loss in LOSSES)))
    best = [max(right[loss]) for loss in LOSSES]
    same = right["binary_cross_entropy"][3], right["squared_error"][3]
    return Seen(
        table,
        (
            Claim(
                "Far out (z = -6 and below) the gradient of the squared error is less than 1 % of that of "
                "the cross-entropy.",
                all(abs(slope(LOSSES[0], z)) < 0.01 * abs(slope(LOSSES[1], z)) for z in (-6.0, -8.0)),
            ),
            Claim(
                "From there, at the same rate, squared error takes more than 20 times as many updates.",
                all(first[LOSSES[0], z] > 20 * first[LOSSES[1], z] for z in (-6.0, -8.0)),
            ),
            Claim(
                "From z = -8 squared error takes more than five times as many updates as from z = -6, "
                "cross-entropy fewer than twice as many.",
                first[LOSSES[0], -8.0] > 5 * first[LOSSES[0], -6.0]
                and first[LOSSES[1], -8.0] < 2 * first[LOSSES[1], -6.0],
            ),
            Claim(
                f"On the table at the rate {RATES[3]:.2g} only cross-entropy gets away from its wrong "
                "answers.",
                same[0] > 0.9 > 0.1 > same[1],
            ),
            Claim(
                "On the table squared error is behind at its own best rate, too (by more than 0.01).",
                best[1] > best[0] + 0.01,
            ),
        ),
        figure,
        f"On the table the best accuracies after 50 updates are {best[0]:.3f} under squared error, at the "
        f"rate {RATES[int(np.argmax(right[LOSSES[0]]))]:.3g}, and {best[1]:.3f} under cross-entropy, at "
        f"{RATES[int(np.argmax(right[LOSSES[1]]))]:.3g}: a rate large enough lifts even a flat gradient. "
        "What cross-entropy gives is that an ordinary rate serves everywhere.",
    )


EXPERIMENT = Experiment(
    "saturation",
    "Squared error against cross-entropy, from a saturated start",
    "001, problems with squared error loss: dL/dw = (y_hat - y) y_hat (1 - y_hat) x is near 0 where y = 1 "
    "and y_hat is near 0; updating the weight becomes very slow.",
    "One sigmoid, one row with x = 1 and y = 1, W = b = z/2, gradient descent with the rate 0.5. Then the "
    "breast cancer table (569 rows, 30 standardised columns): a unit that begins with -4 times its fitted "
    "weights, 50 updates with all rows, eleven rates. The notes' gradient lacks the square's factor 2.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
