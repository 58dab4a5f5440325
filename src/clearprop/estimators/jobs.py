"""`n_jobs` of the estimators: how many threads they compute with, at most.

None is as many as the work pays for, as with others that compute in threads of their own (LightGBM, XGBoost),
and not one, as with scikit-learn's processes. It holds while the estimator fits or predicts, for the thread
that called it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Integral
from typing import Any, ParamSpec, TypeVar

import numpy as np
from sklearn.utils._param_validation import Interval

from clearprop.company import at_most
from clearprop.engines.helpers import MOST_THREADS, usable_cores
from clearprop.errors import SpecificationError

P = ParamSpec("P")
T = TypeVar("T")

#: what the constructors take, in scikit-learn's language
N_JOBS = [Interval(Integral, 1, None, closed="left"), Interval(Integral, None, -1, closed="right"), None]


def threads_of(n_jobs: int | None) -> int | None:
    """Threads that `n_jobs` stands for; None for as many as the work pays for.

    Raises
    ------
    SpecificationError
        When it is 0, or no whole number.

    Examples
    --------
    >>> threads_of(2), threads_of(None), threads_of(-1) == usable_cores()
    (2, None, True)
    """
    if n_jobs is None:
        return None
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise SpecificationError(
            "n_jobs is a number of threads from 1, -1 for all cores (-2 for all but one), or None, not "
            f"{n_jobs!r}"
        )
    return min(int(n_jobs), MOST_THREADS) if n_jobs > 0 else max(1, usable_cores() + 1 + int(n_jobs))


def limited(method: Callable[P, T]) -> Callable[P, T]:
    """The method of an estimator, computing with at most its `n_jobs` threads."""

    @functools.wraps(method)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        estimator: Any = args[0]
        with at_most(threads_of(estimator.n_jobs)):
            return method(*args, **kwargs)

    return within
