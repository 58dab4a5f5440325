"""The diagnosis of a run where it stands, in plain words, each finding with what would mend it."""

from __future__ import annotations

import json

import numpy as np

from clearprop.errors import ClearpropError
from clearprop.glassbox.diagnosis import diagnose
from clearprop.glassbox.diagnosis.checks import CHECKS
from clearprop.specification import Network, Parameters
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.pace import Moment
from clearprop.web.bench.settings import Settings
from clearprop.web.rooms.rendering import rendered
from clearprop.web.views.remedies import in_words, remedied
from clearprop.web.views.rows import SAMPLE, some

LATE = 20  #: epochs until something is said about what a whole run comes to


def diagnosis(
    data: Dataset, network: Network, moment: Moment, settings: Settings, *, drawn: bool = True
) -> str:
    """What keeps the network from learning, as HTML; every remedy that is a setting is a button.

    The button carries the settings as `data-settings`, and the same in words as `data-words`. `drawn` says
    whether the first parameters were drawn.
    """
    part = some(data.training, SAMPLE)
    history = {name: values[: moment.epoch] for name, values in moment.history.items()}
    start = next((Parameters(network, each.theta) for each in moment.kept if each.epoch == 0), None)
    try:
        found = diagnose(
            network,
            Parameters(network, moment.theta),
            part.X,
            part.Y,
            history=history,
            record=moment.record,
            start=start,
            stopped=moment.ended,
            columns=data.features,
            classes=data.classes,
        )
    except (ClearpropError, np.linalg.LinAlgError) as error:
        return rendered("diagnosis.html", findings=[], seen="", error=str(error))
    items = []
    late = {check.name for check in CHECKS if check.late and moment.epoch < LATE}
    for finding in (each for each in found if each.name not in late):
        changes = remedied(finding, settings, data, network, drawn=drawn)
        items.append((finding, [(json.dumps(each), in_words(each, settings)) for each in changes]))
    seen = f"{len(part):,} rows to train on, {moment.epoch:,} epochs"
    return rendered("diagnosis.html", findings=items, seen=seen, error="")
