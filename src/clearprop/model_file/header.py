"""The header of a model file, read and checked before any number is.

Whatever the bytes, the outcome is a `Header` that fits the file, or a `ModelFileError` that says what is
wrong. Nothing is allocated in proportion to what the file claims, only to what it is.
"""

from __future__ import annotations

import contextlib
import math
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError, ModelFileError
from clearprop.formulas.optimizers import MOST_SLOTS
from clearprop.formulas.rows import Row
from clearprop.glassbox.certificate import Certificate
from clearprop.model_file.schema import require
from clearprop.specification import Network
from clearprop.training.run import HISTORY, RunRecord, require_json
from clearprop.untrusted import Wrong, every, is_number, parse

FORMAT = 1  #: version of the format; a reader takes its own and older ones
LONGEST = 16 * 2**20  #: bytes of a header
MOST_LAYERS, MOST_FORMULAS = 2000, 100_000  #: characters of formulas that differ; each is parsed
_DTYPES: Mapping[str, np.dtype[Any]] = {"F32": np.dtype(np.float32), "F64": np.dtype(np.float64)}


@dataclass(frozen=True)
class Header:
    """A header that fits its file and its specification."""

    network: Network
    dtype: np.dtype[Any]
    record: RunRecord | None
    certificate: Certificate | None
    plain: Mapping[str, Any]
    text: str
    digest: str


def snapshot_names(epoch: int | str) -> tuple[str, str]:
    """Names of a snapshot's tensors: the parameters (n_parameters,), the optimizer's slots."""
    return f"snapshot.{epoch}.theta", f"snapshot.{epoch}.slots"


def tensor_name(kind: str, layer: int) -> str:
    """Name of a tensor in the file: `W.1`, `b.1`, ..."""
    return f"{kind}.{layer}"


def read_header(path: Path, rows: Iterable[Row] = ()) -> Header:
    """Read and check the header of a model file.

    Raises
    ------
    ModelFileError
        Naming the file, what is wrong with it, and what to do.
    """
    with telling(path):
        outer, size = outer_header(path)
        metadata = outer.get("__metadata__")
        if isinstance(metadata, dict) and "checkpoint" in metadata:
            raise ModelFileError(
                f"{path}: it is the checkpoint of a run, and no model yet; go on with the run (resume=True, "
                "--resume)"
            )
        header = checked(outer, size, {row.name: row for row in rows})
    return header  # noqa: RET504 - `telling` could swallow, for all that mypy knows


@contextlib.contextmanager
def telling(path: Path) -> Iterator[None]:
    """Name the file, and the remedy, in whatever goes wrong with its header."""
    try:
        yield
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(f"{str(path)!r} is not a path ({error})") from None
    except Wrong as wrong:
        raise ModelFileError(
            f"{path}: {wrong}; the file is damaged or was not written by clearprop, so take it from its "
            "source again"
        ) from None


def outer_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, unchecked, and how many bytes of numbers follow it."""
    raw, size = _header_bytes(path)
    return parse(raw, "header"), size


def _header_bytes(path: Path) -> tuple[bytes, int]:
    """The header's JSON, and how many bytes follow it."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        what, inside = "no regular file", []
        if stat.S_ISDIR(status.st_mode):
            what, inside = "a folder", sorted(path.glob("*.safetensors"))
        such = f", such as {inside[0]}" if inside else ""
        raise ModelFileError(f"{path}: it is {what}; name a model file{such}")
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length < 2:
            raise Wrong(f"its {status.st_size} bytes do not begin like a safetensors file")
        if length > LONGEST and length > status.st_size:
            raise Wrong("it does not begin like a model file")
        if length > LONGEST:
            raise Wrong(f"it announces a header of {length} bytes, and the limit is {LONGEST}")
        if length > status.st_size - 8:
            raise Wrong(f"it announces a header of {length} bytes, and {status.st_size - 8} follow")
        raw = file.read(length)
    if len(raw) < length:
        raise Wrong("it ends within its header")
    return raw, status.st_size - 8 - length


def checked(outer: Mapping[str, Any], size: int, rows: Mapping[str, Row]) -> Header:
    """The header, if it is that of a model file and fits so many bytes of numbers; Wrong otherwise."""
    entries = dict(outer)
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or "clearprop" not in metadata:
        raise Wrong("it is a safetensors file without a clearprop model in it")
    text, digest = metadata["clearprop"], metadata.get("digest")
    if not isinstance(text, str) or not isinstance(digest, str) or len(metadata) != 2:
        raise Wrong("its metadata is not that of a clearprop model")
    plain = parse(text, "model description")
    version = plain.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise Wrong(
            f"it has format {version}, and this clearprop reads up to {FORMAT}: upgrade clearprop, or else"
        )
    require(plain, "contents", "the model description")
    network = checked_network(plain["specification"], len(entries), rows)
    return Header(
        network=network,
        dtype=checked_tensors(entries, _shapes(network, plain["snapshots"]), size),
        record=_opaque(plain),
        certificate=_certificate(plain["certificate"]),
        plain=plain,
        text=text,
        digest=digest,
    )


