"""Steps on accounts in portfolio mode: the same fraction of every leg."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH

from seawall.spec.margin import Plan
from seawall.spec.scenarios import Terms
from seawall.spec.step_plan import PARTIAL, WHOLE, penalty
from seawall.spec.words import LOT, PPM, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, dollars
from tests.risk_desk import PORTFOLIO, activate, choose_mode, rising

BTC_SIZE, ETH_SIZE = WAD, 12 * WAD
TERMS = Terms(tail=3, factor=PPM, floor=100_000)


@pytest.fixture
def hedged(desk: Desk, trader: Any, maker: Any) -> int:
    """Long 42,850 dollars of BTC, short 40,500 of ETH in portfolio mode, with 6,000 dollars.

    The two fall and rise together, ETH by half more, so that a rise of both hurts. Prices are
    those of the deployment: a move would stand in volatility and moving average.
    """
    activate(desk, {BTC: rising(100), ETH: rising(150)}, TERMS)
    account, other = desk.account(trader, 6_000), desk.account(maker, 10**6)
    desk.fill(account, other, BTC, BTC_SIZE)
    desk.fill(other, account, ETH, ETH_SIZE)
    choose_mode(desk, trader, account, PORTFOLIO)
    return account


def fall_to(desk: Desk, account: int, maker: Any, ratio: str) -> None:
    """Lose money to the maker until E / M is as given, to a cent."""
    plan = desk.plan(account)
    target = int(plan.maintenance * Fraction(ratio))
    lost = (plan.equity - target) // 10**16 * 10**16
    desk.move_money(account, desk.account(maker), Fraction(lost, WAD))


def bought(desk: Desk, trader: Any, maker: Any, ratio: str, mode: int) -> int:
    """An account of one long leg, 42,850 dollars of BTC, with E / M as given, to a cent."""
    account = desk.account(trader, 6_000, sub=1)
    desk.fill(account, desk.account(maker), BTC, BTC_SIZE)
    if mode:
        choose_mode(desk, trader, account, mode)
    fall_to(desk, account, maker, ratio)
    return account


def share_paid(desk: Desk, account: int, taker: int, keeper: Any) -> Fraction:
    """What of its equity a step takes from an account."""
    equity = desk.equity(account)
    step, _ = desk.liquidate(account, taker, keeper)
    return Fraction(step.fee, equity)


def eased_rate(plan: Plan, rate: int) -> int:
    """A penalty as hedges pay it: as a part of their margin in standard mode."""
    standard = sum(leg.notional * leg.rate for leg in plan.legs) // PPM
    assert plan.maintenance < standard
    return rate * plan.maintenance // standard


def test_liquidate_in_portfolio_mode_takes_the_same_fraction_of_every_leg(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    step, events = desk.liquidate(hedged, taker, keeper)
    assert (step.stage, step.market_id) == (PARTIAL, 0)
    assert 0 < step.size < WAD
    for market_id, held, sign in ((BTC, BTC_SIZE, 1), (ETH, ETH_SIZE, -1)):
        taken = held * step.size // WAD // LOT * LOT
        assert desk.size(taker, market_id) == sign * taken
        assert desk.size(hedged, market_id) == sign * (held - taken)
    assert [event["market_id"] for event in events] == [BTC, ETH]
    assert sum(event["fee"] for event in events) == step.fee > 0


def test_liquidate_in_portfolio_mode_ends_near_the_target_and_not_above(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    # A lot of each leg is what rounding may leave.
    assert Fraction("1.0999") < desk.ratio(hedged) < Fraction("1.1001")


def test_liquidate_in_portfolio_mode_within_a_limit_takes_less_of_every_leg(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    limit = dollars(5_000)
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper, limit)
    assert limit - dollars(1) < step.notional <= limit
    gone = Fraction(BTC_SIZE - desk.size(hedged, BTC), BTC_SIZE)
    assert abs(gone - Fraction(ETH_SIZE + desk.size(hedged, ETH), ETH_SIZE)) < Fraction(1, 10**5)


def test_liquidate_in_portfolio_mode_with_a_limit_of_nothing_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    assert desk.refusal(hedged, taker, keeper, limit=0) == "liquidation: over limit"


def test_liquidate_in_portfolio_mode_below_close_out_takes_all(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.6")
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE
    assert step.reserve == 2 * WAD
    assert desk.size(hedged, BTC) == desk.size(hedged, ETH) == 0


def test_liquidate_in_portfolio_mode_needs_the_margin_of_a_matched_pair_alone(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.7")
    taker = desk.account(keeper, 3_000)
    assert desk.refusal(hedged, taker, keeper) == "margin: below initial"
    choose_mode(desk, keeper, taker, PORTFOLIO)
    step, _ = desk.liquidate(hedged, taker, keeper)
    assert step.notional > dollars(20_000)


def test_liquidate_hedged_account_in_portfolio_mode_is_spared_where_standard_is_not(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    taker = desk.account(keeper, 100_000)
    # 6.5 % of 83,350 is what standard mode needs.
    fall_to(desk, hedged, maker, "1.3")
    assert desk.equity(hedged) < dollars(5_417)
    assert desk.refusal(hedged, taker, keeper) == "liquidation: healthy"


def test_liquidate_a_hedge_of_which_one_leg_is_silent_refused_while_its_width_may_cure(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    desk.silence(ETH)
    assert desk.refusal(hedged, desk.account(keeper, 100_000), keeper) == "liquidation: healthy"


def test_liquidate_beside_a_silent_leg_takes_a_fraction_of_the_others(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    desk.fill(hedged, desk.account(maker), ETH, 10 * WAD)
    fall_to(desk, hedged, maker, "0.8")
    desk.silence(ETH)
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    assert (step.stage, step.market_id) == (PARTIAL, 0)
    assert 0 < desk.size(hedged, BTC) < BTC_SIZE
    assert desk.size(hedged, ETH) == 10 * WAD - ETH_SIZE


def test_close_out_in_portfolio_mode_beside_a_silent_leg_takes_the_other(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "-1")
    desk.silence(ETH)
    certain = -desk.plan(hedged).favourable_equity
    assert desk.close_out(hedged, desk.account(keeper)).total == certain > 0
    assert (desk.size(hedged, BTC), desk.size(hedged, ETH)) == (0, -ETH_SIZE)


def test_liquidate_many_mixes_both_modes(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.9")
    plain = desk.account(trader, 2_500, sub=1)
    desk.fill(plain, desk.account(maker), BTC, BTC_SIZE)
    taker = desk.account(keeper, 100_000)
    statuses, _ = desk.liquidate_many([hedged, plain], taker, keeper)
    assert statuses == [0, 0]
    assert 0 < desk.size(plain, BTC) < BTC_SIZE
    assert 0 < desk.size(hedged, BTC) < BTC_SIZE


@pytest.mark.parametrize("ratio", ["0.99", "0.9", "0.7"])
def test_liquidate_a_hedge_costs_the_share_of_equity_that_standard_mode_costs(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int, ratio: str
) -> None:
    fall_to(desk, hedged, maker, ratio)
    plain = bought(desk, trader, maker, ratio, mode=0)
    taker = desk.account(keeper, 100_000)
    share, usual = (share_paid(desk, account, taker, keeper) for account in (hedged, plain))
    # A part per million of notional is what the rate rounds down by.
    assert usual - Fraction(1, 10**4) < share < usual + Fraction(1, 10**7)


@pytest.mark.parametrize("ratio", ["0.99", "0.7"])
def test_liquidate_a_single_leg_in_portfolio_mode_costs_what_standard_mode_costs(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int, ratio: str
) -> None:
    account = bought(desk, trader, maker, ratio, PORTFOLIO)
    plan = desk.plan(account)
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    rate = penalty(desk.waterfall.parameters, plan.equity, plan.maintenance)
    assert step.fee == step.notional * rate // PPM


def test_liquidate_a_hedge_whole_charges_the_highest_penalty_on_its_margin(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.6")
    plan = desk.plan(hedged)
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE
    rate = eased_rate(plan, desk.waterfall.parameters.penalty_max)
    assert step.fee == step.notional * rate // PPM
    # 1 % of notional over 6.5 % and 0.6.
    assert step.fee < plan.equity * Fraction("0.2565")


def test_liquidate_beside_a_silent_leg_charges_by_the_margin_of_all_legs(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    desk.fill(hedged, desk.account(maker), ETH, 10 * WAD)
    fall_to(desk, hedged, maker, "0.8")
    desk.silence(ETH)
    plan = desk.plan(hedged)
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    rate = penalty(desk.waterfall.parameters, plan.equity, plan.maintenance)
    assert step.fee == step.notional * eased_rate(plan, rate) // PPM


def test_close_out_in_portfolio_mode_takes_no_fee_of_a_bankrupt(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "-1")
    owed = -desk.equity(hedged)
    closed = desk.close_out(hedged, desk.account(keeper))
    assert [one["fee"] for one in closed.accounts] == [0]
    assert closed.total == owed


def test_liquidate_solvent_hedge_below_close_out_beside_a_silent_leg_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    fall_to(desk, hedged, maker, "0.3")
    desk.silence(ETH)
    assert desk.refusal(hedged, desk.account(keeper, 100_000), keeper) == "liquidation: price stale"


def test_liquidate_whole_beside_a_silent_leg_leaves_the_rest_its_part_of_equity(
    desk: Desk, trader: Any, maker: Any, keeper: Any, hedged: int
) -> None:
    desk.fill(hedged, desk.account(maker), ETH, 10 * WAD)
    fall_to(desk, hedged, maker, "0.1")
    desk.silence(ETH)
    before = desk.plan(hedged)
    step, _ = desk.liquidate(hedged, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE
    room = before.equity - before.equity * desk.plan(hedged).maintenance // before.maintenance
    # Scenario losses round up by a little for each leg, closed ones too.
    assert room - 10**9 <= step.fee <= room - 4


def test_liquidate_below_close_out_beside_a_silent_leg_takes_the_slice_that_helps(
    desk: Desk, maker: Any, keeper: Any, hedged: int
) -> None:
    """All of the other leg would leave the silent one alone, and so would most of it."""
    desk.silence(BTC)
    fall_to(desk, hedged, maker, "0.45")
    before = desk.plan(hedged)
    taker = desk.account(keeper, 100_000)

    step, _ = desk.liquidate(hedged, taker, keeper)

    assert step.stage == PARTIAL
    # 0.6 of it would reach the target if margin fell in proportion; half of that helps.
    assert Fraction(25, 100) < Fraction(step.size, WAD) < Fraction(35, 100)
    after = desk.plan(hedged)
    assert after.maintenance < before.maintenance
    assert after.equity * before.maintenance >= before.equity * after.maintenance
