"""How a table is learnt: `Settings`, and what its "auto" means for so many rows.

The defaults are to hold from 100 to 100,000 rows without tuning; `benchmarks/tabular_defaults.py` compares
them with scikit-learn's. What makes them hold is the weight decay: it falls with the number of rows, as the
weight of a fixed prior does beside the data, so a small table is fitted by a nearly linear network and a
large one by whatever its data ask for. No rows are held out of a small table: they teach more than they
judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, as_loss, losses
from clearprop.formulas.optimizers import Optimizer, as_optimizer
from clearprop.formulas.schedules import Schedule, schedules
from clearprop.metrics import as_metric
from clearprop.specification import Dense, Network
from clearprop.table_model.threshold import parse_rule, require_two
from clearprop.tables import Target
from clearprop.training.stopping import require_whole

Auto: TypeAlias = Literal["auto"]

PEAK_RATE = 3e-3  #: learning rate of AdamW after its warm-up
MOST_DECAY, ROWS_OF_DECAY = 1.5, 1000  #: weight decay is 1000 / rows, at most 1.5
FEWEST_STEPS, MOST_STEPS, FEWEST_EPOCHS = 2000, 4000, 10
SMALLEST_BATCH, LARGEST_BATCH, ROWS_PER_BATCH = 32, 256, 100
VALIDATED_ROWS, VALIDATION = 10_000, 0.1  #: from so many rows, such a share judges the epochs
LBFGS_ITERATIONS = 200


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a network is built for a table and trained on it.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers; empty for linear, logistic or softmax regression.
    activation : str or row
        Of the hidden layers.
    loss : str or Loss, optional
        None: cross-entropy for classes, squared error for numbers. Numbers are standardised, so a
        parameter such as Huber's delta counts standard deviations; `poisson` takes counts as they are.
    optimizer : str or Optimizer
        A name is trained with a cosine schedule; an object, such as `Adam(1e-3)`, as it is.
    learning_rate : float or Schedule, optional
        For an optimizer given by name; a number is the peak of the schedule. None: 0.003 for `adamw`, the
        row's own value for others.
    weight_decay : float, optional
        For an optimizer given by name. None: 1000 / rows, at most 1.5, for `adamw`; none for others.
    dropout : float
        Chance, below 1, that a hidden unit is dropped in training.
    l1, l2 : float
        Penalty l2/2 |W|^2 + l1 |W|_1 in the loss.
    batch_size : int or "auto"
        "auto": a power of two near rows / 100, from 32 to 256.
    epochs : int or "auto"
        "auto": 2000 to 4000 steps, and 10 epochs at least.
    validation : float, "auto" or None
        Share of the training rows held out to choose the best epoch; "auto": 0.1 from 10,000 rows, or
        where there is a `metric`.
    metric : str, optional
        What the best epoch and `patience` go by on these rows, in place of the loss: accuracy, log_loss or
        roc_auc for classes; rmse, mae or r2 for numbers.
    patience : int, optional
        Stop after so many epochs without progress (on the validation rows, where there are some).
    threshold : str, optional
        For two classes: `predict` says the second from the probability on that is best for "f1",
        "balanced_accuracy", "youden" or a cost such as "cost fp=1 fn=5", on the validation rows or, where
        these are fewer than 200, out of fold. " positive=LABEL" behind it names the class to be found, if it
        is not the second.
    class_weight : mapping from label (or its text) to weight, or "balanced", optional
    label_smoothing : float
    seed : int
        The one seed: rows held out, first weights, order of the rows, dropout. The order in which a table's
        rows are written changes nothing.
    time_budget : float, optional
        Seconds of training, at most; of each member of an ensemble.
    ensemble : int
        Networks trained from seeds of their own (derived from the one seed) on the same rows; they stand side
        by side in one network that averages what their last layers make.
    dtype : {"float32", "float64"}

    Examples
    --------
    >>> Settings(hidden=(8,)).weight_decay_for(500), Settings().batch_size_for(30_000)
    (1.5, 256)
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str | AnyActivation = "silu"
    loss: str | Loss | None = None
    optimizer: str | Optimizer = "adamw"
    learning_rate: float | Schedule | None = None
    weight_decay: float | None = None
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    batch_size: int | Auto = "auto"
    epochs: int | Auto = "auto"
    validation: float | Auto | None = "auto"
    metric: str | None = None
    patience: int | None = None
    threshold: str | None = None
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None
    label_smoothing: float = 0.0
    seed: int = 0
    time_budget: float | None = None
    ensemble: int = 1
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise SpecificationError(f"dtype is float32 or float64, not {self.dtype!r}")
        seed = self.seed
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
            raise SpecificationError(f"seed is a whole number from 0 to below 2**64, not {seed!r}")
        require_whole("ensemble", self.ensemble)
        hidden: Any = self.hidden
        if isinstance(hidden, str) or not isinstance(hidden, Iterable):
            raise SpecificationError(
                f"hidden lists the widths of the hidden layers, such as (64, 64) or (8,), not {hidden!r}"
            )

    def network(self, inputs: int, target: Target) -> Network:
        """Network for so many features and that target.

        Raises
        ------
        SpecificationError, FormulaError
            When the loss does not judge what the target is, or a setting is out of range.
        """
        loss = self.loss_for(target)
        outputs = len(target.classes) or len(target.columns)
        if outputs == 2 and target.task == "classes" and loss.targets != "distribution":
            outputs = 1
        hidden = [Dense(units, self.activation, dropout=self.dropout) for units in self.hidden]  # type: ignore[arg-type]
        output = Dense(outputs, loss.link)  # type: ignore[arg-type]
        return Network(inputs, (*hidden, output), loss, l1=self.l1, l2=self.l2)

    def loss_for(self, target: Target) -> Loss:
        """Loss row for that target."""
        classes = target.task == "classes"
        if self.loss is None:
            paired = "binary_cross_entropy" if len(target.classes) == 2 else "cross_entropy"
            return losses[paired if classes else "squared_error"]
        loss = as_loss(self.loss)
        if loss.for_classes != classes:
            fitting = ", ".join(name for name, row in losses.items() if row.for_classes == classes)
            other = "numbers" if classes else "classes"
            raise SpecificationError(
                f"loss {loss.name!r} judges {other}, and the target {', '.join(target.columns)} is read as "
                f"{target.task}; losses for {target.task}: {fitting}"
            )
        return loss

    def optimizer_for(self, rows: int) -> Optimizer:
        """Optimizer for so many training rows.

        >>> Settings().optimizer_for(4000)
        AdamW(Schedule('cosine', rate=0.003, warmup=0.05, final=0), weight_decay=0.25)
        """
        row = as_optimizer(self.optimizer)
        if isinstance(self.optimizer, Optimizer):
            for name in ("learning_rate", "weight_decay"):
                if getattr(self, name) is not None:
                    raise SpecificationError(
                        f"{name} is part of the optimizer {row!r} that was given; set it there, or give the "
                        "optimizer by name"
                    )
            return row
        if not row.step:
            if self.learning_rate is not None or self.weight_decay is not None:
                raise SpecificationError(f"{row.name} takes no learning rate and no weight decay; use l2")
            return row
        rate = self.learning_rate
        if rate is None:
            rate = PEAK_RATE if row.name == "adamw" else row.learning_rate["rate"]
        schedule = rate if isinstance(rate, Schedule) else schedules["cosine"](rate)
        return row(schedule, weight_decay=self.weight_decay_for(rows))

    def weight_decay_for(self, rows: int) -> float:
        """Weight decay for so many training rows."""
        if self.weight_decay is not None:
            return self.weight_decay
        return min(MOST_DECAY, ROWS_OF_DECAY / rows) if self.optimizer == "adamw" else 0.0

    def batch_size_for(self, rows: int) -> int:
        """Batch size for so many training rows."""
        if self.batch_size != "auto":
            return self.batch_size
        near = 2 ** int(np.log2(max(rows / ROWS_PER_BATCH, 1)))
        return min(max(near, SMALLEST_BATCH), LARGEST_BATCH)

    def epochs_for(self, rows: int) -> int:
        """Epochs for so many training rows.

        >>> [Settings().epochs_for(rows) for rows in (100, 1000, 10_000, 100_000)]
        [500, 63, 26, 11]
        """
        if self.epochs != "auto":
            return self.epochs
        if not as_optimizer(self.optimizer).step:
            return LBFGS_ITERATIONS
        steps = min(max(2 * rows, FEWEST_STEPS), MOST_STEPS)
        size = self.batch_size_for(rows)
        a_epoch = -(-rows // size) if isinstance(size, int) and size > 0 else 1
        return max(-(-steps // a_epoch), FEWEST_EPOCHS)

    def validation_for(self, rows: int) -> float | None:
        """Share of so many training rows that judges the epochs, or None."""
        if self.validation == "auto":
            return VALIDATION if rows >= VALIDATED_ROWS or self.metric is not None else None
        return self.validation

    def class_weight_for(self, target: Target) -> dict[int, float] | Literal["balanced"] | None:
        """Class weights by class index.

        Raises
        ------
        SpecificationError
            When the target is numbers, or a label is none of its classes.
        """
        if self.class_weight is None:
            return None
        if target.task != "classes":
            raise SpecificationError(
                f"class_weight weighs classes, and the target {', '.join(target.columns)} is read as numbers"
            )
        if isinstance(self.class_weight, str):
            return self.class_weight
        known = list(target.classes)
        weights: dict[int, float] = {}
        for label, weight in self.class_weight.items():
            places = [k for k, own in enumerate(known) if label in (own, str(own))]
            if not places:
                listed = ", ".join(map(str, known[:10])) + (", ..." if len(known) > 10 else "")
                raise SpecificationError(f"class_weight has the label {label!r}; the classes are {listed}")
            weights[places[0]] = weight
        return weights

    def require_fit(self, rows: int, target: Target) -> None:
        """Raise SpecificationError when a setting does not fit the target, before anything is trained."""
        self.optimizer_for(rows), self.class_weight_for(target)
        share = self.validation_for(rows)
        if share is not None and not (isinstance(share, float | np.floating) and 0 < share < 1):
            raise SpecificationError(
                f'validation is a fraction between 0 and 1, "auto" or None, not {self.validation!r}'
            )
        if self.metric is not None:
            as_metric(self.metric, self.loss_for(target))
        if self.threshold is not None:
            require_two(parse_rule(self.threshold), target.classes)
            if (loss := self.loss_for(target)).targets == "signs":
                raise SpecificationError(
                    f"loss {loss.name!r} gives scores, not probabilities that a threshold could be put on; "
                    "use another loss"
                )

    def with_seed(self, seed: int) -> Settings:
        """The same settings with another seed."""
        return replace(self, seed=seed)
