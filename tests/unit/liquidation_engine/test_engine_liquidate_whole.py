"""All legs below close-out at once, of accounts above zero: fee and reserves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH, one_leg, two_legs

from seawall.spec.step_plan import BANKRUPT, PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, dollars

NOTIONAL = 70_000 * WAD


def test_liquidate_just_below_close_out_closes_whole(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, Fraction("0.666666"))
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE
    assert desk.size(account, ETH) == 0
    assert desk.equity(account) == desk.cash(account) > 0


def test_liquidate_below_close_out_hands_every_leg_over(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 100_000)
    step, events = desk.liquidate(account, taker, keeper)
    assert (step.market_id, step.size, step.price) == (0, 0, 0)
    assert step.notional == NOTIONAL
    assert (desk.size(taker, BTC), desk.size(taker, ETH)) == (WAD, -10 * WAD)
    assert desk.spec.portfolio(account)[1] == []
    assert [(one["market_id"], one["size"]) for one in events] == [(BTC, WAD), (ETH, -10 * WAD)]
    assert sum(one["fee"] for one in events) == step.fee
    assert sum(one["reserve"] for one in events) == step.reserve


def test_liquidate_whole_pays_both_reserves_to_the_keeper(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 100_000)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.reserve == 2 * WAD
    # The keeper's own legs set two dollars aside again.
    assert desk.equity(taker) == dollars(100_000) + step.keeper_fee


def test_liquidate_whole_charges_the_highest_penalty(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    equity = desk.equity(account)
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.fee == NOTIONAL // 100
    assert desk.cash(account) == equity - step.fee
    assert desk.cash(desk.fund_account) == step.fee - step.keeper_fee


@pytest.mark.parametrize("equity", (1, 4, 5, 1_000, 10**15))
def test_liquidate_fee_leaves_no_shortfall_at_tiny_equity(
    desk: Desk, trader: Any, maker: Any, keeper: Any, equity: int
) -> None:
    account = two_legs(desk, trader, maker, 0)
    other = desk.account(maker)
    desk.move_money(other, account, Fraction(equity, WAD))
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.fee == max(0, equity - 4)
    assert desk.cash(account) == equity - step.fee
    assert step.reserve == 2 * WAD


@pytest.mark.parametrize("ratio", ("0", "-0.1", "-2"))
def test_liquidate_at_or_below_zero_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, ratio: str
) -> None:
    """A keeper with margin would choose that others share the loss: CloseOut charges who won."""
    account = two_legs(desk, trader, maker, ratio)
    taker = desk.account(keeper, 100_000)
    assert desk.refusal(account, taker, keeper) == "liquidation: bankrupt"
    assert desk.plan_step(account).stage == BANKRUPT


def test_liquidate_whole_keeper_below_initial_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    # Initial margin is a tenth of 70,000, the reserves of two legs, and what ten ETH short would
    # lose at the average, which is still near 3,375: 3,750 and a tenth of it.
    taker = desk.account(keeper, 10_500)
    assert desk.refusal(account, taker, keeper) == "margin: below initial"
    desk.deposit(taker, 500)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == WHOLE


def test_liquidate_below_close_out_over_limit_takes_a_slice(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 100_000)
    step, _ = desk.liquidate(account, taker, keeper, NOTIONAL // 10)
    assert step.stage == PARTIAL
    assert 0 < step.notional <= NOTIONAL // 10


def test_liquidate_whole_at_the_limit_takes_all(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper, NOTIONAL)
    assert (step.stage, step.notional) == (WHOLE, NOTIONAL)


def test_liquidate_own_sub_account_brings_the_owner_nothing(
    desk: Desk, trader: Any, maker: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.5")
    other = desk.account(trader, 100_000, sub=1)
    before = desk.wealth(account) + desk.wealth(other)
    step, _ = desk.liquidate(account, other, trader)
    lost = before - desk.wealth(account) - desk.wealth(other)
    assert lost == step.fee - step.keeper_fee > 0


def test_close_out_leg_used_up_by_ended_epochs_closes_whole(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """A side was closed whole by the waterfall: the leg has no size, the account no equity."""
    account = one_leg(desk, trader, maker, "-0.2")
    money = 10 * WAD * 3_000
    desk.close_market(ETH, 10 * WAD, money)
    assert desk.size(account, ETH) == 0
    closed = desk.close_out(account, desk.account(keeper, 1_000))
    assert closed.total > 0
    assert desk.cash(account) == 0
