"""The data a bench can be given: shipped sets, generated ones, and tables of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.datasets import penguins_path
from clearprop.engines.examples import check_targets
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import losses
from clearprop.specification import Network
from clearprop.table_model import Settings, TableModel
from clearprop.table_model.plan import TablePlan, features, plan_table, targets, unseen_slots
from clearprop.table_model.rows import Rows
from clearprop.tables import Table, read_table
from clearprop.tables.deciding import Task
from clearprop.training.validation import hold_out
from clearprop.web.bench.dataset import Dataset, Part
from clearprop.web.bench.generated import drawn

MOST_ROWS = 100_000  #: of a generated set
SHARE = 0.25  #: of the rows, held out by default


@dataclass(frozen=True)
class Shipped:
    """A table that comes with clearprop or with scikit-learn."""

    title: str
    target: str
    read: Callable[[], Any]
    exclude: tuple[str, ...] = ()
    picture: tuple[int, int] | None = None


def _of_scikit(name: str) -> Callable[[], Any]:
    def read() -> Any:
        import polars as pl
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")()
        names = [str(each).removesuffix(" (cm)").replace(" ", "_") for each in bunch.feature_names]
        frame = {column: bunch.data[:, k] for k, column in enumerate(names)}
        labels = getattr(bunch, "target_names", None)
        wanted = bunch.target if labels is None else [str(labels[k]) for k in bunch.target]
        return pl.DataFrame({**frame, _TARGETS[name]: wanted})

    return read


_TARGETS = {"iris": "species", "digits": "digit", "breast_cancer": "diagnosis", "diabetes": "progression"}

#: name -> a shipped table; in the order of the menu
SHIPPED: Mapping[str, Shipped] = MappingProxyType(
    {
        "penguins": Shipped("Penguins", "species", penguins_path, ("year",)),
        "iris": Shipped("Iris", "species", _of_scikit("iris")),
        "digits": Shipped("Digits", "digit", _of_scikit("digits"), picture=(8, 8)),
        "breast_cancer": Shipped("Breast cancer", "diagnosis", _of_scikit("breast_cancer")),
        "diabetes": Shipped("Diabetes", "progression", _of_scikit("diabetes")),
    }
)


def shipped_set(name: str, *, share: float = SHARE, seed: int = 0) -> Dataset:
    """A table of `SHIPPED`.

    >>> shipped_set("iris").features
    ('sepal_length', 'sepal_width', 'petal_length', 'petal_width')
    """
    entry = SHIPPED[name]
    table = replace(read_table(entry.read()), source=entry.title)
    found = table_set(table, entry.target, share=share, seed=seed, exclude=entry.exclude)
    recipe = f"shipped_set({name!r}, share={share!r}, seed={seed!r})"
    return replace(found, table=None, picture=entry.picture, recipe=recipe, file="")


def generated_set(
    name: str, *, rows: int = 300, noise: float = 0.1, share: float = SHARE, seed: int = 0
) -> Dataset:
    """Points of `GENERATED`, drawn by a seed.

    >>> len(generated_set("moons", rows=200).training)
    150
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or not 8 <= rows <= MOST_ROWS:
        raise SpecificationError(f"rows is a whole number from 8 to {MOST_ROWS:,}, not {rows!r}")
    if not 0 <= noise <= 10:
        raise SpecificationError(f"noise is a number from 0 to 10, not {noise!r}")
    X, y = drawn(name, rows, noise, seed)
    classes = ("0", "1") if y.dtype == np.int64 else ()
    judge = losses["binary_cross_entropy" if classes else "squared_error"]
    Y = y.astype(np.float64)[:, None]
    numbers = np.arange(1, rows + 1)
    kept, held = hold_out(judge, Y, share, seed) if share else (np.arange(rows), np.arange(0))
    given = y if classes else Y
    first, second = (Part(X[part], given[part], numbers[part]) for part in (kept, held))
    return Dataset(
        title=name,
        task="classes" if classes else "numbers",
        features=tuple(f"x{i}" for i in range(X.shape[1])),
        classes=classes,
        targets=("y",),
        training=first,
        held_out=second if share else None,
        recipe=f"generated_set({name!r}, rows={rows!r}, noise={noise!r}, share={share!r}, seed={seed!r})",
    )


