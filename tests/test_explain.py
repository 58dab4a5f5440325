"""`clearprop explain` and `check`: a row of a table with its numbers derived, and a model certified."""

import json
import warnings
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from clearprop import explain_row
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.table_model import Settings, TableModel, fit_table


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for target in ("species", "body_mass_g"):
        with warnings.catch_warnings():  # two rows have no body mass
            warnings.simplefilter("ignore", UserWarning)
            model = fit_table(penguins_path(), target, settings=Settings(hidden=(8,), epochs=20))
        model.save(folder / target)
    return folder


def explain(files, *arguments, model="species"):
    return CliRunner().invoke(app, ["explain", str(files / model), "penguins", *map(str, arguments)])


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_a_row_is_seen_as_the_model_sees_it(files, target):
    model = TableModel.load(files / target)
    for row in (1, 4, 200):  # row 4 has gaps
        seen = explain_row(model, penguins_path(), row)
        one = pl.read_csv(penguins_path(), null_values="NA")[row - 1 : row]
        said = model.answers(model.outputs(one))[0]
        assert seen.answer == said if target == "species" else seen.answer == pytest.approx(said, rel=1e-5)
        np.testing.assert_allclose(seen.trace.y_hat, model.outputs(one), atol=1e-5)
        assert [each.value for each in seen.inputs] == seen.trace.X[0].tolist()
        assert [each.feature for each in seen.inputs] == list(model.encoder.feature_names)
    gaps = {each.column: each.cell for each in explain_row(model, penguins_path(), 4).inputs}
    assert gaps["bill_length_mm"] == gaps["sex"] == "-"
    with pytest.raises(DataError, match="has no row 345; its rows are numbered from 1 to 344"):
        explain_row(model, penguins_path(), 345)
    shown = explain_row(model, penguins_path(), 4)
    assert str(shown).startswith("row 4\n")
    for piece in (str(shown), shown._repr_html_()):
        assert "bill_length_mm" in piece
        assert "layer 2" in piece


def test_a_row_without_its_target_is_traced_forwards(files):
    model = TableModel.load(files / "species")
    one = pl.read_csv(penguins_path(), null_values="NA")[:1].drop("species")
    seen = explain_row(model, one, 1)
    assert seen.written is None
    assert seen.trace.Y is None
    assert "F2" in str(seen.trace.derive("y_hat[0]"))


def test_the_command_shows_the_row_and_every_layer(files):
    done = explain(files, "--row", 3)
    assert done.exit_code == 0, done.output
    for piece in (
        "row 3",
        "x[4]",
        "bill_length_mm",
        "40.3",
        "answer: Adelie (the table says Adelie)",
        "delta[2]",
    ):
        assert piece in done.stdout


@pytest.mark.parametrize("name", ["C", "y_hat[1]", "delta[1][2]", "W[1][2,4]", "x[4]"])
def test_any_number_is_derived(files, name):
    done = explain(files, "--row", 3, "--of", name, "--terms", 3)
    assert done.exit_code == 0, done.output
    head = "dC/d" if name[0] in "Wx" else ""
    assert done.stdout.startswith(f"{head}{name} = ")


def test_derivations_are_written_as_latex_and_html(files, tmp_path):
    page = tmp_path / "page.html"
    assert explain(files, "--of", "C", "--to", "html", "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8").replace("<!DOCTYPE html>", "")
    ElementTree.fromstring(
        text.replace('<meta charset="utf-8">', "").replace(
            '<meta name="viewport" content="width=device-width, initial-scale=1">', ""
        )
    )
    assert "C of row 1 of penguins" in text
    latex = explain(files, "--of", "W[1][0,0]", "--to", "latex", "--view", "paths")
    assert latex.stdout.startswith(r"\documentclass")
    assert "the chain rule over 3 paths" in latex.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--row", "999"], "has no row 999"),
        (["--of", "W[9][0,0]"], "there are layers 1 to 2"),
        (["--of", "nonsense"], "names no number of a network"),
        (["--to", "latex"], "say of what"),
        (["--of", "W[1][0,0]", "--view", "product"], "has 3 paths to the loss"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_exit_code_2(files, arguments, words):
    done = explain(files, *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def check(files, *arguments, model="species"):
    return CliRunner().invoke(app, ["check", str(files / model), "penguins", *map(str, arguments)])


@pytest.mark.parametrize("model", ["species", "body_mass_g"])
def test_a_trained_model_is_certified(files, model):
    done = check(files, model=model)
    assert done.exit_code == 0, done.output
    assert "Gradient certificate: holds" in done.stdout
    assert "50 example(s)" in done.stdout


def test_the_certificate_as_json_and_with_other_rows(files):
    done = check(files, "--rows", 7, "--json")
    plain = json.loads(done.stdout)
    assert plain["holds"] is True
    assert plain["examples"] == 7
    assert [each["name"] for each in plain["arrays"]] == ["W[1]", "b[1]", "W[2]", "b[2]"]


def test_a_wrong_engine_fails_the_check(files, monkeypatch):
    from clearprop.engines.compiled import Compiled

    right = Compiled.gradient_sum

    def wrong(self, *given):
        loss, gradient = right(self, *given)
        return loss, gradient * 1.001

    monkeypatch.setattr(Compiled, "gradient_sum", wrong)
    done = check(files)
    assert done.exit_code == 1
    assert "DOES NOT HOLD" in done.stdout


def test_a_check_without_targets_is_refused(files, tmp_path):
    bare = tmp_path / "bare.csv"
    pl.read_csv(penguins_path(), null_values="NA").with_columns(species=pl.lit(None)).write_csv(bare)
    done = CliRunner().invoke(app, ["check", str(files / "species"), str(bare)])
    assert done.exit_code == 2
    assert "no row has a value of the target species" in done.stderr


def test_an_inputs_gradient_is_told_in_the_columns_own_units(files):
    model = TableModel.load(files / "species")
    seen = explain_row(model, penguins_path(), 3)
    done = explain(files, "--row", 3, "--of", "x[4]", "--digits", 8)
    line = next(line for line in done.stdout.splitlines() if line.startswith("dC/d(bill_length_mm) = "))
    told = float(line.split(" = ")[1].split("  (")[0])
    one = pl.read_csv(penguins_path(), null_values="NA")[2:3]
    h = 1e-4
    losses = [
        explain_row(model, one.with_columns(pl.col("bill_length_mm") + step), 1).trace.loss
        for step in (h, -h)
    ]
    assert told == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6)
    assert seen.inputs[4].column == "bill_length_mm"
    assert not any(line.startswith("dC/d(") for line in explain(files, "--of", "x[0]").stdout.splitlines())
