"""Mutants of a file: found, named so that they are found again after an edit, and drawn evenly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutation.operators import Scope, edits
from mutation.source import Source, Span, in_one_line, place_of, statement_span

GOLDEN = 0x9E3779B97F4A7C15
WORD = 1 << 64


@dataclass(frozen=True)
class Mutant:
    """One fault. `original` and `mutated` are the statement around it, in one line."""

    id: str
    file: str
    place: str
    line: int
    operator: str
    original: str
    mutated: str
    span: Span
    text: str

    def apply(self, source: str) -> str:
        """The file with the fault."""
        return source[: self.span.start] + self.text + source[self.span.end :]


def mutants_of(source: Source, scope: Scope) -> list[Mutant]:
    """All mutants of a file whose texts differ, in its order.

    An id is file, function and a digest of the statement before and after; a fault that a function
    has twice, in equal statements, is numbered.
    """
    texts: set[str] = set()
    seen: Counter[str] = Counter()
    found = []
    for edit in edits(source, scope):
        mutated = source.text[: edit.span.start] + edit.text + source.text[edit.span.end :]
        if mutated in texts or mutated == source.text:
            continue
        texts.add(mutated)
        around = statement_span(source, edit.node)
        before = source.text[around.start : around.end]
        after = mutated[around.start : around.end + len(mutated) - len(source.text)]
        original, changed = in_one_line(before), in_one_line(after)
        place = place_of(edit.node)
        name = _name(source.path, place, original, changed)
        seen[name] += 1
        if seen[name] > 1:
            name += f"-{seen[name]}"
        line = source.text.count("\n", 0, edit.span.start) + 1
        found.append(
            Mutant(
                name,
                source.path,
                place,
                line,
                edit.operator,
                original,
                changed,
                edit.span,
                edit.text,
            )
        )
    return found


def _name(path: str, place: str, original: str, changed: str) -> str:
    text = "\0".join((path, place, original, changed))
    return f"{Path(path).stem}.{place}:{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def evenly(mutants: Sequence[Mutant], seed: str) -> list[Mutant]:
    """An order of which every beginning is spread evenly over the files and their lines."""
    ordered = sorted(mutants, key=lambda m: (m.file, m.span.start, m.span.end, m.id))
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    keys = {mutant.id: (start + place * GOLDEN) % WORD for place, mutant in enumerate(ordered)}
    return sorted(ordered, key=lambda mutant: keys[mutant.id])


def scope_of(root: Path, source: Source) -> Scope:
    """The project's own modules by the names that a file gives them."""
    modules = {}
    for module in _imported(source):
        path = f"contracts/modules/{module}.vy"
        if (root / path).is_file():
            modules[module] = Source(path, (root / path).read_text())
    return Scope(modules)


def _imported(source: Source) -> Iterable[str]:
    for line in source.text.splitlines():
        if line.startswith("from contracts.modules import "):
            yield line.split()[3]
