"""What one update does to a number: gradient descent on the picked row alone, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Parameters
from clearprop.web.drawings.update import Change
from clearprop.web.rooms.plugs import Scene

MOST = 10  #: weights of a unit that are shown


@dataclass(frozen=True)
class Stepped:
    """A parameter, or another number, before and after; a parameter has a gradient."""

    change: Change
    gradient: float | None = None


def update(scene: Scene, name: str, rate: float) -> list[Stepped]:
    """C, the number itself, and the parameters that it is made of, before and after theta - rate dC/dtheta.

    Raises
    ------
    SpecificationError
        When the network has no such number.
    """
    seen, network = scene.trace, scene.network
    gradient = seen.gradient
    if gradient is None:
        raise SpecificationError("an update needs a target")
    with np.errstate(all="ignore"):  # of a run that diverged
        theta = Parameters(network, seen.theta.flat - rate * gradient.flat)
    later: WholePass = whole_pass(network, theta, seen.X, scene.example.Y)
    found = [Stepped(Change(Quantity("C"), seen.loss, later.loss))]
    given = read_name(name)
    if given.kind == "y_hat":
        given = Quantity("a", network.depth, given.units)
    l = given.layer or 0
    if given.kind in ("z", "a", "delta"):
        before, after = (getattr(each, given.kind)[l][0, given.units[0]] for each in (seen, later))
        found.append(Stepped(Change(given, float(before), float(after))))
    for q in _parameters(scene, given):
        before, slope, after = (_of(each, q) for each in (seen.theta, gradient, theta))
        found.append(Stepped(Change(q, before, after), slope))
    return found


def _of(theta: Parameters, q: Quantity) -> float:
    segment = next(s for s in theta.network.segments if (s.kind, s.layer) == (q.kind, q.layer))
    return float(theta.flat[segment.offset : segment.stop].reshape(segment.shape)[q.units])


def _parameters(scene: Scene, given: Quantity) -> list[Quantity]:
    """The parameters that an update of this number is about: itself, a unit's own, those an input meets."""
    l = given.layer or 0
    if given.kind in ("dW", "db"):
        return [Quantity("W" if given.kind == "dW" else "b", l, given.units)]
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
