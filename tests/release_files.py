"""Model files of each release, and what they predict: tests/data/<version>, which later releases must load.

`python tests/release_files.py` writes those of the version at hand, once; see CONTRIBUTING.md. Nothing that
was released is ever written again.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

import clearprop as cp
from clearprop.table_model import Settings

DATA = Path(__file__).parent / "data"
KINDS, COLOURS, NEW = ("cat", "dog", "eel"), ("red", "é", "blue", ""), ("true", "false")
HEADER = "size,colour,new,since,price,kind"
ROWS = [
    f"{'' if k % 9 == 0 else k % 7 + 0.5},{COLOURS[k % 4]},{NEW[k % 2]},2024-{k % 12 + 1:02}-{k % 28 + 1:02},"
    f"{k % 11 + 0.25},{KINDS[k % 3]}"
    for k in range(60)
]


def written(folder: Path) -> None:
    """Write a table's model of classes, one of numbers, a bare network, and what each predicts."""
    folder.mkdir(parents=True)
    (folder / "rows.csv").write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="utf-8")
    settings = Settings(hidden=(4,), epochs=5, dtype="float64")
    for name, target in (("classes", "kind"), ("numbers", "price")):
        model = cp.fit_table(folder / "rows.csv", target, test=0.2, settings=settings, certify=True)
        model.save(folder / f"{name}.safetensors")
    swish = cp.Activation("swish", "z * sigmoid(beta * z)", beta=1.5)
    network = cp.Network(2, [cp.Dense(3, swish, dropout=0.1), cp.Dense(2, bias=False)], loss=cp.Huber(1.5))
    X = np.random.default_rng(0).normal(size=(20, 2))
    run: dict[str, Any] = {
        "epochs": 4,
        "validation": 0.2,
        "snapshots": 2,
        "certify": True,
        "engine": "textbook",
    }
    cp.train(network, X, X, optimizer=cp.Adam(0.01), progress=False, **run).save(
        folder / "network.safetensors"
    )
    (folder / "predicted.json").write_text(json.dumps(predicted(folder)) + "\n")


def predicted(folder: Path) -> dict[str, Any]:
    """What the files of a folder predict, as plain data."""
    classes, numbers = (cp.TableModel.load(folder / f"{name}.safetensors") for name in ("classes", "numbers"))
    network = cp.load(folder / "network.safetensors")
    network = cp.Model(network.network, network.theta, engine="textbook")  # its own row compiles nothing
    return {
        "classes": classes.predict_proba(folder / "rows.csv").tolist(),
        "labels": classes.predict(folder / "rows.csv").tolist(),
        "numbers": numbers.predict(folder / "rows.csv").tolist(),
        "network": network.predict(np.linspace(-2, 2, 10).reshape(5, 2)).tolist(),
    }


if __name__ == "__main__":
    written(DATA / cp.__version__)
