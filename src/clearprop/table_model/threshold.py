"""From which probability on a row is said to be of the second class, where one half is not the best.

A network gives probabilities; a decision has costs. The threshold is the one with the least cost, or the best
metric, on rows that the network was not fitted to. Probabilities are never changed by it.

Source: Elkan, "The foundations of cost-sensitive learning", 2001; Youden, 1950.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, SpecificationError

Gain = Callable[[Array, Array, Array, Array], Array]  #: of tp, fp, fn, tn (t,); more is better


def _f1(tp: Array, fp: Array, fn: Array, tn: Array) -> Array:
    return 2 * tp / np.maximum(2 * tp + fp + fn, np.finfo(np.float64).tiny)


def _balanced(tp: Array, fp: Array, fn: Array, tn: Array) -> Array:
    tiny = np.finfo(np.float64).tiny
    return (tp / np.maximum(tp + fn, tiny) + tn / np.maximum(tn + fp, tiny)) / 2


def _youden(tp: Array, fp: Array, fn: Array, tn: Array) -> Array:
    return 2 * _balanced(tp, fp, fn, tn) - 1


#: rules by name; "cost" is made of its two costs
RULES: Mapping[str, Gain] = {"f1": _f1, "balanced_accuracy": _balanced, "youden": _youden}

_FORM = '"cost fp=1 fn=5", f1, balanced_accuracy or youden, each with positive=LABEL if wanted'


@dataclass(frozen=True)
class Rule:
    """What a threshold is chosen for; `parse_rule` reads one.

    Attributes
    ----------
    text : str
        As it was written.
    gain : callable
    positive : str or None
        Label of the class whose finding is at stake; None: the second in the order of the classes.
    """

    text: str
    gain: Gain
    positive: str | None = None


@dataclass(frozen=True)
class Threshold:
    """The second class is said from this probability of it on.

    Attributes
    ----------
    value : float
        Above 1: never.
    rule : str
    rows : int
        It was chosen on so many.
    source : {"validation", "out-of-fold"}
        Whether these chose the best epoch too, or were predicted by networks fitted to the others.
    """

    value: float
    rule: str
    rows: int
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: object) -> Threshold | None:
        """Read back what `to_dict` gave, or None; DataError when it is neither."""
        if plain is None:
            return None
        kinds = {"value": float, "rule": str, "rows": int, "source": str}
        typed = isinstance(plain, dict) and {name: type(value) for name, value in plain.items()} == kinds
        if isinstance(plain, dict) and typed and 0 <= plain["value"] <= 2:
            return cls(**plain)
        raise DataError("the target has a 'threshold' that is none; save the model again with clearprop")


def parse_rule(text: str) -> Rule:
    """Rule from how it is written.

    Raises
    ------
    SpecificationError
        When it is none of the forms.

    Examples
    --------
    >>> parse_rule("f1 positive=Not well").positive
    'Not well'
    >>> parse_rule("f2")
    Traceback (most recent call last):
        ...
    clearprop.errors.SpecificationError: the threshold's rule is "cost fp=1 fn=5", f1, balanced_accuracy or \
youden, each with positive=LABEL if wanted, not 'f2'
    """
    head, marked, positive = text.partition(" positive=")
    label = positive.strip() if marked else None
    if head.strip() in RULES and label != "":
        return Rule(text, RULES[head.strip()], label)
    words = head.split()
    matches = [re.fullmatch(r"(fp|fn)=([\d.eE+-]+)", word) for word in words[1:]]
    costs = {match[1]: match[2] for match in matches if match}
    if words[:1] == ["cost"] and len(words) == 3 and len(costs) == 2 and label != "":
        try:
            fp_cost, fn_cost = float(costs["fp"]), float(costs["fn"])
        except ValueError:
            fp_cost = fn_cost = -1.0
        if min(fp_cost, fn_cost) >= 0 and 0 < max(fp_cost, fn_cost) < np.inf:
            return Rule(text, lambda tp, fp, fn, tn: -(fp_cost * fp + fn_cost * fn), label)
    raise SpecificationError(f"the threshold's rule is {_FORM}, not {text!r}")


def require_two(rule: Rule, classes: Sequence[Any]) -> None:
    """Raise SpecificationError unless there are two classes, the rule's positive one among them."""
    if len(classes) != 2:
        there = f"{len(classes)} classes" if classes else "numbers"
        raise SpecificationError(f"a threshold decides between two classes, and the target is {there}")
    if rule.positive is not None and rule.positive not in map(str, classes):
        listed = " and ".join(repr(str(label)) for label in classes)
        raise SpecificationError(f"the threshold's positive class {rule.positive!r} is none of {listed}")


def best_threshold(
    rule: Rule, classes: Sequence[Any], y: IntArray, p: Array, weights: Array | None = None
) -> float:
    """The threshold on p that serves the rule best; among equals the nearest to one half.

    Parameters
    ----------
    y : ndarray of int64 (m,)
        True classes, 0 or 1.
    p : ndarray (m,)
        Probability of class 1.
    weights : ndarray (m,), optional

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.3, 0.9])
    >>> best_threshold(parse_rule("cost fp=1 fn=5"), ("no", "yes"), np.array([0, 1, 0, 1]), p)
    0.15000000000000002
    """
    require_two(rule, classes)
    weights = np.ones(len(y)) if weights is None else weights
    values, place = np.unique(np.asarray(p, dtype=np.float64), return_inverse=True)
    ones, zeros = (np.bincount(place, weights * (y == k), len(values)) for k in (1, 0))
    between = (values[:-1] + values[1:]) / 2
    between = np.where(between > values[:-1], between, values[1:])  # floats side by side
    cuts = np.array([values[0] / 2, *between, (values[-1] + 1) / 2 if values[-1] < 1 else 2.0])
    hit = np.concatenate([np.cumsum(ones[::-1])[::-1], [0.0]])  # of class 1 at or above each cut
    false = np.concatenate([np.cumsum(zeros[::-1])[::-1], [0.0]])
    half = np.searchsorted(values, 0.5)  # rows at or above one half are those above this cut
    cuts[half] = 0.5
    tp, fp, fn, tn = hit, false, hit[0] - hit, false[0] - false
    if rule.positive is not None and rule.positive == str(classes[0]):
        tp, fp, fn, tn = tn, fn, fp, tp
    gains = rule.gain(tp, fp, fn, tn)
    best = np.flatnonzero(gains >= gains.max() - 1e-12 * max(abs(gains.max()), 1.0))
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])
