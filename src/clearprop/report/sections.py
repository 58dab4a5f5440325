"""The sections of a report about data, training and score, and the score in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop.report import charts
from clearprop.report.content import Content
from clearprop.report.frame import said
from clearprop.report.judged import FEWEST_ROWS, Score
from clearprop.report.markup import beside, folded_grid, grid, span
from clearprop.report.resampling import RESAMPLES
from clearprop.table_model.baselines import METRICS
from clearprop.table_model.telling import baseline_in_words
from clearprop.words import number, percent, plural


def data(content: Content) -> str:
    """What was read, and how."""
    found = content.data
    gaps = plural(found.missing, "missing cell") if found.missing else "no missing cells"
    facts = [
        ("Table", f"{found.source}: {plural(found.rows, 'row')} with a target, {gaps}"),
        ("Target", found.target),
        ("Split", found.split),
        ("Network", content.network),
        ("Training", content.training),
    ]
    facts += [("Note", notice) for notice in found.notices]
    html = "<dl>" + "".join(f"<dt>{name}</dt><dd>{said(words)}</dd>" for name, words in facts) + "</dl>"
    if found.shares:
        html += "<h3>Classes</h3>" + _shares(content)
    if found.spread:
        head = ("target", "least", "25 %", "median", "75 %", "largest")
        rows = [(name, *map(number, five)) for name, five in found.spread]
        html += f"<h3>Target on the judged rows</h3>{folded_grid(head, rows, 'targets', range(1, 6))}"
    described = [(row.column, row.encoding, str(row.missing or "")) for row in found.columns]
    words = f"Columns ({plural(found.inputs, 'input')} for the network, read as the training rows say)"
    columns = folded_grid(("column", "how it is read", "missing"), described, "columns", (2,))
    return f"{html}<h3>{words}</h3>{columns}"


def _shares(content: Content) -> str:
    shares = content.data.shares
    judged = max(len(content.judged), 1)
    if content.judged.origin != "held out" or any(trained is None for _, trained, _ in shares):
        rows = [(label, f"{there:,}", percent(there / judged)) for label, _, there in shares]
        return folded_grid(("class", "rows", "share"), rows, "classes", (1, 2))
    every = max(sum(trained or 0 for _, trained, _ in shares), 1)
    both = [
        (label, f"{trained or 0:,}", percent((trained or 0) / every), f"{there:,}", percent(there / judged))
        for label, trained, there in shares
    ]
    head = ("class", "training rows", "share", "held-out rows", "share")
    return folded_grid(head, both, "classes", range(1, 5))


def learning(content: Content) -> str:
    """How the loss fell."""
    history, record = content.model.history, content.model.model.record
    if not history.get("epoch"):
        return "<p>No epoch was finished, so there is no curve.</p>"
    loss, held = history["loss"], history["validation_loss"]
    judged = any(value is not None for value in held)
    words = [f"The loss is {said(content.model.network.loss.name)}, after each epoch."]
    if judged and record is not None:
        best = int(np.nanargmin([np.nan if value is None else value for value in held]))
        words.append(
            f"{plural(record.held_out, 'row')} of the training set were held out from it to choose the epoch "
            f"(validation): the best is epoch {history['epoch'][best]}, at {number(held[best])}."
        )
    else:
        words.append("All training rows were trained on, none chose the epoch: there is no validation curve.")
    if content.model.network.l1 or content.model.network.l2:
        words.append("The training loss bears the penalties, the validation loss does not.")
    return beside(charts.learning_curves(history["epoch"], loss, held), " ".join(words))


def metrics(content: Content) -> str:
    """Scores with their intervals, beside the baseline."""
    head = ("", "network", "95 % interval", "baseline", "better by (95 %)")
    rows = [
        (score.title, number(score.value), span(score.interval), number(score.baseline), span(score.gain))
        for score in content.scores
    ]
    count = min(score.resamples for score in content.scores)
    few = "" if count == RESAMPLES else " (fewer than 1,000, as the rows are many)"
    words = (
        f"On {content.judged.words}. The baseline {baseline_in_words(content.model)}. Intervals hold the "
        f"middle 95 % of {count:,} bootstrap resamples of these rows{few}, seed {content.seed}; the last "
        "column compares network and baseline on the same resamples. They tell how the choice of these rows "
        "moves a score, not how another training would."
    )
    html = grid(head, rows, range(1, 5)) + f"<p>{said(words)}</p>"
    accuracy = content.scores[0]
    if accuracy.name == "accuracy" and accuracy.value == 1.0:
        most = percent(min(1.0, 3 / len(content.judged)))
        html += (
            f"<p>No mistake among {len(content.judged):,} rows leaves a bootstrap nothing to vary; by the "
            f"rule of three, up to {most} mistakes elsewhere would not surprise (95 %).</p>"
        )
    if content.judged.evaluation.by_target:
        each = content.judged.evaluation.by_target
        names = list(next(iter(each.values())))
        lines = [(target, *(number(scores[name]) for name in names)) for target, scores in each.items()]
        titles = [METRICS[name][0] for name in names]
        html += f"<h3>Each target</h3>{folded_grid(('target', *titles), lines, 'targets', range(1, 4))}"
    return html


def first_sentence(content: Content) -> tuple[str, str]:
    """Kind and words of the score's verdict."""
    score, rows = content.main, len(content.judged)
    interval = f"95 % interval {span(score.interval)}"
    if score.name == "accuracy" and score.value == 1.0:
        interval = f"no mistake; at least {number(max(0.0, 1 - 3 / rows))} by the rule of three, 95 %"
    told = (
        f"{'so few' if rows < FEWEST_ROWS else 'these'} rows do not show that the network is better or worse"
    )
    if score.verdict != "open":
        told = f"the network is {score.verdict}"
    title = score.title[:1].upper() + score.title[1:]
    baseline = baseline_in_words(content.model).split(", with ")[0]
    words = (
        f"<b>{title} {number(score.value)}</b> ({interval}) on {said(content.judged.words)}. The baseline, "
        f"which {said(baseline)}, has {number(score.baseline)}: {told}."
    )
    second = _by_log_loss(content.scores) if score.verdict == "open" else ""
    return {"better": "good", "worse": "bad", "open": "open"}[score.verdict], words + second


def _by_log_loss(scores: Sequence[Score]) -> str:
    """Where accuracy leaves it open, the probabilities may not."""
    other = next((score for score in scores if score.name == "log_loss"), None)
    if other is None or other.verdict == "open":
        return ""
    return (
        f" Its probabilities are {other.verdict}: log-loss {number(other.value)}, {number(other.baseline)}."
    )
