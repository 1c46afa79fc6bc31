"""Which mutants are tried, in which order, and what is known of them so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from mutation.compiler import Compiler
from mutation.crew import Crew
from mutation.mutants import Mutant, evenly, mutants_of, scope_of
from mutation.source import Source
from mutation.store import Record, Store
from mutation.targets import Stage, Target
from mutation.trial import (
    KILLED,
    SURVIVED,
    Bench,
    TrialError,
    Verdict,
    as_record,
    judge,
    preload,
    run_stage,
)

VALID = (KILLED, SURVIVED)
SAVE_EVERY = 20
TOO_LONG = "ran too long"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Mutants of the chosen targets: all of the complete ones, a sample of the others."""

    targets: dict[str, Target]
    complete: list[Mutant]
    pool: list[Mutant]
    sample: int


def plan(root: Path, targets: Sequence[Target], sample: int, seed: str) -> Plan:
    """Find the mutants; the pool stands in the order in which it is drawn."""
    complete: list[Mutant] = []
    pool: list[Mutant] = []
    for target in targets:
        source = Source(target.file, (root / target.file).read_text())
        found = mutants_of(source, scope_of(root, source))
        (complete if target.complete else pool).extend(found)
    return Plan({t.file: t for t in targets}, complete, evenly(pool, seed), sample)


def drawn(plan: Plan, known: Callable[[str], Record | None]) -> tuple[list[Record], bool]:
    """Verdicts of the sample so far, and whether it is whole."""
    records: list[Record] = []
    valid = 0
    for mutant in plan.pool:
        record = known(mutant.id)
        if valid >= plan.sample:
            return records, True
        if record is None:
            return records, False
        records.append(record)
        valid += record["outcome"] in VALID
    return records, True


def prepare(root: Path, build: dict[str, Any], targets: Sequence[Target], scratch: Path) -> Bench:
    """Compile every contract that a stage may need. Errors: TrialError."""
    preload()
    compiler = Compiler(root)
    contracts = list(dict.fromkeys(c for t in targets for s in t.stages for c in s.contracts))
    crew = Crew(2, scratch)
    bytecode: dict[str, str] = {}
    waiting = list(contracts)
    while waiting or crew.busy:
        while waiting and not crew.full:
            contract = waiting.pop()
            crew.start(contract, lambda c=contract: {"code": compiler.bytecode(c)})  # type: ignore[misc]
        for contract, answer in crew.wait():
            if answer is None:
                raise TrialError(f"{contract}: {TOO_LONG}")
            bytecode[contract] = answer["code"]
    used = {contract: compiler.used(contract) for contract in contracts}
    return Bench(compiler, build, bytecode, used, scratch)


def check_unmutated(bench: Bench, targets: Sequence[Target]) -> None:
    """Every stage passes without a fault. Errors: TrialError."""
    stages: list[Stage] = list(dict.fromkeys(s for t in targets for s in t.stages))
    for stage in stages:
        code = {c: bench.bytecode[c] for c in stage.contracts}
        failed = run_stage(bench, stage, code, "")
        if failed is not None:
            raise TrialError(f"{stage.name}: {failed} fails without any fault")


class Campaign:
    """Tries the mutants of a plan and stores the verdicts."""

    def __init__(self, bench: Bench, chosen: Plan, stores: dict[str, Store], say: Say) -> None:
        self._bench, self._plan, self._stores, self._say = bench, chosen, stores, say
        #: Test that last killed a mutant of a function, by file, function and stage.
        self._killers: dict[tuple[str, str, str], str] = {}
        self._tried = 0
        #: Mutants of the sample that turned out to be some.
        self._valid = 0
        self._began = monotonic()

    def record(self, mutant_id: str) -> Record | None:
        """What is known of a mutant."""
        for store in self._stores.values():
            if mutant_id in store.records:
                return store.records[mutant_id]
        return None

    def run(self, workers: int) -> None:
        """Try what is not known yet. Errors: TrialError."""
        crew = Crew(workers, self._bench.scratch)
        complete, pool = iter(self._plan.complete), iter(self._plan.pool)
        at_work: dict[str, Mutant] = {}
        try:
            while True:
                while not crew.full and (mutant := self._next(complete, pool, len(at_work))):
                    at_work[mutant.id] = mutant
                    self._start(crew, mutant)
                if not crew.busy:
                    return
                for key, answer in crew.wait():
                    self._keep(at_work.pop(key), answer)
        finally:
            crew.stop()
            self.save()

    def save(self) -> None:
        """Write all verdicts."""
        for store in self._stores.values():
            store.save()

    def _next(
        self, complete: Iterator[Mutant], pool: Iterator[Mutant], at_work: int
    ) -> Mutant | None:
        """The next unknown mutant; None while those at work may fill the sample."""
        for mutant in complete:
            if self.record(mutant.id) is None:
                return mutant
        while self._valid + at_work < self._plan.sample:
            drawn_next = next(pool, None)
            if drawn_next is None:
                return None
            record = self.record(drawn_next.id)
            if record is None:
                return drawn_next
            self._valid += record["outcome"] in VALID
        return None

    def _start(self, crew: Crew, mutant: Mutant) -> None:
        target = self._plan.targets[mutant.file]
        first = {
            stage.name: self._killers.get((mutant.file, mutant.place, stage.name), "")
            for stage in target.stages
        }
        crew.start(
            mutant.id,
            lambda: as_record(mutant, judge(self._bench, target, mutant, first)),
        )

    def _keep(self, mutant: Mutant, answer: Record | None) -> None:
        if answer is None:
            answer = as_record(mutant, Verdict(KILLED, TOO_LONG))
        if answer["outcome"] == KILLED:
            self._killers[mutant.file, mutant.place, answer["stage"]] = answer["test"]
        self._stores[mutant.file].put(answer)
        self._tried += 1
        sampled = not self._plan.targets[mutant.file].complete
        self._valid += sampled and answer["outcome"] in VALID
        if answer["outcome"] == SURVIVED:
            self._say(f"survived: {mutant.id} line {mutant.line}: {mutant.mutated}")
        if self._tried % SAVE_EVERY == 0:
            self.save()
            pace = (monotonic() - self._began) / self._tried
            self._say(f"{self._tried} tried, {pace:.2f} s each")

    def replace(self, mutant: Mutant, record: Record) -> None:
        """A verdict that a later stage changed."""
        self._stores[mutant.file].put(record)
        self._say(f"{record['outcome']} on the node: {mutant.id} {record.get('test', '')}")
        self.save()
