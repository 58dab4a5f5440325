"""Files given on the command line: read before the page is served, so that what is wrong is said there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clearprop.errors import DataError
from clearprop.tables import Table, read_table
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.opened_model import OpenedModel
from clearprop.web.bench.sets import SHIPPED, shipped_set, table_set

MODEL = ".safetensors"


@dataclass(frozen=True)
class Opened:
    """What new tabs begin with.

    Attributes
    ----------
    fresh : callable
        Makes such a bench.
    table : Table or None
        That was read, for the page's own menu.
    """

    fresh: Callable[[], Bench]
    table: Table | None = None


def opened(files: Sequence[str], target: str | None = None) -> Opened:
    """Benches of a model file and a table, of one of these alone, or of nothing.

    Parameters
    ----------
    target : str, optional
        The column to predict; the model's, or the last one.

    Raises
    ------
    DataError, ModelFileError
        When a file cannot be used.

    Examples
    --------
    >>> opened(["penguins"]).fresh().data.targets
    ('species',)
    """
    models = [file for file in files if file.endswith(MODEL)]
    tables = [file for file in files if not file.endswith(MODEL)]
    if len(models) > 1 or len(tables) > 1:
        raise DataError("serve opens one model file and one table at most")
    model = OpenedModel.load(models[0]) if models else None
    if model and target is not None and (target,) != model.targets:
        raise DataError(f"{models[0]} predicts {', '.join(model.targets)}, not {target}; leave --target away")
    if not tables:
        return Opened(lambda: Bench(opened=model))
    shipped = SHIPPED.get(tables[0]) if not Path(tables[0]).exists() else None
    if shipped and model is None and target is None:
        data = shipped_set(tables[0])
        return Opened(lambda: Bench(data))
    table = read_table(shipped.read() if shipped else tables[0])
    data = table_set(table, target or table.names[-1]) if model is None else model.read(table)
    return Opened(lambda: Bench(data, opened=model), table)
