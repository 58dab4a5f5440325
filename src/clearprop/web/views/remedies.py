"""A finding's remedies as settings of the bench: what buttons of the page apply, and what they say.

The first is the finding's own change; after it come the others that its words name, as far as they are
settings. What no setting could do stays words: more rows, another threshold, whether the inputs say anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clearprop.errors import ClearpropError
from clearprop.formulas.initializers import Initializer
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.glassbox.diagnosis import Finding
from clearprop.specification import Network
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.settings import MOST_EPOCHS, Settings

WORDS = {"l1": "L1 penalty", "l2": "L2 penalty", "clip_norm": "gradients clipped at norm", "epochs": "epochs"}
WORDS |= {"learning_rate": "learning rate", "weight_decay": "weight decay", "class_weight": "class weights"}
DROPOUT, DECAY, PENALTY, CLIP, LONGER = 0.2, 0.01, 1e-3, 1.0, 10

Plain = dict[str, Any]


def remedied(
    finding: Finding, settings: Settings, data: Dataset, network: Network, *, drawn: bool = True
) -> list[Plain]:
    """Each remedy as the settings that it changes, plain data; none where the page has no setting for it.

    Parameters
    ----------
    network : Network
        That the finding is about: a lesson or a model file may have one that no settings make.
    drawn : bool
        Whether its first parameters were drawn. A remedy may be just to draw them, by settings as they are,
        and then changes nothing else: {}.

    Examples
    --------
    >>> from clearprop.web.bench.sets import generated_set
    >>> data, settings = generated_set("moons"), Settings()
    >>> found = Finding("saturated units", "", "fault", {}, "", "", "", "", {"activation": "relu"})
    >>> [list(each) for each in remedied(found, settings, data, settings.network(data))]
    [['layers']]
    """
    before, kept = settings.to_plain(), []
    for wanted in [dict(finding.change), *_others(finding, settings)]:
        plain = settings.to_plain()
        for name, value in wanted.items():
            plain |= _as_settings(name, value, plain)
        changed = {name: value for name, value in plain.items() if value != before[name]}
        for kind in ("inputs", "targets"):
            if changed.get(kind) == "standardised" and kind in data.standardised:
                del changed[kind]
        if changed not in kept and _mends(wanted, changed, settings, data, network, drawn=drawn):
            kept.append(changed)
    return kept


def _mends(
    wanted: Mapping[str, Any],
    changed: Plain,
    settings: Settings,
    data: Dataset,
    network: Network,
    *,
    drawn: bool,
) -> bool:
    """Whether these settings can be, and do what is wanted."""
    try:
        made = Settings.from_plain({**settings.to_plain(), **changed}).network(data)
    except ClearpropError:
        return False
    if "output" in wanted and made.output.activation.name != wanted["output"]:
        return False
    anew = ("initial" in wanted and not drawn) or ("output" in wanted and made != network)
    return bool(changed) or anew


def _as_settings(name: str, value: Any, plain: Mapping[str, Any]) -> Plain:
    """One parameter of a change."""
    if isinstance(value, Optimizer):
        own = optimizers[plain["optimizer"]].weight_decay
        return {
            "learning_rate": float(value.learning_rate["rate"]),
            "clip_norm": value.clip_norm,
            "weight_decay": None if value.weight_decay == own else value.weight_decay,
        }
    match name:
        case "activation":
            return {"layers": [{**layer, "activation": value} for layer in plain["layers"]]}
        case "initializer":
            return {"initializer": value.name if isinstance(value, Initializer) else value}
        case "initial":  # to be drawn: by the activations, whatever else was set
            return {"initializer": value}
        case "output":  # it follows the loss
            linked = plain["loss"] is None or losses[plain["loss"]].link == value
            return {} if linked else {"loss": None}
        case "X" | "Y":
            return {"inputs" if name == "X" else "targets": value}
        case "epochs":
            return {"epochs": min(value, MOST_EPOCHS)}
    return {name: value} if name in plain else {}


def _others(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Changes that the words of a finding name beside its own."""
    found = OTHERS.get(finding.name)
    if found is not None and finding.where != "weight decay":
        yield from found(finding, settings)


