"""The command line: every verb, every exit code, what is written where, and what is never shown."""

import gzip
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from clearprop import __version__
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.table_model import TableModel

RUN = [sys.executable, "-m", "clearprop"]
QUICK = ("--epochs", "3", "--hidden", "8")


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*arguments):
        return runner.invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})

    return call


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    done = CliRunner().invoke(app, ["train", "penguins", "--target", "species", "--out", str(path), "-q"])
    assert done.exit_code == 0
    assert done.output == ""
    return path


def test_train_says_everything_in_order(cli):
    done = cli("train", "penguins", "--target", "species", "--out", "p.safetensors")
    assert done.exit_code == 0, done.output
    expected = [
        "penguins.csv: 344 rows, 8 columns, 19 missing cells",
        "one-hot: 3 levels (Biscoe, Dream, Torgersen)",
        "species: text with 3 distinct values, read as classes",
        "275 rows to train on, 69 held out",
        "17 inputs -> 64 silu -> 64 silu -> 3 softmax; 5,507 parameters",
        "223 epochs",
        "accuracy",
        "baseline always says Adelie",
        "Confusion",
        "p.safetensors (",
        "clearprop predict p.safetensors penguins",
        "clearprop evaluate p.safetensors penguins",
    ]
    places = [done.stdout.find(text) for text in expected]
    assert -1 not in places, expected[places.index(-1)]
    assert places == sorted(places)
    assert "epoch 223/223: loss" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f]| +\n", done.stdout)


def test_train_as_json_is_one_object_and_nothing_else(cli):
    done = cli("train", "penguins", "--target", "body_mass_g", "--json", *QUICK)
    assert done.exit_code == 0
    assert done.stderr == ""
    plain = json.loads(done.stdout)
    assert list(plain) == [
        "data",
        "columns",
        "target",
        "split",
        "network",
        "training",
        "certificate",
        "threshold",
        "test",
        "notices",
        "model",
        "config",
    ]
    assert plain["data"] == {"source": "penguins.csv", "rows": 344, "columns": 8, "missing": 19}
    assert plain["target"]["task"] == "numbers"
    assert plain["split"] == {"train": 274, "test": 68, "validation": 0.0, "seed": 0}
    assert set(plain["test"]["metrics"]) == set(plain["test"]["baseline"]) == {"rmse", "mae", "r2"}
    assert plain["notices"] == ["2 rows have no value of the target 'body_mass_g' and are left out"]
    assert plain["training"]["epochs"] == 3
    assert plain["network"]["widths"][1:] == [8, 1]
    assert TableModel.load(plain["model"]).network.n_parameters == plain["network"]["parameters"]


def test_every_setting_reaches_the_network(cli):
    done = cli(
        *("train", "penguins", "--target", "sex", "--json", "--hidden", "6,5", "--activation", "tanh"),
        *("--loss", "cross_entropy", "--optimizer", "adam", "--learning-rate", "0.01", "--epochs", "4"),
        *("--batch-size", "50", "--dropout", "0.1", "--l1", "0.001", "--l2", "0.002", "--exclude", "year"),
        *("--test", "0.3", "--validation", "0.25", "--patience", "3", "--class-weight", "balanced"),
        *("--seed", "5", "--time-budget", "60", "--dtype", "float64", "--weight-decay", "0.5"),
        *("--label-smoothing", "0.05", "--task", "classes", "--out", "s.safetensors"),
    )
    assert done.exit_code == 0, done.stderr
    plain = json.loads(done.stdout)
    specification = plain["network"]["specification"]
    assert plain["network"]["widths"][1:] == [6, 5, 2]
    assert [layer["activation"]["name"] for layer in specification["layers"]] == ["tanh", "tanh", "softmax"]
    assert [layer["dropout"] for layer in specification["layers"]] == [0.1, 0.1, 0.0]
    assert (specification["l1"], specification["l2"]) == (0.001, 0.002)
    optimizer = plain["training"]["optimizer"]
    assert optimizer["name"] == "adam"
    assert optimizer["weight_decay"] == 0.5
    assert optimizer["learning_rate"]["parameters"]["rate"] == 0.01
    assert plain["training"]["batch_size"] == 50
    assert "year" not in [row["column"] for row in plain["columns"]]
    assert plain["split"]["validation"] == 0.25
    record = TableModel.load("s.safetensors").model.record
    assert (record.seed, record.dtype, record.class_weight) == (5, "float64", "balanced")


