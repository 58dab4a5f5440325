"""What the run's own optimizer makes of one row's gradient, from all that it remembers, and its equation.

The step is taken in float64 by the textbook's own update, on copies, so the numbers that stand in the
equation belong to each other to the last digit that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.protocol import OptimizerState
from clearprop.engines.textbook import Textbook
from clearprop.formulas import mathml
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.html import MathmlWriter
from clearprop.glassbox.render.lines import Line
from clearprop.glassbox.whole_pass import WholePass
from clearprop.specification import Parameters
from clearprop.web.bench.coming import Coming
from clearprop.web.bench.parameters import place_of

_LETTERS: Mapping[str, str] = {
    "rate": "<mi>η</mi>",
    "momentum": "<mi>μ</mi>",
    "rho": "<mi>ρ</mi>",
    "correction1": "<msub><mi>c</mi><mn>1</mn></msub>",
    "correction2": "<msub><mi>c</mi><mn>2</mn></msub>",
}


@dataclass(frozen=True, eq=False)
class OwnStep:
    """A step of the run's own optimizer on one row alone.

    Attributes
    ----------
    rule : Optimizer
    t : int
        Number of the step, from 1.
    rate : float
    gradient : Parameters
        Of the row, penalties included, before it is clipped.
    kept : float
        Share of the gradient that clipping leaves.
    before, after : Parameters
        float64.
    slots_before, slots_after : ndarray (MOST_SLOTS, n_parameters)
    """

    rule: Optimizer
    t: int
    rate: float
    gradient: Parameters
    kept: float
    before: Parameters
    after: Parameters
    slots_before: Array = field(repr=False)
    slots_after: Array = field(repr=False)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is theta - rate * gradient and nothing more."""
        return (
            self.rule.step == optimizers["sgd"].step
            and not self.rule.slots
            and self.rule.weight_decay == 0
            and self.kept == 1
        )


def own_step(seen: WholePass, coming: Coming) -> OwnStep:
    """The step on the row of a pass, whose targets are known; nothing that is given changes.

    >>> from clearprop.engines.protocol import OptimizerState
    >>> from clearprop.formulas.optimizers import Momentum
    >>> from clearprop.glassbox.whole_pass import whole_pass
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(1, [Dense(1)])
    >>> seen = whole_pass(net, Parameters(net, np.array([1.0, 0.0])), [[2.0]], [[1.0]])
    >>> state = OptimizerState.fresh(net, "float64")
    >>> state.slots[0] = 0.25
    >>> own_step(seen, Coming(Momentum(0.5), state, 0.5)).after.flat  # W + 0.9 * 0.25 - 0.5 * 4, and b
    array([-0.775, -0.775])
    """
    network, rule = seen.network, coming.rule
    assert coming.rate is not None  # noqa: S101 - asked for of rules with steps alone
    assert seen.Y is not None  # noqa: S101 - rows have targets
    assert seen.gradient is not None  # noqa: S101
    book = Textbook(network, np.float64, rule)
    state = OptimizerState(coming.state.slots.astype(np.float64), coming.state.t)
    before, slots = seen.theta.flat.astype(np.float64), state.slots.copy()
    theta = before.copy()
    with np.errstate(all="ignore"):  # of a run that diverged
        _, gradient = book.gradient_sum(theta, seen.X, seen.Y, np.ones(1))
        book.update(theta, gradient, state, coming.rate)
        norm = float(np.sqrt((seen.gradient.flat.astype(np.float64) ** 2).sum()))
    kept = rule.clip_norm / norm if rule.clip_norm is not None and norm > rule.clip_norm else 1.0
    return OwnStep(
        rule,
        state.t,
        coming.rate,
        seen.gradient,
        kept,
        Parameters(network, before),
        Parameters(network, theta),
        slots,
        state.slots,
    )


def equations(step: OwnStep, q: Quantity) -> Iterator[Line]:
    """The rule for one weight or bias as lines of MathML: symbols, the numbers put in, and the value."""
    network, rule, writer = step.before.network, step.rule, MathmlWriter()
    place = place_of(network, q.text)
    assert place is not None  # noqa: S101 - a weight or a bias
    segment = next(s for s in network.segments if s.offset <= place < s.stop)
    symbols: dict[str, str] = {**_LETTERS, "theta": q.mathml}
    values: dict[str, float] = {**{name: rule[name] for name in rule.parameter_names}, "t": step.t}

    def line(name: str, text: str, value: float, why: str, *, becomes: bool = False) -> Line:
        numbers = {each: writer.number(there, bracketed=True) for each, there in values.items()}
        numbers["t"] = mathml.number(str(step.t))  # every digit
        put_in = [writer.formula(text, numbers)]
        values[name] = value
        letter = symbols.get(name) or mathml.identifier(name)
        return Line(letter, [writer.formula(text, symbols)], put_in, writer.number(value), why, becomes)

    values["slope"], values["kept"] = float(step.gradient.flat[place]), step.kept
    symbols["slope"] = replace(q, kind="dW" if q.kind == "W" else "db").mathml
    symbols["kept"] = writer.number(step.kept)
    why = "of this row alone" + ("" if step.kept == 1 else f", clipped at norm {rule.clip_norm:g}")
    yield line("g", "slope" if step.kept == 1 else "kept * slope", step.kept * values["slope"], why)
    rate = step.rate * segment.rate_factor
    shown = writer.number(rate)
    values["rate"] = rate
    yield Line(symbols["rate"], [shown], [shown], shown, f"learning rate of step {step.t:,}")
    for (name, text), value in zip(rule.scalars, rule.scalar_values(step.t)[0], strict=True):
        yield line(name, text, float(value), "for the start at 0")
    values["theta"] = float(step.before.flat[place])
    if segment.decays and rule.weight_decay:
        values["decay"] = rule.weight_decay
        symbols["decay"] = "<mi>λ</mi>"
        shrunk = values["theta"] * (1 - rate * rule.weight_decay)
        yield replace(
            line("theta", "theta * (1 - rate * decay)", shrunk, "weight decay"), symbol="<mi>θ</mi>"
        )
        symbols["theta"] = "<mi>θ</mi>"
    for i, (name, text) in enumerate(rule.slots):
        values[name] = float(step.slots_before[i, place])
        yield line(name, text, float(step.slots_after[i, place]), "remembered", becomes=True)
    last = line("theta", rule.step, float(step.after.flat[place]), rule.title or rule.name, becomes=True)
    yield replace(last, symbol=q.mathml)
