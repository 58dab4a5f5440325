"""What a file holds, read from its header alone: `inspect_file`, the numbers neither read nor allocated.

A model file's header says everything but the numbers; a checkpoint's, where its run stands. Both are checked
as for loading, so what is shown is what would be loaded, if the numbers match their digest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearprop.errors import ClearpropError, DataError
from clearprop.formulas.activations import Activation
from clearprop.formulas.optimizers import Optimizer
from clearprop.model_file.header import (
    FORMAT,
    Header,
    checked,
    checked_network,
    checked_tensors,
    outer_header,
    telling,
)
from clearprop.specification import Network
from clearprop.tables import Encoder, Target
from clearprop.training.checkpoint import checked_description, description, tensor_shapes
from clearprop.training.run import RunRecord
from clearprop.untrusted import Wrong

MOST_LAYERS = 10_000  #: of a checkpoint's network
MOST_LISTED = 12  #: classes or columns named one by one in the text

#: heading, and lines below it
Section = tuple[str, list[str]]


@dataclass(frozen=True)
class Inspection:
    """What a file holds; print it, or ask `to_dict`.

    Attributes
    ----------
    path : str
    kind : str
        "network", "table model" or "checkpoint".
    format, size, header : int
        Version of the format; bytes of the file, and of its header.
    network : Network
    dtype : str
        Of the numbers.
    record : mapping
        Settings of the run and what computed it (`RunRecord`); empty where no run made it.
    history : mapping from name to list
        One entry an epoch.
    versions : mapping
        Of the libraries that wrote the file.
    optimizer : str
        With its settings; empty where no run made the file.
    classes : tuple
        Labels in the order of the outputs; empty for numbers.
    target : Target or None
    encoder : Encoder or None
    certificate : mapping or None
        "holds", "worst", "tolerance", ...
    snapshots : tuple of int
        Epochs that a replay may start from.
    standing : mapping
        Of a checkpoint: "epochs" and "batch" done, "stopped".
    """

    path: str
    kind: str
    format: int
    size: int
    header: int
    network: Network
    dtype: str
    record: Mapping[str, Any]
    history: Mapping[str, list[Any]]
    versions: Mapping[str, str]
    optimizer: str = ""
    classes: tuple[Any, ...] = ()
    target: Target | None = None
    encoder: Encoder | None = None
    certificate: Mapping[str, Any] | None = None
    snapshots: tuple[int, ...] = ()
    standing: Mapping[str, Any] | None = None

    @property
    def best_epoch(self) -> int | None:
        """Epoch with the least validation loss, or None where nothing was held out."""
        losses = self.history.get("validation_loss", [])
        judged = [(loss, place) for place, loss in enumerate(losses) if loss is not None]
        return int(self.history["epoch"][min(judged)[1]]) if judged else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types); lists of the history are left out, but for their last entries."""
        network = self.network
        return {
            "path": self.path,
            "kind": self.kind,
            "format": self.format,
            "bytes": {"file": self.size, "header": self.header, "numbers": self.size - self.header - 8},
            "versions": dict(self.versions),
            "cpu": self.record.get("cpu"),
            "network": {
                "widths": list(network.widths),
                "parameters": network.n_parameters,
                "dtype": self.dtype,
                **network.to_dict(),
            },
            "run": {name: value for name, value in self.record.items() if name not in _ELSEWHERE} or None,
            "history": {
                "epochs": len(self.history.get("epoch", [])),
                "best_epoch": self.best_epoch,
                "last": {name: values[-1] for name, values in self.history.items() if values},
            },
            "classes": list(self.classes),
            "target": self.target.to_dict() if self.target else None,
            "columns": [row._asdict() for row in self.encoder.describe()] if self.encoder else None,
            "certificate": dict(self.certificate) if self.certificate else None,
            "snapshots": list(self.snapshots),
            "checkpoint": dict(self.standing) if self.standing is not None else None,
        }

    def sections(self) -> list[Section]:
        """The text, as headings with lines below them."""
        found = [("File", self._file()), ("Network", self._network()), ("Training", self._training())]
        if self.target is not None:
            found.append(("Target", [self.target.reason, *_named("classes", self.classes)]))
        elif self.classes:
            found.append(("Classes", _named("classes", self.classes)))
        if self.encoder is not None:
            lines = [f"{row.column}: {row.encoding}" for row in self.encoder.describe()]
            rest = [f"... and {len(lines) - MOST_LISTED} more"] if len(lines) > MOST_LISTED else []
            found.append((f"Columns ({len(self.encoder.feature_names)} inputs)", lines[:MOST_LISTED] + rest))
        return found

    def __str__(self) -> str:
        return "\n\n".join(
            "\n".join([head, *(f"  {line}" for line in body)]) for head, body in self.sections()
        )

    def _file(self) -> list[str]:
        writer = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        numbers = self.size - self.header - 8
        lines = [
            f"{self.path}: a {self.kind}, format {self.format}; {self.size:,} bytes ({self.header:,} of "
            f"header, {numbers:,} of numbers)",
            f"written with {writer or 'unknown versions'}",
        ]
        return [*lines, f"trained on {self.record['cpu']}"] if self.record.get("cpu") else lines

    def _network(self) -> list[str]:
        network = self.network
        lines = [f"{network.inputs} inputs; {network.n_parameters:,} parameters, {self.dtype}"]
        for l, layer in enumerate(network.layers, start=1):
            row = layer.activation
            constants = "".join(f", {name} = {value:g}" for name, value in row.parameters)
            formula = f", g(z) = {row.formula}" if isinstance(row, Activation) else ""
            more = "" if layer.bias else ", without bias"
            more += f", dropout {layer.dropout:g}" if layer.dropout else ""
            lines.append(f"layer {l}: {layer.units} {row.name}{formula}{constants}{more}")
        loss = network.loss
        penalties = "".join(
            f", {name} {getattr(network, name):g}"
            for name in ("l1", "l2", "input_dropout")
            if getattr(network, name)
        )
        return [*lines, f"loss: {loss.name}, {loss.value}{penalties}"]

    def _training(self) -> list[str]:
        record, epochs = self.record, len(self.history.get("epoch", []))
        if not record:
            return ["no run made it"]
        lines = [
            self.optimizer,
            f"{record['rows']:,} rows, {record['held_out']:,} held out to choose the epoch; batches of "
            f"{record['batch_size']}, {record['epochs']} epochs at most, seed {record['seed']}; "
            f"{record['engine']} engine",
        ]
        if record["data"]:
            lines.append(f"digest of the training data: {record['data']}")
        loss = self.history.get("loss") or [None]
        last = "" if loss[-1] is None else f", training loss {loss[-1]:.4g} at last"
        best = "" if self.best_epoch is None else f"; least validation loss in epoch {self.best_epoch}"
        lines.append(f"history of {epochs} epochs{last}{best}")
        if self.standing is not None:
            stopped, batch = self.standing["stopped"], self.standing["batch"]
            where = f"it has ended ({stopped})" if stopped else f"{batch} batches of the next are done"
            lines.append(f"the run stands after epoch {epochs}; {where}; --resume goes on with it")
        if self.certificate is not None:
            verdict = "holds" if self.certificate["holds"] else "DOES NOT HOLD"
            lines.append(f"gradient certificate: {verdict} (tolerance {self.certificate['tolerance']:g})")
        if self.snapshots:
            lines.append(f"snapshots for a replay after the epochs {_list(self.snapshots)}")
        return lines


