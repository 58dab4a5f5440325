"""The sections of a report about what the network answers: mistakes, curves, residuals, importance."""

from __future__ import annotations

import numpy as np

from clearprop.report import charts
from clearprop.report.content import Content
from clearprop.report.frame import cut, said
from clearprop.report.markup import LONGEST_NAME, beside, figure, figures, folded, folded_grid, grid
from clearprop.table_model.baselines import METRICS
from clearprop.words import number, plural

MOST_MISTAKES = 10
MOST_TARGETS = 3  #: of numbers, that are drawn at once; the others fold


def mistakes(content: Content) -> str:
    """What was taken for what: shades, and the most frequent mistakes in words."""
    table = content.judged.evaluation.confusion
    if table is None:
        return ""
    labels, html = content.labels, ""
    if len(labels) <= charts.MOST_PALE:
        caption = "A row for each true class; a shade is a share of its rows, blue where the answer is right."
        picture = charts.confusion_map(table, labels)
        broad = len(labels) > charts.MOST_NUMBERED
        html = figure(picture, caption, broad=True) if broad else beside(picture, caption)
    wrong = [(int(table[i, j]), int(i), int(j)) for i, j in np.argwhere(table) if i != j]
    if not wrong:
        return html + "<p>There is no mistake among them.</p>"
    if len(labels) > 3:
        wrong.sort(key=lambda mistake: (-mistake[0], mistake[1:]))
        total = sum(count for count, _, _ in wrong)
        rows = [(labels[i], labels[j], count) for count, i, j in wrong[:MOST_MISTAKES]]
        more = len(wrong) - MOST_MISTAKES
        rest = f"<p>... and {plural(more, 'other kind')}.</p>" if more > 0 else ""
        words = f"Most frequent mistakes ({plural(total, 'row')} in all)"
        html += f"<h3>{words}</h3>{grid(('true class', 'taken for', 'rows'), rows, (2,))}{rest}"
    return html


def ranking(content: Content) -> str:
    """ROC, precision and recall, by class."""
    classes = content.classes
    drawn = [each for each in classes if each.roc is not None and each.precision_recall is not None]
    if not drawn:
        return "<p>A curve needs rows of a class and rows of others, and there are none.</p>"
    worst = sorted(drawn, key=lambda each: each.roc.area if each.roc else 0.0)
    named = drawn if len(drawn) <= charts.MOST_NAMED else worst[: charts.MOST_NAMED]
    others = [each for each in drawn if each not in named]
    roc = charts.curves(
        [(each.label, each.roc.x, each.roc.y) for each in named if each.roc],
        [(each.roc.x, each.roc.y) for each in others if each.roc],
        ("share of other rows taken for the class", "share of its rows found"),
        diagonal=True,
    )
    precision = charts.curves(
        [(each.label, *each.precision_recall.steps()) for each in named if each.precision_recall],
        [each.precision_recall.steps() for each in others if each.precision_recall],
        ("recall: share of its rows found", "precision: share right"),
    )
    shown = (
        f"the {charts.MOST_NAMED} classes with the least area by name, others pale"
        if others
        else "each class against all others"
        if len(content.labels) > 2
        else f"{cut(classes[0].label, 40)} against {cut(content.labels[0], 40)}"
    )
    rows = [
        (
            each.label,
            f"{each.rows:,}",
            number(each.precision),
            number(each.recall),
            number(each.roc.area if each.roc else None),
            number(each.precision_recall.area if each.precision_recall else None),
        )
        for each in (worst + [each for each in classes if each not in drawn] if others else classes)
    ]
    head = ("class", "rows", "precision", "recall", "ROC AUC", "average precision")
    table = folded_grid(head, rows, "classes", range(1, 6))
    return (
        figures(
            figure(roc, f"ROC; {shown}."),
            figure(precision, f"Precision and recall over all thresholds; {shown}."),
        )
        + table
    )


def calibration(content: Content) -> str:
    """How far the probabilities can be believed."""
    found = content.calibration
    if found is None:
        return "<p>This loss gives scores, not probabilities; there is nothing to calibrate.</p>"
    two = len(content.labels) == 2
    of = f"probability given to {content.labels[1]}" if two else "probability of the class answered"
    words = (
        f"Rows are put into {len(found.counts)} bins by the {said(of)}. On the dashed line a probability of "
        f"0.7 comes true in 7 of 10 rows. Expected calibration error {number(found.error)}: the mean "
        "distance from the line, weighted by rows; a bin of few rows lies off it by chance."
    )
    return beside(charts.reliability_diagram(found, of), words)


def residuals(content: Content) -> str:
    """Numbers predicted, against the true ones."""
    judged, seed = content.judged, content.seed
    chosen = np.sort(np.random.default_rng(seed).permutation(len(judged))[: charts.MOST_POINTS])
    sample = f" {len(chosen):,} of {len(judged):,} rows are drawn." if len(chosen) < len(judged) else ""
    each = []
    for k, name in enumerate(content.model.target.columns):
        true, predicted = judged.y[:, k], judged.answers[:, k]
        pictures = figures(
            figure(
                charts.predicted_against_true(true[chosen], predicted[chosen], name),
                f"Predicted against true.{sample}",
            ),
            figure(
                charts.residuals_against_prediction(predicted[chosen], (true - predicted)[chosen]),
                f"A cloud without a shape leaves nothing to learn.{sample}",
            ),
            figure(charts.residual_histogram(true - predicted), "How large the residuals are, all rows."),
        )
        several = len(content.model.target.columns) > 1
        each.append((f"<h3>{cut(name, LONGEST_NAME)}</h3>" if several else "") + pictures)
    rest = each[MOST_TARGETS:]
    return "\n".join(each[:MOST_TARGETS]) + (
        folded(f"{plural(len(rest), 'more target')}", "\n".join(rest)) if rest else ""
    )


def importance(content: Content) -> str:
    """What each column is worth to the score."""
    found = content.importance
    title = METRICS[found.score][0]
    of = "these rows" if found.rows == len(content.judged) else f"a sample of {found.rows:,} of these rows"
    cut_off = len(found.columns) > charts.MOST_COLUMNS
    words = (
        f"How much worse the {title} gets when a column's cells are shuffled among {of}: the mean of "
        f"{found.losses.shape[1]} shuffles, and a whisker of one standard deviation to either side. Columns "
        "that say the same share their worth, so each may look worthless."
        + (
            f" The {charts.MOST_COLUMNS} most important of {len(found.columns):,} are drawn."
            if cut_off
            else ""
        )
    )
    html = beside(charts.importance_bars(found), words)
    rows = [
        (name, number(mean), number(spread))
        for name, mean, spread in zip(
            found.columns, found.means.tolist(), found.spreads.tolist(), strict=True
        )
    ]
    if not cut_off:
        return html
    return html + folded("All columns as numbers", grid(("column", "worse by", "deviation"), rows, (1, 2)))
