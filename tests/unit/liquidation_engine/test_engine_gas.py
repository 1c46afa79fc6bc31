"""What the largest account costs to liquidate: caps of legs and tokens bound it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.spec.step_plan import WHOLE
from seawall.spec.words import WAD
from tests.desk import Desk

#: A quarter of a block of thirty million.
BUDGET = 7_500_000
FEEDS = 3
LEGS, TOKENS = 16, 8


def full_account(desk: Desk, owner: Any, maker: Any, loss: int, tokens: int) -> int:
    """Sixteen legs on alternating sides, some collateral, and a loss in cash (dollars)."""
    account, other = desk.account(owner), desk.account(maker, 10**6)
    for market_id in range(3, 3 + LEGS):
        desk.list_market(market_id, 100, FEEDS)
        size = WAD if market_id % 2 else -WAD
        desk.fill(account, other, market_id, size)
    for token_id in range(1, 1 + tokens):
        token = desk.list_collateral(token_id, 1, feeds=FEEDS)
        desk.pledge(owner, account, token_id, token, 1)
    desk.move_money(account, other, loss)
    return account


def test_liquidate_sixteen_legs_whole_fits_a_quarter_block(
    desk: Desk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 10_000)
    account = full_account(desk, trader, maker, 1_000, TOKENS)
    taker = desk.account(keeper, 100_000)
    desk.index(3, 101)
    plan = desk.plan(account)
    desk.deposit(account, Fraction(plan.maintenance // 3 - plan.equity, WAD))
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == WHOLE
    # What it holds besides stays its own.
    assert [leg for leg, _, _ in desk.spec.portfolio(account)[1] if leg < 128] == []
    print(f"gas of {LEGS} legs and {TOKENS} tokens, whole: {desk.last_gas}")
    assert desk.last_gas < BUDGET


def test_liquidate_account_of_sixteen_legs_partially_is_cheaper(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = full_account(desk, trader, maker, 0, 0)
    desk.deposit(account, 16 + 95)
    taker = desk.account(keeper, 100_000)
    desk.liquidate(account, taker, keeper)
    print(f"gas of a slice of an account of {LEGS} legs: {desk.last_gas}")
    assert desk.last_gas < BUDGET // 2
    assert desk.view(desk.engine, "flagged_at", account) == 0


def test_flag_account_of_sixteen_legs_fits_the_budget(desk: Desk, trader: Any, maker: Any) -> None:
    account = full_account(desk, trader, maker, 0, TOKENS)
    assert desk.flag(account) > 0
    print(f"gas of a flag of {LEGS} legs and {TOKENS} tokens: {desk.last_gas}")
    assert desk.last_gas < BUDGET // 2
