"""Clusters that come and go: a driver that is lost, a node that dies, an address with nobody at it."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from clearprop.distributed.ray_cluster import cluster
from clearprop.distributed.ray_launcher import launch
from clearprop.errors import CommunicationError
from on_ray import alone, plan_of, slow, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table"))


DRIVER = """
import sys
sys.path.insert(0, {tests!r})
from on_ray import plan_of
from clearprop.distributed.ray_launcher import launch
launch(plan_of({table!r}, epochs=100), address="local", workers=(2, 2), checkpoint_dir={folder!r})
"""


@slow
def test_a_lost_driver_is_followed_by_the_same_call(table, tmp_path, capsys):
    pytest.importorskip("ray")
    code = DRIVER.format(tests=str(Path(__file__).parents[1]), table=table, folder=str(tmp_path))
    driver = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stderr=subprocess.PIPE, text=True)
    for line in driver.stderr:
        if line.startswith("epoch 30/100"):
            break
    driver.kill()
    driver.wait()
    driver.stderr.close()
    plan = plan_of(table, epochs=100)
    result = launch(plan, address="local", workers=(1, 2), checkpoint_dir=tmp_path)
    gc.collect()  # of Ray's processes, while what Ray warns of is no error
    assert result.digest == alone(plan)
    assert "epoch 20/100" not in capsys.readouterr().err


NODES = """
import logging, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, {tests!r})
from on_ray import plan_of
from ray.cluster_utils import Cluster
from clearprop.distributed import ray_launcher

node = dict(num_cpus=1, object_store_memory=100 << 20)
machines = Cluster(initialize_head=True, head_node_args=node)
def add():
    return machines.add_node(**node).all_processes["raylet"][0].process

act = add().kill if {case!r} == "dies" else add
ray_launcher.RESIZE_SECONDS = 3.0

class Groups(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), flush=True)
        begun.set()

begun = threading.Event()
logging.getLogger("clearprop").addHandler(Groups())
logging.getLogger("clearprop").setLevel(logging.INFO)
given = dict(address=machines.address, workers=(1, 2), checkpoint_dir={folder!r}, progress=False)
with ThreadPoolExecutor() as pool:
    result = pool.submit(ray_launcher.launch, plan_of({table!r}, epochs={epochs}), **given)
    begun.wait(100)
    time.sleep(3.0)
    act()  # on the main thread, as Ray wants it
    print("digest", result.result().digest, flush=True)
machines.shutdown()
"""


@slow
@pytest.mark.parametrize(("case", "sizes", "epochs"), [("dies", (2, 1), 600), ("comes", (1, 2), 1500)])
def test_a_node_that_dies_or_comes_makes_another_group_of_the_same_bits(table, tmp_path, case, sizes, epochs):
    pytest.importorskip("ray")
    tests = str(Path(__file__).parents[1])
    code = NODES.format(tests=tests, table=table, folder=str(tmp_path), case=case, epochs=epochs)
    # a process of its own: one that began a cluster with tokens enters none without
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        timeout=400,
        check=True,
    )
    said = told.stdout.splitlines()  # and what Ray says of the node
    first, second = (line for line in said if line.startswith("a group"))
    assert first == f"a group of {sizes[0]} worker(s) started"
    assert second == f"a group of {sizes[1]} worker(s) started; it is start 2, after a failure or a change"
    assert f"digest {alone(plan_of(table, epochs=epochs))}" in said


@slow
@pytest.mark.parametrize("address", ["auto", "127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_named(address):
    pytest.importorskip("ray")
    said = rf"no Ray cluster at '{address}'.*ray start --head"
    with pytest.raises(CommunicationError, match=said), cluster(address, 1):
        pass
