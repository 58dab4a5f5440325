"""Thresholds: the best by brute force, chosen on rows not fitted to, kept in the file, and never in p."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from clearprop.errors import ModelFileError, SpecificationError
from clearprop.model import read_model
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model.rows import learnable_rows
from clearprop.table_model.threshold import best_threshold, parse_rule

CLASSES = ("no", "yes")


def cost(y, said, w, fp=1.0, fn=5.0):
    return -(fp * w[(y == 0) & (said == 1)].sum() + fn * w[(y == 1) & (said == 0)].sum())


def of_scikit_learn(score, **kwargs):
    return lambda y, said, w: score(y, said, sample_weight=w, **kwargs)


GAINS = {
    "cost fp=1 fn=5": cost,
    "cost fp=3 fn=0.5": lambda y, said, w: cost(y, said, w, 3.0, 0.5),
    "cost fp=1 fn=5 positive=no": lambda y, said, w: cost(1 - y, 1 - said, w),
    "f1": of_scikit_learn(f1_score, zero_division=0),
    "f1 positive=no": of_scikit_learn(f1_score, zero_division=0, pos_label=0),
    "balanced_accuracy": of_scikit_learn(balanced_accuracy_score),
    "youden": of_scikit_learn(balanced_accuracy_score, adjusted=True),
}


@pytest.mark.parametrize("rule", GAINS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_threshold_is_better_by_brute_force(rule, data):
    m = data.draw(st.integers(2, 25))
    y = np.array(data.draw(st.lists(st.integers(0, 1), min_size=m, max_size=m)))
    y[:2] = 0, 1
    p = np.array(data.draw(st.lists(st.sampled_from([0, 0.1, 0.3, 0.5, 0.7, 1.0]), min_size=m, max_size=m)))
    w = np.array(data.draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=m, max_size=m)))
    chosen = best_threshold(parse_rule(rule), CLASSES, y, p, w)
    gains = {t: GAINS[rule](y, (p >= t).astype(int), w) for t in [*p.tolist(), 0.5, 2.0, chosen]}
    assert gains[chosen] == pytest.approx(max(gains.values()), abs=1e-12)
    if gains[0.5] >= gains[chosen] - 1e-12:
        assert chosen == 0.5


@pytest.fixture(scope="module")
def rare():
    generator = np.random.default_rng(0)
    x = generator.normal(size=1000)
    ill = generator.random(1000) < 1 / (1 + np.exp(3 - 1.5 * x))
    return pl.DataFrame({"x": x, "z": generator.normal(size=1000), "ill": np.where(ill, "yes", "no")})


SETTINGS = Settings(hidden=(8,), epochs=40)


@pytest.mark.parametrize(
    ("validation", "source", "rows"),
    [(0.3, "validation", 210), (0.2, "out-of-fold", 700), (None, "out-of-fold", 700)],
)
def test_a_threshold_serves_the_cost_and_leaves_probabilities_alone(rare, validation, source, rows, tmp_path):
    plain = replace(SETTINGS, validation=validation)
    without = fit_table(rare, "ill", test=0.3, settings=plain)
    model = fit_table(rare, "ill", test=0.3, settings=replace(plain, threshold="cost fp=1 fn=9"))
    np.testing.assert_array_equal(model.theta.flat, without.theta.flat)
    p = model.predict_proba(rare)
    np.testing.assert_array_equal(p, without.predict_proba(rare))
    assert model.threshold.source == source
    assert model.threshold.rows == rows
    assert model.threshold.value < 0.5
    np.testing.assert_array_equal(model.predict(rare) == "yes", p[:, 1] >= model.threshold.value)
    judged = [fit.evaluation.confusion for fit in (model, without)]
    assert judged[0][0, 1] + 9 * judged[0][1, 0] < judged[1][0, 1] + 9 * judged[1][1, 0]
    model.save(tmp_path / "m.safetensors")
    read = TableModel.load(tmp_path / "m.safetensors")
    assert read.threshold == model.threshold
    assert read.evaluate(rare).to_dict() == model.evaluate(rare).to_dict()
    assert without.threshold is None
    without.save(tmp_path / "plain.safetensors")  # as it was before there were thresholds
    assert not {"threshold", "roles", "validation"} & read_model(tmp_path / "plain.safetensors").target.keys()


def test_out_of_fold_choices_see_no_test_rows_and_keep_groups_together(rare, monkeypatch):
    from clearprop.table_model import fitting

    seen = []
    real = fitting.fold_models

    def watched(rows, settings, folds, seed, *, within):
        found = real(rows, settings, folds, seed, within=within)
        seen.extend((rows.table.take(fold.judged), within) for fold in found)
        return found

    monkeypatch.setattr(fitting, "fold_models", watched)
    frame = rare.with_columns(ward=pl.Series(np.arange(1000) // 60))
    plan_rows = learnable_rows(frame, "ill", groups="ward")
    first, _ = plan_rows.split(0.3, 0)
    fit_table(frame, "ill", groups="ward", test=0.3, settings=replace(SETTINGS, threshold="f1"))
    judged = np.concatenate([table.row_numbers for table, _ in seen])
    assert sorted(judged) == sorted(plan_rows.table.take(first).row_numbers)
    wards = [set(table.column("ward").values) for table, _ in seen]
    assert len(set().union(*wards)) == sum(map(len, wards))


def test_rows_that_are_repeated_judge_out_of_fold_only(rare):
    validating = replace(SETTINGS, validation=0.3, threshold="f1")
    sources = [
        fit_table(rare, "ill", sample_weight=weights, settings=validating).threshold.source
        for weights in (None, np.full(1000, 2), np.full(1000, 1.5))
    ]
    assert sources == ["validation", "out-of-fold", "validation"]


def test_ctrl_c_while_a_threshold_is_chosen_keeps_the_model(rare, monkeypatch):
    from clearprop.table_model import fitting

    def interrupting(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "fold_models", interrupting)
    model = fit_table(rare, "ill", test=0.3, settings=replace(SETTINGS, threshold="f1"))
    assert (model.model.stopped, model.threshold) == ("interrupted", None)
    assert model.evaluation.rows == 300


@pytest.mark.parametrize(
    ("rule", "target", "message"),
    [
        ("cost fp=1", "ill", "the threshold's rule is"),
        ("cost fp=-1 fn=2", "ill", "the threshold's rule is"),
        ("cost fp=0 fn=0", "ill", "the threshold's rule is"),
        ("f1 positive=", "ill", "the threshold's rule is"),
        ("f1 positive=maybe", "ill", "positive class 'maybe' is none of 'no' and 'yes'"),
        ("f1", "x", "between two classes, and the target is numbers"),
    ],
)
def test_a_rule_that_cannot_be_served_is_named_before_training(rare, rule, target, message):
    with pytest.raises(SpecificationError, match=message):
        fit_table(rare, target, settings=replace(SETTINGS, threshold=rule))


@pytest.mark.parametrize(
    "plain", [0.3, {"value": 0.3}, {"value": -1.0, "rule": "f1", "rows": 3, "source": "x"}]
)
def test_a_file_with_a_damaged_threshold_is_refused(rare, plain, tmp_path):
    path = tmp_path / "m.safetensors"
    fit_table(rare, "ill", settings=SETTINGS).save(path)
    model = read_model(path)
    model.target["threshold"] = plain
    model.save(path)
    with pytest.raises(ModelFileError, match="'threshold' that is none"):
        TableModel.load(path)
