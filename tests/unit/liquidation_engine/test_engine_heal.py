"""Deferred losses are paid down from the insurance fund's cash."""

from __future__ import annotations

from typing import Any

from shapes import one_leg

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
    assert desk.heal() == earned
    assert desk.spec.totals.deferred == deferred - earned
    assert desk.cash(desk.fund_account) == 0


def test_heal_leaves_the_fund_what_is_above_the_losses(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    desk.move_money(desk.account(maker), desk.fund_account, 1_000)
    assert desk.heal() == dollars(975)
    assert desk.spec.totals.deferred == 0
    assert desk.cash(desk.fund_account) == dollars(25)
