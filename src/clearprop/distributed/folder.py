"""The folder of a distributed run: its checkpoint, the plan that it is a run of, and which call owns it.

Whoever begins a run in the folder, or goes on with one, becomes its owner; a call that owned it before ends
at its next commit. So two calls, or a group that Ray took for dead and its successor, never write by turns.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clearprop.distributed.plan import Plan
from clearprop.distributed.telling import from_first
from clearprop.durable import remove_leftovers, write_durably
from clearprop.engines.shards import Comm
from clearprop.errors import ModelFileError, SpecificationError
from clearprop.training.checkpoint import NAME, Checkpoints, Standing

PLAN, OWNER = "plan.json", "owner"
_FREE = ("task", "dealt")  #: of a plan: follows from the rest, or is judged by what it led to


@dataclass
class OwnedCheckpoints(Checkpoints):
    """Checkpoints that are written only while this call owns the folder."""

    owner: str = ""

    def write(self, standing: Standing) -> None:
        """Commit a checkpoint; SpecificationError when another call has taken the folder over."""
        path = self.folder / OWNER
        if path.is_file() and path.read_text() != self.owner:
            raise SpecificationError(
                f"another call has taken over {self.folder}, so this one ends; give every run its own folder"
            )
        super().write(standing)


def require_usable(comm: Comm, plan: Plan, folder: Path | None) -> None:
    """Make the folder and look at what is in it, on rank 0, before anything is read.

    Raises
    ------
    ModelFileError
        On every rank, when the folder cannot be written to.
    SpecificationError
        When the checkpoint in it is of a run of another plan; the message names what differs.
    """

    def look() -> bytes:
        if folder is not None:
            with _named(folder):
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
            if (folder / NAME).is_file():
                _require_same(folder, plan)
        return b""

    from_first(comm, look)


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """ModelFileError for what the system refuses in a folder."""
    try:
        yield
    except OSError as error:
        raise ModelFileError(
            f"the folder {str(folder)!r} of the checkpoint cannot be written to "
            f"({error.strerror or error}); name another"
        ) from None


def seed_in(folder: str | os.PathLike[str]) -> int | None:
    """The seed of the run in a folder; None where there is none."""
    try:
        seed = json.loads((Path(folder) / PLAN).read_text())["settings"]["seed"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return seed if type(seed) is int else None


def _require_same(folder: Path, plan: Plan) -> None:
    """Raise SpecificationError when the folder's plan is another."""
    try:
        then = json.loads((folder / PLAN).read_text())
        before, now = _flat(then), _flat(plan.to_dict())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return  # the checkpoint itself is compared later
    for name, value in now.items():
        if before.get(name) != value:
            what = f"with another {name}: {before.get(name)!r:.60} there, {value!r:.60} here"
            what = "on other files" if name == "files" else what
            raise SpecificationError(
                f"{folder} is of a run {what}; call it as before, or name another folder"
            )


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    """What must be the same, by its name."""
    files = [[file["size"], file["footer"], file["row_groups"]] for file in plan["manifest"]["files"]]
    rest = {name: value for name, value in plan.items() if name not in (*_FREE, "manifest", "settings")}
    settings = {name: value for name, value in plan["settings"].items() if name != "time_budget"}
    return {**rest, "files": files, **settings}


def standing_in(
    comm: Comm, plan: Plan, found: Checkpoints, folder: Path | None
) -> tuple[Checkpoints | None, Standing | None]:
    """What to write to and where the run stands: read by rank 0 alone, who then owns the folder, told to all.

    Parameters
    ----------
    found : Checkpoints
        Of the run, in any folder.

    Returns
    -------
    checkpoints : Checkpoints or None
        For rank 0, where there is a folder.
    standing : Standing or None
        None at the beginning of a run.
    """
    owner = secrets.token_hex(8)
    checkpoints = OwnedCheckpoints(**vars(replace(found, folder=folder or Path())), owner=owner)

    def read() -> bytes:
        if folder is None:
            return b""
        standing = checkpoints.prepare(resume=True)
        with _named(folder):
            for name, text in ((PLAN, json.dumps(plan.to_dict(), indent=1)), (OWNER, owner)):
                remove_leftovers(folder / name)
                write_durably(folder / name, text.encode())
        return b"" if standing is None else checkpoints.path.read_bytes()

    data = from_first(comm, read)
    writes = comm.rank == 0 and folder is not None
    return checkpoints if writes else None, checkpoints.standing_in(data) if data else None
