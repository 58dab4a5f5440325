"""Whether a fit is better left on one machine: an estimate before anything is read, with its arithmetic.

It is rough on purpose (a text column counts as ten inputs, a core as 20 GFLOP/s, a network as 10 Gbit/s with
0.3 ms a message): it refuses what is plainly small, and says how to go on all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clearprop.distributed.plan import Plan
from clearprop.distributed.room import memory
from clearprop.errors import SpecificationError
from clearprop.words import plural

SHARE = 0.25  #: of the memory there is, which a table may fill and still be learnt in it
TEXT_INPUTS = 10  #: inputs that a text column gives, about
CORE_RATE = 2e10  #: floating-point operations a second of one core
UNIT_WORK = 200  #: operations of an activation, both ways
LATENCY, BANDWIDTH = 3e-4, 1.25e9  #: seconds a message, bytes a second


@dataclass(frozen=True)
class Estimate:
    """What a step would take, in seconds: on one core here, and shared by so many workers.

    Attributes
    ----------
    table, room : float
        Bytes of the table's cells as numbers, and of memory here.
    """

    rows: int
    columns: int
    workers: int
    batch_size: int
    parameters: int
    table: float
    room: float
    alone: float
    shared: float
    meeting: float

    @property
    def fits(self) -> bool:
        """Whether the table can be learnt in memory here."""
        return self.table <= SHARE * self.room

    @property
    def faster_alone(self) -> bool:
        """Whether a step on one core here takes no longer than one that is shared."""
        return self.alone <= self.shared + self.meeting

    def __str__(self) -> str:
        return (
            f"{plural(self.rows, 'row')} of {plural(self.columns, 'column')} are about "
            f"{self.table / 1e6:,.0f} MB of the {self.room / 1e6:,.0f} MB here, and a step (a batch of "
            f"{self.batch_size}, about {self.parameters:,} parameters) takes some {self.alone * 1e3:.2g} ms "
            f"on one core; shared by {plural(self.workers, 'worker')} it takes {self.shared * 1e3:.2g} ms, "
            f"and {self.meeting * 1e3:.2g} ms to add their gradients"
        )


def estimate(plan: Plan, workers: int) -> Estimate:
    """Estimate of a plan shared by so many workers."""
    kinds = dict(plan.manifest.schema)
    texts = sum(kinds[name] in ("string", "large_string") for name in plan.features)
    widths = [len(plan.features) + (TEXT_INPUTS - 1) * texts, *plan.settings.hidden, len(plan.targets)]
    parameters = sum((n + 1) * units for n, units in pairwise(widths))
    rows, columns = plan.manifest.rows, len(plan.manifest.names)
    size = min(plan.settings.batch_size_for(rows), rows)
    work = size * (6 * parameters + UNIT_WORK * sum(widths[1:])) / CORE_RATE
    gradient = parameters * np.dtype(plan.settings.dtype).itemsize
    meeting = 2 * math.ceil(math.log2(workers)) * LATENCY + 2 * gradient / BANDWIDTH if workers > 1 else 0.0
    return Estimate(
        rows=rows,
        columns=columns,
        workers=workers,
        batch_size=size,
        parameters=parameters,
        table=8.0 * rows * columns,
        room=memory(),
        alone=work,
        shared=work / workers,
        meeting=meeting,
    )


def require_worth(plan: Plan, workers: int) -> None:
    """Raise SpecificationError, with the arithmetic, when one machine would do and do it faster."""
    found = estimate(plan, workers)
    if found.fits and found.faster_alone:
        raise SpecificationError(
            f"{plan.manifest.source} is better learnt on one machine: {found}. Use fit_table or fit_stream "
            "(on the command line: leave --ray out), or go on all the same with force=True (--force)"
        )
