"""Intervals, counts and the notes on survivors."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.__main__ import NOTES, ROOT
from mutation.mutants import mutants_of, scope_of
from mutation.report import Note, NotesError, Score, load_notes, row, score, survivors, wilson
from mutation.source import Source
from mutation.store import Record
from mutation.targets import TARGETS
from mutation.trial import INVALID, KILLED, SURVIVED

EQUIVALENT = Note("equivalent", "both are zero there")


def record(name: str, outcome: str) -> Record:
    """A verdict with the fields that a report reads."""
    return {
        "id": name,
        "outcome": outcome,
        "file": "f.vy",
        "original": "a",
        "mutated": "b",
        "stage": "fuzz",
    }


@pytest.mark.parametrize(
    "successes, trials, low, high",
    [
        # Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published_case_equals_table(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_without_trials_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_interval_of_a_complete_set_is_its_share() -> None:
    assert Score("f", True, 12, 9, 1, 0).interval() == (0.9, 0.9)
    assert Score("f", False, 12, 9, 1, 0).interval() == wilson(9, 10)


def test_score_counts_mutants_alone() -> None:
    records = [
        record("a", KILLED),
        record("b", SURVIVED),
        record("c", SURVIVED),
        record("d", INVALID),
    ]
    found = score("f", True, 9, records, {"b": EQUIVALENT, "c": Note("gap", "no test yet")})
    assert (found.tried, found.killed, found.survived, found.equivalent) == (3, 1, 2, 1)
    assert "| 33.3 % | exact | 50.0 % |" in row(found)


def test_score_note_on_a_killed_mutant_raises() -> None:
    with pytest.raises(NotesError, match="a is killed"):
        score("f", True, 1, [record("a", KILLED)], {"a": EQUIVALENT})


def test_survivors_show_their_reasons() -> None:
    records = [record("a", SURVIVED), record("b", SURVIVED), record("c", KILLED)]
    text = survivors(records, {"a": EQUIVALENT})
    assert "`a` in `f.vy`: `a` -> `b`. equivalent: both are zero there" in text
    assert "`b` in `f.vy`: `a` -> `b`. not explained yet" in text
    assert "`c`" not in text


@pytest.mark.parametrize(
    "text", ["x: {kind: lazy, why: tired}", "x: {kind: gap, why: ''}"], ids=["kind", "reason"]
)
def test_load_notes_without_reason_raises(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.yaml"
    file.write_text(text)
    with pytest.raises(NotesError, match="x: needs a kind"):
        load_notes(file)


def test_notes_name_mutants_that_the_sources_have() -> None:
    found = set()
    for target in TARGETS:
        source = Source(target.file, (ROOT / target.file).read_text())
        found |= {mutant.id for mutant in mutants_of(source, scope_of(ROOT, source))}
    assert sorted(set(load_notes(NOTES)) - found) == []
