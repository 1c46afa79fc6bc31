"""A slice of one leg to signed orders, brought by who has no capital."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import ETH, one_leg, two_legs

from seawall.spec.step_plan import PARTIAL, WHOLE, Step
from seawall.spec.words import LOT, PPM, WAD
from tests.desk import dollars
from tests.matching_desk import MatchingDesk, signer_of

NINE_TENTHS = "0.9"
#: Of the notional, at h = 0.9 with a penalty from 0.5 % at 1 to 1 % at two thirds.
PENALTY = Fraction(65, 10_000)
BUFFER = Fraction(1, 10)
MAKER_FEE = 100


def due(desk: MatchingDesk, account: int) -> Step:
    """What a keeper with margin would be asked to take."""
    return desk.plan_step(account)


def fund(desk: MatchingDesk) -> int:
    """What the insurance fund's account holds."""
    return desk.cash(desk.fund_account)


def maker_fee(size: int, price: int) -> int:
    """What a maker pays for one fill, rounded up."""
    return -(-size * price * MAKER_FEE // (WAD * PPM))


@pytest.mark.parametrize("sign", (1, -1))
def test_liquidate_matched_at_the_index_costs_what_a_keeper_costs(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any, sign: int
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100, sign=sign)
    rival, taker = desk.rich("rival"), desk.account(keeper)
    wanted = due(desk, account)
    order = desk.order("rival", ETH, sign * wanted.size)
    before = fund(desk)
    found, events = desk.match(account, taker, [order])
    assert found.step == wanted
    assert found.conceded == 0
    assert desk.size(rival, ETH) == sign * wanted.size
    assert desk.ratio(account) >= 1 + BUFFER
    # In cash, to an account that had nothing and has no leg.
    assert desk.cash(taker) == wanted.keeper_fee > 0
    assert desk.size(taker, ETH) == 0
    paid = maker_fee(wanted.size, wanted.price)
    assert fund(desk) - before == wanted.fee - wanted.keeper_fee + paid
    assert [one["event"] for one in events] == ["Matched", "Liquidated"]


@pytest.mark.parametrize("sign", (1, -1))
def test_liquidate_matched_concession_comes_out_of_the_fee(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any, sign: int
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100, sign=sign)
    desk.rich("rival")
    taker, wanted = desk.account(keeper), due(desk, account)
    order = desk.order("rival", ETH, sign * wanted.size, worse=3_000)
    equity = desk.equity(account)
    found, events = desk.match(account, taker, [order])
    assert found.conceded == wanted.notional * 3_000 // PPM
    assert found.conceded + found.step.fee == wanted.fee
    assert equity - desk.equity(account) == wanted.fee
    assert desk.cash(taker) == found.step.keeper_fee == found.step.fee // 2
    assert events[0]["conceded"] == found.conceded


def test_liquidate_matched_keeper_and_fund_share_what_is_left(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    desk.rich("rival")
    wanted = due(desk, account)
    order = desk.order("rival", ETH, wanted.size, worse=5_000)
    before = fund(desk)
    found, _ = desk.match(account, desk.account(keeper), [order])
    paid = maker_fee(wanted.size, order.order.limit_price)
    assert fund(desk) - before == found.step.fee - found.step.keeper_fee + paid
    assert 0 < found.step.fee < wanted.fee // 3


@pytest.mark.parametrize("sign", (1, -1))
def test_liquidate_matched_price_better_than_the_index_is_the_account_s_gain(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any, sign: int
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100, sign=sign)
    desk.rich("rival")
    taker, wanted = desk.account(keeper), due(desk, account)
    order = desk.order("rival", ETH, sign * wanted.size, worse=-10_000)
    equity = desk.equity(account)
    found, _ = desk.match(account, taker, [order])
    gain = wanted.notional // 100
    assert found.conceded == 0
    assert found.step.fee == wanted.fee
    assert desk.equity(account) - equity == gain - wanted.fee
    assert desk.cash(taker) == wanted.keeper_fee


def test_liquidate_matched_better_order_does_not_make_up_for_a_worse_one(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Who brings his own bad order beside a stranger's good one keeps nothing of the good one."""
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    for name in ("rival", "friend"):
        desk.rich(name)
    wanted = due(desk, account)
    half = wanted.size // 2 // LOT * LOT
    makers = [
        desk.order("rival", ETH, half, worse=-10_000),
        desk.order("friend", ETH, wanted.size - half, worse=10_000),
    ]
    equity = desk.equity(account)
    found, _ = desk.match(account, desk.account(keeper), makers)
    price = Fraction(wanted.price)
    assert found.conceded == (wanted.size - half) * price / 100 / WAD
    gain = half * price / 100 / WAD
    assert found.conceded + found.step.fee == wanted.fee
    assert desk.equity(account) - equity == gain - wanted.fee


def test_liquidate_matched_order_at_the_penalty_leaves_no_fee(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    desk.rich("rival")
    taker, wanted = desk.account(keeper), due(desk, account)
    before = fund(desk)
    found, _ = desk.match(account, taker, [desk.order("rival", ETH, wanted.size, worse=6_498)])
    # One part per million more than that is a part of the notional, and so is the fee.
    assert 0 <= wanted.fee - found.conceded <= 3 * wanted.notional // PPM
    assert found.step.fee == wanted.fee - found.conceded
    assert fund(desk) - before < maker_fee(wanted.size, wanted.price) + wanted.notional // PPM * 3
    assert desk.ratio(account) >= 1 + BUFFER


@pytest.mark.parametrize("sign", (1, -1))
def test_liquidate_matched_order_beyond_the_penalty_is_refused(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any, sign: int
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100, sign=sign)
    desk.rich("rival")
    wanted = due(desk, account)
    order = desk.order("rival", ETH, sign * wanted.size, worse=6_503)
    assert desk.mismatch(account, desk.account(keeper), [order]) == "liquidation: over penalty"


def test_liquidate_matched_orders_are_filled_in_their_turn_to_the_slice(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    held = [desk.rich(name) for name in ("rival", "friend", "third")]
    wanted = due(desk, account)
    part = wanted.size * 2 // 3
    makers = [desk.order(name, ETH, part, worse=1_000) for name in ("rival", "friend", "third")]
    desk.match(account, desk.account(keeper), makers)
    first = makers[0].order.size
    assert [desk.size(one, ETH) for one in held] == [first, wanted.size - first, 0]


def test_liquidate_matched_order_is_used_once(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    desk.rich("rival")
    taker, wanted = desk.account(keeper), due(desk, account)
    limit = wanted.notional // 3
    order = desk.order("rival", ETH, wanted.size // 2)
    first, _ = desk.match(account, taker, [order], limit)
    left = order.order.size - first.step.size
    assert 0 < left < first.step.size
    assert desk.mismatch(account, taker, [order], limit) == "order: not filled"
    second = left * first.step.price // WAD
    desk.match(account, taker, [order], second)
    assert desk.mismatch(account, taker, [order], second) == "order: filled"


def test_liquidate_matched_ladder_of_one_maker_is_one_change(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    rival, wanted = desk.rich("rival"), due(desk, account)
    third = wanted.size // 3
    makers = [desk.order("rival", ETH, third, worse=worse) for worse in (0, 1_000, 2_000)]
    found, _ = desk.match(account, desk.account(keeper), makers)
    assert desk.size(rival, ETH) == wanted.size
    assert found.conceded > 0


def test_liquidate_matched_reduce_only_orders_stop_at_the_position(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Two of one account, each as large as its position: the second finds nothing to reduce."""
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    rival = desk.rich("rival")
    held = 5 * WAD
    desk.fill(desk.account(maker), rival, ETH, held)
    wanted = due(desk, account)
    assert wanted.size > 2 * held
    desk.rich("friend")
    makers = [
        desk.order("rival", ETH, held, reduce_only=True),
        desk.order("rival", ETH, held, reduce_only=True),
    ]
    assert desk.mismatch(account, desk.account(keeper), makers) == "order: reduce only"
    makers.append(desk.order("friend", ETH, wanted.size))
    desk.match(account, desk.account(keeper), makers)
    assert desk.size(rival, ETH) == 0


def test_liquidate_matched_orders_that_were_overtaken_are_passed_over(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Whoever cancels just before does not stop a slice that has another order to go to."""
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    rival, friend = desk.rich("rival"), desk.rich("friend")
    taker, wanted = desk.account(keeper), due(desk, account)
    late = desk.order("rival", ETH, wanted.size, expiry=desk.rpc.timestamp() - 1)
    assert desk.mismatch(account, taker, [late]) == "order: expired"
    far = desk.order("rival", ETH, wanted.size, worse=60_000)
    assert desk.mismatch(account, taker, [far]) == "order: band"
    good = desk.order("friend", ETH, wanted.size)
    desk.match(account, taker, [late, far, good])
    assert desk.size(rival, ETH) == 0
    assert desk.size(friend, ETH) == wanted.size


def test_liquidate_matched_keeper_may_be_the_maker(
    matching_desk: MatchingDesk, trader: Any, maker: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    rival, wanted = desk.rich("rival"), due(desk, account)
    order = desk.order("rival", ETH, wanted.size, worse=2_000)
    before = desk.equity(rival)
    found, _ = desk.match(account, rival, [order])
    paid = maker_fee(wanted.size, order.order.limit_price)
    # Its new leg sets a reserve of its own aside.
    gained = found.conceded + found.step.keeper_fee - paid - WAD
    assert desk.equity(rival) - before == gained


def test_liquidate_matched_order_of_an_operator_fills(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    other = desk.account(maker)
    desk.allow(maker, signer_of("bot"), [ETH], 2**88 - 1)
    wanted = due(desk, account)
    order = desk.order("maker", ETH, wanted.size, signer="bot", account=other)
    before = desk.size(other, ETH)
    desk.match(account, desk.account(keeper), [order], signers=["bot"])
    assert desk.size(other, ETH) - before == wanted.size


@pytest.mark.parametrize("worse", (0, 3_000, 6_400))
def test_liquidate_matched_other_account_of_the_owner_never_lowers_h(
    matching_desk: MatchingDesk, maker: Any, keeper: Any, worse: int
) -> None:
    """Who buys his own slice gains what he loses, less the fees, and h rises as it must."""
    desk = matching_desk
    owner = signer_of("owner")
    account = one_leg(desk, owner, maker, NINE_TENTHS, size=100)
    other = desk.rich("owner", sub=1)
    wanted = due(desk, account)
    order = desk.order("owner", ETH, wanted.size, worse=worse, sub=1)
    wealth = desk.wealth(account) + desk.wealth(other)
    found, _ = desk.match(account, desk.account(keeper), [order])
    assert desk.ratio(account) >= 1 + BUFFER
    paid = maker_fee(wanted.size, order.order.limit_price)
    assert wealth - desk.wealth(account) - desk.wealth(other) == found.step.fee + paid


def test_liquidate_matched_whole_leg_pays_its_reserve(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    # The rest would lie below the minimum notional of 10 dollars.
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=Fraction(4, 1_000))
    desk.rich("rival")
    taker, wanted = desk.account(keeper), due(desk, account)
    found, _ = desk.match(account, taker, [desk.order("rival", ETH, wanted.size)])
    assert desk.size(account, ETH) == 0
    assert found.step.reserve == WAD
    assert desk.cash(taker) == found.step.keeper_fee + WAD


def test_liquidate_matched_below_close_out_takes_a_slice(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, "0.5", size=100)
    desk.rich("rival")
    assert due(desk, account).stage == WHOLE
    found, _ = desk.match(
        account, desk.account(keeper), [desk.order("rival", ETH, 100 * WAD, worse=1_000)]
    )
    assert found.step.stage == PARTIAL
    assert 0 < desk.size(account, ETH) < 100 * WAD


def test_liquidate_matched_leg_off_the_lot_closes_whole(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """What a charge of a side has left of a leg: the last order takes the odd part, too."""
    desk = matching_desk
    size = Fraction(4, 1_000) + Fraction(7, 10**18)
    account = one_leg(desk, trader, maker, Fraction(9, 10), size=Fraction(4, 1_000))
    desk.fill(account, desk.account(maker), ETH, dollars(size) - dollars(Fraction(4, 1_000)))
    held = [desk.rich(name) for name in ("rival", "friend")]
    makers = [desk.order(name, ETH, 3 * WAD // 1_000) for name in ("rival", "friend")]
    found, _ = desk.match(account, desk.account(keeper), makers)
    assert found.step.size % LOT == 7
    assert desk.size(account, ETH) == 0
    assert [desk.size(one, ETH) % LOT for one in held] == [0, 7]


def test_liquidate_matched_stops_the_clock(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, NINE_TENTHS, size=100)
    desk.rich("rival")
    assert desk.flag(account)
    desk.match(account, desk.account(keeper), [desk.order("rival", ETH, due(desk, account).size)])
    assert desk.waterfall.flagged[account] == 0


def test_liquidate_matched_takes_the_leg_that_releases_most(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = two_legs(desk, trader, maker, "0.95")
    desk.rich("rival")
    wanted = due(desk, account)
    makers = [desk.order("rival", wanted.market_id, wanted.size)]
    found, _ = desk.match(account, desk.account(keeper), makers)
    assert found.step.market_id == wanted.market_id != ETH
    assert desk.size(account, ETH) == -10 * WAD
