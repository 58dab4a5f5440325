"""Training options on the command line: splits, thresholds, cross-validation, search, a file of options."""

import json
import tomllib

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.cli.config import as_toml
from clearprop.datasets import penguins_path
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model.cross_validation import cross_validate_table

QUICK = ("--epochs", "3", "--hidden", "8")
SETTINGS = Settings(hidden=(8,), epochs=3)


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})
        assert done.exit_code == code, done.output
        return " ".join((done.output if code else done.stdout).split())

    return call


def numbered(tmp_path):
    """The penguins with a weight and a nest for each, as a file."""
    frame = pl.read_csv(penguins_path(), null_values="NA").drop_nulls("sex")
    m = len(frame)
    frame = frame.with_columns(n=pl.Series(np.arange(m) % 3), nest=pl.Series(np.arange(m) // 9))
    frame.write_csv(tmp_path / "nests.csv", null_value="NA")
    return tmp_path / "nests.csv"


def test_weights_groups_metric_and_threshold_reach_the_model(cli, tmp_path):
    data = numbered(tmp_path)
    told = cli(
        *("train", data, "--target", "sex", *QUICK, "--weight", "n", "--group", "nest"),
        *("--metric", "roc_auc", "--threshold", "f1 positive=female"),
    )
    assert "whole groups of 'nest', seed 0" in told
    assert "10% of the training rows choose the best epoch by ROC AUC" in told
    assert "the best for f1 positive=female on" in told
    model = TableModel.load("nests.safetensors")
    alone = fit_table(
        data,
        "sex",
        test=0.2,
        sample_weight="n",
        groups="nest",
        settings=Settings(hidden=(8,), epochs=3, metric="roc_auc", threshold="f1 positive=female"),
    )
    np.testing.assert_array_equal(model.theta.flat, alone.theta.flat)
    assert model.threshold == alone.threshold
    assert model.roles == {"weight": "n", "group": "nest"}
    assert "the same bits as the run: yes" in cli(
        "replay", "nests.safetensors", data, "--epoch", 2, "--batch", 1
    )
    assert f"from a probability of {model.threshold.value:.4g} on" in cli(
        "evaluate", "nests.safetensors", data
    )
    answered = json.loads(cli("predict", "nests.safetensors", data, "--json"))["rows"]
    said = [row["prediction"]["sex"] == "male" for row in answered]
    assert said == [row["probabilities"]["male"] >= model.threshold.value for row in answered]


def test_the_latest_rows_are_held_out(cli):
    told = cli("train", "penguins", "--target", "species", *QUICK, "--time", "year")
    assert "224 rows to train on, 120 held out to judge the result (the latest by 'year')" in told


def test_cross_validation_writes_scores_and_predictions_in_the_tables_order(cli):
    command = ("cross-validate", "penguins", "--target", "sex", "--folds", 3, *QUICK)
    told = cli(*command, "--out", "oof.csv")
    expected = cross_validate_table(penguins_path(), "sex", folds=3, settings=SETTINGS)
    for text in ("333 judged out of fold", "Metrics, mean over 3 folds", f"{expected.mean['accuracy']:.4g}"):
        assert text in told
    read = pl.read_csv("oof.csv")
    assert read.columns == ["row", "fold", "predicted_sex", "p_female", "p_male"]
    assert read["predicted_sex"].to_list() == expected.predictions.tolist()
    np.testing.assert_allclose(read["p_male"].to_numpy(), expected.probabilities[:, 1], rtol=1e-6)
    plain = json.loads(cli(*command, "--json"))
    assert plain["mean"] == dict(expected.mean)
    assert len(plain["scores"]) == 3
    assert cli(*command, "--quiet") == ""


def test_search_writes_a_model_and_its_trials(cli):
    command = ("search", "penguins", "--target", "species", "--trials", 3, "--folds", 2, *QUICK)
    told = cli(*command, "--out", "best.safetensors")
    for text in ("Trials, judged by log-loss on 2 folds of 275 rows", "as given", "which no trial saw"):
        assert text in told
    plain = json.loads(cli(*command, "--json", "--judge", "accuracy", "--holdout", 0.3))
    assert plain["judged_by"] == "a share of 0.3 of 275 rows"
    assert plain["best"]["score"] == max(trial["score"] for trial in plain["trials"])
    assert TableModel.load("best.safetensors").test == 0.2
    told = cli("search", "penguins", "--target", "sex", "--trials", 1, "--folds", 2, *QUICK)
    assert "Data note: 11 rows have no value of the target 'sex'" in told


def test_the_space_to_search_is_a_file(cli, tmp_path):
    space = tmp_path / "space.toml"
    space.write_text("width = [3, 5]\nlearning-rate = {low = 0.01, high = 0.02}\n")
    command = (
        "search",
        "penguins",
        "--target",
        "sex",
        "--trials",
        4,
        "--holdout",
        0.3,
        *QUICK,
        "--space",
        space,
    )
    tried = [trial["chosen"] for trial in json.loads(cli(*command, "--json"))["trials"][1:]]
    assert {each["width"] for each in tried} <= {3, 5}
    assert all(0.01 <= each["learning_rate"] <= 0.02 for each in tried)
    for text, message in (("dropout = {low = 0}", "is a range such as"), ("widht = [3]", "mean 'width'")):
        space.write_text(text)
        assert message in cli(*command, code=2)


def test_a_file_of_options_makes_the_same_model_and_flags_overrule_it(cli, tmp_path):
    data = numbered(tmp_path)
    options = ("--target", "sex", *QUICK, "--exclude", "year", "--type", "island=category", "--seed", 3)
    options += ("--learning-rate", 0.02, "--threshold", "cost fp=1 fn=5", "--test", 0, "--null", "n/a")
    options += ("--class-weight", "male=2", "--class-weight", "female=0.5")
    shown = CliRunner().invoke(app, ["train", str(data), *map(str, options), "--show-config"]).output
    (tmp_path / "run.toml").write_text(shown)
    written = tomllib.loads(shown)
    assert written["type"] == {"island": "category"}
    assert (written["test"], written["seed"], written["learning-rate"]) == (0.0, 3, 0.02)
    assert written["class-weight"] == {"male": "2", "female": "0.5"}
    told = json.loads(cli("train", data, *options, "--out", "a.safetensors", "--json"))
    assert {**told["config"], "out": None} == {**written, "out": None}
    cli("train", "--config", "run.toml", "--out", "b.safetensors", "--quiet")
    cli("train", "--config", "run.toml", "--out", "c.safetensors", "--quiet", "--seed", 4)
    models = [TableModel.load(f"{name}.safetensors") for name in "abc"]
    np.testing.assert_array_equal(models[0].theta.flat, models[1].theta.flat)
    assert models[0].threshold == models[1].threshold
    assert models[2].model.record.seed == 4
    assert models[0].model.record.class_weight == {"1": 2.0, "0": 0.5}
    again = CliRunner().invoke(app, ["train", "--config", "run.toml", "--show-config"]).output
    assert again == shown
    judged = json.loads(cli("cross-validate", "--config", "run.toml", "--folds", 2, "--json"))
    assert (judged["seed"], judged["folds"]) == (3, 2)


def test_keys_may_be_written_by_hand(cli, tmp_path):
    (tmp_path / "hand.toml").write_text(
        'data = "penguins"\ntarget = "sex"\nhidden = [8, 4]\nbatch_size = 16\n'
    )
    shown = tomllib.loads(CliRunner().invoke(app, ["train", "--config", "hand.toml", "--show-config"]).output)
    assert (shown["data"], shown["target"]) == (["penguins"], ["sex"])
    assert (shown["hidden"], shown["batch-size"]) == ("8,4", 16)
    (tmp_path / "linear.toml").write_text('data = "penguins"\ntarget = "sex"\nhidden = []\nfolds = 7')
    assert '"none"' in CliRunner().invoke(app, ["train", "--config", "linear.toml", "--show-config"]).output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "there is no option 'epoch'; did you mean 'epochs'?"),
        ("learning-rat = 3", "did you mean 'learning-rate'"),
        ("xyz = 1", "there is no option 'xyz'; clearprop train --help lists them"),
        ('config = "x"', "there is no option 'config'"),
        ('epochs = "many"', "Invalid value for '--epochs'"),
        ("epochs = 3.5", "Invalid value for '--epochs'"),
        ("epochs = true", "'epochs' is a number or a text, not True"),
        ("certify = 1", "'certify' is true or false, not 1"),
        ("target = 3", "'target' is a text or a list of texts, not 3"),
        ("seed = 2026-01-01", "'seed' is a number or a text"),
        ("a = [", "it is no TOML"),
    ],
)
def test_a_file_of_options_that_cannot_be_used_is_named(cli, tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    assert message in cli("train", "penguins", "--target", "sex", "--config", "bad.toml", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threshold", "f2"), 'the threshold\'s rule is "cost fp=1 fn=5"'),
        (
            ("--class-weight", "male"),
            "--class-weight is \"balanced\", or LABEL=WEIGHT such as yes=5, not 'male'",
        ),
        (("--class-weight", "male=x"), "not 'male=x'"),
        (("--class-weight", "man=2"), "class_weight has the label 'man'; the classes are female, male"),
        (("--metric", "rmse"), "metric 'rmse' cannot judge"),
        (("--group", "islnd"), "did you mean 'island'"),
        (("--group", "island", "--time", "year"), "by groups or by time, not both"),
        (("--weight", "bill_length_mm"), "the cell is missing"),
        (("--config", "none.toml"), "there is no file 'none.toml'; check the name"),
    ],
)
def test_options_that_cannot_be_used_are_one_message(cli, arguments, message):
    assert message in cli("train", "penguins", "--target", "sex", *arguments, code=2)


def test_data_must_be_named_somewhere(cli):
    for verb in ("train", "cross-validate", "search"):
        assert "error: there are no data; name a file" in cli(verb, "--target", "sex", code=2)


def test_toml_says_any_text():
    texts = ['a "b"', "c\\d", "e\nf\t", "\x00\x1f\x7f", "é😀", ""]
    config = {
        "target": texts,
        "seed": 2**63 - 1,
        "l1": 1e-30,
        "certify": True,
        "type": dict.fromkeys(texts, "x"),
    }
    assert tomllib.loads(as_toml(config)) == config
