"""The plan: where in flat memory each number of a block lies, as one table of integers for the kernels.

Row l of the table belongs to layer l = 0..L (0 are the inputs); settings of the whole network stand in
row 0. A block holds `BLOCK` rows at most, chosen from the network alone so that what a block needs stays
in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.builds import Build, activation_key, distinct_rules, rule_key
from clearprop.engines.dropout import layer_key, threshold
from clearprop.formulas.activations import MOST_PARAMETERS, Activation, as_activation
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.rows import Row
from clearprop.specification import Network

# Columns of every layer.
UNITS, ROWS, PIECES, ACTIVATION, W_AT, B_AT = range(6)
X_AT, Z_AT, A_AT, D0_AT, D1_AT, F_AT = range(6, 12)  # input, z, a, delta, upstream (maxout), dropout factors
HAS_MASK, KEY, THRESHOLD = range(12, 15)
# Columns of row 0.
BLOCK, LOSS, LINKED, SOFTMAX_LINK, Y_AT, LOG_AT, SCALE_AT, U_AT, C_AT = range(15, 24)
N_COLUMNS = 24

#: in ACTIVATION, where it is not the index of an elementwise row
SOFTMAX, MAXOUT, MONOTONE = -1, -2, -3
_COUPLED = {"softmax": SOFTMAX, "maxout": MAXOUT, "monotone": MONOTONE}

_CACHE_BYTES = 1 << 20  #: what a block may take; half of the second-level cache of today's CPUs
_FEWEST, _MOST = 256, 4096  #: rows of a block


def block_rows(network: Network, itemsize: int) -> int:
    """Rows of a block: a power of two, so that a block's numbers fit the cache where possible."""
    numbers = sum(
        2 * width + layer.rows for width, layer in zip(network.widths[1:], network.layers, strict=True)
    )
    fitting = _CACHE_BYTES // ((numbers + network.inputs) * itemsize)
    return int(min(max(2 ** int(np.log2(max(fitting, 1))), _FEWEST), _MOST))


@dataclass
class Plan:
    """The kernels' tables for one network and block size."""

    table: IntArray  #: (L + 1, N_COLUMNS)
    parameters: Array  #: (L + 1, MOST_PARAMETERS), of each layer's activation
    loss_parameters: Array  #: (MOST_PARAMETERS,), or so many for each output
    keep: Array  #: (L + 1,), 1 / (1 - dropout)
    space: int  #: numbers of working memory

    def set_dropout_keys(self, seed: int, epoch: int) -> None:
        """Keys of an epoch's masks."""
        for l in range(len(self.table)):
            if self.table[l, HAS_MASK]:
                self.table[l, KEY] = layer_key(seed, epoch, l)


def make_plan(network: Network, build: Build, dtype: np.dtype[np.generic], rows: int) -> Plan:
    """Lay out a block of `rows` rows."""
    L = network.depth
    table = np.full((L + 1, N_COLUMNS), -1, dtype=np.int64)
    used = 0

    def take(numbers: int) -> int:
        nonlocal used
        at = used
        used += -(-numbers // 16) * 16  # pieces start on a cache line
        return at

    table[0, UNITS] = network.inputs
    table[:, HAS_MASK] = [dropout > 0 for dropout in network.dropouts]
    table[:, THRESHOLD] = [threshold(dropout) for dropout in network.dropouts]
    for segment in network.segments:
        table[segment.layer, W_AT if segment.kind == "W" else B_AT] = segment.offset
    table[1, X_AT] = take(rows * network.inputs)
    known = [activation_key(row) for row in build.activation_rows]
    for l, layer in enumerate(network.layers, start=1):
        row = layer.activation
        if row.name == "maxout" and row.pieces == 1:
            row = as_activation("identity")  # the largest of one
        table[l, [UNITS, ROWS, PIECES]] = layer.units, layer.rows, row.pieces
        coupled = _COUPLED.get(row.name, 0)
        table[l, ACTIVATION] = known.index(activation_key(row)) if isinstance(row, Activation) else coupled
        table[l, Z_AT] = take(rows * layer.rows)
        table[l, A_AT] = take(rows * layer.units)
        if l < L:
            table[l + 1, X_AT] = take(rows * layer.units) if layer.dropout else table[l, A_AT]
    widest = rows * max(layer.rows for layer in network.layers)
    deltas = take(widest), take(widest)
    has_maxout = any(layer.activation.pieces > 1 for layer in network.layers)
    upstream = take(rows * max(network.widths)) if has_maxout else -1
    for l in range(L, 0, -1):
        table[l, D0_AT], table[l, D1_AT] = deltas[(L - l) % 2], upstream
    for l in range(L + 1):
        table[l, F_AT] = take(rows * network.widths[l]) if table[l, HAS_MASK] else -1
    widest_out = rows * max(network.widths)
    table[0, [Y_AT, LOG_AT, U_AT]] = (
        take(rows * network.widths[L]),
        take(widest_out),
        take(max(widest_out, 2 * rows)),
    )
    table[0, SCALE_AT] = take(rows)
    table[0, C_AT] = take(6 * rows) if network.loss.outputs else -1  # one output's column of what is judged
    table[0, LOSS] = build.loss_index(network.loss, linked=network.is_linked)
    table[0, BLOCK] = rows
    table[0, [LINKED, SOFTMAX_LINK]] = (
        network.is_linked,
        network.is_linked and network.output.activation.name == "softmax",
    )
    parameters = np.zeros((L + 1, MOST_PARAMETERS), dtype=dtype)
    for l, layer in enumerate(network.layers, start=1):
        parameters[l] = padded(layer.activation)
    keep = np.array([1 / (1 - dropout) for dropout in network.dropouts], dtype=dtype)
    return Plan(table, parameters, padded(network.loss).astype(dtype).ravel(), keep, used)


def padded(row: Row) -> Array:
    """Parameter values of a row padded to MOST_PARAMETERS, float64; a line for each output if they differ."""
    given = row.values
    values = np.zeros((*given.shape[:-1], MOST_PARAMETERS))
    values[..., : given.shape[-1]] = given
    return values


def segment_tables(network: Network, optimizer: Optimizer) -> tuple[IntArray, Array]:
    """For the optimizer: (offset, size) and float64 (rate factor, decay, l1, l2) of each stretch.

    Neighbouring segments that are treated alike make one stretch.
    """
    places: list[list[int]] = []
    reals: list[tuple[float, float, float, float]] = []
    for s in network.segments:
        treated = (s.rate_factor, optimizer.weight_decay if s.decays else 0.0, s.l1, s.l2)
        if reals and reals[-1] == treated:
            places[-1][1] += s.size
        else:
            places.append([s.offset, s.size])
            reals.append(treated)
    return np.array(places, dtype=np.int64), np.array(reals)


def rule_of(optimizer: Optimizer, build: Build) -> IntArray:
    """(index of the rule among those with as many slots, number of slots)."""
    alike = [row for row in distinct_rules(build.optimizer_rows) if len(row.slots) == len(optimizer.slots)]
    index = [rule_key(row) for row in alike].index(rule_key(optimizer)) if optimizer.step else 0
    return np.array([index, len(optimizer.slots)], dtype=np.int64)
