"""A table larger than memory is learnt in pieces, by the encodings and as well as one in memory."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clearprop.datasets import penguins_path
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model import Settings, fit_table
from clearprop.table_model import streaming as streaming_module
from clearprop.table_model.streaming import fit_stream, open_stream, plan_stream
from clearprop.tables import Encoder, read_table
from clearprop.tables.scanning import scan_table
from clearprop.training import buckets as buckets_module
from clearprop.training.buckets import Buckets, places_of


def penguins(folder, suffix, rows=slice(None)):
    frame = pl.read_csv(penguins_path(), null_values="NA")[rows]
    path = folder / f"p{suffix}"
    if suffix == ".parquet":
        frame.write_parquet(path, row_group_size=50)
    elif suffix == ".arrow":
        frame.write_ipc(path)
    else:
        path.write_text(frame.write_csv(separator=";", null_value="NA"))
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv"])
@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_the_encodings_are_those_of_a_table_in_memory(tmp_path, monkeypatch, suffix, target):
    monkeypatch.setattr(streaming_module, "PIECE", 60)
    path = penguins(tmp_path, suffix)
    settings = Settings(seed=3, validation=0.1)
    plan = plan_stream(
        scan_table(path, tmp_path), target, exclude=["year"], test=0.2, settings=settings
    )  # fmt: skip
    assert not (plan.test & plan.training).any()
    assert not (plan.validation & plan.training).any()
    known = 344 if target == "species" else 342
    assert int(plan.test.sum() + plan.validation.sum() + plan.training.sum()) == known
    whole = read_table(path)
    training = whole.take(plan.training)
    assert plan.encoder == Encoder.fit(training, target=target, exclude=["year"])
    pieces = [
        plan.encoder.transform(piece) for piece in plan.scanned.pieces(60, plan.styles, plan.scanned.names)
    ]
    assert np.array_equal(np.concatenate(pieces), plan.encoder.transform(whole))


@pytest.mark.filterwarnings("ignore:.* no value of the target")
@pytest.mark.filterwarnings("ignore:the DataFrame")  # gaps that the training rows had none of
@pytest.mark.parametrize("target", ["species", "sex", "body_mass_g"])
def test_a_sorted_file_in_small_buckets_is_learnt_as_well(tmp_path, monkeypatch, target):
    monkeypatch.setattr(buckets_module, "BUCKET_BYTES", 5000)
    monkeypatch.setattr(streaming_module, "PIECE", 64)
    frame = pl.read_csv(penguins_path(), null_values="NA").sort(target)
    frame.write_parquet(tmp_path / "p.parquet")
    streamed = fit_stream(tmp_path / "p.parquet", target, test=0.25)
    held = fit_table(frame.filter(pl.col(target).is_not_null()), target, test=0.25)
    for name in ("accuracy", "r2"):
        if name in held.evaluation.metrics:
            assert streamed.evaluation.metrics[name] > held.evaluation.metrics[name] - 0.1
    again = fit_stream(tmp_path / "p.parquet", target, test=0.25)
    assert np.array_equal(again.theta.flat, streamed.theta.flat)
    streamed.save(tmp_path / "m.safetensors")
    assert (
        type(streamed).load(tmp_path / "m.safetensors").predict(frame).tolist()
        == streamed.predict(frame).tolist()
    )


def filled(folder, monkeypatch, rows=1000, count_bytes=2000, seed=0):
    monkeypatch.setattr(buckets_module, "BUCKET_BYTES", count_bytes)
    made = Buckets.for_rows(folder, rows, 1, 1, np.dtype(np.float32), seed)
    numbers = np.arange(rows)
    for first in range(0, rows, 300):
        piece = numbers[first : first + 300]
        made.add(piece[:, None].astype(np.float64), 2.0 * piece[:, None], piece)
    made.close()
    return made


def test_an_epoch_takes_every_row_once_in_whole_batches_and_an_order_of_its_own(tmp_path, monkeypatch):
    made = filled(tmp_path, monkeypatch)
    assert made.count == 4
    assert len(made) == 1000
    orders = []
    for epoch in (0, 1, 0):
        pieces = list(made.epoch(epoch, 32))
        assert all(len(piece) % 32 == 0 for piece in pieces[:-1])
        X = np.concatenate([piece.X[:, 0] for piece in pieces])
        Y = np.concatenate([piece.Y[:, 0] for piece in pieces])
        assert sorted(X.tolist()) == list(range(1000))
        assert np.array_equal(Y, 2 * X)
        orders.append(X.tolist())
    assert orders[0] == orders[2] != orders[1]
    assert abs(np.corrcoef(orders[0], np.arange(1000))[0, 1]) < 0.1


def test_places_are_even_and_of_seed_and_row_alone():
    rows = np.arange(10**5)
    found = places_of(7, rows, 16)
    counts = np.bincount(found, minlength=16)
    assert np.abs(counts - 6250).max() < 5 * np.sqrt(6250)
    assert np.array_equal(found[500:600], places_of(7, rows[500:600], 16))
    assert (found != places_of(8, rows, 16)).mean() > 0.9
    assert (places_of(0, rows, 2)[1:] == places_of(0, rows, 2)[:-1]).mean() == pytest.approx(0.5, abs=0.01)


def test_text_is_read_in_pieces_however_it_is_written(tmp_path):
    rows = "".join(
        f"{k % 7},5;{k % 28 + 1:02d}.03.2021;{'ja' if k % 7 > 3 else 'nein'}\n" for k in range(200)
    )
    (tmp_path / "a.csv").write_text("größe;tag;y\n" + rows)
    (tmp_path / "b.csv").write_text("größe;tag;y\n" + rows)
    model = fit_stream(
        [tmp_path / "a.csv", tmp_path / "b.csv"], "y", test=0.2, settings=Settings(hidden=(8,))
    )
    assert [row.column_kind for row in model.encoder.columns] == ["number", "date"]
    assert model.evaluation.metrics["accuracy"] == 1
    assert model.evaluation.rows + model.model.record.rows == 400


@pytest.mark.parametrize("target", ["species", "sex", "body_mass_g"])
def test_any_partial_fit_is_given_every_row_in_its_own_terms(tmp_path, monkeypatch, target):
    monkeypatch.setattr(buckets_module, "BUCKET_BYTES", 5000)
    frame = pl.read_csv(penguins_path(), null_values="NA").filter(pl.col(target).is_not_null())
    frame.write_parquet(tmp_path / "p.parquet")
    with open_stream(tmp_path / "p.parquet", target, dtype="float64") as stream:
        assert stream.rows == frame.height
        pieces = list(stream.epoch(0, batch_size=10))
        assert len(pieces) > 1
        assert all(len(X) % 10 == 0 for X, _ in pieces[:-1])
        expected = stream.encoder.transform(read_table(frame))
    found = sorted((tuple(x), y) for X, Y in pieces for x, y in zip(X.tolist(), Y.tolist(), strict=True))
    wanted = sorted((tuple(x), y) for x, y in zip(expected.tolist(), frame[target].to_list(), strict=True))
    assert [x for x, _ in found] == [x for x, _ in wanted]
    if target == "body_mass_g":
        assert np.allclose([y for _, y in found], [y for _, y in wanted])
    else:
        assert [y for _, y in found] == [y for _, y in wanted]
        assert stream.classes.tolist() == sorted(set(frame[target]))


@pytest.mark.parametrize(
    ("name", "data", "options", "words"),
    [
        ("a.csv.gz", b"", {}, "is packed and cannot be read in pieces; unpack it first"),
        ("a.jsonl", b"{}", {}, "only Parquet, Arrow or plain CSV files of one kind are read in pieces"),
        ("a.csv", "é,y\n1,2\n".encode("latin-1"), {}, "only UTF-8 is read in pieces"),
        ("a.csv", b"x,y\n", {}, "has a header and no rows"),
        ("a.csv", b"x,y\n1,a\n2,b\n", {"target": "z"}, "has no column 'z'"),
        ("a.csv", b"x,y\n1,a\n2,b\n3\n4,5,6\n", {}, "cannot be read as a table"),
        ("a.parquet", b"PAR1 and nothing", {}, "cannot be read as a table"),
        ("a.csv", b"x,y\n1,a\n2,b\n" * 20, {"optimizer": "lbfgs"}, "takes all rows at once"),
        (
            "a.csv",
            b"x,y\n1,a\n2,b\n" * 20,
            {"class_weight": "balanced"},
            "class weights need the table in memory",
        ),
    ],
)
def test_what_cannot_be_learnt_in_pieces_is_said(tmp_path, name, data, options, words):
    (tmp_path / name).write_bytes(data)
    given = dict(options)
    target = given.pop("target", "y")
    with pytest.raises((DataError, SpecificationError), match=words):
        fit_stream(tmp_path / name, target, settings=Settings(**given))


CHILD = """
    import sys
    from pathlib import Path
    from clearprop.table_model import Settings
    from clearprop.table_model.streaming import fit_stream

    model = fit_stream(
        sys.argv[1], "y", test=0.05, settings=Settings(epochs=2, hidden=(32,)), folder=sys.argv[2]
    )
    peak = float(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1e6
    print(model.evaluation.metrics["accuracy"], peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_a_table_of_three_gigabytes_is_learnt_in_one(tmp_path):
    generator, columns, step = np.random.default_rng(0), 50, 125_000
    slopes = generator.normal(size=columns)
    for k in range(60):
        X = generator.integers(-90, 91, size=(step, columns)) / 10
        frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(columns)})
        frame = frame.with_columns(y=pl.Series(np.where(X @ slopes > 0, "yes", "no")))
        frame.write_parquet(tmp_path / f"{k:02d}.parquet")
    rows = 60 * step
    assert rows * columns * 8 >= 3e9
    code = textwrap.dedent(CHILD)
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "*.parquet"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    accuracy, peak = map(float, told.stdout.split())
    assert accuracy > 0.9
    assert peak < 1.0  # gigabytes
    assert not list(Path(tmp_path).glob("clearprop-*"))


