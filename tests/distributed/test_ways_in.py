"""The call, the estimators and the command line: what they take, say and refuse."""

import sys
import types
import warnings

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.cli.distributing import workers_of
from clearprop.datasets import penguins_path
from clearprop.distributed import politeness
from clearprop.distributed.politeness import estimate, require_worth
from clearprop.distributed.threads import in_threads
from clearprop.distributed.worker import work
from clearprop.errors import DataError, SpecificationError
from dealt import SETTINGS, nothing, planned, write_mixed, write_penguins


@pytest.fixture
def ray(monkeypatch):
    """A launcher that runs its workers as threads of this process, and what it was asked."""
    asked = {}

    def launch(plan, *, address, workers, checkpoint_dir, max_failures, progress):
        asked.update(
            address=address, workers=workers, checkpoint_dir=checkpoint_dir, max_failures=max_failures
        )
        return in_threads(workers[1], plan.shards, lambda comm: work(comm, plan, None, nothing))[0]

    module = types.ModuleType("clearprop.distributed.ray_launcher")
    module.launch = launch
    monkeypatch.setitem(sys.modules, "clearprop.distributed.ray_launcher", module)
    return asked


def test_a_call_alone_and_on_a_cluster_give_the_same_bits(tmp_path, ray):
    source = write_penguins(tmp_path)
    options = {"settings": SETTINGS, "shards": 5, "test": 0.2}
    alone = cp.fit_distributed(source, "species", **options)
    shared = cp.fit_distributed(
        source, "species", **options, address="auto", workers=(2, 3), force=True, max_failures=2
    )
    assert alone.theta.flat.tobytes() == shared.theta.flat.tobytes()
    assert ray == {"address": "auto", "workers": (2, 3), "checkpoint_dir": None, "max_failures": 2}
    assert alone.evaluation.to_dict() == shared.evaluation.to_dict()
    assert alone.model.stopped == "epochs"
    alone.save(tmp_path / "m.safetensors")
    assert cp.TableModel.load(tmp_path / "m.safetensors").model.record.shards == 5
    with pytest.raises(SpecificationError, match="dealt to 5 shards by the row groups of its files"):
        alone.model.replay(np.zeros((3, alone.network.inputs)), np.zeros(3, int), epoch=1)


def test_what_the_user_should_know_is_said_once_where_it_was_called(tmp_path):
    source = write_penguins(tmp_path)
    with pytest.warns(UserWarning, match="11 rows have no value of the target 'sex'") as caught:
        cp.fit_distributed(source, "sex", settings=SETTINGS)
    assert [warning.filename for warning in caught] == [__file__]


