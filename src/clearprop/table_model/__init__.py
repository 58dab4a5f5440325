"""Table models: encoders, network and target of one table, trained, judged and saved together.

`settings` holds the defaults, `canonical` the order of the rows, `plan` the split and the network,
`baselines` what a model must beat. The Tabular estimators and the command line stand on these.
"""

from __future__ import annotations

from clearprop.table_model.fitting import fit_table, train_plan
from clearprop.table_model.model import TableModel
from clearprop.table_model.settings import Settings

__all__ = ["Settings", "TableModel", "fit_table", "train_plan"]
