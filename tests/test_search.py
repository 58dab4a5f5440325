"""Search: reproducible, judged without the test rows, and the best is trained on all the others."""

import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from clearprop import Range, search_table
from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model import Settings, fit_table, folding, plan, search
from clearprop.table_model.cross_validation import cross_validate_table
from clearprop.table_model.samplers import RandomSampler
from clearprop.table_model.search_space import DEFAULT_SPACE, chosen_settings, drawn

QUICK = Settings(hidden=(8,), epochs=6)
SPACE = {"hidden": ((4,), (8,), (16,)), "learning_rate": Range(1e-3, 1e-1, log=True)}


@pytest.fixture(scope="module")
def penguins():
    return pl.read_csv(penguins_path(), null_values="NA")


@pytest.fixture(scope="module")
def found(penguins):
    return search_table(penguins, "species", trials=5, folds=2, test=0.2, space=SPACE, settings=QUICK)


def test_the_best_is_trained_on_all_rows_but_the_test_rows(penguins, found):
    scores = [trial.score for trial in found.trials]
    assert found.best.score == min(scores)
    assert [trial.score for trial in found.ranked] == sorted(scores)
    assert found.trials[0].chosen == {}
    assert found.trials[0].settings == QUICK
    alone = fit_table(penguins, "species", test=0.2, settings=found.best.settings)
    np.testing.assert_array_equal(found.model.theta.flat, alone.theta.flat)
    assert found.model.evaluation.to_dict() == alone.evaluation.to_dict()
    for text in (
        "5 trials, each judged by log-loss on 2 folds of 275 rows",
        "as given",
        "which no trial saw",
    ):
        assert text in str(found)


def test_the_seed_alone_decides(penguins, found):
    again = search_table(
        penguins.reverse(), "species", trials=5, folds=2, test=0.2, space=SPACE, settings=QUICK, seed=0
    )
    assert [(t.chosen, t.score) for t in found.trials] == [(t.chosen, t.score) for t in again.trials]
    other = search_table(penguins, "species", trials=2, folds=2, space=SPACE, settings=QUICK, seed=1)
    assert other.trials[1].chosen != found.trials[1].chosen


def test_a_trials_score_is_that_of_cross_validation(penguins):
    found = search_table(penguins, "body_mass_g", trials=1, folds=3, metric="mae", settings=QUICK)
    alone = cross_validate_table(penguins, "body_mass_g", folds=3, settings=QUICK)
    assert found.best.score == pytest.approx(alone.mean["mae"])
    assert found.best.standard_error == pytest.approx(alone.standard_error["mae"])


@pytest.mark.parametrize("planted", [False, True])
@pytest.mark.parametrize("judged", [{"folds": 2}, {"validation": 0.3}])
def test_no_trial_sees_a_test_row(penguins, monkeypatch, planted, judged):
    looked_at = []
    real = plan.plan_rows

    def watched(rows, first, second, settings, **kwargs):
        looked_at.append((rows, first, second))
        return real(rows, first, second, settings, **kwargs)

    monkeypatch.setattr(search, "plan_rows", watched)
    monkeypatch.setattr(folding, "plan_rows", watched)
    if planted:
        judge = search._Judge

        def leaking(rows, within, *others):
            return judge(rows, np.arange(rows.table.n_rows), *others)

        monkeypatch.setattr(search, "_Judge", leaking)
    search_table(penguins, "species", trials=2, test=0.2, space=SPACE, settings=QUICK, **judged)
    *trials, (rows, taught, held) = looked_at
    assert len(trials) == (4 if "folds" in judged else 2)
    assert len(taught) + len(held) == rows.table.n_rows
    leaks = sum(bool(set(held) & {*first, *second}) for _, first, second in trials)
    assert (leaks > 0) is planted


def test_groups_part_the_rows_of_trials_too(penguins):
    with pytest.raises(DataError, match="2 groups of 'island' make no 3 folds"):
        search_table(penguins, "sex", trials=1, folds=3, groups="island", test=0.2, settings=QUICK)


def test_a_trial_that_diverges_has_no_score_and_time_may_run_out(penguins):
    space = {"learning_rate": (1e30,)}
    wild = replace(QUICK, optimizer="sgd", hidden=(), loss=None)
    found = search_table(penguins, "body_mass_g", trials=2, folds=2, space=space, settings=wild)
    assert [trial.score is None for trial in found.trials] == [False, True]
    assert "1 without a score" in str(found)
    with pytest.raises(SpecificationError, match="no trial has a rmse"):
        search_table(penguins, "body_mass_g", trials=1, folds=2, settings=replace(wild, learning_rate=1e30))
    short = search_table(penguins, "sex", trials=9, folds=2, settings=QUICK, time_budget=0.0)
    assert (len(short.trials), short.stopped) == (1, "time_budget")


