"""What the figures were measured on: processor, load, versions; no names of hosts or people."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

from benchmarks.speed.ceilings import cache_bytes
from benchmarks.speed.threads import available

LIBRARIES = ("clearprop", "numpy", "numba", "torch", "jax", "scikit-learn", "onnxruntime")


def processor() -> str:
    """The CPU's model, from the kernel where it says so."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def version(library: str) -> str:
    """Its version, or that it is not there."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed" if library != "clearprop" else "this checkout"


def describe() -> dict[str, str]:
    """The machine before a run."""
    return {
        "processor": processor(),
        "CPUs in use": str(available()),
        "largest cache": f"{cache_bytes() / 2**20:.0f} MiB",
        "load average before": f"{os.getloadavg()[0]:.2f}",
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{library} {version(library)}" for library in LIBRARIES),
    }
