"""A connection to a Ray cluster, with our manners: no usage statistics, tokens, a folder of its own."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from clearprop.errors import CommunicationError, SpecificationError

START_SECONDS = 10  #: that Ray waits for room for a group before it counts again what is there
STORE_BYTES = 128 << 20  #: Ray's shared memory on a machine of our own: a plan and a model pass through it


@contextmanager
def cluster(address: str, cpus: int) -> Iterator[tuple[Any, Path]]:
    """A connection to a Ray cluster, with our manners: the module `ray`, and a folder for what it writes.

    Raises
    ------
    CommunicationError
        When there is no cluster at the address.
    SpecificationError
        When Ray is not installed.
    """
    own = address == "local"
    with ExitStack() as stack:
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="clearprop-", ignore_cleanup_errors=True))
        )
        stack.enter_context(_environment(_manners(own)))
        try:
            import ray
            import ray.train.torch
        except ImportError as error:
            raise SpecificationError(
                f"a fit on Ray needs the extra: pip install 'clearprop[ray]' ({error})"
            ) from None
        if not ray.is_initialized():
            stack.callback(ray.shutdown)
            words: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
            if own:
                words |= {"num_cpus": cpus, "object_store_memory": STORE_BYTES, "include_dashboard": False}
                words["_temp_dir"] = str(scratch)
            try:
                _knock(address)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", FutureWarning)
                    ray.init(address=address, **words)
            except (OSError, RuntimeError, ValueError) as error:
                raise CommunicationError(
                    f"there is no Ray cluster at {address!r} that lets this process in "
                    f"({str(error).splitlines()[0]}); `ray start --head` begins one, 'host:port' names one "
                    "of several, and 'local' begins one that lives as long as the call"
                ) from None
        yield ray, scratch


def _knock(address: str) -> None:
    """OSError where nobody answers at a host and port: Ray would try for a minute and more."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), START_SECONDS).close()


def _manners(own: bool) -> dict[str, str]:
    """Environment variables that Ray is to find, where the user set no others."""
    given = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(START_SECONDS),
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    if own and not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        # Ray asks for one in clusters of its own, and would keep it at home
        given["RAY_AUTH_TOKEN"] = _token()
    return given


@functools.cache
def _token() -> str:
    """Of all clusters that this process starts: Ray keeps the first it sees."""
    return secrets.token_hex(32)


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Ray's variables for the time of a call, those that are set already left alone."""
    before = {name for name in os.environ if name.startswith("RAY_")}
    os.environ.update({name: value for name, value in given.items() if name not in before})
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            if name not in before:  # Ray sets some of its own
                del os.environ[name]
