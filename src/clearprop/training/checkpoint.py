"""Checkpoints: where a run stands, committed to a folder, so that a killed run goes on with the same bits.

A run is a function of its record, so a checkpoint holds what has been computed and nothing that can be drawn
again: parameters, the optimizer's slots, what early stopping and plateaus have counted, the history, and how
many batches of the epoch under way are done. It belongs to one run; another record or other data are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.durable import remove_leftovers, write_durably
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import ModelFileError, SpecificationError
from clearprop.formulas.optimizers import MOST_SLOTS, Optimizer
from clearprop.specification import Network
from clearprop.training.run import HISTORY, History
from clearprop.untrusted import Wrong, every, parse

NAME = "checkpoint.safetensors"
FORMAT = 1
MOST_ITEMS = 20_000_000  #: commas in its JSON: seven for each epoch
SECONDS = 30.0  #: from one checkpoint to the next, by default

_COUNTERS = {"best_epoch": int, "best_value": float, "reference": float, "standstill": int}
_OF_PLATEAUS = {"reductions": int, "plateau_reference": float, "plateau_epochs": int}
_TENSORS = ("theta", "slots", "snapshot", "best")
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("specification", "settings", "machine", "position", "counters", "history"), (dict,)),
    "t": (int,),
    "digests": (list,),
    "seconds": (int, float),
    "stopped": (str,),
}


@dataclass
class Position:
    """A place within an epoch: batches done, the sums of their losses and weights."""

    batch: int = 0
    loss: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True)
class Standing:
    """All that a run has computed so far, as plain data.

    Attributes
    ----------
    theta, snapshot, best : ndarray (n_parameters,)
        Now, at the end of the last epoch, and of the best epoch.
    state : OptimizerState
    counters : mapping
        What early stopping and plateaus have counted, and the best epoch and value.
    stopped : str
        Why the run ended; empty while it goes on.
    """

    theta: Array
    snapshot: Array
    best: Array
    state: OptimizerState
    position: Position
    counters: Mapping[str, Any]
    history: History
    digests: tuple[str, ...]
    seconds: float
    stopped: str = ""


@dataclass
class Checkpoints:
    """The folder of one run's checkpoint.

    Parameters
    ----------
    folder : Path
    network : Network
    settings : mapping
        Plain data that must be the same for the same bits.
    machine : mapping
        Plain data that should be: the CPU, versions of libraries.
    every : float
        Seconds from one checkpoint to the next at least; 0 for every stretch of batches.
    """

    folder: Path
    network: Network
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    every: float = SECONDS
    last: float = field(default_factory=time.perf_counter)

    @property
    def path(self) -> Path:
        """The checkpoint's file."""
        return self.folder / NAME

    @property
    def due(self) -> bool:
        """Whether it is time for another."""
        return time.perf_counter() - self.last >= self.every

    def prepare(self, *, resume: bool) -> Standing | None:
        """Make the folder; where the run in it stands, if there is one to go on with.

        Raises
        ------
        ModelFileError
            When the folder cannot be made, or its checkpoint is damaged or was not asked for.
        SpecificationError
            When it is of another run: the message names what differs.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.path)
            there = self.path.is_file()
        except OSError as error:
            raise ModelFileError(
                f"the folder {str(self.folder)!r} of the checkpoint cannot be made "
                f"({error.strerror or error}); name another"
            ) from None
        if there and not resume:
            raise ModelFileError(
                f"{self.path} is the checkpoint of a run; go on with it (resume=True, --resume), or name "
                "another folder"
            )
        return self.read() if there else None

    def write(self, standing: Standing) -> None:
        """Commit a checkpoint; warns, and leaves the one before, when that cannot be done."""
        self.last = time.perf_counter()
        try:
            write_durably(self.path, self._to_bytes(standing))
        except OSError as error:
            there = "the one before stays" if self.path.is_file() else "there is none yet"
            warnings.warn(
                f"the checkpoint {self.path} could not be written ({error.strerror or error}); {there}, and "
                "training goes on",
                stacklevel=2,
            )

    def read(self) -> Standing:
        """What the checkpoint holds, if it is of this very run; see `prepare`."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        return self.standing_in(data)

    def standing_in(self, data: bytes) -> Standing:
        """What the bytes of a checkpoint say, if it is of this very run; see `prepare`."""
        try:
            plain, tensors = _from_bytes(data)
            self._require_same(plain)
            _require_fit(plain, tensors, self.network.n_parameters)
        except Wrong as wrong:
            raise ModelFileError(
                f"{self.path}: the checkpoint is damaged ({wrong}); remove it, and train anew"
            ) from None
        return Standing(
            theta=tensors["theta"],
            snapshot=tensors["snapshot"],
            best=tensors["best"],
            state=OptimizerState(tensors["slots"], plain["t"]),
            position=Position(**plain["position"]),
            counters=plain["counters"],
            history=plain["history"],
            digests=tuple(plain["digests"]),
            seconds=plain["seconds"],
            stopped=plain["stopped"],
        )

    def _require_same(self, plain: Mapping[str, Any]) -> None:
        if plain["specification"] != _plain(self.network.to_dict()):
            raise SpecificationError(f"{self.path} is of another network; resume with its own")
        then, now = plain["settings"], _plain(self.settings)
        for name in now:
            if name not in ("data", "initial") and then.get(name) != now[name]:
                raise SpecificationError(
                    f"{self.path} is of a run with another {name}: {_shown(then.get(name))} there, "
                    f"{_shown(now[name])} here; resume with the same settings, or name another folder"
                )
        for name, words in (("data", "on other examples"), ("initial", "from other first parameters")):
            if then.get(name) != now[name]:
                raise SpecificationError(
                    f"{self.path} is of a run {words}; resume with the same data and weights, in their order"
                )
        if plain["machine"] != _plain(self.machine):
            warnings.warn(
                f"{self.path} was written on another CPU or by other versions of the libraries, so the last "
                "bits may differ from those of an unbroken run",
                stacklevel=2,
            )

    def _to_bytes(self, standing: Standing) -> bytes:
        from safetensors.numpy import save

        arrays = (standing.theta, standing.state.slots, standing.snapshot, standing.best)
        tensors = dict(zip(_TENSORS, map(np.ascontiguousarray, arrays), strict=True))
        plain = {
            "format": FORMAT,
            "specification": self.network.to_dict(),
            "settings": dict(self.settings),
            "machine": dict(self.machine),
            "t": standing.state.t,
            "position": vars(standing.position),
            "counters": dict(standing.counters),
            "history": standing.history,
            "digests": list(standing.digests),
            "seconds": standing.seconds,
            "stopped": standing.stopped,
        }
        text = json.dumps(plain)  # infinities of an early history included
        return bytes(save(tensors, {"checkpoint": text, "digest": _digest(text, tensors)}))


