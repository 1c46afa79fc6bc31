"""A slice of one leg to a keeper's margin account while close-out <= h < 1."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, BTC_PRICE, ETH, RATE, one_leg

from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import LOT, WAD
from tests.desk import Desk, dollars

BUFFER = Fraction(1, 10)


def test_liquidate_nine_tenths_closes_a_fifth_at_one_percent(
    plain_desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    # x / notional = ((1 + b) - h) m / ((1 + b) m - pi) = 0.2 * 0.065 / 0.0615
    account = one_leg(plain_desk, trader, maker, "0.9", size=100)
    taker = plain_desk.account(keeper, 100_000)
    step, _ = plain_desk.liquidate(account, taker, keeper)
    notional = 100 * 3_000 * WAD
    exact = Fraction(2, 10) * RATE / ((1 + BUFFER) * RATE - Fraction(1, 100))
    assert round(exact, 5) == Fraction("0.21138")
    assert step.stage == PARTIAL
    assert 0 <= step.notional - exact * notional < LOT * 3_000
    assert step.fee == step.notional // 100
    assert Fraction(step.fee, notional) < Fraction(22, 10_000)


def test_liquidate_partial_reaches_the_target_buffer(
    plain_desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(plain_desk, trader, maker, "0.9", size=100)
    plain_desk.liquidate(account, plain_desk.account(keeper, 100_000), keeper)
    ratio = plain_desk.ratio(account)
    assert 1 + BUFFER <= ratio < 1 + BUFFER + Fraction(1, 10**6)
    health = plain_desk.health(account)
    assert health.equity == plain_desk.equity(account)
    assert health.ratio == int(ratio * WAD)


@pytest.mark.parametrize("sign", (1, -1))
@pytest.mark.parametrize("ratio", ("0.999999", "0.95", "0.8", "0.7", "0.666667"))
def test_liquidate_between_close_out_and_one_raises_h(
    desk: Desk, trader: Any, maker: Any, keeper: Any, ratio: str, sign: int
) -> None:
    account = one_leg(desk, trader, maker, ratio, sign=sign)
    taker = desk.account(keeper, 100_000)
    held = desk.size(account, ETH)
    step, events = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    assert 0 < abs(desk.size(account, ETH)) < abs(held)
    assert desk.ratio(account) >= 1 + BUFFER
    assert desk.size(taker, ETH) == sign * step.size
    assert [one["size"] for one in events] == [sign * step.size]


@pytest.mark.parametrize(
    "ratio, penalty", (("1", 5_000), ("0.833333", 7_500), ("0.7", 9_500), ("0.666667", 10_000))
)
def test_liquidate_penalty_grows_from_one_to_close_out(
    desk: Desk, trader: Any, maker: Any, ratio: str, penalty: int
) -> None:
    account = one_leg(desk, trader, maker, Fraction(ratio) - Fraction(1, 10**7))
    if ratio == "0.666667":
        assert desk.plan_step(account).stage == WHOLE
    step = desk.plan_step(account)
    assert abs(step.fee * 10**6 - penalty * step.notional) <= 2 * step.notional


def test_liquidate_partial_splits_the_fee_between_keeper_and_fund(
    plain_desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(plain_desk, trader, maker, "0.9", size=100)
    taker = plain_desk.account(keeper, 100_000)
    step, _ = plain_desk.liquidate(account, taker, keeper)
    assert plain_desk.cash(plain_desk.fund_account) == step.fee - step.keeper_fee
    assert plain_desk.equity(taker) == dollars(100_000) + step.keeper_fee
    assert step.keeper_fee == step.fee // 2
    assert step.reserve == 0


def test_liquidate_partial_that_closes_a_leg_pays_its_reserve(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    # The rest would lie below the minimum notional of 10 dollars.
    account = one_leg(desk, trader, maker, "0.9", size=Fraction(4, 1_000))
    taker = desk.account(keeper, 1_000)
    step, events = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    assert desk.size(account, ETH) == 0
    assert step.reserve == WAD
    assert events[0]["reserve"] == WAD
    # Its new leg sets a reserve of its own aside.
    assert desk.equity(taker) == dollars(1_000) + step.keeper_fee + step.reserve - WAD


def test_liquidate_rest_above_the_minimum_stays_open(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=Fraction(1, 100))
    desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    left = desk.size(account, ETH)
    assert left * 3_000 >= 10 * WAD


def test_liquidate_picks_the_larger_leg_of_equal_rates(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = desk.account(trader, 3_900)
    other = desk.account(maker, 10**6)
    desk.index(BTC, 40_000)
    desk.index(ETH, 3_000)
    desk.fill(account, other, BTC, WAD)
    desk.fill(other, account, ETH, 10 * WAD)
    assert Fraction(2, 3) < desk.ratio(account) < 1
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.market_id == BTC
    assert desk.size(account, ETH) == -10 * WAD


def test_liquidate_picks_the_leg_with_the_higher_rate(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    risk = desk.system.parameters.markets[1].risk
    desk.set_risk(ETH, risk._replace(initial=200_000, maintenance=130_000))
    desk.warp(7 * 86_400)
    desk.index(BTC, 40_000)
    desk.index(ETH, 3_000)
    account, other = desk.account(trader, 6_000), desk.account(maker, 10**6)
    desk.fill(account, other, BTC, WAD)
    desk.fill(account, other, ETH, 10 * WAD)
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.market_id == ETH


def test_liquidate_target_beyond_the_best_leg_takes_it_whole(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account, other = desk.account(trader), desk.account(maker, 10**6)
    desk.list_market(3, BTC_PRICE)
    for market_id in (BTC, ETH, 3):
        desk.index(market_id, BTC_PRICE)
        desk.fill(account, other, market_id, WAD if market_id == BTC else WAD - LOT)
    desk.deposit(account, 3 + 3 * BTC_PRICE * RATE * Fraction(7, 10))
    before = desk.ratio(account)
    taker = desk.account(keeper, 100_000)
    # The target needs two fifths of the notional, the largest leg is a third.
    step, _ = desk.liquidate(account, taker, keeper)
    assert (step.market_id, step.size, step.reserve) == (BTC, WAD, WAD)
    assert before < desk.ratio(account) < 1
    step, _ = desk.liquidate(account, taker, keeper)
    assert desk.ratio(account) >= 1 + BUFFER


def test_liquidate_limit_bounds_the_notional(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=100)
    taker = desk.account(keeper, 100_000)
    whole = desk.plan_step(account)
    limit = whole.notional // 3
    step, _ = desk.liquidate(account, taker, keeper, limit)
    assert limit - LOT * 3_000 < step.notional <= limit
    assert step.size % LOT == 0


def test_liquidate_in_slices_pays_no_more_than_at_once(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=100)
    taker = desk.account(keeper, 100_000)
    at_once = desk.plan_step(account)
    paid = closed = 0
    while desk.ratio(account) < 1:
        step, _ = desk.liquidate(account, taker, keeper, dollars(5_000))
        paid += step.fee
        closed += step.notional
    assert closed < at_once.notional
    assert paid < at_once.fee


def test_liquidate_limit_below_a_lot_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    limit = LOT * 3_000 - 1
    assert desk.refusal(account, taker, keeper, limit) == "liquidation: over limit"


def test_liquidate_limit_that_leaves_dust_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=Fraction(4, 1_000))
    taker = desk.account(keeper, 1_000)
    # 12 dollars are open, and at least 10 must stay open or nothing.
    assert desk.refusal(account, taker, keeper, dollars(12) - 1) == "liquidation: over limit"
    assert (
        desk.refusal(account, taker, keeper, dollars(2) + LOT * 3_000) == "liquidation: over limit"
    )
    step, _ = desk.liquidate(account, taker, keeper, dollars(2))
    assert dollars(2) - LOT * 3_000 < step.notional <= dollars(2)


def test_liquidate_keeper_cuts_his_opposite_leg_below_initial(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=10)
    other = desk.account(maker)
    # Between maintenance and initial margin, short what the account is long.
    taker = desk.account(keeper, 3_000 * 10 * Fraction(8, 100))
    desk.fill(other, taker, ETH, 10 * WAD)
    assert desk.spec.assess(taker).adverse < desk.spec.assess(taker).initial
    step, _ = desk.liquidate(account, taker, keeper)
    assert desk.size(taker, ETH) == step.size - 10 * WAD


def test_liquidate_keeper_below_initial_may_not_flip(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=100)
    taker = desk.account(keeper, 300)
    desk.fill(desk.account(maker), taker, ETH, WAD)
    assert desk.refusal(account, taker, keeper) == "margin: below initial"


def test_liquidate_twice_in_a_block_acts_on_what_the_first_left(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9", size=100)
    taker = desk.account(keeper, 100_000)
    limit = dollars(20_000)
    data = desk.engine.encode("liquidate", account, taker, limit)
    desk.rpc.call("evm_setAutomine", False)
    try:
        hashes = [
            desk.rpc.submit(str(keeper.address), desk.engine.address, data, 5_000_000)
            for _ in range(3)
        ]
        desk.rpc.mine()
        receipts = [desk.rpc.wait(one) for one in hashes]
    finally:
        desk.rpc.call("evm_setAutomine", True)
    assert len({one["blockNumber"] for one in receipts}) == 1
    assert [int(one["status"], 16) for one in receipts] == [1, 1, 0]
    desk.spec_now()
    steps = [desk.waterfall.liquidate(account, taker, limit) for _ in range(2)]
    assert steps[0].fee > steps[1].fee > 0
    assert desk.waterfall.is_healthy(account)
    desk.check()
