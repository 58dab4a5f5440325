"""The learning rate: too small, right, too large; and where the limit is."""

from __future__ import annotations

import numpy as np
from experiment import Claim, Experiment, Seen, axes, band, number, run, spread
from sklearn.datasets import load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler

import clearprop as cp

#: of the limit that the curvature sets
SHARES = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 1.01, 1.1)
RATES = 10.0 ** np.arange(-4, 1.6, 0.5)
SEEDS = range(5)
OPTIMIZERS = {"SGD": cp.SGD, "Adam": cp.Adam}


def line(rate: float, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Loss of a linear network at each of 1,000 whole-batch updates, above the least there is."""
    network = cp.Network(X.shape[1], [cp.Dense(1)], loss="half_squared_error")
    theta = network.initialize(0)
    theta.flat[:] = 0
    settings = {"batch_size": None, "epochs": 1000, "initial": theta, "progress": False}
    try:
        losses = cp.train(network, X, y, optimizer=cp.SGD(rate), **settings).history["loss"]
    except cp.TrainingDiverged as error:
        losses = error.run.history["loss"]
    A = np.column_stack([X, np.ones(len(X))])
    least = np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2) / 2
    return np.array(losses) - least


def end(optimizer: cp.SGD | cp.Adam, seed: int, X: np.ndarray, y: np.ndarray) -> float:
    """Loss of a digits network over all rows after 20 epochs; infinite where it diverged."""
    network = cp.Network(64, [cp.Dense(32, "relu"), cp.Dense(32, "relu"), cp.Dense(10, "softmax")])
    try:
        fitted = cp.train(network, X, y, optimizer=optimizer, epochs=20, seed=seed, progress=False)
    except cp.TrainingDiverged:
        return np.inf
    return float(fitted.evaluate(X, y)["loss"])


def look() -> Seen:
    """Predict the limit for a linear network; sweep the rate for a deep one."""
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    A = np.column_stack([X, np.ones(len(X))])
    limit = 2 / float(np.linalg.eigvalsh(A.T @ A / len(A))[-1])
    lines = {share: line(share * limit, X, y) for share in SHARES}
    digits, labels = load_digits(return_X_y=True)
    sweep = {
        name: np.array([[end(rule(rate), seed, digits / 16, labels) for rate in RATES] for seed in SEEDS])
        for name, rule in OPTIMIZERS.items()
    }

    figure, (left, far) = axes()
    for share in (0.001, 0.01, 0.1, 0.9, 1.01):
        left.plot(np.arange(1, len(lines[share]) + 1), lines[share], label=f"{share:g} of the limit")
    left.set(xscale="log", yscale="log", ylim=(1e-9, 1e3), xlabel="update", ylabel="loss above the least")
    left.set_title(f"linear network, limit 2/lambda = {limit:.3g}")
    left.legend(fontsize="small")
    for name, losses in sweep.items():
        band(far, RATES, np.minimum(np.where(np.isfinite(losses), losses, 1e3), 1e3), name, marker="o")
    far.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss after 20 epochs")
    far.set_title("digits, 64-32-32-10")
    far.legend()

    table = [("rate", *(f"{name}: loss after 20 epochs" for name in sweep))]
    for k, rate in enumerate(RATES):
        table.append((f"{rate:.3g}", *(spread(losses[:, k]) for losses in sweep.values())))
    medians = {name: np.median(losses, axis=0) for name, losses in sweep.items()}
    best = {name: int(np.argmin(losses)) for name, losses in medians.items()}
    good = {name: int((losses < 10 * losses.min()).sum()) for name, losses in medians.items()}
    ends = {share: float(losses[-1]) for share, losses in lines.items()}
    return Seen(
        table,
        (
            Claim(
                "The limit of the linear network is where the curvature says, 2 / lambda: at 0.99 of it the "
                "loss falls at every update, at 1.01 of it the loss ends above where it began.",
                bool((np.diff(lines[0.99]) < 0).all()) and ends[1.01] > lines[1.01][0],
            ),
            Claim(
                "Below the limit a larger rate is a better one: the loss after 1,000 updates falls from each "
                "share to the next, up to 0.99.",
                bool((np.diff([ends[share] for share in SHARES if share < 1]) < 0).all()),
            ),
            Claim(
                "On the digits both optimizers have a best rate inside the sweep, and ten times as much is "
                "at least ten times worse (median loss).",
                all(
                    0 < best[name] < len(RATES) - 2 and losses[best[name] + 2] > 10 * losses[best[name]]
                    for name, losses in medians.items()
                ),
            ),
            Claim(
                "They agree on it to a factor of 3.2, one step of the sweep.",
                abs(best["SGD"] - best["Adam"]) <= 1,
            ),
            Claim(
                "Adam forgives more: more of its rates end within ten times its best loss.",
                good["Adam"] > good["SGD"],
            ),
            Claim(
                "SGD falls off a cliff: the rate next to the best is more than 100 times worse.",
                medians["SGD"][best["SGD"] + 1] > 100 * medians["SGD"][best["SGD"]],
            ),
            Claim(
                "At a rate far too large a digits network blows up: some run ends with a loss that is not "
                "finite.",
                not all(np.isfinite(losses).all() for losses in sweep.values()),
            ),
        ),
        figure,
        f"The standardised diabetes table has the largest curvature lambda = {number(2 / limit)}, so the "
        f"limit is {number(limit)}. A deep network has no such number ahead of time, since its curvature "
        "moves with its weights; and where the rate is far too large it need not blow up, it may only learn "
        "nothing, as a rate that is too small does.",
    )


EXPERIMENT = Experiment(
    "learning_rate",
    "The learning rate, from too small to too large",
    "000: the learning rate accounts for how large a step should be in the direction opposite to the "
    "gradient. None of the notes says how to choose it.",
    "Left, a linear network on the diabetes table (442 rows, standardised), whole-batch descent from 0, "
    "1,000 updates, at shares of 2 / lambda, where lambda is the largest eigenvalue of the loss's second "
    "derivative. Right, all 1,797 digits, two hidden layers of 32 ReLU units, batches of 32, 20 epochs, "
    "twelve rates, SGD and Adam; five seeds.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
