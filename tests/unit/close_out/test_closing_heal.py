"""Deferred losses are paid down from the insurance fund's cash."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.close_out import HEAL_PERIOD, HEAL_STEP
from tests.closing_desk import ClosingDesk
from tests.desk import dollars

DEFERRED = 975


@pytest.fixture
def desk(closing_desk: ClosingDesk) -> ClosingDesk:
    """With an empty fund."""
    closing_desk.empty_fund()
    return closing_desk


def defer(desk: ClosingDesk, owner: Any, maker: Any, keeper: Any) -> None:
    """A debt without legs that an empty fund cannot pay."""
    account = desk.account(owner)
    desk.move_money(account, desk.account(maker, 1_000), DEFERRED)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.deferred == desk.spec.totals.deferred == dollars(DEFERRED)


def test_heal_without_losses_does_nothing(desk: ClosingDesk, saver: Any) -> None:
    desk.save(saver, 100)
    assert desk.heal() == 0
    assert desk.cash(desk.fund_account) == dollars(100)


def test_heal_with_an_empty_fund_does_nothing(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    defer(desk, trader, maker, keeper)
    assert desk.heal() == 0
    assert desk.spec.totals.deferred > 0


def test_heal_pays_a_part_of_what_the_fund_has(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    defer(desk, trader, maker, keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 500)
    share = dollars(500) * HEAL_STEP // HEAL_PERIOD
    assert desk.heal() == share
    assert desk.spec.totals.deferred == dollars(DEFERRED) - share
    assert desk.cash(desk.fund_account) == dollars(500) - share


def test_heal_pays_an_hours_worth_however_long_nobody_called(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    defer(desk, trader, maker, keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 1_000)
    first = desk.heal()
    desk.warp(30 * 86_400)
    assert desk.heal() == (dollars(1_000) - first) * HEAL_STEP // HEAL_PERIOD


def test_heal_around_a_deposit_of_one_transaction_is_worth_nothing(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    defer(desk, trader, maker, keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 900)
    rich = desk.account(stranger, 10_000_000)
    claim = desk.cash(rich)
    desk.heal()
    after = desk.spec.totals
    gained = claim * after.held // (after.held + after.deferred) - dollars(10_000_000)
    # It was credited as if the fund's 900 dollars had healed.
    assert gained <= 0


def test_heal_leaves_the_fund_what_is_above_the_losses(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    # Before the losses: a deposit made while they are deferred adds to them.
    other = desk.account(maker, 300_000)
    defer(desk, trader, maker, keeper)
    desk.move_money(other, desk.fund_account, 250_000)
    deferred = desk.spec.totals.deferred
    assert deferred < dollars(250_000) * HEAL_STEP // HEAL_PERIOD
    assert desk.heal() == deferred
    assert desk.spec.totals.deferred == 0
    assert desk.cash(desk.fund_account) == dollars(250_000) - deferred
