"""`assess` and `plan` on random portfolios under random histories: equal to the specification."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.margin.classes import LEAST, classes
from tests.margin.draws import portfolio, world
from tests.margin.twin import (
    ASSESS,
    PLAN,
    Question,
    Twin,
    assessed,
    assessment,
    plan_words,
    planned,
)

WORLDS = range(52)
PORTFOLIOS = 1_000
#: Every so many questions are looked at for the rules they meet.
SAMPLE = 10
CASES = 100_000

_seen: Counter[str] = Counter()


def _asked(seed: int) -> list[Question]:
    """Ask both of one world's portfolios and compare; the questions."""
    rng = Random(f"margin {seed}")
    twin = Twin()
    world(rng, twin)
    questions = [portfolio(rng, twin.spec, twin.now) for _ in range(PORTFOLIOS)]

    found = twin.ask(ASSESS, questions)
    plans = twin.ask(PLAN, questions)

    for question, words, plan in zip(questions, found, plans, strict=True):
        answer = assessment(words) if words else None
        assert answer == assessed(twin.spec, question), question
        assert plan == plan_words(planned(twin.spec, question)), question
    for question in questions[::SAMPLE]:
        _seen.update(classes(twin.spec, question))
    return questions


@pytest.mark.parametrize("seed", WORLDS)
def test_assess_and_plan_random_portfolios_equal_specification(seed: int) -> None:
    assert len(_asked(seed)) == PORTFOLIOS


def test_assess_and_plan_cases_meet_every_rule() -> None:
    """Follows the worlds above in one process; alone it asks those it needs."""
    if not _seen:
        for seed in WORLDS:
            _asked(seed)

    assert 2 * PORTFOLIOS * len(WORLDS) >= CASES
    scale = 2 * SAMPLE
    missed = {rule: _seen[rule] * scale for rule in LEAST if _seen[rule] * scale < LEAST[rule]}
    assert missed == {}
