"""Deferred losses are paid down from the insurance fund's cash."""

from __future__ import annotations

from typing import Any

from shapes import one_leg

from seawall.spec.liquidation import HEAL_PERIOD, HEAL_STEP
from tests.desk import Desk, dollars


def test_heal_without_losses_does_nothing(desk: Desk, saver: Any) -> None:
    desk.save(saver, 100)
    assert desk.heal() == 0
    assert desk.cash(desk.fund_account) == dollars(100)


def test_heal_with_an_empty_fund_does_nothing(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert desk.heal() == 0
    assert desk.spec.totals.deferred > 0


def test_heal_pays_what_the_fund_has(desk: Desk, trader: Any, maker: Any, keeper: Any) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    second = one_leg(desk, trader, maker, "0.5", sub=1)
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    deferred = desk.spec.totals.deferred
    assert deferred == dollars(975)
    step, _ = desk.liquidate(second, desk.account(keeper), keeper)
    earned = step.fee - step.keeper_fee
    assert 0 < earned < deferred
    share = earned * HEAL_STEP // HEAL_PERIOD
    assert desk.heal() == share
    assert desk.spec.totals.deferred == deferred - share
    assert desk.cash(desk.fund_account) == earned - share


def test_heal_pays_an_hours_worth_however_long_nobody_called(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 1_000)
    first = desk.heal()
    desk.warp(30 * 86_400)
    assert desk.heal() == (dollars(1_000) - first) * HEAL_STEP // HEAL_PERIOD


def test_heal_around_a_deposit_of_one_transaction_is_worth_little(
    desk: Desk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 900)
    rich = desk.account(stranger, 10_000_000)
    claim = desk.cash(rich)
    desk.heal()
    after = desk.spec.totals
    gained = claim * after.held // (after.held + after.deferred) - dollars(10_000_000)
    # Of 900 dollars in the fund an hour's worth of a week's flow, not all of them.
    assert 0 <= gained < dollars(900) * HEAL_STEP // HEAL_PERIOD


def test_heal_leaves_the_fund_what_is_above_the_losses(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    desk.move_money(desk.account(maker, 300_000), desk.fund_account, 250_000)
    deferred = desk.spec.totals.deferred
    assert deferred < dollars(250_000) * HEAL_STEP // HEAL_PERIOD
    assert desk.heal() == deferred
    assert desk.spec.totals.deferred == 0
    assert desk.cash(desk.fund_account) == dollars(250_000) - deferred
