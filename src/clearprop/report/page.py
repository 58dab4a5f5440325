"""`write_report`: a report as one page of HTML that needs no script, no network and no other file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from clearprop.durable import write_durably
from clearprop.environment import __version__
from clearprop.glassbox.diagnosis import Watch
from clearprop.glassbox.render.html import STYLE as STYLE_OF_DERIVATIONS
from clearprop.report import answers, glass, sections
from clearprop.report.content import Content, content_of
from clearprop.report.frame import cut, said
from clearprop.report.style import STYLE
from clearprop.table_model import TableModel
from clearprop.table_model.baselines import METRICS
from clearprop.words import number, plural

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def page_of(content: Content) -> str:
    """The whole page."""
    *others, last = content.model.target.columns
    target = f"{', '.join(others)} and {last}" if others else last
    title = f"Report on {cut(target, 80)} ({cut(content.data.source, 80)})"
    parts = _parts(content)
    links = "".join(f'<a href="#{name}">{heading}</a>\n' for name, heading, _ in parts)
    body = "\n".join(
        f'<section id="{name}">\n<h2>{heading}</h2>\n{html}\n</section>' for name, heading, html in parts
    )
    verdict = "\n".join(f'<li class="{kind}">{words}</li>' for kind, words in _verdict(content))
    head = f'<header>\n<h1>{title}</h1>\n</header>\n<ul class="verdict">\n{verdict}\n</ul>'
    return PAGE.format(
        title=title,
        style=f"{STYLE_OF_DERIVATIONS}\n{STYLE}",
        body=f"{head}\n<nav>\n{links}</nav>\n{body}\n{_footer(content)}",
    )


def _parts(content: Content) -> list[tuple[str, str, str]]:
    """Name, heading and HTML of each section, in the order in which they are read."""
    parts = [
        ("data", "Data", sections.data(content)),
        ("learning", "Learning curves", sections.learning(content)),
        ("metrics", "Metrics", sections.metrics(content)),
    ]
    if content.model.target.task == "classes":
        parts += [
            ("confusion", "Confusion", answers.mistakes(content)),
            ("ranking", "ROC, precision and recall", answers.ranking(content)),
            ("calibration", "Calibration", answers.calibration(content)),
        ]
    else:
        parts.append(("residuals", "Residuals", answers.residuals(content)))
    return [
        *parts,
        ("importance", "Permutation importance", answers.importance(content)),
        ("gradients", "Gradient flow", glass.gradients(content)),
        ("diagnosis", "Diagnosis", glass.diagnosis(content)),
        ("certificate", "Gradient certificate", glass.certificate(content)),
        ("example", "One derived example", glass.example(content)),
    ]


def _verdict(content: Content) -> list[tuple[str, str]]:
    """What a reader in a hurry should know: kind (good, bad, open) and words."""
    found = [sections.first_sentence(content)]
    if content.judged.origin == "training":
        words = "No rows were held out: the network was trained on the rows that judge it, which flatters it."
        found.append(("bad", f"<b>{words}</b>"))
    if content.findings:
        names = ", ".join(said(each.title) for each in content.findings)
        fault = any(each.severity == "fault" for each in content.findings)
        count = plural(len(content.findings), "thing")
        found.append(("bad" if fault else "open", f"The diagnosis found {count}: <b>{names}</b>."))
    else:
        found.append(("good", "The diagnosis found nothing that keeps the network from learning."))
    importance = content.importance
    if importance.means[0] > importance.spreads[0]:
        title = METRICS[importance.score][0]
        worst = f"with its cells shuffled the {title} is {number(float(importance.means[0]))} worse"
        found.append(
            ("open", f"The most important column is <b>{cut(importance.columns[0], 80)}</b>: {worst}.")
        )
    certificate = content.certificate
    if certificate.holds:
        worst = f"worst error {certificate.worst:.1e}, tolerance {certificate.tolerance:.0e}"
        found.append(("good", f"The gradient certificate holds ({worst})."))
    else:
        found.append(("bad", "<b>The gradient certificate DOES NOT HOLD.</b>"))
    return found


def _footer(content: Content) -> str:
    record = content.model.model.record
    words = [f"clearprop {__version__}"]
    if record is not None:
        words.append(f"seed {record.seed}, {record.dtype}, {record.engine} engine")
        words.append(f"training data {record.data}" if record.data else "")
    told = "; ".join(said(each) for each in words if each)
    return f"<footer><p>{told}. The same table, settings and seed give the same page.</p></footer>"


def write_report(
    model: TableModel,
    source: Any,
    path: str | os.PathLike[str],
    *,
    watch: Watch | None = None,
    seed: int = 0,
) -> None:
    """Write a report of a table model: one HTML page, without script, that opens without a network.

    What the data are, how the loss fell, the metrics with bootstrap intervals beside the baseline, confusion
    or residuals, ROC, precision and recall, calibration, permutation importance, gradients by layer,
    diagnosis, gradient certificate, and one derivative written out.

    Parameters
    ----------
    model : TableModel
    source : TablePlan, Table, path or DataFrame
        A plan, as `plan_table` makes it: the report of a training, judged on the rows held out (or, where
        there are none, on those trained on, and it says so). Anything else: the model judged on all rows of
        a table whose target is known; the page cannot know whether it was trained on them.
    path : path
        Written whole or not at all.
    watch : Watch, optional
        That saw the training (`callbacks=watch`); without it the page has no picture of the gradients.
    seed : int
        Of what is drawn: resamples, shuffles, points of a cloud.

    Raises
    ------
    DataError, SpecificationError
        When no row has a target, a column is missing, or the model is no table's.
    OSError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model import Settings, train_plan
    >>> from clearprop.table_model.plan import plan_table
    >>> watch = Watch(live=False)
    >>> plan = plan_table(penguins_path(), "species", test=0.2, settings=Settings(hidden=(8,), epochs=30))
    >>> model = train_plan(plan, callbacks=watch)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(model, plan, f"{folder}/report.html", watch=watch)
    ...     (Path(folder) / "report.html").read_text().startswith("<!DOCTYPE html>")
    True

    Notes
    -----
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), for the percentile intervals; Breiman,
    Random Forests (2001), for permutation importance; Guo et al. (2017) for calibration.
    """
    page = page_of(content_of(model, source, watch=watch, seed=seed))
    write_durably(Path(path), page.encode("utf-8"))
