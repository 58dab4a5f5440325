"""Whether a replay is the run: its data made again and held against digests, its parameters compared."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.environment import cpu_name, versions
from clearprop.errors import DataError, SpecificationError
from clearprop.specification import Network
from clearprop.training.run import RunRecord, digest
from clearprop.training.validation import TrainingData, prepare
from clearprop.training.weighting import ClassWeight


def data_of_run(
    network: Network,
    record: RunRecord,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
) -> TrainingData:
    """The run's training examples, made again from what the user gives; DataError if they are others."""
    if record.shards > 1:
        raise SpecificationError(
            f"the run was dealt to {record.shards} shards by the row groups of its files, and what is given "
            "here has none; fit_distributed with the same files and settings computes it again"
        )
    if not record.data or not record.digests:
        raise SpecificationError("the run kept no digests (an older clearprop trained it); train it again")
    plain = record.class_weight
    by_class: ClassWeight | None = "balanced" if plain == "balanced" else None
    if isinstance(plain, Mapping):
        by_class = {int(k): weight for k, weight in plain.items()}
    data = prepare(
        network,
        X,
        Y,
        record.dtype,
        seed=record.seed,
        validation=record.validation_fraction,
        sample_weight=sample_weight,
        class_weight=by_class,
        label_smoothing=record.label_smoothing,
    )
    found = data.training
    if digest(found.X, found.Y, found.weights) == record.data:
        return data
    if record.weighted != (sample_weight is not None):
        had = "had" if record.weighted else "had no"
        raise DataError(f"the run {had} weights of examples; give the same sample_weight as to train")
    count = len(found) + (0 if data.held_out is None else len(data.held_out))
    wanted = record.rows + (record.held_out if record.validation_fraction is not None else 0)
    raise DataError(
        f"these are not the examples of the run ({count} rows here, {wanted} there"
        f"{'; as many, but other numbers or another order' if count == wanted else ''}); "
        "give the data and their weights as they were given to train"
    )


class BitCheck:
    """Compares parameters with the digests of the run, and knows what has changed since."""

    def __init__(self, record: RunRecord) -> None:
        self.digests = record.digests
        now = {**versions(), "CPU": cpu_name()}
        then = {**record.versions, "CPU": record.cpu}
        changed = [f"{n} {then.get(n, '?')} then, {now[n]} now" for n in now if now[n] != then.get(n)]
        self.notice = f"bits may differ: {'; '.join(changed)}" if changed else ""
        self.verified: list[int] = []
        self.differing: list[int] = []

    def note(self, epoch: int, theta: Array) -> None:
        """Compare the parameters at the end of an epoch (0: at the start)."""
        if epoch >= len(self.digests):
            return
        if digest(theta) == self.digests[epoch]:
            self.verified.append(epoch)
            return
        self.differing.append(epoch)
        where = f"after epoch {epoch}" if epoch else "at the start"
        if not self.notice:
            raise DataError(
                f"the replayed parameters are not the run's {where}, though data, CPU and libraries are: was "
                "a formula, the specification or the record changed since?"
            )
        if len(self.differing) == 1:
            warnings.warn(f"the replayed bits differ {where}; {self.notice}", UserWarning, stacklevel=5)
