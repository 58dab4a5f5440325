"""Damage at random: bytes changed, cut, repeated and put in; and guards against a hang and a full memory."""

import contextlib
import resource
import signal

import numpy as np

SECONDS, MEGABYTES = 5.0, 400  #: of one case at most; of memory over all cases


def damaged(data: bytes, generator: np.random.Generator, tokens: list[bytes], most: int = 4) -> bytes:
    """The bytes with up to `most` faults, drawn by the generator."""
    mutated = bytearray(data)
    for _ in range(generator.integers(1, most + 1)):
        at = int(generator.integers(len(mutated) + 1))
        length = int(generator.integers(1, 30))
        match generator.integers(6):
            case 0 if at < len(mutated):
                mutated[at] ^= 1 << int(generator.integers(8))
            case 1:
                del mutated[at : at + length]
            case 2:
                other = int(generator.integers(len(mutated) + 1))
                mutated[at : at + length] = mutated[other : other + length]
            case 3:
                del mutated[at:]
            case _:
                token = tokens[generator.integers(len(tokens))]
                mutated[at : at + len(token) * int(generator.integers(2))] = token
    return bytes(mutated)


@contextlib.contextmanager
def no_hang(what: object):
    """Raise TimeoutError, naming the case, where it takes longer than SECONDS."""

    def ring(*given):
        raise TimeoutError(f"more than {SECONDS} s: {what!r}")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def no_blow_up():
    """Fail where the process's memory has grown by more than MEGABYTES at its highest."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MEGABYTES, f"the memory grew by {grown:.0f} MB"
