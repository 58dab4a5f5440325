"""The drop-ins for `sklearn.neural_network`: `MLPClassifier` and `MLPRegressor`.

Parameters that scikit-learn has keep its names, order, defaults and meaning; those it lacks follow by
keyword. `settings` turns them into rows, `multilayer` holds the course of a fit, `steps` takes its steps.
"""

from clearprop.estimators.classifier import MLPClassifier
from clearprop.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
