"""Where compiled kernels are kept: the folders, who may be trusted, and one process compiling at a time.

A folder is named by a fingerprint of all that machine code depends on, so what lies in it is never stale and
copies of the package at other paths share it. Numba's own cache names its files by the path of the source;
the locator here does not. What is subtle is whom to believe: code is loaded from here, so a folder counts
only if it is ours, or an administrator's that nobody else may write to (a warm cache within an image).
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

ADMINISTRATOR = 0  #: the user whose folders all may read from
MARK = "compiled"  #: the empty file that says that a build is complete
NOWHERE = Path(os.devnull) / "clearprop"  #: a folder that cannot be: kernels live in memory alone

_log = logging.getLogger("clearprop")


@lru_cache(maxsize=1)
def cache_folder() -> Path:
    """Folder of this fingerprint's kernels in which we may write.

    That of `CLEARPROP_CACHE_DIR`, else of the user's cache; where that cannot be had, one in the temporary
    folder that belongs to the user, else a new one; on a disk that is all read-only, one that is not there.
    """
    for folder in _folders():
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if _is_ours(folder) and os.access(folder, os.W_OK):
            return folder
    try:
        return Path(tempfile.mkdtemp(prefix="clearprop-"))
    except OSError:
        return NOWHERE


def folder_of(build: str) -> Path:
    """Folder of one build: where it lies complete and can be trusted, else where it is to be compiled."""
    for folder in _folders():
        if is_complete(folder / build) and (_is_ours(folder) or _is_the_administrators(folder / build)):
            return folder / build
    return cache_folder() / build


def asked_elsewhere(folder: Path) -> str:
    """What to say if a build is not kept where `CLEARPROP_CACHE_DIR` asks for it, else nothing."""
    chosen = os.environ.get("CLEARPROP_CACHE_DIR")
    if not chosen or Path(chosen) in folder.parents:
        return ""
    return f"CLEARPROP_CACHE_DIR={chosen} is not a folder of ours to write to; kernels are kept in {folder}"


def is_complete(folder: Path) -> bool:
    """Whether all kernels of a build lie in its folder."""
    try:
        return (folder / MARK).exists()
    except OSError:  # a folder that we may not look into
        return False


def _folders() -> Iterator[Path]:
    """Folders of this fingerprint, the wanted one first; none of them needs to exist."""
    here = Path("kernels") / _own_fingerprint()
    chosen = os.environ.get("CLEARPROP_CACHE_DIR")
    if chosen:
        yield Path(chosen) / here
    else:
        own = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
        if Path(own).is_absolute():
            yield Path(own) / "clearprop" / here
    yield _temporary() / here


def _temporary() -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    try:
        return Path(tempfile.gettempdir()) / f"clearprop-{owner}"
    except OSError:  # there is none that can be written to
        return NOWHERE


def _is_ours(folder: Path) -> bool:
    """Whether nobody else's files could be loaded from here."""
    if not hasattr(os, "getuid"):
        return True
    shared = _temporary()  # within a folder in which others write
    checked = [folder, folder.parent, shared] if shared in folder.parents else [folder]
    try:
        return all(each.stat().st_uid == os.getuid() for each in checked)
    except OSError:
        return False


def _is_the_administrators(folder: Path) -> bool:
    """Whether the folders from a build's to the cache's root are root's and closed to others."""
    try:
        found = [each.stat() for each in (folder, *list(folder.parents)[:3])]
    except OSError:
        return False
    return all(
        each.st_uid == ADMINISTRATOR and not each.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for each in found
    )


@lru_cache(maxsize=1)
def _own_fingerprint() -> str:
    return fingerprint(Path(__file__).parent)


def fingerprint(package: Path) -> str:
    """Hash of all that compiled kernels depend on: the package's texts, the libraries, the machine."""
    import llvmlite.binding
    import numba
    import numpy as np
    import scipy

    digest = hashlib.sha256()
    for file in sorted([*package.glob("formulas/*.py"), *package.glob("engines/**/*.py")]):
        digest.update(f"{file.parent.name}/{file.name}\0".encode())
        digest.update(file.read_bytes())
    versions = (llvmlite.__version__, numba.__version__, scipy.__version__, np.__version__)
    processor = numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    machine = (platform.machine(), platform.python_version(), processor, numba.config.CPU_FEATURES)
    digest.update(repr((versions, machine)).encode())
    return digest.hexdigest()[:20]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time for a folder; without a lock where the system or the disk has none."""
    try:
        import fcntl

        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except (ImportError, OSError):
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("waiting for another process that compiles the kernels ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_UN)  # a process forked meanwhile holds the file, too


def keep_in(folder: Path, dispatcher: Any) -> Any:
    """The dispatcher of a Numba function, or its C callback, told to keep its machine code in that folder.

    Reading what is damaged is a miss, and a disk that is full costs the next process a compilation; neither
    is an error.
    """
    function = dispatcher._pyfunc if hasattr(dispatcher, "_pyfunc") else dispatcher.py_func
    dispatcher._cache = _cache_class(folder)(function)
    return dispatcher


@lru_cache(maxsize=64)
def _cache_class(folder: Path) -> Callable[[Callable[..., Any]], Any]:
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

    class Locator(_CacheLocator):  # type: ignore[misc]
        """Files named by the kernel's file and name; the folder's name is what tells versions apart."""

        def __init__(self, function: Callable[..., Any], file: str) -> None:
            self._py_file = file  # Numba's warnings name it
            self._line = function.__code__.co_firstlineno

        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return ""

        def get_disambiguator(self) -> str:
            return str(self._line)

        @classmethod
        def from_function(cls, function: Callable[..., Any], file: str) -> Locator:
            return cls(function, file)

    class Saved(CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes = (Locator,)

    class KernelCache(FunctionCache):  # type: ignore[misc]
        _impl_class = Saved

        def load_overload(self, signature: Any, target: Any) -> Any:
            try:
                return super().load_overload(signature, target)
            except Exception as error:
                _log.warning("compiled kernels in %s cannot be read (%r); compiling again", folder, error)
                with suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, signature: Any, result: Any) -> None:
            try:
                super().save_overload(signature, result)
            except OSError as error:
                _say_once(f"compiled kernels cannot be kept in {folder} ({error})")

    return KernelCache


@lru_cache(maxsize=16)
def _say_once(message: str) -> None:
    _log.warning(message)
