"""`clearprop diagnose`: a model file diagnosed on rows of a table."""

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.formulas.optimizers import Adam
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model.diagnosing import diagnose_table


def diagnose(*arguments):
    return CliRunner().invoke(app, ["diagnose", *map(str, arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    settings = {
        "well": Settings(hidden=(16,)),
        "too low": Settings(hidden=(16,), learning_rate=1e-6, epochs=20),
        "too high": Settings(hidden=(16, 16), activation="relu", optimizer=Adam(3.0), epochs=20),
    }
    for name, each in settings.items():
        fit_table(penguins_path(), "species", settings=each).save(folder / name)
    return folder


def test_a_model_that_learnt_well_has_exit_code_0(files):
    told = diagnose(files / "well", "penguins")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Nothing found. Looked at: rows = 344;")


@pytest.mark.parametrize("name", ["too low", "too high"])
def test_a_finding_has_exit_code_1_its_numbers_and_its_remedy(files, name):
    told = diagnose(files / name, "penguins")
    assert told.exit_code == 1, told.output
    assert told.stdout.startswith(f"1. learning rate {name}\n")
    plain = json.loads(diagnose(files / name, "penguins", "--json").stdout)
    (finding,) = plain["findings"]
    assert finding["name"] == f"learning rate {name}"
    assert finding["numbers"]["learning rate"] == pytest.approx(1e-6 if name == "too low" else 3.0)
    assert finding["change"]["optimizer"].startswith("Adam")


def test_the_start_of_a_run_is_drawn_again_with_what_training_left_out(tmp_path):
    table = pl.DataFrame({"word": ["a", "b", "c"] * 40, "x": np.arange(120.0), "y": ["u", "v"] * 60})
    model = fit_table(table, "y", settings=Settings(hidden=(4,), learning_rate=1e-9, epochs=1))
    (finding,) = diagnose_table(model, table)
    assert finding.name == "learning rate too low"
    assert finding.numbers["distance the run went"] < 1e-4


def test_rare_classes_are_called_by_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 2))
    ill = np.where(x[:, 0] + rng.normal(size=800) > 2.3, "ill", "well")
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "state": ill})
    model = fit_table(table, "state", settings=Settings(hidden=(4,), epochs=20))
    (finding,) = diagnose_table(model, table, rows=600)
    assert finding.title == "class imbalance: class ill"
    balanced = fit_table(table, "state", settings=Settings(hidden=(4,), epochs=20, **finding.change))
    assert diagnose_table(balanced, table).names == ()


def test_rows_that_were_not_trained_on_show_overfitting(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 12))
    y = np.where(X[:, 0] + rng.normal(size=160) > 0, "up", "down")
    table = pl.DataFrame({**{f"x{k}": X[:, k] for k in range(12)}, "y": y})
    settings = Settings(optimizer=Adam(0.01), epochs=60)
    model = fit_table(table[:80], "y", settings=settings)
    model.save(tmp_path / "model")
    loaded = TableModel.load(tmp_path / "model")
    assert diagnose_table(loaded, table[:80]).names == ()
    assert diagnose_table(loaded, table[80:]).names == ("overfitting",)


def test_a_table_without_the_target_is_refused(files, tmp_path):
    pl.read_csv(penguins_path(), null_values="NA").drop("species").write_csv(tmp_path / "none.csv")
    told = diagnose(files / "well", tmp_path / "none.csv")
    assert told.exit_code == 2
    assert "no target column 'species'" in told.stderr
