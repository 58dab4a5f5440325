"""A fit by workers on Ray has the bits of one machine, whoever dies in between: one cluster for all tests."""

import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from safetensors import safe_open

from clearprop.distributed.ray_cluster import cluster
from clearprop.distributed.ray_launcher import launch
from clearprop.errors import CommunicationError, DataError
from on_ray import alone, plan_of, slow, starts, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def four_cpus():
    """A cluster of this machine with four CPUs, whatever it has: workers share cores then."""
    pytest.importorskip("ray")
    before = rays_variables()
    with cluster("local", 4) as (ray, _):
        yield ray
    assert rays_variables() == before


def rays_variables():
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_")}


@slow
@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_any_number_of_workers_comes_to_the_bits_of_one_machine(four_cpus, table, workers, caplog):
    caplog.set_level(logging.INFO, "clearprop")
    plan = plan_of(table)
    result = launch(plan, workers=(workers, workers), progress=False)
    assert result.digest == alone(plan)
    assert result.table_model().predict(pl.read_parquet(table)).shape == (6000,)
    assert starts(caplog) == [workers]


@slow
def test_a_shard_without_rows_adds_zeros(four_cpus, tmp_path):
    source = write_table(tmp_path)
    for k, (first, last) in enumerate([(1500, 1999), (0, 999)]):  # rows 1,500 to 2,999 of all are shard 1's
        frame = pl.read_parquet(tmp_path / f"part-{k}.parquet")
        y = pl.when(~pl.int_range(pl.len()).is_between(first, last)).then(pl.col("y"))
        frame.with_columns(y=y).write_parquet(tmp_path / f"part-{k}.parquet", row_group_size=500)
    plan = plan_of(source)
    assert [piece.group for piece in plan.dealt[1]] == [3, 4, 5]
    result = launch(plan, workers=(4, 4), progress=False)  # worker 1 owns shard 1 alone
    assert result.digest == alone(plan)
    assert result.notices == ("1500 rows have no value of the target 'y' and are left out",)


def processes(word):
    """Process ids of descendants of this process whose command line has a word."""
    parents, found = {}, []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if word.encode() in words:
                found.append(int(folder.name))

    def ours(process):
        while process > 1 and process != os.getpid():
            process = parents.get(process, 0)
        return process == os.getpid()

    return [process for process in found if ours(process)]


