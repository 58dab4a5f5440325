"""Groups of ranks on this machine: through its loopback, and each in a network namespace with a slow link."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.speed.machine import describe
from benchmarks.speed.threads import available

NETWORKS = ((64, 64, 64, 10), (64, 256, 256, 10), (256, 1024, 1024, 10), (784, 2048, 2048, 10))
ROWS = (16, 64, 256, 1024)
WORLDS = (2, 3, 4)
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
REPEATS = 15
GIGABITS = (0.25, 1.0, 4.0)  #: of the slow links
SLOW_SIZES = (300_000, 1_000_000, 3_000_000)  #: far more bytes than a link lets through at once
BATCH = 1024  #: rows of the steps that are measured in groups


def group(place: str, world: int, job: Mapping[str, Any], within: Sequence[str] = ()) -> dict[str, Any]:
    """What rank 0 of a group measured; each rank runs `within` its namespace, where there are some."""
    processes = []
    for rank in range(world):
        prefix = ["ip", "netns", "exec", within[rank]] if within else []
        said = [place, str(rank), str(world), json.dumps(job)]
        command = [*prefix, sys.executable, "-m", "benchmarks.distributed.rank", *said]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    answers = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"a rank of {world} ended with an error")
    return json.loads(answers[0])


def ip(*words: str) -> None:
    """A command of `ip`, or `tc` by that first word."""
    subprocess.run(words if words[0] == "tc" else ("ip", *words), check=True)


@contextmanager
def namespaces(world: int, gigabits: float) -> Iterator[list[str]]:
    """Network namespaces on one bridge, each with a link of so many Gbit/s in both directions."""
    names, bridge = [f"cp-{rank}" for rank in range(world)], "cp-bridge"
    limit = ("root", "tbf", "rate", f"{gigabits * 1000:.0f}mbit", "burst", "256kb", "latency", "50ms")
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for rank, name in enumerate(names):
            ip("netns", "add", name)
            ip("link", "add", f"cp-out{rank}", "type", "veth", "peer", "name", "end", "netns", name)
            ip("link", "set", f"cp-out{rank}", "master", bridge, "up")
            ip("-n", name, "address", "add", f"10.78.0.{rank + 1}/24", "dev", "end")
            for device in ("lo", "end"):
                ip("-n", name, "link", "set", device, "up")
            ip("netns", "exec", name, "tc", "qdisc", "add", "dev", "end", *limit)
            ip("tc", "qdisc", "add", "dev", f"cp-out{rank}", *limit)
        yield names
    finally:
        away = [("link", f"cp-out{rank}") for rank in range(world)] + [("link", bridge)]
        for kind, name in [*away, *(("netns", name) for name in names)]:
            subprocess.run(("ip", kind, "delete", name), check=False, stderr=subprocess.DEVNULL)


def measure() -> dict[str, Any]:
    """All figures; those through namespaces only where they can be made (root, `ip`, `tc`)."""
    found: dict[str, Any] = {"machine": describe(), "cores": available(), "slow": []}
    alone = [(widths, rows, REPEATS * 3) for widths in NETWORKS for rows in ROWS]
    found |= group("", 1, {"steps": alone})
    together = [(widths, BATCH, REPEATS) for widths in NETWORKS]
    found["threaded"] = group("", 1, {"steps": together, "threads": found["cores"]})["steps"]
    for world in WORLDS:
        with tempfile.TemporaryDirectory() as folder:
            job = {"sizes": SIZES, "repeats": REPEATS, "steps": together}
            more = group(f"file://{folder}/place", world, job)
        for name in ("sums", "steps"):
            found[name] += more[name]
    for gigabits in GIGABITS:
        for world in WORLDS:
            job = {"sizes": SLOW_SIZES, "repeats": 5, "steps": [(NETWORKS[k], BATCH, 5) for k in (1, 2)]}
            try:
                with namespaces(world, gigabits) as names, _interface("end"):
                    more = group("tcp://10.78.0.1:29512", world, job, names)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"no namespaces here: {error}", file=sys.stderr)
                return found
            found["slow"].append({"gigabits": gigabits, **more})
    return found


@contextmanager
def _interface(name: str) -> Iterator[None]:
    """Gloo is told which device to use."""
    import os

    os.environ["GLOO_SOCKET_IFNAME"] = name
    try:
        yield
    finally:
        del os.environ["GLOO_SOCKET_IFNAME"]
