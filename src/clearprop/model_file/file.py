"""Model files: one safetensors file, numbers as tensors and everything else as JSON; no code in it.

The tensors are `W.1`, `b.1`, `W.2`, ... in float32 or float64; the JSON stands in the header's metadata
under "clearprop". `load` trusts nothing: the header is read and checked against the file's size and the
specification before a single number is read (header.py), and a digest over JSON and numbers is
compared last, so damage is found rather than computed with.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.durable import write_durably
from clearprop.engines.protocol import OptimizerState
from clearprop.environment import versions
from clearprop.errors import ModelFileError
from clearprop.formulas.rows import Row
from clearprop.glassbox.certificate import Certificate
from clearprop.model_file.header import FORMAT, LONGEST, Header, read_header, snapshot_names, tensor_name
from clearprop.specification import Parameters
from clearprop.training.run import RunRecord, Snapshot
from clearprop.untrusted import too_long

MOST_EPOCHS = 40_000  #: of which a model file keeps every one


@dataclass(frozen=True)
class ModelContents:
    """What a model file holds.

    Attributes
    ----------
    theta : Parameters
        With its network; float32 or float64.
    classes : tuple of str, int, float or bool
        Labels in the order of the class indices; empty for numbers.
    history : dict of lists
    record : RunRecord or None
    encoder, target : dict or None
        Plain data of a table's encoders, handed through as they are.
    certificate : Certificate or None
    snapshots : mapping from epoch to Snapshot
        Where a replay may start.
    versions : mapping
        Of the libraries that wrote the file.
    """

    theta: Parameters
    classes: tuple[Any, ...] = ()
    history: Mapping[str, list[Any]] = field(default_factory=dict)
    record: RunRecord | None = None
    encoder: Mapping[str, Any] | None = None
    target: Mapping[str, Any] | None = None
    certificate: Certificate | None = None
    snapshots: Mapping[int, Snapshot] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)


def save(path: str | os.PathLike[str], contents: ModelContents) -> None:
    """Write a model file; either the whole file is there afterwards, or what was there before.

    A history of more than 40,000 epochs is thinned, and its digests are left out.

    Raises
    ------
    ModelFileError
        When the folder cannot be written to, something is not plain data, or there is more than a file holds.

    Examples
    --------
    >>> import tempfile
    >>> from clearprop.specification import Dense, Network
    >>> theta = Network(2, [Dense(1, "sigmoid")]).initialize(seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "m.safetensors", ModelContents(theta, classes=("no", "yes")))
    ...     load(Path(folder) / "m.safetensors").classes
    ('no', 'yes')
    """
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    theta = contents.theta
    if theta.dtype not in (np.float32, np.float64):
        raise ModelFileError(f"{path}: a model file holds float32 or float64, not {theta.dtype}")
    plain = {
        "format": FORMAT,
        "specification": theta.network.to_dict(),
        "classes": [_plain_label(label) for label in contents.classes],
        "history": {name: _thinned(values) for name, values in contents.history.items()},
        "record": _without_long_digests(contents.record),
        "encoder": contents.encoder,
        "target": contents.target,
        "certificate": contents.certificate.to_dict() if contents.certificate else None,
        "snapshots": {str(epoch): snapshot.state.t for epoch, snapshot in contents.snapshots.items()},
        "versions": dict(contents.versions),
    }
    try:
        text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: the model holds something that is not plain data: {error}") from None
    tensors = {tensor_name(s.kind, s.layer): _view(theta, s.kind, s.layer) for s in theta.network.segments}
    for epoch, snapshot in contents.snapshots.items():
        names = snapshot_names(epoch)
        tensors |= dict(zip(names, (snapshot.theta, snapshot.state.slots), strict=True))
    metadata = {"clearprop": text, "digest": _digest(text, theta, contents.snapshots)}
    data = to_bytes(tensors, metadata)
    if too_long(text) or int.from_bytes(data[:8], "little") > LONGEST:
        raise ModelFileError(
            f"{path}: the model's description, of {len(text):,} characters, is more than a model file holds; "
            "use fewer layers, classes or categories, or read a column of many texts as no category"
        )
    _commit(path, data)


def load(path: str | os.PathLike[str], rows: Iterable[Row] = ()) -> ModelContents:
    """Read a model file.

    Parameters
    ----------
    rows : iterable of Activation or Loss
        Rows of yours that take the place of the file's rows of the same name, with the file's parameter
        values.

    Raises
    ------
    ModelFileError
        When the file is not there, damaged, foreign, or from a newer version; the message says which.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    header = read_header(path, rows)
    theta = Parameters(header.network, np.empty(header.network.n_parameters, dtype=header.dtype))
    try:
        with safe_open(path, framework="np") as file:
            for segment in header.network.segments:
                given = file.get_tensor(tensor_name(segment.kind, segment.layer))
                _view(theta, segment.kind, segment.layer)[...] = given
            snapshots = {
                int(epoch): _snapshot(file, epoch, t) for epoch, t in header.plain["snapshots"].items()
            }
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{path}: the numbers cannot be read ({error}); save the model again") from None
    if header.digest != _digest(header.text, theta, snapshots):
        raise ModelFileError(
            f"{path}: the contents do not match their digest, so the file was damaged or edited; "
            "take it from its source again"
        )
    return _contents(header, theta, snapshots)


def _contents(header: Header, theta: Parameters, snapshots: Mapping[int, Snapshot]) -> ModelContents:
    plain = header.plain
    return ModelContents(
        theta=theta,
        classes=tuple(plain["classes"]),
        history=plain["history"],
        record=header.record,
        encoder=plain["encoder"],
        target=plain["target"],
        certificate=header.certificate,
        snapshots=snapshots,
        versions=plain["versions"],
    )


def _view(theta: Parameters, kind: str, layer: int) -> Any:
    return theta.W[layer] if kind == "W" else theta.b[layer]


def _snapshot(file: Any, epoch: str, t: int) -> Snapshot:
    theta, slots = (file.get_tensor(name) for name in snapshot_names(epoch))
    return Snapshot(theta, OptimizerState(slots, t))


def _digest(text: str, theta: Parameters, snapshots: Mapping[int, Snapshot]) -> str:
    """SHA-256 over the JSON and the numbers."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    digest.update(theta.flat.data)
    for snapshot in snapshots.values():
        digest.update(snapshot.theta.data)
        digest.update(snapshot.state.slots.data)
    return digest.hexdigest()


def _plain_label(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _thinned(values: list[Any]) -> list[Any]:
    """One entry an epoch; of very many, every so many and the last."""
    every = -(-len(values) // MOST_EPOCHS) or 1
    return [_finite(value) for value in values[(len(values) - 1) % every :: every]] if values else []


def _without_long_digests(record: RunRecord | None) -> dict[str, Any] | None:
    """The record; of very many epochs without their digests, which no replay will ask for."""
    if record is None:
        return None
    return (record if len(record.digests) <= MOST_EPOCHS + 1 else replace(record, digests=())).to_dict()


def _finite(value: Any) -> Any:
    """The value; None for a number JSON has no word for (an infinite validation loss)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _commit(path: Path, data: bytes) -> None:
    """Write the whole file, or leave what was there."""
    try:
        write_durably(path, data)
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be written ({error.strerror or error}); choose a folder that exists, may be "
            "written to and has room"
        ) from None
