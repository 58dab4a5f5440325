"""Shards: a batch's gradient as a sum over fixed parts of its rows, whoever computes which part.

What is subtle is the order of the sum. The gradients of the S logical shards meet in *one* binary tree over
the shard numbers, so its bits depend on S alone: not on the number of ranks W, not on who owns which shard,
not on which message comes first. The tree over shards [a, b) is tree [a, m) + tree [m, b), where m - a is the
largest power of two below b - a. A rank owns shards in a row; it may add those that fill a subtree and send
the sum, or send slices of all its arrays to their adders: the bits are the same either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.protocol import Engine, Masks, OptimizerState
from clearprop.errors import CommunicationError, SpecificationError

Node: TypeAlias = tuple[int, int]  #: a subtree: the shards from the first up to, not including, the second


class Comm(Protocol):
    """How ranks that share a run meet; the only thing that a cluster has to offer.

    `rank` is this process, 0 to `world` - 1; `shards` is S, the same on every rank, with `world` <= S. Rank r
    owns the shards `owned(rank, world, shards)`. Every rank makes the same calls in the same order. A call
    that not all ranks make within the time limit raises CommunicationError on those that did; it never hangs.
    """

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""

    @property
    def world(self) -> int:
        """Number of processes, W."""

    @property
    def shards(self) -> int:
        """Number of logical shards, S."""

    def tree_sum(self, own: Mapping[int, Array]) -> Array:
        """Sum over all S shards, on every rank, in the tree of `tree_sum_of`.

        Parameters
        ----------
        own : mapping from shard to array
            Of exactly the shards that this rank owns; all of one shape and dtype (float32, float64, int64 or
            uint8), on every rank. They are left as they are.

        Returns
        -------
        ndarray
            Of the same shape and dtype, the caller's own to write to.

        Raises
        ------
        CommunicationError
            When a rank does not come within the time limit.
        """

    def barrier(self) -> None:
        """Wait until every rank is here; CommunicationError when one does not come in time."""


def owned(rank: int, world: int, shards: int) -> range:
    """Shards of a rank: a fixed deal, in a row, as even as can be.

    >>> [list(owned(rank, 3, 4)) for rank in range(3)]
    [[0], [1], [2, 3]]
    """
    return range(rank * shards // world, (rank + 1) * shards // world)


def middle(node: Node) -> int:
    """Where the tree over these shards (two or more) is cut.

    >>> middle((0, 2)), middle((0, 5)), middle((4, 7))
    (1, 4, 6)
    """
    first, last = node
    return int(first + (1 << ((last - first - 1).bit_length() - 1)))


def subtrees(own: range, shards: int) -> list[Node]:
    """The largest subtrees of the tree over `shards` that lie within shards in a row, from left to right.

    >>> subtrees(range(0, 3), 4), subtrees(range(3, 6), 6), subtrees(range(0, 6), 6)
    ([(0, 2), (2, 3)], [(3, 4), (4, 6)], [(0, 6)])
    """

    def within(node: Node) -> list[Node]:
        first, last = node
        if last <= own.start or own.stop <= first:
            return []
        if own.start <= first and last <= own.stop:
            return [node]
        cut = middle(node)
        return within((first, cut)) + within((cut, last))

    return within((0, shards))


def meet(sums: Mapping[Node, Array], node: Node) -> Array:
    """Sum of a subtree from sums of subtrees of it; a new array, unless it is one of them."""
    if node in sums:
        return sums[node]
    if node[1] - node[0] < 2:
        raise CommunicationError(f"nobody gave the sum of shard {node[0]}")
    cut = middle(node)
    left, right = meet(sums, (node[0], cut)), meet(sums, (cut, node[1]))
    total: Array = left + right
    return total


def partial_sums(own: Mapping[int, Array], shards: int) -> dict[Node, Array]:
    """What a rank has to tell the others: the sums of the largest subtrees that it owns whole."""
    leaves = {(shard, shard + 1): array for shard, array in own.items()}
    return {node: meet(leaves, node) for node in subtrees(range(min(own), max(own) + 1), shards)}


def tree_sum_of(arrays: Sequence[Array]) -> Array:
    """Sum of the arrays of shards 0 to S - 1 in the fixed tree: what every `Comm` must give.

    >>> float(tree_sum_of([np.float32(x) for x in (1e8, -1e8, 1.0)]))
    1.0
    """
    leaves = {(shard, shard + 1): np.asarray(array) for shard, array in enumerate(arrays)}
    return np.array(meet(leaves, (0, len(arrays))))


def require_own(comm: Comm, own: Mapping[int, Array]) -> None:
    """Raise SpecificationError unless these are arrays of the rank's own shards, of one shape and dtype."""
    wanted = list(owned(comm.rank, comm.world, comm.shards))
    if sorted(own) != wanted:
        raise SpecificationError(f"rank {comm.rank} owns the shards {wanted}, and gave {sorted(own)}")
    kinds = {(array.shape, array.dtype.str) for array in own.values()}
    if len(kinds) > 1:
        raise SpecificationError(f"arrays of a sum have one shape and dtype, and these have {sorted(kinds)}")


