"""What computed something: the version of clearprop, of its libraries, and the CPU.

Results have the same bits on one CPU kind and one set of library versions, so a run keeps both.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

__version__ = "0.1.0"

LIBRARIES = ("numpy", "scipy", "numba")  #: libraries whose version can change a bit of a result


@functools.cache
def versions() -> Mapping[str, str]:
    """Versions of Python, clearprop and the libraries whose arithmetic results depend on.

    >>> sorted(versions())[:2]
    ['clearprop', 'numba']
    """
    from importlib import metadata  # takes longer than the rest of `import clearprop`

    found = {"python": platform.python_version(), "clearprop": __version__}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "not installed"
    return MappingProxyType(found)


@functools.cache
def cpu_name() -> str:
    """Name of the CPU as the system tells it, e.g. "AMD EPYC 9R14"."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
