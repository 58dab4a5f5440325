"""The sections of a report that look into the network: gradients, diagnosis, certificate, an example."""

from __future__ import annotations

import numpy as np

from clearprop.glassbox.diagnosis import Finding
from clearprop.glassbox.render.html import MathmlWriter, html_of
from clearprop.report.content import Content
from clearprop.report.frame import cut, said
from clearprop.report.markup import figure, folded, grid
from clearprop.table_model.explaining import Input
from clearprop.words import number, plural

MOST_INPUTS = 24  #: of the example's row that are shown at once


def gradients(content: Content) -> str:
    """How the gradients were spread, layer by layer."""
    if not content.gradients:
        return "<p>The training was not watched, so there is no picture of its gradients.</p>"
    words = (
        "Sizes of the weights' gradients, layer by layer, after epochs of the training: the median, the "
        "middle half, and 90 % of them. Layers whose bands sink far below the last one's hardly learn; "
        "steep rises are steps that were too large."
    )
    return figure(content.gradients, words, broad=True)


def diagnosis(content: Content) -> str:
    """What was found, with its remedy."""
    seen = "; ".join(f"{name} = {value:.4g}" for name, value in content.looked_at.items())
    looked = f'<p class="soft">Looked at: {said(seen)}</p>'
    if not content.findings:
        return f"<p>Nothing was found that keeps the network from learning.</p>{looked}"
    return "\n".join(map(_finding, content.findings)) + looked


def _finding(finding: Finding) -> str:
    rows = [
        ("numbers", finding.figures),
        ("equation", finding.equation),
        ("remedy", finding.remedy),
        ("change", finding.settings),
    ]
    lines = "".join(f"<dt>{name}</dt><dd>{said(words)}</dd>" for name, words in rows if words)
    severity = "a fault" if finding.severity == "fault" else "a note"
    return f"<h3>{said(finding.title)} ({severity})</h3><p>{said(finding.explanation)}</p><dl>{lines}</dl>"


def certificate(content: Content) -> str:
    """Whether the gradient is the mathematics' own."""
    found = content.certificate
    verdict = "holds" if found.holds else "DOES NOT HOLD"
    which = f"{found.checked:,} of {plural(found.parameters, 'parameter')}"
    on = plural(found.examples - found.left_out, "row")
    words = (
        f"<b>It {verdict}.</b> The {said(found.engine)} engine's gradient ({said(found.dtype)}) was compared "
        f"with the complex step, {which} on {on}: the worst error is {found.worst:.1e}, the tolerance "
        f"{found.tolerance:.0e}. Errors are relative to the backward pass taken with absolute values."
    )
    rows = [
        (check.name, " x ".join(map(str, check.shape)), f"{check.checked:,}", f"{check.error:.1e}")
        for check in found.arrays
    ]
    kinks = "; ".join(f"{kink.count:,} on {kink.where}" for kink in found.kinks)
    left = f"<p>Left out, as no derivative exists there: {said(kinks)}.</p>" if kinks else ""
    table = grid(("array", "shape", "compared", "worst error"), rows, (1, 2, 3))
    return f"<p>{words}</p>{left}{folded('Each array', table)}"


def example(content: Content) -> str:
    """One row as it was written and as the network is given it, and one derivative there."""
    found = content.example
    seen = found.seen
    columns: dict[str, list[Input]] = {}
    for each in seen.inputs:
        columns.setdefault(each.column, []).append(each)
    rows = [
        (f"x[{each.index}]", *((name, each.cell) if k == 0 else ("", "")), _slot(each.feature, name),
         f"{each.value:.4g}")
        for name, own in columns.items()
        for k, each in enumerate(own)
    ]  # fmt: skip
    head = ("", "column", "cell", "feature", "number")
    table = grid(head, rows[:MOST_INPUTS], (4,))
    if len(rows) > MOST_INPUTS:
        more = f"{plural(len(rows) - MOST_INPUTS, 'more input')}"
        table += folded(more, grid(head, rows[MOST_INPUTS:], (4,)))
    numbers = content.model.target.task == "numbers"
    answer, written = _spelled(seen.answer, numbers), _spelled(seen.written, numbers)
    name = found.derivation.tree.quantity
    symbol = "" if name is None else name.text
    intro = (
        f"Row {seen.row} of {said(content.judged.table.source)}, chosen because {said(found.why)}. The "
        f"network answers <b>{cut(answer, 80)}</b>; the table says {cut(written, 80)}. The loss of this "
        f"row is {number(seen.trace.loss)}."
    )
    lines = html_of(MathmlWriter(found.derivation.digits).lines(found.derivation.tree))
    words = (
        f"{symbol} is the derivative of this row's loss by the weight of that layer to which it is "
        "most sensitive, by the chain rule, layer by layer, with the numbers put in (BP1 to BP4). Long sums "
        f"show their largest terms and the rest as one. Units count from 1 in the formulas and from 0 in "
        f"{symbol}."
    )
    return (
        f"<p>{intro}</p>{folded('The row as it is written and as the network is given it', table)}"
        f'<p>{said(words)}</p><div class="wide">{lines}</div>'
    )


def _slot(feature: str, column: str) -> str:
    """A feature without its column's name before it."""
    return "" if feature == column else feature.removeprefix(column).lstrip(" =") or feature


def _spelled(answer: object, numbers: bool) -> str:
    """An answer, or what the table says: labels as they are, numbers rounded."""
    if isinstance(answer, list | tuple | np.ndarray):
        return ", ".join(_spelled(each, numbers) for each in answer)
    try:
        return number(float(str(answer))) if numbers else str(answer)
    except ValueError:  # written with a decimal comma, say
        return str(answer)
