"""Cross-validation: each row is predicted by networks that did not see it, and the books are in order."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import sem

from clearprop import cross_validate_table
from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model import Settings, folding, plan, train_plan
from clearprop.table_model.rows import learnable_rows

QUICK = Settings(hidden=(8,), epochs=12)


@pytest.fixture(scope="module")
def penguins():
    return pl.read_csv(penguins_path(), null_values="NA")


def test_the_books_are_in_order(penguins):
    found = cross_validate_table(penguins, "sex", folds=4, repeats=3, settings=QUICK)
    known = penguins["sex"].is_not_null().to_numpy()
    assert found.fold.shape == (3, 344)
    np.testing.assert_array_equal(found.fold >= 0, np.tile(known, (3, 1)))
    assert [fold.rows for fold in found.scores] == [
        (each == f).sum() for each in found.fold for f in range(4)
    ]
    assert len({each.tobytes() for each in found.fold}) == 3
    for name in ("accuracy", "log_loss", "roc_auc"):
        values = np.array([fold.metrics[name] for fold in found.scores])
        assert found.mean[name] == pytest.approx(values.mean())
        squares = [sem(values[4 * r : 4 * r + 4]) ** 2 for r in range(3)]
        assert found.standard_error[name] == pytest.approx(np.sqrt(np.mean(squares)))
    np.testing.assert_array_equal(np.isnan(found.probabilities[:, 0]), ~known)
    likelier = np.array(["female", "male"])[found.probabilities[known].argmax(axis=1)]
    np.testing.assert_array_equal(found.predictions[known], likelier)
    right = (found.predictions[known] == penguins["sex"].to_numpy()[known]).mean()
    assert found.out_of_fold.metrics["accuracy"] == pytest.approx(right)
    assert found.predictions[~known].tolist() == [None] * 11
    columns = found.columns()
    assert list(columns) == ["row", "fold", "predicted_sex", "p_female", "p_male"]
    assert columns["row"] == list(range(1, 345))
    assert "by 4-fold cross-validation, 3 times (drawn by class, seed 0)" in str(found)
    assert "333 of 344 rows are predicted out of fold" in str(found)


def test_one_repeat_has_the_scores_of_its_folds_and_numbers_their_own_units(penguins):
    found = cross_validate_table(penguins, "body_mass_g", folds=3, settings=QUICK)
    known = penguins["body_mass_g"].is_not_null().to_numpy()
    y, fold = penguins["body_mass_g"].to_numpy(), found.fold[0]
    for number, score in enumerate(found.scores):
        miss = found.predictions[fold == number] - y[fold == number]
        assert score.metrics["rmse"] == pytest.approx(np.sqrt((miss**2).mean()))
        assert score.baseline["r2"] < 0 < score.metrics["r2"]
    assert np.isnan(found.predictions[~known]).all()


def test_rows_without_a_weight_are_neither_taught_nor_judged(penguins):
    weights = np.arange(344) % 3
    found = cross_validate_table(penguins, "sex", folds=3, sample_weight=weights, settings=QUICK)
    judged = (weights > 0) & penguins["sex"].is_not_null().to_numpy()
    np.testing.assert_array_equal(found.fold[0] >= 0, judged)
    without = cross_validate_table(
        penguins.filter(pl.Series(weights > 0)),
        "sex",
        folds=3,
        sample_weight=weights[weights > 0],
        settings=QUICK,
    )
    np.testing.assert_array_equal(found.probabilities[weights > 0], without.probabilities)
    assert found.columns()["row"] == list(range(1, 345))


def changed_by_the_target(frame, rows_of_fold, cut):
    """How a fold's predictions move when the targets of the rows it judges are turned around."""
    turned = frame.with_columns(y=pl.when(pl.Series(rows_of_fold)).then(-pl.col("y")).otherwise(pl.col("y")))
    return np.abs(cut(frame)[rows_of_fold] - cut(turned)[rows_of_fold]).max()


def fixed_folds(monkeypatch):
    """Folds by the number of the row, whatever the cells are."""

    def folds(self, folds, seed, repeat=0, within=None):
        fold = self.places % folds
        return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]

    monkeypatch.setattr("clearprop.table_model.rows.Rows.folds", folds)


@pytest.mark.parametrize("planted", [False, True])
def test_no_row_speaks_in_its_own_prediction(monkeypatch, planted):
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({"x": np.arange(60.0), "y": generator.normal(size=60) + 3})
    fixed_folds(monkeypatch)
    if planted:  # a target standardised on all rows
        real = plan.plan_rows

        def leaking(rows, first, second, settings, **kwargs):
            made = real(rows, first, second, settings, **kwargs)
            return plan.replace(made, target=rows.target)

        monkeypatch.setattr(folding, "plan_rows", leaking)

    def predictions(table):
        return cross_validate_table(table, "y", folds=3, settings=QUICK).predictions

    moved = changed_by_the_target(frame, np.arange(60) % 3 == 1, predictions)
    assert (moved > 1e-3) if planted else (moved == 0.0)


