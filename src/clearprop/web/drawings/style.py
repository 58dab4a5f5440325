"""How drawings look: a stylesheet for the page, and the same rules with colours put in for a file of its own.

The page keeps a strict policy of contents, so no drawing carries a `style` attribute: what varies with a
number is an attribute of SVG, what varies with the reader's light or dark is a custom property here.
"""

from __future__ import annotations

import re

from clearprop.report.style import HUES, MARKS

_GROUND, _INK = ("#ffffff", "#15181e"), ("#1f2937", "#e5e7eb")  #: light and dark
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_HIT = re.compile(r'<path d="[^"]*" class="hit"/>')

_OWN = """
.drawing {
  display: block; fill: currentColor; font-family: system-ui, sans-serif; font-size: 11px; height: auto;
  max-width: 100%;
}
.drawing text { unicode-bidi: plaintext; }
.drawing .soft { fill-opacity: 0.72; }
.drawing .strong { font-weight: 600; }
.drawing .over { paint-order: stroke; stroke: var(--ground); stroke-linejoin: round; stroke-width: 3; }
.drawing .w { fill: none; stroke: var(--k); }
.drawing .w.k1 { stroke-dasharray: 7 3; }
.drawing .w.odd { stroke: currentColor; stroke-dasharray: 1 4; stroke-linecap: round; }
.drawing .behind { stroke-opacity: 0.35; }
.drawing .hit { fill: none; stroke: currentColor; stroke-opacity: 0; stroke-width: 11; }
.drawing .unit { fill: var(--k, none); stroke: currentColor; stroke-opacity: 0.65; stroke-width: 1; }
.drawing .unit.odd { fill: none; stroke-dasharray: 2 3; }
.drawing .bias { fill: var(--k, none); stroke: var(--ground); stroke-width: 1; }
.drawing .sign { fill: none; stroke: var(--ground); stroke-width: 1.6; }
.drawing .bar { fill: var(--k); }
.drawing .bar.k1 { fill-opacity: 0.35; stroke: var(--k); stroke-dasharray: 4 2; stroke-width: 1.2; }
.drawing .total { stroke: currentColor; stroke-opacity: 0.5; stroke-width: 1; }
.drawing .arrow { fill: none; stroke: var(--k); stroke-linejoin: round; stroke-width: 2.4; }
.drawing .row { fill: currentColor; fill-opacity: 0; }
.drawing .border { fill: none; stroke: currentColor; stroke-width: 1.4; }
.drawing .mark { fill: var(--k); stroke: var(--ground); stroke-width: 1; }
.drawing .mark.held { fill: var(--ground); stroke: var(--k); stroke-width: 1.8; }
.drawing .halo { fill: none; stroke: var(--ground); stroke-width: 5; }
.drawing .picked { fill: none; stroke: currentColor; stroke-width: 2; }
.drawing .ring { fill: none; stroke: currentColor; stroke-width: 2; }
.drawing [data-quantity], .drawing [data-row] { cursor: pointer; }
.drawing [data-quantity]:focus { outline: none; }
.drawing [data-quantity]:hover .hit { stroke-opacity: 0.2; }
.drawing [data-quantity]:focus-visible .hit { stroke-opacity: 0.5; }
.drawing [data-quantity]:hover .row, .drawing [data-quantity]:focus-visible .row { fill-opacity: 0.12; }
.drawing .chosen .row { fill-opacity: 0.18; }
.drawing [data-quantity]:hover .unit { stroke-opacity: 1; stroke-width: 2; }
.drawing [data-quantity]:focus-visible .unit, .drawing [data-quantity]:focus-visible .bias,
.drawing .chosen .unit, .drawing .chosen .bias {
  stroke: currentColor; stroke-opacity: 1; stroke-width: 3;
}
.drawing .chosen .hit { stroke-opacity: 0.4; }
.layering [data-press] { cursor: pointer; }
.layering [data-press]:focus { outline: none; }
.layering .press { fill: currentColor; fill-opacity: 0.05; stroke: currentColor; stroke-opacity: 0.5; }
.layering .press.round { stroke-dasharray: 3 2; }
.layering .press.title { fill-opacity: 0; stroke-opacity: 0.28; }
.layering .press.off, .layering .press.off + text { fill-opacity: 0.35; stroke-opacity: 0.2; }
.layering [data-press]:hover .press:not(.off) { fill-opacity: 0.14; }
.layering [data-press]:focus-visible .press { stroke-opacity: 1; stroke-width: 3; }
.scrolling { overflow-x: auto; }
.scrolling > .drawing { max-width: none; }
.confusion { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.confusion caption { font-size: 0.85rem; padding-bottom: 0.4rem; text-align: left; }
.confusion th, .confusion td {
  border: 1px solid var(--ground); padding: 0.25rem 0.55rem; text-align: center;
}
.confusion th { font-weight: 500; max-width: 9rem; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.confusion tbody th { text-align: right; }
.confusion .none { opacity: 0.65; }
.confusion .right { font-weight: 650; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; margin: 0; padding: 0; }
.tiles button {
  background: none; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px;
  color: inherit; cursor: pointer; font: inherit; font-size: 0.8rem; padding: 0.3rem;
}
.tiles img { display: block; height: 56px; image-rendering: pixelated; margin: 0 auto 0.2rem; width: 56px; }
.tiles span { display: block; max-width: 8rem; overflow-wrap: anywhere; }
"""
_SHADES = 10  #: of a cell of the confusion table
_SHADED = "\n".join(
    f".confusion .{name}{k} {{ background: color-mix(in srgb, var(--h{hue}) {12 + 5 * k}%, transparent); }}"
    for name, hue in (("hit", 0), ("miss", 1))
    for k in range(_SHADES)
)


