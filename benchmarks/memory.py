"""Peak memory of training, judging and predicting on a large array, over the array itself.

Each case is a process of its own: it does the same on a few rows first, then makes the data, and the peak
above that is told.

python benchmarks/memory.py [MEGABYTES [CASE ...]]
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

COLUMNS = 50
SLACK = 200  #: MB beside the multiple of the array: what is kept for each row beside its columns, at most

DATA = """
import resource, sys
import numpy as np, clearprop as cp

def data(rows, dtype=np.float32):
    X = np.empty((rows, COLUMNS), dtype=dtype)
    generator = np.random.default_rng(0)
    for first in range(0, rows, 4096):
        block = X[first : first + 4096]
        block[...] = generator.standard_normal(block.shape)
    return X, (X[:, 0] > 0).astype(np.int64)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

network = cp.Network(COLUMNS, [cp.Dense(16, "relu"), cp.Dense(2, "softmax")])
SETTINGS = dict(batch_size=1024, epochs=2, progress=False)

def work(X, y):
    CODE

work(*data(600, DTYPE))
baseline = peak()
X, y = data(ROWS, DTYPE)
work(X, y)
print(X.nbytes / 1e6, peak() - baseline)
"""


@dataclass(frozen=True)
class Case:
    """What is done with X and y, and its bound: so many times the array, and `SLACK`."""

    code: str
    times: float = 1.1
    dtype: str = "np.float32"


TRAIN = "cp.train(network, X, y, **SETTINGS"
WHOLE = "cp.train(network, X, y, epochs=2, progress=False, optimizer='lbfgs'"
JUDGED = "(X[: len(X) // 20], y[: len(y) // 20])"
FIT = "batch_size=1024, max_iter=2, tol=0"
SEEDS = "[{'seed': k} for k in range(4)]"
MODEL = "cp.Model(network, network.initialize(0, np.float32))"
CLASSIFIER = f"cp.MLPClassifier((16,), {FIT}"
FITTED = f"fitted = {CLASSIFIER}).fit(X[:2000], y[:2000])"
REGRESSOR = f"cp.MLPRegressor(hidden_layer_sizes=(16,), {FIT}"
WEIGHTS = "np.linspace(0.5, 1, len(y))"
CASES = {
    "train": Case(f"{TRAIN})"),
    "train, shuffle=False": Case(f"{TRAIN}, shuffle=False)"),
    "train, weights of rows": Case(f"{TRAIN}, sample_weight={WEIGHTS})"),
    "train, weights of classes": Case(f"{TRAIN}, class_weight='balanced', label_smoothing=0.1)"),
    "train, validation=(X, y)": Case(f"{TRAIN}, validation={JUDGED})"),
    "train, validation=0.1": Case(f"{TRAIN}, validation=0.1)"),
    "train, L-BFGS": Case(f"{WHOLE})"),
    "train, L-BFGS, validation=0.1": Case(f"{WHOLE}, validation=0.1)"),
    "train, dtype=float32 of float64": Case(f"{TRAIN}, dtype='float32')", times=1.5, dtype="np.float64"),
    "train_many, 4 seeds": Case(f"cp.train_many({SEEDS}, network=network, X=X, Y=y, threads=2, **SETTINGS)"),
    "predict": Case(f"{MODEL}.predict(X)"),
    "predict float64 in float32": Case(f"{MODEL}.predict(X)", dtype="np.float64"),
    "evaluate": Case(f"{MODEL}.evaluate(X, y)"),
    "evaluate, weights of rows": Case(f"{MODEL}.evaluate(X, y, {WEIGHTS})", times=1.15),  # made there, too
    "MLPClassifier": Case(f"{CLASSIFIER}).fit(X, y)"),
    "MLPClassifier, weights of rows": Case(f"{CLASSIFIER}).fit(X, y, {WEIGHTS})"),
    "MLPClassifier, validation_data": Case(f"{CLASSIFIER}).fit(X, y, validation_data={JUDGED})"),
    "MLPClassifier, early_stopping": Case(f"{CLASSIFIER}, early_stopping=True).fit(X, y)"),
    "MLPClassifier, lbfgs": Case(f"{CLASSIFIER}, solver='lbfgs').fit(X, y)"),
    "MLPClassifier, predict_proba and score": Case(f"{FITTED}; fitted.predict_proba(X); fitted.score(X, y)"),
    "MLPRegressor": Case(f"{REGRESSOR}).fit(X, X[:, 0])"),
    "MLPRegressor, early_stopping": Case(f"{REGRESSOR}, early_stopping=True).fit(X, X[:, 0])"),
}


def measure(case: Case, megabytes: float) -> tuple[float, float]:
    """Megabytes of the array, and of the peak above a process that has done the same on a few rows."""
    itemsize = 8 if "64" in case.dtype else 4
    rows = int(megabytes * 1e6) // (COLUMNS * itemsize)
    code = DATA.replace("COLUMNS", str(COLUMNS)).replace("ROWS", str(rows)).replace("CODE", case.code)
    code = code.replace("DTYPE", case.dtype)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    size, above = map(float, done.stdout.split())
    return size, above


def main() -> None:
    """Print a line for each case."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 1000.0
    names = sys.argv[2:] or list(CASES)
    print("| case | array, MB | peak, MB | peak / array | bound, MB | |")
    print("|---|---|---|---|---|---|")
    for name in names:
        case = CASES[name]
        size, above = measure(case, megabytes)
        bound = case.times * size + SLACK
        word = "" if above <= bound else "OVER"
        print(
            f"| {name} | {size:.0f} | {above:.0f} | {above / size:.2f} | {bound:.0f} | {word} |", flush=True
        )


if __name__ == "__main__":
    main()
