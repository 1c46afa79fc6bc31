"""`median.vy` against its specification."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from seawall.spec.oracle import median

SEED = 7
BATCH = 500

Ask = Callable[[Sequence[Sequence[int]]], list[int | None]]


def test_median_every_order_of_small_values_matches_specification(ask_medians: Ask) -> None:
    """All lists of 1 to 5 values out of 0 to 3: 1,364 cases, with every tie and order."""
    cases = [list(c) for n in range(1, 6) for c in itertools.product(range(4), repeat=n)]
    assert len(cases) == 1_364
    for start in range(0, len(cases), BATCH):
        batch = cases[start : start + BATCH]
        assert ask_medians(batch) == [median(case) for case in batch]


def test_median_random_values_match_specification(ask_medians: Ask) -> None:
    rng = random.Random(SEED)
    for _ in range(6):
        batch = [
            [rng.randrange(2 ** rng.choice([8, 96, 255])) for _ in range(rng.randint(1, 5))]
            for _ in range(BATCH)
        ]
        assert ask_medians(batch) == [median(case) for case in batch]


def test_median_of_nothing_reverts(ask_medians: Ask) -> None:
    assert ask_medians([[]]) == [None]


def test_median_sum_above_a_word_reverts(ask_medians: Ask) -> None:
    assert ask_medians([[2**255, 2**255]]) == [None]