REFUSED = {
    "no such column": ({"target": "wings"}, "has no column 'wings'"),
    "no workers": ({"workers": 0}, "workers is a whole number"),
    "more workers than shards": (
        {"workers": (2, 17), "address": "auto"},
        r"16 shard\(s\) for 17 worker\(s\)",
    ),
    "bounds": ({"workers": (3, 2), "address": "auto"}, "the fewest and the most"),
    "workers without a cluster": ({"workers": 2}, "2 workers need a cluster"),
    "shards": ({"shards": 0}, "shards is a whole number"),
    "seconds": ({"checkpoint_seconds": -1}, "checkpoint_seconds"),
    "lbfgs": ({"settings": cp.Settings(optimizer="lbfgs")}, "takes all rows at once"),
    "ensemble": ({"settings": cp.Settings(ensemble=2)}, "ensemble"),
    "class weights": ({"settings": cp.Settings(class_weight="balanced")}, "class weights"),
    "threshold": ({"settings": cp.Settings(threshold="f1")}, "a threshold needs the table in memory"),
    "metric": ({"settings": cp.Settings(metric="rmse")}, "metric"),
    "loss": ({"settings": cp.Settings(loss="huber")}, "judges numbers"),
    "batch size": ({"settings": cp.Settings(batch_size=0)}, "batch_size is a whole number"),
    "spool": ({"spool": "/nowhere"}, "'/nowhere' for encoded rows cannot be used"),
    "target twice": ({"target": ["species", "species"]}, "name each of them once"),
    "time budget": ({"settings": cp.Settings(time_budget=-1)}, "time_budget is a positive number"),
    "no time": ({"settings": cp.Settings(time_budget="1")}, "time_budget is a positive number"),
    "patience": ({"settings": cp.Settings(patience=0)}, "patience is a whole number"),
    "epochs": ({"settings": cp.Settings(epochs=0)}, "epochs is a whole number"),
    "failures": ({"max_failures": -1}, "max_failures is a whole number from 0, not -1"),
    "failures in words": ({"max_failures": "a"}, "max_failures is a whole number from 0, not 'a'"),
    "folder of a bucket": ({"checkpoint_dir": "s3://bucket/run"}, "is a folder of a file system"),
    "no folder": ({"checkpoint_dir": ""}, "is a folder of a file system"),
    "drawn none": (
        {"settings": cp.Settings(metric="accuracy", validation=1e-6)},
        "validation=1e-06 drew none",
    ),
    "share": ({"test": 1.5}, "a share of the rows is between 0 and 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused(tmp_path, case):
    options, said = REFUSED[case]
    with pytest.raises((SpecificationError, DataError), match=said):
        cp.fit_distributed(write_penguins(tmp_path), **{"target": "species", **options})
    with pytest.raises(DataError, match="read Parquet files by their names, and this is a DataFrame"):
        cp.fit_distributed(pl.DataFrame({"x": [1.0]}), "x")


def test_the_extra_is_named_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "clearprop.distributed.ray_launcher", None)
    with pytest.raises(SpecificationError, match=r'pip install "clearprop\[ray\]"'):
        cp.fit_distributed(write_penguins(tmp_path), "species", address="auto", force=True)


def test_what_one_machine_does_faster_is_refused_with_the_arithmetic(tmp_path, monkeypatch, ray):
    source = write_penguins(tmp_path)
    with pytest.raises(
        SpecificationError, match=r"one machine learns 2 files .* sooner: 344 rows of 8 columns"
    ):
        cp.fit_distributed(source, "species", address="auto", workers=4)
    assert not ray
    monkeypatch.setattr(politeness, "usable_cores", lambda: 2)
    (tmp_path / "more").mkdir()
    large = cp.Settings(hidden=(4096, 4096), batch_size=4000)
    plan = planned(write_mixed(tmp_path / "more", 4000), "y", shards=4, threads=2, settings=large)
    found = estimate(plan, 4)
    assert (found.cores, found.each) == (2, 2)
    assert found.pays_from < 4000
    assert found.alone > found.shared > found.meeting  # a large network is worth it
    require_worth(plan, 4)
    monkeypatch.setattr(politeness, "usable_cores", lambda: 64)
    with pytest.raises(SpecificationError, match="the workers are faster with no batch"):
        require_worth(plan, 4)  # all four have fewer cores than this machine
    small = planned(source)
    monkeypatch.setattr(politeness, "memory", lambda: 10_000.0)
    require_worth(small, 4)  # a table that does not fit has no choice
    monkeypatch.undo()
    with pytest.raises(SpecificationError, match="force=True"):
        require_worth(small, 4)


def test_the_estimators_learn_files_and_predict_frames(tmp_path, ray):
    source = write_penguins(tmp_path)
    frame = pl.read_csv(penguins_path(), null_values="NA")
    options = {"hidden": (8,), "epochs": 30, "random_state": 0}
    alone = cp.TabularClassifier(**options).fit_distributed(source, "species", exclude=["year"], shards=4)
    shared = cp.TabularClassifier(**options).fit_distributed(
        source, "species", exclude=["year"], shards=4, address="auto", workers=3, force=True
    )
    X = frame.drop("species", "year")
    assert alone.predict_proba(X).tobytes() == shared.predict_proba(X).tobytes()
    assert alone.score(X, frame["species"]) > 0.9
    assert alone.classes_.tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    assert list(alone.feature_names_in_) == X.columns
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        mass = cp.TabularRegressor(**options).fit_distributed(source, "body_mass_g")
        both = cp.TabularRegressor(**options).fit_distributed(source, ["body_mass_g", "bill_depth_mm"])
        assert mass.predict(frame.drop("body_mass_g")).shape == (344,)
        assert both.predict(frame.drop("body_mass_g", "bill_depth_mm")).shape == (344, 2)


def test_an_estimator_goes_on_by_the_seed_of_its_folder_and_names_what_it_does_not_take(tmp_path):
    source, folder = write_penguins(tmp_path), tmp_path / "run"
    first, again, other = (
        cp.TabularClassifier(hidden=(4,), epochs=2).fit_distributed(source, "species", checkpoint_dir=where)
        for where in (folder, folder, None)
    )
    assert first.model_.theta.flat.tobytes() == again.model_.theta.flat.tobytes()
    assert first.model_.theta.flat.tobytes() != other.model_.theta.flat.tobytes()
    for option in ({"test": 0.2}, {"progress": True}):
        with pytest.raises(SpecificationError, match=f"and not '{next(iter(option))}'; rows to test on"):
            cp.TabularClassifier().fit_distributed(source, "species", **option)


def test_the_command_line_trains_on_a_cluster_and_says_so(tmp_path, monkeypatch, ray):
    monkeypatch.chdir(tmp_path)
    write_penguins(tmp_path)

    def train(*more):
        words = [
            "train",
            "*.parquet",
            "--target",
            "species",
            "--out",
            "m.safetensors",
            "--epochs",
            "5",
            *more,
        ]
        return CliRunner().invoke(app, words)

    done = train("--ray", "auto", "--workers", "1:3", "--shards", "6", "--force", "--checkpoint", "run")
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "2 files (a.parquet, b.parquet): 344 rows, 8 columns, 10 row groups, dealt to 6 shards" in said
    assert "by 1 to 3 workers of the Ray cluster 'auto'" in said
    assert "Metrics on the" in said
    assert (ray["workers"], ray["checkpoint_dir"]) == ((1, 3), tmp_path / "run")
    model = cp.TableModel.load("m.safetensors")
    alone = cp.fit_distributed("*.parquet", "species", test=0.2, shards=6, settings=cp.Settings(epochs=5))
    assert model.theta.flat.tobytes() == alone.theta.flat.tobytes()
    for more, fault in (
        (("--ray", "auto"), "one machine learns 2 files"),
        (("--ray", "auto", "--json"), "--json: not with --ray"),
        (("--ray", "auto", "--weight", "year"), "--weight: not with --ray"),
        (("--ray", "auto", "--workers", "two"), "--workers is their number"),
        (("--workers", "2"), "--workers is for a cluster"),
        (("--force",), "--force is for a cluster"),
    ):
        done = train(*more)
        assert done.exit_code == 2, done.output
        assert fault in " ".join(done.stderr.split())
    assert workers_of(" 2:16") == (2, 16)
