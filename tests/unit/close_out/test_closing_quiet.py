"""Stepping ends: from a crash of everybody's market to nobody below maintenance margin."""

from __future__ import annotations

from typing import Any

import pytest
from books import ETH, long_eth, rich

from seawall.spec.liveness import NotQuietError, SpecHands, below, step_until_quiet
from seawall.spec.margin import Plan
from tests.closing_desk import ClosingDesk

#: Dollars behind ten ETH at 3,000: a fall to 2,750 leaves the first below zero, the last healthy.
MONEY = (500, 2_000, 2_600, 2_900, 3_400, 3_900, 4_200, 6_000)


@pytest.fixture
def crowd(closing_desk: ClosingDesk, trader: Any, maker: Any) -> list[int]:
    """Longs of all standings after a gap, and the one who is short."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    longs = [long_eth(desk, trader, pool, 10, money, sub) for sub, money in enumerate(MONEY)]
    desk.gap(ETH, 2_750)
    return [*longs, pool]


def anybody(_: Plan) -> bool:
    """There is a keeper for everybody."""
    return True


def test_step_until_quiet_leaves_nobody_below(
    closing_desk: ClosingDesk, crowd: list[int], keeper: Any
) -> None:
    desk = closing_desk
    helper = desk.account(keeper, 10**6)
    low = below(desk.closing, crowd, anybody)
    steps = step_until_quiet(
        desk.closing, lambda: [*crowd, helper], SpecHands(desk.closing, helper)
    )
    assert 4 < len(low) <= steps < 3 * len(low)
    assert below(desk.closing, [*crowd, helper], anybody) == []
    # Whoever had margin still has his leg.
    assert desk.size(crowd[7], ETH) == 10 * 10**18


def test_step_until_quiet_says_who_is_left(closing_desk: ClosingDesk, crowd: list[int]) -> None:
    desk = closing_desk
    with pytest.raises(NotQuietError, match=hex(crowd[0])):
        step_until_quiet(desk.closing, lambda: crowd, SpecHands(desk.closing, crowd[-1]), rounds=0)
