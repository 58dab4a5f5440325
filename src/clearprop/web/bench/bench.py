"""The bench: data, settings and a run, and all that can be done with them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from clearprop.engines.examples import check_examples
from clearprop.errors import DataError, SpecificationError
from clearprop.glassbox.certificate import Certificate
from clearprop.glassbox.certifying import certify
from clearprop.glassbox.trace import Derivation, Trace, trace
from clearprop.specification import Network, Parameters
from clearprop.tables import Table
from clearprop.training import train
from clearprop.training.course import Course
from clearprop.training.run import Stopped
from clearprop.web.bench.dataset import Dataset, Example
from clearprop.web.bench.opened_model import OpenedModel
from clearprop.web.bench.pace import Moment, Pace
from clearprop.web.bench.parameters import place_of
from clearprop.web.bench.sets import generated_set
from clearprop.web.bench.settings import Settings


class Bench:
    """A playground: what is learnt, by which network, and how far it has come.

    A change of data or settings begins the run anew; `made` counts these beginnings. `given` are the data as
    they were chosen, `data` on the scales of the settings.

    Parameters
    ----------
    data : Dataset, optional
        Moons, if left out.
    settings : Settings, optional
    opened : OpenedModel, optional
        Trained before, to go on from until the settings change.

    Examples
    --------
    >>> bench = Bench(settings=Settings(epochs=3))
    >>> bench.pace.one_epoch()
    >>> bench.moment().epoch, bench.derive(1, "W[1][0,0]").value == bench.trace(1).dW[1][0, 0]
    (1, np.True_)
    >>> bench.close()
    """

    def __init__(
        self,
        data: Dataset | None = None,
        settings: Settings | None = None,
        *,
        opened: OpenedModel | None = None,
    ) -> None:
        self.opened = opened
        if opened is not None:
            self.given, self.settings = data or opened.blank(), settings or opened.settings
            self.data, self.network = self.given, opened.network
            self.start: Parameters | None = opened.theta
        else:
            self.given, self.settings = data or generated_set("moons"), settings or Settings()
            self.data = self.settings.scaled(self.given)
            self.network, self.start = self.settings.network(self.data), None
        self.made = 0
        self.lesson: tuple[str, int] | None = None  #: name and step that the page stands at
        self._by_hand: dict[int, Example] = {}
        self._hand_edits = 0
        self._beginning = threading.RLock()
        self.pace = Pace(self.training())

    def training(self) -> Callable[[Callable[[Course], Stopped] | None], Any]:
        """The call of `clearprop.train` for data and settings, its solver left open (None: the usual one)."""
        data, settings, network, start = self.data, self.settings, self.network, self.first_parameters()
        held = data.held_out

        def call(solver: Callable[[Course], Stopped] | None) -> Any:
            return train(
                network,
                data.training.X,
                data.training.Y,
                optimizer=settings.rule(),
                batch_size=settings.batch_size,
                epochs=settings.epochs,
                seed=settings.seed,
                class_weight=settings.class_weight,  # type: ignore[arg-type]
                patience=settings.patience,
                validation=None if held is None else (held.X, held.Y),
                initial=start,
                dtype=settings.dtype,
                progress=False,
                solver=solver,
            )

        return call

    def first_parameters(self) -> Parameters | None:
        """Parameters the run starts from, where these are not just drawn by the seed."""
        if self.start is not None or not self.data.unseen:
            return self.start
        theta = self.network.initialize(self.settings.seed, self.settings.dtype)
        theta.W[1][:, list(self.data.unseen)] = 0.0
        return theta

    def choose(self, data: Dataset) -> None:
        """Learn other data, with the hidden layers as they are; a loss that does not fit is left."""
        settings = self.settings
        if data.task != self.data.task:
            settings = Settings.from_plain({**settings.to_plain(), "loss": None})
        self._begin(data, settings)

    def read(self, table: Table, share: float, seed: int) -> None:
        """Go on with the opened model, on a table as it reads it.

        Raises
        ------
        DataError, SpecificationError
            When the table does not fit the model, or none was opened.
        """
        if self.opened is None:
            raise SpecificationError("no model was opened that could read this table")
        data = self.opened.read(table, share=share, seed=seed)
        with self._beginning:
            self.given = self.data = data
            self.settings = self.opened.settings
            self.network, self.start = self.opened.network, self.opened.theta
            self._restart()

    def change(self, settings: Settings) -> None:
        """Build and train the network in another way."""
        self._begin(self.given, settings)

    def prepare(self, data: Dataset, settings: Settings, network: Network, start: Parameters | None) -> None:
        """Stand at the start of a run of just these; parameters that are None are drawn by the seed."""
        self._begin(data, settings, network, start)

    def example(self, number: int) -> Example:
        """A row of the data, as it was typed in by hand if it was.

        Raises
        ------
        DataError
            When there is no such row.
        """
        return self._by_hand.get(number) or self.data.example(number)

    def type_in(self, example: Example) -> None:
        """Look through this in the place of the row of its number; what is learnt stays as it is."""
        if example.by_hand:
            self._by_hand[example.number] = example
        else:
            self._by_hand.pop(example.number, None)
        self._hand_edits += 1

    def reset(self) -> None:
        """Begin the run anew, from the same first parameters."""
        with self._beginning:
            self._restart()

    def edit(self, name: str, value: float) -> None:
        """Set a weight or a bias by hand, such as "W[1][2,0]".

        Raises
        ------
        SpecificationError, DataError
            When there is no such parameter.
        """
        _, network, pace = self.standing()
        place = place_of(network, name)
        if place is None:
            raise DataError(f"{name!r} is no parameter; one is named like W[1][0,0] or b[1][0]")
        pace.edit(place, value)

    def standing(self) -> tuple[Dataset, Network, Pace]:
        """Data, network and run that belong together."""
        with self._beginning:
            return self.data, self.network, self.pace

    def held(self) -> contextlib.AbstractContextManager[object]:
        """While this is entered, no run begins anew."""
        return self._beginning

    def mark(self) -> tuple[int, int, str, str]:
        """What is another whenever there is something new to see."""
        return self.made, self.pace.changes + self._hand_edits, self.pace.status, self.pace.message

    def moment(self) -> Moment:
        """Where the run stands."""
        return self.pace.look()

    def theta(self, moment: Moment) -> Parameters:
        """The parameters of a moment, as W[l] and b[l]."""
        return Parameters(self.network, moment.theta)

    def trace(self, number: int, moment: Moment | None = None) -> Trace:
        """Every number of the network for one row of the data, now or at a moment."""
        example = self.example(number)
        return trace(self.network, self.theta(moment or self.moment()), example.X, example.Y)

    def derive(self, number: int, name: str, *, view: Any = "recursive", terms: int = 8) -> Derivation:
        """A number of the network for one row, by the chain rule."""
        return self.trace(number).derive(name, view=view, terms=terms)

    def certify(self, number: int) -> Certificate:
        """Certificate of the engine's gradient for one row."""
        example = self.example(number)
        return certify(self.network, self.theta(self.moment()), example.X, example.Y)

    def close(self) -> None:
        """End the run's thread."""
        self.pace.close()

    def _begin(
        self,
        given: Dataset,
        settings: Settings,
        network: Network | None = None,
        start: Parameters | None = None,
    ) -> None:
        with self._beginning:
            data = settings.scaled(given)
            network = network or settings.network(data)
            part = data.training
            check_examples(network, part.X[:1], part.Y[:1], settings.dtype, None)  # what is wrong, now
            self.given, self.data, self.settings = given, data, settings
            self.network, self.start = network, start
            self._by_hand.clear()
            self._restart()

    def _restart(self) -> None:
        old, self.pace = self.pace, Pace(self.training(), self.pace.steps)
        self.made += 1
        old.close()
