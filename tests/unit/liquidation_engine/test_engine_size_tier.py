"""Slices of a leg whose size raises its rate: Newton's steps, never too much."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import ETH

from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import WAD
from tests.desk import Desk

PRICE = 3_000
SIZE = 100 * WAD


@pytest.fixture
def deep(desk: Desk) -> Any:
    """deep(thousands): the depth of ETH, its ramp over."""

    def act(depth: int) -> None:
        desk.index(ETH, PRICE)
        risk = desk.system.parameters.markets[1].risk
        desk.set_risk(ETH, risk._replace(depth=depth))
        desk.warp(NOTICE + RAMP)

    return act


def account_at(desk: Desk, trader: Any, maker: Any, ratio: str) -> int:
    """Long 300,000 dollars of ETH with E / M as given, to a cent."""
    account, other = desk.account(trader, 200_000), desk.account(maker, 10**6)
    desk.fill(account, other, ETH, SIZE)
    plan = desk.plan(account)
    lost = (plan.equity - int(plan.maintenance * Fraction(ratio))) // 10**16 * 10**16
    desk.move_money(account, other, Fraction(lost, WAD))
    return account


@pytest.mark.parametrize("depth", [290, 200, 75, 10])
@pytest.mark.parametrize("ratio", ["0.999", "0.9", "0.7"])
def test_liquidate_slice_of_a_large_leg_reaches_the_target_and_not_more(
    desk: Desk, trader: Any, maker: Any, keeper: Any, deep: Any, depth: int, ratio: str
) -> None:
    deep(depth)
    account = account_at(desk, trader, maker, ratio)
    step, _ = desk.liquidate(account, desk.account(keeper, 10**6), keeper)
    assert step.stage == PARTIAL
    # Rates round up to a part per million: 1.5e-5 of 6.5 %.
    assert Fraction("1.0999") < desk.ratio(account) < Fraction("1.10002")


@pytest.mark.parametrize("ratio", ["0.999", "0.9", "0.7"])
def test_liquidate_slice_of_a_leg_whose_rate_is_capped_comes_near_the_target(
    desk: Desk, trader: Any, maker: Any, keeper: Any, deep: Any, ratio: str
) -> None:
    # At 300 times its depth the rate would be 112 %: it is 100 %, and steps are cautious.
    deep(1)
    account = account_at(desk, trader, maker, ratio)
    desk.liquidate(account, desk.account(keeper, 10**6), keeper)
    assert Fraction("1.09") < desk.ratio(account) < Fraction("1.10001")


def test_liquidate_slice_of_a_large_leg_takes_less_than_a_flat_rate_would(
    desk: Desk, trader: Any, maker: Any, keeper: Any, deep: Any
) -> None:
    deep(75)
    account = account_at(desk, trader, maker, "0.9")
    plan = desk.plan(account)
    step, _ = desk.liquidate(account, desk.account(keeper, 10**6), keeper)
    flat = (plan.maintenance * 11 // 10 - plan.equity) * plan.legs[0].notional // plan.maintenance
    assert step.notional < flat * 3 // 4
