"""A fit depends on what the rows say, not on their order; weights that are whole numbers are repeats."""

import subprocess
import sys
from random import Random

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.table_model import TableModel, fit_table
from clearprop.table_model import rows as table_rows
from clearprop.table_model.canonical import canonical_order, repeats
from clearprop.table_model.plan import plan_table
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, Target, read_table
from clearprop.tables.averages import mean_and_std, median

QUICK = Settings(hidden=(8,), epochs=5)


def mixed_frame(m=90, seed=0):
    """Texts, booleans, gaps, rounded and other numbers; an identifier, and rows that repeat."""
    generator = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "mass": generator.normal(size=m) + generator.integers(0, 2, m),
            "step": generator.integers(0, 3, m) / 2,
            "rare": generator.normal(size=m),
            "sure": generator.random(m) < 0.4,
            "name": generator.choice(["b", "a", "ä", "c"], m),
            "code": generator.choice(["x", "y"], m),
            "none": pl.Series([None] * m, dtype=pl.Float64),
        }
    )
    gaps = [
        pl.when(pl.Series(generator.random(m) < 0.2)).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("step", "rare", "sure", "name")
    ]
    return pl.concat([frame.with_columns(gaps), frame[: m // 3], frame[: m // 4]])


def shuffled(frame, seed):
    return frame[np.random.default_rng(seed).permutation(len(frame))]


def flat(source, target, **kwargs):
    kwargs.setdefault("settings", QUICK)
    return fit_table(source, target, **kwargs).theta.flat


def differing(frame, target, **kwargs):
    """Of four other orders of the rows, those that give another model."""
    expected = flat(frame, target, **kwargs)
    others = [flat(shuffled(frame, seed), target, **kwargs) for seed in range(4)]
    return [seed for seed, other in enumerate(others) if not np.array_equal(other, expected)]


def penguins():
    return pl.read_csv(penguins_path(), null_values="NA")


CASES = [("mixed", "code"), ("mixed", "mass"), ("mixed", ["mass", "step"]), ("penguins", "species")]
pytestmark = pytest.mark.filterwarnings("ignore:.*left out:UserWarning")


@pytest.mark.parametrize(("table", "target"), [*CASES, ("penguins", "body_mass_g")])
@pytest.mark.parametrize("test", [None, 0.25])
def test_the_order_of_the_rows_changes_no_bit(table, target, test):
    frame = mixed_frame() if table == "mixed" else penguins()
    assert differing(frame, target, test=test) == []


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(validation=0.2, dropout=0.2), Settings(optimizer="lbfgs")]
)
def test_nor_does_it_with_other_settings(settings):
    assert differing(penguins(), "species", settings=settings) == []


def test_a_fit_in_the_order_of_the_file_would_be_noticed(monkeypatch):
    def as_given(columns, weights):
        return np.arange(len(columns[0].values))

    monkeypatch.setattr(table_rows, "canonical_order", as_given)
    for table, target in CASES:
        assert len(differing(mixed_frame() if table == "mixed" else penguins(), target)) == 4


def test_judged_rows_and_metrics_are_the_same_in_every_order():
    first, other = (
        fit_table(frame, "species", test=0.25, settings=QUICK)
        for frame in (penguins(), shuffled(penguins(), 1))
    )
    assert first.evaluation.to_dict() == other.evaluation.to_dict()
    assert first.encoder == other.encoder
    assert first.history["loss"] == other.history["loss"]


def test_columns_that_are_excluded_do_not_speak_in_the_order():
    frame = mixed_frame().with_columns(pl.lit(1.0).alias("noise"))
    noise = pl.Series("noise", np.random.default_rng(5).normal(size=len(frame)))
    np.testing.assert_array_equal(
        flat(frame, "code", exclude=["noise"]),
        flat(frame.select(noise, *frame.columns[:-1]), "code", exclude=["noise"]),
    )


def test_row_numbers_stay_the_users():
    frame = mixed_frame()
    table = read_table(frame)
    training = plan_table(frame, "code").training
    assert sorted(training.row_numbers) == list(range(1, len(frame) + 1))
    np.testing.assert_array_equal(
        training.column("mass").values, table.column("mass").values[training.row_numbers - 1]
    )
    counts = shuffled(pl.DataFrame({"x": np.arange(30.0), "n": [*np.arange(29.0), -1.0]}), 0)
    place = counts["n"].to_list().index(-1.0) + 1
    with pytest.raises(DataError, match=f"data row {place} .*is negative"):
        fit_table(counts, "n", task="numbers", settings=Settings(loss="poisson"))


cells = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 0.5, -3.0, 1e300, -1.7e308, 2.0**60, 5e-324]))
rows = st.tuples(cells, cells, st.one_of(st.none(), st.booleans()), st.sampled_from([None, "a", "b", "é"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(rows, min_size=1, max_size=12), st.randoms(use_true_random=False))
@example([(5e-324, None, None, None), (0.0, None, None, None), (-3.0, None, None, None)], Random(0))
def test_the_order_is_that_of_the_cells_missing_last(found, random):
    found = [*found, (1.0, 1.0, True, "z")]
    schema = {"x": pl.Float64, "y": pl.Float64, "t": pl.Boolean, "s": pl.String}
    expected = sorted(found, key=lambda row: [(cell is None, "" if cell is None else cell) for cell in row])
    for _ in range(2):
        columns = read_table(pl.DataFrame(found, schema=schema, orient="row")).columns
        assert [column.kind for column in columns][-1] == "text"
        order = canonical_order(columns)
        assert sorted(order) == list(range(len(found)))
        assert [found[i] for i in order] == expected
        random.shuffle(found)


@pytest.mark.parametrize(("table", "target"), CASES)
@pytest.mark.parametrize("settings", [QUICK, Settings(epochs=4, validation=0.2)])
def test_whole_weights_are_repeats_and_weight_0_is_none(table, target, settings):
    frame = mixed_frame() if table == "mixed" else penguins()
    times = np.random.default_rng(3).integers(0, 4, len(frame))
    written_out = frame[np.repeat(np.arange(len(frame)), times)]
    weighted = fit_table(frame, target, sample_weight=times, settings=settings)
    repeated = fit_table(shuffled(written_out, 8), target, settings=settings)
    np.testing.assert_array_equal(weighted.theta.flat, repeated.theta.flat)
    assert weighted.encoder == repeated.encoder
    assert weighted.target == repeated.target
    assert weighted.shares == repeated.shares
    ones = fit_table(frame, target, sample_weight=np.ones(len(frame)), settings=settings)
    np.testing.assert_array_equal(ones.theta.flat, fit_table(frame, target, settings=settings).theta.flat)


@pytest.mark.parametrize("weight", [1.0, 0.7, 1e6])
def test_rows_of_weight_0_teach_nothing(weight):
    frame = mixed_frame()
    changes = {
        "mass": pl.lit(1e9),
        "name": pl.lit("odd"),
        "code": pl.lit("z"),
        "none": pl.lit(3.0),
        "sure": pl.lit(None, pl.Boolean),
    }
    odd = frame[:5].with_columns(**changes)
    factors = np.random.default_rng(0).integers(1, 3, len(frame)) * weight
    both = shuffled(pl.concat([frame, odd]).with_columns(w=pl.Series([*factors, *[0.0] * 5])), 2)
    for test in (None, 0.25):
        with_them = fit_table(both.drop("w"), "code", sample_weight=both["w"], test=test, settings=QUICK)
        without = fit_table(frame, "code", sample_weight=factors, test=test, settings=QUICK)
        np.testing.assert_array_equal(with_them.theta.flat, without.theta.flat)
        assert with_them.target == without.target
        assert with_them.encoder == without.encoder


def test_other_weights_weigh_whatever_the_order():
    frame = mixed_frame()
    weights = np.random.default_rng(1).uniform(0.1, 3, len(frame))
    order = np.random.default_rng(2).permutation(len(frame))
    np.testing.assert_array_equal(
        flat(frame, "code", sample_weight=weights), flat(frame[order], "code", sample_weight=weights[order])
    )
    heavy = np.where(frame["code"] == "x", 5.5, 0.01)
    model = fit_table(frame, "code", sample_weight=heavy, settings=Settings(epochs=20))
    assert (model.predict(frame) == "x").mean() > 0.95
    assert model.shares[0] == pytest.approx(heavy[frame["code"] == "x"].sum() / heavy.sum())


def test_many_repeats_are_weights_that_speak_alike_in_encoder_and_target():
    frame = mixed_frame()
    times = np.random.default_rng(4).integers(1, 5, len(frame))
    table = read_table(frame)
    written_out = table.take(np.repeat(np.arange(table.n_rows), times))
    for scale in (1.0, 1e300, 0.001):
        weighted = Encoder.fit(table, target="mass", weights=times * scale)
        for own, other in zip(weighted.columns, Encoder.fit(written_out, target="mass").columns, strict=True):
            mine, theirs = own.to_dict(), other.to_dict()
            assert mine["kind"] == theirs["kind"]
            for name in {"median", "mean", "std", "usual"} & set(mine):
                assert mine[name] == pytest.approx(theirs[name], rel=1e-12), name
        means = [Target.fit(t, "mass", None, w) for t, w in ((table, times * scale), (written_out, None))]
        assert means[0].means + means[0].stds == pytest.approx(means[1].means + means[1].stds, rel=1e-12)


numbers = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(st.lists(st.tuples(numbers, st.integers(1, 5)), min_size=1, max_size=15))
def test_weighted_averages_are_those_of_repeated_cells(pairs):
    values, times = np.array([value for value, _ in pairs]), np.array([time for _, time in pairs])
    written_out = np.repeat(values, times)
    assert median(values, times.astype(float)) == median(written_out) == np.median(written_out)
    tiny = 1e-9 * np.abs(values).max() + 1e-100
    np.testing.assert_allclose(
        mean_and_std(values, times / 7), mean_and_std(written_out), rtol=1e-9, atol=tiny
    )


def test_repeats_are_few_whole_numbers():
    assert repeats(None) is None
    assert repeats(np.array([1.0, 1.5])) is None
    assert repeats(np.full(5000, 4.0)).sum() == 20_000
    assert repeats(np.full(5000, 5.0)) is None
    assert repeats(np.array([5000.0, 5000.0])).tolist() == [5000, 5000]
    assert repeats(np.array([5000.0, 5001.0])) is None
    assert repeats(np.array([1.7e308, 1.7e308])) is None


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_wrong_weight_is_named_by_its_row(wrong):
    weights = np.ones(344)
    weights[6] = wrong
    with pytest.raises(DataError, match=f"sample_weight has {wrong:g} for data row 7 "):
        fit_table(penguins(), "species", sample_weight=weights)


def test_repeats_of_a_row_are_held_out_for_the_test_together():
    frame = mixed_frame()
    made = plan_table(frame, "code", test=0.3, sample_weight=np.full(len(frame), 2))
    once = plan_table(frame, "code", test=0.3)
    assert set(made.training.row_numbers).isdisjoint(made.test.row_numbers)
    np.testing.assert_array_equal(made.test.row_numbers, once.test.row_numbers)
    np.testing.assert_array_equal(made.training.row_numbers, np.repeat(once.training.row_numbers, 2))


@pytest.mark.parametrize("as_frame", [pd.DataFrame, np.asarray])
def test_estimators_leave_out_what_weighs_nothing(as_frame):
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(60, 3)), np.array(["a", "b", "c"])[np.arange(60) % 3]
    weights = np.where(y == "c", 0, 1 + np.arange(60) % 2)
    weighted = cp.TabularClassifier(epochs=3, random_state=0).fit(as_frame(X), y, sample_weight=weights)
    again = np.repeat(np.arange(60), weights)[::-1]
    repeated = cp.TabularClassifier(epochs=3, random_state=0).fit(as_frame(X[again]), y[again])
    assert weighted.classes_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(weighted.predict_proba(as_frame(X)), repeated.predict_proba(as_frame(X)))
    with pytest.raises(DataError, match="y has 1 class"):
        cp.TabularClassifier().fit(as_frame(X), y, sample_weight=(y == "a").astype(int))


def test_command_line_and_estimator_give_the_same_model_wherever_the_target_stands(tmp_path):
    frame = mixed_frame().select(pl.col("mass").round(1), pl.exclude("mass"))  # the target first, with ties
    shuffled(frame, 1).write_csv(tmp_path / "t.csv")
    code = "import sys; from clearprop.cli import main; sys.exit(main())"
    options = ["--target=mass", "--task=numbers", "--test=0", "--epochs=3", "--out=m.safetensors", "-q"]
    subprocess.run([sys.executable, "-c", code, "train", "t.csv", *options], cwd=tmp_path, check=True)
    loaded = TableModel.load(tmp_path / "m.safetensors")
    fitted = cp.TabularRegressor(epochs=3, random_state=0).fit(frame.drop("mass"), frame["mass"])
    np.testing.assert_array_equal(loaded.theta.flat, fitted.model_.theta.flat)
