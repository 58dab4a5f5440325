"""Work done in company: independent pieces side by side, in threads of this process that share the cores.

Kernels run without the GIL, so several networks of one thread each fill the cores better than one network
of several threads. What a piece gives depends neither on how many run at once nor on who ends first.

What is subtle is how it ends. Ctrl-C reaches the main thread alone, which only waits here; so whoever trains
asks `attend` at the end of each stretch of work, which raises KeyboardInterrupt in its own thread once the
company is told to stop. An error in one piece stops the others in the same way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

from clearprop.errors import ClearpropError

T = TypeVar("T")
LOOK_SECONDS = 0.1  #: from one look at the pieces to the next, for whoever waits


class _Here(threading.local):
    """The company that the running thread works for, at which of its pieces, and with how many threads."""

    company: Company[Any] | None = None
    piece: int = 0
    most: int | None = None  #: threads that this thread's computations may take, it included

    def __init__(self) -> None:
        self.kept: dict[str, tuple[tuple[Any, ...], Any]] = {}


_here = _Here()


class _Worker(threading.Thread):
    """A thread in the caller's context that says when it has ended.

    `Thread.join`, interrupted by Ctrl-C, may take a thread for ended that is not (Python 3.11).
    """

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)  # a second Ctrl-C does not wait
        self.work, self.context = work, copy_context()
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self.context.run(self.work)
        finally:
            self.ended.set()

    @property
    def works(self) -> bool:
        """Whether it was started and has not ended."""
        return self.ident is not None and not self.ended.is_set()


class Company(Generic[T]):
    """Pieces of work and what has become of them."""

    def __init__(
        self,
        pieces: Sequence[Callable[[], T]],
        threads: int,
        name: Callable[[int], str] | None,
        watch: Callable[[float], None] | None,
        all_answer: bool,
    ) -> None:
        self.pieces, self.name, self.watch, self.all_answer = pieces, name, watch, all_answer
        self.workers = max(1, min(threads, len(pieces)))
        self.share = max(1, threads // self.workers)
        self.turn, self.making = threading.RLock(), threading.Lock()
        self.kept: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self.told_to_stop = threading.Event()
        self.done = [0.0] * len(pieces)
        self.results: dict[int, T] = {}
        self.errors: dict[int, BaseException] = {}
        self._waiting, self._taking = iter(range(len(pieces))), threading.Lock()

    def run(self) -> list[T]:
        """What the pieces give, in their order; see `together`."""
        workers = [_Worker(self._work) for _ in range(self.workers)]
        try:
            for worker in workers:
                worker.start()
            self._wait(workers)
        except BaseException as error:
            self.told_to_stop.set()
            self._wait(workers)
            answered = self.all_answer and len(self.results) + len(self.errors) == len(self.pieces)
            if not (answered and isinstance(error, KeyboardInterrupt)):
                raise
        self._raise_first()
        return [self.results[k] for k in range(len(self.pieces))]

    def _work(self) -> None:
        """Take piece after piece until none waits, or the company stops."""
        _here.company = self
        while not self.errors and (self.all_answer or not self.told_to_stop.is_set()):
            with self._taking:
                k = next(self._waiting, None)
            if k is None:
                return
            _here.piece = k
            try:
                self.results[k] = self.pieces[k]()
            except BaseException as error:  # raised by `run`, in the thread that asked
                self.errors[k] = error
                self.told_to_stop.set()
            self.done[k] = 1.0

    def _wait(self, workers: Sequence[_Worker]) -> None:
        watch = self.watch or (lambda done: None)
        for worker in workers:
            while worker.works:
                watch(sum(self.done))
                worker.ended.wait(LOOK_SECONDS)
        watch(sum(self.done))

    def _raise_first(self) -> None:
        """Raise the error of the first piece that has one; Ctrl-C only if there is no other."""
        faults = {k: e for k, e in self.errors.items() if not isinstance(e, KeyboardInterrupt)}
        for k in sorted(faults or self.errors):
            error = self.errors[k]
            raise error if self.name is None else named(error, self.name(k))


def together(
    pieces: Sequence[Callable[[], T]],
    threads: int,
    *,
    name: Callable[[int], str] | None = None,
    watch: Callable[[float], None] | None = None,
    all_answer: bool = False,
) -> list[T]:
    """What the pieces give, in their order.

    A single piece stays in this thread, and so do all of them within another company.

    Parameters
    ----------
    pieces : sequence of callables
        Each is called once, without arguments.
    threads : int
        In all: pieces that run at once, and what is left over goes to each in equal shares.
    name : callable, optional
        Words for piece k, put before the message of its error.
    watch : callable, optional
        Told how many pieces are done, fractions included, about ten times a second.
    all_answer : bool
        Whether pieces answer Ctrl-C with what they have, those that wait included: each is called, and
        `attend` ends its work. Otherwise Ctrl-C is raised, once those under way have ended.

    Raises
    ------
    Exception
        That of the first piece, in their order, that failed; the others are stopped.

    Examples
    --------
    >>> together([lambda: "first", lambda: "second"], threads=2)
    ['first', 'second']
    """
    if len(pieces) > 1 and not in_company():
        return Company(pieces, threads, name, watch, all_answer).run()
    found = []
    for k, piece in enumerate(pieces):
        try:
            found.append(piece())
        except Exception as error:
            if name is not None:
                named(error, name(k))
            raise
        if watch is not None:
            watch(k + 1)
    return found


def named(error: BaseException, name: str) -> BaseException:
    """The same error; its message, or a note where it is not ours, says whose it is."""
    if isinstance(error, ClearpropError) and error.args:
        error.args = (f"{name}: {error.args[0]}", *error.args[1:])
    else:
        error.add_note(f"in {name}")
    return error


def in_company() -> bool:
    """Whether the running thread works for a company."""
    return _here.company is not None


def share() -> int | None:
    """Threads that the running thread's computations may use; None where nobody has said."""
    known = (None if _here.company is None else _here.company.share, _here.most)
    return min((threads for threads in known if threads is not None), default=None)


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """Within it, what the running thread computes takes at most so many threads; None changes nothing.

    It never raises what an outer limit or a company allows.

    Examples
    --------
    >>> with at_most(3), at_most(None), at_most(4):
    ...     share()
    3
    """
    before = _here.most
    _here.most = min((most for most in (threads, before) if most is not None), default=None)
    try:
        yield
    finally:
        _here.most = before


