"""Do every experiment, write docs/experiments.md and its pictures: `make experiments`."""

from __future__ import annotations

import warnings
from pathlib import Path

from autoencoder import EXPERIMENT as AUTOENCODER
from depth import EXPERIMENT as DEPTH
from descent import EXPERIMENT as DESCENT
from experiment import save
from learning_rate import EXPERIMENT as LEARNING_RATE
from overfitting import EXPERIMENT as OVERFITTING
from saturation import EXPERIMENT as SATURATION
from vanishing import EXPERIMENT as VANISHING

from page import page

DOCS = Path(__file__).parents[2] / "docs"

#: in the order of the page
EXPERIMENTS = (SATURATION, VANISHING, DESCENT, LEARNING_RATE, OVERFITTING, DEPTH, AUTOENCODER)


def main() -> None:
    """Write the page and the pictures."""
    pictures = DOCS / "experiments"
    pictures.mkdir(exist_ok=True)
    found = {}
    for experiment in EXPERIMENTS:
        seen = found[experiment] = experiment.look()
        save(seen.figure, pictures / f"{experiment.name}.svg")
        print(f"{experiment.name}: {sum(c.holds for c in seen.claims)} of {len(seen.claims)} sentences hold")
    (DOCS / "experiments.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
