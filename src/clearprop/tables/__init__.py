"""Tables: reading CSV, Parquet and DataFrames, and the frozen encoders between them and a network's arrays.

Files here import errors and arrays only; training, estimators, model files and the command line may call.
"""

from clearprop.tables.columns import MISSING_SPELLINGS, Column
from clearprop.tables.encoding import DescribedColumn, Encoder
from clearprop.tables.reading import read_table
from clearprop.tables.table import Table
from clearprop.tables.target import Target

__all__ = ["MISSING_SPELLINGS", "Column", "DescribedColumn", "Encoder", "Table", "Target", "read_table"]
