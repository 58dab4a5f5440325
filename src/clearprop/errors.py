"""The errors clearprop raises on purpose.

Each message names the object, its partner and the missing piece, and ends with a remedy. Errors about
data are also `ValueError`s, so code written for scikit-learn's manners catches them.
"""

from __future__ import annotations


class ClearpropError(Exception):
    """Base class of every error that clearprop raises on purpose."""


class FormulaError(ClearpropError, ValueError):
    """A formula text is not part of the formula language, or does not fit its row."""


class SpecificationError(ClearpropError, ValueError):
    """A network, an optimizer or a schedule is described in a way that cannot be built."""


class DataError(ClearpropError, ValueError):
    """Data that cannot be used; the message names file, row, column, value and remedy where they exist."""


class ModelFileError(ClearpropError, ValueError):
    """A model file that is damaged, foreign, or from a newer version."""


class CommunicationError(ClearpropError):
    """Workers that share a run did not meet: one was lost, came too late, or had other numbers."""
