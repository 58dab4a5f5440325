"""Losses: one row each, the value and the slope of one output of one example as text.

Every example loss is **summed over its outputs and averaged over the examples**, weights included:
C = sum_i w_i sum_j value_ij / sum_i w_i. Divide by the number of outputs to compare with a library that
averages over outputs too.

A loss owns its *link*: the output activation it is made for. With its link, value and delta = dLoss/dz
come from `linked_value` and `linked_delta`, stable forms in z that never overflow (`log_a` is the log of
the softmax). With any other activation whose range fits the loss's domain, BP1 goes the long way:
delta = slope * g'(z).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.activations import (
    Activation,
    AnyActivation,
    activations,
    check_parameters,
    like_array,
    typed_parameters,
)
from clearprop.formulas.rows import REAL_LINE, Interval, Row, Value, look_up, plain_value

Targets = Literal["numbers", "counts", "probabilities", "signs", "distribution"]

#: what a target may be -> the words for it
TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "numbers": "any finite numbers",
        "counts": "numbers from 0",
        "probabilities": "numbers from 0 to 1 (or class indices)",
        "signs": "-1 or +1 (or class indices)",
        "distribution": "rows of probabilities that sum to 1 (or class indices)",
    }
)


@dataclass(frozen=True, init=False, repr=False)
class Loss(Row):
    """A loss of one output of one example, given as text; summed over outputs, averaged over examples.

    Parameters
    ----------
    name : str
        An identifier.
    value : str
        The loss in the output `a`, the target `y` and the parameters.
    slope : str, optional
        d value / d a. Left out, SymPy finds it (extra `symbolic`).
    link : str
        Name of the output activation the loss is made for.
    linked_value, linked_delta : str
        With the link: the loss, and dLoss/dz, in `z`, `a`, `y` (and `log_a` under softmax); empty where
        the plain forms serve.
    domain : Interval or (low, high)
        Outputs for which the loss is finite.
    targets : {"numbers", "counts", "probabilities", "signs", "distribution"}
        What y may be.
    kinks : tuple of str
        Expressions that are 0 where the loss has no derivative.
    source : str
    **parameters : float or tuple of float
        Parameters with their default values; a tuple has one number for each output.

    Examples
    --------
    >>> import numpy as np
    >>> losses["half_squared_error"].value_of(np.array([0.5]), np.array([0.0]))
    array([0.125])
    >>> losses["huber"](1.5)
    Loss('huber', delta=1.5)
    """

    value: str = ""
    slope: str = ""
    link: str = "identity"
    linked_value: str = ""
    linked_delta: str = ""
    domain: Interval = REAL_LINE
    targets: Targets = "numbers"
    kinks: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        value: str,
        *,
        slope: str | None = None,
        link: str = "identity",
        linked_value: str = "",
        linked_delta: str = "",
        domain: Interval | tuple[float, float] = REAL_LINE,
        targets: Targets = "numbers",
        kinks: tuple[str, ...] = (),
        source: str = "",
        parameters: Mapping[str, Value] | tuple[tuple[str, Value], ...] = (),
        **named: Value,
    ) -> None:
        pairs = (*dict(parameters).items(), *named.items())
        pairs = tuple((key, plain_value(value)) for key, value in pairs)
        owner = f"loss {name!r}"
        check_parameters(owner, dict(pairs), reserved=("z", "a", "y", "log_a"))
        plain = frozenset({"a", "y", *dict(pairs)})
        language.require_names(value, plain, owner)
        if slope is None:
            from clearprop.formulas.symbolic import derivative_of

            slope = derivative_of(value, "a")
        language.require_names(slope, plain, f"{owner}, slope")
        if bool(linked_value) != bool(linked_delta):
            raise FormulaError(f"{owner}: linked_value and linked_delta are given together or not at all")
        if linked_value:
            language.require_names(linked_value, plain | {"z", "log_a"}, f"{owner}, linked_value")
            language.require_names(linked_delta, plain | {"z"}, f"{owner}, linked_delta")
        for kink in kinks:
            language.require_names(kink, plain, f"{owner}, kinks")
        if targets not in get_args(Targets):
            raise FormulaError(f"{owner}: targets is one of {', '.join(get_args(Targets))}, not {targets!r}")
        values = {
            "name": name,
            "parameters": pairs,
            "source": source,
            "value": value,
            "slope": slope,
            "link": link,
            "linked_value": linked_value,
            "linked_delta": linked_delta,
            "domain": domain if isinstance(domain, Interval) else Interval(*domain),
            "targets": targets,
            "kinks": tuple(kinks),
        }
        for field, given in values.items():
            object.__setattr__(self, field, given)
        self.__post_init__()

    def __call__(self, *values: Value, **named: Value) -> Loss:
        """Copy with other parameter values: `Huber(1.5)`; `Quantile((0.1, 0.9))`, one for each output."""
        return self.with_parameters(*values, **named)

    def __str__(self) -> str:
        """Value and slope of one output; summed over outputs, averaged over examples."""
        return (
            f"{self!r}: {self.value}; slope in a = {self.slope}; "
            "summed over the outputs, averaged over the examples with their weights"
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.parameters:
            low, high = _BOUNDS.get((self.name, name), (-float("inf"), float("inf")))
            for number in value if isinstance(value, tuple) else (value,):
                if not low < number < high:
                    between = f"between {low:g} and {high:g}" if high < float("inf") else f"above {low:g}"
                    raise FormulaError(f"{self.name}: {name} is {between}, and {number:g} is not")

    @property
    def takes_several(self) -> bool:
        """A parameter may be a tuple, with one number for each output: `Quantile((0.1, 0.9))`."""
        return True

    @property
    def for_classes(self) -> bool:
        """Whether 1-D targets mean class indices."""
        return self.targets in ("probabilities", "signs", "distribution")

    def is_linked(self, activation: AnyActivation) -> bool:
        """Whether the pair uses the linked forms in z."""
        return bool(self.linked_value) and self._is_made_for(activation)

    def _is_made_for(self, activation: AnyActivation) -> bool:
        """Whether an activation is the link: by its formula, as another may bear the name."""
        shipped = activations.get(self.link)
        if isinstance(shipped, Activation):
            return isinstance(activation, Activation) and activation.formula == shipped.formula
        return activation.name == self.link

    def require_fit(self, activation: AnyActivation) -> None:
        """Raise FormulaError, saying why, when the loss cannot judge this activation's outputs."""
        if self._is_made_for(activation):
            return
        if self.targets == "distribution":
            raise FormulaError(
                f"loss {self.name!r} judges probabilities that sum to 1, and {activation.name!r} gives "
                f"other outputs; use activation {self.link!r}, or loss 'binary_cross_entropy' for "
                "independent probabilities"
            )
        if not activation.range.within(self.domain):
            raise FormulaError(
                f"loss {self.name!r} is finite for outputs in {self.domain}, and {activation.name!r} gives "
                f"{activation.range}; use activation {self.link!r} for the output layer"
            )

    def value_of(self, a: Array, y: Array, numbers: language.Numbers | None = None) -> Array:
        """Loss of each output, shape of `a`: BP's C before it is summed and averaged."""
        return like_array(
            language.evaluate(self.value, {"a": a, "y": y, **typed_parameters(self, a)}, numbers), a
        )

    def slope_of(self, a: Array, y: Array, numbers: language.Numbers | None = None) -> Array:
        """dLoss/da of each output, shape of `a`."""
        return like_array(
            language.evaluate(self.slope, {"a": a, "y": y, **typed_parameters(self, a)}, numbers), a
        )

    def linked_value_of(
        self, z: Array, a: Array, y: Array, log_a: Array, numbers: language.Numbers | None = None
    ) -> Array:
        """Loss of each output through the link, shape of `z`."""
        given = {"z": z, "a": a, "y": y, "log_a": log_a, **typed_parameters(self, z)}
        return like_array(language.evaluate(self.linked_value, given, numbers), z)

    def linked_delta_of(self, z: Array, a: Array, y: Array, numbers: language.Numbers | None = None) -> Array:
        """dLoss/dz of each output through the link, shape of `z`."""
        given = {"z": z, "a": a, "y": y, **typed_parameters(self, z)}
        return like_array(language.evaluate(self.linked_delta, given, numbers), z)