_ODD = (ClearpropError, TypeError, KeyError, ValueError, AttributeError, ArithmeticError, RecursionError)
_ELSEWHERE = ("versions", "cpu", "digests")  #: of the record: shown at other places, or long


def inspect_file(path: str | os.PathLike[str]) -> Inspection:
    """Say what a model file or a checkpoint holds, without reading its numbers.

    Parameters
    ----------
    path : path
        A model file, or a checkpoint.

    Raises
    ------
    ModelFileError
        When there is no such file, it is damaged as far as its header says, or it is another kind of file.

    Examples
    --------
    >>> import tempfile
    >>> from clearprop.model_file import ModelContents, save
    >>> from clearprop.specification import Dense
    >>> theta = Network(2, [Dense(1, "sigmoid")]).initialize(seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "m.safetensors", ModelContents(theta, classes=("no", "yes")))
    ...     found = inspect_file(Path(folder) / "m.safetensors")
    >>> found.kind, found.network.n_parameters, found.classes
    ('network', 3, ('no', 'yes'))
    """
    path = Path(path)
    with telling(path):
        outer, size = outer_header(path)
        metadata = outer.get("__metadata__")
        if isinstance(metadata, dict) and "checkpoint" in metadata:
            found = _of_checkpoint(path, outer, size)
        else:
            found = _of_model(path, checked(outer, size, {}), size)
    return found


