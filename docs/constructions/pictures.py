"""Draw the pictures of docs/constructions.md and write its tables into it: `make constructions`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import clearprop as cp
from clearprop.glassbox.render.bands import standalone

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "constructions.md"

SINE = {"f": "sin(3*x)", "domain": (0, 3), "lipschitz": 3}
PRODUCT = {"f": "x * y", "domain": [(0, 1), (0, 1)], "lipschitz": math.sqrt(2)}

#: in words, function, number of variables
BOOLEAN = [
    ("and of 8", all, 8),
    ("exclusive or", lambda x: sum(x) % 2, 2),
    ("parity of 4", lambda x: sum(x) % 2, 4),
    ("parity of 8", lambda x: sum(x) % 2, 8),
    ("majority of 3", lambda x: sum(x) > 1, 3),
    ("majority of 7", lambda x: sum(x) > 3, 7),
    ("exactly one of 4", lambda x: sum(x) == 1, 4),
    ("not all alike, of 6", lambda x: 0 < sum(x) < 6, 6),
    ("8-way selector", lambda x: x[3 + 4 * x[0] + 2 * x[1] + x[2]], 11),
]

#: in words, function
CURVES = [
    ("sin 3x on [0, 3]", SINE),
    ("\\|x\\| on [-1, 1]", {"f": abs, "domain": (-1, 1), "lipschitz": 1}),
    ("tanh 20x on [-1, 1]", {"f": "tanh(20*x)", "domain": (-1, 1), "lipschitz": 20}),
    ("sqrt x on [0, 1]", {"f": "sqrt(x)", "domain": (0, 1), "modulus": math.sqrt}),
]
EPSILONS = (0.1, 0.05, 0.02)


def boolean_table() -> Iterator[str]:
    """What each Boolean function takes."""
    yield "| function | variables | hidden units | normal form | fewer are ruled out |"
    yield "|---|---|---|---|---|"
    for words, f, n in BOOLEAN:
        built = cp.boolean(lambda *x, f=f: f(x), variables=[f"x{i}" for i in range(n)])
        least = "yes" if built.fewest else "no"
        yield f"| {words} | {n} | {len(built.pieces)} | {built.form} | {least} |"


def curve_table() -> Iterator[str]:
    """Units and measured errors of each kind."""
    yield "| function | epsilon | towers | adaptive towers | relu | adaptive relu |"
    yield "|---|---|---|---|---|---|"
    for words, given in CURVES:
        for epsilon in EPSILONS:
            cells = []
            for kind in ("sigmoid", "relu"):
                for spacing in ("even", "adaptive"):
                    built = cp.towers(**given, epsilon=epsilon, kind=kind, spacing=spacing, most_units=10_000)
                    cells.append(f"{built.units:,} ({built.measured.error:.2g})")
            yield f"| {words} | {epsilon:g} | {' | '.join(cells)} |"


def several_table() -> Iterator[str]:
    """What more inputs cost."""
    yield "| inputs | towers | hidden units | bound | measured | at corners | corners, of the volume |"
    yield "|---|---|---|---|---|---|---|"
    for n in (1, 2, 3):
        f = " * ".join("xyz"[:n])
        built = cp.towers(f, [(0, 1)] * n, 0.3, lipschitz=math.sqrt(n))
        seen = built.measured
        corners = "-" if seen.corners is None else f"{seen.corners:.2g}"
        yield (
            f"| {n} | {built.heights.size} | {built.units} | {built.bound:.2g} | {seen.error:.2g} "
            f"| {corners} | {100 * built.excluded:.2g}% |"
        )


def page() -> str:
    """The page with its tables as they are now."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("boolean", boolean_table), ("curves", curve_table), ("several", several_table)):
        begin, end = f"<!-- {name}: make constructions -->\n", f"\n<!-- end of {name} -->"
        rows = "\n".join(table())
        text = re.sub(
            f"({re.escape(begin)}).*?({re.escape(end)})", lambda m, r=rows: m[1] + r + m[2], text, flags=re.S
        )
    return text


def main() -> None:
    """Write the SVG files beside this one, and the page."""
    drawings = {
        "exclusive-or": cp.boolean("p ^ q").model.trace([[0, 1]]).svg(),
        "towers": cp.towers(**SINE, epsilon=0.2).svg(),
        "adaptive": cp.towers("sqrt(x)", (0, 1), 0.05, modulus=math.sqrt, spacing="adaptive").svg(),
        "hats": cp.towers(**SINE, epsilon=0.1, kind="relu", spacing="adaptive").svg(),
        "two-inputs": cp.towers(**PRODUCT, epsilon=0.2).svg(),
        "corners": cp.towers(**PRODUCT, epsilon=0.2).svg(at=(0.5, 0.5)),
    }
    for name, svg in drawings.items():
        (FOLDER / f"{name}.svg").write_text(standalone(svg), encoding="utf-8")
        print(f"docs/constructions/{name}.svg")
    PAGE.write_text(page(), encoding="utf-8")
    print("docs/constructions.md")


if __name__ == "__main__":
    main()
