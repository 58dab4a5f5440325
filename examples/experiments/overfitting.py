"""Overfitting on few rows, and what dropout does about it."""

from __future__ import annotations

import numpy as np
from experiment import Claim, Experiment, Seen, axes, band, run, spread
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import clearprop as cp

SEEDS = range(8)
EPOCHS = 200
EVERY = 5
ROWS = 200
#: label -> share of the training labels that are drawn anew, chance of a hidden unit to be dropped
KINDS = {
    "true labels": (0.0, 0.0),
    "true labels, dropout": (0.0, 0.5),
    "30 % drawn labels": (0.3, 0.0),
    "30 % drawn labels, dropout": (0.3, 0.5),
}


def course(drawn: float, dropout: float, seed: int) -> np.ndarray:
    """Training loss, held-out loss and held-out accuracy, every five epochs (3, epochs / 5)."""
    X, y = load_digits(return_X_y=True)
    rows, others, labels, truth = train_test_split(X / 16, y, train_size=ROWS, stratify=y, random_state=seed)
    generator = np.random.default_rng(seed)
    labels = np.where(generator.random(ROWS) < drawn, generator.integers(10, size=ROWS), labels)
    hidden = [cp.Dense(128, "relu", dropout=dropout)] * 2
    network = cp.Network(64, [*hidden, cp.Dense(10, "softmax")])
    seen = []

    def judge(report: cp.EpochReport) -> None:
        if report.epoch % EVERY == 0:
            # with every unit on
            fitted = cp.forward(network, report.theta, rows)[np.arange(ROWS), labels]
            held = cp.forward(network, report.theta, others)
            right = held[np.arange(len(truth)), truth]
            seen.append(
                (-np.log(fitted).mean(), -np.log(right).mean(), (held.argmax(axis=1) == truth).mean())
            )

    cp.train(
        network,
        rows,
        labels,
        optimizer=cp.Adam(0.003),
        epochs=EPOCHS,
        seed=seed,
        callbacks=judge,
        progress=False,
    )
    return np.transpose(seen)


def look() -> Seen:
    """Follow the losses, with and without dropout, with and without wrong labels."""
    runs = {kind: np.array([course(*how, seed) for seed in SEEDS]) for kind, how in KINDS.items()}
    epochs = np.arange(EVERY, EPOCHS + 1, EVERY)
    figure, plots = axes()
    for plot, (title, kinds) in zip(
        plots, (("true labels", list(KINDS)[:2]), ("30 % drawn labels", list(KINDS)[2:])), strict=True
    ):
        for kind in kinds:
            name = "dropout" if "dropout" in kind else "no dropout"
            band(plot, epochs, runs[kind][:, 1], f"{name}: held out")
            band(plot, epochs, runs[kind][:, 0], f"{name}: training", linestyle="--")
        plot.set(yscale="log", xlabel="epoch", ylabel="loss", title=title)
    plots[0].legend(fontsize="small")

    table = [("", "training loss, end", "held-out loss, end", "lowest", "at epoch", "held-out accuracy, end")]
    lowest = {kind: run[:, 1].min(axis=1) for kind, run in runs.items()}
    for kind, found in runs.items():
        best = epochs[found[:, 1].argmin(axis=1)]
        cells = spread(found[:, 0, -1]), spread(found[:, 1, -1]), spread(lowest[kind]), spread(best)
        table.append((kind, *cells, spread(found[:, 2, -1])))
    plain, dropped, noisy, noisy_dropped = (runs[kind] for kind in KINDS)
    bare, thinned, bare_noisy, thinned_noisy = (lowest[kind] for kind in KINDS)
    return Seen(
        table,
        (
            Claim(
                "Without dropout the network knows its 200 rows by heart: the training loss ends below 0.01, "
                "drawn labels and all, with every seed.",
                bool((np.concatenate([plain, noisy])[:, 0, -1] < 0.01).all()),
            ),
            Claim(
                "The held-out loss has its lowest point before the middle of the run and rises after it, "
                "with every seed.",
                all((found[:, 1].argmin(axis=1) < len(epochs) / 2).all() for found in (plain, noisy)),
            ),
            Claim(
                "With drawn labels dropout lowers the held-out loss at the end, with every seed.",
                bool((noisy_dropped[:, 1, -1] < noisy[:, 1, -1]).all()),
            ),
            Claim(
                "With drawn labels it raises the held-out accuracy at the end, with every seed.",
                bool((noisy_dropped[:, 2, -1] > noisy[:, 2, -1]).all()),
            ),
            Claim(
                "With true labels dropout lowers the held-out loss at the end, with every seed.",
                bool((dropped[:, 1, -1] < plain[:, 1, -1]).all()),
            ),
            Claim(
                "With dropout nothing overfits: the held-out loss at the end is within 5 % of its lowest.",
                all(
                    (found[:, 1, -1] < 1.05 * low).all()
                    for found, low in ((dropped, thinned), (noisy_dropped, thinned_noisy))
                ),
            ),
            Claim(
                "Stopping early without dropout does as well as dropout stopped at its own best epoch "
                "(median lowest loss, to 5 %), in both settings.",
                all(
                    np.median(a) < 1.05 * np.median(b)
                    for a, b in ((bare, thinned), (bare_noisy, thinned_noisy))
                ),
            ),
        ),
        figure,
        "Where there is noise to learn by heart, dropout helps much; where there is none, it changes the "
        "loss by less than one split of the rows differs from the next. It slows the overfitting down and "
        "does not end it: the held-out loss rises with dropout as well, only later.",
    )


EXPERIMENT = Experiment(
    "overfitting",
    "Overfitting and dropout",
    "004, its last page: 1. overfit, dropout. It says no more.",
    "200 of the digits to learn from, the other 1,597 held out; two hidden layers of 128 ReLU units (26,122 "
    "parameters), dropout 0 or 0.5 in both; Adam with the rate 0.003, batches of 32, 200 epochs. Once with "
    "the true labels and once with 30 % of the training labels drawn at random. Eight seeds, each a split "
    "of its own; both losses with every unit on.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
