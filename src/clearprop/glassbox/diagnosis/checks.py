"""`diagnose`: all checks on a case, in the order in which their remedies should be tried.

A cause hides its consequences: targets of a million make any rate wrong, and units that never had different
weights are not "dead" beside it. Only faults hide; a note does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.errors import DataError
from clearprop.glassbox.diagnosis.answers import class_imbalance, constant_output
from clearprop.glassbox.diagnosis.case import Case
from clearprop.glassbox.diagnosis.finding import Diagnosis, Finding
from clearprop.glassbox.diagnosis.flow import exploding, norm_of_delta, vanishing
from clearprop.glassbox.diagnosis.measuring import measure
from clearprop.glassbox.diagnosis.scales import large_targets, unlike_inputs, unreachable_targets
from clearprop.glassbox.diagnosis.steps import overfitting, rate_too_high, rate_too_low
from clearprop.glassbox.diagnosis.units import dead_units, identical_units, saturated_units, slow_start
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Network, Parameters
from clearprop.training.run import History, RunRecord


@dataclass(frozen=True)
class Check:
    """One kind of finding.

    Attributes
    ----------
    name : str
        That of its finding.
    look : callable
        Gives the finding of a case, or None.
    causes : tuple of str
        Checks whose faults explain this one away.
    lasts : int
        Epochs in a row for which it must hold before it is told during training.
    late : bool
        Whether it is told in the second half of a run at the earliest: before, much may still be learnt.
    """

    name: str
    look: Callable[[Case], Finding | None]
    causes: tuple[str, ...] = ()
    lasts: int = 3
    late: bool = False


_SCALES = (
    "inputs on unlike scales",
    "targets on a scale far from 1",
    "targets out of the output's range",
)
_STARTS = (*_SCALES, "units that are all alike", "exploding gradients")
_STEPS = (*_STARTS, "learning rate too high")
_UNITS = (*_STEPS, "slow start on a saturated output", "dead units", "saturated units")
_UNTAUGHT = (*_UNITS, "vanishing gradients", "learning rate too low")

#: every check, causes before consequences
CHECKS: tuple[Check, ...] = (
    Check("inputs on unlike scales", unlike_inputs, lasts=1),
    Check("targets on a scale far from 1", large_targets, ("inputs on unlike scales",), lasts=1),
    Check("targets out of the output's range", unreachable_targets, lasts=1),
    Check("units that are all alike", identical_units, _SCALES),
    Check("exploding gradients", exploding, (*_SCALES, "units that are all alike"), lasts=1),
    Check("learning rate too high", rate_too_high, _STARTS, lasts=1),
    Check("slow start on a saturated output", slow_start, _STEPS),
    Check("dead units", dead_units, _STEPS),
    Check("saturated units", saturated_units, _UNITS[:-2]),
    Check("vanishing gradients", vanishing, _UNITS),
    Check("learning rate too low", rate_too_low, _UNTAUGHT[:-1], late=True),
    Check("constant output", constant_output, _UNTAUGHT, late=True),
    Check("class imbalance", class_imbalance, (*_UNTAUGHT, "constant output"), late=True),
    Check("overfitting", overfitting, lasts=10),
)


def findings_of(case: Case, *, late: bool = True) -> dict[str, Finding]:
    """Findings by name, consequences left out; those about a whole run only if `late`."""
    found: dict[str, Finding] = {}
    with np.errstate(all="ignore"):
        for check in CHECKS:
            if check.late and not late:
                continue
            if any(cause in found and found[cause].severity == "fault" for cause in check.causes):
                continue
            finding = check.look(case)
            if finding is not None:
                found[check.name] = finding
    return found


def as_diagnosis(case: Case) -> Diagnosis:
    """All findings of a case, and what was looked at."""
    with np.errstate(all="ignore"):
        layers = case.found.layers
        looked_at = {
            "rows": float(len(case.seen)),
            "epochs": float(len(case.history.get("loss", []))),
            "loss": case.found.loss,
            "level (0 perfect, 1 a constant answer)": case.level,
            "|dC/dtheta|": case.found.gradient_norm,
        }
        last = norm_of_delta(layers[-1])
        if len(layers) > 1 and last > 0:
            looked_at["|delta[1]| / |delta[L]|"] = norm_of_delta(layers[0]) / last
        for name in ("dead", "saturated"):
            shares = [share for each in layers[:-1] if (share := getattr(each, name)) is not None]
            if shares:
                looked_at[f"largest share of {name} units"] = max(shares)
        looked_at["deviation of outputs / targets"] = case.found.spread
    finite = {name: value for name, value in looked_at.items() if np.isfinite(value)}
    return Diagnosis(tuple(findings_of(case).values()), finite)


def diagnose(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    history: History | None = None,
    record: RunRecord | None = None,
    start: Parameters | None = None,
    stopped: str = "",
    training_loss: float | None = None,
    columns: Sequence[str] = (),
    classes: Sequence[Any] = (),
) -> Diagnosis:
    """Look for what keeps a network from learning: gradients, units, scales, steps, answers.

    Parameters
    ----------
    X : array (m, n_0)
        A few hundred rows are enough; all are used.
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)
    sample_weight : array (m,), optional
    history : dict of lists, optional
        Of the run; without it nothing is said about learning rates and overfitting.
    record : RunRecord, optional
        Settings of the run.
    start : Parameters, optional
        Where the run began; drawn again from the record's seed if it is left out.
    stopped : str
        Why the run ended; "diverged" if its numbers did.
    training_loss : float, optional
        Loss (without penalties) on the rows trained on, where X and Y are others.
    columns, classes : sequence, optional
        Names of the inputs and labels of the classes, for the findings' words.

    Returns
    -------
    Diagnosis
        A sequence of `Finding`, causes first; prints as text.

    Raises
    ------
    SpecificationError, DataError
        When theta, X or Y do not fit the network.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1)])
    >>> theta = Parameters(net, np.full(net.n_parameters, 0.1))
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> diagnose(net, theta, X, X[:, 0] * X[:, 1]).names
    ('units that are all alike',)

    Notes
    -----
    BP1 to BP4 of the notes 001 and 004. The thresholds are constants of the files beside this one, each with
    its reason; `docs/diagnosis.md` lists them.
    """
    if Y is None:
        raise DataError("diagnose needs the targets Y: it looks at the way back from the loss")
    with np.errstate(all="ignore"):
        seen: WholePass = whole_pass(network, theta, X, Y, sample_weight=sample_weight)
        found = measure(seen)
    begun = start or start_of(network, record)
    return as_diagnosis(
        Case(
            seen=seen,
            found=found,
            history=history or {},
            record=record,
            start=begun,
            moved=None if begun is None else float(np.linalg.norm(seen.theta.flat - begun.flat)),
            stopped=stopped,
            training_loss=training_loss,
            columns=tuple(columns),
            classes=tuple(classes),
        )
    )


def start_of(network: Network, record: RunRecord | None) -> Parameters | None:
    """The first parameters of a run, drawn again; None where they were given by hand."""
    if record is None or record.initial_given:
        return None
    return network.initialize(record.seed, record.dtype).astype(np.float64)
