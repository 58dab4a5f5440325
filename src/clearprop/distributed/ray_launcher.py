"""Workers on a Ray cluster: Ray Train (V2) places, ranks, watches and restarts them; nothing here trains.

What is subtle is what a failure means. A lost worker, node or link (CommunicationError, a dead actor) is
for Ray: it starts the group again, with as many workers as there is room for between the two bounds, and
`work` goes on from our own last commit; Ray is told of no checkpoint. Any other error of ours is final: the
rank that meets it tells the board and leaves the group, so that the others notice; all end in peace, and the
driver raises it.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import secrets
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from clearprop.distributed.gloo import SECONDS, Gloo
from clearprop.distributed.worker import Result, work
from clearprop.environment import versions
from clearprop.errors import ClearpropError, CommunicationError, SpecificationError
from clearprop.training.progress import Moment, progress_on

LOOK_SECONDS = 0.2  #: from one look at the board to the next
START_SECONDS = 10  #: that Ray waits for room for a group before it counts again what is there
RESIZE_SECONDS = 60.0  #: that a group works before Ray looks whether there is room for more workers
STORE_BYTES = 128 << 20  #: Ray's shared memory on a machine of our own: a plan and a model pass through it

_LOG = logging.getLogger("clearprop")


def launch(
    plan: Any,
    *,
    address: str = "auto",
    workers: tuple[int, int],
    checkpoint_dir: str | os.PathLike[str] | None = None,
    max_failures: int = 5,
    progress: bool = True,
    timeout: float = SECONDS,
) -> Result:
    """Run `work` by a group of workers on a Ray cluster, until it is done.

    Parameters
    ----------
    plan : Plan
        What `work` is given; its `shards` is the most workers there can be, its `threads` the CPUs of each.
    address : str
        Of the cluster: "auto" for the one of this machine, "host:port", or "local" for one that is started
        here and ends with the call. A process that is connected already keeps its connection.
    workers : (int, int)
        The fewest and the most workers; the group takes what room there is between them.
    checkpoint_dir : path, optional
        See `work`. With it, the same call goes on where a lost driver, or an interrupt, ended the one before.
    max_failures : int
        Failures of workers after which the call gives up.
    timeout : float
        Seconds that workers wait for each other in any one call.

    Raises
    ------
    CommunicationError
        When there is no such cluster, or workers failed too often.
    ClearpropError
        Any other that a worker met, as `work` raised it.
    """
    low, high = workers
    folder = None if checkpoint_dir is None else Path(checkpoint_dir).absolute()
    cpus = max(1, plan.threads or 1)
    with ExitStack() as stack:
        ray, scratch = stack.enter_context(cluster(address, high * cpus))
        board = _board(ray)
        stack.enter_context(_watching(ray, board, low * cpus, progress))
        given = {
            "plan": plan,
            "folder": folder,
            "board": board,
            "timeout": timeout,
            "version": versions()["clearprop"],
        }
        trainer = _trainer(given, (low, high), cpus, max_failures, scratch, timeout)
        with _own_interrupts():
            result = _fitted(ray, trainer, board, folder)
        final = ray.get(board.final.remote())
        if final is not None:
            raise final
        return result


def _fitted(ray: Any, trainer: Any, board: Any, folder: Path | None) -> Any:
    """What rank 0's `work` returned."""
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    goes_on = f"; the same call goes on from {folder}" if folder is not None else ""
    try:
        return trainer.fit().return_value
    except RayError as error:  # not of a worker: of what watches them
        raise CommunicationError(
            f"Ray lost the run ({str(error).strip().splitlines()[-1].strip()}){goes_on}"
        ) from None
    except TrainingFailedError as error:
        if ray.get(board.final.remote()) is not None:
            return None
        raise CommunicationError(f"the workers failed too often: {_root_of(error)}{goes_on}") from None


def _root_of(error: Any) -> str:
    """The failure of a group in a line: a dead worker before what it did to the others."""
    from ray.exceptions import RayError

    failures: Mapping[int, BaseException] = getattr(error, "worker_failures", {})
    said = {}
    for rank, failure in failures.items():
        lost = isinstance(getattr(failure, "health_check_failure", failure), RayError)
        said[rank] = "it was lost" if lost else str(failure).strip().splitlines()[-1]
    first = min(said, key=lambda rank: said[rank] != "it was lost", default=None)
    return f"worker {first}: {said[first]}" if first is not None else str(error).strip().splitlines()[-1]


