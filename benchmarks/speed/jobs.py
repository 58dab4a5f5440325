"""What a run measures: tasks with their contenders, numbers of threads and rounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from benchmarks.speed.contenders import OURS, PEERS, PRODUCTS
from benchmarks.speed.inference import CONTENDERS as PREDICTORS
from benchmarks.speed.networks import NETWORKS, Case
from benchmarks.speed.tasks import Ceiling, Inference, Task, ToAccuracy, Training

LIGHT_PEERS = ("PyTorch", "scikit-learn", "JAX scan")  #: nothing that compiles for long
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
SWEPT = ("M", "L")  #: networks over all batches
MOST_STEPS = 256  #: of a call in a sweep
DATA = (
    ToAccuracy("digits", 0.97, (64, 128, 128, 10), 32),
    ToAccuracy("MNIST-5k", 0.94, (784, 512, 512, 10), 64),
)
_M = NETWORKS["M"]
#: what the cost is followed along -> its values and their cases
SCALES: dict[str, dict[int, Case]] = {
    "rows": {rows: replace(_M, rows=rows) for rows in (1024, 4096, 16_384, 65_536)},
    "width": {
        width: replace(_M, name="width", widths=(64, width, width, 10), rows=1024)
        for width in (32, 64, 128, 256, 512, 1024, 2048)
    },
    "depth": {
        depth: replace(_M, name="depth", widths=(64, *[128] * depth, 10), rows=2048)
        for depth in (1, 2, 4, 8, 16)
    },
    "batch": {batch: replace(_M, batch=batch, rows=min(4096, MOST_STEPS * batch)) for batch in BATCHES},
}
KINDS = ("headline", "variants", "batches", "inference", "ceilings", "accuracy", "scaling")


@dataclass(frozen=True)
class Job:
    """A task for the crew."""

    kind: str
    task: Task
    contenders: tuple[str, ...]
    threads: tuple[int, ...]
    rounds: int


def swept(name: str, batch: int) -> Case:
    """A network with another batch, on as many rows as make a call of a sweep."""
    return replace(NETWORKS[name], batch=batch, rows=min(4096, MOST_STEPS * batch))


def variants(name: str) -> Iterator[Case]:
    """A network in the other precision and with the other optimizer, two long steps of it at least."""
    case = NETWORKS[name]
    rows = 2 * case.batch if name == "XL" else case.rows
    for dtype, optimizer in (("float32", "sgd"), ("float64", "adam"), ("float64", "sgd")):
        yield replace(case, rows=rows, dtype=dtype, optimizer=optimizer)


def jobs(
    kinds: Iterable[str], networks: Iterable[str], threads: tuple[int, ...], *, compiled: bool = True
) -> list[Job]:
    """Jobs of these kinds on these networks; `compiled` asks torch.compile, which compiles for long, too."""
    networks = list(networks)
    one = threads[:1]
    peers = tuple(peer for peer in PEERS if compiled or peer != "torch.compile")
    every = (OURS, *peers, *PRODUCTS)
    light = (OURS, *LIGHT_PEERS)
    listed = {
        "headline": [
            Job("headline", Training(NETWORKS[name]), every, threads, 5 if name == "XL" else 7)
            for name in networks
        ],
        "variants": [
            Job("variants", Training(case), light, threads, 3) for name in networks for case in variants(name)
        ],
        "batches": [
            Job("batches", Training(swept(name, batch)), light, threads, 3)
            for name in SWEPT
            for batch in BATCHES
        ],
        "inference": [
            Job("inference", Inference(1), PREDICTORS, threads, 7),
            Job("inference", Inference(100_000), PREDICTORS[1:], threads, 7),
        ],
        "ceilings": [
            Job("ceilings", Ceiling("square product"), ("NumPy", "PyTorch"), threads, 3),
            Job("ceilings", Ceiling("memory copy"), ("NumPy",), threads, 3),
            Job("ceilings", Ceiling("memory triad"), ("NumPy",), threads, 3),
        ],
        "accuracy": [Job("accuracy", task, light, one, 9) for task in DATA],
        "scaling": [
            Job("scaling", Training(case), (OURS, "PyTorch"), one, 3)
            for cases in SCALES.values()
            for case in cases.values()
        ],
    }
    first: dict[str, Job] = {}
    for job in (job for kind in KINDS if kind in kinds for job in listed[kind]):
        first.setdefault(job.task.key, job)  # a sweep passes through networks that were measured before
    return list(first.values())
