"""Diagnosis: what keeps a network from learning, measured on a few rows, with its equation and its remedy.

`diagnose` looks at a network and the run that made it; `Watch` looks while it is trained.
"""

from __future__ import annotations

from clearprop.glassbox.diagnosis.checks import diagnose
from clearprop.glassbox.diagnosis.finding import Diagnosis, Finding
from clearprop.glassbox.diagnosis.measuring import Measurement, measure
from clearprop.glassbox.diagnosis.watch import DiagnosisWarning, Watch

__all__ = ["Diagnosis", "DiagnosisWarning", "Finding", "Measurement", "Watch", "diagnose", "measure"]
