"""Training: `train` turns a network and examples into a plain `Run`; the loop over epochs lives here.

Only the scikit-learn drop-ins, which draw batches as scikit-learn does, have a loop of their own.

`launch` checks what it is given and sets a `Course` up, a solver (`descent`, `lbfgs`, `levenberg`) takes
it, and the rest are its rules: held-out rows, weights, stopping, progress. Models and estimators call
`train`, or `train_many`.
"""

from __future__ import annotations

from clearprop.training.launch import train
from clearprop.training.many import train_many
from clearprop.training.run import EpochReport, Run, RunRecord, TrainingDiverged

__all__ = ["EpochReport", "Run", "RunRecord", "TrainingDiverged", "train", "train_many"]
