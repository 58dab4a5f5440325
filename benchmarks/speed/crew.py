"""Processes with 1, 2, ... threads, in which all contenders of a task take turns.

The number of threads is settled before libraries load, so each has a process; a round asks every contender in
every process once, one after the other, so that a slow moment of a shared machine meets all of them.
"""

from __future__ import annotations

import multiprocessing
import re
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from time import sleep
from typing import Any

from benchmarks.speed.contenders import OURS, CannotRunError
from benchmarks.speed.results import Measured
from benchmarks.speed.tasks import Task, Turn
from benchmarks.speed.threads import confined
from benchmarks.speed.timing import PAUSE


def reason_of(error: BaseException) -> str:
    """One line on why a peer did not run, without paths of this machine."""
    first = (str(error).strip() or "no message").splitlines()[0][:200]
    return f"{type(error).__name__}: " + re.sub(r"(?:~|\.)?/[\w./+-]+", "(path)", first)


def is_ours(contender: str) -> bool:
    """Whether its failure is a fault of ours, not a peer that did not run."""
    return contender.split(",")[0] == OURS


def serve(line: Connection, threads: int) -> None:
    """Answer what `Member` asks until the line is closed: load a task, take a turn, forget all."""
    turns: dict[str, Turn] = {}
    while True:
        try:
            asked, contender, given = line.recv()
        except EOFError:
            return
        try:
            if asked == "load":
                turns[contender] = given.load(contender, threads)
                line.send(("done", None))
            elif asked == "turn":
                sleep(PAUSE)
                line.send(("done", turns[contender](given)))
            else:
                turns.clear()
                line.send(("done", None))
        except CannotRunError as error:
            line.send(("refused", str(error)))
        except Exception as error:
            if is_ours(contender):
                line.send(("failed", traceback.format_exc()))
            else:
                line.send(("refused", reason_of(error)))


class Member:
    """A process with so many threads."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, threads))
        with confined(threads):
            self.process.start()
        far.close()

    def ask(self, asked: str, contender: str = "", given: Any = None) -> tuple[str, Any]:
        """("done", answer) or ("refused", reason); RuntimeError when clearprop itself fails or all ends."""
        place = f"with {self.threads} thread(s), at {asked} {contender}"
        try:
            self.line.send((asked, contender, given))
            word, answer = self.line.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError(f"the process ended {place}") from error
        if word == "failed":
            raise RuntimeError(f"{place}:\n{answer}")
        return word, answer

    def close(self) -> None:
        """End the process."""
        self.line.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.terminate()


class Crew:
    """Members for some numbers of threads; a context manager."""

    def __init__(self, threads: Sequence[int]) -> None:
        self._stack = ExitStack()
        self.members: list[Member] = []
        for count in threads:
            self.members.append(Member(count))
            self._stack.callback(self.members[-1].close)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(
        self, task: Task, contenders: Sequence[str], rounds: int, threads: Sequence[int]
    ) -> list[Measured]:
        """All contenders in turn, round by round, with each of these numbers of threads."""
        members = [member for member in self.members if member.threads in threads]
        pairs = [(contender, member) for contender in contenders for member in members]
        refused: dict[tuple[str, int], str] = {}
        found: dict[tuple[str, int], list[dict[str, float]]] = {}
        for contender, member in pairs:
            word, answer = member.ask("load", contender, task)
            if word == "refused":
                refused[contender, member.threads] = answer
        for k in range(rounds):
            for contender, member in pairs:
                key = contender, member.threads
                if key in refused:
                    continue
                word, answer = member.ask("turn", contender, k)
                if word == "refused":
                    refused[key] = answer
                else:
                    found.setdefault(key, []).append(answer)
        for member in members:
            member.ask("clear")
        return [
            Measured(task.key, threads, contender, refused=refused[contender, threads])
            if (contender, threads) in refused
            else Measured(task.key, threads, contender, tuple(found[contender, threads]))
            for contender, threads in ((contender, member.threads) for contender, member in pairs)
        ]