def test_one_column_to_exclude_may_be_named_alone(tmp_path):
    with open_stream(penguins(tmp_path, ".csv"), "species", exclude="year") as stream:
        assert "year" not in stream.encoder.column_names


def test_what_is_left_out_is_said(tmp_path):
    frame = pl.read_csv(penguins_path(), null_values="NA").with_columns(same=pl.lit(1), id=pl.int_range(344))
    frame.write_parquet(tmp_path / "p.parquet")
    with pytest.warns(UserWarning, match="left out|constant") as caught:
        fit_stream(tmp_path / "p.parquet", "sex", settings=Settings(epochs=1))
    assert [str(warning.message).partition(",")[0] for warning in caught] == [
        "p.parquet: 11 rows have no value of the target 'sex' and are left out",
        "p.parquet: the column 'same' is constant 1",
        "p.parquet: the column 'id' is left out: named like an identifier",
    ]
    assert {warning.filename for warning in caught} == {__file__}


def test_each_epoch_is_shown_with_its_own_numbers(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(buckets_module, "BUCKET_BYTES", 5000)
    settings = Settings(epochs=3, validation=0.2)
    model = fit_stream(penguins(tmp_path, ".csv"), "species", settings=settings, progress=True)
    lines = [line.partition("; ")[0] for line in capfd.readouterr().err.splitlines()]
    told = model.history["loss"], model.history["validation_loss"]
    assert [line.partition(", accuracy")[0] for line in lines] == [
        f"epoch {epoch}/3: loss {loss:.4g}, validation loss {held:.4g}"
        for epoch, loss, held in zip((1, 2, 3), *told, strict=True)
    ]


def test_the_command_line_reads_in_pieces_and_says_so(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from clearprop.cli import app
    from clearprop.cli import streaming as cli_streaming
    from clearprop.table_model import TableModel

    monkeypatch.chdir(tmp_path)
    penguins(tmp_path, ".parquet")

    def train(*more):
        return CliRunner().invoke(app, ["train", "p.parquet", "--target", "species", *more])

    done = train("--stream", "--epochs", "5")
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "p.parquet: 344 rows, 8 columns, read in pieces" in said
    assert "held out to judge the result, 0 to choose the best epoch" in said
    assert "Metrics on the" in said
    assert TableModel.load("p.safetensors").network.widths[-1] == 3
    for more in (("--weight", "year"), ("--report", "r.html"), ("--type", "year=category")):
        done = train("--stream", *more)
        assert done.exit_code == 2
        assert f"{more[0]}: not with a table that is read in pieces" in done.stderr
    assert "read in pieces" not in train("--epochs", "2").stdout
    monkeypatch.setattr(cli_streaming, "memory", lambda: 10_000.0)
    assert "read in pieces" in train("--epochs", "2").stdout
    assert "read in pieces" not in train("--epochs", "2", "--no-stream").stdout
