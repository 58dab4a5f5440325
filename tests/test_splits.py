"""Splits: groups stay together, time runs forward, classes keep their shares, and a planted leak is seen."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model import Settings, fit_table
from clearprop.table_model.plan import plan_table
from clearprop.table_model.replaying import replay_table
from clearprop.table_model.rows import learnable_rows
from clearprop.table_model.splits import Ties, fold_rows, split_rows

QUICK = Settings(hidden=(4,), epochs=3)


def crossing(pairs, keys):
    """Pairs of rows (training, judging) with a key on both sides."""
    return [
        set(keys[first]) & set(keys[second])
        for first, second in pairs
        if set(keys[first]) & set(keys[second])
    ]


def backward(pairs, keys):
    """Pairs in which a row to train on is not before all rows to judge by."""
    return [1 for first, second in pairs if keys[first].max() >= keys[second].min()]


@st.composite
def tied_rows(draw, kind):
    keys = np.array(draw(st.lists(st.integers(0, 9), min_size=8, max_size=60)))
    classes = draw(st.integers(1, 3))
    marks = np.eye(classes)[
        np.array(draw(st.lists(st.integers(0, classes - 1), min_size=len(keys), max_size=len(keys))))
    ]
    return marks, Ties(kind, "key", keys)


@settings(deadline=None, max_examples=150)
@given(tied_rows("group"), st.sampled_from([0.1, 0.3, 0.5, 0.8]), st.integers(2, 5), st.integers(0, 3))
def test_groups_never_cross(given_rows, share, folds, seed):
    marks, ties = given_rows
    groups = len(np.unique(ties.keys))
    try:
        first, second = split_rows(marks, ties, share, seed)
    except DataError:
        spared = [g for g in set(ties.keys) if (marks[ties.keys != g].any(axis=0) == marks.any(axis=0)).all()]
        assert groups < 2 or not spared
    else:
        assert sorted([*first, *second]) == list(range(len(marks)))
        assert len(first)
        assert len(second)
        assert (marks[first].any(axis=0) == marks.any(axis=0)).all()  # every class is taught
        assert not crossing([(first, second)], ties.keys)
    if groups >= max(folds, 2):
        pairs = fold_rows(marks, ties, folds, seed)
        assert not crossing(pairs, ties.keys)
        assert sorted(np.concatenate([second for _, second in pairs])) == list(range(len(marks)))
        assert all(len(second) for _, second in pairs)


@settings(deadline=None, max_examples=150)
@given(tied_rows("time"), st.sampled_from([0.1, 0.3, 0.5, 0.8]), st.integers(2, 5))
def test_time_runs_forward(given_rows, share, folds):
    marks, ties = given_rows
    moments = len(np.unique(ties.keys))
    if moments >= 2:
        pair = split_rows(marks, ties, share, 0)
        assert len(pair[0])
        assert len(pair[1])
        assert not backward([pair], ties.keys)
    if moments >= folds + 1:
        pairs = fold_rows(marks, ties, folds, 0)
        assert not backward(pairs, ties.keys)
        judged = np.concatenate([second for _, second in pairs])
        assert len(set(judged)) == len(judged)
        assert ties.keys[judged].min() > np.delete(ties.keys, judged).max()  # all but the first block


def test_a_split_by_rows_is_seen_to_cross_and_to_run_backward():
    keys = np.arange(40) // 4
    pairs = [split_rows(np.ones((40, 1)), None, 0.3, 0), *fold_rows(np.ones((40, 1)), None, 3, 0)]
    assert len(crossing(pairs, keys)) == len(backward(pairs, keys)) == 4


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_groups_keep_the_shares_of_rows_and_classes_near(share):
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), generator.integers(1, 9, 100))
    marks = np.eye(2)[(generator.random(len(groups)) < 0.2).astype(int)]
    for seed in range(5):
        _, second = split_rows(marks, Ties("group", "g", groups), share, seed)
        assert len(second) / len(groups) == pytest.approx(share, abs=0.03)
        assert marks[second, 1].mean() == pytest.approx(marks[:, 1].mean(), abs=0.03)
    for _, second in fold_rows(marks, Ties("group", "g", groups), 5, 0):
        assert len(second) / len(groups) == pytest.approx(0.2, abs=0.02)


def test_plain_folds_spread_every_class_evenly():
    marks = np.eye(3)[np.repeat([0, 1, 2], [50, 20, 7])]
    for first, second in fold_rows(marks, None, 5, 0):
        assert np.abs(marks[second].sum(axis=0) - marks.sum(axis=0) / 5).max() < 1
        assert len(first) + len(second) == 77
    assert not np.array_equal(
        fold_rows(marks, None, 5, 0)[0][1], fold_rows(marks, None, 5, 0, repeat=1)[0][1]
    )


@pytest.fixture(scope="module")
def visits():
    m, generator = 120, np.random.default_rng(1)
    return pl.DataFrame(
        {
            "x": generator.normal(size=m),
            "z": generator.normal(size=m),
            "patient": [f"p{i}" for i in generator.integers(0, 15, m)],
            "day": pl.Series(generator.integers(0, 40, m)).cast(pl.Int32).cast(pl.Date),
            "n": generator.integers(0, 3, m).astype(float) + 0.5 * (generator.random(m) < 0.3),
            "ill": generator.choice(["no", "yes"], m),
        }
    )


@pytest.mark.parametrize("by", ["patient", "day"])
def test_validation_and_test_rows_are_held_apart_in_a_fit(visits, by):
    kwargs = {"groups": by} if by == "patient" else {"time": by}
    setting = Settings(hidden=(4,), epochs=4, validation=0.25)
    plan = plan_table(visits, "ill", test=0.25, settings=setting, **kwargs)
    first, held = plan.validation_rows()
    keys = [t.column(by).values for t in (plan.training.take(first), plan.training.take(held), plan.test)]
    assert by not in [row.column for row in plan.encoder.columns]
    assert sum(map(len, keys)) == len(visits)
    for earlier, later in ((0, 1), (0, 2), (1, 2)):
        assert not set(keys[earlier]) & set(keys[later])
        assert by == "patient" or keys[earlier].max() < keys[later].min()
    model = fit_table(visits, "ill", test=0.25, settings=setting, **kwargs)
    assert (model.model.record.rows, model.model.record.held_out) == (len(first), len(held))
    assert replay_table(model, visits, epoch=2, batch=1).same_bits


@pytest.mark.parametrize("by", ["patient", "day"])
def test_a_split_depends_neither_on_the_order_of_the_rows_nor_on_who_names_the_keys(visits, by):
    role = "groups" if by == "patient" else "time"
    other = visits[np.random.default_rng(0).permutation(len(visits))]
    numbered = visits.drop(by)
    values = visits[by].to_numpy()
    fits = [
        fit_table(visits, "ill", test=0.25, settings=QUICK, **{role: by}),
        fit_table(other, "ill", test=0.25, settings=QUICK, **{role: by}),
        fit_table(numbered, "ill", test=0.25, settings=QUICK, **{role: values}),
    ]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fits[0].theta.flat, fit.theta.flat)
    assert [fit.roles for fit in fits] == [{role.rstrip("s"): by}] * 2 + [{}]


def test_a_weights_column_is_sample_weight_and_no_feature(visits):
    by_name = fit_table(visits, "ill", sample_weight="n", settings=QUICK)
    by_array = fit_table(visits.drop("n"), "ill", sample_weight=visits["n"].to_numpy(), settings=QUICK)
    unweighted = fit_table(visits.drop("n"), "ill", settings=QUICK)
    np.testing.assert_array_equal(by_name.theta.flat, by_array.theta.flat)
    assert not np.array_equal(by_name.theta.flat, unweighted.theta.flat)
    assert replay_table(by_name, visits, epoch=2, batch=1).same_bits


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"groups": "patient", "settings": Settings(validation=1.5)},
            "validation is a fraction between 0 and 1",
        ),
        ({"groups": "patient", "time": "day"}, "by groups or by time, not both"),
        ({"groups": "patients"}, "no group column 'patients'; did you mean 'patient'"),
        ({"groups": "ill"}, "'ill' is the target, and cannot be the group"),
        ({"groups": [1, 2]}, r"groups has shape \(2,\), and the table 120 rows"),
        ({"groups": [None] + ["a"] * 119}, "is missing, and says its group"),
        ({"groups": ["a"] * 120}, "all rows are of one group"),
        ({"time": "patient"}, "'patient': the value 'p.*' is no date"),
        ({"time": [np.nan] + [1.0] * 119}, "is missing, and says its time"),
        ({"time": [1.0] * 120}, "all rows have one time in 'time'"),
        ({"sample_weight": "x"}, "is no weight; weights are numbers from 0"),
        ({"sample_weight": "nn"}, "no weight column 'nn'"),
    ],
)
def test_rows_that_cannot_be_parted_or_weighed_are_said_to_be(visits, kwargs, message):
    with pytest.raises((DataError, SpecificationError), match=message):
        plan_table(visits, "ill", test=0.25, **kwargs)


def test_a_class_of_the_latest_rows_alone_cannot_be_judged():
    frame = pl.DataFrame({"x": np.arange(20.0), "t": np.arange(20), "y": ["a"] * 8 + ["b"] * 10 + ["c"] * 2})
    with pytest.raises(
        DataError, match="latest rows by 't' have the class 'c' of 'y', and no earlier row has"
    ):
        plan_table(frame, "y", test=0.2, time="t")


def test_every_group_with_a_class_of_its_own_cannot_be_parted():
    penguins = pl.read_csv(penguins_path(), null_values="NA")
    with pytest.raises(DataError, match="every group of 'species' holds all rows of a class"):
        learnable_rows(penguins.with_columns(kind=pl.col("species")), "kind", groups="species").split(0.3, 0)
