"""The bars: how fast clearprop has to be, beside its peers, the machine, and itself on one core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.speed.contenders import OURS, PEERS
from benchmarks.speed.inference import CONTENDERS as PREDICTORS
from benchmarks.speed.networks import NETWORKS
from benchmarks.speed.results import Results
from benchmarks.speed.tasks import Inference
from benchmarks.speed.timing import Spread

MEASURES = {
    "PyTorch": "PyTorch eager / clearprop, 1 core",
    "scikit-learn": "scikit-learn / clearprop, 1 core",
    "JAX scan": "JAX scan / clearprop, 1 core",
    "products": "bare matrix products (NumPy) / clearprop's step, 1 core",
    "cores": "clearprop on 1 core / on 2",
    "best": "best peer on either / clearprop on 2 cores",
    "one row": "ONNX Runtime / `compiled()`, one row, 1 core",
    "many rows": "ONNX Runtime / `predict`, 100,000 rows, 1 core",
}
PREDICTED = "30-64-64-3"

#: measure -> network -> the least ratio
BARS: dict[str, dict[str, float]] = {
    "PyTorch": {"S": 90, "M": 2.8, "D": 6, "L": 1.22, "XL": 1.12, "T": 3.2},
    "scikit-learn": {"S": 55, "M": 3.4, "D": 6.5, "L": 1.6, "XL": 1.38},
    "JAX scan": {"S": 6, "M": 1.38, "D": 1.7, "L": 1.07, "XL": 1.03, "T": 1.6},
    "products": {"M": 0.85, "D": 0.82, "L": 0.93, "XL": 0.96},
    "cores": {"M": 1.6, "D": 1.35, "L": 1.85, "XL": 1.9, "T": 1.85},
    "best": {"S": 6, "M": 2.2, "D": 1.9, "L": 1.08, "XL": 1.04, "T": 2.5},
    "one row": {PREDICTED: 3.5},
    "many rows": {PREDICTED: 1.7},
}


@dataclass(frozen=True)
class Verdict:
    """A bar beside what was measured; None where nothing was."""

    measure: str
    network: str
    bar: float
    measured: Spread | None

    @property
    def word(self) -> str:
        """Met or missed, by the median."""
        if self.measured is None:
            return "not measured"
        return "met" if self.measured.median >= self.bar else "MISSED"


def best_peer(results: Results, key: str) -> tuple[int, str] | None:
    """(threads, name) of the peer with the least median on one or two cores."""
    medians = {
        (threads, peer): spread.median
        for threads in (1, 2)
        for peer in PEERS
        if (spread := results.spread(key, threads, peer)) is not None
    }
    return min(medians, key=medians.__getitem__) if medians else None


def measured(results: Results, measure: str, network: str) -> Spread | None:
    """The ratio that a bar is about, round by round."""
    if network == PREDICTED:
        rows, ours = (1, PREDICTORS[0]) if measure == "one row" else (100_000, PREDICTORS[1])
        return results.ratio(Inference(rows).key, (1, "ONNX Runtime"), (1, ours))
    key = NETWORKS[network].key
    ratios: dict[str, Callable[[], Spread | None]] = {
        "products": lambda: results.ratio(key, (1, "products, NumPy"), (1, OURS)),
        "cores": lambda: results.ratio(key, (1, OURS), (2, OURS)),
        "best": lambda: (best := best_peer(results, key)) and results.ratio(key, best, (2, OURS)),
    }
    return ratios.get(measure, lambda: results.ratio(key, (1, measure), (1, OURS)))()


def verdicts(results: Results, networks: Sequence[str]) -> list[Verdict]:
    """Every bar of these networks."""
    return [
        Verdict(measure, network, bar, measured(results, measure, network))
        for measure, bars in BARS.items()
        for network, bar in bars.items()
        if network in networks
    ]
