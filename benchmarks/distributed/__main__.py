"""Measure, or fit the model and write docs/scaling-out: python -m benchmarks.distributed [measure]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.distributed.measuring import measure
from benchmarks.distributed.model import fitted_to
from benchmarks.distributed.pages import write_drawings, write_tables

ROOT = Path(__file__).parents[2]
FOUND, PAGES = ROOT / "benchmarks/results/distributed.json", ROOT / "docs/scaling-out"


def main() -> None:
    """Write the measurements with `measure`, the tables and drawings without."""
    if sys.argv[1:] == ["measure"]:
        FOUND.write_text(json.dumps(measure(), indent=1) + "\n")
    found = json.loads(FOUND.read_text())
    model = fitted_to(found)
    PAGES.mkdir(exist_ok=True)
    write_tables(PAGES / "tables.md", found, model)
    write_drawings(PAGES, found, model)


if __name__ == "__main__":
    main()