def checked_network(specification: Any, n_tensors: int, rows: Mapping[str, Row]) -> Network:
    """The network of a description, every formula of it checked again; Wrong where it is none."""
    require(specification, "specification", "the specification")
    layers = specification["layers"]
    if len(layers) > MOST_LAYERS:
        raise Wrong(f"the specification has {len(layers)} layers, and the limit is {MOST_LAYERS}")
    if len(layers) > n_tensors:
        raise Wrong(f"the specification has {len(layers)} layers, and the file {n_tensors} tensors")
    for l, layer in enumerate(layers, start=1):
        require(layer, "layer", f"layer {l}")
        kind = "activation" if "kinks" in layer["activation"] else "coupled activation"
        _row(layer["activation"], kind, f"the activation of layer {l}")
    _row(specification["loss"], "loss", "the loss")
    formulas = {layer["activation"][name] for layer in layers for name in ("formula", "derivative")}
    if sum(map(len, formulas)) > MOST_FORMULAS:
        raise Wrong(f"its formulas have more than {MOST_FORMULAS} characters")
    try:
        network = Network.from_dict(specification)
        return _with_rows(network, rows) if rows else network
    except (ClearpropError, TypeError, KeyError, ValueError, ArithmeticError, RecursionError) as error:
        raise Wrong(f"its network cannot be built ({type(error).__name__}: {str(error)[:300]})") from None


def _row(plain: Any, kind: str, where: str) -> None:
    require(plain, kind, where)
    for value in plain["parameters"].values():
        several = isinstance(value, list) and kind == "loss"
        every(value if several else [value], is_number, f"{where}, parameters,")
    interval = plain["domain" if kind == "loss" else "range"]
    require(interval, "interval", f"the interval of {where}")
    attained = interval["attained"]
    every(attained, lambda value: isinstance(value, bool), f"the interval of {where}")
    if len(attained) != 2:
        raise Wrong(f"the interval of {where} has {len(attained)} ends")
    if kind == "activation":
        every(plain["kinks"], is_number, f"{where}, kinks,")
    if kind == "loss":
        every(plain["kinks"], lambda value: isinstance(value, str), f"{where}, kinks,")


def _with_rows(network: Network, rows: Mapping[str, Row]) -> Network:
    """The network with the user's rows in the place of those of the same name."""
    from dataclasses import replace

    def own(row: Any) -> Any:
        return rows[row.name].with_parameters(**dict(row.parameters)) if row.name in rows else row

    layers = tuple(replace(layer, activation=own(layer.activation)) for layer in network.layers)
    return replace(network, layers=layers, loss=own(network.loss))


def _shapes(network: Network, snapshots: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor that the file must have; `snapshots` is epoch -> steps taken."""
    shapes = {tensor_name(s.kind, s.layer): s.shape for s in network.segments}
    for epoch, t in snapshots.items():
        if not (epoch.isascii() and epoch.isdecimal() and type(t) is int and t >= 0):
            raise Wrong(f"the snapshot {epoch[:40]!r} is not an epoch and its steps")
        theta, slots = snapshot_names(epoch)
        shapes[theta], shapes[slots] = (network.n_parameters,), (MOST_SLOTS, network.n_parameters)
    return shapes


def checked_tensors(
    entries: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], size: int
) -> np.dtype[Any]:
    """The dtype, if names, dtypes, shapes and offsets are those of the specification and fill the file."""
    if entries.keys() != shapes.keys():
        odd = sorted(entries.keys() ^ shapes.keys())[0]
        raise Wrong(f"the tensor {odd[:40]!r} is {'missing' if odd in shapes else 'not of its network'}")
    pieces: list[tuple[int, int]] = []
    names: set[str] = set()
    for name, entry in entries.items():
        require(entry, "tensor", f"the tensor {name!r}")
        if entry["dtype"] not in _DTYPES:
            raise Wrong(f"the tensor {name!r} is of dtype {entry['dtype'][:20]!r}, not F32 or F64")
        names.add(entry["dtype"])
        for key in ("shape", "data_offsets"):
            natural = all(type(n) is int and n >= 0 for n in entry[key])
            if not natural:
                raise Wrong(f"the tensor {name!r} has a {key} that is not made of natural numbers")
        if tuple(entry["shape"]) != shapes[name]:
            raise Wrong(
                f"the tensor {name!r} has shape {entry['shape'][:4]}, and its network asks for "
                f"{list(shapes[name])}"
            )
        if len(entry["data_offsets"]) != 2:
            raise Wrong(f"the tensor {name!r} has {len(entry['data_offsets'])} offsets, not 2")
        first, last = entry["data_offsets"]
        if last - first != math.prod(shapes[name]) * _DTYPES[entry["dtype"]].itemsize:
            raise Wrong(f"the tensor {name!r} has {last - first} bytes, which its shape does not fill")
        pieces.append((first, last))
    if len(names) != 1:
        raise Wrong("its tensors are of two dtypes")
    end = 0
    for first, last in sorted(pieces):
        if first != end:
            raise Wrong(f"its tensors overlap or leave a gap at byte {end}")
        end = last
    if end != size:
        raise Wrong(f"its tensors have {end} bytes, and {size} follow the header")
    return _DTYPES[names.pop()]


def _certificate(plain: Any) -> Certificate | None:
    if plain is None:
        return None
    try:
        return Certificate.from_dict(plain)
    except (TypeError, KeyError) as error:
        raise Wrong(f"its certificate is not one ({error})") from None


def _opaque(plain: Mapping[str, Any]) -> RunRecord | None:
    """Check classes, history and versions; give the record."""
    every(plain["classes"], lambda label: isinstance(label, str | int | float), "the list of classes")
    every(plain["versions"].values(), lambda version: isinstance(version, str), "the list of versions")
    for name, values in plain["history"].items():
        if name not in HISTORY or not isinstance(values, list):
            raise Wrong(f"the history has an odd {name[:40]!r}")
        every(values, lambda value: value is None or is_number(value), f"the history of {name!r}")
    if plain["record"] is None:
        return None
    try:
        record = RunRecord.from_dict(plain["record"])
        require_json(record)
    except TypeError as error:
        raise Wrong(f"its record of the run is not one ({error})") from None
    return record
