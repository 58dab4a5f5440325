"""`n_jobs`: an estimator keeps to it in every method that computes, and its numbers do not depend on it."""

import numpy as np
import pytest
from sklearn.base import clone

import clearprop as cp
from clearprop import company
from clearprop.engines import compiled, helpers
from clearprop.estimators.jobs import threads_of

X = np.random.default_rng(0).standard_normal((400, 8))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
WIDE = {"hidden_layer_sizes": (1024,), "max_iter": 2, "random_state": 0, "tol": 0.0}
TABLE = {"hidden": (1024,), "batch_size": 256, "epochs": 2, "random_state": 0}

#: estimator, and what it answers
CASES = {
    "MLPClassifier": (cp.MLPClassifier(**WIDE), lambda fitted: fitted.predict_proba(X)),
    "MLPClassifier, early stopping": (
        cp.MLPClassifier(**WIDE, early_stopping=True),
        lambda fitted: fitted.loss_gradient(X, y)[1].flat,
    ),
    "MLPClassifier, ensemble": (
        cp.MLPClassifier(**WIDE, n_ensemble=4),
        lambda fitted: fitted.predict_proba(X),
    ),
    "MLPRegressor": (cp.MLPRegressor(**WIDE), lambda fitted: fitted.predict(X)),
    "MLPRegressor, lbfgs": (cp.MLPRegressor(**WIDE, solver="lbfgs"), lambda fitted: fitted.predict(X)),
    "MLPClassifier, partial_fit": (
        cp.MLPClassifier(**WIDE, warm_start=True),
        lambda fitted: fitted.partial_fit(X, y).predict_proba(X),
    ),
    "TabularClassifier": (cp.TabularClassifier(**TABLE), lambda fitted: fitted.predict_proba(X)),
    "TabularRegressor": (cp.TabularRegressor(**TABLE), lambda fitted: fitted.predict(X)),
    "Autoencoder": (
        cp.Autoencoder(**WIDE),
        lambda fitted: np.hstack([fitted.inverse_transform(fitted.transform(X)), fitted.reconstruct(X)]),
    ),
}


@pytest.fixture
def most(monkeypatch):
    """The most threads that computed at once since it was cleared."""
    found: list[int] = []
    work, run = compiled.work_together, company.Company.run

    def working(kernels, board, threads):
        found.append(threads)
        work(kernels, board, threads)

    def running(self):
        found.append(self.workers * self.share)
        return run(self)

    monkeypatch.setattr(compiled, "work_together", working)
    monkeypatch.setattr(company.Company, "run", running)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    return found


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_an_estimator_keeps_to_it_and_has_the_same_bits(name, most):
    estimator, answer = CASES[name]
    answers = {}
    for n_jobs, used in ((1, 1), (2, 2), (None, 4), (-1, 4), (-2, 3)):
        model = clone(estimator).set_params(n_jobs=n_jobs)
        most.clear()
        model.fit(X, y)
        assert max(most, default=1) == used
        most.clear()
        answers[n_jobs] = answer(model)
        assert max(most, default=1) == used
    assert company.share() is None
    for found in answers.values():
        np.testing.assert_array_equal(found, answers[1])


def test_minus_one_is_all_cores_and_each_below_one_fewer(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert [threads_of(n_jobs) for n_jobs in (None, 1, 3, -1, -3, -9)] == [None, 1, 3, 4, 2, 1]
    assert threads_of(np.int64(2)) == 2
    assert threads_of(10**6) == helpers.MOST_THREADS


@pytest.mark.parametrize("n_jobs", [0, 1.5, "all"])
@pytest.mark.parametrize("kind", [cp.MLPClassifier, cp.MLPRegressor, cp.TabularClassifier, cp.Autoencoder])
def test_what_is_no_number_of_threads_is_refused(kind, n_jobs):
    with pytest.raises(ValueError, match="n_jobs"):
        kind(n_jobs=n_jobs).fit(X, y)
