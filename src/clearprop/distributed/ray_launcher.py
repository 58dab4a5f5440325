"""Workers on a Ray cluster: Ray Train (V2) places, ranks, watches and restarts them; nothing here trains.

What is subtle is what a failure means. A lost worker, node or link (CommunicationError, a dead actor) is
for Ray: it starts the group again, with as many workers as there is room for between the two bounds, and
`work` goes on from our own last commit; Ray is told of no checkpoint. Any other error is final: the rank that
meets it tells the board and leaves the group, so that the others notice; all end in peace, and the driver
raises it.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from clearprop.distributed.gloo import SECONDS
from clearprop.distributed.ray_cluster import START_SECONDS, cluster
from clearprop.distributed.ray_ranks import board_beside, rank_of_a_group
from clearprop.distributed.worker import Result
from clearprop.environment import versions
from clearprop.errors import CommunicationError
from clearprop.training.progress import progress_on

LOOK_SECONDS = 0.2  #: from one look at the board to the next
RESIZE_SECONDS = 60.0  #: that a group works before Ray looks whether there is room for more workers
END_SECONDS = 5.0  #: that an interrupted group has to end in order

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
    Exception
        Any other that a worker met, as `work` raised it.
    KeyboardInterrupt
        After the group was ended, also while it waits for room.
    """
    low, high = workers
    folder = None if checkpoint_dir is None else Path(checkpoint_dir).absolute()
    cpus = max(1, plan.threads or 1)
    with ExitStack() as stack:
        ray, scratch = stack.enter_context(cluster(address, high * cpus))
        board = board_beside(ray)
        stack.enter_context(_watching(ray, board, low * cpus, progress))
        given = {
            "plan": plan,
            "folder": folder,
            "board": board,
            "timeout": timeout,
            "version": versions()["clearprop"],
        }
        trainer = _trainer(given, (low, high), cpus, max_failures, scratch, timeout)
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
        with _own_interrupts():
            return trainer.fit().return_value
    except KeyboardInterrupt:
        trainer.end(ray)
        raise
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

    class Trainer(TorchTrainer):  # type: ignore[misc, unused-ignore]
        """Leaves Ctrl-C to the driver; Ray would wait for its controller, which may wait for room."""

        controller: Any = None

        def _register_sigint_handler(self, controller: Any) -> None:
            self.controller = controller

        def end(self, ray: Any) -> None:
            """End the workers, in order if that takes seconds."""
            with suppress(Exception):  # it is what ends, and says so by an error
                ray.get(self.controller.abort.remote(), timeout=END_SECONDS)
            with suppress(Exception):
                ray.kill(self.controller)

    low, high = workers
    return Trainer(
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


@contextmanager
def _watching(ray: Any, board: Any, cpus: int, shown: bool) -> Iterator[None]:
    """Show on the driver what is on the board, and log every start of a group."""
    done = threading.Event()

    def watch() -> None:
        seen, warned, looks = 0, 0, 0
        with progress_on(shown) as display:
            while True:
                last = done.wait(LOOK_SECONDS)
                with suppress(Exception):  # the cluster may be gone; the driver's own thread says so
                    moment, groups, warnings = ray.get(board.look.remote(), timeout=10)
                    for world in groups[seen:]:
                        again = f"; it is start {seen + 1}, after a failure or a change" if seen else ""
                        _LOG.info("a group of %d worker(s) started%s", world, again)
                        seen += 1
                    for message in warnings[warned:]:
                        _LOG.warning("%s", message)
                        warned += 1
                    if moment is not None:
                        display.show(moment)
                    looks += 1
                    if not seen and looks % round(3 * START_SECONDS / LOOK_SECONDS) == 0:
                        room = ray.cluster_resources().get("CPU", 0)
                        _LOG.warning(
                            "no worker yet: the group needs %d CPU(s), the cluster has %g; it waits for "
                            "room (Ctrl-C ends that)",
                            cpus,
                            room,
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
def _own_interrupts() -> Iterator[None]:
    """Ray may take Ctrl-C for itself, and then leave by SystemExit; give both back."""
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
