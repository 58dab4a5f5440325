"""Clusters that come and go: a driver that is lost, a node that dies, an address with nobody at it."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from clearprop.distributed.ray_launcher import cluster, launch
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
import logging, sys, threading
sys.path.insert(0, {tests!r})
from on_ray import plan_of
from ray.cluster_utils import Cluster
from clearprop.distributed.ray_launcher import launch

node = dict(num_cpus=1, object_store_memory=100 << 20)
machines = Cluster(initialize_head=True, head_node_args=node)
second = machines.add_node(**node).all_processes["raylet"][0].process

class Killer(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), flush=True)
        if "group of 2" in record.getMessage():
            threading.Timer(3.0, second.kill).start()

logging.getLogger("clearprop").addHandler(Killer())
logging.getLogger("clearprop").setLevel(logging.INFO)
given = dict(address=machines.address, workers=(1, 2), checkpoint_dir={folder!r}, progress=False)
print("digest", launch(plan_of({table!r}, epochs=600), **given).digest, flush=True)
machines.shutdown()
"""


@slow
def test_a_node_that_dies_leaves_the_others_to_go_on(table, tmp_path):
    pytest.importorskip("ray")
    code = NODES.format(tests=str(Path(__file__).parents[1]), table=table, folder=str(tmp_path))
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
    assert first == "a group of 2 worker(s) started"
    assert second == "a group of 1 worker(s) started; it is start 2, after a failure or a change"
    assert f"digest {alone(plan_of(table, epochs=600))}" in said


@slow
@pytest.mark.parametrize("address", ["auto", "127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_named(address):
    pytest.importorskip("ray")
    said = rf"no Ray cluster at '{address}'.*ray start --head"
    with pytest.raises(CommunicationError, match=said), cluster(address, 1):
        pass
