"""The results as a page of Markdown: first the bars, then each table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.speed.bars import MEASURES, Verdict, best_peer
from benchmarks.speed.contenders import OURS, PEERS, PRODUCTS
from benchmarks.speed.inference import CONTENDERS as PREDICTORS
from benchmarks.speed.jobs import BATCHES, DATA, LIGHT_PEERS, SCALES, SWEPT, swept, variants
from benchmarks.speed.networks import NETWORKS, Case
from benchmarks.speed.results import Results
from benchmarks.speed.scaling import curve, power_of
from benchmarks.speed.tasks import Ceiling, Inference
from benchmarks.speed.timing import Spread

THREADS = (1, 2)
NOTHING = "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; rows of nothing but dashes after their name are left out."""
    kept = [row for row in rows if any(cell != NOTHING for cell in row[1:])]
    if not kept:
        return "Not measured.\n"
    lines = [head, ["---"] * len(head), *kept]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def number(value: float) -> str:
    """Three digits or more, and never an exponent."""
    digits = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:,.{max(0, digits)}f}"


def spread_cell(spread: Spread | None, scale: float = 1.0) -> str:
    """Median (least to most)."""
    if spread is None:
        return NOTHING
    least, most = number(scale * spread.least), number(scale * spread.most)
    return f"{number(scale * spread.median)} ({least} to {most})"


def bars(verdicts: Sequence[Verdict]) -> str:
    """Every bar with what was measured, and a count."""
    if not verdicts:
        return "What was measured has no bars.\n"
    rows = [
        (MEASURES[each.measure], each.network, spread_cell(each.measured), f"{each.bar:g}", each.word)
        for each in verdicts
    ]
    met = sum(each.word == "met" for each in verdicts)
    head = ("ratio", "network", "measured", "bar", "")
    return f"{met} of {len(verdicts)} bars met.\n\n" + table(head, rows)


def cases_table(
    results: Results, cases: Iterable[tuple[str, Case]], threads: int, peers: Sequence[str]
) -> str:
    """A row a case: our step, its GFLOP/s, and each peer's time over ours."""
    rows = []
    for label, case in cases:
        ours = results.spread(case.key, threads, OURS)
        rate = number(case.flops / ours.median / 1e9) if ours else NOTHING
        ratios = [results.ratio(case.key, (threads, peer), (threads, OURS)) for peer in peers]
        rows.append((label, spread_cell(ours, 1e6), rate, *map(spread_cell, ratios)))
    return table(("network", "clearprop, us a step", "GFLOP/s", *(f"{peer} / ours" for peer in peers)), rows)


def headline(results: Results) -> str:
    """Adam in float32, for one and two threads, and two cores against one."""
    parts = []
    for threads in THREADS:
        named = [(label(case), case) for case in NETWORKS.values()]
        parts += [f"\n### {said(threads)}\n\n", cases_table(results, named, threads, (*PEERS, *PRODUCTS))]
    rows = []
    for name, case in NETWORKS.items():
        best = best_peer(results, case.key)
        rows.append(
            (
                name,
                spread_cell(results.ratio(case.key, (1, OURS), (2, OURS))),
                NOTHING if best is None else f"{best[1]}, {said(best[0])}",
                NOTHING if best is None else spread_cell(results.ratio(case.key, best, (2, OURS))),
            )
        )
    parts.append("\n### Two cores\n\n")
    head = ("network", "ours: 1 thread / 2", "best peer on either", "best peer / ours on 2")
    return "".join([*parts, table(head, rows)])


def label(case: Case) -> str:
    """Name, widths and batch."""
    return f"{case.name}: {'-'.join(map(str, case.widths))} ({case.batch:,})"


def said(threads: int) -> str:
    """So many threads."""
    return f"{threads} thread" + "s" * (threads > 1)


def other_settings(results: Results) -> str:
    """The other precision, the other optimizer."""
    named = [
        (f"{name}, {case.dtype}, {case.optimizer}", case) for name in NETWORKS for case in variants(name)
    ]
    return "".join(
        f"\n### {said(threads)}\n\n{cases_table(results, named, threads, LIGHT_PEERS)}" for threads in THREADS
    )


def batches(results: Results) -> str:
    """Batches from 1 to 4096."""
    named = [(f"{name}, batch {batch:,}", swept(name, batch)) for name in SWEPT for batch in BATCHES]
    return "".join(
        f"\n### {said(threads)}\n\n{cases_table(results, named, threads, LIGHT_PEERS)}" for threads in THREADS
    )


