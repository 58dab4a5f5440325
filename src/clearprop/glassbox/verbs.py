"""The verbs that look into a network on examples: evaluate, trace, certify, diagnose, replay and the rest.

`Model` has them; each is one line over a file of the glass box, which is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines import EngineName, engine_for
from clearprop.engines.examples import check_examples
from clearprop.errors import DataError, SpecificationError
from clearprop.metrics import scores_of
from clearprop.specification import Network, Parameters
from clearprop.training.run import History, RunRecord, Snapshot
from clearprop.training.validation import TrainingData

if TYPE_CHECKING:
    from clearprop.engines.protocol import Masks
    from clearprop.glassbox.certificate import Certificate
    from clearprop.glassbox.diagnosis import Diagnosis
    from clearprop.glassbox.loss_along import LossAlong
    from clearprop.glassbox.replayed import Replay
    from clearprop.glassbox.trace import Trace


class GlassBox:
    """What can be asked of a network with its parameters; see `clearprop.Model` for the attributes."""

    network: Network
    theta: Parameters
    history: History
    record: RunRecord | None
    classes: tuple[Any, ...]
    engine: EngineName
    stopped: str
    snapshots: Mapping[int, Snapshot]
    sample: TrainingData | None

    def evaluate(
        self, X: npt.ArrayLike, Y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float | None]:
        """Loss (without penalties) and metrics on examples.

        Parameters
        ----------
        X : array (m, n_0)
        Y : array (m, n_L), or (m,) labels: of `classes` where the model has them, else class indices; or (m,)
            numbers
        sample_weight : array (m,), optional

        Returns
        -------
        dict
            "loss", and for classes "accuracy", "log_loss", "roc_auc"; for numbers "rmse", "mae", "r2".
            None for a metric that has no meaning on these rows, such as the ROC of a single class.

        Examples
        --------
        >>> import clearprop as cp
        >>> net = cp.Network(1, [cp.Dense(1)])
        >>> theta = net.initialize()
        >>> theta.W[1][:] = 2.0
        >>> cp.Model(net, theta, engine="textbook").evaluate([[1.0], [2.0]], [2.0, 5.0])["mae"]
        0.5
        """
        examples = check_examples(self.network, X, self._indices(Y), self.theta.dtype, sample_weight)
        engine = engine_for(self.engine, self.network, dtype=self.theta.dtype)
        loss, y_hat = engine.evaluate(self.theta.flat, examples.X, examples.Y, examples.scale())
        return {"loss": loss, **scores_of(self.network.loss, examples.Y, y_hat, examples.weights)}

    def trace(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike | None = None,
        *,
        sample_weight: npt.ArrayLike | None = None,
        masks: Masks | None = None,
        given: Mapping[str, float] | None = None,
    ) -> Trace:
        """Every number of a forward and a backward pass over rows, to print and to derive; see `cp.trace`.

        Examples
        --------
        >>> import clearprop as cp
        >>> net = cp.Network(1, [cp.Dense(1)], loss="half_squared_error")
        >>> theta = net.initialize()
        >>> theta.flat[:] = 2.0, 1.0
        >>> print(cp.Model(net, theta).trace([[3.0]], [5.0]).derive("W[1][0,0]"))
        dC/dW[1][0,0] = delta[1][0] * x[0]  (BP4)
                      = 2 * 3
                      = 6
        delta[1][0] = dC/da[1][0] * g'(z[1][0])  (BP1)
                    = 2 * 1
                    = 2
        dC/da[1][0] = y_hat[0] - y[0]  (the loss's slope)
                    = 7 - 5
                    = 2
        g'(z[1][0]) = 1  (g')
        """
        from clearprop.glassbox.trace import trace

        targets = None if Y is None else self._indices(Y)
        return trace(
            self.network, self.theta, X, targets, sample_weight=sample_weight, masks=masks, given=given
        )

    def loss_along(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        name: str,
        *,
        span: float | tuple[float, float] = 2.0,
        points: int = 201,
        sample_weight: npt.ArrayLike | None = None,
    ) -> LossAlong:
        """The loss as a function of one parameter, with the kinks and saturations on the way, to draw.

        See `clearprop.loss_along`.
        """
        from clearprop.glassbox.loss_along import loss_along

        return loss_along(
            self.network,
            self.theta,
            X,
            self._indices(Y),
            name,
            span=span,
            points=points,
            sample_weight=sample_weight,
        )

    def gradient_norms(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> Array:
        """Norm of each example's own gradient (m,): large where the network finds a label hard to believe.

        It costs less than one gradient of the whole batch; see `clearprop.gradient_norms`.
        """
        from clearprop.glassbox.influence import gradient_norms

        return gradient_norms(self.network, self.theta, X, self._indices(Y), engine=self.engine)

    def certify(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        masks: Masks | None = None,
    ) -> Certificate:
        """Certificate that the engine's gradient on these examples is the mathematics' own."""
        from clearprop.glassbox.certifying import certify

        return certify(
            self.network,
            self.theta,
            X,
            self._indices(Y),
            sample_weight=sample_weight,
            masks=masks,
            engine=self.engine,
        )

    def replay(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        epoch: int,
        batch: int | None = None,
        *,
        row: int | None = None,
        sample_weight: npt.ArrayLike | None = None,
        initial: Parameters | None = None,
    ) -> Replay:
        """One step of the training again, with the same bits: its parameters, batch, trace and update.

        Parameters
        ----------
        X, Y, sample_weight, initial
            As they were given to `train`; digests say whether they are.
        epoch, batch : int
            Both from 1.
        row : int, optional
            A row of X, from 0, in place of `batch`: the batch of the epoch that holds it.

        Raises
        ------
        SpecificationError, DataError
            When there was no such step, or these are not the run's data; see `clearprop.glassbox.replay`.

        Examples
        --------
        >>> import clearprop as cp
        >>> X, y = np.eye(4), [0, 1, 1, 0]
        >>> net = cp.Network(4, [cp.Dense(1, "sigmoid")])
        >>> model = cp.train(net, X, y, epochs=5, batch_size=2, engine="textbook", progress=False)
        >>> seen = model.replay(X, y, epoch=5, row=3)
        >>> seen.batch, seen.rows.tolist(), seen.same_bits
        (2, [3, 2], True)
        >>> seen.trace.derive("delta[1][0]", example=seen.example).value == seen.trace.delta[1][0, 0]
        np.True_
        """
        from clearprop.glassbox.replay import replay

        if self.record is None:
            raise SpecificationError("no run of clearprop.train made this model, so there is none to replay")
        return replay(
            self.network,
            self.record,
            self.history,
            X,
            self._indices(Y),
            epoch,
            batch,
            row=row,
            sample_weight=sample_weight,
            initial=initial,
            snapshots=self.snapshots,
        )

    def diagnose(
        self,
        X: npt.ArrayLike | None = None,
        Y: npt.ArrayLike | None = None,
        *,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Diagnosis:
        """What keeps the network from learning, or its result suffers from; see `cp.diagnose`.

        Parameters
        ----------
        X : array (m, n_0), optional
            Left out, the rows the model keeps from its training are looked at. Rows it was not trained on
            also show whether it has learnt its training rows by heart.
        Y : array (m, n_L), or (m,) labels or numbers, optional
        sample_weight : array (m,), optional

        Raises
        ------
        DataError
            When X is left out and the model was loaded or written down, so that it has no rows.
        """
        from clearprop.glassbox.diagnosis import diagnose
        from clearprop.glassbox.diagnosis.case import training_loss_of

        if (X is None) != (Y is None):
            raise DataError("diagnose takes X and Y together, or neither (for the rows kept from training)")
        training_loss = None
        if X is not None and Y is not None:
            targets = self._indices(Y)
            if self.sample is not None:
                kept = self.sample.training
                training_loss = self.evaluate(kept.X, kept.Y, kept.weights)["loss"]
            else:
                training_loss = training_loss_of(self.history, self.theta)
        elif self.sample is not None:
            kept = self.sample.training
            X, targets, sample_weight = kept.X, kept.Y, kept.weights
        else:
            raise DataError(
                "this model keeps no rows of its training (it was loaded, or never trained); give "
                "diagnose(X, Y) some"
            )
        return diagnose(
            self.network,
            self.theta,
            X,
            targets,
            sample_weight=sample_weight,
            history=self.history,
            record=self.record,
            stopped=self.stopped,
            training_loss=training_loss,
            classes=self.classes,
        )

    def _indices(self, Y: npt.ArrayLike) -> npt.ArrayLike:
        """Class indices of labels, where the model has classes; anything else as it is."""
        labels = np.asarray(Y)
        if not self.classes or labels.ndim != 1 or not self.network.loss.for_classes:
            return Y
        of = {label: index for index, label in enumerate(self.classes)}
        known = [of.get(label) for label in labels.tolist()]
        if None not in known:
            return np.array(known, dtype=np.int64)
        named = all(isinstance(label, str) for label in self.classes)
        if named and labels.dtype.kind in "iu":
            return Y  # indices of labels that are texts
        wrong = known.index(None)
        raise DataError(
            f"Y has {labels[wrong]!s} at row {wrong} (counted from 0), and the model knows the classes "
            f"{', '.join(map(str, self.classes))}"
        )
