"""Standardised and raw inputs and targets of every kind of set, and what is taken away of them."""

import json

import numpy as np
import pytest

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.keepsakes import model, model_bytes
from clearprop.web.bench.opened_model import OpenedModel
from clearprop.web.bench.scaling import scaled
from clearprop.web.bench.sets import generated_set, points_set, shipped_set, table_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.bench.typing_in import with_cells


def table(tmp_path):
    """Two columns far apart, and a target of hundreds of thousands."""
    generator = np.random.default_rng(0)
    X = generator.uniform(size=(60, 2)) * (1, 50_000)
    lines = [f"{a},{b},{1e5 + 3e4 * a + b}" for a, b in X]
    (tmp_path / "far.csv").write_text("\n".join(["near,far,y", *lines]), encoding="utf-8")
    return cp.read_table(tmp_path / "far.csv")


def bare(tmp_path):
    """A model that reads columns as they are."""
    network = cp.Network(2, [cp.Dense(6, "tanh"), cp.Dense(1)])
    cp.Model(network, network.initialize(1)).save(tmp_path / "bare.safetensors")
    return OpenedModel.load(tmp_path / "bare.safetensors")


def trained_elsewhere(tmp_path):
    """A table, as the encoders of another one read it."""
    (tmp_path / "p.csv").write_bytes(penguins_path().read_bytes())
    settings = cp.Settings(hidden=(4,), epochs=1)
    whole = cp.read_table(tmp_path / "p.csv")
    third = whole.take(np.flatnonzero(whole.column("body_mass_g").known)[::3])
    cp.fit_table(third, "body_mass_g", settings=settings).save(tmp_path / "p.safetensors")
    return OpenedModel.load(tmp_path / "p.safetensors").read(whole)


SETS = {
    "points": lambda folder: generated_set("moons", rows=80),
    "all to train on": lambda folder: generated_set("sine", rows=40, share=0.0),
    "table of classes": lambda folder: shipped_set("breast_cancer"),
    "table of numbers": lambda folder: table_set(table(folder), "y"),
    "for a bare model": lambda folder: bare(folder).read(table(folder)),
    "for a table's model": trained_elsewhere,
}


@pytest.mark.parametrize("name", SETS)
def test_standardised_is_by_the_rows_to_train_on_and_raw_are_the_cells(tmp_path, name):
    data = SETS[name](tmp_path)
    standard = scaled(data, inputs="standardised", targets="standardised")
    raw = scaled(data, inputs="raw", targets="raw")
    assert standard.standardised >= ({"inputs"} if data.classes else {"inputs", "targets"})
    assert raw.standardised <= {"targets"}
    assert [len(part) for part in standard.parts] == [len(part) for part in data.parts]
    columns = [k for k, each in enumerate(standard.features) if each in dict(standard.cells(data.first))]
    assert len(columns) >= 1
    varied = [k for k in columns if np.ptp(raw.training.X[:, k]) > 0]
    assert np.abs(standard.training.X[:, varied].mean(axis=0)).max() < 1e-9
    assert standard.training.X[:, varied].std(axis=0) == pytest.approx(1.0)
    for ours, theirs in zip(standard.parts, raw.parts, strict=True):
        assert (ours.numbers == theirs.numbers).all()
        X = raw.training.X
        wanted = (theirs.X - X.mean(axis=0))[:, varied] / X.std(axis=0)[varied]
        assert ours.X[:, varied] == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    number = int(data.training.numbers[0])
    cells, row = dict(raw.cells(number)), raw.example(number)
    shown = {raw.features[k]: row.X[0, k] for k in columns if cells[raw.features[k]]}
    assert {each: float(cells[each]) for each in shown} == pytest.approx(shown, rel=1e-5)
    if not data.classes:
        assert float(np.abs(standard.training.Y.mean())) < 1e-9
        assert raw.example(number).Y[0, 0] == pytest.approx(float(cells[data.targets[0]]), rel=1e-5)


@pytest.mark.parametrize("name", ["points", "for a bare model"])
def test_what_was_scaled_is_taken_away_in_its_own_units(tmp_path, name):
    data = SETS[name](tmp_path)
    bench = Bench(data, Settings(inputs="standardised", targets="standardised", epochs=60))
    for _ in range(60):
        bench.pace.one_epoch()
    (tmp_path / "taken.safetensors").write_bytes(model_bytes(bench))
    held = cp.TableModel.load(tmp_path / "taken.safetensors")
    plan = bench.data.plan
    outputs = held.outputs(plan.training)
    assert (outputs == model(bench).model.predict(bench.data.training.X)).all()
    if not data.classes:
        wanted = plan.training.column("y").numbers()
        assert np.abs(held.predict(plan.training).ravel() - wanted).mean() < 0.5 * wanted.std()
    bench.close()


def test_cells_are_typed_in_their_own_units_and_seen_as_the_network_is_given_them():
    data = scaled(generated_set("moons"), inputs="standardised")
    X = generated_set("moons").training.X
    typed = with_cells(data, data.example(data.first), {"x0": "3", "y": "1"})
    assert typed.X[0, 0] == pytest.approx((3 - X[:, 0].mean()) / X[:, 0].std())
    assert typed.Y.tolist() == [1]
    assert data.shown_cells(typed)[0] == ("x0", "3")


def test_left_as_the_set_has_them_is_the_set_itself():
    for data in (generated_set("moons"), shipped_set("iris")):
        assert scaled(data) is data
        assert Settings().scaled(data) is data
    points = generated_set("sine")
    assert scaled(points, inputs="raw", targets="raw") is points


def test_a_scale_is_kept_for_the_next_set_and_given_back():
    bench = Bench(settings=Settings(inputs="standardised", epochs=2))
    moons = bench.data.training.X
    bench.choose(generated_set("circles"))
    assert bench.data.training.X.std(axis=0) == pytest.approx(1.0)
    bench.choose(generated_set("moons"))
    assert (moons == bench.data.training.X).all()
    bench.change(Settings(epochs=2))
    assert (bench.data.training.X == generated_set("moons").training.X).all()
    bench.close()


@pytest.mark.parametrize(
    ("data", "plain", "message"),
    [
        (lambda: points_set("one", ("x",), [[1.0]], [1.0]), {"inputs": "standardised"}, "no deviation"),
        (lambda: points_set("flat", ("x",), [[1.0], [2.0]], [3.0, 3.0]), {"targets": "standardised"}, "3"),
    ],
)
def test_what_cannot_be_standardised_is_refused_and_changes_nothing(data, plain, message):
    bench = Bench(data(), Settings(layers=(Layer(2),)))
    bench.pace.one_epoch()
    with pytest.raises(DataError, match=message):
        bench.change(Settings.from_plain(json.loads(json.dumps({**bench.settings.to_plain(), **plain}))))
    assert (bench.moment().epoch, bench.settings.inputs, bench.settings.targets) == (1, None, None)
    bench.close()


def test_raw_inputs_that_are_too_large_to_carry_are_said(tmp_path):
    (tmp_path / "huge.csv").write_text("a,b,y\n" + "\n".join(f"{k},{k}e9,{k % 7}.5" for k in range(40)))
    data = table_set(cp.read_table(tmp_path / "huge.csv"), "y")
    assert scaled(data, inputs="raw").notices[-1] == "b: held within 1e+06"
    assert not any("held within" in each for each in scaled(data, inputs="standardised").notices)
