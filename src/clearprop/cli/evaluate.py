"""`clearprop evaluate`: how good a model is on rows whose target is known."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearprop.cli.answering import CHECK_FAILED, DONE, answering, require_page, write_json
from clearprop.cli.console import Screen, complain
from clearprop.cli.reading import Reading, reading_options, say
from clearprop.cli.threads import Threads
from clearprop.errors import SpecificationError
from clearprop.words import number, plural

if TYPE_CHECKING:
    from clearprop.table_model.baselines import Evaluation

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@answering
@reading_options
def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="A table with the target; see train.")],
    check: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help='End with exit code 1 unless it holds: "accuracy >= 0.9".'),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page about data, training and score (HTML).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    threads: Threads = None,
    *,
    reading: Reading,
) -> int:
    """Evaluate a model on rows whose target is known, beside the trivial baseline."""
    from clearprop.cli.reports import show_evaluation
    from clearprop.table_model import TableModel
    from clearprop.tables.noticing import without_target

    if report is not None:
        require_page(report, *data, model)
    loaded = TableModel.load(model)
    table = reading.table_for(loaded, data)
    result = loaded.judge_table(table)
    say(without_target(table, loaded.target))
    failed = [condition for condition in check or () if not _holds(condition, result)]
    if as_json:
        known = {"model": model, "data": table.source, "target": list(loaded.target.columns)}
        write_json({**known, "task": loaded.target.task, **result.to_dict(), "checks_failed": failed})
    else:
        show_evaluation(Screen(), result, loaded, f"{plural(result.rows, 'row')} of {table.source}")
    if report is not None:
        from clearprop.report import write_report

        write_report(loaded, table, report)
        complain(f"report written to {report}")
    for condition in failed:
        name = _parsed(condition)[0]
        complain(f"check failed: {condition}, and {name} is {number(result.metrics[name])}")
    return CHECK_FAILED if failed else DONE


def _parsed(condition: str) -> tuple[str, str, float]:
    match = re.fullmatch(r"\s*([\w -]+?)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*", condition)
    try:
        if match:
            return re.sub("[ -]", "_", match[1]).lower(), match[2], float(match[3])
    except ValueError:
        pass
    raise SpecificationError(f'--check is a condition such as "accuracy >= 0.9", not {condition!r}')


def _holds(condition: str, result: Evaluation) -> bool:
    name, comparison, bound = _parsed(condition)
    if name not in result.metrics:
        raise SpecificationError(
            f"--check: there is no metric {name!r} here, but {', '.join(result.metrics)}"
        )
    value = result.metrics[name]
    return value is not None and _COMPARE[comparison](value, bound)
