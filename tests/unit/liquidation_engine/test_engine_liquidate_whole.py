"""All legs below close-out at once: fee, reserves, shortfall, fund, deferred loss."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH, RATE, one_leg, two_legs

from seawall.spec.liquidation import DEFERRED, FUND, PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.desk import Desk, absorbed, dollars

NOTIONAL = 70_000 * WAD


def test_liquidate_just_below_close_out_closes_whole(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, Fraction("0.666666"))
    step, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE
    assert desk.size(account, ETH) == 0
    assert desk.equity(account) == desk.cash(account) > 0
    assert absorbed(events) == {}


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
    step, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.fee == max(0, equity - 4)
    assert desk.cash(account) == equity - step.fee
    assert absorbed(events) == {}
    assert step.reserve == 2 * WAD


def test_liquidate_at_zero_equity_is_free_and_exact(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, 0)
    step, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.fee == 0
    assert desk.cash(account) == 0
    assert absorbed(events) == {}


def test_liquidate_bankrupt_is_paid_by_the_fund_exactly(
    desk: Desk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 10_000)
    account = two_legs(desk, trader, maker, "-0.1")
    shortfall = -desk.equity(account)
    step, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert shortfall == NOTIONAL * RATE / 10
    assert step.fee == 0
    assert absorbed(events) == {FUND: shortfall}
    assert desk.cash(desk.fund_account) == dollars(10_000) - shortfall
    assert desk.cash(account) == 0
    assert desk.spec.totals.deferred == 0


def test_liquidate_bankrupt_beyond_the_fund_defers_the_rest(
    desk: Desk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 100)
    account = two_legs(desk, trader, maker, "-0.1")
    shortfall = -desk.equity(account)
    _, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    stages = absorbed(events)
    assert stages == {FUND: dollars(100), DEFERRED: shortfall - dollars(100)}
    assert sum(stages.values()) == shortfall
    assert desk.cash(desk.fund_account) == 0
    assert desk.spec.totals.deferred == shortfall - dollars(100)


def test_liquidate_bankrupt_with_an_empty_fund_succeeds(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "-1")
    shortfall = -desk.equity(account)
    _, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert absorbed(events) == {DEFERRED: shortfall}
    assert desk.cash(account) == 0


def test_liquidate_bankrupt_leaves_the_reserve_to_the_keeper(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.5")
    taker = desk.account(keeper, 100_000)
    step, _ = desk.liquidate(account, taker, keeper)
    assert (step.reserve, step.fee, step.keeper_fee) == (WAD, 0, 0)
    # What it gets for the account's leg it sets aside for its own.
    assert desk.equity(taker) == dollars(100_000)


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


def test_liquidate_bankrupt_over_limit_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "-0.5")
    taker = desk.account(keeper, 100_000)
    limit = desk.plan_step(account).notional - 1
    assert desk.refusal(account, taker, keeper, limit) == "liquidation: over limit"


def test_liquidate_own_sub_account_brings_the_owner_nothing(
    desk: Desk, trader: Any, maker: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.5")
    other = desk.account(trader, 100_000, sub=1)
    before = desk.wealth(account) + desk.wealth(other)
    step, _ = desk.liquidate(account, other, trader)
    lost = before - desk.wealth(account) - desk.wealth(other)
    assert lost == step.fee - step.keeper_fee > 0


def test_liquidate_hedged_bankrupt_frees_the_opposite_keeper(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "-0.2")
    taker = desk.account(keeper, 5_000)
    desk.fill(desk.account(maker), taker, ETH, 10 * WAD)
    desk.liquidate(account, taker, keeper)
    assert desk.size(taker, ETH) == 0
    assert desk.cash(taker) == dollars(5_000) + WAD


def test_liquidate_leg_used_up_by_ended_epochs_closes_whole(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """A side was closed whole by the waterfall: the leg has no size, the account no equity."""
    account = one_leg(desk, trader, maker, "-0.2")
    money = 10 * WAD * 3_000
    desk.close_market(ETH, 10 * WAD, money)
    assert desk.size(account, ETH) == 0
    step, events = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert (step.stage, step.notional) == (WHOLE, 0)
    assert sum(absorbed(events).values()) > 0
    assert desk.cash(account) == 0