def _plain(value: Any) -> Any:
    """As JSON gives it back: lists for tuples."""
    return json.loads(json.dumps(value))


def _shown(value: Any) -> str:
    with contextlib.suppress(TypeError, KeyError, ValueError, AttributeError):
        return repr(Optimizer.from_dict(value))
    return f"{value!r:.60}"


def _from_bytes(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The JSON and the tensors; Wrong when they are not what was written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    metadata = parse(data[8 : 8 + length], "header", most=MOST_ITEMS).get("__metadata__")
    text, digest = description(metadata)
    plain = checked_description(text)
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Wrong(str(error)) from None
    if tensors.keys() != set(_TENSORS):
        raise Wrong("it holds other tensors than a checkpoint")
    if digest != _digest(text, tensors):
        raise Wrong("its contents do not match their digest")
    return plain, tensors


def description(metadata: Any) -> tuple[str, str]:
    """The JSON of a checkpoint and its digest, from the metadata of a safetensors file; else Wrong."""
    if not isinstance(metadata, dict) or set(metadata) != {"checkpoint", "digest"}:
        raise Wrong("it is not a checkpoint of clearprop")
    return str(metadata["checkpoint"]), str(metadata["digest"])


def checked_description(text: str) -> dict[str, Any]:
    """What the JSON of a checkpoint says, every value of its kind; Wrong otherwise."""
    plain = parse(text, "description", constant=float, most=MOST_ITEMS)
    if plain.get("format") != FORMAT:
        raise Wrong(f"it has format {plain.get('format')!r:.20}, and this clearprop reads {FORMAT}")
    for name, kinds in _KINDS.items():
        if name not in plain or not isinstance(plain[name], kinds) or isinstance(plain[name], bool):
            raise Wrong(f"it has no usable {name!r}")
    position, history = plain["position"], plain["history"]
    if position.keys() != {"batch", "loss", "weight"} or type(position["batch"]) is not int:
        raise Wrong("it has no usable 'position'")
    every((position["loss"], position["weight"]), _is_real, "its position")
    every(plain["counters"].values(), _is_real, "its counters")
    every(plain["digests"], lambda value: isinstance(value, str), "its list of digests")
    if history.keys() != set(HISTORY) or not all(isinstance(values, list) for values in history.values()):
        raise Wrong("it has no usable 'history'")
    for values in history.values():
        every(values, lambda value: value is None or _is_real(value), "its history")
        if len(values) != len(plain["digests"]) - 1:
            raise Wrong("its history and its digests are not of as many epochs")
    return plain


def tensor_shapes(parameters: int) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a checkpoint, for a network of so many parameters."""
    return {name: (MOST_SLOTS, parameters) if name == "slots" else (parameters,) for name in _TENSORS}


def _require_fit(plain: Mapping[str, Any], tensors: Mapping[str, Array], parameters: int) -> None:
    """Raise Wrong unless the tensors and counters are those of the network and the run."""
    for name, shape in tensor_shapes(parameters).items():
        if tensors[name].shape != shape or tensors[name].dtype != plain["settings"]["dtype"]:
            raise Wrong(f"its {name!r} does not fit the network")
    counters = plain["counters"]
    if not _COUNTERS.keys() <= counters.keys() <= (_COUNTERS | _OF_PLATEAUS).keys():
        raise Wrong("it has no usable 'counters'")
    for name, kind in (_COUNTERS | _OF_PLATEAUS).items():
        if kind is int and type(counters.get(name, 0)) is not int:
            raise Wrong(f"it has no usable counter {name!r}")


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _digest(text: str, tensors: Mapping[str, Array]) -> str:
    found = hashlib.sha256(text.encode())
    for name in _TENSORS:
        found.update(np.ascontiguousarray(tensors[name]).data)
    return found.hexdigest()
