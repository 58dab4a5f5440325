"""Many networks at once: seeds, settings and folds trained side by side, each with the bits it has alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from clearprop.company import together
from clearprop.engines.helpers import check_threads, usable_cores
from clearprop.errors import SpecificationError
from clearprop.training.launch import train
from clearprop.training.progress import counting
from clearprop.training.run import Run

_KNOWN = inspect.signature(train).parameters
_COMPANYS = ("threads", "progress")  #: settings of all jobs together


def train_many(
    jobs: Iterable[Mapping[str, Any]], *, threads: int | None = None, progress: bool = True, **common: Any
) -> list[Run]:
    """Train networks side by side: for each job, `train` with its arguments and the common ones.

    Each network has one thread where there are as many networks as threads, and every bit that it has
    when trained alone. Ctrl-C ends all of them, each with what it has learnt so far (its first parameters,
    if it had not begun); `stopped` is "interrupted" then.

    Parameters
    ----------
    jobs : iterable of mappings
        Arguments of `train` by their names, such as `{"seed": 3}`; they go before the common ones.
    threads : int, optional
        In all; as many as there are cores (or OMP_NUM_THREADS says) if left out.
    progress : bool
        Whether to show one progress bar for all (or a few lines, in a log) on standard error.
    **common
        Arguments that jobs have in common: `network`, `X` and `Y`, mostly. Callbacks are called one at a
        time, whichever network they are told of.

    Returns
    -------
    list of Run
        In the order of the jobs; `clearprop.train_many` gives `Model`s.

    Raises
    ------
    ClearpropError
        That of the first job, in their order, that failed: the message names it. The others are stopped.

    See Also
    --------
    train : one network.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop.specification import Dense, Network
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> runs = train_many(
    ...     [{"seed": k} for k in range(3)],
    ...     network=Network(1, [Dense(4, "tanh"), Dense(1)]), X=X, Y=X[:, 0] ** 2,
    ...     epochs=5, engine="textbook", progress=False,
    ... )
    >>> [run.record.seed for run in runs]
    [0, 1, 2]
    """
    asked = _arguments(jobs, common)
    cores = check_threads(threads) or usable_cores()
    if len(asked) == 1:
        return [train(**asked[0], threads=threads, progress=progress)]
    with counting(progress, len(asked), "network") as watch:
        pieces = [partial(train, **given, progress=False) for given in asked]
        name = partial(_name, asked)
        return together(pieces, cores, name=name, watch=watch, all_answer=True)


def _arguments(jobs: Iterable[Mapping[str, Any]], common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each job, if `train` takes them."""
    found = []
    for k, job in enumerate(jobs):
        if not isinstance(job, Mapping):
            raise SpecificationError(
                f"jobs[{k}] is a mapping of arguments of train, such as {{'seed': 3}}, not {job!r:.60}"
            )
        given = {**common, **job}
        for name in given:
            if name in _COMPANYS:
                raise SpecificationError(
                    f"jobs[{k}] has {name!r}, which is said once for all: train_many(jobs, {name}=...)"
                )
            if name not in _KNOWN:
                raise SpecificationError(f"train takes no {name!r} (jobs[{k}]); it takes {', '.join(_KNOWN)}")
        lacking = [name for name in ("network", "X", "Y") if name not in given]
        if lacking:
            raise SpecificationError(
                f"jobs[{k}] has no {', '.join(lacking)}; give it there, or to all: "
                f"train_many(jobs, {lacking[0]}=...)"
            )
        found.append(given)
    _require_own_folders(found)
    return found


def _require_own_folders(asked: Sequence[Mapping[str, Any]]) -> None:
    seen: dict[Path, int] = {}
    for k, given in enumerate(asked):
        if given.get("checkpoint") is None:
            continue
        folder = Path(given["checkpoint"]).resolve()
        if folder in seen:
            raise SpecificationError(
                f"jobs[{seen[folder]}] and jobs[{k}] would write the same checkpoint; give each a folder of "
                'its own: {"seed": 3, "checkpoint": "runs/3"}'
            )
        seen[folder] = k


def _name(asked: Sequence[Mapping[str, Any]], k: int) -> str:
    """Words for a job: its place, and what tells it from the others, where that is short."""
    own = []
    for name, value in asked[k].items():
        plain = isinstance(value, str | int | float) or name == "optimizer"
        if plain and any(other.get(name) != value for other in asked):
            own.append(f"{name}={value!r:.40}")
    return f"jobs[{k}]" + (f" ({', '.join(own)})" if own else "")