def _trainer(
    given: dict[str, Any],
    workers: tuple[int, int],
    cpus: int,
    max_failures: int,
    scratch: Path,
    timeout: float,
) -> Any:
    """Ray Train's part: place, rank, watch, restart."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    low, high = workers
    return TorchTrainer(
        rank_of_a_group,
        train_loop_config=given,
        torch_config=TorchConfig(backend="gloo", timeout_s=timeout),
        scaling_config=ScalingConfig(
            num_workers=high if low == high else (low, high),
            resources_per_worker={"CPU": cpus},
            # a group that is well is not ended for a larger one when nothing would be left of its steps
            elastic_resize_monitor_interval_s=RESIZE_SECONDS if given["folder"] else math.inf,
        ),
        run_config=RunConfig(
            name=f"clearprop-{secrets.token_hex(8)}",  # never one that Ray would go on with
            storage_path=str(scratch),
            failure_config=FailureConfig(max_failures=max_failures),
        ),
    )


def rank_of_a_group(given: Mapping[str, Any]) -> Result | None:
    """What each worker of a group runs."""
    import ray
    import torch.distributed as group

    board, here = given["board"], versions()["clearprop"]
    try:
        if here != given["version"]:
            raise SpecificationError(
                f"a worker has clearprop {here}, the driver {given['version']}; install one on all machines"
            )
        comm = Gloo(given["plan"].shards, given["timeout"])
        if comm.rank == 0:
            ray.get(board.begin.remote(comm.world))
        return work(comm, given["plan"], given["folder"], board.tell.remote)
    except CommunicationError:
        if ray.get(board.final.remote()) is None:
            raise
    except ClearpropError as error:
        ray.get(board.end.remote(error))
        group.destroy_process_group()  # the others are not to wait
    return None


class _Board:
    """An actor beside the driver: what rank 0 tells, and the error that is final."""

    def __init__(self) -> None:
        self.moment: Moment | None = None
        self.groups: list[int] = []
        self.error: ClearpropError | None = None

    def begin(self, world: int) -> None:
        self.groups.append(world)

    def tell(self, moment: Moment) -> None:
        self.moment = moment

    def end(self, error: ClearpropError) -> None:
        self.error = self.error or error

    def final(self) -> ClearpropError | None:
        return self.error

    def look(self) -> tuple[Moment | None, list[int]]:
        return self.moment, self.groups


def _board(ray: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_Board).options(num_cpus=0, scheduling_strategy=here).remote()


@contextmanager
def _watching(ray: Any, board: Any, cpus: int, shown: bool) -> Iterator[None]:
    """Show on the driver what is on the board, and log every start of a group."""
    done = threading.Event()

    def watch() -> None:
        seen, looks = 0, 0
        with progress_on(shown) as display:
            while True:
                last = done.wait(LOOK_SECONDS)
                with suppress(Exception):  # the cluster may be gone; the driver's own thread says so
                    moment, groups = ray.get(board.look.remote(), timeout=10)
                    for world in groups[seen:]:
                        again = f"; it is start {seen + 1}, after a failure or a change" if seen else ""
                        _LOG.info("a group of %d worker(s) started%s", world, again)
                        seen += 1
                    if moment is not None:
                        display.show(moment)
                    looks += 1
                    if not seen and looks == round(3 * START_SECONDS / LOOK_SECONDS):
                        room = ray.cluster_resources().get("CPU", 0)
                        _LOG.warning(
                            "no worker yet: the group needs %d CPU(s), the cluster has %g", cpus, room
                        )
                if last:
                    return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=15)


@contextmanager
def cluster(address: str, cpus: int) -> Iterator[tuple[Any, Path]]:
    """A connection to a Ray cluster, with our manners: the module `ray`, and a folder for what it writes.

    Raises
    ------
    CommunicationError
        When there is no cluster at the address.
    SpecificationError
        When Ray is not installed.
    """
    own = address == "local"
    with ExitStack() as stack:
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="clearprop-", ignore_cleanup_errors=True))
        )
        stack.enter_context(_environment(_manners(own)))
        try:
            import ray
            import ray.train.torch
        except ImportError as error:
            raise SpecificationError(
                f"a fit on Ray needs the extra: pip install 'clearprop[ray]' ({error})"
            ) from None
        if not ray.is_initialized():
            stack.callback(ray.shutdown)
            words: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
            if own:
                words |= {"num_cpus": cpus, "object_store_memory": STORE_BYTES, "include_dashboard": False}
                words["_temp_dir"] = str(scratch)
            try:
                _knock(address)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", FutureWarning)
                    ray.init(address=address, **words)
            except (OSError, RuntimeError, ValueError) as error:
                raise CommunicationError(
                    f"there is no Ray cluster at {address!r} that lets this process in "
                    f"({str(error).splitlines()[0]}); `ray start --head` begins one, and address='local' one "
                    "that lives as long as the call"
                ) from None
        yield ray, scratch


def _knock(address: str) -> None:
    """OSError where nobody answers at a host and port: Ray would try for a minute and more."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), START_SECONDS).close()


def _manners(own: bool) -> dict[str, str]:
    """Environment variables that Ray is to find, where the user set no others."""
    given = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(START_SECONDS),
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    if own and not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        given |= {
            "RAY_AUTH_TOKEN": _token()
        }  # Ray asks for it in clusters of its own, and would keep one at home
    return given


@functools.cache
def _token() -> str:
    """Of all clusters that this process starts: Ray keeps the first it sees."""
    return secrets.token_hex(32)


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Ray's variables for the time of a call, those that are set already left alone."""
    before = {name for name in os.environ if name.startswith("RAY_")}
    os.environ.update({name: value for name, value in given.items() if name not in before})
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            if name not in before:  # Ray sets some of its own
                del os.environ[name]


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Ray takes Ctrl-C to end the run in order, and then leaves by SystemExit; give both back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)
