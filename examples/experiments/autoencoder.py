"""Digits as two numbers: an autoencoder's code beside the two principal components."""

from __future__ import annotations

import warnings

import numpy as np
from experiment import Claim, Experiment, Seen, axes, run, spread
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import clearprop as cp

SEEDS = range(5)
CURVED, STRAIGHT, LINEAR = (
    "autoencoder, 64-64-32-2-32-64-64",
    "two principal components",
    "linear autoencoder, 64-2-64",
)


def curved(rows: np.ndarray, seed: int) -> cp.Autoencoder:
    """An autoencoder with two hidden layers to each side of its code, 300 epochs."""
    autoencoder = cp.Autoencoder(
        2,
        hidden_layer_sizes=(64, 32),
        activation="gelu",
        solver=cp.Adam(cp.Cosine(0.003)),
        batch_size=32,
        max_iter=300,
        n_iter_no_change=np.inf,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all 300 epochs are wanted
        return autoencoder.fit(rows)


def look() -> Seen:
    """Fit on half of the digits, and judge by the other half."""
    X, y = load_digits(return_X_y=True)
    rows, others, labels, truth = train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)
    linear = cp.Autoencoder(2, hidden_layer_sizes=(), solver="lbfgs", max_iter=2000, tol=1e-6, random_state=0)
    fitted = {
        STRAIGHT: [PCA(2).fit(rows)],
        LINEAR: [linear.fit(rows)],
        CURVED: [curved(rows, seed) for seed in SEEDS],
    }
    codes = {
        name: [(m.transform(rows), m.transform(others)) for m in models] for name, models in fitted.items()
    }
    error = {
        name: [
            float(np.mean((m.inverse_transform(held) - others) ** 2))
            for m, (_, held) in zip(models, codes[name], strict=True)
        ]
        for name, models in fitted.items()
    }
    near = {
        name: [KNeighborsClassifier(10).fit(seen, labels).score(held, truth) for seen, held in own]
        for name, own in codes.items()
    }

    figure, plots = axes(height=4.2)
    for plot, name in zip(plots, (STRAIGHT, CURVED), strict=True):
        code = codes[name][0][1]
        for digit in range(10):
            at = code[truth == digit]
            plot.plot(
                at[:, 0], at[:, 1], ".", markersize=3, alpha=0.5, color=f"C{digit % 6}", rasterized=True
            )
            plot.text(
                *np.median(at, axis=0), str(digit), fontsize=13, weight="bold", ha="center", va="center"
            )
        plot.set(xlabel="first number", ylabel="second number", title=name.split(",")[0])

    table = [("", "squared error of a held-out pixel", "told from ten neighbours in the code")]
    table += [(name, spread(error[name]), spread(near[name])) for name in fitted]
    return Seen(
        table,
        (
            Claim(
                "Without hidden layers and with identities it is the principal components: the same error to "
                "0.1 %.",
                abs(error[LINEAR][0] / error[STRAIGHT][0] - 1) < 1e-3,
            ),
            Claim(
                "With hidden layers the error on held-out rows is more than a quarter lower, with every "
                "seed.",
                max(error[CURVED]) < 0.75 * error[STRAIGHT][0],
            ),
            Claim(
                "The digits lie further apart in its code: their neighbours tell more of them, with every "
                "seed.",
                min(near[CURVED]) > near[STRAIGHT][0],
            ),
            Claim(
                "Two numbers are enough to tell nine in ten digits, with every seed.",
                min(near[CURVED]) > 0.9,
            ),
        ),
        figure,
        "The code is drawn without the labels: they only colour and number the picture.",
    )


EXPERIMENT = Experiment(
    "autoencoder",
    "Digits as two numbers",
    "003: the network f_NN(x) = x_hat, with C = (x_hat - x)^2, is to give back its inputs.",
    "Half of the digits (8 x 8 pixels, 0 to 1) to learn from, the other half to judge by; a code of two "
    "numbers between GELU layers of 64 and 32 units, Adam, cosine from 0.003, batches of 32, 300 epochs; "
    "five seeds.",
    look,
)

if __name__ == "__main__":
    run(EXPERIMENT)
