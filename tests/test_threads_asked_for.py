"""`threads` on the command line and in the calls on tables: all keeps to it, and the bits stay the same."""

import tomllib

import numpy as np
import pytest
from typer.testing import CliRunner

from clearprop import company
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.engines import compiled, helpers
from clearprop.errors import SpecificationError
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model.cross_validation import cross_validate_table
from clearprop.table_model.search import search_table
from clearprop.table_model.streaming import fit_stream

WIDE = ("--hidden", "512", "--batch-size", "256", "--epochs", "2")  # each pass pays for many threads
SETTINGS = Settings(hidden=(512,), batch_size=256, epochs=2)


@pytest.fixture
def seen(monkeypatch):
    """Threads of each piece of work that was shared, and workers of each company."""
    found = {"pass": set(), "company": set()}
    work, run = compiled.work_together, company.Company.run

    def working(kernels, board, threads):
        found["pass"].add(threads)
        work(kernels, board, threads)

    def running(self):
        found["company"].add((self.workers, self.share))
        return run(self)

    monkeypatch.setattr(compiled, "work_together", working)
    monkeypatch.setattr(company.Company, "run", running)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    return found


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        done = CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "80"})
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    return call


def test_a_model_file_has_the_same_bits_on_any_number_of_threads(cli, seen):
    thetas, answers = [], []
    for threads in (1, 2, 3, None):
        asked = () if threads is None else ("--threads", threads)
        seen["pass"].clear()
        cli("train", "penguins", "--target", "species", *WIDE, *asked, "--out", "m.safetensors", "-q")
        thetas.append(TableModel.load("m.safetensors").theta.flat)
        answers.append(cli("predict", "m.safetensors", "penguins", *asked))
        assert max(seen["pass"], default=1) == (threads or 5)
    for theta, answer in zip(thetas, answers, strict=True):
        np.testing.assert_array_equal(theta, thetas[0])
        assert answer == answers[0]
    assert company.share() is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "penguins", "--target", "species", *WIDE, "--ensemble", "3"),
        ("train", penguins_path(), "--target", "species", *WIDE, "--stream"),
        ("train", "penguins", "--target", "sex", *WIDE, "--threshold", "f1"),
        ("cross-validate", "penguins", "--target", "species", *WIDE, "--folds", "2"),
        ("search", "penguins", "--target", "species", *WIDE, "--trials", "2", "--folds", "2"),
        ("evaluate", "m.safetensors", "penguins"),
        ("replay", "m.safetensors", "penguins", "--epoch", "2", "--batch", "1"),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-2]}",
)
def test_every_verb_keeps_to_it(cli, seen, arguments):
    cli("train", "penguins", "--target", "species", *WIDE, "--out", "m.safetensors", "-q")
    most = {}
    for threads in (1, 2, None):
        seen["pass"].clear(), seen["company"].clear()
        cli(*arguments, *(() if threads is None else ("--threads", threads)))
        workers = {workers * share for workers, share in seen["company"]}
        most[threads] = max(seen["pass"] | workers, default=1)
    assert most[1] == 1
    assert most[2] == 2 < most[None] <= 5


def test_a_file_of_options_holds_it(cli, seen):
    shown = cli("train", "penguins", "--target", "sex", *WIDE, "--threads", 2, "--show-config")
    assert tomllib.loads(shown)["threads"] == 2
    with open("run.toml", "w") as file:  # noqa: PTH123
        file.write(shown)
    cli("train", "--config", "run.toml", "-q")
    assert seen["pass"] == {2}
    cli("train", "--config", "run.toml", "-q", "--threads", "3")
    assert seen["pass"] == {2, 3}


@pytest.mark.parametrize("threads", ["0", "-1", "257", "x", "1.5"])
def test_what_is_no_number_of_threads_is_refused(cli, threads):
    said = cli("train", "penguins", "--target", "sex", "--threads", threads, code=2)
    if threads.lstrip("-").isdecimal():
        assert said == f"error: --threads is a whole number from 1 to 256, not {threads}\n"
    else:
        assert "Invalid value for '--threads'" in said


def fitted(threads):
    return fit_table(penguins_path(), "species", settings=SETTINGS, threads=threads)


CALLS = {
    "fit_table": fitted,
    "fit_stream": lambda threads: fit_stream(penguins_path(), "species", settings=SETTINGS, threads=threads),
    "cross_validate_table": lambda threads: cross_validate_table(
        penguins_path(), "species", folds=2, settings=SETTINGS, threads=threads
    ),
    "search_table": lambda threads: search_table(
        penguins_path(), "species", trials=2, folds=2, settings=SETTINGS, threads=threads
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_on_tables_keep_to_it_and_refuse_nonsense(name, seen):
    CALLS[name](1)
    assert seen["pass"] == set()
    assert seen["company"] <= {(1, 1)}
    CALLS[name](2)
    assert seen["pass"] <= {2}
    assert seen["pass"] | seen["company"]
    assert helpers.usable_cores() == 5
    with pytest.raises(SpecificationError, match="threads is a whole number from 1 to 256, or None, not 0"):
        CALLS[name](0)
