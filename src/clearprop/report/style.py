"""How the page looks: system fonts, light and dark by the reader's choice, black on white on paper."""

from __future__ import annotations

#: hues that colour-blind eyes tell apart (after Okabe and Ito, 2008), darker on white and lighter on black
HUES = (
    ("#0072b2", "#56b4e9"),
    ("#c84e00", "#ff9e5e"),
    ("#008860", "#3fd39d"),
    ("#a3478c", "#e39bd0"),
    ("#946c00", "#e6c34a"),
    ("#5b6573", "#b4bdca"),
)
_NAMED = [f"--h{k}: light-dark({light}, {dark});" for k, (light, dark) in enumerate(HUES)]

#: how lines, bars and points of a picture look, in the hue k0 to k5 of their class
MARKS = """.k0 { --k: var(--h0); } .k1 { --k: var(--h1); } .k2 { --k: var(--h2); }
.k3 { --k: var(--h3); } .k4 { --k: var(--h4); } .k5 { --k: var(--h5); }
.line, .pale, .axis, .grid, .ideal { fill: none; stroke: currentColor; }
.line { stroke: var(--k); stroke-linejoin: round; stroke-width: 1.8; }
.pale { stroke-opacity: 0.18; } .grid { stroke-opacity: 0.12; } .axis { stroke-opacity: 0.6; }
.ideal { stroke-dasharray: 4 4; stroke-opacity: 0.6; }
.fill { fill: var(--k); } rect.fill:not([fill-opacity]) { fill-opacity: 0.65; }
.cloud, .dots { fill: none; stroke: var(--k); stroke-linecap: round; }
.cloud { stroke-opacity: 0.5; stroke-width: 4.5; } .dots { stroke-width: 7; }"""

STYLE = (
    """:root {
  color-scheme: light dark;
  """
    + "\n  ".join(" ".join(_NAMED[k : k + 2]) for k in range(0, len(HUES), 2))
    + """
  --line: color-mix(in srgb, currentColor 22%, transparent);
  --tint: color-mix(in srgb, currentColor 5%, transparent);
}
* { box-sizing: border-box; }
body {
  font-family: system-ui, sans-serif; line-height: 1.5; margin: 2rem auto; max-width: 64rem;
  padding: 0 1rem;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { border-top: 1px solid var(--line); font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-top: 1.25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; overflow-wrap: anywhere; }
p, li, td, dd { overflow-wrap: anywhere; }
th { overflow-wrap: break-word; }
p { margin: 0.5rem 0; max-width: 46rem; }
.soft, figcaption, footer { color: color-mix(in srgb, currentColor 68%, transparent); }
nav { display: flex; flex-wrap: wrap; font-size: 0.9rem; gap: 0.25rem 1rem; margin: 1rem 0; }
a { color: var(--h0); }
.verdict { list-style: none; margin: 1rem 0; padding: 0; }
.verdict li {
  background: var(--tint); border-left: 4px solid var(--h5); border-radius: 0 6px 6px 0;
  margin: 0.5rem 0; padding: 0.6rem 0.9rem;
}
.verdict .good { border-color: var(--h2); } .verdict .bad { border-color: var(--h1); }
.verdict b { font-weight: 650; }
dl {
  display: grid; gap: 0.35rem 1rem; grid-template-columns: minmax(6rem, max-content) 1fr;
  margin: 0.75rem 0;
}
dt { font-weight: 600; } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.75rem 0; }
.table th, .table td {
  border-bottom: 1px solid var(--line); min-width: 3rem; padding: 0.3rem 0.9rem 0.3rem 0;
  text-align: left; vertical-align: top;
}
.table thead th { font-size: 0.85rem; font-weight: 600; vertical-align: bottom; }
.table tbody th { font-weight: 500; }
.table td:not(.right) { min-width: 8rem; }
.table .right { overflow-wrap: normal; text-align: right; }
.figures {
  display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr));
}
figure { margin: 0.5rem 0; max-width: 30rem; min-width: 0; }
figure.broad { max-width: none; }
figure.beside {
  align-items: center; display: grid; gap: 0.5rem 2rem; max-width: none;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
}
figcaption { font-size: 0.85rem; margin-top: 0.25rem; max-width: 44rem; }
svg { display: block; height: auto; max-width: 100%; }
.plot {
  fill: currentColor; font-family: system-ui, sans-serif; font-size: 11px;
  max-width: min(100%, calc(var(--w) * 1.33px)); width: 100%;
}
.wide .plot { max-width: calc(var(--w) * 1.1px); min-width: min(calc(var(--w) * 1px), 40rem); }
.wide > svg:not(.plot) { max-width: none; }
"""
    + MARKS
    + """
svg .soft { opacity: 0.6; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.75rem 0; padding: 0 0.9rem; }
summary { cursor: pointer; padding: 0.5rem 0; }
math { font-size: 1.05em; }
footer { border-top: 1px solid var(--line); font-size: 0.85rem; margin-top: 3rem; padding-top: 1rem; }
@media (max-width: 30rem) {
  body { margin-top: 1rem; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; }
  .table { font-size: 0.88rem; }
  .table th, .table .right { min-width: 0; }
  .table th, .table td { padding-right: 0.5rem; }
}
@media print {
  @page { size: A4; margin: 16mm 15mm; }
  :root { color-scheme: light; }
  body { font-size: 10pt; margin: 0; max-width: none; padding: 0; }
  nav { display: none; }
  a { color: inherit; text-decoration: none; }
  h2 { break-after: avoid; margin-top: 1.5rem; } h3 { break-after: avoid; }
  figure, tr, .verdict li { break-inside: avoid; }
  .figures, figure.beside { grid-template-columns: 1fr 1fr; }
  .wide { overflow: visible; } .wide .plot { min-width: 0; } .wide > svg:not(.plot) { max-width: 100%; }
  details { border: 0; padding: 0; } summary { list-style: none; font-weight: 600; }
  details::details-content { content-visibility: visible; height: auto; }
}"""
)
