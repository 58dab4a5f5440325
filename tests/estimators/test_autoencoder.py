"""`Autoencoder`: scikit-learn's contract, principal components as its linear case, and less error beyond."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_checks

import clearprop as cp
from clearprop.engines import gradient

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "diabetes": load_diabetes,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}


def scaled(name: str) -> np.ndarray:
    return np.asarray(StandardScaler().fit_transform(LOADERS[name](return_X_y=True)[0]))


IRIS = scaled("iris")


def error_of_principal_components(X: np.ndarray, n_components: int) -> float:
    pca = PCA(n_components).fit(X)
    return float(((X - pca.inverse_transform(pca.transform(X))) ** 2).mean())


LINEAR: dict[str, Any] = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "tol": 1e-9,
    "max_iter": 5000,
    "random_state": 0,
}


@pytest.mark.parametrize("centre", [0.0, 3.0])
@pytest.mark.parametrize(("name", "n_components"), [("iris", 2), ("wine", 3)])
def test_without_hidden_layers_it_finds_the_principal_subspace(
    name: str, n_components: int, centre: float
) -> None:
    X = scaled(name) + centre
    autoencoder = cp.Autoencoder(n_components, **LINEAR).fit(X)
    assert autoencoder.model_.stopped == "gradient norm"
    least = error_of_principal_components(X, n_components)
    assert autoencoder.reconstruction_error_ == pytest.approx(least, rel=1e-9)
    components = PCA(n_components).fit(X).components_
    decoder, encoder = autoencoder.decoder_.theta.W[1], autoencoder.encoder_.theta.W[1]
    for spanned in (decoder, encoder.T):
        assert scipy.linalg.subspace_angles(spanned, components.T).max() < 1e-6


@pytest.mark.parametrize("name", LOADERS)
def test_with_its_defaults_it_beats_as_many_principal_components(name: str) -> None:
    X = scaled(name)
    autoencoder = cp.Autoencoder(n_components=2, random_state=0).fit(X)
    assert autoencoder.reconstruction_error_ < 0.95 * error_of_principal_components(X, 2)


@pytest.mark.parametrize(
    "estimator", [cp.Autoencoder(), cp.Autoencoder(1, hidden_layer_sizes=(), solver="lbfgs")], ids=str
)
def test_scikit_learns_checks_hold(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = estimator_checks.check_estimator(estimator, on_skip=None, on_fail=None)
    failed = [(r["check_name"], str(r["exception"])) for r in results if r["status"] == "failed"]
    assert failed == []
    names = {r["check_name"] for r in results if r["status"] == "passed"}
    assert {"check_sample_weight_equivalence_on_dense_data", "check_transformer_general"} <= names


@pytest.mark.parametrize(
    "name",
    [
        "check_param_validation",
        "check_dataframe_column_names_consistency",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
    ],
)
def test_scikit_learns_further_checks_hold(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(estimator_checks, name)("Autoencoder", cp.Autoencoder(max_iter=10))


def test_codes_reconstructions_and_errors_belong_together() -> None:
    autoencoder = cp.Autoencoder(3, hidden_layer_sizes=(16, 8), max_iter=30, random_state=0)
    codes = autoencoder.fit_transform(IRIS)
    assert codes.shape == (150, 3)
    np.testing.assert_array_equal(codes, autoencoder.transform(IRIS))
    back = autoencoder.reconstruct(IRIS)
    np.testing.assert_allclose(autoencoder.inverse_transform(codes), back, atol=1e-12)
    scores = autoencoder.score_samples(IRIS)
    np.testing.assert_allclose(scores, -((IRIS - back) ** 2).mean(axis=1), atol=1e-12)
    assert autoencoder.score(IRIS) == pytest.approx(-autoencoder.reconstruction_error_)
    weights = np.arange(150.0)
    assert autoencoder.score(IRIS, None, weights) == pytest.approx(np.average(scores, weights=weights))
    assert autoencoder.network_.widths == (4, 16, 8, 3, 8, 16, 4)
    assert autoencoder.n_components_ == 3
    assert len(autoencoder.loss_curve_) == autoencoder.n_iter_ == 30
    assert list(autoencoder.get_feature_names_out()) == ["autoencoder0", "autoencoder1", "autoencoder2"]


def test_the_loss_curve_is_that_of_the_whole_network() -> None:
    autoencoder = cp.Autoencoder(solver=cp.LBFGS(), max_iter=20, l2=0.01, random_state=0).fit(IRIS)
    loss, _ = gradient(autoencoder.network_, autoencoder.theta_, IRIS, IRIS)
    assert loss == pytest.approx(autoencoder.loss_curve_[-1])
    penalty = 0.005 * sum(float((W**2).sum()) for W in autoencoder.theta_.W.values())
    assert loss - penalty == pytest.approx(autoencoder.reconstruction_error_ * 4 / 2)
    assert autoencoder.model_.certify(IRIS[:8], IRIS[:8]).holds


def test_encoder_and_decoder_are_saved_apart(tmp_path: Path) -> None:
    autoencoder = cp.Autoencoder(activation="maxout", max_iter=20, random_state=0).fit(IRIS)
    for name in ("encoder_", "decoder_", "model_"):
        getattr(autoencoder, name).save(tmp_path / name)
    codes = cp.load(tmp_path / "encoder_").predict(IRIS)
    np.testing.assert_array_equal(codes, autoencoder.transform(IRIS))
    back = cp.load(tmp_path / "decoder_").predict(codes)
    np.testing.assert_array_equal(back, autoencoder.inverse_transform(codes))
    np.testing.assert_allclose(cp.load(tmp_path / "model_").predict(IRIS), back, atol=1e-12)
    autoencoder.encoder_.theta.flat[:] = 0  # its own copy
    np.testing.assert_array_equal(autoencoder.transform(IRIS), codes)


def test_a_seed_gives_the_same_bits_and_a_state_another_fit() -> None:
    first, second = (cp.Autoencoder(max_iter=5, random_state=3).fit(IRIS) for _ in range(2))
    np.testing.assert_array_equal(first.theta_.flat, second.theta_.flat)
    state = np.random.RandomState(0)
    first, second = (cp.Autoencoder(max_iter=5, random_state=state).fit(IRIS) for _ in range(2))
    assert (first.theta_.flat != second.theta_.flat).any()


@pytest.mark.parametrize("weight", [0, 1, 2, 3])
def test_weights_are_repetitions(weight: int) -> None:
    X = IRIS[:40]
    weights = np.where(np.arange(40) < 20, weight, 1)
    settings: dict[str, Any] = {"max_iter": 60, "random_state": 0}
    weighted = cp.Autoencoder(**settings).fit(X, sample_weight=weights)
    repeated = cp.Autoencoder(**settings).fit(X.repeat(weights, axis=0))
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-7, atol=1e-9)
    assert weighted.reconstruction_error_ == pytest.approx(repeated.reconstruction_error_)


def test_float32_is_computed_in_float32() -> None:
    autoencoder = cp.Autoencoder(max_iter=20, random_state=0).fit(IRIS.astype(np.float32))
    codes = autoencoder.transform(IRIS.astype(np.float32))
    assert autoencoder.theta_.dtype == codes.dtype == autoencoder.inverse_transform(codes).dtype == np.float32
    double = cp.Autoencoder(max_iter=20, random_state=0).fit(IRIS)
    assert double.transform(IRIS).dtype == np.float64
    np.testing.assert_allclose(codes, double.transform(IRIS), atol=1e-3)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix])
def test_sparse_rows_are_those_they_stand_for(kind: Any) -> None:
    autoencoder = cp.Autoencoder(max_iter=5, random_state=0).fit(kind(IRIS))
    np.testing.assert_array_equal(
        autoencoder.transform(kind(IRIS)),
        cp.Autoencoder(max_iter=5, random_state=0).fit(IRIS).transform(IRIS),
    )
    assert autoencoder.score(kind(IRIS)) == pytest.approx(autoencoder.score(IRIS))


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": ["relu", cp.ELU(0.5)], "hidden_layer_sizes": (16, 8)},
        {"hidden_layer_sizes": 16, "code_activation": "tanh"},
        {"solver": cp.AdamW(cp.Cosine(0.01), clip_norm=1.0)},
        {"solver": "rmsprop", "learning_rate_init": 0.003},
        {"solver": "lbfgs", "max_iter": 200},
        {"loss": "huber"},
        {"early_stopping": True, "validation_fraction": 0.2},
        {"dropout": 0.05, "denoising": 0.05},
        {"l1": 1e-4, "l2": 1e-4},
        {"batch_size": 32, "learning_rate_init": 0.003},
        {"n_iter_no_change": np.inf, "tol": 0.0},
    ],
    ids=str,
)
def test_settings_are_learnt_with(settings: dict[str, Any]) -> None:
    autoencoder = cp.Autoencoder(**{"random_state": 0, "max_iter": 300, **settings}).fit(IRIS)
    assert autoencoder.reconstruction_error_ < 0.2
    assert autoencoder.loss_curve_[-1] < autoencoder.loss_curve_[0] / 3


def test_probabilities_are_given_back_through_a_sigmoid() -> None:
    X = MinMaxScaler().fit_transform(load_digits().data[:300])
    autoencoder = cp.Autoencoder(2, loss="binary_cross_entropy", max_iter=100, random_state=0).fit(X)
    back = autoencoder.reconstruct(X)
    assert back.min() >= 0
    assert back.max() <= 1
    assert autoencoder.reconstruction_error_ < np.var(X, axis=0).mean()
    with pytest.raises(cp.DataError, match="0 to 1"):
        cp.Autoencoder(loss="binary_cross_entropy").fit(IRIS)


def test_it_takes_part_in_pipelines_searches_clones_and_pickles() -> None:
    X, y = load_iris(return_X_y=True)
    autoencoder = cp.Autoencoder(2, hidden_layer_sizes=(8,), max_iter=100, random_state=0)
    pipeline = make_pipeline(StandardScaler(), autoencoder, LogisticRegression())
    search = GridSearchCV(pipeline, {"autoencoder__n_components": [1, 2]}, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.8
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    alone = GridSearchCV(autoencoder, {"n_components": [1, 3]}, cv=2).fit(IRIS)
    assert alone.best_params_ == {"n_components": 3}
    copy = clone(cp.Autoencoder(solver=cp.AdamW(1e-3), activation=[cp.ELU(0.5)]))
    assert copy.solver == cp.AdamW(1e-3)
    assert not hasattr(copy, "model_")


def test_joblib_keeps_it(tmp_path: Path) -> None:
    autoencoder = cp.Autoencoder(max_iter=5, random_state=0).fit(IRIS)
    joblib.dump(autoencoder, tmp_path / "autoencoder.joblib")
    again = joblib.load(tmp_path / "autoencoder.joblib")
    np.testing.assert_array_equal(again.transform(IRIS), autoencoder.transform(IRIS))


def test_frames_come_out_where_asked_for() -> None:
    frame = load_iris(as_frame=True).data
    autoencoder = cp.Autoencoder(max_iter=5, random_state=0).set_output(transform="pandas").fit(frame)
    codes = autoencoder.transform(frame)
    assert list(codes.columns) == ["autoencoder0", "autoencoder1"]
    assert list(autoencoder.feature_names_in_) == list(frame.columns)
    assert autoencoder.inverse_transform(codes).shape == frame.shape


def test_rows_unlike_those_fitted_to_score_low() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit(X[y == 1]).transform(X)
    autoencoder = cp.Autoencoder(4, random_state=0).fit(X[y == 1])
    assert roc_auc_score(y, autoencoder.score_samples(X)) > 0.9


def test_far_means_need_not_be_learnt() -> None:
    X = IRIS[:, :2] + [1000.0, -500.0]
    autoencoder = cp.Autoencoder(1, hidden_layer_sizes=(), max_iter=1, random_state=0).fit(X - X.mean(axis=0))
    assert autoencoder.loss_curve_[0] < 50
    shifted = cp.Autoencoder(2, max_iter=1, learning_rate_init=1e-9, random_state=0).fit(X)
    assert np.abs(shifted.reconstruct(X) - X).max() < 10


def test_what_cannot_be_done_says_so() -> None:
    with pytest.raises(NotFittedError):
        cp.Autoencoder().transform(IRIS)
    with pytest.raises(NotFittedError):
        cp.Autoencoder().inverse_transform(IRIS)
    fitted = cp.Autoencoder(max_iter=2, random_state=0).fit(IRIS)
    with pytest.raises(ValueError, match="a code of this Autoencoder has 2 numbers"):
        fitted.inverse_transform(IRIS)
    with pytest.raises(ValueError, match="n_components"):
        cp.Autoencoder(0).fit(IRIS)
    with pytest.raises(cp.SpecificationError, match="activation lists 1 and hidden_layer_sizes 2"):
        cp.Autoencoder(hidden_layer_sizes=(3, 3), activation=["relu"]).fit(IRIS)
    with pytest.raises(cp.SpecificationError, match="dropout"):
        cp.Autoencoder(solver="lbfgs", denoising=0.5).fit(IRIS)
    with pytest.raises(ValueError, match="weight"):
        cp.Autoencoder().fit(IRIS, sample_weight=np.zeros(150))
    with pytest.raises(cp.TrainingDiverged):
        cp.Autoencoder(solver="sgd", learning_rate_init=1e9, activation="relu").fit(IRIS)


def test_an_unfinished_fit_warns() -> None:
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        cp.Autoencoder(max_iter=1).fit(IRIS)
