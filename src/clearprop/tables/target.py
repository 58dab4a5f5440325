"""What is to be predicted: read as classes or as numbers, frozen, and turned back into the user's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np

from clearprop.arrays import Array, BoolArray
from clearprop.errors import DataError
from clearprop.tables.columns import Column, Floats, Kind
from clearprop.tables.deciding import Label, Task, labels, several, spread, task_of
from clearprop.tables.encodings import LARGEST
from clearprop.tables.records import checked_list, checked_record, nonsense
from clearprop.tables.table import Table


@dataclass(frozen=True)
class Target:
    """The frozen reading of the target columns; `Target.fit` makes one.

    Parameters
    ----------
    columns : tuple of str
        Names of the k target columns; one for classes.
    task : {"classes", "numbers"}
        How they are read.
    kind : {"number", "boolean", "text"}
        Kind of the target column in training ("number" for several).
    classes : tuple of str, int, float or bool
        The labels as the user wrote them, in the order of the class indices; empty for numbers.
    means, stds : tuple of float
        One for each target column in its own units; empty for classes.
    reason : str
        One sentence for the user: why classes, or why numbers.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.tables import read_table
    >>> penguins = read_table(penguins_path())
    >>> species = Target.fit(penguins, ["species"])
    >>> print(species.reason)
    species: text with 3 distinct values, read as classes
    >>> species.classes, species.transform(penguins)[:2], species.inverse([0, 2])
    (('Adelie', 'Chinstrap', 'Gentoo'), array([0, 0]), array(['Adelie', 'Gentoo'], dtype=object))
    >>> known = penguins.take(penguins.column("body_mass_g").known)
    >>> mass = Target.fit(known, ["body_mass_g"])
    >>> mass.transform(known).shape, mass.inverse(mass.transform(known)[:2]).round(6).tolist()
    ((342, 1), [[3750.0], [3800.0]])
    """

    columns: tuple[str, ...]
    task: Task
    kind: Kind
    classes: tuple[Label, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    reason: str

    @classmethod
    def fit(
        cls,
        table: Table,
        columns: str | Sequence[str],
        task: Task | None = None,
        weights: Array | None = None,
    ) -> Target:
        """Decide how the target columns are read, and freeze it.

        Text and booleans are classes; numbers with a fraction anywhere are numbers; whole numbers are classes
        when they take at most 10 values. Several columns are numbers. Rows without a target are passed over.

        Parameters
        ----------
        table : Table
            The training rows.
        columns : str or list of str
            Target columns.
        task : {"classes", "numbers"}, optional
            Overrules the rule.
        weights : ndarray (m,), optional
            Above 0; they weigh the rows in means and standard deviations.

        Raises
        ------
        DataError
            When a column is not there or named twice, no row is known, there is nothing to learn (a single
            class, a constant number, texts that all differ), or the cells do not fit the task.
        """
        names = (columns,) if isinstance(columns, str) else tuple(columns)
        if not names or len(set(names)) < len(names):
            raise DataError(f"the target columns are {list(names)}; name each of them once, and at least one")
        if task not in (None, "classes", "numbers"):
            raise DataError(f"the task {task!r} is not known; use 'classes' or 'numbers'")
        chosen = [table.column(name, "target column") for name in names]
        known = np.logical_and.reduce([column.known for column in chosen])
        if not known.any():
            listed = ", ".join(map(repr, names))
            raise DataError(
                f"{table.source}: no row has a value of the target {listed}; fill in some, or name another"
            )
        chosen = [column.take(np.flatnonzero(known)) for column in chosen]
        weights = None if weights is None else weights[known]
        task, reason = several(chosen, task) if len(chosen) > 1 else task_of(chosen[0], task)
        if task == "numbers":
            means, stds = zip(*[spread(column, weights) for column in chosen], strict=True)
            return cls(names, "numbers", "number", (), means, stds, reason)
        return cls(names, "classes", chosen[0].kind, labels(chosen[0]), (), (), reason)

    @property
    def mean(self) -> Floats:
        """Means of the target columns in their own units, shape (k,); shape (0,) for classes."""
        return np.array(self.means, dtype=np.float64)

    @property
    def std(self) -> Floats:
        """Population standard deviations of the target columns, shape (k,); shape (0,) for classes."""
        return np.array(self.stds, dtype=np.float64)

    def known_rows(self, table: Table) -> BoolArray:
        """Give the mask of the rows whose targets are all there, shape (m,)."""
        columns = [table.column(name, "target column") for name in self.columns]
        return cast(BoolArray, np.logical_and.reduce([column.known for column in columns]))

    def transform(self, table: Table) -> Array:
        """Encode the targets of rows; first drop those without one by `known_rows`.

        Returns
        -------
        ndarray
            Class indices, int64 of shape (m,); or standardised numbers, float64 of shape (m, k).

        Raises
        ------
        DataError
            For a missing target, a class that training did not see, or a cell that is not a number.
        """
        columns = [table.column(name, "target column") for name in self.columns]
        for column in columns:
            gaps = np.flatnonzero(~column.known)
            if gaps.size:
                column.refuse(int(gaps[0]), "of the target is missing", "fill it in, or leave the row out")
        if self.task == "numbers":
            own_units = np.stack([column.numbers() for column in columns], axis=1)
            return cast(Array, (own_units - self.mean) / self.std)
        return self._class_indices(columns[0])

    def inverse(self, y: Any) -> Array:
        """Turn predictions back.

        Parameters
        ----------
        y : array_like
            Class indices of shape (m,), or standardised numbers of shape (m, k), or (m,) where k is 1.

        Returns
        -------
        ndarray
            Labels of shape (m,) as the user wrote them (texts as objects), or numbers in their own units,
            float64, in y's shape.
        """
        if self.task == "classes":
            dtype = object if any(isinstance(label, str) for label in self.classes) else None
            return np.array(self.classes, dtype=dtype)[np.asarray(y, dtype=np.int64)]
        return cast(Array, np.asarray(y, dtype=np.float64) * self.std + self.mean)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types; floats come back exactly."""
        record = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in record.items()}

    @classmethod
    def from_dict(cls, record: object) -> Target:
        """Read back what `to_dict` gave.

        Raises
        ------
        DataError
            For anything else; the message names the field.
        """
        schema = {
            "columns": list,
            "task": str,
            "kind": str,
            "classes": list,
            "means": list,
            "stds": list,
            "reason": str,
        }
        fields = checked_record(record, schema, "target")
        for name in ("means", "stds"):
            fields[name] = tuple(checked_list(fields[name], float, name, "target"))
        fields["columns"] = tuple(checked_list(fields["columns"], str, "columns", "target"))
        fields["classes"] = tuple(fields["classes"])
        target = cls(**fields)
        fault = target._fault()
        if fault:
            raise nonsense("target", fault)
        return target

    def _class_indices(self, column: Column) -> Array:
        """Look the cells up among the classes, shape (m,) int64."""
        keys: list[Any]
        if self.kind == "text":
            cells, keys = column.texts().tolist(), list(self.classes)
        elif self.kind == "boolean":
            cells, keys = column.booleans().tolist(), [0.0, 1.0]
        else:
            cells, keys = column.numbers().tolist(), [float(label) for label in self.classes]
        index = {key: place for place, key in enumerate(keys)}
        found = np.array([index.get(cell, -1) for cell in cells], dtype=np.int64)
        unseen = np.flatnonzero(found < 0)
        if unseen.size:
            listed = ", ".join(map(str, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
            remedy = f"the classes are {listed}; correct the value, or leave the row out"
            column.refuse(int(unseen[0]), "is a class that training did not see", remedy)
        return found

    def _fault(self) -> str | None:
        """Say what contradicts itself in a target read from a file, or None."""
        types: dict[str, tuple[type, ...]] = {"text": (str,), "boolean": (str, bool), "number": (int, float)}
        if self.kind not in types or self.task not in ("classes", "numbers"):
            return "has an unknown 'kind' or 'task'"
        if not self.columns or len(set(self.columns)) < len(self.columns):
            return "has no 'columns', or one twice"
        if self.task == "numbers":
            fits = len(self.means) == len(self.stds) == len(self.columns) and not self.classes
            return (
                None if fits and min(self.stds) > 0 else "has 'means' or 'stds' that do not fit its columns"
            )
        fits = len(self.columns) == 1 and not self.means and not self.stds and len(self.classes) >= 2
        fits = fits and all(type(label) in types[self.kind] for label in self.classes)
        fits = fits and (self.kind != "boolean" or len(self.classes) == 2)
        fits = fits and all(isinstance(label, str) or abs(label) <= LARGEST for label in self.classes)
        fits = fits and len(set(self.classes)) == len(self.classes)
        return None if fits else "has 'classes' that do not fit"
