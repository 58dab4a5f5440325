"""Networks in company have the bits they have alone, in the order asked for, and end together."""

from __future__ import annotations

import _thread
import threading
import time

import numpy as np
import pytest

import clearprop as cp
from clearprop.company import in_company, together
from clearprop.engines.helpers import usable_cores
from clearprop.errors import DataError, SpecificationError
from clearprop.training import launch, train, train_many
from clearprop.training.run import TrainingDiverged

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((150, 3)), RNG.integers(0, 3, 150)
NET = cp.Network(3, [cp.Dense(6, "tanh"), cp.Dense(3, "softmax")])
DROPPING = cp.Network(3, [cp.Dense(8, "relu", dropout=0.3), cp.Dense(3, "softmax")], l2=1e-3)
ENDLESS = {"network": NET, "X": X, "Y": Y, "epochs": 10**7, "progress": False}
SEEDS = [{"seed": k} for k in range(5)]

COMPANIES = {
    "float64": ({}, SEEDS),
    "float32": ({"dtype": np.float32}, SEEDS),
    "dropout and penalty": ({"network": DROPPING}, SEEDS),
    "validation": ({"validation": 0.3}, SEEDS),
    "early stopping": (
        {"validation": (X[:40], Y[:40]), "patience": 2, "epochs": 60, "optimizer": cp.Adam(0.1)},
        SEEDS,
    ),
    "textbook": ({"engine": "textbook"}, SEEDS),
    "settings": (
        {"snapshots": 2},
        [
            {"optimizer": cp.SGD(0.1), "class_weight": "balanced"},
            {"optimizer": "lbfgs"},
            {"network": DROPPING, "batch_size": None, "shuffle": False},
            {"X": X[:90], "Y": Y[:90], "sample_weight": np.arange(90.0)},
            {"label_smoothing": 0.1, "dtype": "float32", "tolerance": 0.5},
        ],
    ),
}


def parted(alone, company):
    """What differs between two runs, the clock aside."""
    pairs = {
        "theta": (alone.theta.flat.tobytes(), company.theta.flat.tobytes()),
        "slots": (alone.state.slots.tobytes(), company.state.slots.tobytes()),
        "record": (alone.record, company.record),
        "stopped": (alone.stopped, company.stopped),
        "best epoch": (alone.best_epoch, company.best_epoch),
        "snapshots": (list(alone.snapshots), list(company.snapshots)),
        **{name: (alone.history[name], company.history[name]) for name in alone.history if name != "seconds"},
    }
    return [name for name, (one, other) in pairs.items() if one != other]


@pytest.mark.parametrize(("common", "jobs"), COMPANIES.values(), ids=COMPANIES)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_network_has_the_bits_it_has_alone(common, jobs, threads):
    given = {"network": NET, "X": X, "Y": Y, "epochs": 6, "progress": False, **common}
    alone = [train(**{**given, **job}) for job in jobs]
    company = train_many(jobs, threads=threads, **given)
    assert [parted(one, other) for one, other in zip(alone, company, strict=True)] == [[]] * len(jobs)


def test_networks_that_share_an_engines_memory_are_found(monkeypatch):
    given = {"network": NET, "X": X, "Y": Y, "epochs": 3, "progress": False}
    alone = [train(**given, seed=k) for k in (0, 1)]
    shared = launch.engine_for("compiled", NET, dtype=np.float64, optimizer=cp.optimizers["adam"], threads=1)
    both, turn, real = threading.Barrier(2, timeout=3), threading.Lock(), shared._do

    def in_one_memory(work, threads):
        both.wait()  # each has packed its weights into the same memory, and written on the same board
        with turn:
            real(work, threads)

    monkeypatch.setattr(shared, "_do", in_one_memory)
    monkeypatch.setattr(launch, "engine_for", lambda *args, **settings: shared)
    try:
        company = train_many(SEEDS[:2], threads=2, **given)
    except (ZeroDivisionError, threading.BrokenBarrierError):
        return  # the second found a board on which all was done: no rows, no weight
    assert any("theta" in parted(one, other) for one, other in zip(alone, company, strict=True))