@dataclass(frozen=True)
class Alone:
    """The communicator of one process, which owns all shards.

    >>> Alone(3).tree_sum({0: np.ones(2), 1: np.ones(2), 2: np.ones(2)})
    array([3., 3.])
    """

    shards: int = 1
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        require_shards(self.world, self.shards)

    def tree_sum(self, own: Mapping[int, Array]) -> Array:
        """Sum over all shards; see `Comm`."""
        require_own(self, own)
        return tree_sum_of([own[shard] for shard in range(self.shards)])

    def barrier(self) -> None:
        """Nobody to wait for."""


def require_shards(world: int, shards: int) -> None:
    """Raise SpecificationError unless every rank owns a shard."""
    if not 1 <= world <= shards:
        raise SpecificationError(
            f"{shards} shard(s) for {world} worker(s): every worker computes at least one; ask for 1 to "
            f"{shards} workers, or for more shards"
        )


@dataclass(frozen=True)
class OwnRows:
    """A rank's rows of a batch, shard after shard: X (m, n_0), Y (m, n_L), scale (m,), masks (m, n_l).

    `scale` is w_i / sum w of the *whole* batch; `ends` says where the rows of each own shard end.
    """

    X: Array
    Y: Array
    scale: Array
    ends: Sequence[int]
    masks: Masks | None = None


class Sharded(Engine):
    """Any engine, a batch's gradient being the tree sum over its shards; needs `gradient_sum`, `update`.

    Parameters
    ----------
    inner : Engine
        Computes the gradient of a shard's rows, and takes the steps, on every rank alike.
    comm : Comm

    Notes
    -----
    The passes of the protocol cut the rows they are given, the same on every rank, into S parts in a row
    (`run` composes them as for any engine). Where each rank has its own shards' rows alone, `meeting` does.

    Examples
    --------
    >>> from clearprop.engines.textbook import Textbook
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(2, [Dense(1)])
    >>> theta, X, Y = net.initialize(seed=0).flat, np.ones((3, 2)), np.ones((3, 1))
    >>> inner = Textbook(net, np.float64)
    >>> whole, parts = (each.gradient_sum(theta, X, Y, np.full(3, 1 / 3))[1]
    ...                 for each in (inner, Sharded(inner, Alone(4))))
    >>> np.allclose(whole, parts)
    True
    """

    def __init__(self, inner: Engine, comm: Comm) -> None:
        super().__init__(inner.network, inner.dtype, inner.optimizer)
        self.inner, self.comm, self.name = inner, comm, inner.name
        self.own = owned(comm.rank, comm.world, comm.shards)

    def meeting(self, theta: Array, rows: OwnRows) -> tuple[Array, dict[int, float], bool]:
        """Gradient of a batch of which each rank has the rows of its own shards.

        Returns
        -------
        gradient : ndarray (n_parameters,)
            The tree sum over all shards; the same on every rank. A shard without rows adds zeros.
        losses : mapping from shard to float
            Sums of scale_i * loss_i of the rank's own shards.
        finite : bool
            Whether the losses of all shards, on all ranks, are finite.
        """
        out = np.empty((len(self.own), theta.size + 1), dtype=self.dtype)
        losses = self.inner.gradient_sums(theta, rows.X, rows.Y, rows.scale, rows.ends, out, rows.masks)
        out[:, -1] = ~np.isfinite(losses)  # whether it is lost is counted in the same message, and exactly
        total = self.comm.tree_sum(dict(zip(self.own, out, strict=True)))
        return total[:-1], dict(zip(self.own, losses, strict=True)), not total[-1]

    def total(self, values: Mapping[int, float | Sequence[float]]) -> Array:
        """Tree sum of float64 numbers, one or a few for each of the rank's shards."""
        return self.comm.tree_sum(
            {shard: np.array(value, dtype=np.float64) for shard, value in values.items()}
        )

    def gradient_sum(
        self, theta: Array, X: Array, Y: Array, scale: Array, masks: Masks | None = None
    ) -> tuple[float, Array]:
        """Sum of scale_i * loss_i over the examples, and its gradient; every rank gives the same rows."""
        cuts = [shard * len(X) // self.comm.shards for shard in (*self.own, self.own.stop)]
        own = slice(cuts[0], cuts[-1])
        held = None if masks is None else {l: mask[own] for l, mask in masks.items()}
        ends = [cut - cuts[0] for cut in cuts[1:]]
        gradient, losses, _ = self.meeting(theta, OwnRows(X[own], Y[own], scale[own], ends, held))
        return float(self.total(losses)), gradient

    def update(
        self, theta: Array, gradient: Array, state: OptimizerState, rate: float, penalty_factor: float = 1.0
    ) -> None:
        """One step of the optimizer, on every rank alike."""
        self.inner.update(theta, gradient, state, rate, penalty_factor)

    def forward(self, theta: Array, X: Array) -> Array:
        """y_hat (m, n_L) of X, as the inner engine gives it."""
        return self.inner.forward(theta, X)

    def evaluate(self, theta: Array, X: Array, Y: Array, scale: Array) -> tuple[float, Array]:
        """As the inner engine does, on every rank alike."""
        return self.inner.evaluate(theta, X, Y, scale)

    def square_norms(self, theta: Array, X: Array, Y: Array) -> Array:
        """As the inner engine does."""
        return self.inner.square_norms(theta, X, Y)
