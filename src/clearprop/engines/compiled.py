"""The compiled engine: the default, and the textbook's equations at the speed of the hardware.

It owns the working memory of a network and drives the kernels; the mathematics is in `formulas/`, the
loops in `kernels/`. Results depend neither on how batches are cut into calls nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.engines import tasks
from clearprop.engines.builds import at_hand, build_for
from clearprop.engines.examples import Examples
from clearprop.engines.helpers import check_threads, threads_for, work_together
from clearprop.engines.plan import (
    Plan,
    block_rows,
    is_tall,
    make_plan,
    most_rows,
    numbers_of_a_row,
    padded,
    rule_of,
    segment_table,
    unit_tasks,
)
from clearprop.engines.protocol import Engine, Masks, OptimizerState, Stretch
from clearprop.engines.row_forward import RowForward
from clearprop.engines.tasks import Work
from clearprop.formulas.optimizers import MOST_SCALARS, Optimizer
from clearprop.specification import Network

_NO_MASKS: BoolArray = np.zeros(0, dtype=np.bool_)
PIECE_BYTES = 1 << 21  #: what a layer's numbers of a task's rows may take, to stay in the cache
STREAM_BYTES = 1 << 19  #: what all numbers of the rows of a prediction may take
LEAST_PIECE = 48
ROUND_BLOCKS = 8  #: blocks of a tall batch for each thread, before their gradients are added
STREAMED_ROWS = 1024  #: rows of a task of predictions
SCALARS_AT_ONCE = 4096  #: steps whose scalars are made together


def _aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """Zeros that begin on a cache line, so that no vector of a block straddles two."""
    memory = np.zeros(size + 64 // dtype.itemsize, dtype=dtype)
    start = -memory.ctypes.data % 64 // dtype.itemsize
    return memory[start : start + size]


@dataclass(frozen=True)
class _Room:
    """Memory for batches of up to `rows` rows, by so many threads."""

    plan: Plan
    threads: int
    rows: int
    work: Work  #: a board with all that the room knows
    run: Work  #: the board of its runs


class Compiled(Engine):
    """Numba kernels in float32 or float64, by one thread or several, with the same bits.

    Parameters
    ----------
    threads : int, optional
        As many as the work deserves and there are cores, if left out.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> Compiled(net, "float32").forward(np.zeros(3, "float32"), np.ones((1, 2), "float32"))
    array([[0.5]], dtype=float32)
    """

    name = "compiled"

    def __init__(
        self,
        network: Network,
        dtype: npt.DTypeLike,
        optimizer: Optimizer | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        super().__init__(network, dtype, optimizer)
        self.threads = check_threads(threads)
        build = self._build = build_for(network, self.optimizer, self.dtype)
        self._passes, self._steps, self._working = map(build.part, ("passes", "steps", "working"))
        self._shuffle = at_hand(build.part("ordering").shuffle)
        self._reals = segment_table(network, self.optimizer)
        self._rule = rule_of(self.optimizer, build)
        self._hyper = padded(self.optimizer).astype(self.dtype)
        self._starts = np.zeros(network.depth + 1, dtype=np.int64)
        self._row_work = 6.0 * network.n_parameters + 100.0 * sum(layer.rows for layer in network.layers)
        self._packed = np.empty(0, dtype=self.dtype)
        self._gradient = np.empty(0, dtype=self.dtype)
        self._made_scalars: tuple[int, Array] = 0, np.empty((0, MOST_SCALARS), dtype=self.dtype)
        self._mask_units = np.array([0, *(layer.rows for layer in network.layers)])
        self._rooms: dict[bool, _Room] = {}
        self._cuts: dict[int, tuple[bool, int]] = {}
        self._streams: dict[int, _Room] = {}

    def _plan(self, rows: int) -> Plan:
        return make_plan(self.network, self._build, self.dtype, rows)

    @cached_property
    def _layout(self) -> IntArray:
        """A plan's table, for who asks it where parameters lie and not where rows do."""
        return self._plan(1).table

    def _packing(self, room: _Room) -> Array:
        """Memory for the weights as the forward products read them; each thread's, where threads pack all."""
        copies = room.threads if room.work.board[tasks.PACKS_ALL] else 1
        if self._packed.size < room.plan.packed * copies:
            self._packed = _aligned(room.plan.packed * copies, self.dtype)
        return self._packed

    def _cut(self, m: int) -> tuple[bool, int]:
        """Whether a batch of m rows is tall, and how many rows go through the layers at once."""
        if m not in self._cuts:
            itemsize, network = self.dtype.itemsize, self.network
            cut = is_tall(network, m, itemsize)
            most = block_rows(network, itemsize) if cut else min(m, most_rows(network, itemsize))
            self._cuts[m] = cut, most
        return self._cuts[m]

    def _room(self, m: int) -> _Room:
        """Memory for batches of m rows, kept for the next ones."""
        tall, rows = self._cut(m)
        threads = threads_for(self.threads, self._row_work * (m if tall else rows))
        kept = self._rooms.get(tall)
        if kept is not None and kept.threads == threads and m <= kept.rows < 2 * m:
            return kept
        blocks = min(-(-m // rows), ROUND_BLOCKS * threads) if tall else 0
        made = self._rooms[tall] = self._make_room(m, rows, threads, tall=tall, blocks=blocks)
        return made

    def _make_room(self, m: int, rows: int, threads: int, *, tall: bool, blocks: int = 0) -> _Room:
        """Memory for m rows, `rows` at a time (for each thread, if tall), and gradients of `blocks`."""
        itemsize, network = self.dtype.itemsize, self.network
        plan = self._plan(rows)
        widest = max(network.inputs, *(layer.rows for layer in network.layers))
        pieces = -(-rows // max(PIECE_BYTES // (widest * itemsize), LEAST_PIECE))
        piece = -(-rows // (-(-pieces // threads) * threads))
        space = _aligned(plan.space * (threads if tall else 1), self.dtype)
        products = self._build.part("products")
        scratch_size = products.SCRATCH if widest >= products.WIDE else products.NARROW_SCRATCH
        scratch = _aligned(scratch_size * threads, self.dtype)
        units = unit_tasks(network, itemsize, threads)
        stretches = -(-network.n_parameters // self._steps.STRETCH)
        work = Work.empty(max(stretches, len(units), -(-rows // piece), blocks), self.dtype)
        work.point(
            {
                "plan": plan.table,
                "units": units,
                "rule": self._rule,
                "starts": self._starts,
                "p": plan.parameters,
                "q": plan.loss_parameters,
                "keep": plan.keep,
                "h": self._hyper,
                "space": space,
                "scratch": scratch,
                "reals": self._reals,
                "norms": np.empty(stretches),
                "blocks": _aligned(blocks * network.n_parameters, self.dtype),
                "scale": np.empty(m, dtype=self.dtype),
            }
        )
        work.settle(
            ROUND=blocks * rows if tall else rows,
            PIECE=piece,
            TALL=tall,
            FAILED=-1,
            LAYERS=network.depth,
            PARAMETERS=network.n_parameters,
            THREADS=threads,
            INPUTS=network.inputs,
            OUTPUTS=network.widths[-1],
            SPACE_SIZE=plan.space,
            UNIT_TASKS=len(units),
            STRETCHES=stretches,
            LOSS_SIZE=plan.loss_parameters.size,
            PACKED_SIZE=plan.packed,
            SCRATCH_SIZE=scratch_size,
            PACKS_ALL=threads > 1 and not tall and plan.packed <= 1 << 16,
            CLIPPED=self.optimizer.clip_norm is not None,
        )
        run = work.again()
        run.point({"losses": np.empty(m), "sums": np.zeros(tasks.CLIP_NORM + 1)})
        return _Room(plan, threads, m, work, run)

    def _work(self, room: _Room, arrays: dict[str, Array], **settings: int) -> Work:
        """The board of a run; settings by their names in `tasks`."""
        work = room.run
        work.reset_to(room.work)
        work.point({**room.work.arrays, "packed": self._packing(room), **arrays})
        work.arrays["sums"][:] = 0.0
        work.arrays["sums"][tasks.CLIP_NORM] = self.optimizer.clip_norm or 0.0
        work.settle(**settings)
        return work

    def _do(self, work: Work, threads: int) -> None:
        """All steps of a run."""
        if threads == 1:
            self._working.work_alone(work.board)
        else:
            self._working.begin(work.board)
            work_together(self._working, work.board, threads)

    def _stream(self, theta: Array, m: int, judging: int, arrays: dict[str, Array]) -> None:
        """Pass over m rows, a piece at a time, by several threads; see the kernels' `stream`."""
        network = self.network
        threads = threads_for(self.threads, self._row_work / 3 * m)
        room = self._streams.get(threads)
        fitting = max(STREAM_BYTES // (numbers_of_a_row(network) * self.dtype.itemsize), LEAST_PIECE)
        rows = min(m, fitting, STREAMED_ROWS)
        if room is None or room.rows < rows:
            room = self._streams[threads] = self._make_room(rows, rows, threads, tall=True)
        work = room.work.again()
        work.point({"theta": theta, "packed": self._packing(room), **arrays})
        work.settle(EXAMPLES=m, JUDGING=judging, PIECE=STREAMED_ROWS, KIND=tasks.STREAM_PHASE)
        self._passes.pack_all(work.board)
        if threads == 1:
            self._working.work(work.board, 0)
        else:
            work_together(self._working, work.board, threads)

    def forward(self, theta: Array, X: Array) -> Array:
        """y_hat (m, n_L); a row's bits depend neither on the other rows nor on how many there are."""
        y_hat = np.empty((len(X), self.network.widths[-1]), dtype=self.dtype)
        self._stream(theta, len(X), 0, {"X": X, "y_hat": y_hat})
        return y_hat

    def evaluate(self, theta: Array, X: Array, Y: Array, scale: Array) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and y_hat (m, n_L), in one forward pass."""
        y_hat, losses = np.empty((len(X), self.network.widths[-1]), dtype=self.dtype), np.empty(len(X))
        arrays = {"X": X, "Y": Y, "scale": scale, "y_hat": y_hat, "losses": losses}
        self._stream(theta, len(X), 1, arrays)
        return float(np.cumsum(losses)[-1]), y_hat

    def square_norms(self, theta: Array, X: Array, Y: Array) -> Array:
        """|dLoss_i/dtheta|**2 of each example, float64 (m,), without forming a gradient."""
        squares, ones = np.empty(len(X)), np.ones(len(X), dtype=self.dtype)
        self._stream(theta, len(X), 2, {"X": X, "Y": Y, "scale": ones, "losses": squares})
        return squares

    def for_rows(self, theta: Array) -> RowForward:
        """The forward pass as a function of one row, at these parameters as they are now."""
        room, theta = self._make_room(1, 1, 1, tall=True), theta.copy()
        packed = _aligned(room.plan.packed, self.dtype)
        x, y_hat = np.zeros(self.network.inputs, self.dtype), np.zeros(self.network.widths[-1], self.dtype)
        room.work.point({"theta": theta, "packed": packed, "X": x, "y_hat": y_hat})
        self._passes.pack_all(room.work.board)
        return RowForward(at_hand(self._passes.stream_row), room.work, x, y_hat)

    def gradient_sum(
        self, theta: Array, X: Array, Y: Array, scale: Array, masks: Masks | None = None
    ) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and its gradient."""
        gradient = np.empty((1, theta.size), dtype=self.dtype)
        (loss,) = self.gradient_sums(theta, X, Y, scale, (len(X),), gradient, masks)
        return loss, gradient[0]

    def gradient_sums(
        self,
        theta: Array,
        X: Array,
        Y: Array,
        scale: Array,
        ends: Sequence[int],
        out: Array,
        masks: Masks | None = None,
    ) -> list[float]:
        """`gradient_sum` of several parts: one board, turned to the rows of each."""
        begins = (0, *ends[:-1])
        sizes = [last - first for first, last in zip(begins, ends, strict=True)]
        if len(sizes) > 1 and any(self._cut(size)[0] for size in sizes if size):
            return super().gradient_sums(theta, X, Y, scale, ends, out, masks)
        room = self._room(max(1, *sizes))
        given, starts = self._packed_masks(masks)
        table = starts + np.multiply.outer(begins, self._mask_units) if masks else starts
        arrays = {
            "theta": theta,
            "gradient": out,
            "masks": given,
            "scale": scale,
            "X": X,
            "Y": Y,
            "order": np.arange(len(X), dtype=np.int64),
            "starts": table,
        }
        work = self._work(
            room,
            arrays,
            STOP=1,
            EXAMPLES=len(X),
            GIVEN_SCALE=1,
            DROPOUT=bool(masks),
            MASKED=bool(masks),
            BATCH=0,
            ORDERED=0,
        )
        board, fresh, sums, losses = work.board, work.board.copy(), work.arrays["sums"], []
        row = table.strides[0] if masks else 0
        turned = [tasks.ORDER, tasks.SCALE, tasks.GRADIENT, tasks.STARTS, tasks.BATCH, tasks.ORDERED]
        parts = fresh[turned] + np.array(
            [
                (8 * first, scale.itemsize * first, out.strides[0] * k, row * k, size, size)
                for k, (first, size) in enumerate(zip(begins, sizes, strict=True))
            ]
        )
        for k, size in enumerate(sizes):
            if size == 0:
                out[k, : theta.size] = 0.0
                losses.append(0.0)
                continue
            board[:] = fresh
            board[turned] = parts[k]
            sums[: tasks.CLIP_NORM] = 0.0
            self._do(work, room.threads)
            losses.append(float(sums[tasks.LOSS_SUM]))
        board[:] = fresh  # as the arrays are noted
        return losses

    def _packed_masks(self, masks: Masks | None) -> tuple[BoolArray, IntArray]:
        """Masks of all layers in one array, and where each layer's begins."""
        if not masks:
            return _NO_MASKS, self._starts
        starts, pieces, at = self._starts.copy(), [], 0
        for l in sorted(masks):
            starts[l] = at
            pieces.append(np.ascontiguousarray(masks[l], dtype=np.bool_).ravel())
            at += pieces[-1].size
        return np.concatenate(pieces), starts

    def update(
        self, theta: Array, gradient: Array, state: OptimizerState, rate: float, penalty_factor: float = 1.0
    ) -> None:
        """One step of the optimizer, in place."""
        state.require_fit(self.network, self.dtype)
        state.t += 1
        self._steps.update(
            self._layout,
            self._reals,
            self._rule,
            self._hyper,
            self._scalars(state.t, 1)[0],
            float(self.optimizer.clip_norm or 0.0),
            float(rate),
            float(penalty_factor),
            theta,
            gradient.copy(),
            state.slots,
        )

    def _scalars(self, t: int, steps: int) -> Array:
        """The rule's scalars of steps t, t + 1, ... as (steps, MOST_SCALARS); made for many steps at once."""
        start, made = self._made_scalars
        if not start <= t <= t + steps <= start + len(made):
            made = np.zeros((max(steps, SCALARS_AT_ONCE), MOST_SCALARS), dtype=self.dtype)
            made[:, : len(self.optimizer.scalars)] = self.optimizer.scalar_values(t, len(made))
            self._made_scalars = start, made = t, made
        return made[t - start : t - start + steps]

    def order(self, seed: int, epoch: int, rows: int) -> IntArray:
        """NumPy's permutation, bit by bit, in half its time."""
        if rows >= 1 << 32:
            return super().order(seed, epoch, rows)
        order = np.empty(rows, dtype=np.int64)
        self._shuffle(np.uint64(seed), np.uint64(epoch), order)
        return order

    def run(
        self,
        theta: Array,
        state: OptimizerState,
        examples: Examples,
        order: IntArray,
        first: int,
        last: int,
        *,
        batch_size: int,
        rates: Array,
        seed: int = 0,
        epoch: int = 0,
        divide_penalty: bool = False,
        trace: Array | None = None,
    ) -> Stretch:
        """Batches `first` to `last` - 1 in one call, with the bits of the composed run."""
        state.require_fit(self.network, self.dtype)
        rows = min(batch_size, len(order))
        room, dropout = self._room(rows), self.network.has_dropout
        if dropout:
            room.plan.set_dropout_keys(seed, epoch)
        if self._gradient.size == 0:
            self._gradient = _aligned(self.network.n_parameters, self.dtype)
        weighted = examples.weights is not None
        arrays = {
            "theta": theta,
            "slots": state.slots,
            "gradient": self._gradient,
            "X": examples.X,
            "Y": examples.Y,
            "order": np.ascontiguousarray(order, dtype=np.int64),
            "rates": np.ascontiguousarray(rates, dtype=np.float64),
            "scalars": self._scalars(state.t + 1, last - first),
            **({"weights": examples.weights} if examples.weights is not None else {}),
            **({} if trace is None else {"trace": trace}),
        }
        work = self._work(
            room,
            arrays,
            START=first,
            STOP=last,
            BATCH=batch_size,
            UPDATES=1,
            DROPOUT=dropout,
            DIVIDE=divide_penalty,
            EXAMPLES=len(examples),
            ORDERED=len(order),
            WEIGHTED=weighted,
            TRACED_STEPS=0 if trace is None else len(trace),
        )
        self._do(work, room.threads)
        failed = int(work.board[tasks.FAILED])
        state.t += (failed if failed >= 0 else last) - first
        sums = work.arrays["sums"]
        return Stretch(float(sums[tasks.LOSS_SUM]), float(sums[tasks.WEIGHT_SUM]), failed)
