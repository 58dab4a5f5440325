"""The options of every verb that trains on a table: what is learnt, from which rows, and by which network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from clearprop.cli.config import read_config
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import optimizers

if TYPE_CHECKING:
    from clearprop.table_model.settings import Settings

_TRAINABLE = [name for name, row in activations.items() if not row.refuses_training]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What the user says about learning; None where it is to be found out, or not wanted."""

    target: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="To predict; may be repeated for number columns.")
    ]
    task: Annotated[
        str | None, typer.Option(metavar="classes|numbers", help="Overrules how the target is read.")
    ] = None
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="No feature; may be repeated.")
    ] = None
    weight: Annotated[str | None, typer.Option(metavar="COLUMN", help="Weights of the rows; no feature.")] = (
        None
    )
    group: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Rows alike in it are never parted by a split; no feature."),
    ] = None
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Dates or numbers: the latest rows are held out; no feature."),
    ] = None
    hidden: Annotated[
        str, typer.Option(metavar="WIDTHS", help='Hidden layers, such as 64,64; "none" for none.')
    ] = "64,64"
    activation: Annotated[
        str, typer.Option(metavar="NAME", help=f"Of the hidden layers: {', '.join(_TRAINABLE)}.")
    ] = "silu"
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"By default the task's own; {', '.join(losses)}.")
    ] = None
    optimizer: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(optimizers)}.")] = "adamw"
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the cosine schedule.")] = None
    weight_decay: Annotated[
        float | None, typer.Option(help="By default 1000 / rows, at most 1.5, for adamw.")
    ] = None
    epochs: Annotated[int | None, typer.Option(help="By default 2000 to 4000 steps.")] = None
    batch_size: Annotated[int | None, typer.Option(help="By default 32 to 256, by rows.")] = None
    dropout: Annotated[float, typer.Option(help="Of the hidden units.")] = 0.0
    l1: Annotated[float, typer.Option(help="Penalty on the absolute weights.")] = 0.0
    l2: Annotated[float, typer.Option(help="Penalty on the squared weights.")] = 0.0
    label_smoothing: Annotated[float, typer.Option(help="Mixed into class targets.")] = 0.0
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of training rows that chooses the best epoch; 0.1 from 10,000 rows or for --metric."
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What they choose by, in place of the loss: accuracy, log_loss, roc_auc; rmse, mae, r2.",
        ),
    ] = None
    patience: Annotated[
        int | None,
        typer.Option(help="Epochs without progress (of metric or validation loss, else loss) to stop after."),
    ] = None
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help='Of two classes, the second is said from the probability on that is best for "cost fp=1 '
            'fn=5", f1, balanced_accuracy or youden; "f1 positive=LABEL" names the class to find.',
        ),
    ] = None
    class_weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=WEIGHT", help='Of a class, may be repeated; or "balanced", to weigh classes alike.'
        ),
    ] = None
    seed: Annotated[int, typer.Option(help="The one seed of everything drawn.")] = 0
    time_budget: Annotated[float | None, typer.Option(help="Seconds of training, at most.")] = None
    ensemble: Annotated[
        int, typer.Option(help="Networks from seeds of their own, averaged; one network in the model file.")
    ] = 1
    dtype: Annotated[str, typer.Option(metavar="float32|float64", help="To compute in.")] = "float32"
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Options by their long names, as --show-config writes them; those given here overrule it.",
            callback=read_config,
            is_eager=True,
        ),
    ] = None

    def rows(self) -> dict[str, Any]:
        """Which rows and columns are learnt, as `plan_table` is given them."""
        return {
            "task": cast(Literal["classes", "numbers"] | None, self.task),
            "exclude": self.exclude or (),
            "sample_weight": self.weight,
            "groups": self.group,
            "time": self.time,
        }

    def settings(self) -> Settings:
        """Network and training."""
        from clearprop.table_model.settings import Settings

        return Settings(
            hidden=_widths(self.hidden),
            activation=self.activation,
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            l1=self.l1,
            l2=self.l2,
            batch_size="auto" if self.batch_size is None else self.batch_size,
            epochs="auto" if self.epochs is None else self.epochs,
            validation="auto" if self.validation is None else self.validation or None,
            metric=self.metric,
            patience=self.patience,
            threshold=self.threshold,
            ensemble=self.ensemble,
            class_weight=_class_weights(self.class_weight or []),
            label_smoothing=self.label_smoothing,
            seed=self.seed,
            time_budget=self.time_budget,
            dtype=self.dtype,
        )


def _widths(hidden: str) -> tuple[int, ...]:
    """Widths of the hidden layers from "64,64"."""
    if hidden.strip().lower() in ("none", "0", ""):
        return ()
    try:
        return tuple(int(width) for width in hidden.split(","))
    except ValueError:
        raise SpecificationError(
            f'--hidden is widths such as 64 or 64,64, or "none", not {hidden!r}'
        ) from None


def _class_weights(given: list[str]) -> dict[str, float] | Literal["balanced"] | None:
    """Weights by label from ["no=1", "yes=5"]."""
    if given in ([], ["balanced"]):
        return "balanced" if given else None
    weights = {}
    for pair in given:
        label, _, weight = pair.rpartition("=")
        try:
            weights[label] = float(weight)
        except ValueError:
            label = ""
        if not label:
            raise SpecificationError(
                f'--class-weight is "balanced", or LABEL=WEIGHT such as yes=5, not {pair!r}'
            ) from None
    return weights
