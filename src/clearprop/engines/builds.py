"""Builds: the copies of the kernels that are compiled for one dtype and one set of rows.

The files of `kernels/` are generic: they name no activation, loss or optimizer. The build of the shipped
rows serves every network made of them; a network with a row of its own gets a build of just the rows it
uses. Builds are compiled once and kept in a disk cache.

What is subtle is the cache. Numba's key is the text of a kernel, not of the formulas it inlines, so a
changed formula would run stale machine code. Therefore the cache's folder (`kernel_cache`) is named by a
fingerprint of every file of `formulas/` and `engines/`, of the versions and the CPU; and a build with a
user's rows has a folder of its own in it, named by a digest of all the texts that went into it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import shutil
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.engines.lowering import RowCompiler
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import Loss, clipped, losses
from clearprop.formulas.optimizers import MOST_SLOTS, Optimizer, optimizers
from clearprop.kernel_cache import (
    MARK,
    alone,
    asked_elsewhere,
    cache_folder,
    folder_of,
    is_complete,
    keep_in,
)
from clearprop.specification import Network


@dataclass
class Build:
    """The rows and the number type that one copy of the kernels is compiled for."""

    real: type
    folder: str  #: of its compiled code, within the cache
    activation_rows: tuple[Activation, ...]
    loss_rows: tuple[Loss, ...]
    optimizer_rows: tuple[Optimizer, ...]
    parts: dict[str, ModuleType] = field(default_factory=dict)  #: the kernels' files, once loaded
    place: Path = Path()  #: where its compiled code is kept
    complete: bool = False  #: whether all of it was there already

    def __post_init__(self) -> None:
        self._rows = RowCompiler(self.real)
        self.far_functions: dict[str, Any] = {}

    def part(self, name: str) -> ModuleType:
        """A file of the kernels that was loaded before."""
        return self.parts[name]

    def kernel(self, function: Callable[..., Any]) -> Any:
        """Decorator of kernels that other kernels call; compiled without the GIL, cached on disk."""
        return self._jit(function, None)

    def entry(self, signature: Any) -> Callable[[Callable[..., Any]], Any]:
        """Decorator of kernels compiled for given types when the build is made; Python calls most.

        From a complete build a kernel is read when it is first called; those of `AT_ONCE` at once.
        """

        def compiled(function: Callable[..., Any]) -> Any:
            if self.complete and function.__name__ not in AT_ONCE:
                return _Waiting(function, lambda: self._jit(function, signature))
            return self._jit(function, signature)

        return compiled

    def _jit(self, function: Callable[..., Any], signature: Any) -> Any:
        from numba import njit

        with _experimental():
            dispatcher = keep_in(self.place, njit(nogil=True, error_model="numpy")(function))
            if signature is not None:
                dispatcher.compile(signature)
                dispatcher.disable_compile()
        return dispatcher

    def far(self, *arguments: Any) -> Callable[[Callable[..., Any]], Any]:
        """Decorator of kernels that others call by a symbol, with machine numbers and addresses alone.

        What others inline or link is compiled again in each of them; this is compiled once.
        """

        def decorate(function: Callable[..., Any]) -> Any:
            from llvmlite.binding import add_symbol
            from numba import types
            from numba.core.ccallback import CFunc

            signature = types.void(*arguments)
            with _experimental():
                compiled = keep_in(
                    self.place, CFunc(function, (arguments, types.void), {}, {"error_model": "numpy"})
                )
                compiled.compile()
            name = f"clearprop_{self.folder}_{function.__name__}"
            add_symbol(name, compiled.address)
            self.far_functions[function.__name__] = compiled  # lives as long as its address is known
            return types.ExternalFunction(name, signature)

        return decorate

    def inline(self, function: Callable[..., Any]) -> Any:
        """Decorator of small functions that are inlined where kernels call them."""
        from numba import njit

        return njit(forceinline=True, error_model="numpy")(function)

    def primitives(self) -> Mapping[str, Any]:
        """The primitives as Numba functions in this dtype."""
        return self._rows.primitives

    def activations(self) -> tuple[Any, ...]:
        """f(z, p0..p3) of every elementwise activation."""
        return tuple(
            self._rows.function(("z",), row.parameter_names, [row.formula]) for row in self.activation_rows
        )

    def derivatives(self) -> tuple[Any, ...]:
        """f(z, a, p0..p3) of every elementwise activation."""
        return tuple(
            self._rows.function(("z", "a"), row.parameter_names, [row.derivative])
            for row in self.activation_rows
        )

    def losses(self) -> tuple[Any, ...]:
        """f(z, a, y, log_a, p0..p3) -> (value, slope), then (value, delta) where linked forms exist."""
        arguments = ("z", "a", "y", "log_a")
        plain = [(row, [row.value, row.slope]) for row in self.loss_rows]
        linked = [(row, [row.linked_value, row.linked_delta]) for row in self._linked_rows]
        return tuple(
            self._rows.function(arguments, row.parameter_names, texts) for row, texts in (*plain, *linked)
        )

    @property
    def _linked_rows(self) -> tuple[Loss, ...]:
        return tuple(row for row in self.loss_rows if row.linked_value)

    def loss_index(self, loss: Loss, *, linked: bool) -> int:
        """Place of a loss's function in `losses()`."""
        if linked:
            return len(self.loss_rows) + [*map(loss_key, self._linked_rows)].index(loss_key(loss))
        return [*map(loss_key, self.loss_rows)].index(loss_key(loss))

    def rules(self, n_slots: int) -> tuple[Any, ...]:
        """f(theta, g, rate, slots..., c0, c1, p0..p3) -> (theta, slots...), of rules with `n_slots`."""
        chosen = [row for row in distinct_rules(self.optimizer_rows) if len(row.slots) == n_slots]
        return tuple(self._rows.rule(row) for row in chosen) or (self._rows.rule(_STAND_STILL[n_slots]),)


