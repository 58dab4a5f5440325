"""From the start of Python to the first result, each in processes of its own, in alternation.

python benchmarks/start.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

NOTHING = "pass"
TRAIN = """
import numpy as np, clearprop as cp
X = np.random.default_rng(0).standard_normal((4096, 10), dtype=np.float32)
network = cp.Network(10, [cp.Dense(32, "relu"), cp.Dense(2, "softmax")])
cp.train(network, X, (X[:, 0] > 0).astype(int), batch_size=32, epochs=1, progress=False)
"""
FIT = """
import numpy as np, clearprop as cp
X = np.random.default_rng(0).standard_normal((400, 10))
cp.MLPClassifier(max_iter=3, tol=0, n_iter_no_change=9).fit(X, X[:, 0] > 0)
"""

#: what is measured, and what it is held against
CASES = (
    ("import clearprop", "import clearprop", "import numpy"),
    ("first cp.train, 10-32-2, one epoch of 4096 rows", TRAIN, "import numpy"),
    ("first MLPClassifier.fit, 400 rows", FIT, "import sklearn.base"),
)


def seconds(code: str) -> float:
    """From the start of an interpreter to the end of its code; its way out is not counted."""
    code += "\nimport time; print(time.time())"
    began = time.time()
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    return float(ended.stdout) - began


def main() -> None:
    """Print medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    codes = dict.fromkeys(code for _, *pair in CASES for code in pair)
    for code in codes:  # compiles, and fills the disk's cache
        seconds(code)
    found: dict[str, list[float]] = {code: [] for code in [NOTHING, *codes]}
    for _ in range(rounds):
        for code, taken in found.items():
            taken.append(seconds(code))
    median = {code: statistics.median(taken) for code, taken in found.items()}
    print(f"medians of {rounds} rounds, warm cache; Python alone starts in {median[NOTHING]:.3f} s\n")
    print("| | s since the start of Python | beside | s | ratio without Python's own start |")
    print("|---|---|---|---|---|")
    for name, code, beside in CASES:
        ratio = (median[code] - median[NOTHING]) / (median[beside] - median[NOTHING])
        print(f"| {name} | {median[code]:.3f} | {beside} | {median[beside]:.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
