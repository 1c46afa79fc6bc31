"""What a lemma is, and how z3 judges it.

A lemma is a function that returns a :class:`Claim`: formulas that are given and formulas that
follow from them. It counts as proved when three things hold, each within the time limit:

1. what is given can be true (z3 finds a model), so that the lemma says something;
2. no model of it breaks any of the goals (the negation of each is unsatisfiable);
3. each planted falsehood, a neighbour of the lemma that is wrong, has a counterexample, so that the
   formulas would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import z3

#: Milliseconds for each question to the solver; the slowest takes a fraction of it.
TIME_LIMIT_MS = 60_000

Formula = Any


@dataclass(frozen=True)
class Falsehood:
    """A wrong neighbour of a lemma: `words` tell what was changed."""

    words: str
    given: Sequence[Formula]
    goal: Formula


@dataclass(frozen=True)
class Claim:
    """`given` implies each of `goals`; each of `planted` does not hold."""

    given: Sequence[Formula]
    goals: Sequence[Formula]
    planted: Sequence[Falsehood]


@dataclass(frozen=True)
class Lemma:
    """A named lemma and the function that states it."""

    name: str
    words: str
    state: Callable[[], Claim]


class ProofError(Exception):
    """A lemma that does not hold, or that z3 cannot decide; the text says which part."""


LEMMAS: list[Lemma] = []


def lemma(function: Callable[[], Claim]) -> Callable[[], Claim]:
    """Register a lemma under its topic and name; the first line of its docstring states it."""
    topic = function.__module__.rpartition(".")[2]
    words = (function.__doc__ or "").strip().splitlines()[0]
    LEMMAS.append(Lemma(f"{topic}.{function.__name__}", words, function))
    return function


def judge(claim: Claim) -> str:
    """Prove a claim and refute its falsehoods; returns what was checked. Errors: ProofError."""
    if not claim.planted:
        raise ProofError("no falsehood is planted")
    if _find(claim.given) is None:
        raise ProofError("what is given contradicts itself")
    for goal in claim.goals:
        model = _find([*claim.given, z3.Not(goal)])
        if model is not None:
            raise ProofError(f"counterexample: {model}")
    for falsehood in claim.planted:
        if _find([*falsehood.given, z3.Not(falsehood.goal)]) is None:
            raise ProofError(f"planted falsehood holds: {falsehood.words}")
    goals, planted = len(claim.goals), len(claim.planted)
    return f"{goals} goal{'s' * (goals > 1)}, {planted} plant{'s' * (planted > 1)} refuted"


def _find(formulas: Sequence[Formula]) -> Any | None:
    """A model of the formulas, None where there is none. Errors: ProofError when z3 gives up."""
    solver = z3.Solver()
    solver.set("timeout", TIME_LIMIT_MS)
    solver.add(*formulas)
    answer = solver.check()
    if answer == z3.unknown:
        raise ProofError(f"undecided: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None


def floor_of(name: str, numerator: Any, divisor: Any) -> tuple[Any, Formula]:
    """A number and the formula that makes it floor(numerator / divisor), for divisor > 0.

    The formula says that it lies in (numerator / divisor - 1, numerator / divisor], which the floor
    does and other reals do too: what is proved for all of them holds for it.
    """
    quotient = z3.Real(name)
    bounds = z3.And(quotient * divisor <= numerator, numerator < (quotient + 1) * divisor)
    return quotient, bounds


def ceil_of(name: str, numerator: Any, divisor: Any) -> tuple[Any, Formula]:
    """As `floor_of`, for ceil(numerator / divisor) in [numerator / divisor, its successor)."""
    quotient = z3.Real(name)
    bounds = z3.And(quotient * divisor >= numerator, (quotient - 1) * divisor < numerator)
    return quotient, bounds