def shade_of(share: float) -> int:
    """Shade 0 to 9 of a share from 0 to 1.

    >>> shade_of(0.0), shade_of(0.5), shade_of(1.0)
    (0, 5, 9)
    """
    return min(int(share * _SHADES), _SHADES - 1)


def stylesheet() -> str:
    """Stylesheet of every drawing; it sets `--h0` to `--h5` and `--ground`, which a page may change.

    >>> "--h0: light-dark(#0072b2, #56b4e9);" in stylesheet()
    True
    """
    named = [f"  --h{k}: light-dark({light}, {dark});" for k, (light, dark) in enumerate(HUES)]
    root = "\n".join(
        [
            ":root {",
            "  color-scheme: light dark;",
            *named,
            f"  --ground: light-dark({', '.join(_GROUND)});",
            "}",
        ]
    )
    return f"{root}\n{_marks()}{_OWN}{_SHADED}\n"


def standalone(svg: str, *, dark: bool = False) -> str:
    """The same drawing for a file of its own, for readers that know neither custom properties nor the page.

    Parameters
    ----------
    svg : str
        What a function of this folder gave.
    dark : bool
        Light letters on a dark ground instead of dark ones on white.

    Examples
    --------
    >>> drawn = standalone('<svg class="drawing"><path class="line k1"/></svg>')
    >>> ".drawing .line.k1 { stroke: #c84e00;" in drawn, "var(" in drawn
    (True, False)
    """
    rules = [f".drawing {{ color: {_INK[dark]}; }}"]
    for selectors, body in _RULE.findall(f"{_marks()}{_OWN}"):
        if ":hover" in selectors or ":focus" in selectors or not selectors.strip().startswith(".drawing"):
            continue
        rules += _in_every_hue([each.strip() for each in selectors.split(",")], body.strip(), dark)
    head, mark, rest = svg.partition(">")
    ground = f'<rect width="100%" height="100%" fill="{_GROUND[dark]}"/>'
    return f"{head}{mark}<style>{' '.join(rules)}</style>{ground}{_HIT.sub('', rest)}\n"


def _marks() -> str:
    """The report's rules for marks, held to drawings."""
    found = []
    for selectors, body in _RULE.findall(MARKS):
        scoped = ", ".join(f".drawing {each.strip()}" for each in selectors.split(","))
        found.append(f"{scoped} {{ {body.strip()} }}")
    return "\n".join(found)


def _in_every_hue(selectors: list[str], body: str, dark: bool) -> list[str]:
    """A rule with colours instead of properties; where it takes its class's hue, once for each."""
    body = " ".join(body.split()).replace("var(--ground)", _GROUND[dark])
    if body.startswith("--k:"):
        return []
    if "var(--k" not in body:
        return [f"{', '.join(selectors)} {{ {body} }}"]
    found = []
    if "var(--k, none)" in body:
        found.append(f"{', '.join(selectors)} {{ {body.replace('var(--k, none)', 'none')} }}")
    for k, pair in enumerate(HUES):
        named = ", ".join(each if f".k{k}" in each else f"{each}.k{k}" for each in selectors)
        if not any(f".k{other}" in named for other in range(len(HUES)) if other != k):
            coloured = body.replace("var(--k, none)", pair[dark]).replace("var(--k)", pair[dark])
            found.append(f"{named} {{ {coloured} }}")
    return found
