"""`validated`: the parameters of an estimator are checked as scikit-learn checks its own, and then it fits.

It does what scikit-learn's `_fit_context(prefer_skip_nested_validation=True)` does, but for the callbacks of
its own estimators, which since 1.9 a first fit would wait for (they bring the package rich).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from sklearn import config_context, get_config
from sklearn.utils.validation import _is_fitted

P = ParamSpec("P")
T = TypeVar("T")


def validated(fit: Callable[P, T]) -> Callable[P, T]:
    """A `fit` or `partial_fit` that raises InvalidParameterError where `_parameter_constraints` do not hold.

    Calls of `partial_fit` after the first, and fits within `sklearn.config_context`'s
    `skip_parameter_validation`, are not checked.
    """

    @functools.wraps(fit)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        estimator: Any = args[0]
        goes_on = fit.__name__ == "partial_fit" and _is_fitted(estimator)
        if not (goes_on or get_config()["skip_parameter_validation"]):
            estimator._validate_params()
        with config_context(skip_parameter_validation=True):
            return fit(*args, **kwargs)

    return checked