def test_several_targets_and_no_test_rows(cli):
    done = cli(
        *("train", "penguins", "--target", "bill_length_mm", "--target", "bill_depth_mm", "--test", "0"),
        *("--hidden", "none", "--optimizer", "lbfgs"),
    )
    assert done.exit_code == 0, done.stderr
    assert "all 342 rows to train on, none held out" in done.stdout
    assert "L-BFGS on all rows at once" in done.stdout
    done = cli("evaluate", "penguins.safetensors", "penguins")
    assert "Each target" in done.stdout
    assert "note: 2 rows have no value of the target 'bill_length_mm' or 'bill_depth_mm'" in done.stderr
    assert "342 rows of penguins.csv" in done.stdout
    done = cli("predict", "penguins.safetensors", "penguins")
    assert done.stdout.startswith("row,predicted_bill_length_mm,predicted_bill_depth_mm\n1,")


def test_predict_writes_labels_and_probabilities(cli, model_file):
    done = cli("predict", model_file, "penguins")
    assert done.exit_code == 0
    frame = pl.read_csv(done.stdout.encode())
    assert frame.columns == ["row", "predicted_species", "p_Adelie", "p_Chinstrap", "p_Gentoo"]
    assert frame["row"].to_list() == list(range(1, 345))
    model = TableModel.load(model_file)
    assert frame["predicted_species"].to_list() == list(model.predict(penguins_path()))
    assert abs(frame[:, 2:].to_numpy() - model.predict_proba(penguins_path())).max() < 1e-6


def test_predict_writes_files_and_json(cli, model_file):
    expected = cli("predict", model_file, "penguins").stdout
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        done = cli("predict", model_file, "penguins", "--out", name)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"344 rows written to {name}\n")
    packed = gzip.decompress(Path("p.csv.gz").read_bytes()).decode()
    assert Path("p.csv").read_text() == packed == expected
    assert pl.read_parquet("p.parquet").shape == (344, 5)
    plain = json.loads(cli("predict", model_file, "penguins", "--json").stdout)
    assert plain["task"] == "classes"
    assert plain["rows"][0]["prediction"] == {"species": "Adelie"}
    assert set(plain["rows"][0]["probabilities"]) == {"Adelie", "Chinstrap", "Gentoo"}
    assert not list(Path().glob(".*.part"))