def _of_model(path: Path, header: Header, numbers: int) -> Inspection:
    plain, size = header.plain, path.stat().st_size
    encoder, target = _of_table(plain)
    return Inspection(
        path=str(path),
        kind="network" if encoder is None else "table model",
        format=plain["format"],
        size=size,
        header=size - 8 - numbers,
        network=header.network,
        dtype=header.dtype.name,
        record=header.record.to_dict() if header.record else {},
        history=plain["history"],
        versions=plain["versions"],
        optimizer=_optimizer(header.record.optimizer) if header.record else "",
        classes=tuple(plain["classes"]),
        target=target,
        encoder=encoder,
        certificate=header.certificate.to_dict() if header.certificate else None,
        snapshots=tuple(sorted(map(int, plain["snapshots"]))),
    )


def _of_table(plain: Mapping[str, Any]) -> tuple[Encoder | None, Target | None]:
    """The encoders of a table's model; Wrong where they are none."""
    if plain["encoder"] is None or plain["target"] is None:
        return None, None
    own = {name: value for name, value in plain["target"].items() if name not in ("shares", "test")}
    try:
        return Encoder.from_dict(plain["encoder"]), Target.from_dict(own)
    except DataError as error:
        raise Wrong(str(error)) from None


def _of_checkpoint(path: Path, outer: Mapping[str, Any], numbers: int) -> Inspection:
    plain = checked_description(description(outer["__metadata__"])[0])
    size, settings, machine = path.stat().st_size, plain["settings"], plain["machine"]
    network = checked_network(plain["specification"], MOST_LAYERS, {})
    entries = {name: entry for name, entry in outer.items() if name != "__metadata__"}
    dtype = checked_tensors(entries, tensor_shapes(network.n_parameters), numbers)
    try:
        known = {name: settings[name] for name in RunRecord.__dataclass_fields__ if name in settings}
        record = RunRecord(**known, **machine, steps=plain["t"], digests=tuple(plain["digests"])).to_dict()
    except _ODD as error:
        raise Wrong(f"it describes no run ({type(error).__name__}: {str(error)[:200]})") from None
    return Inspection(
        path=str(path),
        kind="checkpoint",
        format=FORMAT,
        size=size,
        header=size - 8 - numbers,
        network=network,
        dtype=dtype.name,
        record=record,
        history=plain["history"],
        versions=record["versions"],
        optimizer=_optimizer(record["optimizer"]),
        standing={
            "epochs": len(plain["history"]["epoch"]),
            "batch": plain["position"]["batch"],
            "stopped": plain["stopped"],
        },
    )


def _optimizer(plain: Mapping[str, Any]) -> str:
    """The optimizer as one would write it; Wrong where it is none."""
    try:
        return repr(Optimizer.from_dict(plain))
    except _ODD as error:
        raise Wrong(f"its optimizer is not one ({type(error).__name__}: {str(error)[:200]})") from None


def _named(what: str, values: Sequence[Any]) -> list[str]:
    return [f"{len(values)} {what}: {_list(values)}"] if values else []


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values[:MOST_LISTED])) + (", ..." if len(values) > MOST_LISTED else "")