def test_ctrl_c_keeps_the_best_so_far(penguins, monkeypatch):
    real = RandomSampler.ask

    def interrupting(self, number):
        if number == 2:
            raise KeyboardInterrupt
        return real(self, number)

    monkeypatch.setattr(RandomSampler, "ask", interrupting)
    found = search_table(penguins, "sex", trials=9, folds=2, space=SPACE, settings=QUICK, threads=1)
    assert (len(found.trials), found.stopped) == (2, "interrupted")
    assert found.model.theta.flat.size


@pytest.mark.parametrize("learns", [False, True])
def test_trials_are_the_same_on_any_number_of_threads(penguins, found, monkeypatch, learns):
    begun, ended = [], []
    real = RandomSampler.ask

    def asking(self, number):
        begun.append((number, len(ended)))
        return real(self, number)

    monkeypatch.setattr(RandomSampler, "learns", learns)
    monkeypatch.setattr(RandomSampler, "ask", asking)
    monkeypatch.setattr(RandomSampler, "tell", lambda self, score: ended.append(score))
    for threads in (1, 3):
        begun.clear(), ended.clear()
        again = search_table(
            *(penguins, "species"),
            trials=5,
            folds=2,
            test=0.2,
            space=SPACE,
            settings=QUICK,
            threads=threads,
        )
        plain = [{**trial.to_dict(), "seconds": 0} for trial in again.trials]
        assert plain == [{**trial.to_dict(), "seconds": 0} for trial in found.trials]
        np.testing.assert_array_equal(again.model.theta.flat, found.model.theta.flat)
        if learns:  # each is asked for when the one before has been told
            assert begun == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_what_is_drawn_lies_in_the_space():
    draws = [drawn(DEFAULT_SPACE, np.random.default_rng(seed)) for seed in range(300)]
    for name, row in DEFAULT_SPACE.items():
        values = [draw[name] for draw in draws]
        if isinstance(row, Range):
            assert row.low * 0.999 <= min(values) < row.low * 1.3
            assert row.high * 0.7 < max(values) <= row.high * 1.001
            assert np.median(values) == pytest.approx(np.sqrt(row.low * row.high), rel=0.5)
        else:
            assert set(values) == set(row)
    assert {len(chosen_settings(QUICK, draw).hidden) for draw in draws} == {1, 2, 3}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"space": {"droput": [0.1]}}, "named 'droput'; did you mean 'dropout'"),
        ({"space": {"seed": [1, 2]}}, "nothing to search is named 'seed'"),
        ({"space": {"dropout": 0.1}}, "a Range or a list of choices, not 0.1"),
        ({"space": {"activation": "relu"}}, "a Range or a list of choices, not 'relu'"),
        ({"space": {"hidden": [(4,)], "depth": [1]}}, "not over both"),
        ({"space": {}}, "the space to search is empty"),
        ({"trials": 0}, "trials is a whole number from 1"),
        ({"metric": "rmse"}, "metric 'rmse' cannot judge the trials; use log_loss, accuracy, roc_auc"),
        ({"validation": 1.0}, "validation is a share of the rows between 0 and 1, or None, not 1.0"),
        ({"sampler": "grid"}, "sampler is 'random' or 'optuna'"),
    ],
)
def test_what_cannot_be_searched_is_said(penguins, kwargs, message):
    with pytest.raises(SpecificationError, match=message):
        search_table(penguins, "sex", settings=QUICK, **kwargs)


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1, 1, False), (2, 1, False), (0, 1, True), (0, np.inf, False)]
)
def test_a_range_goes_up(low, high, log):
    with pytest.raises(SpecificationError, match="a Range"):
        Range(low, high, log=log)


def test_optuna_has_the_same_interface(penguins):
    pytest.importorskip("optuna")
    found, again = (
        search_table(penguins, "sex", trials=3, folds=2, space=SPACE, settings=QUICK, sampler="optuna")
        for _ in range(2)
    )
    assert [trial.chosen for trial in found.trials] == [trial.chosen for trial in again.trials]
    assert [list(trial.chosen) for trial in found.trials[1:]] == [list(SPACE)] * 2


def test_optuna_is_an_extra(penguins, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SpecificationError, match=r"clearprop\[search\]"):
        search_table(penguins, "sex", trials=2, settings=QUICK, sampler="optuna")


def test_what_is_doubtful_in_the_columns_is_said():
    frame = pl.DataFrame({"x": np.sin(np.arange(60)), "y": ["a", "b"] * 30})
    frame = frame.with_columns(again=pl.col("y"), same=pl.lit(1))
    found = search_table(frame, "y", trials=1, folds=2, settings=QUICK)
    assert [notice.split(";")[0] for notice in found.notices] == [
        "the column 'again' equals the target 'y' in every row",
        "the column 'same' is constant 1, encoded as zeros",
    ]
