"""Files given on the command line: read before the page is served, so that what is wrong is said there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clearprop.errors import DataError
from clearprop.specification import Network
from clearprop.table_model import TableModel
from clearprop.tables import Table, read_table
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.sets import SHIPPED, model_set, shipped_set, table_set
from clearprop.web.bench.settings import Layer, Settings

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
    """Benches of a model file and a table, of a table alone, or of nothing.

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
    if models and not tables:
        raise DataError(f"{models[0]} reads a table; name it too: clearprop serve {models[0]} data.csv")
    if not tables:
        return Opened(Bench)
    shipped = SHIPPED.get(tables[0]) if not Path(tables[0]).exists() else None
    if shipped and not models and target is None:
        data = shipped_set(tables[0])
        return Opened(lambda: Bench(data))
    table = read_table(shipped.read() if shipped else tables[0])
    if models:
        return Opened(_of_model(TableModel.load(models[0]), table), table)
    data = table_set(table, target or table.names[-1])
    return Opened(lambda: Bench(data), table)


def _of_model(model: TableModel, table: Table) -> Callable[[], Bench]:
    data, settings = model_set(model, table), settings_of(model.network, str(model.theta.dtype))
    return lambda: _bench(data, settings, model)


def _bench(data: Dataset, settings: Settings, model: TableModel) -> Bench:
    return Bench(data, settings, network=model.network, start=model.theta)


def settings_of(network: Network, dtype: str) -> Settings:
    """Settings that build such a network (its rows by their names alone)."""
    hidden = [
        Layer(each.units, each.activation.name, each.dropout, each.bias) for each in network.layers[:-1]
    ]
    return Settings(
        layers=tuple(hidden),
        output_bias=network.output.bias,
        loss=network.loss.name,
        l1=network.l1,
        l2=network.l2,
        dtype=dtype,
    )
