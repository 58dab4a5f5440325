"""A run that was broken off anywhere goes on to the very bits of an unbroken one."""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop import durable
from clearprop.errors import ModelFileError, SpecificationError
from clearprop.formulas.optimizers import SGD, Adam, Momentum
from clearprop.formulas.schedules import Cosine, ReduceOnPlateau
from clearprop.training import course, descent, launch, train
from clearprop.training.checkpoint import NAME, Checkpoints
from clearprop.training.run import digest

NETWORK = cp.Network(3, [cp.Dense(5, "tanh", dropout=0.2), cp.Dense(1, "sigmoid")], l2=1e-3)

RUNS = {
    "adam": {"optimizer": Adam(0.01, clip_norm=1.0)},
    "held-out rows": {"optimizer": Momentum(Cosine(0.1)), "validation": 0.2},
    "plateaus": {"optimizer": SGD(ReduceOnPlateau(1.0, patience=1.0, tolerance=0.05)), "validation": 0.2},
    "patience": {"optimizer": SGD(2.0), "validation": 0.2, "patience": 2, "metric": "accuracy"},
    "weights": {"sample_weight": np.linspace(0.5, 2, 60), "class_weight": "balanced"},
}


class Killed(BaseException):
    """Stands for a process that ends in the middle of anything."""


def fit(folder=None, *, engine="textbook", dtype="float64", **settings):
    generator = np.random.default_rng(2)
    X = generator.normal(size=(60, 3)).astype(dtype)
    Y = (X[:, 0] + 0.3 * generator.normal(size=60) > 0).astype(int)
    given = {"epochs": 7, "batch_size": 10, "seed": 5, "progress": False, **settings}
    if folder is not None:
        given = {"checkpoint": folder, "checkpoint_seconds": 0, "resume": True, **given}
    return train(NETWORK, X, Y, engine=engine, **given)


def counting(taken, take=descent.Batches.take):
    """`Batches.take`, noting each call."""
    return lambda self, *given: taken.append(1) or take(self, *given)


