"""Inputs and targets standardised or raw, whatever the set: a dataset read anew by the encoders that do so.

A table has encoders; points get some, columns of numbers, so what is made of them is a table's: its cells are
shown and typed in their own units, and a model that is taken away scales what it is given by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.table_model import Settings
from clearprop.table_model.plan import LARGEST_FEATURE, TablePlan, features, targets
from clearprop.table_model.rows import Rows
from clearprop.tables import Encoder, Table, Target, read_table
from clearprop.tables.encodings import Encoding, NumberEncoding
from clearprop.web.bench.dataset import Dataset, Part

SCALES = ("standardised", "raw")


def scaled(data: Dataset, *, inputs: str | None = None, targets: str | None = None) -> Dataset:
    """The dataset with columns of numbers on another scale; None leaves them as the set has them.

    Parameters
    ----------
    inputs, targets : {"standardised", "raw"} or None
        (x - mean) / deviation over the rows to train on, or the numbers themselves. Classes have no scale.

    Raises
    ------
    DataError
        When there are too few rows to know a deviation, or the targets to standardise are all the same.

    Examples
    --------
    >>> from clearprop.web.bench.sets import generated_set
    >>> X = scaled(generated_set("moons"), inputs="standardised").training.X
    >>> bool(np.abs(X.mean(axis=0)).max() < 1e-12), X.std(axis=0).round(12).tolist()
    (True, [1.0, 1.0])
    """
    goal = None if data.classes else targets
    wanted = {name: kind for name, kind in (("inputs", inputs), ("targets", goal)) if kind is not None}
    if not wanted or (data.plan is None and set(wanted.values()) == {"raw"}):
        return data
    if len(data.training) < 2:
        raise DataError(f"{data.title} has one row to train on, and that has no deviation to standardise by")
    plan = data.plan or _plan_of(data)
    encoder, target = plan.encoder, plan.target
    if inputs is not None:
        encoder = Encoder.of([_as(row, inputs, plan.training) for row in encoder.columns], data.title)
    if goal is not None:
        target = _target_as(target, goal, plan.training)
    plan = replace(plan, encoder=encoder, target=target)
    first, second = (None if table is None else _part(plan, table) for table in (plan.training, plan.test))
    assert first is not None  # noqa: S101 - a plan has rows to train on
    options = ", ".join(f"{name}={kind!r}" for name, kind in wanted.items())
    given = {name for name in data.standardised if name not in wanted}
    return replace(
        data,
        plan=plan,
        training=first,
        held_out=second,
        notices=(*data.notices, *_told(wanted), *_clipped(first.X, encoder)),
        standardised=frozenset(given | {name for name, kind in wanted.items() if kind == "standardised"}),
        recipe=f"scaled({data.recipe}, {options})" if data.recipe else "",
    )


def _as(row: Encoding, kind: str, training: Table) -> Encoding:
    """A column's encoding on another scale; what is no number, or constant, stays."""
    if not isinstance(row, NumberEncoding):
        return row
    if kind == "raw":
        return replace(row, mean=0.0, std=1.0) if row.std > 0 else row
    own = NumberEncoding.fit(training.column(row.column))
    return replace(own, missing=row.missing)


def _target_as(target: Target, kind: str, training: Table) -> Target:
    if kind == "standardised":
        return replace(Target.fit(training, target.columns, "numbers"), reason=target.reason)
    k = len(target.columns)
    return replace(target, means=(0.0,) * k, stds=(1.0,) * k)


def _part(plan: TablePlan, table: Table) -> Part:
    return Part(features(plan.encoder, table), targets(plan.network, plan.target, table), table.row_numbers)


def _plan_of(data: Dataset) -> TablePlan:
    """Points as a table whose encoders change nothing, in the parts that they have."""
    parts = [_table_of(data, part) for part in data.parts]
    training = parts[0]
    columns = [NumberEncoding(name, 0.0, 0.0, 1.0, 0) for name in data.features]
    encoder = Encoder.of(columns, data.title)
    k = len(data.targets)
    kind, scale = ("text", ()) if data.classes else ("number", (0.0,) * k)
    target = Target(data.targets, data.task, kind, data.classes, scale, tuple(1.0 for _ in scale), "")  # type: ignore[arg-type]
    settings = Settings()
    places = np.arange(training.n_rows)
    rows = Rows(training, places, training.row_numbers, target, None, None, (), {}, ())
    return TablePlan(
        encoder=encoder,
        target=target,
        network=settings.network(len(columns), target),
        settings=settings,
        training=training,
        test=parts[1] if len(parts) > 1 else None,
        share=None,
        weights=None,
        ties=None,
        roles={},
        notices=(),
        rows=rows,
        taught=places,
    )


def _table_of(data: Dataset, part: Part) -> Table:
    import polars as pl

    columns: dict[str, Any] = {name: part.X[:, i] for i, name in enumerate(data.features)}
    if data.classes:
        columns |= {data.targets[0]: [data.classes[k] for k in part.Y.astype(np.int64).ravel()]}
    else:
        columns |= {name: part.Y[:, k] for k, name in enumerate(data.targets)}
    return replace(read_table(pl.DataFrame(columns)), source=data.title, row_numbers=part.numbers)


def _told(wanted: dict[str, str]) -> list[str]:
    said = {"standardised": "mean 0 and deviation 1 over the rows to train on", "raw": "in their own units"}
    return [f"{name} {kind}: {said[kind]}" for name, kind in wanted.items()]


def _clipped(X: Array, encoder: Encoder) -> list[str]:
    """Which raw inputs are too large to be carried, and so are held."""
    names = np.array(encoder.feature_names)[(np.abs(X) >= LARGEST_FEATURE).any(axis=0)]
    return [f"{name}: held within {LARGEST_FEATURE:g}" for name in names.tolist()]
