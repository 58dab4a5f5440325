"""What runs on a Ray cluster: the ranks of a group, and the board beside the driver that they tell."""

from __future__ import annotations

import pickle
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from clearprop.distributed.gloo import Gloo
from clearprop.distributed.worker import Result, work
from clearprop.environment import versions
from clearprop.errors import ClearpropError, CommunicationError, SpecificationError
from clearprop.training.progress import Moment


def rank_of_a_group(given: Mapping[str, Any]) -> Result | None:
    """What each worker of a group runs."""
    import ray
    import torch.distributed as group
    from ray.exceptions import RayError

    board, here = given["board"], versions()["clearprop"]
    try:
        if here != given["version"]:
            raise SpecificationError(
                f"a worker has clearprop {here}, the driver {given['version']}; install one on all machines"
            )
        comm = Gloo(given["plan"].shards, given["timeout"])
        if comm.rank == 0:
            ray.get(board.begin.remote(comm.world))
        with _warnings_told(board if comm.rank == 0 else None):
            return work(comm, given["plan"], given["folder"], board.tell.remote)
    except RayError:
        raise
    except CommunicationError:
        if ray.get(board.final.remote()) is None:
            raise
    except Exception as error:
        ray.get(board.end.remote(_portable(error)))
        group.destroy_process_group()  # the others are not to wait
    return None


def _portable(error: Exception) -> Exception:
    """The error as it can travel; one that is not ours with where it came from."""
    if isinstance(error, ClearpropError):
        return error
    where = "".join(traceback.format_exception(error))
    try:
        sent = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        sent.add_note(f"On a worker:\n{where}")
    except Exception:
        return ClearpropError(f"a worker met {type(error).__name__}: {error}\n{where}")
    return cast(Exception, sent)


@contextmanager
def _warnings_told(board: Any) -> Iterator[None]:
    """Tell the board what is warned of."""
    if board is None:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)

        def show(message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
            if category is UserWarning:
                board.warn.remote(str(message))

        warnings.showwarning = show
        yield


class Board:
    """An actor beside the driver: what rank 0 tells, and the error that is final."""

    def __init__(self) -> None:
        self.moment: Moment | None = None
        self.groups: list[int] = []
        self.warnings: list[str] = []
        self.error: Exception | None = None

    def begin(self, world: int) -> None:
        """A group of so many ranks has started."""
        self.groups.append(world)

    def tell(self, moment: Moment) -> None:
        """Where the run is."""
        self.moment = moment

    def warn(self, message: str) -> None:
        """What a rank warns of."""
        self.warnings.append(message)

    def end(self, error: Exception) -> None:
        """Keep the first error that is final."""
        self.error = self.error or error

    def final(self) -> Exception | None:
        """The error that is final, if there is one."""
        return self.error

    def look(self) -> tuple[Moment | None, list[int], list[str]]:
        """The last moment told, the sizes of the groups, and the warnings."""
        return self.moment, self.groups, self.warnings


def board_beside(ray: Any) -> Any:
    """A board on the driver's machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