def same(run, other):
    assert np.array_equal(run.theta.flat, other.theta.flat)
    assert run.record.digests == other.record.digests
    assert (run.stopped, run.best_epoch, run.record.steps) == (
        other.stopped,
        other.best_epoch,
        other.record.steps,
    )
    for name in ("epoch", "loss", "validation_loss", "validation_metric", "learning_rate"):
        assert run.history[name] == other.history[name], name


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(("engine", "dtype"), [("textbook", "float64"), ("compiled", "float32")])
def test_a_run_broken_off_at_any_step_ends_with_the_same_bits(tmp_path, monkeypatch, name, engine, dtype):
    monkeypatch.setattr(descent, "SLICE_WORK", 0.0)  # a checkpoint after each step
    settings = {**RUNS[name], "engine": engine, "dtype": dtype}
    whole = fit(**settings)
    take = descent.Batches.take
    for broken in range(1, whole.record.steps, 5):
        folder, steps = tmp_path / str(broken), iter(range(10**9))

        def stopping(self, theta, state, *rest, steps=steps, broken=broken):
            if next(steps) == broken:
                theta[:] = np.nan  # whatever is in memory is lost
                raise Killed
            return take(self, theta, state, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(descent.Batches, "take", stopping)
            with pytest.raises(Killed):
                fit(folder, **settings)
        taken = []
        with monkeypatch.context() as patched:
            patched.setattr(descent.Batches, "take", counting(taken))
            same(fit(folder, **settings), whole)
        assert len(taken) == whole.record.steps - broken
        same(fit(folder, **settings), whole)  # a finished run is given back as it ended


def test_checkpoints_wait_for_their_time_and_the_end(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(course.Checkpoints, "write", lambda self, standing: written.append(standing.stopped))
    fit(tmp_path / "a", checkpoint_seconds=3600)
    assert written == ["epochs"]
    fit(tmp_path / "b", checkpoint_seconds=0)
    assert written == ["epochs", *[""] * 6, "epochs"]


def test_a_run_that_was_stopped_by_its_budget_or_a_callback_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(descent, "SLICE_WORK", 0.0)
    whole = fit()
    assert (
        fit(tmp_path, callbacks=lambda report: report.epoch == 3, checkpoint_seconds=999).stopped
        == "callback"
    )
    assert fit(tmp_path, time_budget=1e-9, checkpoint_seconds=999).stopped == "time budget"
    same(fit(tmp_path), whole)


def test_another_run_is_refused_and_said_how_it_differs(tmp_path):
    fit(tmp_path, epochs=2)
    for settings, words in (
        ({"epochs": 3}, "another epochs: 2 there, 3 here"),
        ({"epochs": 2, "seed": 6}, "another seed: 5 there, 6 here"),
        ({"epochs": 2, "optimizer": SGD(0.1)}, r"another optimizer: Adam\(0.001\) there, SGD\(0.1\) here"),
        ({"epochs": 2, "patience": 4}, "another patience: None there, 4 here"),
        ({"epochs": 2, "label_smoothing": 0.1}, "another label_smoothing"),
        ({"epochs": 2, "initial": NETWORK.initialize(seed=1)}, "another initial_given"),
    ):
        with pytest.raises(SpecificationError, match=words):
            fit(tmp_path, **settings)
    generator = np.random.default_rng(3)
    X, Y = generator.normal(size=(60, 3)), generator.integers(2, size=60)
    with pytest.raises(SpecificationError, match="on other examples"):
        train(
            NETWORK, X, Y, epochs=2, batch_size=10, seed=5, engine="textbook", checkpoint=tmp_path,
            resume=True, progress=False,
        )  # fmt: skip
    wider = cp.Network(3, [cp.Dense(6), cp.Dense(1, "sigmoid")])
    with pytest.raises(SpecificationError, match="is of another network"):
        train(
            wider,
            np.ones((8, 3)),
            [0, 1] * 4,
            engine="textbook",
            checkpoint=tmp_path,
            resume=True,
            progress=False,
        )
    with pytest.raises(ModelFileError, match=r"is the checkpoint of a run; go on with it \(resume=True"):
        fit(tmp_path, epochs=2, resume=False)
    with pytest.raises(SpecificationError, match="name its folder by checkpoint="):
        fit(resume=True)
    plain = cp.Network(3, [cp.Dense(1, "sigmoid")])
    with pytest.raises(SpecificationError, match="LBFGS keeps a state that cannot be put into a checkpoint"):
        train(
            plain, np.ones((8, 3)), [0, 1] * 4, checkpoint=tmp_path / "new", optimizer="lbfgs", progress=False
        )
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFileError, match=r"cannot be made .*name another"):
        fit(tmp_path / "file")


def test_another_machine_is_said(tmp_path, monkeypatch):
    fit(tmp_path, epochs=2)

    def elsewhere(folder, network, settings, machine, every):
        return Checkpoints(folder, network, settings, {**machine, "cpu": "another"}, every)

    monkeypatch.setattr(launch, "Checkpoints", elsewhere)
    with pytest.warns(UserWarning, match="another CPU or by other versions .* may differ"):
        same(fit(tmp_path, epochs=2), fit(epochs=2))


def test_every_damage_of_a_checkpoint_is_found(tmp_path):
    fit(tmp_path, epochs=2)
    path = tmp_path / NAME
    whole = path.read_bytes()
    generator = random.Random(1)
    for k in range(300):
        damaged = bytearray(whole)
        if k % 3 == 0:
            damaged = damaged[: generator.randrange(len(whole))]
        else:
            damaged[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            run = fit(tmp_path, epochs=2)
        except (ModelFileError, SpecificationError):
            continue
        same(run, fit(epochs=2))  # a bit that means nothing, such as one of a blank


CALLS = ("open", "write", "fsync", "close", "replace")


class Faults:
    """Counts the system's calls of durable writes, and lets one of them fail or end the process."""

    def __init__(self, monkeypatch, at, fault):
        self.count, self.at, self.fault = 0, at, fault
        for call in CALLS:
            monkeypatch.setattr(durable.os, call, self.counted(call, getattr(os, call)))

    def counted(self, call, real):
        def calling(*given):
            self.count += 1
            if self.count == self.at:
                return self.fault(call, real, *given)
            return real(*given)

        return calling


def failing(number):
    def fault(call, real, *given):
        if call == "close":
            real(*given)
        raise OSError(number, os.strerror(number))

    return fault


@pytest.mark.parametrize("number", [28, 5], ids=["ENOSPC", "EIO"])
def test_a_failed_write_warns_leaves_the_one_before_and_training_goes_on(tmp_path, monkeypatch, number):
    whole = fit(epochs=3)
    with monkeypatch.context() as patched:
        calls = Faults(patched, 0, None)
        fit(tmp_path / "count", epochs=3)
    for at in range(1, calls.count + 1):
        folder = tmp_path / str(at)
        with monkeypatch.context() as patched, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Faults(patched, at, failing(number))
            same(fit(folder, epochs=3), whole)
        assert any("could not be written" in str(warning.message) for warning in caught), at
        assert [path.name for path in folder.iterdir()] == [NAME]
        same(fit(folder, epochs=3), whole)


def in_a_child(work):
    """Run it in a process of its own, forked; the process's number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside BLAS's idle threads
        child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            work()
        finally:
            os._exit(0)
    return child


def aimed(call, real, *given):
    """End the process in the middle of the call: half of what was to be written is."""
    if call == "write":
        real(given[0], bytes(given[1][: len(given[1]) // 2]))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("moments", [pytest.param(25), pytest.param(200, marks=pytest.mark.slow)])
def test_killed_in_the_middle_of_a_write(tmp_path, monkeypatch, moments):
    whole = fit(epochs=4)
    generator = random.Random(7)
    with monkeypatch.context() as patched:
        calls = Faults(patched, 0, None)
        fit(tmp_path / "count", epochs=4)
    for k in range(moments):
        folder, at = tmp_path / str(k), generator.randint(1, calls.count)
        with monkeypatch.context() as patched:
            Faults(patched, at, aimed)
            child = in_a_child(lambda folder=folder: fit(folder, epochs=4))
            _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        same(fit(folder, epochs=4), whole)
        assert [path.name for path in folder.iterdir()] == [NAME]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("moments", [pytest.param(25), pytest.param(500, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_nothing_acknowledged_is_lost(tmp_path, monkeypatch, moments):
    """A run that is killed again and again: each attempt begins no earlier than the last one told."""
    monkeypatch.setattr(descent, "SLICE_WORK", 0.0)
    generator, settings = random.Random(11), {"epochs": 30, "validation": 0.2}
    began = time.perf_counter()
    whole = fit(**settings)
    usual = 4 * (time.perf_counter() - began)  # with its checkpoints
    left, k = moments, 0
    while left:
        folder, told = tmp_path / str(k), tmp_path / f"{k}.told"
        k += 1
        for _ in range(10):
            acknowledged = told.read_bytes().count(b".") if told.exists() else 0
            child = in_a_child(lambda folder=folder, told=told: telling(folder, told, settings))
            time.sleep(generator.uniform(0, usual / 5))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            left -= 1
            if not left or os.WIFEXITED(status):
                break
            assert steps_of(folder) >= acknowledged
        run = fit(folder, **settings)
        same(run, whole)


def telling(folder, told, settings):
    """Train, and note each checkpoint once it is committed."""
    write = course.Checkpoints.write

    def noting(self, standing):
        write(self, standing)
        with told.open("wb") as file:
            file.write(b"." * standing.state.t)

    course.Checkpoints.write = noting
    fit(folder, **settings)


def steps_of(folder):
    """Steps that the checkpoint holds; 0 where there is none."""
    from safetensors import safe_open

    if not (folder / NAME).exists():
        return 0
    import json

    with safe_open(folder / NAME, framework="np") as file:
        return json.loads(file.metadata()["checkpoint"])["t"]


def test_what_a_killed_process_left_aside_is_removed(tmp_path):
    (tmp_path / f".{NAME}.0123abcd.part").write_bytes(b"half")
    (tmp_path / "mine.part").write_bytes(b"stays")
    fit(tmp_path, epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "mine.part"]


def test_the_digest_of_a_resumed_run_serves_its_replay(tmp_path):
    fit(tmp_path, callbacks=lambda report: report.epoch == 2)
    model = cp.Model.of(fit(tmp_path))
    generator = np.random.default_rng(2)
    X = generator.normal(size=(60, 3))
    Y = (X[:, 0] + 0.3 * generator.normal(size=60) > 0).astype(int)
    assert model.replay(X, Y, 6, 2).same_bits
    assert digest(model.theta.flat) == model.record.digests[-1]
    assert Path(tmp_path / NAME).is_file()