#: (loss, parameter) -> what its values lie strictly between
_BOUNDS: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {("huber", "delta"): (0, float("inf")), ("quantile", "q"): (0, 1)}
)

_ROWS: tuple[Loss, ...] = (
    Loss(
        "half_squared_error",
        "(a - y)**2 / 2",
        slope="a - y",
        source="000; 004",
    ),
    Loss(
        "squared_error",
        "(a - y)**2",
        slope="2 * (a - y)",
        source="001, 002, 003 (003 prints 2(x_hat - y)^2 for the slope; the square is a slip)",
    ),
    Loss(
        "absolute_error",
        "abs(a - y)",
        slope="where(a > y, 1, where(a < y, -1, 0))",
        kinks=("a - y",),
        source="002",
    ),
    Loss(
        "binary_cross_entropy",
        "-y * log(maximum(a, 1e-30)) - (1 - y) * log(maximum(1 - a, 1e-30))",
        slope="(1 - y) / maximum(1 - a, 1e-30) - y / maximum(a, 1e-30)",
        link="sigmoid",
        linked_value="softplus(z) - y * z",
        linked_delta="a - y",
        domain=(0, 1),
        targets="probabilities",
        source="001, 002, 004",
    ),
    Loss(
        "binary_cross_entropy_bits",
        "(-y * log(maximum(a, 1e-30)) - (1 - y) * log(maximum(1 - a, 1e-30))) / log(2)",
        slope="((1 - y) / maximum(1 - a, 1e-30) - y / maximum(a, 1e-30)) / log(2)",
        link="sigmoid",
        linked_value="(softplus(z) - y * z) / log(2)",
        linked_delta="(a - y) / log(2)",
        domain=(0, 1),
        targets="probabilities",
        source="001, base 2; its delta carries the 1/ln 2 that the note drops",
    ),
    Loss(
        "cross_entropy",
        "-y * log(maximum(a, 1e-30))",
        slope="-y / maximum(a, 1e-30)",
        link="softmax",
        linked_value="-y * log_a",
        linked_delta="a - y",
        domain=(0, 1),
        targets="distribution",
        source="001, 002",
    ),
    Loss(
        "cross_entropy_bits",
        "-y * log(maximum(a, 1e-30)) / log(2)",
        slope="-y / maximum(a, 1e-30) / log(2)",
        link="softmax",
        linked_value="-y * log_a / log(2)",
        linked_delta="(a - y) / log(2)",
        domain=(0, 1),
        targets="distribution",
        source="001, base 2; its delta carries the 1/ln 2 that the note drops",
    ),
    Loss(
        "hinge",
        "maximum(1 - y * a, 0)",
        slope="where(y * a < 1, -y, 0)",
        targets="signs",
        kinks=("1 - y * a",),
        source="002",
    ),
    Loss(
        "squared_hinge",
        "maximum(1 - y * a, 0)**2",
        slope="-2 * y * maximum(1 - y * a, 0)",
        targets="signs",
        source="the square of 002's hinge",
    ),
    Loss(
        "huber",
        "where(abs(a - y) <= delta, (a - y)**2 / 2, delta * abs(a - y) - delta**2 / 2)",
        slope="maximum(minimum(a - y, delta), -delta)",
        source="002",
        delta=1.0,
    ),
    Loss(
        "kl_divergence",
        "y * log(maximum(y, 1e-30) / maximum(a, 1e-30))",
        slope="-y / maximum(a, 1e-30)",
        link="softmax",
        linked_value="y * (log(maximum(y, 1e-30)) - log_a)",
        linked_delta="a - y",
        domain=(0, 1),
        targets="distribution",
        source="002",
    ),
    Loss(
        "poisson",
        "a - y * log(maximum(a, 1e-30))",
        slope="1 - y / maximum(a, 1e-30)",
        link="exp",
        linked_value="exp(minimum(30, z)) * (1 + maximum(z - 30, 0)) - y * z",
        linked_delta="exp(minimum(30, z)) - y",
        domain=Interval(0, float("inf")),
        targets="counts",
        source="002",
    ),
    Loss(
        "quantile",
        "maximum(q * (y - a), (q - 1) * (y - a))",
        slope="where(y > a, -q, where(y < a, 1 - q, 0))",
        kinks=("a - y",),
        source="Koenker and Bassett, Econometrica 46 (1978)",
        q=0.5,
    ),
)

