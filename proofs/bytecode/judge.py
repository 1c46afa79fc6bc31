"""Whether a goal holds at the end of a path, and the proofs that ask.

While a path is explored, products and quotients of two symbolic numbers are function symbols. A
goal that follows from less is proved; a model that breaks it counts only once these symbols have
their meaning in the machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import z3
from halmos.sevm import f_div, f_mul, f_sdiv

from proofs.bytecode.machine import Outcome, World, word
from proofs.lemmas.claim import ProofError

#: Milliseconds for z3 on the conditions that share symbols with the goal, then on all of them.
FIRST_LIMIT_MS = 20_000
LAST_LIMIT_MS = 120_000
YICES = Path(sys.prefix) / "bin" / "yices-smt2"
YICES_LIMIT = 120

Formula = Any
Creations = Mapping[str, bytes]


class RefutedError(ProofError):
    """A path on which a goal is broken; the text shows the values."""


@dataclass(frozen=True)
class Plant:
    """A bug: in `file` the text `old` becomes `new`; `contract` is compiled with it."""

    words: str
    contract: str
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Proof:
    """A statement about bytecode: `run` raises unless it holds of given creation codes."""

    name: str
    words: str
    contracts: Sequence[str]
    run: Callable[[Creations], str]
    planted: Sequence[Plant]


@dataclass
class Search:
    """Whether a run looks for a counterexample only, and so skips paths that no example takes."""

    refuting: bool = False


SEARCH = Search()
PROOFS: list[Proof] = []


def proof(
    contracts: Sequence[str], planted: Sequence[Plant]
) -> Callable[[Callable[[Creations], str]], Callable[[Creations], str]]:
    """Register a proof; the first line of its docstring states it."""

    def register(run: Callable[[Creations], str]) -> Callable[[Creations], str]:
        topic = run.__module__.rpartition(".")[2]
        words = (run.__doc__ or "").strip().splitlines()[0]
        PROOFS.append(Proof(f"{topic}.{run.__name__}", words, contracts, run, planted))
        return run

    return register


def require(world: World, goals: Mapping[str, Formula], *example: Formula) -> int:
    """Prove goals in a world; returns how many. Errors: RefutedError, ProofError when undecided.

    A run that looks for a counterexample tries the example's values alone, where there are any.
    """
    for name, goal in goals.items():
        _require(world, name, z3.simplify(goal), example)
    return len(goals)


def require_possible(worlds: Sequence[World], *example: Formula) -> None:
    """At least one of the worlds can be reached, with an example's values. Errors: ProofError.

    Values spare the solver products of unknowns, which here have their meaning in the machine.
    """
    for world in worlds:
        solver = z3.Solver()
        solver.set("timeout", LAST_LIMIT_MS)
        solver.add(*example, *(_meant(condition) for condition in world.known))
        if solver.check() == z3.sat:
            return
    raise ProofError("no path is shown to be possible")


def successes(outcomes: Sequence[Outcome]) -> list[World]:
    """The worlds of the paths that do not revert. Errors: ProofError where there is none."""
    found = [outcome.world for outcome in outcomes if outcome.success]
    if not found:
        raise ProofError("every path reverts")
    return found


def _require(world: World, name: str, goal: Formula, example: Sequence[Formula]) -> None:
    if z3.is_true(goal):
        return
    meant = [*(_meant(condition) for condition in world.known), z3.Not(_meant(goal))]
    if SEARCH.refuting and example:
        solver = _solver([*meant, *example], FIRST_LIMIT_MS)
        if solver.check() == z3.sat:
            raise RefutedError(f"{name}: {str(solver.model())[:500]}")
        return
    symbols = _symbols(goal)
    near = [condition for condition in world.known if _symbols(condition) <= symbols]
    if _ask(near, goal, FIRST_LIMIT_MS) == z3.unsat or _refuted_by_yices(world.known, goal):
        return
    solver = _solver(meant, LAST_LIMIT_MS)
    answer = solver.check()
    if answer == z3.sat:
        raise RefutedError(f"{name}: {str(solver.model())[:500]}")
    if answer == z3.unknown:
        raise ProofError(f"{name}: undecided, {solver.reason_unknown()}")


def _ask(conditions: Sequence[Formula], goal: Formula, limit: int) -> Any:
    return _solver([*conditions, z3.Not(goal)], limit).check()


def _solver(formulas: Sequence[Formula], limit: int) -> Any:
    solver = z3.SolverFor("QF_UFBV")
    solver.set("timeout", limit)
    solver.add(*formulas)
    return solver


def _refuted_by_yices(conditions: Sequence[Formula], goal: Formula) -> bool:
    """Whether yices finds that nothing satisfies the conditions and breaks the goal."""
    script = "(set-logic QF_UFBV)\n" + _solver([*conditions, z3.Not(goal)], 0).to_smt2()
    with tempfile.NamedTemporaryFile("w", suffix=".smt2") as file:
        file.write(script)
        file.flush()
        command = [str(YICES), f"--timeout={YICES_LIMIT}", file.name]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == "unsat"


def _meant(formula: Formula) -> Formula:
    """The formula with products and quotients as the machine has them: x / 0 is 0."""
    first, second = z3.Var(0, z3.BitVecSort(256)), z3.Var(1, z3.BitVecSort(256))
    nothing = second == word(0)
    meanings = [
        (f_mul[256], first * second),
        (f_sdiv, z3.If(nothing, word(0), first / second)),
        (f_div, z3.If(nothing, word(0), z3.UDiv(first, second))),
    ]
    return z3.substitute_funs(formula, *meanings)


def _symbols(formula: Formula) -> set[str]:
    """Names of the unknowns of a formula."""
    found: set[str] = set()
    seen: set[int] = set()
    todo = [formula]
    while todo:
        term = todo.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.add(str(term))
        todo += term.children()
    return found
