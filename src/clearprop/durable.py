"""Files that are there whole or not at all, whatever happens while they are written.

A file is written aside, forced to the disk, renamed, and its folder forced to the disk: a reader sees what
was there before or all of the new one, also after the power fails. What a killed process left aside is
removed by the next write.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there.

    Raises
    ------
    OSError
        When it cannot be written; nothing is left aside.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_durably(Path(folder) / "a.txt", b"whole")
    ...     [(file.name, file.read_bytes()) for file in Path(folder).iterdir()]
    [('a.txt', b'whole')]
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(aside, path)  # noqa: PTH105 - beside the other calls of the system
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = os.fspath(path)  # the name aside is nobody's
        raise
    force_folder(path.parent)


def force_folder(folder: Path) -> None:
    """Force a folder's names to the disk; where the system cannot (Windows), nothing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes left aside of a file; only its sole writer may call this."""
    for aside in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(OSError):
            aside.unlink()
