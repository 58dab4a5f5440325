"""The page docs/experiments.md: what every experiment says, found now."""

from __future__ import annotations

from collections.abc import Mapping

from experiment import Experiment, Seen

OPENING = """# Experiments: what the course notes say, tried

Each is one script and one picture: `python examples/experiments/saturation.py --out saturation.svg`. `make
experiments` runs all of them, in about a minute, and writes this page: every number, and whether a sentence
holds, is computed. A number followed by two in brackets is the median over the seeds, with the lowest and
the highest; on another kind of CPU the last digits may differ. Tests run the scripts again and compare the
verdicts.

The sentences are there to be tried, not to be right: HOLDING of COUNT hold, and those that do not teach the
most. The same questions step by step are in the lessons of [the page](page.md), and by hand in
[the workshop](workshop/README.md).
"""


def page(found: Mapping[Experiment, Seen]) -> str:
    """Markdown of the whole page."""
    claims = [claim for seen in found.values() for claim in seen.claims]
    holding = sum(claim.holds for claim in claims)
    opening = OPENING.replace("HOLDING", str(holding)).replace("COUNT", str(len(claims)))
    return opening + "".join(section(experiment, seen) for experiment, seen in found.items())


def section(experiment: Experiment, seen: Seen) -> str:
    """Markdown of one experiment."""
    head, *rows = seen.table
    table = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    verdicts = [
        f"- {'**Holds.**' if each.holds else '**Does not hold.**'} {each.words}" for each in seen.claims
    ]
    parts = (
        f"\n## {experiment.title}",
        f"**The notes**, {experiment.note}",
        f"**Tried** (`examples/experiments/{experiment.name}.py`): {experiment.setting}",
        f"![{experiment.title}](experiments/{experiment.name}.svg)",
        "\n".join(table),
        "\n".join(verdicts),
        seen.remark,
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _row(cells: object) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
