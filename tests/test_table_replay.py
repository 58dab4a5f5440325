"""A step of a table's training again: the same bits from the model file and the table in any order."""

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model.replaying import replay_table
from clearprop.tables import read_table

QUICK = Settings(hidden=(6,), epochs=4, dropout=0.2, validation=0.1, seed=7)


@pytest.fixture(scope="module")
def penguins():
    return read_table(penguins_path())


@pytest.fixture(scope="module")
def model_file(penguins, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    fit_table(penguins, "species", test=0.2, exclude=["year"], settings=QUICK).save(path)
    return path


def test_a_step_is_found_again_from_the_file_whatever_the_order_of_the_rows(penguins, model_file):
    model = TableModel.load(model_file)
    seen = replay_table(model, penguins, 4, 3)
    assert seen.same_bits
    generator = np.random.default_rng(0)
    shuffled = pl.read_csv(penguins_path(), null_values="NA")[generator.permutation(344)]
    again = replay_table(model, shuffled, 4, 3)
    assert again.same_bits
    assert np.array_equal(again.after.flat, seen.after.flat)
    species = [str(name) for name in penguins.column("species").values]
    traced = [model.target.classes[k] for k in np.argmax(seen.trace.Y, axis=1)]
    assert traced == [species[number - 1] for number in seen.rows]
    by_row = replay_table(model, penguins, 4, row=int(seen.rows[5]))
    assert (by_row.batch, by_row.example) == (3, 5)


@pytest.mark.parametrize("whole", [True, False], ids=["repeats", "weights"])
def test_weights_are_given_again(penguins, whole):
    weights = np.random.default_rng(1).integers(0, 3, 344) + (0.0 if whole else 0.5)
    model = fit_table(penguins, "species", sample_weight=weights, settings=QUICK)
    assert replay_table(model, penguins, 2, sample_weight=weights).same_bits
    with pytest.raises(DataError, match="not the examples of the run" if whole else "had weights"):
        replay_table(model, penguins, 2)


def test_rows_and_tables_that_were_not_trained_on_are_refused(penguins, model_file):
    model = TableModel.load(model_file)
    trained = {int(n) for batch in range(1, 9) for n in replay_table(model, penguins, 1, batch).rows}
    held = next(number for number in range(1, 345) if number not in trained)
    for number in (held, 345):
        with pytest.raises(SpecificationError, match=f"row {number} of penguins.csv was not trained on"):
            replay_table(model, penguins, 1, row=number)
    with pytest.raises(DataError, match="not the examples of the run"):
        replay_table(model, penguins.take(range(300)), 1)


def test_the_command_line_replays_and_derives(penguins, model_file):
    def replay(*arguments):
        return CliRunner().invoke(app, ["replay", str(model_file), "penguins", *map(str, arguments)])

    row = int(replay_table(TableModel.load(model_file), penguins, 3, 2).rows[1])
    done = replay("--epoch", 3, "--row", row, "--of", "delta[1][2]")
    assert done.exit_code == 0
    assert "epoch 3, batch 2" in done.stdout
    assert "the same bits as the run: yes" in done.stdout
    assert "\ndelta[1][2](1) = " in done.stdout
    for arguments, words in (
        (("--epoch", 5), "epoch is a number from 1 to 4"),
        (("--epoch", 1, "--batch", 99), "batch is a number from 1 to 8"),
        (("--epoch", 1, "--of", "delta[1][2]"), "belongs to one row"),
    ):
        done = replay(*arguments)
        assert done.exit_code == 2
        assert words in done.stderr
