"""Scores with their 95 % confidence intervals, and the page that shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import yaml

from mutation.campaign import VALID
from mutation.store import Record
from mutation.trial import INVALID, KILLED, SAME, SURVIVED

#: Normal quantile of 97.5 %.
Z = 1.959963984540054
EQUIVALENT = "equivalent"
KINDS = (EQUIVALENT, "gap")


class NotesError(Exception):
    """The file of explanations contradicts the results."""


@dataclass(frozen=True)
class Note:
    """Why a mutant survives: no input tells it from the original, or a test is missing."""

    kind: str
    why: str


@dataclass(frozen=True)
class Score:
    """Counts of one file or of several."""

    name: str
    complete: bool
    found: int
    killed: int
    survived: int
    equivalent: int

    @property
    def tried(self) -> int:
        """Mutants that compile to other bytecode."""
        return self.killed + self.survived

    def interval(self) -> tuple[float, float]:
        """Of the share killed: exact where all mutants were tried."""
        if self.complete:
            share = self.killed / self.tried if self.tried else 1.0
            return share, share
        return wilson(self.killed, self.tried)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of a proportion at 95 %; (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, Z * Z
    centre = share + square / (2 * trials)
    half = Z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    return max(0.0, (centre - half) / whole), min(1.0, (centre + half) / whole)


def load_notes(path: Path) -> dict[str, Note]:
    """Explanations by mutant id. Errors: NotesError."""
    raw = yaml.safe_load(path.read_text()) or {}
    notes = {}
    for key, entry in raw.items():
        if entry["kind"] not in KINDS or not entry["why"]:
            raise NotesError(f"{key}: needs a kind of {', '.join(KINDS)} and a reason")
        notes[key] = Note(entry["kind"], entry["why"])
    return notes


def score(
    name: str, complete: bool, found: int, records: Iterable[Record], notes: dict[str, Note]
) -> Score:
    """Count verdicts; a note on a killed mutant is out of date. Errors: NotesError."""
    killed = survived = equivalent = 0
    for record in records:
        note = notes.get(record["id"])
        if record["outcome"] == KILLED and note:
            raise NotesError(f"{record['id']} is killed: its note must go")
        killed += record["outcome"] == KILLED
        survived += record["outcome"] == SURVIVED
        equivalent += record["outcome"] == SURVIVED and note is not None and note.kind == EQUIVALENT
    return Score(name, complete, found, killed, survived, equivalent)


def row(found: Score) -> str:
    """One line of the table."""
    low, high = found.interval()
    share = f"{100 * found.killed / found.tried:.1f} %" if found.tried else "-"
    left = found.tried - found.equivalent
    adjusted = f"{100 * found.killed / left:.1f} %" if left else "-"
    range_ = "exact" if found.complete else f"{100 * low:.1f} - {100 * high:.1f} %"
    cells = [
        found.name,
        "all" if found.complete else "sample",
        str(found.found),
        str(found.tried),
        str(found.killed),
        str(found.survived),
        str(found.equivalent),
        share,
        range_,
        adjusted,
    ]
    return "| " + " | ".join(cells) + " |"


COLUMNS = (
    "file",
    "drawn",
    "faults",
    "mutants tried",
    "killed",
    "survived",
    "equivalent",
    "score",
    "95 % interval",
    "score without equivalent",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"

INTRODUCTION = """# Mutation

Written by `make mutate`; the reasons at the end are kept by hand in `mutation/survivors.yaml`.

A mutant is the code with one small fault: another operator, a number one higher or lower, a
condition turned round, a statement gone, two arguments exchanged, the other rounding. It is killed
when a test fails. Faults that do not compile, or compile to the same bytecode, are no mutants.
`words.vy`, `bits.vy` and `fixed_math.vy` are tried fault by fault; of the other files a sample is
drawn, spread evenly over their lines, and the interval is Wilson's for a sample of that size.

Each mutant meets the cheapest tests first: the array tests of its harness, the random machine
against the specification, the machine for longer with another seed, at last the unit tests on a
node. The first score counts every survivor, the last leaves out those that no input tells from the
original.
"""


def page(
    scores: Sequence[Score], totals: Sequence[Score], records: Sequence[Record], seed: str
) -> str:
    """The page without the survivors."""
    table = "\n".join([HEAD, *(row(found) for found in [*scores, *totals])])
    stages = Counter(r["stage"] for r in records if r["outcome"] == KILLED)
    killers = "\n".join(f"| {stage} | {number} |" for stage, number in stages.most_common())
    dropped = Counter(r["outcome"] for r in records)
    seconds = sum(r["seconds"] for r in records)
    tried = sum(dropped[outcome] for outcome in VALID)
    pace = seconds / tried if tried else 0.0
    return f"""{INTRODUCTION}
{table}

Seed `{seed}`. No mutants: {dropped[INVALID]} faults do not compile, {dropped[SAME]} compile to the
same bytecode. One core needs {pace:.1f} s for a mutant, those faults included.

| killed by | mutants |
|---|---|
{killers}
"""


def survivors(records: Sequence[Record], notes: dict[str, Note]) -> str:
    """The list of survivors with their reasons; those without one say so."""
    lines = ["\n## Survivors\n"]
    for record in records:
        if record["outcome"] != SURVIVED:
            continue
        note = notes.get(record["id"])
        why = f"{note.kind}: {note.why}" if note else "not explained yet"
        lines.append(
            f"- `{record['id']}` in `{record['file']}`: "
            f"`{record['original']}` -> `{record['mutated']}`. {why}"
        )
    if len(lines) == 1:
        lines.append("None.")
    return "\n".join(lines) + "\n"
