"""Findings about what a network is given: inputs and targets on scales that gradients do not like."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.diagnosis.case import LEARNT, Case
from clearprop.glassbox.diagnosis.finding import Finding

#: ranges this far apart give the loss surface of layer 1 a condition number near 1e4 (their square)
UNLIKE = 100.0
#: a column that lies so many of its ranges from 0 is hardly told from the bias (condition number near 1e3)
OFF_CENTRE = 8.0
#: a size beyond this (or its inverse) asks of W[1] what no initializer draws and no usual rate reaches
FAR_FROM_1 = 30.0
#: such a share of targets that cannot be answered is no matter of a few outliers
OUTSIDE = 0.25

_CURVATURE = "d2C/dW[1][j,i]^2 grows with the mean of x[i]^2, so one rate must serve curvatures"
_LATEX = (
    r"\frac{\partial C}{\partial W^{1}_{ji}} = \sum_{m} \delta^{1}_{mj}\, x_{mi}, \qquad "
    r"\frac{\partial^2 C}{\partial (W^{1}_{ji})^2} \propto \overline{x_i^2}"
)


def severity_of(case: Case) -> str:
    """A note where the network learns all the same."""
    return "note" if case.level < LEARNT and not case.diverged else "fault"


def unlike_inputs(case: Case) -> Finding | None:
    """Columns of X whose ranges, means or sizes are far apart or far from 1.

    The range tells units of measurement apart; the deviation would also call a rare 0/1 column small.
    """
    X = case.seen.X
    means, ranges = X.mean(axis=0), np.ptp(X, axis=0)
    columns = np.flatnonzero(ranges > 1e-12 * np.abs(means))
    if not len(columns):
        return None
    of = ranges[columns]
    ratio = float(of.max() / of.min())
    off = np.abs(means[columns]) / of
    size = float(np.median(np.sqrt((X[:, columns] ** 2).mean(axis=0))))
    numbers = {"rows": float(len(X)), "level of the loss": case.level}
    if ratio > UNLIKE:
        widest, narrowest = (case.column(int(columns[k])) for k in (of.argmax(), of.argmin()))
        where = f"{widest} and {narrowest}"
        said = f"the ranges of {widest} and {narrowest} differ by a factor of {ratio:.3g}"
        numbers |= {f"range of {widest}": of.max(), f"range of {narrowest}": of.min()}
        numbers |= {"ratio": ratio, "threshold": UNLIKE}
    elif off.max() > OFF_CENTRE:
        worst = columns[off.argmax()]
        where = case.column(int(worst))
        said = f"{where} varies little around a mean far from 0, and so looks like a second bias"
        numbers |= {"mean": means[worst], "range": ranges[worst]}
        numbers |= {"ratio": float(off.max()), "threshold": OFF_CENTRE}
    elif not 1 / FAR_FROM_1 < size < FAR_FROM_1:
        where = "all columns"
        said = f"the inputs' usual size is {size:.3g}, and first weights are drawn for inputs near 1"
        numbers |= {"median root of the mean square": size, "threshold": FAR_FROM_1}
    else:
        return None
    return Finding(
        name="inputs on unlike scales",
        where=where,
        severity=severity_of(case),  # type: ignore[arg-type]
        numbers=numbers,
        equation="dC/dW[1][j,i] = sum over rows of delta[1][j] * x[i]  (BP4); " + _CURVATURE,
        latex=_LATEX,
        explanation=f"{said[0].upper()}{said[1:]}. A step that suits one weight is far too long "
        "or too short for another.",
        remedy="Standardise the columns: subtract the training rows' means, divide by their deviations "
        "(the tabular estimators and the command line do).",
        change={"X": "standardised"},
    )


def large_targets(case: Case) -> Finding | None:
    """Targets of an unbounded output far from the size at which networks begin."""
    output, loss = case.network.output.activation, case.network.loss
    if loss.for_classes or loss.targets == "counts" or output.name != "identity":
        return None
    rms = np.sqrt((case.Y**2).mean(axis=0))
    deviations = _deviations(case.Y)
    size = float(np.median(np.maximum(rms, 1e-300)))
    severity = severity_of(case)
    if severity == "note" or 1 / FAR_FROM_1 < size < FAR_FROM_1:
        return None
    return Finding(
        name="targets on a scale far from 1",
        where="",
        severity="fault",
        numbers={
            "root of the mean square of y": size,
            "deviation of y": float(np.median(deviations)),
            "threshold": FAR_FROM_1,
            "level of the loss": case.level,
        },
        equation="y_hat = W[L] a[L-1] + b[L]: its weights begin near 1 and move by about the rate a step; "
        "delta[L] is proportional to y_hat - y  (BP1)",
        latex=r"\hat y = W^{L} a^{L-1} + b^{L}, \qquad \delta^{L} \propto \hat y - y",
        explanation=f"The targets' usual size is {size:.3g}. The output layer must grow to it step by step, "
        "while errors of that size make gradients far larger or smaller than the weights they move.",
        remedy="Standardise the targets, and scale the predictions back (the tabular estimators and the "
        "command line do).",
        change={"Y": "standardised"},
    )


def unreachable_targets(case: Case) -> Finding | None:
    """Targets of numbers that the output's activation never gives."""
    row, loss = case.network.output.activation, case.network.loss
    outside = (row.range.low > case.Y) | (row.range.high < case.Y)
    if loss.for_classes or outside.mean() < OUTSIDE:
        return None
    return Finding(
        name="targets out of the output's range",
        where=f"layer {case.network.depth}",
        severity="fault",
        numbers={
            "share of targets outside": float(outside.mean()),
            "threshold": OUTSIDE,
            "least target": float(case.Y.min()),
            "largest target": float(case.Y.max()),
            "level of the loss": case.level,
        },
        equation=f"y_hat = g(z[L]) lies in {row.range}, so y_hat - y keeps its sign and z[L] is "
        "driven to where g is flat",
        latex=rf"\hat y = g_L(z^L) \in {row.range}, \qquad y \notin {row.range}".replace("inf", r"\infty"),
        explanation=f"{100 * outside.mean():.3g} % of the targets are numbers that {row.name} never "
        f"gives; it gives {row.range}.",
        remedy="Take an output without bounds, and standardise the targets.",
        change={"output": "identity", "Y": "standardised"},
    )


def _deviations(numbers: Array) -> Array:
    """Deviation of each column."""
    return np.asarray(numbers.std(axis=0))