def test_evaluate_and_its_checks(cli, model_file):
    done = cli("evaluate", model_file, "penguins", "--check", "accuracy >= 0.9", "--check", "log_loss<1")
    assert done.exit_code == 0
    assert "344 rows of penguins.csv" in done.stdout
    done = cli("evaluate", model_file, "penguins", "--check", "accuracy > 1", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["checks_failed"] == ["accuracy > 1"]
    accuracy = json.loads(done.stdout)["metrics"]["accuracy"]
    assert 0.9 <= accuracy <= 1
    assert done.stderr == f"check failed: accuracy > 1, and accuracy is {accuracy:.4g}\n"
    for wrong, message in (("rmse < 1", "no metric 'rmse'"), ("accuracy", "is a condition such as")):
        done = cli("evaluate", model_file, "penguins", "--check", wrong)
        assert done.exit_code == 2
        assert message in done.stderr


def test_gzip_and_parquet_give_the_same_model(cli):
    Path("g.csv.gz").write_bytes(gzip.compress(penguins_path().read_bytes()))
    pl.read_csv(penguins_path(), null_values="NA").write_parquet("g.parquet")
    written = []
    for data in ("penguins", "g.csv.gz", "g.parquet"):
        done = cli("train", data, "--target", "species", "--json", *QUICK)
        assert done.exit_code == 0, done.stderr
        written.append(json.loads(done.stdout)["test"])
    assert written[0] == written[1] == written[2]
    assert Path("g.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere.csv", "--target", "x"], "there is no file 'nowhere.csv'"),
        (["train", ".", "--target", "x"], "is a folder"),
        (["train", "penguins", "--target", "specis"], "did you mean 'species'?"),
        (["train", "penguins", "--target", "species", "--exclude", "yeer"], "did you mean 'year'?"),
        (["train", "penguins", "--target", "species", "--activation", "rleu"], "did you mean 'relu'?"),
        (["train", "penguins", "--target", "species", "--activation", "step"], "cannot be trained"),
        (["train", "penguins", "--target", "species", "--loss", "cross_entrpy"], "did you mean"),
        (["train", "penguins", "--target", "species", "--loss", "huber"], "losses for classes"),
        (["train", "penguins", "--target", "species", "--optimizer", "adm"], "did you mean"),
        (["train", "penguins", "--target", "species", "--hidden", "a,b"], "--hidden is widths"),
        (["train", "penguins", "--target", "species", "--task", "colours"], "use 'classes' or 'numbers'"),
        (["train", "penguins", "--target", "species", "--task", "numbers"], "is not a number"),
        (["train", "penguins", "--target", "species", "--test", "1.5"], "test is a share"),
        (["train", "penguins", "--target", "species", "--dtype", "float16"], "dtype is float32 or float64"),
        (["train", "penguins", "--target", "species", "--class-weight", "heavy"], "'heavy'"),
        (["train", "penguins", "--target", "species", "--seed", "-1"], "seed"),
        (["train", "penguins", "--target", "species", "--out", "no/where.safetensors"], "no folder 'no'"),
        (["train", "penguins", "--target", "species", "--learning-rate", "1e30"], "training diverged"),
        (["train", "penguins"], "--target"),
        (["train", "penguins", "--target", "species", "--epochs", "many"], "--epochs"),
        (["predict", "nowhere.safetensors", "penguins"], "there is no such file"),
        (["evaluate", "bad.csv", "penguins"], "bad.csv"),
        (["train", "bad.csv", "--target", "y"], "bad.csv"),
        (["train", "bad.csv", "--target", "x", "--out", "bad.csv"], "is read by this command"),
        (["frobnicate"], "frobnicate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_message_and_exit_code_2(cli, arguments, message):
    Path("bad.csv").write_text("x,y\n1,a\n2\n")
    done = cli(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert [path.name for path in Path().iterdir()] == ["bad.csv"]


def test_predicting_with_a_missing_column_names_it(cli, model_file):
    pl.read_csv(penguins_path(), null_values="NA").drop("island").write_csv("less.csv")
    done = cli("predict", model_file, "less.csv")
    assert done.exit_code == 2
    assert "less.csv has no column 'island', which the model was trained with" in done.stderr
    assert done.stdout == ""


def test_results_never_overwrite_what_is_read(cli, model_file):
    shutil.copy(penguins_path(), "mine.csv")
    assert "is read by this command" in cli("predict", model_file, "mine.csv", "--out", "mine.csv").stderr
    assert "names no format" in cli("predict", model_file, "mine.csv", "--out", "mine.txt").stderr
    assert "leave --out away" in cli("predict", model_file, "mine.csv", "--out", "o.csv", "--json").stderr


def test_names_cannot_speak_to_the_terminal(cli):
    Path("odd.csv").write_text("[bold]x[/bold],a\x1b[31mb,y\n" + "1,2,u\n2,3,[red]v\n" * 10)
    done = cli("train", "odd.csv", "--target", "y", *QUICK)
    assert done.exit_code == 0, done.output
    assert "[bold]x[/bold]" in done.stdout
    assert "\x1b" not in done.output
    assert "[red]v" in done.stdout


def test_many_classes_list_their_mistakes(cli):
    rows = "".join(f"{k % 40},{k},class number {k % 40}\n" for k in range(400))
    Path("many.csv").write_text("x,z,y\n" + rows)
    done = cli("train", "many.csv", "--target", "y", *QUICK)
    assert done.exit_code == 0, done.output
    assert "Mistakes (" in done.stdout
    assert "true class" in done.stdout


def test_version_help_and_warmup(cli):
    assert cli("--version").stdout == f"clearprop {__version__}\n"
    helped = cli("train", "--help").stdout
    assert "leaky_relu" in helped
    assert "step" not in re.findall(r"\b\w+\b", helped[helped.find("hidden layers:") :][:300])
    done = cli("warmup")
    assert done.exit_code == 0
    assert "float64: ready" in done.stdout


def test_help_loads_no_heavy_library():
    code = (
        "import sys; from clearprop.cli import app;"
        "print([m for m in ('numba', 'sklearn', 'polars', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ctrl_c_saves_the_model_so_far(tmp_path):
    out = tmp_path / "m.safetensors"
    arguments = ["train", "penguins", "--target", "species", "--epochs", "100000", "--out", str(out)]
    process = subprocess.Popen([*RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:  # until training tells how far it is
        if line.startswith("epoch "):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert f"interrupted: the model so far is saved in {out}" in stderr
    assert "stopped by" in stdout
    assert "Traceback" not in stderr
    assert len(TableModel.load(out).predict(penguins_path())) == 344


def test_a_reader_that_has_seen_enough_is_no_error(model_file, tmp_path):
    frame = pl.read_csv(penguins_path(), null_values="NA")
    pl.concat([frame] * 30).write_csv(tmp_path / "long.csv")
    with subprocess.Popen(
        [*RUN, "predict", str(model_file), str(tmp_path / "long.csv")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("row,")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


GERMAN = "Kunden_ID;Datum;Größe;Stadt;Umsatz\n" + "".join(
    f"{1000 + k};{1 + k % 28:02d}.{1 + k % 12:02d}.2021;"
    f"{k % 7},5;{('Wien', 'Köln')[k % 2]};{k % 5 + k % 7},25\n"
    for k in range(60)
)


def test_a_table_of_another_country_is_read_and_what_was_found_is_said(cli):
    Path("de.csv").write_bytes(GERMAN.encode("cp1252"))
    done = cli("train", "de.csv", "--target", "Umsatz", *QUICK)
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    for words in (
        "note: it is not UTF-8 text (line 1) and was read as Windows-1252",
        "note: the columns are separated by semicolons",
        "note: in the columns 'Größe', 'Umsatz', decimal commas were read as points",
        "left out: named like an identifier",
        "date: days (mean 2021-",
        "one-hot: 2 levels (Köln, Wien)",
    ):
        assert words in said
    Path("plain.csv").write_text(GERMAN.replace(",", ".").replace(";", ","), encoding="utf-8")
    given = cli(
        "predict", "de.safetensors", "de.csv", "--encoding", "cp1252", "--separator", ";", "--decimal", ","
    )
    assert given.stdout == cli("predict", "de.safetensors", "plain.csv").stdout
    assert "note" not in given.stderr
    assert "note: the columns are separated" in cli("predict", "de.safetensors", "de.csv").stderr


def test_what_a_column_is_may_be_said_and_several_files_read(cli):
    rows = [f"{k % 4},{k % 3},{k % 2}\n" for k in range(80)]
    Path("a.csv").write_text("zip,x,y\n" + "".join(rows[:40]))
    Path("b.csv").write_text("zip,x,y\n" + "".join(rows[40:]))
    done = cli("train", "a.csv", "b.csv", "--target", "y", "--type", "zip=category", *QUICK)
    assert done.exit_code == 0, done.output
    assert "2 files (a.csv, b.csv): 80 rows" in done.stdout
    assert "one-hot: 4 levels (0, 1, 2, 3)" in done.stdout
    assert Path("a.safetensors").is_file()
    assert "80 rows of 2 files" in cli("evaluate", "a.safetensors", "[ab].csv").stdout
    for wrong, words in (
        ("zip", "--type is COLUMN=KIND"),
        ("zap=number", "no column to type 'zap'; did you mean"),
    ):
        done = cli("train", "a.csv", "--target", "y", "--type", wrong)
        assert done.exit_code == 2
        assert words in done.stderr


def test_a_run_goes_on_from_its_checkpoint_by_the_same_command(cli, monkeypatch):
    from clearprop.training import descent

    command = ("train", "penguins", "--target", "species", "--hidden", "8", "--epochs", "9", "--quiet")
    assert cli(*command, "--out", "whole.safetensors").exit_code == 0
    monkeypatch.setattr(descent, "SLICE_WORK", 0.0)
    kept = (*command, "--out", "m.safetensors", "--checkpoint", "kept")
    assert cli(*kept, "--time-budget", "1e-9").exit_code == 0
    assert cli(*kept).exit_code == 2
    assert "go on with it (resume=True, --resume)" in cli(*kept).stderr
    assert "another seed" in cli(*kept, "--resume", "--seed", "1").stderr
    assert cli(*kept, "--resume").exit_code == 0
    whole, resumed = (TableModel.load(f"{name}.safetensors") for name in ("whole", "m"))
    assert whole.model.record.digests == resumed.model.record.digests
