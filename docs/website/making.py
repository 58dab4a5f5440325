"""Write the pages that are made, not written: docs/reference, and copies of what lies beside docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from website import command_line, public_names, rows, rules

ROOT = Path(__file__).parents[2]

_INDEX = """# Reference

| | |
|---|---|
| [Python](python/index.md) | every public name, from its docstring |
| [Command line](command-line/index.md) | every verb |
| [Activations](activations/index.md) | formula, derivative, plot, source, when to use |
| [Losses](losses/index.md) | the same, and the stable form through the link |
| [Optimizers](optimizers.md), [schedules](schedules.md), [initializers](initializers.md) | the rules as formulas |

```{toctree}
:hidden:

python/index
command-line/index
activations/index
losses/index
optimizers
schedules
initializers
```
"""


def pages() -> Iterator[tuple[str, str]]:
    """Path below docs/reference, and its Markdown."""
    yield "index.md", _INDEX
    yield from public_names.pages()
    yield from command_line.pages()
    yield from rows.pages()
    yield from rules.pages()
    yield "measured.md", _measured()
    yield "changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    yield "contributing.md", _contributing()


def _measured() -> str:
    """The results of the speed benchmarks, with their drawings."""
    text = (ROOT / "benchmarks/results/speed.md").read_text(encoding="utf-8")
    results = "../../benchmarks/results"
    text = re.sub(r"\]\((\w+\.(?:json|svg))\)", rf"]({results}/\1)", text)
    _, rest = text.split("\n", 1)  # its title
    drawings = "".join(
        f"![{alt}]({results}/{name}.svg){{.drawing}}\n\n"
        for name, alt in (
            ("speed", "Ratios to the peers, by network"),
            ("scaling", "Time of a step by threads"),
        )
    )
    return (
        "# Measured speed\n\nMeasure your own machine with `make bench` (15 minutes), or four networks with "
        f"`make bench-quick`. What stands behind the figures: [how fast](/speed.md).\n\n{drawings}{rest}"
    )


def _contributing() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def write(folder: Path) -> list[Path]:
    """Write all pages into a folder, the changed ones alone; files that are no page any more go."""
    written = []
    for name, text in pages():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    for stale in set(folder.rglob("*.md")) - set(written):
        stale.unlink()
    return written
