"""`clearprop predict`: a model's answers for the rows of a table, as CSV, Parquet or JSON."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from clearprop.cli.answering import DONE, answering, require_writable, write_json
from clearprop.cli.console import complain
from clearprop.cli.reading import Reading, reading_options
from clearprop.cli.threads import Threads
from clearprop.durable import write_durably
from clearprop.errors import DataError
from clearprop.words import plural

if TYPE_CHECKING:
    from clearprop.table_model import TableModel
    from clearprop.tables import Table

WRITABLE = (".csv", ".csv.gz", ".parquet")


@answering
@reading_options
def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="A table with the training columns.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write here (.csv, .csv.gz, .parquet), not to the screen."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    threads: Threads = None,
    *,
    reading: Reading,
) -> int:
    """Predict the target of every row: its number from 1, the answer, the probability of each class."""
    from clearprop.table_model import TableModel

    if out is not None:
        if as_json:
            raise DataError("--json writes to the screen; leave --out away, or redirect it: > FILE")
        require_suffix(out)
        require_writable(out, *data, model)
    loaded = TableModel.load(model)
    table = reading.table_for(loaded, data)
    columns = answers(loaded, table)
    if as_json:
        write_json({"model": model, "data": table.source, **_as_plain(loaded, columns)})
    elif out is None:
        sys.stdout.write(_as_csv(columns, loaded.theta.dtype == np.float32))
    else:
        write_durably(out, encoded(out, columns, loaded.theta.dtype == np.float32))
        complain(f"{plural(table.n_rows, 'row')} written to {out}")
    return DONE


def answers(model: TableModel, table: Table) -> dict[str, Any]:
    """Columns of the result by name: `row`, `predicted_<target>`, and `p_<class>` for classes."""
    y_hat = model.outputs(table)
    columns: dict[str, Any] = {"row": table.row_numbers.tolist()}
    said = model.answers(y_hat)
    for j, target in enumerate(model.target.columns):
        columns[f"predicted_{target}"] = (said if said.ndim == 1 else said[:, j]).tolist()
    if model.gives_probabilities:
        for k, p in enumerate(model.probabilities(y_hat).T):
            columns[f"p_{model.target.classes[k]}"] = p.tolist()
    return columns


def _as_plain(model: TableModel, columns: dict[str, Any]) -> dict[str, Any]:
    """The result as JSON types: one record a row."""
    names, target = list(columns), model.target
    first = 1 + len(target.columns)
    rows = []
    for values in zip(*columns.values(), strict=True):
        record: dict[str, Any] = {"row": values[0]}
        record["prediction"] = dict(zip(target.columns, values[1:first], strict=True))
        if len(names) > first:
            pairs = zip(map(str, target.classes), values[first:], strict=True)
            record["probabilities"] = dict(pairs)
        rows.append(record)
    return {"target": list(target.columns), "task": target.task, "rows": rows}


def _as_csv(columns: dict[str, Any], single: bool) -> str:
    """CSV text; as many digits as the network's numbers have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    spelled = [[_spelled(value, single) for value in values] for values in columns.values()]
    writer.writerows(zip(*spelled, strict=True))
    return text.getvalue()


def _spelled(value: Any, single: bool) -> Any:
    return f"{value:.7g}" if single and isinstance(value, float) else value


def require_suffix(out: Path) -> None:
    """Raise DataError for a file of no format that is written here."""
    if not out.name.lower().endswith(WRITABLE):
        raise DataError(
            f"--out {str(out)!r}: the suffix names no format written here; use {', '.join(WRITABLE)}"
        )


def encoded(out: Path, columns: dict[str, Any], single: bool) -> bytes:
    """Columns as the content of a file of that name; `single` writes seven digits."""
    name = out.name.lower()
    if name.endswith(".parquet"):
        import polars as pl

        buffer = io.BytesIO()
        pl.DataFrame(columns).write_parquet(buffer)
        return buffer.getvalue()
    content = _as_csv(columns, single).encode()
    if name.endswith(".gz"):
        import gzip

        return gzip.compress(content, mtime=0)
    return content