@contextmanager
def _experimental() -> Iterator[None]:
    """Let tuples of functions be: they are "experimental", and what we build on."""
    from numba.core.errors import NumbaExperimentalFeatureWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
        yield


class _Waiting:
    """A kernel that lies compiled on disk until it is called; then Numba's takes its place in its module."""

    def __init__(self, function: Callable[..., Any], read: Callable[[], Any]) -> None:
        self.function, self._read, self._kernel = function, read, None

    def __call__(self, *arguments: Any) -> Any:
        return self.kernel()(*arguments)

    def kernel(self) -> Any:
        """Numba's kernel."""
        with _loading:
            if self._kernel is None:
                self._kernel = self._read()
                setattr(sys.modules[self.function.__module__], self.function.__name__, self._kernel)
        return self._kernel

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes this for within other kernels, should one have to be compiled after all."""
        return self.kernel()._numba_type_


def at_hand(kernel: Any) -> Any:
    """Numba's kernel itself, for who calls it often."""
    return kernel.kernel() if isinstance(kernel, _Waiting) else kernel


_STAND_STILL = tuple(
    Optimizer(name="stand_still", step="theta", slots=tuple((f"s{i}", f"s{i}") for i in range(n)))
    for n in range(MOST_SLOTS + 1)
)


def distinct_rules(rows: tuple[Optimizer, ...]) -> tuple[Optimizer, ...]:
    """Rows with rules of their own: AdamW's is Adam's, and L-BFGS has none."""
    first: dict[tuple[Any, ...], Optimizer] = {}
    for row in rows:
        if row.step:
            first.setdefault(rule_key(row), row)
    return tuple(first.values())


def rule_key(row: Optimizer) -> tuple[Any, ...]:
    """What makes two optimizers the same code."""
    names = tuple(name for name, _ in row.scalars)  # their values come from outside
    return names, row.slots, row.step, row.parameter_names


def activation_key(row: Activation) -> tuple[Any, ...]:
    """What makes two activations the same code, whatever their names and parameter values."""
    return row.formula, row.derivative, row.parameter_names


def loss_key(row: Loss) -> tuple[Any, ...]:
    """What makes two losses the same code."""
    return row.value, row.slope, row.linked_value, row.linked_delta, row.parameter_names


