"""The plan: where in flat memory each number of some rows lies, as one table of integers for the kernels.

Row l of the table belongs to layer l = 0..L (0 are the inputs); settings of the whole network stand in
row 0. Every array of a plan has a line for each of `rows` examples.

How a batch is cut follows from the network and the batch alone. A *wide* batch is one piece: rows are shared
out to go through the layers and back, then units to sum their gradients over all rows. A *tall* one, many
rows of a small network, is cut into fixed blocks whose gradients are added in the order of the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.builds import Build, activation_key, distinct_rules, rule_key
from clearprop.engines.dropout import layer_key, threshold
from clearprop.engines.tiles import panel_width
from clearprop.formulas.activations import MOST_PARAMETERS, Activation, as_activation
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.rows import Row
from clearprop.specification import Network

# Columns of every layer: sizes, the activation, where W, b and the packed W lie, where rows' numbers lie.
UNITS, ROWS, PIECES, ACTIVATION, W_AT, B_AT, PACKED_AT = range(7)
X_AT, Z_AT, A_AT, DELTA_AT, UPSTREAM_AT, FACTORS_AT, PANELS_AT = range(7, 14)
HAS_MASK, KEY, THRESHOLD = range(14, 17)
# Columns of row 0.
CAPACITY, LOSS, LINKED, SOFTMAX_LINK, Y_AT, LOG_AT, SCALE_AT, VALUE_AT, TOTALS_AT, COLUMNS_AT = range(17, 27)
N_COLUMNS = 27

#: in ACTIVATION, where it is not the index of an elementwise row
SOFTMAX, MAXOUT, MONOTONE = -1, -2, -3
_COUPLED = {"softmax": SOFTMAX, "maxout": MAXOUT, "monotone": MONOTONE}

READ_IN_PLACE = 128  #: numbers of a row up to which tiles read a matrix as it is
_MANY_UNITS = 48  #: that read a row, from which on wider rows are copied into panels
MOST_UNITS = 256  #: of a task
_TASK_BYTES = 1 << 20  #: of a task's gradient: it should still be in the cache when they take their step
_CACHE_BYTES = 1 << 20  #: what a block may take; half of the second-level cache of today's CPUs
_MOST_BYTES = 1 << 26  #: what the rows of a wide batch may take at once
_FEWEST, _MOST = 256, 4096  #: rows of a block


def numbers_of_a_row(network: Network) -> int:
    """Numbers that an example takes on its way through the layers and back."""
    return network.inputs + sum(
        3 * layer.rows + 2 * width for width, layer in zip(network.widths[1:], network.layers, strict=True)
    )


def _power_of_two(rows: float) -> int:
    return int(min(max(2 ** int(np.log2(max(rows, 1))), _FEWEST), _MOST))


def block_rows(network: Network, itemsize: int) -> int:
    """Rows of a block: a power of two, so that a block's numbers fit the cache where possible."""
    return _power_of_two(_CACHE_BYTES // (numbers_of_a_row(network) * itemsize))


def is_tall(network: Network, m: int, itemsize: int) -> bool:
    """Whether a batch of m rows is cut into blocks with gradients of their own."""
    rows = block_rows(network, itemsize)
    return m >= 4 * rows and 4 * network.n_parameters <= rows * numbers_of_a_row(network)


def most_rows(network: Network, itemsize: int) -> int:
    """Rows of a wide batch that are in memory at once."""
    return _power_of_two(_MOST_BYTES // (numbers_of_a_row(network) * itemsize))


@dataclass
class Plan:
    """The kernels' tables for one network and number of rows."""

    table: IntArray  #: (L + 1, N_COLUMNS)
    parameters: Array  #: (L + 1, MOST_PARAMETERS), of each layer's activation
    loss_parameters: Array  #: (MOST_PARAMETERS,), or so many for each output
    keep: Array  #: (L + 1,), 1 / (1 - dropout)
    space: int  #: numbers of working memory
    packed: int  #: numbers of the packed weights

    @property
    def rows(self) -> int:
        """Rows that the working memory holds."""
        return int(self.table[0, CAPACITY])

    def set_dropout_keys(self, seed: int, epoch: int) -> None:
        """Keys of an epoch's masks."""
        for l in range(len(self.table)):
            if self.table[l, HAS_MASK]:
                self.table[l, KEY] = layer_key(seed, epoch, l)


class _Memory:
    """Hands out pieces of flat memory; each starts on a cache line."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, numbers: int) -> int:
        at = self.used
        self.used += -(-numbers // 16) * 16
        return at


def make_plan(network: Network, build: Build, dtype: np.dtype[np.generic], rows: int) -> Plan:
    """Lay out working memory for `rows` examples."""
    L = network.depth
    table = np.full((L + 1, N_COLUMNS), -1, dtype=np.int64)
    memory, packed = _Memory(), _Memory()
    table[0, UNITS] = network.inputs
    table[:, HAS_MASK] = [dropout > 0 for dropout in network.dropouts]
    table[:, THRESHOLD] = [threshold(dropout) for dropout in network.dropouts]
    for segment in network.segments:
        table[segment.layer, W_AT if segment.kind == "W" else B_AT] = segment.offset
    table[1, X_AT] = memory.take(rows * network.inputs)
    known = [activation_key(row) for row in build.activation_rows]
    panel = panel_width(dtype.itemsize)
    for l, layer in enumerate(network.layers, start=1):
        row = layer.activation
        if row.name == "maxout" and row.pieces == 1:
            row = as_activation("identity")  # the largest of one
        table[l, [UNITS, ROWS, PIECES]] = layer.units, layer.rows, row.pieces
        coupled = _COUPLED.get(row.name, 0)
        table[l, ACTIVATION] = known.index(activation_key(row)) if isinstance(row, Activation) else coupled
        n_in = network.widths[l - 1]
        table[l, PACKED_AT] = packed.take(n_in * -(-layer.rows // panel) * panel)
        if n_in > READ_IN_PLACE and layer.rows >= _MANY_UNITS:
            table[l, PANELS_AT] = memory.take(rows * -(-n_in // panel) * panel)
        table[l, Z_AT] = memory.take(rows * layer.rows)
        table[l, A_AT] = memory.take(rows * layer.units)
        table[l, DELTA_AT] = memory.take(rows * layer.rows)
        table[l, UPSTREAM_AT] = (
            table[l, DELTA_AT] if layer.rows == layer.units else memory.take(rows * layer.units)
        )
        if l < L:
            table[l + 1, X_AT] = memory.take(rows * layer.units) if layer.dropout else table[l, A_AT]
    for l in range(L + 1):
        table[l, FACTORS_AT] = memory.take(rows * network.widths[l]) if table[l, HAS_MASK] else -1
    n_out = network.widths[L]
    table[0, [Y_AT, VALUE_AT]] = memory.take(rows * n_out), memory.take(rows * n_out)
    table[0, LOG_AT] = memory.take(rows * max(network.widths))
    table[0, TOTALS_AT] = memory.take(2 * rows)
    table[0, SCALE_AT] = memory.take(rows)
    # one output's column of what is judged, where outputs have parameters of their own
    table[0, COLUMNS_AT] = memory.take(6 * rows) if network.loss.outputs else -1
    table[0, LOSS] = build.loss_index(network.loss, linked=network.is_linked)
    table[0, CAPACITY] = rows
    table[0, [LINKED, SOFTMAX_LINK]] = (
        network.is_linked,
        network.is_linked and network.output.activation.name == "softmax",
    )
    parameters = np.zeros((L + 1, MOST_PARAMETERS), dtype=dtype)
    for l, layer in enumerate(network.layers, start=1):
        parameters[l] = padded(layer.activation)
    keep = np.array([1 / (1 - dropout) for dropout in network.dropouts], dtype=dtype)
    judged = padded(network.loss).astype(dtype).ravel()
    return Plan(table, parameters, judged, keep, memory.used, packed.used)


def padded(row: Row) -> Array:
    """Parameter values of a row padded to MOST_PARAMETERS, float64; a line for each output if they differ."""
    given = row.values
    values = np.zeros((*given.shape[:-1], MOST_PARAMETERS))
    values[..., : given.shape[-1]] = given
    return values


def segment_table(network: Network, optimizer: Optimizer) -> Array:
    """For the optimizer: float64 (rate factor, decay, l1, l2) of W[l] in row 2 l and of b[l] in 2 l + 1."""
    table = np.zeros((2 * network.depth + 2, 4))
    for s in network.segments:
        decay = optimizer.weight_decay if s.decays else 0.0
        table[2 * s.layer + (s.kind == "b")] = s.rate_factor, decay, s.l1, s.l2
    return table


def unit_tasks(network: Network, itemsize: int, threads: int) -> IntArray:
    """(layer, first unit, last unit) of the tasks that sum gradients and take the optimizer's step.

    Their cut is free, since every number is computed alike wherever it lies; units go by whole panels.
    """
    panel = panel_width(itemsize)
    tasks = []
    for l, layer in enumerate(network.layers, start=1):
        panels = -(-layer.rows // panel)
        most = min(max(_TASK_BYTES // itemsize // network.widths[l - 1] // panel, 1) * panel, MOST_UNITS)
        share = min(-(-panels // threads) * panel, most)
        tasks += [(l, j, min(j + share, layer.rows)) for j in range(0, layer.rows, share)]
    return np.array(tasks, dtype=np.int64)


def rule_of(optimizer: Optimizer, build: Build) -> IntArray:
    """(index of the rule among those with as many slots, number of slots)."""
    alike = [row for row in distinct_rules(build.optimizer_rows) if len(row.slots) == len(optimizer.slots)]
    index = [rule_key(row) for row in alike].index(rule_key(optimizer)) if optimizer.step else 0
    return np.array([index, len(optimizer.slots)], dtype=np.int64)