def test_the_order_is_that_of_the_jobs_whoever_ends_first():
    jobs = [{"epochs": epochs} for epochs in (120, 1, 60, 2)]
    models = cp.train_many(jobs, network=NET, X=X, Y=Y, threads=2, progress=False)
    assert [len(model.history["epoch"]) for model in models] == [120, 1, 60, 2]
    assert all(type(model) is cp.Model for model in models)
    assert cp.train_many([], network=NET, X=X, Y=Y) == []


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (
            {"optimizer": cp.SGD(1e300), "network": DROPPING},
            TrainingDiverged,
            r"^jobs\[1\] \(.*optimizer=SGD\(1e\+300\)\): training diverged",
        ),
        ({"X": X[:, :2]}, DataError, r"^jobs\[1\].*: X has 2 columns"),
        ({"seed": -1}, SpecificationError, r"^jobs\[1\] \(.*seed=-1\): seed is"),
    ],
)
def test_an_error_in_one_names_it_and_stops_the_others(wrong, kind, message, threads):
    first = {"epochs": 3} if threads == 1 else {}
    with pytest.raises(kind, match=message):
        train_many([first, wrong, {}], threads=threads, **ENDLESS)


def test_an_error_of_a_callback_says_whose_it_was():
    def failing(report):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        train_many([{}, {"callbacks": failing}, {}], threads=3, **ENDLESS)
    assert caught.value.__notes__ == ["in jobs[1]"]


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([{}, 3], r"jobs\[1\] is a mapping of arguments of train"),
        ([{"sed": 3}], r"train takes no 'sed' \(jobs\[0\]\)"),
        ([{"threads": 2}], r"jobs\[0\] has 'threads', which is said once for all"),
        (
            [{}, {"checkpoint": "runs"}, {"checkpoint": "./runs"}],
            r"jobs\[1\] and jobs\[2\] would write the same",
        ),
    ],
)
def test_jobs_that_cannot_be_are_refused_before_any_begins(jobs, message):
    with pytest.raises(SpecificationError, match=message):
        train_many(jobs, **ENDLESS)
    with pytest.raises(SpecificationError, match=r"jobs\[0\] has no Y; give it there"):
        train_many([{}], network=NET, X=X)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_all_each_with_what_it_has_learnt(threads):
    def interrupting(report):
        if report.epoch == 3:
            _thread.interrupt_main()

    jobs = [{"callbacks": interrupting}, *SEEDS[1:]]
    runs = train_many(jobs, threads=threads, **ENDLESS)
    assert [run.stopped for run in runs] == ["interrupted"] * 5
    assert len(runs[0].history["epoch"]) >= 3
    begun = [bool(run.history["epoch"]) for run in runs]
    assert begun[0]
    assert not any(begun[threads:])
    for k, run in enumerate(runs):
        first = NET.initialize(k).flat
        assert np.array_equal(run.theta.flat, first) != begun[k]


def test_callbacks_are_called_one_at_a_time():
    inside, most = [], []

    def slow(report):
        inside.append(report)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    train_many(SEEDS[:3], threads=3, network=NET, X=X, Y=Y, epochs=5, progress=False, callbacks=slow)
    assert most == [1] * 15


def test_all_have_one_display(capsys):
    train_many(SEEDS[:4], threads=2, network=NET, X=X, Y=Y, epochs=2)
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "network 4/4: 0 s left"


@pytest.mark.parametrize(("pieces", "threads", "each"), [(2, 8, 4), (3, 8, 2), (9, 4, 1), (2, 1, 1)])
def test_the_cores_are_shared_out_and_never_lent_twice(pieces, threads, each):
    def piece():
        own = threading.get_ident()
        within = together([threading.get_ident] * 3, threads=8)
        return in_company(), usable_cores(), set(within) == {own}

    assert together([piece] * pieces, threads) == [(True, each, True)] * pieces
    assert not in_company()


def test_ctrl_c_is_raised_where_the_pieces_have_no_answer():
    met = threading.Barrier(2, timeout=30)

    def interrupting():
        met.wait()
        _thread.interrupt_main()

    def waiting():
        met.wait()
        train(**ENDLESS)

    with pytest.raises(KeyboardInterrupt):
        together([interrupting, waiting], 2)