def inference(results: Results) -> str:
    """Microseconds a call."""
    rows = [
        (
            f"{rows:,} row{'s' * (rows > 1)}, {said(threads)}",
            *(spread_cell(results.spread(Inference(rows).key, threads, name), 1e6) for name in PREDICTORS),
        )
        for rows in (1, 100_000)
        for threads in THREADS
    ]
    return table(("us a call", *PREDICTORS), rows)


def ceilings(results: Results) -> str:
    """What the machine can do."""
    listed = (
        ("square product", "NumPy"),
        ("square product", "PyTorch"),
        ("memory copy", "NumPy"),
        ("memory triad", "NumPy"),
    )
    rows = [
        (
            f"{name}, {contender}, {'GFLOP/s' if name == 'square product' else 'GB/s'}",
            *(
                spread_cell(results.spread(Ceiling(name).key, threads, contender, "rate"), 1e-9)
                for threads in THREADS
            ),
        )
        for name, contender in listed
    ]
    return table(("", *map(said, THREADS)), rows)


def accuracy(results: Results) -> str:
    """Seconds to an accuracy, and the epochs that took."""
    rows = []
    for task in DATA:
        for name in (OURS, *LIGHT_PEERS):
            reached, asked = (results.values(task.key, 1, name, what) for what in ("seconds", "epochs"))
            rows.append(
                (
                    f"{task.data}, {task.accuracy}: {'-'.join(map(str, task.widths))} ({task.batch}), {name}",
                    spread_cell(Spread.of(reached) if reached else None),
                    f"{statistics.median(asked):g} ({min(asked)} to {max(asked)})" if asked else NOTHING,
                    f"{len(reached)} of {len(asked)}" if asked else NOTHING,
                    spread_cell(results.ratio(task.key, (1, name), (1, OURS))),
                )
            )
    return table(("", "seconds", "epochs", "runs that reached it", "/ ours"), rows)


def scaling(results: Results) -> str:
    """Fitted exponents."""
    rows = []
    for along in SCALES:
        for name in (OURS, "PyTorch"):
            power = power_of(results, along, name)
            points = curve(results, along, name)
            between = f"{min(points):,} to {max(points):,}" if points else NOTHING
            cell = NOTHING if power is None else f"{power.exponent:.3f} ± {power.error:.3f}"
            rows.append(
                (f"{'an epoch' if along == 'rows' else 'a step'} over {along}, {name}", between, cell)
            )
    return table(("cost of", "from", "exponent ± standard error"), rows)


def refusals(results: Results) -> str:
    """Who did not run, why, and where."""
    places: dict[tuple[str, str], dict[str, None]] = {}
    for each in results.measured.values():
        if each.refused:
            places.setdefault((each.contender, each.refused), {})[each.task] = None
    rows = [(contender, why, "; ".join(tasks)) for (contender, why), tasks in places.items()]
    return table(("who", "why", "where"), rows) if rows else "Everything ran.\n"


def page(results: Results, verdicts: Sequence[Verdict]) -> str:
    """The whole page."""
    machine = "".join(f"- {name}: {value}\n" for name, value in results.machine.items())
    sections = {
        "Bars": bars(verdicts),
        "One training step: Adam, float32": headline(results),
        "Other optimizers and precisions": other_settings(results),
        "Batch sizes: Adam, float32": batches(results),
        "Inference: 30-64-64-3, softmax, float32": inference(results),
        "The machine's ceilings": ceilings(results),
        "Time to a test accuracy: Adam, float32, 1 thread": accuracy(results),
        "Cost against size: Adam, float32, 1 thread": scaling(results),
        "Did not run": refusals(results),
    }
    return _INTRODUCTION.format(machine=machine) + "".join(
        f"\n## {title}\n\n{text.lstrip()}" for title, text in sections.items()
    )


_INTRODUCTION = """# Speed

`make bench` wrote this page, with all rounds in [speed.json](speed.json) and drawings in
[speed.svg](speed.svg) and [scaling.svg](scaling.svg).

{machine}

Each number of threads has a process of its own, with as many CPUs. In a round every contender is timed
once, one after the other, over whole epochs of 50 ms at least together; ratios are formed round by round. A
cell says the median of the rounds (least to most). A peer's ratio above 1 means that clearprop is faster.

Networks have ReLU, softmax and cross-entropy, rows of noise, and the same first weights for everyone; T has
tanh, identity and squared error, and all rows in each step. For two classes scikit-learn has one logistic
output. Products are a step's matrix products alone, into arrays that are there; memory is counted in bytes
that the program reads and writes.
"""
