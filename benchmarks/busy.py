"""Two threads against one while another process keeps a core busy, and on a quiet machine, in turns.

    python -m benchmarks.busy [--rounds 7]

The aim: beside a busy neighbour two threads are never more than 10 % slower than one. The neighbour is a
Python process that spins on whichever of the two cores the system gives it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from benchmarks.speed.networks import NETWORKS, first_weights, noise
from benchmarks.speed.threads import available, confined
from benchmarks.speed.timing import Spread, sample

AIM = 1.10  #: of two threads' time over one thread's


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """A process that spins until the block ends."""
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()


def main() -> int:
    """Print a line for each network and neighbour."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    if available() < 2:
        print("this takes two CPUs")
        return 2
    print(f"load average before {os.getloadavg()[0]:.2f}; {rounds} rounds; float32, Adam")
    print(
        f"{'network':8} {'neighbour':10} {'1 thread us':>12} {'2 threads us':>13} {'2 / 1':>6} {'range':>13}"
    )
    with confined(2):
        from benchmarks.speed.contenders.ours import Engine

        for name in ("M", "L", "XL"):
            case = NETWORKS[name]
            engines = [Engine(case, threads, *noise(case)) for threads in (1, 2)]
            for trainer, threads in zip(engines, (1, 2), strict=True):
                trainer.engine.threads = threads  # which is else left to the engine
            for engine in engines:
                engine.start(first_weights(case))
                engine.epoch()
            for neighbour in ("none", "busy"):
                times: list[list[float]] = [[], []]
                with busy_neighbour() if neighbour == "busy" else nullcontext():
                    for _ in range(rounds):
                        for engine, taken in zip(engines, times, strict=True):
                            taken.append(sample(engine.epoch, least=0.2) / case.steps)
                one, two = (Spread.of(taken).median * 1e6 for taken in times)
                ratio = Spread.of_ratios(times[1], times[0])
                verdict = "" if neighbour == "none" else "  met" if ratio.median <= AIM else "  MISSED"
                print(
                    f"{name:8} {neighbour:10} {one:12,.0f} {two:13,.0f} {ratio.median:6.2f} "
                    f"{ratio.least:6.2f}-{ratio.most:.2f}{verdict}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
