"""A lesson as plain data: steps of text, each beside a state, and what is claimed of that state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from clearprop.specification import Network
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.settings import Settings

Relation: TypeAlias = Literal["<", ">", "~"]
NEAR = 5e-3  #: relative, of "~"


@dataclass(frozen=True)
class Claim:
    """What a text says of a number of its state.

    Attributes
    ----------
    of : str
        A number's name, such as "a[1][0]" or "W[1][0,0]" (its gradient); or "loss", "validation_loss",
        "metric" of the last epoch.
    relation : {"<", ">", "~"}
        ~ is: the same to about the three digits that a text gives; of sizes, < and > compare the number
        without its sign.
    value : float
    row : int, optional
        Of the data; the picked one, if left out.

    Examples
    --------
    >>> Claim("delta[1][0]", "<", 0.01).holds(-0.002), Claim("a[1][0]", "~", 0.731).holds(0.7310586)
    (True, True)
    """

    of: str
    relation: Relation
    value: float
    row: int | None = None

    def holds(self, found: float) -> bool:
        """Whether a number is as claimed."""
        match self.relation:
            case "<":
                return abs(found) < self.value
            case ">":
                return abs(found) > self.value
            case "~":
                return abs(found - self.value) <= NEAR * max(abs(self.value), 1e-9)

    @property
    def text(self) -> str:
        """The claim in words."""
        told = {
            "<": f"smaller than {self.value:g}",
            ">": f"larger than {self.value:g}",
            "~": f"{self.value:g}",
        }
        where = "" if self.row is None else f" of row {self.row}"
        return f"{self.of}{where}: {told[self.relation]}{self.value:g}"


@dataclass(frozen=True)
class State:
    """What a step of a lesson prepares.

    Attributes
    ----------
    data : callable
        Makes the dataset.
    settings : Settings
    theta : mapping from "W[l]" or "b[l]" to nested lists
        First parameters that are set; the others are drawn by the seed.
    network : Network, optional
        For what the settings do not build.
    epochs : int
        To train before the step begins.
    row : int
        The picked one.
    """

    data: Callable[[], Dataset]
    settings: Settings
    theta: Mapping[str, Any] = field(default_factory=dict)
    network: Network | None = None
    epochs: int = 0
    row: int = 1


@dataclass(frozen=True)
class Step:
    """A page of text beside a state.

    Attributes
    ----------
    text : tuple of str
        Paragraphs; what stands between `backticks` is code, and a number of the network opens when pressed.
    state : State or None
        None: as the step before left it.
    claims : tuple of Claim
        What holds when the state is prepared; shown live.
    opens : str
        The number that is derived at the start, or "".
    view : str
        Of its derivation.
    stage : int or None
        How far the passes are stepped; None: whole.
    """

    title: str
    text: tuple[str, ...]
    state: State | None = None
    claims: tuple[Claim, ...] = ()
    opens: str = ""
    view: str = "recursive"
    stage: int | None = None


@dataclass(frozen=True)
class Lesson:
    """A short guided tour.

    Attributes
    ----------
    name : str
        In the address.
    source : str
        Where in the notes it is from, and what to know of them there.
    """

    name: str
    title: str
    source: str
    steps: tuple[Step, ...]

    def state_of(self, step: int) -> State:
        """The state that a step stands beside: its own, or the last one before it."""
        for each in reversed(self.steps[: step + 1]):
            if each.state is not None:
                return each.state
        raise LookupError(f"lesson {self.name} begins without a state")