@pytest.mark.parametrize("planted", [False, True])
def test_encoders_see_the_training_rows_of_the_fold_only(monkeypatch, planted):
    frame = pl.DataFrame({"name": [f"{'abc'[i % 3]}" for i in range(90)], "y": np.sin(np.arange(90.0))})
    frame = frame.with_columns(name=pl.when(pl.int_range(90) < 12).then(pl.lit("new")).otherwise("name"))
    levels = []
    real_fit, everything = plan.Encoder.fit, learnable_rows(frame, "y").table

    def watched(table, **kwargs):
        made = real_fit(everything if planted else table, **kwargs)
        levels.append(made.columns[0].levels)
        return made

    class Watched(plan.Encoder):
        fit = staticmethod(watched)

    monkeypatch.setattr(plan, "Encoder", Watched)
    cross_validate_table(
        frame, "y", folds=3, groups=np.where(np.arange(90) < 12, 0, np.arange(90)), settings=QUICK
    )
    assert sum("new" not in each for each in levels) == (0 if planted else 1)


def test_the_same_seed_gives_the_same_in_any_order_of_the_rows(penguins):
    order = np.random.default_rng(0).permutation(344)
    first = cross_validate_table(penguins, "species", folds=3, settings=QUICK)
    again = cross_validate_table(penguins, "species", folds=3, settings=QUICK, seed=0)
    other = cross_validate_table(penguins[order], "species", folds=3, settings=QUICK)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    np.testing.assert_array_equal(first.probabilities[order], other.probabilities)
    different = cross_validate_table(penguins, "species", folds=3, settings=QUICK, seed=1)
    assert not np.array_equal(first.fold, different.fold)


def test_time_folds_leave_the_first_block_alone_and_keep_every_class():
    m = 60
    frame = pl.DataFrame(
        {"x": np.sin(np.arange(m)), "t": np.arange(m), "y": ["a", "b"] * 25 + ["a", "b", "c"] * 3 + ["c"]}
    )
    found = cross_validate_table(frame, "y", folds=4, time="t", settings=QUICK)
    np.testing.assert_array_equal(found.fold[0] == -1, np.arange(m) < 12)
    assert np.all(np.diff(found.fold[0]) >= 0)
    assert found.probabilities.shape == (m, 3)
    assert found.scores[-1].confusion.sum() == 12
    assert found.scores[0].metrics["roc_auc"] is None
    assert found.mean["roc_auc"] is None


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"folds": 1}, "folds is a whole number from 2, not 1"),
        ({"folds": 400}, "333 rows with a target make no 400 folds"),
        ({"repeats": 0}, "repeats is a whole number from 1"),
        ({"repeats": 2, "time": "year"}, "folds by time are not drawn"),
        ({"groups": "island"}, "3 groups of 'island' make no 5 folds"),
        ({"time": "year"}, "there are 3 moments in 'year', and 6 parts"),
    ],
)
def test_what_cannot_be_folded_is_said(penguins, kwargs, message):
    with pytest.raises((DataError, SpecificationError), match=message):
        cross_validate_table(penguins, "sex", settings=QUICK, **kwargs)


@pytest.mark.parametrize("threads", [1, 3])
def test_folds_in_company_are_those_of_one_after_another(penguins, threads):
    asked = Settings(hidden=(8,), epochs=12, ensemble=2, threshold="f1")
    found = cross_validate_table(penguins, "sex", folds=3, repeats=2, settings=asked, threads=threads)
    rows = learnable_rows(penguins, "sex")
    alone = [
        piece()
        for repeat in (0, 1)
        for piece in folding.fold_pieces(
            rows, asked.with_seed(repeat), 3, 0, repeat=repeat, trainer=train_plan
        )
    ]
    assert [each.to_dict() for each in found.scores] == [fold.model.evaluation.to_dict() for fold in alone]
    for k, fold in enumerate(alone):
        assert (found.fold[k // 3][rows.places[fold.judged]] == k % 3).all()


@pytest.mark.parametrize("folds", [{}, {"time": "day"}])
def test_what_is_doubtful_in_the_columns_is_said(folds):
    m = 60
    frame = pl.DataFrame({"day": np.arange(m), "x": np.sin(np.arange(m)), "y": ["a", "b"] * (m // 2)})
    frame = frame.with_columns(again=pl.col("y"), code=2**53 + 1 + pl.int_range(m), same=pl.lit(1))
    found = cross_validate_table(frame, "y", folds=3, settings=QUICK, **folds)
    for words in ("'again' equals the target 'y'", "'code', 30 whole numbers", "'same' is constant 1"):
        assert sum(words in notice for notice in found.notices) == 1, words
        assert words in str(found)
