"""`Watch`: a callback that measures every epoch, keeps the numbers, and warns once of what it finds."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from clearprop.blas import one_blas_thread
from clearprop.errors import SpecificationError
from clearprop.glassbox.diagnosis.case import Case
from clearprop.glassbox.diagnosis.checks import CHECKS, as_diagnosis, findings_of
from clearprop.glassbox.diagnosis.finding import Diagnosis, Finding
from clearprop.glassbox.diagnosis.measuring import Measurement, measure
from clearprop.glassbox.render.bands import as_bands
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Parameters
from clearprop.training.run import HISTORY, EpochReport, History

Pictured = Literal["gradients", "deltas", "activations", "preactivations"]

LOOKS = 20  #: at what concerns the whole run, over its length

#: what is drawn -> the measure's field, the axis's words, and whether it is a size (drawn by powers of ten)
_PICTURES: dict[str, tuple[str, str, bool]] = {
    "gradients": ("gradient", "|dC/dW[{l}]|", True),
    "deltas": ("delta", "|delta[{l}]|", True),
    "activations": ("a", "a[{l}]", False),
    "preactivations": ("z", "z[{l}]", False),
}


class DiagnosisWarning(UserWarning):
    """Something that a `Watch` found while a network was trained."""


class Watch:
    """Measure a network after each epoch of its training, and say what goes wrong while it does.

    Parameters
    ----------
    every : int
        Measure each so-manieth epoch; one pass over at most 512 rows each time.
    live : bool
        Whether a finding is told, once, by `warnings.warn` with a `DiagnosisWarning` (when it has held for
        some epochs in a row, as first epochs are often odd).

    Attributes
    ----------
    records : list of Measurement
        One for each epoch measured: by layer quantiles of z, a, |delta| and |dC/dW|, dead and saturated
        units.
    findings : dict
        Name of a finding -> (epoch, `Finding`): when it was first told.

    Examples
    --------
    >>> from clearprop.specification import Dense, Network
    >>> from clearprop.training import train
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> watch = Watch(live=False)
    >>> net = Network(3, [Dense(4, "tanh"), Dense(1)])
    >>> run = train(net, X, X[:, 0], epochs=5, engine="textbook", progress=False, callbacks=watch)
    >>> len(watch.records), watch.records[0].layers[0].activation, watch.svg("gradients")[:4]
    (5, 'tanh', '<svg')
    """

    def __init__(self, *, every: int = 1, live: bool = True) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise SpecificationError(f"Watch: every is a whole number of epochs from 1, not {every!r}")
        self.every, self.live = every, live
        self.records: list[Measurement] = []
        self.findings: dict[str, tuple[int, Finding]] = {}
        self._forget()

    def _forget(self) -> None:
        """Begin anew, with another run."""
        self.records.clear()
        self.findings.clear()
        self._history: History = {name: [] for name in HISTORY}
        self._epoch = 0
        self._first: Parameters | None = None
        self._last: tuple[WholePass, Measurement] | None = None
        self._before: Parameters | None = None
        self._held: dict[str, int] = {}
        self._losses: list[float] = []

    def __call__(self, report: EpochReport) -> None:
        """Measure the epoch of a report; never stops a run."""
        if report.epoch <= self._epoch:
            self._forget()
        self._epoch = report.epoch
        before, self._before = self._before, report.theta
        lost = not (np.isfinite(report.theta.flat).all() and np.isfinite(report.loss))
        if report.epoch % self.every and report.epoch != report.epochs and not lost:
            return
        for name in HISTORY:
            self._history[name].append(getattr(report, name))
        if lost:
            self._tell(report)
            return
        with one_blas_thread(), np.errstate(all="ignore"):
            self._look(report, before)

    def _look(self, report: EpochReport, before: Parameters | None) -> None:
        rows = report.sample.training
        seen: WholePass = whole_pass(
            report.theta.network, report.theta, rows.X, rows.Y, sample_weight=rows.weights
        )
        found = measure(seen, epoch=report.epoch, before=before)
        self._first = self._first or seen.theta
        self._losses.append(seen.loss - seen.penalty)
        self._last = seen, found
        self.records.append(found)
        self._tell(report)

    def _tell(self, report: EpochReport) -> None:
        """Warn of what has held long enough; what is about the whole run waits for its second half."""
        case = self._case()
        if not self.live or case is None:
            return
        late = 2 * report.epoch >= report.epochs and _further(report, self.every)
        now = findings_of(case, late=late)
        for check in CHECKS:
            if check.late and not late:
                continue
            self._held[check.name] = self._held.get(check.name, 0) + 1 if check.name in now else 0
            if check.name not in now or self._held[check.name] * self.every < check.lasts:
                continue
            finding = now[check.name]
            if check.name not in self.findings:
                self.findings[check.name] = report.epoch, finding
                warnings.warn(
                    f"epoch {report.epoch}: {finding.title}. {finding.explanation} {finding.remedy}",
                    DiagnosisWarning,
                    stacklevel=3,
                )

    def _case(self) -> Case | None:
        if self._last is None:
            return None
        seen, found = self._last
        moved = None if self._first is None else float(np.linalg.norm(seen.theta.flat - self._first.flat))
        return Case(seen, found, self._history, moved=moved, losses=tuple(self._losses))

    def diagnosis(self) -> Diagnosis:
        """Findings at the last epoch that was measured; SpecificationError if there was none."""
        case = self._case()
        if case is None:
            raise self._unused()
        return as_diagnosis(case)

    def svg(self, what: Pictured = "gradients") -> str:
        """Bands of quantiles by layer over the epochs, as SVG.

        Parameters
        ----------
        what : {"gradients", "deltas", "activations", "preactivations"}
            Sizes (|dC/dW|, |delta|) by powers of ten on one axis for all layers; a and z on an axis each.
        """
        if what not in _PICTURES:
            raise SpecificationError(f"svg draws {', '.join(_PICTURES)}, not {what!r}")
        if not self.records:
            raise self._unused()
        field, words, sizes = _PICTURES[what]
        panels = [
            (
                f"layer {layer.layer}: {layer.units} {layer.activation}",
                words.format(l=layer.layer),
                [getattr(each.layers[k], field).quantiles for each in self.records],
            )
            for k, layer in enumerate(self.records[0].layers)
        ]
        return as_bands([each.epoch or 0 for each in self.records], panels, sizes=sizes)

    def _unused(self) -> SpecificationError:
        return SpecificationError("this Watch has measured no epoch; give it to train(..., callbacks=watch)")

    def _repr_html_(self) -> str:
        return "" if not self.records else f"{self.svg('gradients')}\n{self.svg('activations')}"

    def __repr__(self) -> str:
        return f"<Watch: {len(self.records)} epochs measured, {len(self.findings)} findings told>"


def _further(report: EpochReport, every: int) -> bool:
    """Whether a further twentieth of the run is done since the last look: what is late costs many passes."""
    looks = LOOKS * report.epoch // report.epochs
    return looks > LOOKS * (report.epoch - every) // report.epochs or report.epoch == report.epochs
