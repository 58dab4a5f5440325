"""A model file that was opened: its network to go on from, and how it reads tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.model import Model, read_model
from clearprop.specification import Network, Parameters
from clearprop.table_model import TableModel
from clearprop.tables import Table
from clearprop.web.bench.dataset import Dataset, Part
from clearprop.web.bench.sets import SHARE, model_set, parted
from clearprop.web.bench.settings import Layer, Settings


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model file's network, and its table's encoders if it has them.

    Attributes
    ----------
    file : str
        As it was named.
    bare : Model
    table_model : TableModel or None
        None for a network that takes plain inputs.
    """

    file: str
    bare: Model
    table_model: TableModel | None

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> OpenedModel:
        """Read a model file; ModelFileError when it cannot be used."""
        bare = read_model(file)
        return cls(os.fspath(file), bare, None if bare.encoder is None else TableModel.load(file))

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.file).name

    @property
    def network(self) -> Network:
        """The network."""
        return self.bare.network

    @property
    def theta(self) -> Parameters:
        """Its parameters."""
        return self.bare.theta

    @property
    def settings(self) -> Settings:
        """Settings that build such a network (its rows by their names alone)."""
        network = self.network
        hidden = [
            Layer(each.units, each.activation.name, each.dropout, each.bias) for each in network.layers[:-1]
        ]
        return Settings(
            layers=tuple(hidden),
            output_bias=network.output.bias,
            loss=network.loss.name,
            l1=network.l1,
            l2=network.l2,
            dtype=str(self.theta.dtype),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs."""
        if self.table_model is not None:
            return self.table_model.encoder.feature_names
        return tuple(f"x{i}" for i in range(self.network.inputs))

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels; those of a bare network are numbers if it has none. Empty for numbers."""
        if not self.network.loss.for_classes:
            return ()
        named = self.bare.classes if self.table_model is None else self.table_model.target.classes
        return tuple(str(label) for label in named or range(max(self.network.output.units, 2)))

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns to predict."""
        if self.table_model is not None:
            return tuple(self.table_model.target.columns)
        units = 1 if self.classes else self.network.output.units
        return ("y",) if units == 1 else tuple(f"y{k}" for k in range(units))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a table that it reads."""
        if self.table_model is None:
            return (*self.features, *self.targets)
        return (*self.table_model.encoder.column_names, *self.targets)

    def blank(self) -> Dataset:
        """One row at 0 in every input, to look at the network by before there are others."""
        return Dataset(
            title=self.name,
            task="classes" if self.classes else "numbers",
            features=self.features,
            classes=self.classes,
            targets=self.targets,
            training=self._part(np.zeros((1, self.network.inputs)), np.zeros((1, len(self.targets)))),
            held_out=None,
            notices=("no rows yet: row 1 is 0 in every input; type some, or drop a table",),
            recipe=f"OpenedModel.load({self.name!r}).blank()",
            model=self.table_model,
        )

    def read(self, table: Table, *, share: float = SHARE, seed: int = 0) -> Dataset:
        """A table as the model reads it; of a bare network n_0 columns of inputs, then those of the target.

        Raises
        ------
        DataError
            When a column is missing, or cells cannot be read as in training.
        """
        if self.table_model is not None:
            return model_set(self.table_model, table, share=share, seed=seed, file=self.name)
        X, Y = self._numbers(table)
        numbers, given = table.row_numbers, Y[:, 0].astype(np.int64) if self.classes else Y
        first, held = parted(self.network, given, share, seed)
        options = f"share={share!r}, seed={seed!r}"
        return Dataset(
            title=table.source,
            task="classes" if self.classes else "numbers",
            features=table.names[: self.network.inputs],
            classes=self.classes,
            targets=table.names[self.network.inputs :],
            training=Part(X[first], given[first], numbers[first]),
            held_out=None if held is None else Part(X[held], given[held], numbers[held]),
            table=table,
            notices=tuple(table.notices),
            recipe=f"OpenedModel.load({self.name!r}).read(cp.read_table({table.source!r}), {options})",
            file=table.source,
        )

    def _part(self, X: Array, Y: Array) -> Part:
        given = Y[:, 0].astype(np.int64) if self.classes else Y
        return Part(X, given, np.arange(1, len(X) + 1))

    def _numbers(self, table: Table) -> tuple[Array, Array]:
        """Inputs and targets of a table for a bare network; labels become their places."""
        inputs, wanted = self.network.inputs, len(self.columns)
        if len(table.names) != wanted:
            raise DataError(
                f"{table.source} has {len(table.names)} columns, and {self.name} takes {wanted}: "
                f"{inputs} inputs, then {', '.join(self.targets)}"
            )
        for column in table.columns[: None if not self.classes else inputs]:
            if column.kind != "number":
                raise DataError(f"{table.source}: the column {column.name!r} is {column.kind}, not numbers")
            if gaps := np.flatnonzero(np.isnan(column.numbers())).tolist():
                column.refuse(gaps[0], "is missing", "fill it in, or leave the row out")
        columns = [column.numbers() for column in table.columns[:inputs]]
        X = np.stack(columns, axis=1)
        if not self.classes:
            return X, np.stack([column.numbers() for column in table.columns[inputs:]], axis=1)
        column, places = table.columns[inputs], {label: k for k, label in enumerate(self.classes)}
        labels = [str(text) for text in column.texts()]
        for k, label in enumerate(labels):
            if label not in places:
                column.refuse(k, "is no class of the model", f"its classes are {', '.join(places)}")
        return X, np.array([[places[label]] for label in labels], dtype=np.float64)