_CLIPPED = "minimum(maximum(a, eps), 1 - eps)"

#: losses that clip their probabilities to eps .. 1 - eps while their delta does not: what scikit-learn
#: reports and what it trains. By the name of the loss they stand for; used by the drop-in estimators alone
clipped: Mapping[str, Loss] = MappingProxyType(
    {
        row.name.removeprefix("clipped_"): row
        for row in (
            Loss(
                "clipped_cross_entropy",
                f"-y * log({_CLIPPED})",
                slope="-y / maximum(a, 1e-30)",
                link="softmax",
                linked_value=f"-y * log({_CLIPPED})",
                linked_delta="a - y",
                domain=(0, 1),
                targets="distribution",
                source="scikit-learn, sklearn/neural_network/_base.py: log_loss",
                eps=2.220446049250313e-16,
            ),
            Loss(
                "clipped_binary_cross_entropy",
                f"-y * log({_CLIPPED}) - (1 - y) * log(1 - {_CLIPPED})",
                slope="(1 - y) / maximum(1 - a, 1e-30) - y / maximum(a, 1e-30)",
                link="sigmoid",
                linked_value=f"-y * log({_CLIPPED}) - (1 - y) * log(1 - {_CLIPPED})",
                linked_delta="a - y",
                domain=(0, 1),
                targets="probabilities",
                source="scikit-learn, sklearn/neural_network/_base.py: binary_log_loss",
                eps=2.220446049250313e-16,
            ),
        )
    }
)

