"""Whether a fit is better left on one machine: an estimate before anything is read, with its arithmetic.

The times are those of `step_time`, whose coefficients were measured on another machine than this; what the
columns become and how fast the network is are guesses. So it refuses what is plainly small, and says how to
go on all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clearprop.distributed.plan import Plan
from clearprop.distributed.room import memory
from clearprop.distributed.step_time import MEASURED, REAL, least_rows
from clearprop.engines.helpers import usable_cores
from clearprop.errors import SpecificationError
from clearprop.words import plural

SHARE = 0.25  #: of the memory there is, which a table may fill and still be learnt in it
TEXT_INPUTS = 10  #: inputs that a text column gives, about
BITS = 10e9  #: a second through a worker's link


@dataclass(frozen=True)
class Estimate:
    """What a step would take, in seconds: on one machine like this, and shared by so many workers.

    Attributes
    ----------
    cores, each : int
        Of this machine, and of each worker.
    parameters : int
        Of the network, about.
    table, room : float
        Bytes of the table's cells as numbers, and of memory here.
    alone, shared : float
        Seconds of a step here, and of one by the workers.
    meeting : float
        Of these, to add up their gradients.
    pays_from : float
        Rows of the least batch with which the workers are faster; inf where none is.
    """

    rows: int
    columns: int
    workers: int
    cores: int
    each: int
    batch_size: int
    parameters: int
    table: float
    room: float
    alone: float
    shared: float
    meeting: float
    pays_from: float

    @property
    def fits(self) -> bool:
        """Whether the table can be learnt in memory here."""
        return self.table <= SHARE * self.room

    @property
    def faster_alone(self) -> bool:
        """Whether a step takes no longer here than one that is shared."""
        return self.alone <= self.shared

    def __str__(self) -> str:
        pays = f"from batches of {self.pays_from:,.0f} rows on" if self.pays_from < 1e9 else "with no batch"
        return (
            f"{plural(self.rows, 'row')} of {plural(self.columns, 'column')} are about "
            f"{self.table / 1e6:,.0f} MB of the {self.room / 1e6:,.0f} MB here, and a step (a batch of "
            f"{self.batch_size:,}, about {self.parameters:,} parameters) takes some "
            f"{self.alone * 1e3:.2g} ms on {plural(self.cores, 'core')}; shared by "
            f"{plural(self.workers, 'worker')} of {plural(self.each, 'core')} it takes "
            f"{self.shared * 1e3:.2g} ms, of which {self.meeting * 1e3:.2g} ms to add their gradients at "
            f"{BITS / 1e9:g} Gbit/s; the workers are faster {pays}"
        )


def estimate(plan: Plan, workers: int) -> Estimate:
    """Estimate of a plan shared by so many workers."""
    kinds = dict(plan.manifest.schema)
    texts = sum(kinds[name] in ("string", "large_string") for name in plan.features)
    widths = [len(plan.features) + (TEXT_INPUTS - 1) * texts, *plan.settings.hidden, len(plan.targets)]
    parameters = sum((n + 1) * units for n, units in pairwise(widths))
    numbers = parameters * np.dtype(plan.settings.dtype).itemsize / REAL  # a float64 counts as two
    rows, columns = plan.manifest.rows, len(plan.manifest.names)
    size = min(plan.settings.batch_size_for(rows), rows)
    cores, each = usable_cores(), plan.threads or 1

    def alone(batch: float) -> float:
        return MEASURED.step(numbers, batch, 1, cores=cores)

    def shared(batch: float) -> float:
        shards = math.ceil(plan.shards / workers)
        return MEASURED.step(numbers, batch, workers, BITS, cores=each, shards=shards)

    return Estimate(
        rows=rows,
        columns=columns,
        workers=workers,
        cores=cores,
        each=each,
        batch_size=size,
        parameters=parameters,
        table=8.0 * rows * columns,
        room=memory(),
        alone=alone(size),
        shared=shared(size),
        meeting=MEASURED.collective(numbers, workers, BITS),
        pays_from=least_rows(lambda batch: shared(batch) < alone(batch)),
    )


def require_worth(plan: Plan, workers: int) -> None:
    """Raise SpecificationError, with the arithmetic, when one machine would do and do it faster."""
    found = estimate(plan, workers)
    if found.fits and found.faster_alone:
        raise SpecificationError(
            f"one machine learns {plan.manifest.source} sooner: {found}. The same call without address= "
            "gives the same bits in this process (on the command line: without --ray, where other rows are "
            "held out); or go on all the same with force=True (--force)"
        )
