"""`inspect_file` and `clearprop inspect` say what a file holds, and never read its numbers."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.errors import ModelFileError
from clearprop.training.checkpoint import NAME


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A bare network, a table's model, and a checkpoint."""
    folder = tmp_path_factory.mktemp("files")
    X = np.random.default_rng(0).normal(size=(40, 3))
    swish = cp.Activation("swish", "z * sigmoid(beta * z)", beta=1.5)
    network = cp.Network(3, [cp.Dense(4, swish, dropout=0.1), cp.Dense(2, bias=False)], l1=0.1)
    options = {"engine": "textbook", "epochs": 6, "validation": 0.25, "progress": False}
    model = cp.train(network, X, X[:, :2], optimizer=cp.Adam(0.01), snapshots=3, certify=True, **options)
    model.save(folder / "network")
    cp.train(network, X, X[:, :2], checkpoint=folder / "kept", **options)
    table = cp.fit_table(penguins_path(), "species", settings=cp.Settings(hidden=(8,), epochs=3))
    table.save(folder / "table")
    return {"network": model, "table": table, "folder": folder}


def inspect(path, *options):
    return CliRunner().invoke(app, ["inspect", str(path), *options], env={"COLUMNS": "100"})


def test_a_networks_file_is_described(files):
    path, model = files["folder"] / "network", files["network"]
    found = cp.inspect_file(path)
    assert (found.kind, found.format, found.size) == ("network", 1, path.stat().st_size)
    assert found.network == model.network
    assert found.record == model.record.to_dict()
    assert found.history == model.history
    assert found.best_epoch == model.history["epoch"][int(np.argmin(model.history["validation_loss"]))]
    assert found.snapshots == (3, 6)
    assert found.certificate == model.certificate.to_dict()
    text = inspect(path).stdout
    for words in (
        "a network, format 1",
        "layer 1: 4 swish, g(z) = z * sigmoid(beta * z), beta = 1.5, dropout 0.1",
        "layer 2: 2 identity, g(z) = z, without bias",
        "l1 0.1",
        "Adam(0.01)",
        "30 rows, 10 held out to choose the epoch",
        f"digest of the training data: {model.record.data}",
        f"least validation loss in epoch {found.best_epoch}",
        "gradient certificate: holds",
        "snapshots for a replay after the epochs 3, 6",
    ):
        assert words in text, words
    assert "Target" not in text


def test_a_tables_file_is_described(files):
    path, model = files["folder"] / "table", files["table"]
    found = cp.inspect_file(path)
    assert (found.kind, found.encoder, found.target) == ("table model", model.encoder, model.target)
    text = inspect(path).stdout
    for words in (
        "species: text with 3 distinct values, read as classes",
        "3 classes: Adelie, Chinstrap, Gentoo",
        "island: one-hot: 3 levels",
        "layer 2: 3 softmax\n",
    ):
        assert words in text, words
    plain = json.loads(inspect(path, "--json").stdout)
    assert plain == json.loads(json.dumps(found.to_dict()))
    assert plain["bytes"]["file"] == sum(plain["bytes"][part] for part in ("header", "numbers")) + 8
    assert plain["bytes"]["numbers"] == 4 * model.network.n_parameters
    assert plain["history"]["epochs"] == 3
    assert plain["checkpoint"] is None


def test_a_checkpoint_is_told_from_a_model(files):
    found = cp.inspect_file(files["folder"] / "kept" / NAME)
    assert found.kind == "checkpoint"
    assert found.standing == {"epochs": 6, "batch": 0, "stopped": "epochs"}
    assert found.record["steps"] == 6
    assert "the run stands after epoch 6; it has ended (epochs)" in str(found)
    with pytest.raises(ModelFileError, match="it is the checkpoint of a run, and no model yet; go on"):
        cp.load(files["folder"] / "kept" / NAME)


def test_a_checkpoint_that_is_cut_is_refused(files, tmp_path):
    raw = (files["folder"] / "kept" / NAME).read_bytes()
    for length in (0, 7, 100, len(raw) - 8, len(raw) - 1):
        (tmp_path / "cut").write_bytes(raw[:length])
        with pytest.raises(ModelFileError, match=r"cut: .*take it from its source again"):
            cp.inspect_file(tmp_path / "cut")


def test_numbers_are_not_read(files, tmp_path):
    """Damage in them is not seen, and a file may be far larger than what is read of it."""
    raw = bytearray((files["folder"] / "network").read_bytes())
    whole = cp.inspect_file(files["folder"] / "network").to_dict()
    raw[-1] ^= 1
    (tmp_path / "m").write_bytes(raw)
    assert cp.inspect_file(tmp_path / "m").to_dict() == {**whole, "path": str(tmp_path / "m")}
    with pytest.raises(ModelFileError, match="digest"):
        cp.load(tmp_path / "m")
    os.truncate(tmp_path / "m", len(raw) - 8)
    with pytest.raises(ModelFileError, match="bytes"):
        cp.inspect_file(tmp_path / "m")


def test_what_is_no_model_is_one_message(files, tmp_path):
    (tmp_path / "text").write_text("W,b\n1,2\n")
    for path, word in (
        (tmp_path / "text", "does not begin like a model file"),
        (tmp_path / "nowhere", "there is no such file"),
        (tmp_path, "it is a folder; name a model file"),
    ):
        done = inspect(path)
        assert (done.exit_code, done.stdout) == (2, "")
        assert word in done.stderr
        assert done.stderr.count("\n") == 1
    (tmp_path / "checkpoint.safetensors").touch()
    told = inspect(tmp_path).stderr
    assert told.startswith(f"error: {tmp_path}: it is a folder; name a model file, such as {tmp_path}")
    assert told.endswith("checkpoint.safetensors\n")


def test_names_from_a_file_cannot_speak_to_the_terminal(tmp_path):
    theta = cp.Network(1, [cp.Dense(2, "softmax")]).initialize(seed=0)
    cp.Model(theta.network, theta, classes=("\x1b[31mred", "[bold]b")).save(tmp_path / "m")
    text = inspect(tmp_path / "m").stdout
    assert "\\x1b[31mred, [bold]b" in text
    assert "\x1b" not in text