#: the shipped losses, by name
losses: Mapping[str, Loss] = MappingProxyType({row.name: row for row in _ROWS})


def as_loss(loss: str | Loss) -> Loss:
    """Loss of that name, or the loss itself.

    >>> as_loss("cross_entropy").link
    'softmax'
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        row: Loss = look_up(losses, loss, "a loss")
        return row
    raise FormulaError(f"a loss is a name such as 'squared_error' or a Loss, not {type(loss).__name__}")


def loss_for(activation: AnyActivation) -> Loss:
    """Loss that the notes' table pairs with an output activation, for `Network(loss=None)`.

    >>> from clearprop.formulas.activations import as_activation
    >>> loss_for(as_activation("softmax")).name
    'cross_entropy'
    """
    paired = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exp": "poisson"}
    loss = losses[paired.get(activation.name, "squared_error")]
    return loss if loss.is_linked(activation) else losses["squared_error"]


def loss_from_dict(plain: Mapping[str, Any]) -> Loss:
    """Loss from the plain data of `to_dict`.

    >>> loss_from_dict(losses["quantile"](0.9).to_dict())
    Loss('quantile', q=0.9)
    """
    given = dict(plain)
    given["domain"] = Interval.from_dict(given["domain"])
    given["kinks"] = tuple(given["kinks"])
    return Loss(**given)


#: parameterised rows under names of their own, as they stand in code
Huber = losses["huber"]
Quantile = losses["quantile"]
