"""An ensemble of table models is one network, and the mean of its members."""

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.engines import forward
from clearprop.errors import SpecificationError
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.table_model import learning as learning_module
from clearprop.table_model.ensembles import ensemble_network, member_seed, side_by_side
from clearprop.tables import read_table

PENGUINS = read_table(penguins_path())
QUICK = Settings(hidden=(6, 5), epochs=15, ensemble=3, seed=4)


@pytest.mark.parametrize("hidden", [(), (4,), (5, 3, 4)])
@pytest.mark.parametrize("row", ["tanh", "maxout", "relu"])
def test_side_by_side_is_the_mean_before_the_last_activation(hidden, row):
    layers = [cp.Dense(n, row, dropout=0.2) for n in hidden]
    network = cp.Network(3, [*layers, cp.Dense(2, "identity")], loss="squared_error")
    members = [network.initialize(seed=k) for k in range(4)]
    for k, theta in enumerate(members):
        theta.flat[:] += 0.01 * k
    X = np.random.default_rng(0).normal(size=(7, 3))
    whole = side_by_side(members)
    alone = [forward(network, theta, X, engine="textbook") for theta in members]
    assert np.allclose(
        forward(whole.network, whole, X, engine="textbook"), np.mean(alone, axis=0), rtol=1e-12
    )
    assert not any(whole.network.dropouts)


def members_of(monkeypatch, target, settings):
    """The model, and the networks that it was made of."""
    seen = []
    together = learning_module._together

    def noting(models, **options):
        seen.extend(models)
        return together(models, **options)

    monkeypatch.setattr(learning_module, "_together", noting)
    return fit_table(PENGUINS, target, test=0.25, settings=settings), seen


@pytest.mark.filterwarnings("ignore:penguins")
@pytest.mark.parametrize("target", ["species", "sex", "body_mass_g"])
def test_members_have_seeds_of_their_own_and_the_same_rows(monkeypatch, tmp_path, target):
    model, members = members_of(monkeypatch, target, QUICK)
    assert len(members) == 3
    assert len({member.theta.flat.tobytes() for member in members}) == 3
    assert len({member.record.data for member in members}) == 1
    alone = fit_table(PENGUINS, target, test=0.25, settings=Settings(hidden=(6, 5), epochs=15, seed=4))
    assert np.array_equal(alone.theta.flat, members[0].theta.flat)
    again, _ = members_of(monkeypatch, target, QUICK)
    assert np.array_equal(again.theta.flat, model.theta.flat)
    model.save(tmp_path / "m.safetensors")
    read = TableModel.load(tmp_path / "m.safetensors")
    assert read.predict(PENGUINS).tolist() == model.predict(PENGUINS).tolist()
    assert read.network.widths[1:-1] == (18, 15)


@pytest.mark.filterwarnings("ignore:penguins")
def test_an_ensemble_is_explained_certified_and_exported_like_any_network(tmp_path):
    model = fit_table(PENGUINS, "species", settings=QUICK, certify=True)
    assert model.model.certificate.holds
    assert cp.explain_row(model, PENGUINS, 3).trace.derive("W[1][8,4]").tree.worst_error() < 1e-12
    model.export(tmp_path / "m.c")
    assert "18, 'silu'" in (tmp_path / "m.c").read_text().replace("Dense(", "")
    with pytest.raises(SpecificationError, match="an ensemble"):
        cp.replay_table(model, PENGUINS, 1)


def test_members_are_held_to_the_same_validation_rows_and_checkpointed_apart(monkeypatch, tmp_path):
    settings = Settings(hidden=(4,), epochs=4, ensemble=2, validation=0.2)
    plan = cp.plan_table(PENGUINS, "species", settings=settings)
    model = cp.train_plan(plan, checkpoint=tmp_path / "kept")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["member-1", "member-2"]
    resumed = cp.train_plan(plan, checkpoint=tmp_path / "kept", resume=True)
    assert np.array_equal(resumed.theta.flat, model.theta.flat)


@pytest.mark.filterwarnings("ignore:the DataFrame")  # pixels that are always 0
def test_an_ensemble_beats_its_members_on_the_whole():
    X, y = load_digits(return_X_y=True)
    table = {f"x{j}": X[:600, j] for j in range(X.shape[1])} | {"y": y[:600].astype(str)}
    frame, held = pl.DataFrame(table), pl.DataFrame({f"x{j}": X[600:, j] for j in range(X.shape[1])})
    frame = frame.with_columns(pl.all().exclude("y").cast(pl.Float64))
    held = held.with_columns(pl.all().cast(pl.Float64))

    def loss(settings):
        model = fit_table(frame, "y", settings=settings)
        p = model.probabilities(model.outputs(held))
        return -np.log(p[np.arange(len(p)), y[600:].astype(int)]).mean()

    few = {"hidden": (24,), "epochs": 25, "weight_decay": 0.0}
    alone = [loss(Settings(**few, seed=member_seed(0, k))) for k in range(4)]
    assert loss(Settings(**few, ensemble=4)) < min(alone)


@pytest.mark.parametrize("count", [0, 2.5, True])
def test_what_is_no_number_of_members_is_refused(count):
    with pytest.raises(SpecificationError, match="ensemble is a whole number from 1"):
        Settings(ensemble=count)


def test_members_that_cannot_stand_side_by_side_are_refused():
    coupled = cp.Network(2, [cp.Dense(3, "softmax"), cp.Dense(1)])
    with pytest.raises(SpecificationError, match="a hidden layer of softmax couples its units"):
        ensemble_network(coupled, 2)
    wide = cp.Network(2, [cp.Dense(3000, "relu"), cp.Dense(3000, "relu"), cp.Dense(1)])
    with pytest.raises(SpecificationError, match="side by side, and 50,000,000 are the most"):
        ensemble_network(wide, 10)