_SHIPPED_ACTIVATIONS = tuple(row for row in activations.values() if isinstance(row, Activation))
_SHIPPED_LOSSES = (*losses.values(), *clipped.values())
_SHIPPED_OPTIMIZERS = tuple(optimizers.values())
_SHIPPED_KEYS = {
    *map(activation_key, _SHIPPED_ACTIVATIONS),
    *map(loss_key, _SHIPPED_LOSSES),
    *map(rule_key, _SHIPPED_OPTIMIZERS),
}
OWN_BUILDS = 20  #: builds with users' rows that stay in the cache
AT_ONCE = ("begin", "work_alone")  #: read when the build is: the clock of a training should not run meanwhile
#: files of `kernels/`, in the order they need each other
PARTS = ("rows", "dropping", "ordering", "products", "reading", "passes", "steps", "batch", "working")
_KERNELS = Path(__file__).with_name("kernels")
_builds: dict[str, Build] = {}
_loading = threading.RLock()
_log = logging.getLogger("clearprop")


def build_of(module: str) -> Build:
    """The build that a copy of a kernel file belongs to."""
    name = module.rpartition(".")[0]
    if name not in _builds:
        raise ImportError("kernels are loaded through builds.build_for, once for every build")
    return _builds[name]


def _shipped(real: type) -> Build:
    return Build(real, real.__name__, _SHIPPED_ACTIVATIONS, _SHIPPED_LOSSES, _SHIPPED_OPTIMIZERS)


def build_for(network: Network, optimizer: Optimizer, dtype: np.dtype[Any]) -> Build:
    """The build that has the network's rows, made if this network is the first to need it."""
    real = dtype.type
    own = [layer.activation for layer in network.layers if isinstance(layer.activation, Activation)]
    keys = {loss_key(network.loss), rule_key(optimizer), *map(activation_key, own)}
    if keys <= _SHIPPED_KEYS:
        return _load(f"clearprop.engines._kernels_{dtype.name}", _shipped(real))
    rows = {activation_key(row): row for row in (*own, _SHIPPED_ACTIVATIONS[0])}
    rules = _SHIPPED_OPTIMIZERS if rule_key(optimizer) in _SHIPPED_KEYS else (optimizer,)
    texts = (*rows, loss_key(network.loss), *map(rule_key, rules))
    folder = f"{dtype.name}_{hashlib.sha256(repr(texts).encode()).hexdigest()[:20]}"
    build = Build(real, folder, tuple(rows.values()), (network.loss,), rules)
    return _load(f"clearprop.engines._kernels_{folder}", build)


def _load(name: str, build: Build) -> Build:
    with _loading:
        if name not in _builds:
            build.place = folder_of(build.folder)
            build.complete = is_complete(build.place)
            if build.complete:
                _execute(name, build)
            else:
                with alone(build.place):
                    _compile(name, build)
        return _builds[name]


def _compile(name: str, build: Build) -> None:
    """Make a build, unless another process just did."""
    build.complete = is_complete(build.place)
    if build.complete:
        _execute(name, build)
        return
    began = time.perf_counter()
    own = "" if build.folder == build.real.__name__ else " with rows of your own"
    _log.warning("compiling the %s kernels%s (once) ...", build.real.__name__, own)
    if asked_elsewhere(build.place):
        _log.warning(asked_elsewhere(build.place))
    _forget_old_builds()
    _execute(name, build)
    _log.warning("... compiled in %.0f s", time.perf_counter() - began)
    with suppress(OSError):
        (build.place / MARK).touch()


def _forget_old_builds() -> None:
    """Keep the disk from filling with the formulas somebody tried: the latest builds of own rows stay."""

    def age(folder: Path) -> float:
        try:
            return folder.stat().st_mtime
        except OSError:  # another process has just removed it
            return 0.0

    for folder in sorted(cache_folder().glob("float*_*"), key=age)[:-OWN_BUILDS]:
        shutil.rmtree(folder, ignore_errors=True)


def _execute(name: str, build: Build) -> None:
    """Run the kernels' files under another name; their decorators compile, or load from the disk cache."""
    _builds[name] = build
    try:
        for part in PARTS:
            build.parts[part] = _execute_file(f"{name}.{part}", _KERNELS / f"{part}.py")
    except BaseException:
        del _builds[name]
        raise


def _execute_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a kernel from the disk cache finds its globals by this name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
