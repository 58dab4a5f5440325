"""TabularClassifier and TabularRegressor: scikit-learn's manners over raw tables."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.estimators import TabularClassifier, TabularRegressor
from clearprop.table_model import TableModel, fit_table
from clearprop.table_model.settings import Settings


@pytest.fixture(scope="module")
def penguins():
    return pl.read_csv(penguins_path(), null_values="NA")


@pytest.fixture(scope="module")
def frames(penguins):
    X = penguins.drop("species")
    return {"polars": X, "pandas": X.to_pandas(), "pyarrow": X.to_arrow()}


def test_every_kind_of_frame_gives_the_same_fit(frames, penguins):
    models = {
        kind: TabularClassifier(random_state=0, epochs=10).fit(X, penguins["species"])
        for kind, X in frames.items()
    }
    expected = models["polars"].predict_proba(frames["polars"])
    for kind, model in models.items():
        np.testing.assert_array_equal(model.predict_proba(frames[kind]), expected)
        assert model.n_features_in_ == 7
        assert list(model.classes_) == ["Adelie", "Chinstrap", "Gentoo"]
        assert isinstance(model.model_, TableModel)
    assert list(models["pandas"].feature_names_in_) == frames["polars"].columns


def test_the_estimator_is_fit_table(penguins, frames, tmp_path):
    estimator = TabularClassifier(random_state=3, epochs=10).fit(frames["pandas"], penguins["species"])
    model = fit_table(penguins, "species", settings=Settings(seed=3, epochs=10))
    np.testing.assert_array_equal(estimator.model_.theta.flat, model.theta.flat)
    estimator.model_.save(tmp_path / "m.safetensors")
    loaded = TableModel.load(tmp_path / "m.safetensors")
    assert list(loaded.predict(penguins)) == list(estimator.predict(frames["pandas"]))


def test_the_numbers_are_in_their_own_units(penguins):
    known = penguins.drop_nulls("body_mass_g")
    X, y = known.drop("body_mass_g"), known["body_mass_g"]
    model = TabularRegressor(random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2].to_numpy()) > 0.7
    assert model.model_.target.columns == ("body_mass_g",)


def test_several_targets_keep_their_shape_and_names():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 2))
    Y = pd.DataFrame({"sum": X.sum(axis=1), "difference": X[:, 0] - X[:, 1]})
    model = TabularRegressor(random_state=0, epochs=60).fit(X, Y)
    assert model.predict(X).shape == (80, 2)
    assert model.model_.target.columns == ("sum", "difference")
    assert model.score(X, Y) > 0.9
    assert TabularRegressor(epochs=2).fit(X, Y[["sum"]].to_numpy()).predict(X).shape == (80, 1)


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [-1.0, 2.0], [False, True], ["a", "b", "NA"]])
def test_labels_of_every_type_come_back(labels):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 2))
    y = np.array(labels)[np.arange(60) % len(labels)]
    model = TabularClassifier(epochs=2).fit(X, y)
    assert model.classes_.dtype == y.dtype
    assert model.predict(X).dtype == y.dtype
    assert set(model.predict(X)) <= set(y)


def test_arrays_of_objects_are_typed_column_by_column():
    X = np.array([[1, "a", None], [2.5, "b", 1], [None, None, 3], [4, "a", 2]] * 5, dtype=object)
    model = TabularClassifier(epochs=3).fit(X, ["u", "v"] * 10)
    assert [row.kind for row in model.model_.encoder.describe()] == ["number", "text", "number"]
    assert model.predict(X).shape == (20,)


def test_pipelines_searches_and_copies(penguins):
    X, y = np.random.default_rng(0).normal(size=(90, 3)), np.arange(90) % 3
    model = TabularClassifier(random_state=0, epochs=3)
    assert clone(model).get_params() == model.get_params()
    assert len(cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=3)) == 3
    search = GridSearchCV(model, {"hidden": [(4,), (8, 8)], "dropout": [0.0, 0.2]}, cv=2).fit(X, y)
    assert set(search.best_params_) == {"hidden", "dropout"}
    fitted = model.fit(X, y, sample_weight=np.ones(90))
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))


def test_random_states(penguins):
    X, y = penguins.drop("species"), penguins["species"]
    same = [TabularClassifier(random_state=7, epochs=2).fit(X, y).model_.theta.flat for _ in range(2)]
    np.testing.assert_array_equal(*same)
    drawn = TabularClassifier(random_state=np.random.RandomState(0), epochs=2).fit(X, y)
    assert drawn.model_.model.record.seed != 0


def test_hinge_has_no_predict_proba():
    assert not hasattr(TabularClassifier(loss="hinge"), "predict_proba")
    assert hasattr(TabularClassifier(), "predict_proba")


def test_what_cannot_be_learnt_is_said():
    X = np.zeros((4, 1))
    for y, message in (
        (None, "requires y"),
        ([1, 1, 1, 1], "1 class"),
        ([2**60, 2**60 + 1, 2**60, 2**60 + 1], "2\\*\\*53"),
    ):
        with pytest.raises(DataError, match=message):
            TabularClassifier().fit(X, y)
    with pytest.raises(DataError, match="4 rows and y 3"):
        TabularClassifier().fit(X, [0, 1, 0])
    with pytest.raises(SpecificationError, match="judges numbers"):
        TabularClassifier(loss="huber").fit(X, [0, 1, 0, 1])
    with pytest.raises(SpecificationError, match="hidden lists the widths"):
        TabularClassifier(hidden=8).fit(X, [0, 1, 0, 1])
    with pytest.raises(NotFittedError):
        TabularRegressor().predict(X)


def test_pyarrow_targets(penguins):
    y = pa.array(penguins["species"].to_list())
    model = TabularClassifier(epochs=2).fit(penguins.drop("species"), y)
    assert len(model.classes_) == 3


def doubtful(m=60):
    """A frame with a column of each fault, and labels that one of its columns copies."""
    rows = np.arange(m)
    y = np.array(["a", "b"])[rows % 2]
    X = {
        "id": rows,
        "x": np.sin(rows),
        "code": [2**53 + 1 + int(i) for i in rows],
        "same": np.ones(m),
        "copy": y,
    }
    return pd.DataFrame(X), y


def said_by(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {warning.filename for warning in caught} <= {__file__}
    return [str(warning.message) for warning in caught]


def test_what_is_doubtful_in_a_frame_is_said_as_by_fit_table():
    X, y = doubtful()
    model = TabularClassifier(epochs=2, random_state=0)
    said = said_by(lambda: model.fit(X, pd.Series(y, name="label")))
    settings = Settings(epochs=2)
    assert said == said_by(lambda: fit_table(X.assign(label=y), "label", settings=settings))
    for words in ("'code', 30 whole", "'copy' equals the target 'label'", "'id' is left out", "'same' is"):
        assert any(words in each for each in said), words
    numbers = TabularRegressor(epochs=2)
    said = said_by(lambda: numbers.fit(X, np.cos(np.arange(60))))
    assert len(said) == 3
    new = X[:3].assign(copy="c")
    for predict, one in ((model.predict, model), (model.predict_proba, model), (numbers.predict, numbers)):
        told = said_by(lambda predict=predict: predict(new))
        assert told == said_by(lambda one=one: one.model_.predict(new))
        assert "text that training did not see" in told[0]


def test_nothing_is_said_of_arrays():
    X, y = doubtful()
    for cells in (X.to_numpy(), X[["id", "x", "same"]].to_numpy()):
        model = TabularClassifier(epochs=2)
        assert said_by(lambda cells=cells, model=model: model.fit(cells, y).predict(cells)) == []


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT])
def test_missing_labels_are_named(gap):
    with pytest.raises(DataError, match=r"2 labels are missing in y \(row 2, from 1\); leave such rows out"):
        TabularClassifier().fit(np.zeros((5, 1)), np.array(["a", gap, "b", "a", gap], dtype=object))


def test_a_frame_that_repeats_a_name_is_refused():
    with pytest.raises(DataError, match=r"the DataFrame repeats a column name .*'x' 2 times.*; rename all"):
        TabularClassifier().fit(pd.DataFrame(np.zeros((4, 2)), columns=["x", "x"]), [0, 1, 0, 1])