def epochs_done(folder):
    """By the last commit in the folder."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return 0
    with safe_open(path, "np") as file:
        return len(json.loads(file.metadata()["checkpoint"])["history"]["epoch"])


class Killer(logging.Handler):
    """Kills a worker some time after each of the first starts of a group."""

    def __init__(self, times, seconds, ready=lambda: True):
        super().__init__(logging.INFO)
        self.left, self.seconds, self.ready, self.killed = times, seconds, ready, []
        self.random = random.Random(7)

    def emit(self, record):
        if record.getMessage().startswith("a group of") and self.left:
            self.left -= 1
            threading.Timer(self.random.uniform(*self.seconds), self.kill).start()

    def kill(self):
        while not self.ready():
            time.sleep(0.05)
        worker = self.random.choice(processes("ray::RayTrainWorker"))
        os.kill(worker, signal.SIGKILL)
        self.killed.append(worker)

    def __enter__(self):
        log = logging.getLogger("clearprop")
        self.level_before = log.level
        log.setLevel(logging.INFO)
        log.addHandler(self)
        return self

    def __exit__(self, *error):
        logging.getLogger("clearprop").setLevel(self.level_before)
        logging.getLogger("clearprop").removeHandler(self)


@slow
def test_workers_killed_at_twenty_random_steps_change_no_bit(four_cpus, table, tmp_path, caplog):
    caplog.set_level(logging.INFO, "clearprop")
    plan = plan_of(table, epochs=400)
    with Killer(20, (0.3, 2.0)) as killer:
        result = launch(plan, workers=(1, 2), checkpoint_dir=tmp_path, max_failures=20, progress=False)
    assert len(set(killer.killed)) == 20
    assert len(starts(caplog)) == 21
    assert result.digest == alone(plan)


@slow
def test_a_call_that_gave_up_says_so_and_the_same_call_goes_on(four_cpus, table, tmp_path, capsys):
    plan = plan_of(table, epochs=400)
    with (
        Killer(1, (0.0, 0.0), lambda: epochs_done(tmp_path) > 50),
        pytest.raises(CommunicationError) as caught,
    ):
        launch(plan, workers=(2, 2), checkpoint_dir=tmp_path, max_failures=0, progress=False)
    assert re.fullmatch(
        rf"the workers failed too often: worker [01]: .*; the same call goes on from {tmp_path}",
        str(caught.value),
    )
    result = launch(plan, workers=(1, 1), checkpoint_dir=tmp_path, progress=True)
    assert result.digest == alone(plan)
    told = capsys.readouterr().err
    assert "epoch 400/400: loss" in told
    assert "epoch 40/400" not in told  # done before


@slow
def test_a_corrupt_row_group_is_named_and_not_tried_again(four_cpus, tmp_path, caplog):
    caplog.set_level(logging.INFO, "clearprop")
    source = write_table(tmp_path)
    plan = plan_of(source)
    damaged = tmp_path / "part-2.parquet"
    data = bytearray(damaged.read_bytes())
    place = len(data) * 6 // 10  # in the third of its four row groups
    data[place : place + 400] = bytes(400)
    damaged.write_bytes(data)
    with pytest.raises(DataError, match=r"part-2\.parquet.*row group 2"):
        launch(plan, workers=(3, 3), progress=False)
    assert starts(caplog) == [3]


@slow
def test_an_error_that_is_not_ours_is_raised_as_it_was_and_not_tried_again(four_cpus, table, caplog):
    caplog.set_level(logging.INFO, "clearprop")
    with pytest.raises(TypeError) as caught:
        launch(replace(plan_of(table), spool=["a"]), workers=(2, 2), progress=False)
    assert "On a worker:" in caught.value.__notes__[0]
    assert starts(caplog) == [2]


@slow
def test_what_a_worker_warns_of_is_said_on_the_driver(four_cpus, table, tmp_path, caplog):
    (tmp_path / "checkpoint.safetensors").mkdir()
    plan = plan_of(table)
    assert launch(plan, workers=(1, 1), checkpoint_dir=tmp_path, progress=False).digest == alone(plan)
    assert "checkpoint.safetensors could not be written" in caplog.text


class Interrupter(logging.Handler):
    """Presses Ctrl-C once the workers work, or are known to find no room."""

    def emit(self, record):
        if re.match("a group of|no worker yet", record.getMessage()):
            threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()


@slow
@pytest.mark.parametrize(("threads", "begun"), [(2, []), (1, [4])])
def test_an_interrupt_ends_a_call_that_waits_for_room_or_trains(four_cpus, table, threads, begun, caplog):
    caplog.set_level(logging.INFO, "clearprop")
    plan = replace(plan_of(table, epochs=100_000), threads=threads)  # 4 workers of 2 CPUs find no room
    log, interrupter = logging.getLogger("clearprop"), Interrupter()
    log.addHandler(interrupter)
    try:
        with pytest.raises(KeyboardInterrupt):
            launch(plan, workers=(4, 4), progress=False)
    finally:
        log.removeHandler(interrupter)
    assert starts(caplog) == begun
    assert launch(plan_of(table), workers=(1, 1), progress=False).digest == alone(plan_of(table))


@slow
def test_a_process_without_the_token_is_refused_and_nothing_is_reported(four_cpus):
    address = four_cpus.get_runtime_context().gcs_address
    asked = f"import ray; ray.init({address!r}, log_to_driver=False); print('in')"
    for token, said in ((os.environ["RAY_AUTH_TOKEN"], "in\n"), ("0" * 64, "")):
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", asked],
            env={**os.environ, "RAY_AUTH_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert found.stdout == said, found.stderr
    from ray._common.usage.usage_lib import usage_stats_enabled

    assert not usage_stats_enabled()


def test_ray_and_torch_are_loaded_late():
    asked = (
        "import sys, clearprop, clearprop.distributed.ray_launcher; "
        "print(sorted({'ray', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "[]\n"
