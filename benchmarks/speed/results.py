"""What was measured: every round of every contender, by task and threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.speed.timing import Spread


@dataclass(frozen=True)
class Measured:
    """The rounds of a contender on a task, in a process with so many threads; or why it did not run."""

    task: str
    threads: int
    contender: str
    rounds: tuple[dict[str, float], ...] = ()
    refused: str = ""

    def values(self, what: str = "seconds") -> list[float]:
        """One number of each round that has it."""
        return [found[what] for found in self.rounds if what in found]


@dataclass
class Results:
    """All that was measured, and on what machine."""

    machine: dict[str, str] = field(default_factory=dict)
    measured: dict[tuple[str, int, str], Measured] = field(default_factory=dict)

    def add(self, *measured: Measured) -> None:
        """Keep what was measured."""
        self.measured |= {(each.task, each.threads, each.contender): each for each in measured}

    def values(self, task: str, threads: int, contender: str, what: str = "seconds") -> list[float]:
        """One number a round, none where it was not measured."""
        found = self.measured.get((task, threads, contender))
        return found.values(what) if found else []

    def spread(self, task: str, threads: int, contender: str, what: str = "seconds") -> Spread | None:
        """Median, least and most over rounds."""
        values = self.values(task, threads, contender, what)
        return Spread.of(values) if values else None

    def ratio(self, task: str, above: tuple[int, str], below: tuple[int, str]) -> Spread | None:
        """Seconds of one (threads, contender) over another's, round by round."""
        over, under = self.values(task, *above), self.values(task, *below)
        return Spread.of_ratios(over, under) if over and len(over) == len(under) else None

    def write(self, path: Path) -> None:
        """JSON: the machine, and for each contender its raw rounds with median, least and most."""
        entries = []
        for each in self.measured.values():
            spreads = {what: Spread.of(each.values(what)) for found in each.rounds for what in found}
            entries.append(vars(each) | {"spread": {what: vars(spread) for what, spread in spreads.items()}})
        path.write_text(json.dumps({"machine": self.machine, "measured": entries}, indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Results that were written."""
        found = json.loads(path.read_text("utf-8"))
        results = cls(found["machine"])
        for entry in found["measured"]:
            del entry["spread"]
            results.add(Measured(**entry | {"rounds": tuple(entry["rounds"])}))
        return results
