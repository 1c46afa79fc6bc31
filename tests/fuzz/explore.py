"""Runs of the machine: sequences by hypothesis or by a plain loop, counted, kept when they fail.

A transaction is one state-changing call sent to the chain by a step and predicted by the
specification, reverts that it predicted included. Not counted: the set-up that all sequences share,
the prices that steps write into the fixed oracle, and what shrinking and replaying repeat.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.fuzz.rules import PREPARE, WEIGHTS, Step, draw_steps, finish, play, run
from tests.fuzz.world import World

STEPS = 100
SEEDS = st.integers(0, 2**32 - 1)
#: Called with a tally after each sequence.
Progress = Callable[["Tally"], None]


@dataclass
class Tally:
    """What a run did; `seen` counts outcomes of calls and what must have happened besides."""

    backend: str
    transactions: int = 0
    examples: int = 0
    seconds: float = 0
    rule_hits: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take another run of the same backend in; runs beside each other share their time."""
        self.transactions += other.transactions
        self.examples += other.examples
        self.seconds = max(self.seconds, other.seconds)
        self.rule_hits.update(other.rule_hits)
        self.seen.update(other.seen)

    def summary(self) -> dict[str, Any]:
        """The entry of the summary file."""
        entry = asdict(self)
        del entry["seen"]
        entry["seconds"] = round(self.seconds, 1)
        entry["rule_hits"] = dict(sorted(self.rule_hits.items()))
        return entry


class FailureError(AssertionError):
    """A sequence that fails, with all that is needed to play it again."""

    def __init__(self, steps: list[Step], reason: str) -> None:
        super().__init__(f"{reason}\nin {len(steps)} steps")
        self.steps = steps
        self.reason = reason

    def save(self, path: Path) -> None:
        """Write the sequence; `load_steps` reads it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"reason": self.reason, "steps": self.steps}, indent=1))


def load_steps(path: Path) -> list[Step]:
    """A sequence that `FailureError.save` wrote."""
    return [(str(name), int(number)) for name, number in json.loads(path.read_text())["steps"]]


# -- by hypothesis -------------------------------------------------------------------------------


class _Run:
    """What all sequences of one run share."""

    def __init__(self, base: World, tally: Tally, progress: Progress) -> None:
        self.base = base
        self.tally = tally
        self.progress = progress
        self.started = time.monotonic()
        #: The latest sequence; after a failure, the smallest that fails.
        self.steps: list[Step] = []
        self.failed = False

    def finished(self, world: World, hits: Counter[str]) -> None:
        """Count a sequence that held."""
        tally = self.tally
        tally.examples += 1
        tally.transactions += world.transactions
        tally.rule_hits.update(hits)
        tally.seen.update(world.counts)
        tally.seconds = time.monotonic() - self.started
        self.progress(tally)


class Machine(RuleBasedStateMachine):
    """The rules, on a copy of the world for each sequence."""

    def __init__(self, shared: _Run) -> None:
        super().__init__()
        self.shared = shared
        self.world = shared.base.fork()
        self.hits: Counter[str] = Counter()
        self.broken = False
        shared.steps = []

    def take(self, name: str, number: int) -> None:
        """One step."""
        self.shared.steps.append((name, number))
        try:
            self.hits[name] += play(self.world, (name, number))
        except Exception:
            self.broken = self.shared.failed = True
            raise

    @initialize(number=SEEDS)
    def prepare(self, number: int) -> None:
        """Positions in every market."""
        self.take(PREPARE, number)

    def teardown(self) -> None:
        """Everything is compared, unless a step has failed."""
        if self.broken:
            return
        try:
            finish(self.world)
        except Exception:
            self.shared.failed = True
            raise
        if not self.shared.failed:
            self.shared.finished(self.world, self.hits)


def _rule(name: str, again: int) -> Any:
    def step(self: Machine, number: int) -> None:
        self.take(name, number)

    step.__name__ = step.__qualname__ = name if again == 0 else f"{name}_{again}"
    return rule(number=SEEDS)(step)


def _machine() -> type[Machine]:
    """The machine with a rule per action, several where one is to be drawn more often."""
    rules = {}
    for action, weight in WEIGHTS.items():
        for again in range(weight):
            made = _rule(action.__name__, again)
            rules[made.__name__] = made
    return type("SeawallMachine", (Machine,), rules)


SeawallMachine = _machine()


def explore(
    base: World,
    backend: str,
    number: int,
    examples: int,
    progress: Progress = lambda tally: None,
    steps: int = STEPS,
) -> Tally:
    """So many sequences from a fixed seed, by hypothesis. Errors: FailureError, shrunk."""
    shared = _Run(base, Tally(backend), progress)

    def machine() -> Machine:
        return SeawallMachine(shared)

    factory: Any = seed(number)(machine)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(factory, settings=chosen)
    except Exception as error:
        raise FailureError(shared.steps, str(error)) from error
    return shared.tally


# -- by a plain loop -----------------------------------------------------------------------------


def sequences(text: str, length: int) -> Iterator[list[Step]]:
    """Sequences without end, from a seed."""
    episode = 0
    while True:
        yield draw_steps(Random(f"{text} {episode}"), length)
        episode += 1


def attempt(base: World, steps: list[Step], tally: Tally | None = None) -> None:
    """Play one sequence on a copy of the world. Errors: FailureError, cut to where it failed."""
    world, hits = base.fork(), Counter[str]()
    try:
        run(world, steps, hits)
    except Exception as error:
        raise FailureError(steps, f"{type(error).__name__}: {error}") from error
    if tally is not None:
        tally.examples += 1
        tally.transactions += world.transactions
        tally.rule_hits.update(hits)
        tally.seen.update(world.counts)


def minimised(base: World, failure: FailureError, tries: int = 400) -> FailureError:
    """The same failure in fewer steps: ever smaller parts are left out while it still fails."""
    part = max(1, len(failure.steps) // 2)
    while part >= 1 and tries > 0:
        start = 0
        while start < len(failure.steps) and tries > 0:
            tries -= 1
            shorter = failure.steps[:start] + failure.steps[start + part :]
            try:
                attempt(base, shorter)
                start += part
            except FailureError as found:
                failure = found
        part //= 2
    return failure


def few(counts: Mapping[str, int], names: list[str], least: int) -> dict[str, int]:
    """Names that were counted less often than `least`."""
    return {name: counts.get(name, 0) for name in names if counts.get(name, 0) < least}
