"""No change of parameters makes an account liquidatable in the second it is made.

Changes of a market or a token and steps of the follower leave equity and maintenance margin as
they are in that second, to the unit, at the ends that decide; a new matrix never raises
maintenance margin, nor lowers what equity is above it. Said of the contract: accounts are looked
at right before and right after a transaction, at its own time.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from seawall.spec.words import PORTFOLIO
from tests.fuzz.backend import signed
from tests.margin.draws import KINDS, change, portfolio, stage_matrix, wait, world
from tests.margin.twin import PLAN, Question, Twin

SEEDS = range(10)
CHANGES = 30
ACCOUNTS = 40
#: Looks at accounts, by what changed, and those whose equity was their maintenance margin.
LEAST = {"market": 2_000, "token": 1_000, "follow": 2_000, "matrix": 500, "on the edge": 3_000}

_looks: Counter[str] = Counter()


def _plans(twin: Twin, questions: list[Question]) -> list[tuple[int, int] | None]:
    """Equity and maintenance margin at the ends that decide, at the time of the next block."""
    time = twin.now + 1
    answers = twin.ask(PLAN, [question._replace(time=time) for question in questions])
    return [(signed(words[2]), words[3]) if words else None for words in answers]


def _on_the_edge(twin: Twin, questions: list[Question]) -> list[Question]:
    """The same portfolios, every other one with the cash that makes equity the maintenance."""
    moved = []
    for number, (question, plan) in enumerate(zip(questions, _plans(twin, questions), strict=True)):
        short = plan[1] - plan[0] if plan else 0
        if number % 2 and abs(question.cash + short) < 2**110:
            question = question._replace(cash=question.cash + short, base=question.base + short)
        moved.append(question)
    return moved


def _look(twin: Twin, rng: Random, kind: str) -> None:
    if kind == "matrix":
        stage_matrix(twin, rng)
    drawn = [portfolio(rng, twin.spec, twin.now) for _ in range(ACCOUNTS)]
    if twin.spec.scenarios.matrix.version == 0:
        # Nobody is in portfolio mode before there is a matrix: it takes no new risk.
        drawn = [question._replace(mode=question.mode & ~PORTFOLIO) for question in drawn]
    accounts = _on_the_edge(twin, drawn)
    before = _plans(twin, accounts)

    if change(twin, rng, kind) is not None:
        return
    # The transaction has just been the next block.
    twin.chain.time -= 1
    after = _plans(twin, accounts)
    twin.chain.time += 1

    for old, new in zip(before, after, strict=True):
        assert (old is None) == (new is None)
        if old is None or new is None:
            continue
        if kind != "matrix":
            assert new == old, kind
        # What an index's width may shield is a part of the margin that a matrix may lower.
        assert new[1] <= old[1], kind
        assert new[0] - new[1] >= old[0] - old[1], kind
        _looks[kind] += 1
        _looks["on the edge"] += old[0] == old[1]


def _history(seed: int) -> None:
    rng = Random(f"changes {seed}")
    twin = Twin()
    world(rng, twin)
    for _ in range(CHANGES):
        _look(twin, rng, rng.choice(KINDS))
        wait(twin, rng)


@pytest.mark.parametrize("seed", SEEDS)
def test_change_of_parameters_any_account_stays_where_it_is(seed: int) -> None:
    before = _looks.total()

    _history(seed)

    assert _looks.total() > before


def test_changes_of_every_kind_were_looked_at() -> None:
    """Follows the histories above in one process; alone it plays them."""
    if not _looks:
        for seed in SEEDS:
            _history(seed)

    assert {kind: _looks[kind] for kind in LEAST if _looks[kind] < LEAST[kind]} == {}
