"""A finding's remedy as settings of the bench: what a button of the page applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearprop.errors import ClearpropError
from clearprop.formulas.initializers import Initializer
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.glassbox.diagnosis import Finding
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.settings import Settings

WORDS = {"l1": "L1 penalty", "l2": "L2 penalty", "clip_norm": "gradients clipped at norm", "epochs": "epochs"}
WORDS |= {"learning_rate": "learning rate", "weight_decay": "weight decay", "class_weight": "class weights"}


def remedied(finding: Finding, settings: Settings, data: Dataset) -> dict[str, Any]:
    """Settings that the remedy changes, as plain data; empty where it is none of the page's settings.

    Examples
    --------
    >>> from clearprop.web.bench.sets import generated_set
    >>> found = Finding("saturated units", "", "fault", {}, "", "", "", "", {"activation": "relu"})
    >>> list(remedied(found, Settings(), generated_set("moons")))
    ['layers']
    """
    before, plain = settings.to_plain(), settings.to_plain()
    for name, value in finding.change.items():
        plain |= _as_settings(name, value, plain)
    changed = {name: value for name, value in plain.items() if value != before[name]}
    try:
        Settings.from_plain(plain).network(data)
    except ClearpropError:
        return {}
    return changed


def _as_settings(name: str, value: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter of a change."""
    if isinstance(value, Optimizer):
        own = optimizers[plain["optimizer"]].weight_decay
        return {
            "learning_rate": float(value.learning_rate["rate"]),
            "clip_norm": value.clip_norm,
            "weight_decay": None if value.weight_decay == own else value.weight_decay,
        }
    if name == "activation":
        return {"layers": [{**layer, "activation": value} for layer in plain["layers"]]}
    if name == "initializer":
        return {"initializer": value.name if isinstance(value, Initializer) else value}
    return {name: value} if name in ("l1", "l2", "epochs", "loss", "class_weight") else {}


def in_words(change: Mapping[str, Any], settings: Settings) -> str:
    """The change as a reader sets it.

    >>> in_words({"learning_rate": 0.001}, Settings())
    'learning rate 0.001 instead of 0.01'
    """
    before, parts = settings.to_plain(), []
    for name, value in change.items():
        if name == "layers":
            parts.append(f"{value[0]['activation']} in every hidden layer" if value else "")
        elif name == "initializer":
            parts.append("first weights drawn " + (f"by {value}" if value else "as the activations ask"))
        else:
            old = before[name]
            instead = "" if old is None else f" instead of {_written(old)}"
            parts.append(f"{WORDS.get(name, name)} {_written(value)}{instead}")
    return ", ".join(part for part in parts if part)


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "none" if value is None else str(value)