def points_set(
    title: str,
    features: tuple[str, ...],
    X: Sequence[Sequence[float]],
    y: Sequence[float],
    classes: tuple[str, ...] = (),
) -> Dataset:
    """A handful of points written out, all to train on; `y` counts the classes, if there are some.

    >>> len(points_set("and", ("p", "q"), [[0, 0], [1, 1]], [0, 1], ("no", "yes")).training)
    2
    """
    kept = np.arange(1, len(X) + 1)
    Y = np.array(y, np.int64) if classes else np.array(y, np.float64)[:, None]
    return Dataset(
        title=title,
        task="classes" if classes else "numbers",
        features=features,
        classes=classes,
        targets=("y",),
        training=Part(np.array(X, np.float64), Y, kept),
        held_out=None,
    )


def table_set(
    table: Table,
    target: str,
    *,
    share: float = SHARE,
    seed: int = 0,
    task: Task | None = None,
    exclude: tuple[str, ...] = (),
) -> Dataset:
    """A table, its columns encoded from the rows to train on.

    Raises
    ------
    DataError, SpecificationError
        When the table cannot be learnt; the message says what to do.
    """
    settings = Settings(seed=seed, dtype="float64")
    plan = plan_table(table, target, task=task, exclude=exclude, test=share or None, settings=settings)
    options = f"share={share!r}, seed={seed!r}, task={task!r}, exclude={exclude!r}"
    recipe = f"table_set(cp.read_table({table.source!r}), {target!r}, {options})"
    found = _encoded(plan, table, (*plan.notices, *plan.unread))
    own = frozenset({"inputs", "targets"})
    return replace(found, recipe=recipe, file=table.source, standardised=own)


def _encoded(plan: TablePlan, table: Table, notices: tuple[str, ...]) -> Dataset:
    encoder, goal = plan.encoder, plan.target
    if not encoder.feature_names:
        raise DataError(f"{table.source} has no column that a network can read, beside the target")

    def part(of: Table) -> Part:
        return Part(features(encoder, of), targets(plan.network, goal, of), of.row_numbers)

    return Dataset(
        title=table.source,
        task=goal.task,
        features=tuple(encoder.feature_names),
        classes=tuple(str(label) for label in goal.classes),
        targets=tuple(goal.columns),
        training=part(plan.training),
        held_out=None if plan.test is None else part(plan.test),
        plan=plan,
        table=table,
        notices=notices,
        unseen=tuple(unseen_slots(encoder)),
    )


def model_set(
    model: TableModel, table: Table, *, share: float = SHARE, seed: int = 0, file: str = ""
) -> Dataset:
    """A table as a trained model reads it, by the encoders it was trained with; `file` is the model's own.

    Raises
    ------
    DataError
        When a column is missing, or cells cannot be read as in training.
    """
    known = model.target.known_rows(table)
    if not known.any():
        names = ", ".join(model.target.columns)
        raise DataError(f"{table.source}: no row has a value of the target {names}; a gradient needs one")
    whole = table.take(known)
    first, second = parted(model.network, targets(model.network, model.target, whole), share, seed)
    places = np.flatnonzero(known)
    rows = Rows(whole, places, table.row_numbers, model.target, None, None, (), {}, tuple(table.notices))
    plan = TablePlan(
        encoder=model.encoder,
        target=model.target,
        network=model.network,
        settings=Settings(seed=seed),
        training=whole.take(first),
        test=None if second is None else whole.take(second),
        share=share or None,
        weights=None,
        ties=None,
        roles={},
        notices=(),
        rows=rows,
        taught=first,
    )
    options = f"share={share!r}, seed={seed!r}"
    recipe = f"model_set(cp.TableModel.load({file!r}), cp.read_table({table.source!r}), {options})"
    found = _encoded(plan, table, tuple(model.notices(table)))
    return replace(found, recipe=recipe, file=table.source)


def parted(network: Network, Y: Array, share: float, seed: int) -> tuple[IntArray, IntArray | None]:
    """Places of rows to train on and of those held out; none where too few are there to part."""
    if not share or len(Y) < 2:
        return np.arange(len(Y)), None
    checked = check_targets(network, Y, len(Y), np.float64, "Y")
    try:
        return hold_out(network.loss, checked, share, seed)
    except DataError:  # a single row of every class
        return np.arange(len(Y)), None
