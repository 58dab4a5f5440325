"""Draw the pictures of docs/diagnosis.md: distributions by layer over training, before and after a remedy."""

from __future__ import annotations

import warnings
from pathlib import Path

from sklearn.datasets import load_iris

import clearprop as cp
from clearprop.glassbox.render.bands import standalone

FOLDER = Path(__file__).parent


def main() -> None:
    """Write four SVG files beside this one."""
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    for name, activation in (("deep-sigmoid", "sigmoid"), ("deep-relu", "relu")):
        network = cp.Network(4, [*[cp.Dense(16, activation)] * 5, cp.Dense(3, "softmax")])
        watch = cp.Watch(live=False)
        optimizer = cp.SGD(0.1)
        cp.train(network, X, y, optimizer=optimizer, epochs=40, callbacks=watch, progress=False)
        for what in ("gradients", "activations"):
            path = FOLDER / f"{name}-{what}.svg"
            path.write_text(standalone(watch.svg(what)), encoding="utf-8")
            print(f"{path.name}: {', '.join(watch.diagnosis().names) or 'nothing found'}")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
