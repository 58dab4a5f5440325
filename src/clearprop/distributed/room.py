"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory() -> float:
    """Bytes of memory that this process may use: the machine's, or its container's."""
    found = []
    if hasattr(os, "sysconf"):
        found.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    for limit in _LIMITS:
        text = Path(limit).read_text().strip() if Path(limit).is_file() else ""
        if text.isdecimal():
            found.append(float(text))
    return min(found, default=8e9)  # where the system does not tell
