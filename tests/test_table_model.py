"""A table is learnt, judged, saved and read again in its own terms."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.errors import DataError, FormulaError, ModelFileError, SpecificationError
from clearprop.specification import Dense, Network
from clearprop.table_model import TableModel, fit_table
from clearprop.table_model.baselines import judge_numbers
from clearprop.table_model.plan import plan_table, unseen_slots
from clearprop.table_model.settings import Settings
from clearprop.tables import read_table

QUICK = Settings(hidden=(8,), epochs=5)


@pytest.fixture(scope="module")
def penguins():
    return read_table(penguins_path())


@pytest.fixture(scope="module")
def species(penguins):
    return fit_table(penguins, "species", test=0.25)


def numbers_frame(m=60, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(m, 3))
    count = generator.poisson(np.exp(0.5 * X[:, 0])).astype(float)
    return pl.DataFrame(
        {"a": X[:, 0], "b": X[:, 1], "u": 50 + 10 * X[:, 0], "v": 3 * X[:, 1], "count": count}
    )


def test_classes_are_answered_by_their_labels_and_judged_beside_the_baseline(penguins, species):
    result = species.evaluation
    assert result.rows == 86
    assert result.metrics["accuracy"] > 0.93
    assert result.metrics["log_loss"] < 0.25
    assert result.metrics["roc_auc"] > 0.98
    assert result.baseline["accuracy"] == pytest.approx(152 / 344, abs=0.01)
    assert result.baseline["roc_auc"] == 0.5
    assert result.confusion.sum() == 86
    assert set(species.predict(penguins)) == {"Adelie", "Chinstrap", "Gentoo"}
    p = species.predict_proba(penguins)
    assert p.shape == (344, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert json.loads(json.dumps(result.to_dict()))["classes"] == ["Adelie", "Chinstrap", "Gentoo"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_split(penguins):
    first, again = (fit_table(penguins, "species", test=0.25, settings=QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.theta.flat, again.theta.flat)
    plans = [plan_table(penguins, "species", test=0.25, settings=QUICK.with_seed(seed)) for seed in (0, 1)]
    assert not np.array_equal(plans[0].test.row_numbers, plans[1].test.row_numbers)


def test_held_out_rows_keep_the_shares_of_the_classes_and_never_reach_the_encoder(penguins):
    plan = plan_table(penguins, "species", test=0.5)
    shares = [
        np.unique(t.column("species").texts(), return_counts=True)[1] for t in (plan.training, plan.test)
    ]
    assert np.abs(shares[0] - shares[1]).max() <= 1
    assert set(plan.training.row_numbers).isdisjoint(plan.test.row_numbers)
    values = plan.training.column("bill_depth_mm").numbers()
    described = {row.column: row.encoding for row in plan.encoder.describe()}
    assert f"median {np.nanmedian(values):.6g}" in described["bill_depth_mm"]


def test_numbers_are_predicted_in_their_own_units(penguins):
    with pytest.warns(UserWarning, match="2 rows have no value of the target 'body_mass_g' and are left out"):
        model = fit_table(penguins, "body_mass_g", test=0.25)
    assert model.evaluation.metrics["rmse"] < 0.6 * model.evaluation.baseline["rmse"]
    assert model.evaluation.metrics["r2"] > 0.7
    assert abs(model.evaluation.baseline["r2"]) < 0.1
    with pytest.warns(
        UserWarning, match=r"'bill_length_mm', 'bill_depth_mm', .* 6 cells are missing \(data row 4\)"
    ):
        predicted = model.predict(penguins)
    assert predicted.shape == (344,)
    assert 2500 < predicted.min() < predicted.max() < 6500


def test_several_number_targets_are_learnt_at_once_and_judged_one_by_one():
    frame = numbers_frame()
    model = fit_table(frame, ["u", "v"], exclude=["count"], test=0.25)
    assert model.network.widths[-1] == 2
    assert model.predict(frame.drop("count")).shape == (60, 2)
    assert set(model.evaluation.by_target) == {"u", "v"}
    assert model.evaluation.by_target["u"]["r2"] > 0.9
    own = judge_numbers(model.target, np.ones((2, 2)), np.ones((2, 2)))
    assert own.metrics["rmse"] == 0
    assert own.metrics["r2"] is None


def test_counts_stay_counts():
    frame = numbers_frame(200)
    settings = Settings(hidden=(), loss="poisson", epochs=60)
    model = fit_table(frame, "count", task="numbers", exclude=["u", "v"], settings=settings)
    with pytest.warns(UserWarning, match="the columns 'u', 'v' were not learnt from, and are passed over"):
        predicted = model.predict(frame)
    assert (predicted > 0).all()
    assert predicted.mean() == pytest.approx(frame["count"].mean(), rel=0.1)
    bad = frame.with_columns(count=pl.col("count") - 1)
    with pytest.raises(DataError, match="is negative, and counts are not"):
        fit_table(bad, "count", task="numbers", settings=settings)


def test_two_classes_take_one_output_unless_the_loss_wants_two(penguins):
    widths = {}
    for loss in (None, "cross_entropy", "hinge", "binary_cross_entropy_bits"):
        settings = Settings(hidden=(4,), epochs=3, loss=loss)
        with pytest.warns(UserWarning, match="11 rows"):
            model = fit_table(penguins, "sex", settings=settings)
        widths[loss] = model.network.widths[-1]
        with pytest.warns(UserWarning, match="missing .*, and in training none was"):
            assert set(model.predict(penguins)) <= {"female", "male"}
        assert ("log_loss" in model.judge_table(penguins).metrics) == (loss != "hinge")
    assert widths == {None: 1, "cross_entropy": 2, "hinge": 1, "binary_cross_entropy_bits": 1}


def test_independent_probabilities_of_several_classes_are_made_to_sum_to_one(penguins):
    model = fit_table(
        penguins, "species", settings=Settings(hidden=(), epochs=3, loss="binary_cross_entropy")
    )
    np.testing.assert_allclose(model.predict_proba(penguins).sum(axis=1), 1)


def test_hinge_has_no_probabilities(penguins):
    model = fit_table(penguins, "species", settings=Settings(hidden=(), epochs=3, loss="hinge"))
    with pytest.raises(SpecificationError, match="scores, not probabilities"):
        model.predict_proba(penguins)


def test_an_unseen_text_adds_nothing(species, penguins):
    plan = plan_table(penguins, "species", test=0.25)
    slots = unseen_slots(plan.encoder)
    assert [plan.encoder.feature_names[j] for j in slots] == ["island=other", "sex=other"]
    assert not plan.first_parameters().W[1][:, slots].any()
    assert not species.theta.W[1][:, slots].any()
    assert plan.first_parameters().W[1].any(axis=0).sum() == plan.network.inputs - 2


def test_class_weights_are_given_by_label(penguins):
    heavy = fit_table(penguins, "species", settings=Settings(epochs=3, class_weight={"Chinstrap": 1e4}))
    assert (heavy.predict(penguins) == "Chinstrap").mean() > 0.9
    with pytest.raises(SpecificationError, match="label 'Emperor'; the classes are Adelie"):
        plan_table(penguins, "species", settings=Settings(class_weight={"Emperor": 2.0}))
    with pytest.raises(SpecificationError, match="read as numbers"):
        plan_table(penguins, "bill_length_mm", settings=Settings(class_weight="balanced"))


def test_sample_weights_belong_to_rows(penguins):
    weights = np.where(penguins.column("species").texts() == "Gentoo", 1e4, 1.0)
    model = fit_table(penguins, "species", sample_weight=weights, settings=Settings(epochs=3))
    assert (model.predict(penguins) == "Gentoo").mean() > 0.5
    for wrong, message in ((np.ones(3), "has shape"), (np.zeros(344), "every weight is zero")):
        with pytest.raises(DataError, match=message):
            fit_table(penguins, "species", sample_weight=wrong)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"activation": "rleu"}, FormulaError, "did you mean 'relu'"),
        ({"loss": "huber"}, SpecificationError, "losses for classes: binary_cross_entropy"),
        ({"optimizer": "adm"}, FormulaError, "did you mean"),
        ({"optimizer": cp.Adam(0.1), "learning_rate": 0.1}, SpecificationError, "part of the optimizer"),
        ({"optimizer": "lbfgs", "weight_decay": 0.1}, SpecificationError, "use l2"),
        ({"hidden": (0,)}, SpecificationError, "whole number from 1"),
        ({"hidden": 8}, SpecificationError, r"hidden lists the widths .* such as .* \(8,\), not 8"),
        ({"hidden": "8,8"}, SpecificationError, r"not '8,8'"),
        ({"dropout": 1.5}, SpecificationError, "dropout"),
        ({"batch_size": 0}, SpecificationError, "batch_size"),
        ({"epochs": 0}, SpecificationError, "epochs"),
        ({"validation": 2.0}, SpecificationError, "validation"),
        ({"dtype": "float16"}, SpecificationError, "float32 or float64"),
    ],
)
def test_a_wrong_setting_is_named(penguins, settings, error, message):
    with pytest.raises(error, match=message):
        fit_table(penguins, "species", settings=Settings(**settings))


@pytest.mark.parametrize("test", [0.0, 1.0, 2, True, "0.2"])
def test_the_test_share_is_between_0_and_1(penguins, test):
    with pytest.raises(SpecificationError, match="test is a share"):
        plan_table(penguins, "species", test=test)


def test_rows_that_cannot_be_held_out_are_said_to_be():
    frame = pl.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]})
    with pytest.raises(DataError, match="every class of 'y' has a single row"):
        plan_table(frame, "y", test=0.5)


@pytest.mark.parametrize(("metric", "best"), [("accuracy", np.argmax), ("log_loss", np.argmin), (None, None)])
def test_a_metric_chooses_the_best_epoch(penguins, metric, best):
    wild = Settings(
        hidden=(8,), epochs=25, learning_rate=0.2, weight_decay=0.0, validation=0.3, metric=metric
    )
    model = fit_table(penguins, "species", settings=wild)
    by = model.history["validation_loss" if metric is None else "validation_metric"]
    planned = plan_table(penguins, "species", settings=wild)
    held = planned.training.take(planned.validation_rows()[1])
    found = model.evaluate(held).metrics[metric or "log_loss"]
    assert found == pytest.approx(by[(best or np.argmin)(by)], rel=1e-5)
    assert Settings(metric=metric).validation_for(100) == (None if metric is None else 0.1)


def test_other_optimizers_and_dtypes_learn_too(penguins):
    for settings in (
        Settings(optimizer="lbfgs", l2=0.01, epochs=30),
        Settings(optimizer=cp.Adam(0.01), epochs=10),
        Settings(optimizer="sgd", learning_rate=0.05, epochs=20, validation=0.2, patience=5),
        Settings(dtype="float64", epochs=10),
    ):
        model = fit_table(penguins, "species", test=0.25, settings=settings)
        assert model.evaluation.metrics["accuracy"] > 0.9, settings
        assert model.theta.dtype == settings.dtype


def test_dropout_is_for_training_only(penguins):
    model = fit_table(penguins, "species", test=0.25, settings=Settings(dropout=0.3))
    assert model.evaluation.metrics["accuracy"] > 0.93
    np.testing.assert_array_equal(model.predict_proba(penguins), model.predict_proba(penguins))


def test_huge_numbers_to_predict_on_stay_finite(species, penguins):
    frame = pl.read_csv(penguins_path(), null_values="NA").with_columns(body_mass_g=pl.lit(1e300))
    with pytest.warns(UserWarning, match="344 values are more than a million standard deviations from"):
        assert np.isfinite(species.predict_proba(frame)).all()


def test_a_missing_column_is_named(species):
    frame = pl.read_csv(penguins_path(), null_values="NA").drop("island")
    with pytest.raises(DataError, match="'island', which the model was trained with"):
        species.predict(frame)


def test_a_class_that_training_did_not_see_cannot_be_judged(species):
    frame = pl.read_csv(penguins_path(), null_values="NA").with_columns(species=pl.lit("Emperor"))
    with pytest.raises(DataError, match="class that training did not see"):
        species.evaluate(frame)
    with pytest.raises(DataError, match="no row has a value of the target species"):
        species.evaluate(frame.with_columns(species=pl.lit(None, dtype=pl.String)))


def test_a_saved_model_predicts_the_same_bits_in_another_process(species, penguins, tmp_path):
    path = tmp_path / "m.safetensors"
    species.save(path)
    loaded = TableModel.load(path)
    assert loaded.shares == species.shares
    assert loaded.encoder == species.encoder
    assert loaded.target == species.target
    np.testing.assert_array_equal(loaded.predict_proba(penguins), species.predict_proba(penguins))
    code = (
        "import sys; from clearprop.datasets import penguins_path as path;"
        "from clearprop.table_model import TableModel;"
        "sys.stdout.buffer.write(TableModel.load(sys.argv[1]).predict_proba(path()).tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True)
    assert done.stdout == species.predict_proba(penguins).tobytes()


def test_a_model_without_encoders_or_with_foreign_ones_is_refused(species, tmp_path):
    network = Network(2, (Dense(1),))
    bare = cp.Model(network, network.initialize())
    bare.save(tmp_path / "bare.safetensors")
    with pytest.raises(ModelFileError, match="without a table's encoders"):
        TableModel.load(tmp_path / "bare.safetensors")
    target = {**species.target.to_dict(), "shares": list(species.shares)}
    for encoder, plain in (
        (species.encoder.to_dict(), target),
        ({"columns": 3}, target),
        (species.encoder.to_dict(), {**target, "shares": [0.1]}),
        (species.encoder.to_dict(), {**target, "shares": None}),
    ):
        cp.Model(network, network.initialize(), encoder=encoder, target=plain).save(
            tmp_path / "odd.safetensors"
        )
        with pytest.raises(ModelFileError, match=r"odd.safetensors: .*save"):
            TableModel.load(tmp_path / "odd.safetensors")


@pytest.mark.parametrize("rows", [2, 100, 1000, 10_000, 100_000, 10**7])
def test_the_defaults_are_sane_for_any_number_of_rows(rows):
    settings = Settings()
    steps = settings.epochs_for(rows) * -(-rows // settings.batch_size_for(rows))
    assert steps >= 2000
    assert settings.epochs_for(rows) >= 10
    assert 0 < settings.weight_decay_for(rows) <= 1.5
    assert (settings.validation_for(rows) is None) == (rows < 10_000)


def test_files_of_all_kinds_are_sources(tmp_path, penguins):
    path = tmp_path / "penguins.parquet"
    pl.read_csv(penguins_path(), null_values="NA").write_parquet(path)
    assert isinstance(path, Path)
    models = [
        fit_table(source, "species", settings=QUICK) for source in (penguins, path, pl.read_parquet(path))
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(model.theta.flat, models[0].theta.flat)


def test_opening_only_the_network_of_a_table_model_is_said_aloud(tmp_path):
    import clearprop as cp
    from clearprop.datasets import penguins_path

    model = fit_table(cp.read_table(penguins_path()), "species", settings=Settings(epochs=1))
    model.save(tmp_path / "m.safetensors")
    with pytest.warns(UserWarning, match=r"bare network.*TableModel\.load"):
        cp.load(tmp_path / "m.safetensors")
    TableModel.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("exclude", ["year", ["year"], iter(["year"])])
def test_a_column_to_exclude_may_be_alone_and_columns_may_be_read_but_once(penguins, exclude):
    model = fit_table(penguins, "species", exclude=exclude, settings=Settings(epochs=1))
    assert model.encoder.column_names == tuple(
        name for name in penguins.names if name not in ("species", "year")
    )
