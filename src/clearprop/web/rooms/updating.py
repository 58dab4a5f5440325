"""What one update does to a number: a step on the picked row alone, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Parameters
from clearprop.web.bench.parameters import place_of
from clearprop.web.drawings.update import Change
from clearprop.web.rooms.own_step import OwnStep
from clearprop.web.rooms.plugs import Scene

MOST = 10  #: weights of a unit that are shown


@dataclass(frozen=True)
class Stepped:
    """A parameter, or another number, before and after; a parameter has a gradient and may be remembered.

    Attributes
    ----------
    slots : tuple of (float, float)
        What the optimizer remembers of the parameter, before and after.
    """

    change: Change
    gradient: float | None = None
    slots: tuple[tuple[float, float], ...] = ()


def update(scene: Scene, name: str, rate: float) -> list[Stepped]:
    """C, the number itself, and the parameters that it is made of, before and after theta - rate dC/dtheta.

    Raises
    ------
    SpecificationError
        When the network has no such number.
    """
    seen = scene.trace
    if seen.gradient is None:
        raise SpecificationError("an update needs a target")
    with np.errstate(all="ignore"):  # of a run that diverged
        theta = Parameters(scene.network, seen.theta.flat - rate * seen.gradient.flat)
    return list(_changes(scene, name, theta))


def own_update(scene: Scene, name: str, step: OwnStep) -> list[Stepped]:
    """The same numbers before and after a step of the run's own optimizer, and what that remembers."""
    found = []
    for each in _changes(scene, name, step.after):
        place = None if each.gradient is None else place_of(scene.network, each.change.quantity.text)
        few = range(0 if place is None else len(step.rule.slots))
        slots = tuple((float(step.slots_before[i, place]), float(step.slots_after[i, place])) for i in few)
        found.append(replace(each, slots=slots))
    return found


def parameter_of(given: Quantity) -> Quantity | None:
    """The weight or the bias whose gradient this is; W[1][2,0] is read as a name of that, too."""
    if given.kind not in ("dW", "db"):
        return None
    return Quantity("W" if given.kind == "dW" else "b", given.layer, given.units)


def _changes(scene: Scene, name: str, theta: Parameters) -> Iterator[Stepped]:
    """C, the number, and the parameters that it is made of, now and at theta."""
    seen, gradient = scene.trace, scene.trace.gradient
    assert gradient is not None  # noqa: S101 - a row has a target
    later: WholePass = whole_pass(scene.network, theta, seen.X, scene.example.Y)
    yield Stepped(Change(Quantity("C"), seen.loss, later.loss))
    given = read_name(name)
    if given.kind == "y_hat":
        given = Quantity("a", scene.network.depth, given.units)
    l = given.layer or 0
    if given.kind in ("z", "a", "delta"):
        before, after = (getattr(each, given.kind)[l][0, given.units[0]] for each in (seen, later))
        yield Stepped(Change(given, float(before), float(after)))
    for q in _parameters(scene, given):
        before, slope, after = (_of(each, q) for each in (seen.theta, gradient, theta))
        yield Stepped(Change(q, before, after), slope)


def _of(theta: Parameters, q: Quantity) -> float:
    segment = next(s for s in theta.network.segments if (s.kind, s.layer) == (q.kind, q.layer))
    return float(theta.flat[segment.offset : segment.stop].reshape(segment.shape)[q.units])


def _parameters(scene: Scene, given: Quantity) -> list[Quantity]:
    """The parameters that an update of this number is about: itself, a unit's own, those an input meets."""
    l = given.layer or 0
    own = parameter_of(given)
    if own is not None:
        return [own]
    seen = scene.trace
    if given.kind == "dx":
        slopes, (i,) = seen.dW[1][:, given.units[0]], given.units
        return [Quantity("W", 1, (j, i)) for j in _steepest(slopes)]
    if given.kind not in ("z", "a", "delta"):
        return []
    j = given.units[0]
    found = [Quantity("W", l, (j, i)) for i in _steepest(seen.dW[l][j])]
    return found if seen.db[l] is None else [*found, Quantity("b", l, (j,))]


def _steepest(slopes: np.ndarray) -> list[int]:
    """Places of the largest slopes, in their order."""
    order = np.argsort(-np.nan_to_num(np.abs(slopes), nan=np.inf), kind="stable")[:MOST]
    return sorted(order.tolist())