def _too_high(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    if settings.clip_norm is None or settings.clip_norm > CLIP:
        yield {"clip_norm": CLIP}
    if settings.schedule == "constant":
        yield {"schedule": "cosine"}


def _exploding(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    if settings.clip_norm is None or settings.clip_norm > CLIP:
        yield {"clip_norm": CLIP}


def _too_low(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    yield {"epochs": LONGER * settings.epochs}


def _constant(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    if "epochs" in finding.change:
        yield {"learning_rate": 10 * settings.learning_rate}


def _dead(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    if "activation" in finding.change:
        yield {"activation": "elu"}
        yield {"learning_rate": settings.learning_rate / 10}


def _saturated(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    if "optimizer" in finding.change:
        yield {"l2": max(PENALTY, 10 * settings.l2)}


def _vanishing(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    yield {"initializer": "he_normal"}
    yield {"layers": settings.to_plain()["layers"][: len(settings.layers) // 2]}


def _overfitting(finding: Finding, settings: Settings) -> Iterator[Mapping[str, Any]]:
    layers = settings.to_plain()["layers"]
    yield {"weight_decay": max(DECAY, 10 * (settings.weight_decay or 0.0))}
    yield {"layers": [{**each, "dropout": max(each["dropout"], DROPOUT)} for each in layers]}
    yield {"layers": [{**each, "units": -(-each["units"] // 2)} for each in layers]}


#: name of a finding -> the changes that its words name beside the change that it carries
OTHERS: Mapping[str, Callable[[Finding, Settings], Iterator[Mapping[str, Any]]]] = {
    "learning rate too high": _too_high,
    "exploding gradients": _exploding,
    "learning rate too low": _too_low,
    "constant output": _constant,
    "dead units": _dead,
    "saturated units": _saturated,
    "vanishing gradients": _vanishing,
    "overfitting": _overfitting,
}


def in_words(change: Mapping[str, Any], settings: Settings) -> str:
    """The change as a reader sets it.

    >>> in_words({"learning_rate": 0.001}, Settings()), in_words({"inputs": "standardised"}, Settings())
    ('learning rate 0.001 instead of 0.01', 'inputs standardised')
    """
    before, parts = settings.to_plain(), []
    for name, value in change.items():
        if name == "layers":
            parts.append(_layers_in_words(value, before["layers"]))
        elif name == "initializer":
            parts.append("first weights drawn " + (f"by {value}" if value else "as the activations ask"))
        elif name in ("inputs", "targets"):
            parts.append(f"{name} {value}")
        elif name == "patience":
            parts.append(f"patience of {value} epochs")
        elif name == "loss" and value is None:
            parts.append("the loss that belongs to the target")
        else:
            old = before[name]
            instead = "" if old is None else f" instead of {_written(old)}"
            parts.append(f"{WORDS.get(name, name)} {_written(value)}{instead}")
    return ", ".join(parts) or "the network as in the form, its first weights drawn by the seed"


def _layers_in_words(layers: list[Plain], before: list[Plain]) -> str:
    """What is another in the layers.

    >>> layers = Settings().to_plain()["layers"]
    >>> _layers_in_words([], layers), _layers_in_words([{**layers[0], "units": 4}], layers)
    ('hidden layers 0 instead of 1', 'units 4 instead of 8')
    """
    if len(layers) != len(before):
        return f"hidden layers {len(layers)} instead of {len(before)}"
    parts = []
    for name in ("activation", "dropout", "units"):
        new, old = ([each[name] for each in given] for given in (layers, before))
        if new == old:
            continue
        if name == "units":
            widths = ("-".join(map(str, given)) for given in (new, old))
            parts.append("units {} instead of {}".format(*widths))
        else:
            said = _written(new[0]) if len(set(new)) == 1 else "-".join(map(_written, new))
            parts.append(f"{said} in every hidden layer" if name == "activation" else f"dropout {said}")
    return ", ".join(parts)


def _written(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)
