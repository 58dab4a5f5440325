"""Whole-batch, mini-batch and stochastic gradient descent."""

from __future__ import annotations

import numpy as np
from experiment import Claim, Experiment, Seen, axes, band, run, spread
from sklearn.datasets import load_digits

import clearprop as cp

#: label -> rows a step
KINDS = {"whole batch": None, "mini-batch of 32": 32, "stochastic": 1}
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SEEDS = range(5)
EPOCHS = 20
NETWORK = cp.Network(64, [cp.Dense(32, "tanh"), cp.Dense(10, "softmax")])


def losses(X: np.ndarray, y: np.ndarray, rows: int | None, rate: float, seed: int) -> np.ndarray:
    """Loss over all rows after each epoch; infinite where the run diverged."""
    try:
        fitted = cp.train(
            NETWORK,
            X,
            y,
            optimizer=cp.SGD(rate),
            batch_size=rows,
            epochs=EPOCHS,
            seed=seed,
            validation=(X, y),  # the training rows again, judged at the end of each epoch
            progress=False,
        )
    except cp.TrainingDiverged:
        return np.full(EPOCHS, np.inf)
    return np.array(fitted.history["validation_loss"])


def gap(X: np.ndarray, y: np.ndarray) -> float:
    """Largest difference between the whole batch's gradient and the mean of the rows' own."""
    theta = NETWORK.initialize(0)
    whole = cp.gradient(NETWORK, theta, X, y)[1].flat
    own = [cp.gradient(NETWORK, theta, X[[i]], y[[i]])[1].flat for i in range(len(X))]
    return float(np.abs(np.mean(own, axis=0) - whole).max() / np.abs(whole).max())


def look() -> Seen:
    """Give each kind its best rate of a sweep, and compare by epoch and by update."""
    X, y = load_digits(return_X_y=True)
    X /= 16
    sweep = {
        kind: {rate: np.array([losses(X, y, rows, rate, seed) for seed in SEEDS]) for rate in RATES}
        for kind, rows in KINDS.items()
    }
    best = {
        kind: min(RATES, key=lambda rate: float(np.median(runs[rate][:, -1]))) for kind, runs in sweep.items()
    }
    runs = {kind: sweep[kind][rate] for kind, rate in best.items()}
    updates = {kind: -(-len(X) // (rows or len(X))) for kind, rows in KINDS.items()}
    epochs = np.arange(1, EPOCHS + 1)

    figure, (left, far) = axes()
    for kind in KINDS:
        band(left, epochs, runs[kind], f"{kind}, rate {best[kind]:g}")
        band(far, epochs * updates[kind], runs[kind], kind)
    left.set(yscale="log", xlabel="epoch (every row read once)", ylabel="loss over all rows")
    far.set(xscale="log", yscale="log", xlabel="update", ylabel="loss over all rows")
    left.legend()

    table = [("", "best rate", "updates an epoch", "loss after 1 epoch", "after 20", "rises, of 19")]
    rises = {kind: (np.diff(runs[kind], axis=1) > 0).sum(axis=1) for kind in KINDS}
    for kind in KINDS:
        cells = spread(runs[kind][:, 0]), spread(runs[kind][:, -1]), spread(rises[kind])
        table.append((kind, f"{best[kind]:g}", f"{updates[kind]:,}", *cells))
    whole, mini, single = (runs[kind] for kind in KINDS)
    difference = gap(X[:200], y[:200])
    return Seen(
        table,
        (
            Claim(
                "The whole batch's gradient is the mean of the rows' gradients (200 rows, to 1e-12 of the "
                "largest entry).",
                difference < 1e-12,
            ),
            Claim(
                "After one epoch and after 20, the smaller batches are ahead of the whole batch, with every "
                "seed.",
                bool((np.maximum(mini, single)[:, [0, -1]] < whole[:, [0, -1]]).all()),
            ),
            Claim(
                "The whole batch's loss falls at every update, at its best rate, with every seed.",
                not rises["whole batch"].any(),
            ),
            Claim(
                "One row a step is best of all after 20 epochs (median).",
                float(np.median(single[:, -1])) < float(np.median(mini[:, -1])),
            ),
            Claim(
                "Update for update the whole batch is ahead: its loss after 20 updates is below that of the "
                "mini-batches after their first epoch of 57.",
                float(np.median(whole[:, -1])) < float(np.median(mini[:, 0])),
            ),
        ),
        figure,
        "The notes' second form of the rule leaves out the 1/n of the mean; then the rate has to be n times "
        "smaller for the same step. An epoch of single rows makes 1,797 updates where the whole batch makes "
        "one, and costs more time for it: the comparison is by rows read, not by seconds.",
    )


EXPERIMENT = Experiment(
    "descent",
    "Batch, mini-batch and stochastic descent",
    "000, batch gradient descent: Q(w) = 1/n sum Q_i(w), and w = w - eta grad Q(w) = w - eta sum grad "
    "Q_i(w); 001 says to use SGD.",
    "All 1,797 digits, one hidden layer of 32 tanh units, softmax and cross-entropy; plain descent, 20 "
    "epochs, six rates, of which each kind gets the one with the lowest loss at the end; five seeds.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
