"""Ranks as processes meet through gloo: the tree's bits for any number of them, and errors, never a hang."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clearprop.distributed.gloo import Gloo
from clearprop.engines.shards import tree_sum_of
from clearprop.errors import SpecificationError

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

RANK = Path(__file__).parents[1] / "gloo_rank.py"
sys.path.insert(0, str(RANK.parent))
from gloo_rank import KINDS, SHAPES, SHARDS, array_of, checksum  # noqa: E402


def begin(case, place, world, seconds, *, ranks=None, prefix=lambda rank: ()):
    """The processes of a group."""
    return [
        subprocess.Popen(
            [*prefix(rank), sys.executable, RANK, case, place, str(rank), str(world), str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (range(world) if ranks is None else ranks)
    ]


def answers(processes):
    """What each process printed last, or None of one that died; an error where one hangs."""
    found = []
    try:
        for process in processes:
            said, complained = process.communicate(timeout=100)
            assert process.returncode in (0, 9), complained
            found.append(json.loads(said.splitlines()[-1]) if process.returncode == 0 else None)
    finally:
        for process in processes:
            process.kill()
    return found


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_sums_have_the_bits_of_the_tree_whatever_the_number_of_ranks(world, tmp_path):
    found = answers(begin("sums", f"file://{tmp_path}/place", world, 60))
    wanted, other_order = [], 0
    for shards in SHARDS:
        for kind in KINDS if shards >= world else ():
            for shape in SHAPES:
                arrays = [array_of(shard, kind, shape) for shard in range(shards)]
                one = np.ones((), dtype=kind)
                wanted.append(checksum(np.asarray(tree_sum_of(arrays) + one)))
                backwards = sum(reversed(arrays[1:]), arrays[0])
                other_order += checksum(np.asarray(backwards + one)) != wanted[-1]
    for each in found:
        assert each == wanted
    assert other_order > 5  # another order of adding would be seen


@pytest.mark.parametrize(
    ("case", "call", "reason"),
    [
        ("lost", "tree_sum (slices)", r"reset|closed"),
        ("late", "tree_sum (slices)", "Timed out"),
        ("late_to_a_barrier", "barrier", "Rank 1 failed|rank 0|Timed out"),
    ],
)
def test_a_rank_that_does_not_come_is_an_error_of_the_others(case, call, reason, tmp_path):
    world = 3
    found = answers(begin(case, f"file://{tmp_path}/place", world, 3))
    for rank in set(range(world)) - {1}:
        first, second = found[rank]
        assert first.startswith(f"rank {rank} of {world} did not finish {call}, its call ")
        assert "(within 3 s): " in first
        assert re.search(reason, first), first
        assert second == f"{first}; the group cannot be used again, start another"


def test_a_rank_that_nobody_meets_says_so(tmp_path):
    ((said,),) = answers(begin("sums", f"file://{tmp_path}/place", 2, 3, ranks=[0]))
    assert said.startswith(f"rank 0 of 2 did not meet the others at file://{tmp_path}/place within 3 s: ")


def test_a_process_in_no_group_is_refused():
    with pytest.raises(SpecificationError, match="in no gloo group"):
        Gloo(2)


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def namespaces():
    """Two network namespaces with a link between them; their names, and the addresses of each end."""
    names = ("clearprop-0", "clearprop-1")
    if shutil.which("ip") is None:
        pytest.skip("no `ip` here")
    try:
        for name in names:
            ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
    try:
        ip("link", "add", "end", "netns", names[0], "type", "veth", "peer", "name", "end", "netns", names[1])
        for k, name in enumerate(names):
            ip("-n", name, "address", "add", f"10.77.0.{k + 1}/24", "dev", "end")
            for device in ("lo", "end"):
                ip("-n", name, "link", "set", device, "up")
        yield names
    finally:
        for name in names:
            ip("netns", "delete", name)


@pytest.mark.parametrize("cut", ["link", "packets"])
def test_a_link_that_is_cut_is_an_error_within_the_time_limit(namespaces, cut, monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "end")
    processes = begin(
        "endless",
        "tcp://10.77.0.1:29511",
        2,
        3,
        prefix=lambda rank: ("ip", "netns", "exec", namespaces[rank]),
    )
    for process in processes:
        assert process.stdout.readline() == "begun\n"
    time.sleep(0.3)  # in the midst of the sums
    if cut == "link":
        ip("-n", namespaces[1], "link", "set", "end", "down")
    else:  # the machine at the other end is gone: the link stands, and nobody answers
        ip("-n", namespaces[1], "address", "flush", "dev", "end")
    for rank, (first, second) in enumerate(answers(processes)):
        assert first.startswith(f"rank {rank} of 2 did not finish tree_sum")
        assert "(within 3 s): " in first
        assert second.endswith("the group cannot be used again, start another")
