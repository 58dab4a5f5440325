"""Several networks that answer as one: fitted side by side, averaged, their spread the uncertainty.

Members differ in their seed alone: first weights, held-out rows, batch orders. They are fitted in company;
the bits depend neither on how many run at once nor on who ends first.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from sklearn.base import clone
from sklearn.utils import check_random_state

from clearprop.arrays import Array
from clearprop.company import at_most, together
from clearprop.engines.helpers import usable_cores
from clearprop.estimators.jobs import threads_of

#: what the members have in common, read off the first
_SHARED = (
    "_known",
    "classes_",
    "feature_names_in_",
    "n_features_in_",
    "n_layers_",
    "n_outputs_",
    "network_",
    "out_activation_",
    "t_",
)

#: what a single network keeps for itself
_PRIVATE = (
    "_best",
    "_dropout_seed",
    "_no_improvement_count",
    "_optimizer",
    "_random_state",
    "_uncertainty",
    "_weights_of_classes",
)


def fit_members(estimator: Any, method: str, keeps: bool, *arguments: Any, **given: Any) -> Any:
    """Fit `estimator.n_ensemble` copies through `method` ("fit" or "partial_fit"); the estimator itself.

    Parameters
    ----------
    keeps : bool
        Whether members of an earlier fit go on.
    """
    members = getattr(estimator, "estimators_", None) if keeps else None
    if members is None or len(members) != estimator.n_ensemble:
        random_state = check_random_state(estimator.random_state)
        seeds = random_state.randint(np.iinfo(np.int32).max, size=estimator.n_ensemble)
        members = [clone(estimator).set_params(n_ensemble=1, random_state=int(seed)) for seed in seeds]
    own = estimator.get_params(deep=False)
    for member in members:
        member.set_params(**{k: v for k, v in own.items() if k not in ("n_ensemble", "random_state")})
    pieces = [partial(getattr(member, method), *arguments, **given) for member in members]
    with at_most(threads_of(estimator.n_jobs)):
        together(pieces, threads_beside_joblib(), all_answer=True)
    for name in [name for name in vars(estimator) if name in _PRIVATE or name.endswith("_")]:
        delattr(estimator, name)  # of an earlier fit
    estimator.estimators_ = members
    for name in _SHARED:
        if hasattr(members[0], name):
            setattr(estimator, name, getattr(members[0], name))
    estimator.loss_ = float(np.mean([member.loss_ for member in members]))
    estimator.n_iter_ = max(member.n_iter_ for member in members)
    return estimator


def threads_beside_joblib() -> int:
    """Threads for a company: as many as there are cores, but one within joblib's own workers."""
    backend, _ = get_active_backend()
    return 1 if getattr(backend, "nesting_level", 0) else usable_cores()


def mean_and_spread(outputs: list[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation over the members of arrays of one shape."""
    stacked = np.stack(outputs)
    return stacked.mean(axis=0), stacked.std(axis=0)
