"""How much the page slows training: the same steps with somebody who looks and without, in turn.

    python -m benchmarks.page [--steps 10000] [--rounds 7] [--only moons]

The run is the bench's, in a process that serves; who looks is another process that reads every frame, with
a drawing of every panel, as a browser does that has all in sight (but shows nothing). Medians; each round
has both, one after the other.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time

from clearprop.web.bench.bench import Bench
from clearprop.web.bench.sets import generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.server import Served

LOOKING = """
import sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"X-Clearprop-Token": sys.argv[2]})
with urllib.request.urlopen(asked) as answer:
    for line in answer:
        if line.startswith(b"data"):
            print(len(line), flush=True)
"""

SHOWN = "network,landscape,confusion,curves,diagnosis"

#: name -> data, hidden layers, batch
RUNS = {
    "moons 2-8-1, batch 32": (lambda: generated_set("moons"), (8,), 32),
    "digits 64-32-10, batch 32": (lambda: shipped_set("digits"), (32,), 32),
    "digits 64-128-128-10, batch 128": (lambda: shipped_set("digits"), (128, 128), 128),
}


def seconds(bench: Bench) -> float:
    """Seconds that the whole run takes."""
    bench.reset()
    bench.moment()  # until it is ready
    began = time.perf_counter()
    bench.pace.run()
    while bench.pace.status == "running":
        time.sleep(0.002)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="runs whose name holds this")
    given = parser.parse_args()
    served = Served()
    threading.Thread(target=served.run, daemon=True).start()
    benches = served.application.state.benches
    print(f"{given.steps:,} steps, seconds: alone, looked at, ratio (frames)")
    for name, (data, hidden, batch) in RUNS.items():
        if given.only not in name:
            continue
        learnt = data()
        epochs = -(-given.steps // -(-len(learnt.training) // batch))
        layers = tuple(Layer(units, "tanh") for units in hidden)
        bench = Bench(learnt, Settings(layers=layers, batch_size=batch, epochs=epochs))
        path = f"{served.address.origin}/api/benches/{benches.add(bench)}/frames?show={SHOWN}"
        seconds(bench)
        alone, seen, frames = [], [], 0
        for _ in range(given.rounds):
            alone.append(seconds(bench))
            command = [sys.executable, "-c", LOOKING, path, served.address.token]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as looking:
                assert looking.stdout is not None
                looking.stdout.readline()
                seen.append(seconds(bench))
                looking.terminate()
                frames += len(looking.stdout.readlines())
        a, b = statistics.median(alone), statistics.median(seen)
        print(f"  {name}: {a:.3f}, {b:.3f}, {b / a:.3f} ({frames / given.rounds:.0f})", flush=True)
        print(json.dumps({"alone": alone, "seen": seen}), file=sys.stderr)
        bench.close()
    served.stop()


if __name__ == "__main__":
    main()
