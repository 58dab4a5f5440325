"""A fit is a function of files, settings and S: not of the number of ranks, nor of what befell them."""

import pickle
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.distributed import bucketed, encoders, stretches, telling, worker
from clearprop.distributed.bucketed import encode_shards
from clearprop.distributed.encoders import fit_reading
from clearprop.distributed.threads import in_threads
from clearprop.engines.shards import Alone, owned
from clearprop.errors import CommunicationError, DataError
from clearprop.table_model.streaming import plan_stream
from clearprop.tables import Encoder, read_table
from clearprop.tables.scanning import scan_table
from clearprop.training.run import TrainingDiverged
from dealt import SETTINGS, Astray, Breaking, ByRank, Wrapped, fitted, planned, write_mixed, write_penguins

CASES = {
    "dropout, validation, test": ("species", {"dropout": 0.3, "validation": 0.1}, {"test": 0.2, "shards": 7}),
    "numbers, float64": ("body_mass_g", {"dtype": "float64", "batch_size": 20}, {"shards": 4}),
    "two numbers, validation, test": (
        ["body_mass_g", "flipper_length_mm"],
        {"validation": 0.1},
        {"test": 0.2, "shards": 7},
    ),
    "more shards than row groups": ("species", {"validation": 0.2, "patience": 2}, {"shards": 33}),
    "shards without rows": ("species", {"epochs": 1, "validation": 0.2}, {"shards": 400}),
    "batches smaller than S": ("sex", {"batch_size": 3, "epochs": 1, "dropout": 0.1}, {"shards": 16}),
    "sgd, smoothing": ("species", {"optimizer": "sgd", "label_smoothing": 0.1}, {"shards": 5}),
    "plateau": (
        "species",
        {"optimizer": cp.Adam(cp.ReduceOnPlateau(0.01)), "validation": 0.2, "metric": "accuracy"},
        {"shards": 5},
    ),
    "one shard": ("species", {"l2": 0.01, "l1": 0.001}, {"shards": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_one_process_for_any_number_of_ranks(tmp_path, case):
    target, settings, more = CASES[case]
    plan = planned(write_penguins(tmp_path), target, settings=replace(SETTINGS, **settings), **more)
    plan = pickle.loads(pickle.dumps(plan))  # as it is sent
    wanted = fitted(plan)
    model = wanted.table_model()
    assert wanted.steps > 0
    assert np.isfinite(model.theta.flat).all()
    assert model.model.record.shards == plan.shards
    for world in range(2, min(4, plan.shards) + 1):
        found = fitted(plan, world)
        assert found.digest == wanted.digest, world
        other = found.table_model()
        assert other.theta.flat.tobytes() == model.theta.flat.tobytes()
        assert {**other.history, "seconds": []} == {**model.history, "seconds": []}
        assert other.model.record.digests == model.model.record.digests
        if wanted.evaluation is not None:
            assert found.evaluation.to_dict() == wanted.evaluation.to_dict()


def test_another_number_of_shards_and_another_seed_give_other_bits(tmp_path):
    source = write_penguins(tmp_path)
    digests = {fitted(planned(source, shards=s)).digest for s in (4, 5)}
    digests.add(fitted(planned(source, shards=5, settings=replace(SETTINGS, seed=4))).digest)
    assert len(digests) == 3


def test_sums_in_another_order_and_ranks_that_go_astray_are_found(tmp_path):
    plan = planned(write_penguins(tmp_path), shards=7)
    wanted = fitted(plan).digest
    assert fitted(plan, 2, wrap=Wrapped).digest == wanted
    assert fitted(plan, 2, wrap=ByRank).digest != wanted
    with pytest.raises(CommunicationError, match="the parameters of the ranks differ"):
        fitted(plan, 2, wrap=Astray)


@pytest.mark.parametrize("target", ["kind", "y"])
@pytest.mark.parametrize("together", [1, 2**28])
def test_encoders_equal_those_of_one_machine(tmp_path, monkeypatch, target, together):
    monkeypatch.setattr(encoders, "TOGETHER", together)
    (tmp_path / "spool").mkdir()
    source = write_mixed(tmp_path)
    settings = replace(SETTINGS, validation=0.1)
    plan = planned(source, target, settings=settings, test=0.2, exclude=["whole"], shards=5)
    alone = plan_stream(
        scan_table(source, tmp_path / "spool"), target, exclude=["whole"], test=0.2, settings=settings
    )
    for world in (1, 3):
        readings = in_threads(world, 5, lambda comm: fit_reading(comm, plan))
        for reading in readings:
            assert reading.encoder == alone.encoder
            assert reading.target == alone.target
            assert reading.network == alone.network
            assert np.array_equal(reading.training, alone.training)
    whole = read_table(sorted(tmp_path.glob("*.parquet")))
    assert alone.encoder == Encoder.fit(whole.take(alone.training), target=target, exclude=["whole"])
    assert {row.column_kind for row in alone.encoder.columns} >= {"number", "boolean", "date"}


def epoch_rows(plan, world, epoch):
    """Row numbers of each batch of an epoch, from the parts of all ranks."""

    def job(comm):
        with tempfile.TemporaryFile() as spool:
            held = encode_shards(comm, plan, fit_reading(comm, plan), spool)
            batching = held.batching
            return {
                (t, shard): rows.part(
                    epoch, int(batching.begin(t)[shard]), int(batching.begin(t + 1)[shard])
                ).copy()
                for t in range(len(batching))
                for shard, rows in held.own.items()
            }

    found = {}
    for parts in in_threads(world, plan.shards, job):
        found |= parts
    return found


@pytest.mark.parametrize("held_bytes", [2**27, 3000])
def test_every_row_comes_once_an_epoch_in_an_order_of_seed_epoch_and_plan(tmp_path, monkeypatch, held_bytes):
    monkeypatch.setattr(bucketed, "HELD_BYTES", held_bytes)
    monkeypatch.setattr(bucketed, "ENCODED_CELLS", held_bytes // 10)
    source = write_mixed(tmp_path)
    plan = planned(source, "y", shards=6)
    first, again, other = (epoch_rows(plan, world, epoch) for world, epoch in ((1, 0), (4, 0), (3, 1)))
    assert first.keys() == again.keys() == other.keys()
    assert all(np.array_equal(first[key], again[key]) for key in first)
    for parts in (first, other):
        numbers = np.concatenate([part["row"] for part in parts.values()])
        assert sorted(numbers.tolist()) == list(range(400))
    assert any(not np.array_equal(first[key]["row"], other[key]["row"]) for key in first)
    reading = fit_reading(Alone(6), plan)
    table = read_table(sorted(tmp_path.glob("*.parquet")))
    X = reading.encoder.transform(table).astype(np.float32)
    for part in first.values():
        assert np.array_equal(part["X"], X[part["row"]])  # each row with its own number, for its masks
    rows = np.concatenate([first[key]["row"] for key in sorted(first)])
    assert abs(np.corrcoef(rows, np.arange(len(rows)))[0, 1]) < 0.2


@pytest.mark.parametrize("seed", range(6))
def test_a_run_that_is_stopped_anywhere_goes_on_to_the_same_bits(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(stretches, "MOST_BATCHES", 3)
    settings = replace(SETTINGS, dropout=0.2, validation=0.2, optimizer="adam")
    plan = planned(write_penguins(tmp_path), shards=5, settings=settings)
    counted = []

    def counting(comm):
        counted.append(Wrapped(comm))
        return counted[-1]

    wanted = fitted(plan, wrap=counting)
    rng = np.random.default_rng(seed)
    folder = tmp_path / "run"
    for world in rng.integers(1, 6, 3).tolist():
        at, rank = int(rng.integers(0, counted[0].calls)), int(rng.integers(0, world))
        try:
            fitted(plan, world, folder, wrap=lambda comm, a=at, r=rank: Breaking(comm, a, r))
        except CommunicationError:
            continue
    found = fitted(plan, int(rng.integers(1, 6)), folder)
    assert (found.digest, found.steps) == (wanted.digest, wanted.steps)
    ours, theirs = found.table_model(), wanted.table_model()
    assert {**ours.history, "seconds": []} == {**theirs.history, "seconds": []}
    assert ours.model.record.digests == theirs.model.record.digests
    sums = []
    ended = fitted(plan, 2, folder, wrap=lambda comm: sums.append(Wrapped(comm)) or sums[-1])
    assert ended.digest == wanted.digest  # nothing is trained again
    assert sums[0].calls < counted[0].calls / 2


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    plan = planned(write_penguins(tmp_path))
    full = Path("/dev/full")
    monkeypatch.setattr(worker.tempfile, "TemporaryFile", lambda **_: full.open("r+b", buffering=0))
    with pytest.raises(
        DataError, match=r"encoded rows cannot be written to .* name another folder \(spool=\)"
    ):
        fitted(plan)


def test_numbers_of_numpy_are_numbers(tmp_path):
    source = write_penguins(tmp_path)
    numpys = replace(SETTINGS, seed=np.int64(3), epochs=np.int64(3), batch_size=np.int64(32))
    wanted = fitted(planned(source), 1, tmp_path / "run")
    assert fitted(planned(source, settings=numpys), 1, tmp_path / "run").digest == wanted.digest
    assert planned(source, settings=numpys).to_dict() == planned(source).to_dict()


def test_the_order_of_what_is_left_out_makes_no_difference(tmp_path):
    source = write_penguins(tmp_path)
    plans = [planned(source, exclude=names) for names in (["year", "sex"], ("sex", "year"), {"sex", "year"})]
    assert len({plan.data for plan in plans}) == 1
    assert planned(source, task="classes").data == planned(source).data


def test_a_time_budget_is_rank_0s_and_ends_all_ranks(tmp_path):
    plan = planned(write_penguins(tmp_path), settings=replace(SETTINGS, epochs=10**6, time_budget=0.2))
    results = in_threads(3, 5, lambda comm: cp_work(comm, plan))
    assert [result is None for result in results] == [False, True, True]
    assert results[0].stopped == "time budget"


def cp_work(comm, plan):
    from clearprop.distributed.worker import work

    return work(comm, plan, None, lambda moment: None)


def test_a_run_that_diverges_says_so_on_every_rank(tmp_path):
    settings = replace(SETTINGS, optimizer=cp.SGD(1e30), epochs=50)
    plan = planned(write_penguins(tmp_path), "body_mass_g", settings=settings)
    said = []

    def job(comm):
        try:
            cp_work(comm, plan)
        except TrainingDiverged as error:
            said.append(str(error).partition(";")[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        in_threads(2, 5, job)
    assert len(said) == 2
    assert len(set(said)) == 1
    assert said[0].startswith("training diverged")


def test_errors_and_texts_of_any_length_are_told_to_all(monkeypatch):
    monkeypatch.setattr(telling, "CHUNK", 10)
    texts = [bytes(range(n)) for n in (0, 3, 25, 0, 9, 1)]

    def tell(comm):
        own = owned(comm.rank, comm.world, comm.shards)
        return telling.together(comm, lambda: {s: texts[s] for s in own})

    assert in_threads(3, 6, tell) == [texts] * 3
    raised = []

    def fail(comm):
        def job():
            if comm.rank > 0:
                raise DataError(f"of rank {comm.rank}")
            return {}

        try:
            telling.together(comm, job)
        except DataError as error:
            raised.append(str(error))

    in_threads(3, 6, fail)
    assert raised == ["of rank 1"] * 3


def test_an_error_of_any_kind_is_told_to_all():
    raised = {}

    def fail(comm):
        def job():
            if comm.rank == 1:
                raise KeyError("a bug")
            return {}

        try:
            telling.together(comm, job)
        except Exception as error:
            raised[comm.rank] = f"{type(error).__name__}: {error}"

    in_threads(3, 6, fail)
    assert raised == {
        0: "ClearpropError: a worker met KeyError: 'a bug'",
        1: "KeyError: 'a bug'",
        2: "ClearpropError: a worker met KeyError: 'a bug'",
    }


@pytest.mark.parametrize(("seconds", "waits"), [(0.05, True), (60.0, False)])
def test_ranks_wait_for_one_that_works_longer_than_their_limit(monkeypatch, seconds, waits):
    """Meeting rarer than the limit (the planted fault), they take it for lost."""
    monkeypatch.setattr(telling, "MEET_SECONDS", seconds)

    def tell(comm):
        def job():
            time.sleep(4.0 if comm.rank == 2 else 0.0)
            return {3 * comm.rank: b"%d" % comm.rank}

        return telling.together(comm, job)

    if waits:
        assert in_threads(3, 9, tell, timeout=1.5) == [[b"0", b"", b"", b"1", b"", b"", b"2", b"", b""]] * 3
    else:
        with pytest.raises(CommunicationError):
            in_threads(3, 9, tell, timeout=1.5)


def test_a_column_that_would_not_fit_is_refused_with_the_arithmetic(tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "memory", lambda: 20_000.0)
    with pytest.raises(DataError, match=r"344 rows: a column's exact median .* 0.0 GB, and this machine has"):
        fitted(planned(write_penguins(tmp_path)), 2)
