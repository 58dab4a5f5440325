"""clearprop beside its peers and the machine's ceilings, written to a folder as Markdown, JSON and SVG.

python -m benchmarks.speed                              # all of it: some 15 minutes on two cores
python -m benchmarks.speed --quick                      # S, M, D and L, inference, ceilings: 3 minutes
python -m benchmarks.speed --only headline --networks M --rounds 3
python -m benchmarks.speed --tables                     # the page again, from the JSON
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.speed import plots, tables
from benchmarks.speed.bars import PREDICTED, verdicts
from benchmarks.speed.crew import Crew
from benchmarks.speed.jobs import KINDS, jobs
from benchmarks.speed.machine import describe
from benchmarks.speed.networks import NETWORKS
from benchmarks.speed.results import Results
from benchmarks.speed.threads import available

RESULTS = Path(__file__).parents[1] / "results"
QUICK = ("headline", "inference", "ceilings"), ("S", "M", "D", "L")


def arguments_of(given: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="the short run, without torch.compile")
    parser.add_argument("--only", help=f"kinds, with commas between: {','.join(KINDS)}")
    parser.add_argument("--networks", help=f"of headline and variants: {','.join(NETWORKS)}")
    parser.add_argument("--rounds", type=int, help="rounds of everything, instead of 3 to 9")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default 1,2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder (default benchmarks/results)")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 when a bar is missed or not measured"
    )
    parser.add_argument(
        "--tables", action="store_true", help="measure nothing: write the page of speed.json again"
    )
    arguments = parser.parse_args(given)
    kinds, networks = QUICK if arguments.quick else (KINDS, tuple(NETWORKS))
    arguments.kinds = arguments.only.split(",") if arguments.only else kinds
    arguments.networks = arguments.networks.split(",") if arguments.networks else networks
    for what, names, known in (
        ("--only", arguments.kinds, KINDS),
        ("--networks", arguments.networks, NETWORKS),
    ):
        if unknown := set(names) - set(known):
            parser.error(f"{what} knows {', '.join(known)}, not {', '.join(sorted(unknown))}")
    try:
        arguments.threads = tuple(sorted({int(count) for count in arguments.threads.split(",")}))
    except ValueError:
        parser.error("--threads takes whole numbers with commas between")
    if arguments.threads[0] < 1 or (arguments.rounds is not None and arguments.rounds < 1):
        parser.error("--threads and --rounds count from 1")
    return arguments


def measure(arguments: argparse.Namespace) -> Results:
    """Run the jobs, a line each."""
    results = Results(describe())
    for name, value in results.machine.items():
        print(f"{name}: {value}")
    threads = tuple(count for count in arguments.threads if count <= available())
    if left := set(arguments.threads) - set(threads):
        print(f"this process may use {available()} CPU(s): left out {sorted(left)} thread(s)")
    listed = jobs(arguments.kinds, arguments.networks, threads, compiled=not arguments.quick)
    with Crew(threads) as crew:
        for done, job in enumerate(listed, start=1):
            began = time.perf_counter()
            found = crew.measure(job.task, job.contenders, arguments.rounds or job.rounds, job.threads)
            results.add(*found)
            taken = time.perf_counter() - began
            print(f"[{done}/{len(listed)}] {job.kind}: {job.task.key}, {taken:.1f} s", flush=True)
    return results


def main(given: list[str] | None = None) -> int:
    """Measure, write and print the bars; 1 with --strict where one is not met."""
    arguments = arguments_of(given)
    arguments.out.mkdir(parents=True, exist_ok=True)
    stored = arguments.out / "speed.json"
    if arguments.tables:
        results = Results.read(stored)
    else:
        began = time.perf_counter()
        results = measure(arguments)
        results.machine["rounds"] = str(arguments.rounds or "7 of a headline (XL: 5), 3 to 9 of the rest")
        results.machine["taken"] = f"{(time.perf_counter() - began) / 60:.1f} minutes"
        results.write(stored)
    networks = arguments.networks if "headline" in arguments.kinds else ()
    judged = verdicts(results, [*networks, *[PREDICTED] * ("inference" in arguments.kinds)])
    (arguments.out / "speed.md").write_text(tables.page(results, judged), encoding="utf-8")
    plots.write(results, arguments.out)
    print("\n" + tables.bars(judged))
    return 1 if arguments.strict and any(each.word != "met" for each in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
