"""Small real tables that ship with clearprop, cited in the README beside them.

Imports nothing of clearprop; anyone may call.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["penguins_path"]


def penguins_path() -> Path:
    """Give the path of the Palmer penguins table (CSV, 344 rows, 8 columns, texts and gaps included).

    Returns
    -------
    pathlib.Path
        A file on disk.

    Raises
    ------
    FileNotFoundError
        When clearprop is not installed as plain files (inside a zip archive).

    Examples
    --------
    >>> penguins_path().name
    'penguins.csv'

    References
    ----------
    Horst AM, Hill AP, Gorman KB (2020). palmerpenguins. doi:10.5281/zenodo.3960218. CC0.
    """
    path = Path(str(files("clearprop.datasets") / "penguins.csv"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a plain file; install clearprop unpacked (pip does)")
    return path