def kept_between(name: str, asked: tuple[Any, ...], make: Callable[[], T]) -> T:
    """What `make` gives; in a company, the running thread keeps it for the next piece that asks for the same.

    Parameters
    ----------
    name : str
        Of what is kept; one of a name at a time.
    asked : tuple
        All that `make` goes by; the same if each is the very same object.
    """
    return make() if _here.company is None else _found(_here.kept, name, asked, make)


def kept_in_common(name: str, asked: tuple[Any, ...], make: Callable[[], T]) -> T:
    """The same for all threads of a company: one makes it, while the others wait."""
    company = _here.company
    if company is None:
        return make()
    with company.making:
        return _found(company.kept, name, asked, make)


def _found(
    kept: dict[str, tuple[tuple[Any, ...], Any]], name: str, asked: tuple[Any, ...], make: Callable[[], T]
) -> T:
    before = kept[name][0] if name in kept else ()
    if len(before) != len(asked) or any(a is not b for a, b in zip(before, asked, strict=True)):
        kept.pop(name, None)  # before the next is made
        kept[name] = asked, make()
    return cast(T, kept[name][1])


def attend(done: float = 0.0) -> None:
    """Tell the company what part of the running piece is done; KeyboardInterrupt once it is told to stop."""
    company = _here.company
    if company is None:
        return
    company.done[_here.piece] = max(company.done[_here.piece], done)
    if company.told_to_stop.is_set():
        raise KeyboardInterrupt


def turn() -> AbstractContextManager[object]:
    """A context for what the members of a company do one at a time, such as calling the user's functions."""
    return nullcontext() if _here.company is None else _here.company.turn
