"""What a replay shows: one step of a run, with the bits it had."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import IntArray
from clearprop.glassbox.trace import Trace
from clearprop.specification import Parameters

SHOWN_ROWS = 12  #: row numbers of a batch that are printed


@dataclass(frozen=True)
class Replay:
    """One step of a run, taken again; print it.

    Attributes
    ----------
    epoch, batch : int
        Which, both from 1.
    step : int
        Updates taken up to and with this one.
    rows : ndarray of int64 (m,)
        Rows of X in the batch, in its order.
    example : int or None
        Place of the row that was asked for in the batch.
    learning_rate : float or None
        None for L-BFGS and Levenberg-Marquardt, which have none.
    before, after : Parameters
        In the run's dtype, with its bits.
    trace : Trace
        Of the batch at `before`, its dropout masks frozen: every z, a, delta and gradient in float64.
    verified : tuple of int
        Epochs at whose end (0: at the start) the parameters had the bits that the run noted.
    differing : tuple of int
        Those where they had not: on another CPU kind or with other library versions alone.
    notice : str
        What has changed since the run; empty when nothing has.
    """

    epoch: int
    batch: int
    step: int
    rows: IntArray
    example: int | None
    learning_rate: float | None
    before: Parameters
    after: Parameters
    trace: Trace = field(repr=False)
    verified: tuple[int, ...]
    differing: tuple[int, ...] = ()
    notice: str = ""

    @property
    def update(self) -> Parameters:
        """What the step added to the parameters, `after` - `before`."""
        with np.errstate(all="ignore"):
            return Parameters(self.before.network, self.after.flat - self.before.flat)

    @property
    def same_bits(self) -> bool:
        """Whether the end of this step's epoch, and all before it that were computed, had the run's bits."""
        return self.epoch in self.verified and not self.differing

    def __str__(self) -> str:
        more = f", ... ({len(self.rows)} in all)" if len(self.rows) > SHOWN_ROWS else ""
        rate = "" if self.learning_rate is None else f", learning rate {self.learning_rate:.6g}"
        lines = [
            f"epoch {self.epoch}, batch {self.batch} (step {self.step}{rate})",
            f"rows {', '.join(map(str, self.rows[:SHOWN_ROWS]))}{more}",
            f"C = {self.trace.loss:.6g}",
            *self._norms(),
            f"the same bits as the run: {self._standing()}",
        ]
        return "\n".join(lines + ([self.notice] if self.notice else []))

    def _norms(self) -> list[str]:
        """A line for each array: how large it is, its gradient, and what the step does to it."""
        rows: list[tuple[str, ...]] = [("", "norm", "gradient", "update")]
        update, gradient = self.update, self.trace._gradient("dC/dW")
        for s in self.before.network.segments:
            norms = []
            for p in (self.before, gradient, update):
                with np.errstate(all="ignore"):  # of a run that diverged
                    norms.append(float(np.linalg.norm(p.flat[s.offset : s.stop].astype(np.float64))))
            rows.append((f"{s.kind}[{s.layer}]", *(f"{norm:.4g}" for norm in norms)))
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        return [
            "  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
        ]

    def _standing(self) -> str:
        if self.differing:
            return f"no, they differ from the end of epoch {self.differing[0]} on"
        if self.same_bits:
            return f"yes (compared at the end of epoch {self.epoch})"
        return "not known (the run kept no digest of an unfinished epoch)"
