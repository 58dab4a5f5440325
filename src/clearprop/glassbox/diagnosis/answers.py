"""Findings about what a network answers: the same to all rows, or never the rare class."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.glassbox.diagnosis.case import Case
from clearprop.glassbox.diagnosis.finding import Finding
from clearprop.metrics import decide, is_multilabel

#: outputs that vary by less than this share of the targets' deviation say nothing about the rows
CONSTANT = 0.02
#: a class with less than this share of the weight of an equal one is rare
RARE = 0.4
#: and hardly ever answered if fewer of its rows than this are found
FOUND = 0.25
FEWEST_ROWS = 5  #: of a class, to judge it by


def constant_output(case: Case) -> Finding | None:
    """Outputs that are the same for all rows while the targets differ."""
    if case.found.spread >= CONSTANT or case.stake <= 1e-12 or len(case.seen) < FEWEST_ROWS:
        return None
    change: dict[str, Any]
    if case.network.l1 or case.network.l2:
        words = "The penalties hold the weights at 0: lower them a thousandfold."
        change = {
            name: getattr(case.network, name) / 1000 for name in ("l1", "l2") if getattr(case.network, name)
        }
    elif case.crushed and case.optimizer is None:
        words = "Something holds the weights at 0, as a penalty does (l2, alpha): lower it a thousandfold."
        change = {"l2": 0.0}
    elif case.crushed and case.optimizer is not None:
        words = "The weight decay holds the weights at 0: lower it a thousandfold."
        change = {"optimizer": case.optimizer(weight_decay=case.decay / 1000)}
    else:
        words = "Look whether the inputs say anything about the targets; train longer, with a higher rate."
        change = {"epochs": 5 * max(len(case.history.get("loss", [])), 20)}
    means = case.seen.y_hat.mean(axis=0)
    numbers = {"deviation of the outputs / of the targets": case.found.spread, "threshold": CONSTANT}
    numbers |= {f"mean of output {k}": float(mean) for k, mean in enumerate(means[:3])}
    weights = [float(np.sqrt((W**2).mean())) for W in case.seen.theta.W.values()]
    numbers |= {f"root of the mean square of W[{l}]": rms for l, rms in enumerate(weights, start=1)}
    return Finding(
        name="constant output",
        where="",
        severity="fault",
        numbers={**numbers, "level of the loss": case.level},
        equation="y_hat = g(W[L] a[L-1] + b[L]) is near g(b[L]) for every x if W[L] is near 0  (F1, F2)",
        latex=r"\hat y = g_L\!\left(W^{L} a^{L-1} + b^{L}\right), \quad "
        r"W^{L} \approx 0 \Rightarrow \hat y \approx g_L(b^{L})",
        explanation="The network answers the same to every row, as a single constant would.",
        remedy=words,
        change=change,
    )


def class_imbalance(case: Case) -> Finding | None:
    """A rare class whose rows are hardly ever found, while the frequent ones are."""
    loss = case.network.loss
    if not loss.for_classes or is_multilabel(loss, case.Y):
        return None
    true, said = decide(loss, case.Y), decide(loss, case.seen.y_hat)
    n_classes = max(case.Y.shape[1], 2)
    counts = np.bincount(true, minlength=n_classes)
    shares = np.bincount(true, weights=case.seen.scale, minlength=n_classes)
    right = np.bincount(true[true == said], minlength=n_classes) / np.maximum(counts, 1)
    rare = [
        k
        for k in range(n_classes)
        if counts[k] >= FEWEST_ROWS and shares[k] < RARE / n_classes and right[k] < FOUND
    ]
    most = int(shares.argmax())
    if not rare or right[most] < 0.9:
        return None
    k = min(rare, key=lambda each: float(right[each]))
    rare_one, frequent = case.label(k), case.label(most)
    return Finding(
        name="class imbalance",
        where=rare_one,
        severity="fault",
        numbers={
            f"share of {rare_one}": float(shares[k]),
            f"rows of {rare_one}": float(counts[k]),
            f"found of {rare_one}": float(right[k]),
            f"share of {frequent}": float(shares[most]),
            f"found of {frequent}": float(right[most]),
            "threshold of a share": RARE / n_classes,
            "threshold of what is found": FOUND,
        },
        equation="C = sum_i w_i loss_i / sum_i w_i: with equal weights a class counts by its share",
        latex=r"C = \frac{\sum_i w_i\, \ell_i}{\sum_i w_i}, \qquad w_i = \frac{m}{K\, m_{y_i}} "
        r"\text{ gives each class the same weight}",
        explanation=f"Of {rare_one}, which has {100 * shares[k]:.3g} % of the weight, {100 * right[k]:.3g} % "
        "of the rows are found: to answer with the frequent classes costs little.",
        remedy="Weigh the classes alike (class_weight='balanced'); or, if probabilities are what you want, "
        "keep the training as it is and move the threshold.",
        change={"class_weight": "balanced"},
    )
