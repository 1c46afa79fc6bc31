"""The auction: prices, limits, who may buy, and what nobody gains from it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from seawall.deployed import System
from seawall.spec.dutch_auction import TICKS
from seawall.spec.words import LOT, WAD
from tests.desk import dollars
from tests.yard import ETH, TERMS, Yard

HOUR = 3_600


def stock(desk: Yard, maker: Any, size: int = 10 * WAD, terms: tuple[int, ...] = TERMS) -> int:
    """A bucket that has just taken over a position; its account."""
    bucket = desk.open_bucket(ETH, terms)
    assert desk.hand(ETH, desk.account(maker), size) == size
    return bucket


def wait(desk: Yard, seconds: int) -> None:
    """Until so many seconds after the last take, as the next transaction sees it."""
    due = desk.stored(ETH).clock // TICKS + seconds - 1
    # Feeds that have answered not long before.
    desk.warp(due - desk.rpc.timestamp() - 30)
    desk.rpc.call("evm_setNextBlockTimestamp", due)
    desk.rpc.call("evm_mine")
    desk.spec_now()


@pytest.mark.parametrize("size, price", ((10 * WAD, 2_010), (-10 * WAD, 1_990)))
def test_buy_at_once_costs_the_premium(
    desk: Yard, maker: Any, keeper: Any, size: int, price: int
) -> None:
    bucket = stock(desk, maker, size)
    buyer = desk.account(keeper, 10_000)
    bought, paid = desk.buy(buyer, ETH, size, keeper)
    assert (bought, desk.size(buyer, ETH), desk.size(bucket, ETH)) == (size, size, 0)
    # Of an hour three seconds have passed.
    assert 0 <= (dollars(price) - paid) * (1 if size > 0 else -1) < dollars("0.05")
    assert desk.equity(bucket) == 10_000 * WAD + 10 * abs(paid - 2_000 * WAD)


@pytest.mark.parametrize(
    "seconds, discount", ((90, -4_750), (900, -2_500), (1_800, 0), (3_600, 5_000), (9_999, 5_000))
)
@pytest.mark.parametrize("sign", (1, -1))
def test_buy_later_costs_less(
    desk: Yard, maker: Any, keeper: Any, seconds: int, discount: int, sign: int
) -> None:
    stock(desk, maker, sign * 10 * WAD)
    buyer = desk.account(keeper, 10_000)
    wait(desk, seconds)
    _, price = desk.buy(buyer, ETH, sign * WAD, keeper)
    assert price == 2_000 * WAD - sign * discount * 2_000 * 10**12
    (event,) = desk.backstop.events(desk.last_receipt["logs"], "Bought")
    assert tuple(event.values()) == (buyer, ETH, sign * WAD, price, discount)


@pytest.mark.parametrize("sign", (1, -1))
def test_buy_between_ticks_is_rounded_for_the_bucket(
    desk: Yard, maker: Any, keeper: Any, sign: int
) -> None:
    stock(desk, maker, sign * 10 * WAD)
    buyer = desk.account(keeper, 10_000)
    desk.index(ETH, "2000.00000001")
    wait(desk, HOUR - 1)
    _, price = desk.buy(buyer, ETH, sign * WAD, keeper)
    (event,) = desk.backstop.events(desk.last_receipt["logs"], "Bought")
    exact = Fraction(desk.price(ETH) * (10**6 - sign * event["discount"]), 10**6)
    assert 0 < sign * (price - exact) < 10**6
    assert price % 10**6 == 0


@pytest.mark.parametrize("sign", (1, -1))
def test_buy_scaled_leg_pays_a_part_of_a_wei_to_the_bucket(
    desk: Yard, maker: Any, keeper: Any, sign: int
) -> None:
    """A side that was closed in part leaves sizes off the lot."""
    bucket = stock(desk, maker, sign * 10 * WAD)
    buyer = desk.account(keeper, 10_000)
    desk.close_market(ETH, 7 * WAD + 123, 14_000 * WAD + 246_000)
    held = desk.size(bucket, ETH)
    before = desk.cash(bucket)
    bought, price = desk.buy(buyer, ETH, held, keeper)
    assert bought == held
    assert held * price % WAD != 0
    assert desk.size(bucket, ETH) == 0
    assert desk.cash(bucket) > before


def test_buy_is_what_offer_says(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    wait(desk, 2_000)
    offer = desk.offer(ETH)
    bought = desk.buy(buyer, ETH, WAD, keeper)
    discount = -5_000 + 10_000 * 2_000 // HOUR
    # A second is worth 2.8 parts per million.
    assert offer.size == 10 * WAD
    assert offer.discount in (discount - 3, discount)
    assert bought == (WAD, 2_000 * WAD - discount * 2_000 * 10**12)


@pytest.mark.parametrize("sign", (1, -1))
def test_buy_more_than_there_is_takes_all_of_it(
    desk: Yard, maker: Any, keeper: Any, sign: int
) -> None:
    bucket = stock(desk, maker, sign * 10 * WAD)
    buyer = desk.account(keeper, 10_000)
    assert desk.buy(buyer, ETH, sign * 11 * WAD, keeper)[0] == sign * 10 * WAD
    assert desk.size(bucket, ETH) == 0


@pytest.mark.parametrize("size", (2**255 - 1, -(2**255)))
def test_buy_largest_number_takes_all_or_nothing(
    desk: Yard, maker: Any, keeper: Any, size: int
) -> None:
    stock(desk, maker, 10 * WAD if size > 0 else -10 * WAD)
    assert abs(desk.buy(desk.account(keeper, 10_000), ETH, size, keeper)[0]) == 10 * WAD


def test_buy_off_the_lot_is_rounded_down(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    assert desk.buy(buyer, ETH, WAD + LOT - 1, keeper)[0] == WAD


@pytest.mark.parametrize("size", (-WAD, -1, -(2**255)))
def test_buy_against_the_leg_is_refused(desk: Yard, maker: Any, keeper: Any, size: int) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    assert desk.refusal_of(desk.buy, buyer, ETH, size, keeper) == "auction: nothing for sale"


def test_buy_of_an_empty_bucket_is_refused(desk: Yard, keeper: Any) -> None:
    desk.open_bucket(ETH)
    buyer = desk.account(keeper, 10_000)
    assert desk.refusal_of(desk.buy, buyer, ETH, WAD, keeper) == "auction: nothing for sale"
    assert desk.offer(ETH) == (0, 0, 0)


@pytest.mark.parametrize("market_id", (0, 1, 128, 2**256 - 1))
def test_buy_without_bucket_is_refused(desk: Yard, keeper: Any, market_id: int) -> None:
    buyer = desk.account(keeper, 10_000)
    assert desk.refusal_of(desk.buy, buyer, market_id, WAD, keeper) == "backstop: no bucket"


def test_buy_nothing_is_refused(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    assert desk.refusal_of(desk.buy, desk.account(keeper, 9), ETH, 0, keeper) == "amount: zero"


def test_4_buy_below_the_minimum_is_refused(desk: Yard, maker: Any, keeper: Any) -> None:
    """Ten dollars at the index; the rest of a leg may be less."""
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    reason = desk.refusal_of(desk.buy, buyer, ETH, dollars("0.005") - LOT, keeper)
    assert reason == "auction: below minimum"
    desk.buy(buyer, ETH, 10 * WAD - LOT, keeper)
    assert desk.buy(buyer, ETH, WAD, keeper)[0] == LOT


@pytest.mark.parametrize("sign", (1, -1))
def test_24_buy_beyond_the_limit_is_refused(desk: Yard, maker: Any, keeper: Any, sign: int) -> None:
    stock(desk, maker, sign * 10 * WAD)
    buyer = desk.account(keeper, 10_000)
    wait(desk, HOUR)
    price = 2_000 * WAD - sign * 10 * WAD
    reason = desk.refusal_of(desk.buy, buyer, ETH, sign * WAD, keeper, limit=price - sign)
    assert reason == "auction: over limit"
    desk.buy(buyer, ETH, sign * WAD, keeper, limit=price)


def test_buy_for_a_stranger_is_refused(desk: Yard, maker: Any, keeper: Any, stranger: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    assert desk.refusal_of(desk.buy, buyer, ETH, WAD, stranger) == "account: not yours"


@pytest.mark.parametrize("account", (0, 1, 2))
def test_46_buy_for_a_side_is_refused(desk: Yard, maker: Any, keeper: Any, account: int) -> None:
    stock(desk, maker)
    assert desk.refusal_of(desk.buy, account, ETH, WAD, keeper) == "account: not yours"


def test_46_buy_for_the_bucket_itself_is_refused(desk: Yard, maker: Any, keeper: Any) -> None:
    bucket = stock(desk, maker)
    assert desk.refusal_of(desk.buy, bucket, ETH, WAD, keeper) == "account: not yours"


def test_buy_by_an_operator_is_within_his_size(
    desk: Yard, maker: Any, keeper: Any, operator: Any
) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    desk.allow(keeper, operator, [ETH], 2 * WAD)
    reason = desk.refusal_of(desk.buy, buyer, ETH, 2 * WAD + LOT, operator)
    assert reason == "account: not yours"
    assert desk.buy(buyer, ETH, 2 * WAD, operator)[0] == 2 * WAD


def test_buy_below_initial_margin_is_refused(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 500)
    reason = desk.refusal_of(desk.buy, buyer, ETH, 3 * WAD, keeper)
    assert reason == "margin: below initial"
    desk.buy(buyer, ETH, 2 * WAD, keeper)


def test_buy_while_the_market_is_reduce_only_goes_through(
    desk: Yard, maker: Any, keeper: Any
) -> None:
    stock(desk, maker)
    desk.send(desk.owner, desk.house, "restrict", ETH)
    desk.spec.restrict(None, ETH)
    desk.buy(desk.account(keeper, 10_000), ETH, WAD, keeper)


def test_23_buy_at_a_silent_index_is_refused(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    desk.silence(ETH)
    assert desk.refusal_of(desk.buy, buyer, ETH, WAD, keeper) == "auction: price stale"
    assert desk.offer(ETH) == (0, 0, 0)


def test_23_buy_reads_the_feeds_anew(desk: Yard, maker: Any, keeper: Any) -> None:
    """A rise that nobody has refreshed yet is the bucket's, not the buyer's."""
    stock(desk, maker)
    buyer = desk.account(keeper, 100_000)
    for source in desk.sources[ETH]:
        desk.send(desk.owner, source, "set_answer", 2_500 * 10**8)
    assert desk.buy(buyer, ETH, WAD, keeper)[1] > 2_500 * WAD


def test_buy_by_discounts_alone_leaves_the_loss_budget(desk: Yard, maker: Any, keeper: Any) -> None:
    """A budget of 40 beside a reserve of 1: 39 on 20,000 are at most 1,950 parts per million."""
    bucket = stock(desk, maker)
    desk.set_bucket(ETH, 10_000, 30_000, 40, 250_000)
    buyer = desk.account(keeper, 10_000)
    wait(desk, 2 * HOUR)
    for _ in range(3):
        _, price = desk.buy(buyer, ETH, 3 * WAD, keeper)
        assert price == dollars("1996.1")
        # The clock went back in proportion.
        wait(desk, 2 * HOUR)
    # The last one returns the reserve.
    desk.buy(buyer, ETH, WAD, keeper)
    assert desk.equity(bucket) >= dollars(9_960)


def test_buy_after_the_loss_budget_is_used_up_costs_the_index(
    desk: Yard, maker: Any, keeper: Any
) -> None:
    bucket = stock(desk, maker)
    desk.move_money(bucket, desk.account(maker), 6_000)
    buyer = desk.account(keeper, 10_000)
    wait(desk, HOUR)
    assert desk.buy(buyer, ETH, WAD, keeper)[1] == 2_000 * WAD


def test_buy_of_a_bankrupt_bucket_costs_the_index(desk: Yard, maker: Any, keeper: Any) -> None:
    bucket = stock(desk, maker, -10 * WAD)
    desk.move_money(bucket, desk.account(maker), 16_000)
    buyer = desk.account(keeper, 10_000)
    wait(desk, HOUR)
    assert desk.buy(buyer, ETH, -9 * WAD, keeper)[1] == 2_000 * WAD


def test_buy_a_part_turns_the_clock_back_by_it(desk: Yard, maker: Any, keeper: Any) -> None:
    stock(desk, maker)
    buyer = desk.account(keeper, 10_000)
    wait(desk, HOUR)
    desk.buy(buyer, ETH, 5 * WAD, keeper)
    now = desk.rpc.timestamp()
    assert desk.stored(ETH).clock == (now - HOUR // 2) * TICKS
    desk.buy(buyer, ETH, dollars("0.005"), keeper)
    # A thousandth of what is left: 1.8 seconds of 1,801.
    back = desk.stored(ETH).clock - (now - HOUR // 2) * TICKS
    assert TICKS < back < 2 * TICKS


def test_take_more_turns_the_clock_back_by_it(desk: Yard, maker: Any) -> None:
    stock(desk, maker, 5 * WAD)
    wait(desk, HOUR)
    assert desk.hand(ETH, desk.account(maker), 5 * WAD) == 5 * WAD
    now = desk.rpc.timestamp()
    assert abs((now * TICKS - desk.stored(ETH).clock) - HOUR * TICKS // 2) <= TICKS


def test_take_of_the_other_side_starts_the_clock_anew(desk: Yard, maker: Any) -> None:
    stock(desk, maker, 5 * WAD)
    wait(desk, HOUR)
    assert desk.take(ETH, -8 * WAD) == -8 * WAD
    assert desk.stored(ETH).clock == desk.rpc.timestamp() * TICKS


def test_15_buy_what_one_was_just_liquidated_of_gains_nothing(
    desk: Yard, trader: Any, maker: Any, keeper: Any
) -> None:
    """At an unchanged index both wallets together lose the premium, old inventory or not."""
    stock(desk, maker, WAD)
    wait(desk, HOUR)
    old_gain = 2_000 * WAD * 5_000 // 10**6
    victim, buyer = desk.account(trader, 5_000), desk.account(keeper, 10_000)
    desk.fill(victim, desk.account(maker), ETH, 9 * WAD)
    before = desk.wealth(victim) + desk.wealth(buyer)
    assert desk.hand(ETH, victim, 9 * WAD) == 9 * WAD
    desk.buy(buyer, ETH, 10 * WAD, keeper)
    gained = desk.wealth(victim) + desk.wealth(buyer) - before
    # What stood there before was for sale at 10 less; nine more sell at a premium of 90.
    assert gained < old_gain - 9 * 10 * WAD + WAD


def test_half_width_is_the_buckets(desk: Yard, maker: Any, keeper: Any) -> None:
    """Feeds that differ widen the index: its price moves so much in the bucket's favour."""
    market_id = 3
    desk.list_market(market_id, 2_000, 2)
    desk.open_bucket(market_id)
    desk.hand(market_id, desk.account(maker), 5 * WAD)
    # Half-width 500 of 10**-5, half a percent: 2,000 is the middle of 1,990 and 2,010.
    for source, answer in zip(desk.sources[market_id], (1_990, 2_010), strict=True):
        desk.send(desk.owner, source, "set_answer", answer * 10**8)
    desk.send(desk.owner, desk.oracle, "refresh", 1 << market_id)
    desk.rpc.warp(HOUR)
    for source, answer in zip(desk.sources[market_id], (1_990, 2_010), strict=True):
        desk.send(desk.owner, source, "set_answer", answer * 10**8)
    _, price = desk.buy(desk.account(keeper, 10_000), market_id, WAD, keeper)
    assert price == 2_000 * WAD


@pytest.mark.parametrize(
    "terms, reason",
    (
        ((100_001, 0, 3_600), "auction: rate"),
        ((0, 100_001, 3_600), "auction: rate"),
        ((0, 0, 59), "auction: duration"),
        ((0, 0, 7 * 86_400 + 1), "auction: duration"),
    ),
)
def test_deploy_terms_out_of_bounds_are_refused(
    backstop_system: System, deploy_refusal: Callable[..., str], terms: tuple[int, ...], reason: str
) -> None:
    one = backstop_system
    contracts = (one.clearinghouse, one.index_oracle, one.margin_model, one.backstop_vault)
    assert deploy_refusal("Backstop", *contracts, *terms, one.clearinghouse) == reason


def test_deploy_without_owner_is_refused(
    backstop_system: System, deploy_refusal: Callable[..., str]
) -> None:
    one = backstop_system
    contracts = (one.clearinghouse, one.index_oracle, one.margin_model, one.backstop_vault)
    reason = deploy_refusal("Backstop", *contracts, 0, 0, 3_600, "0x" + "00" * 20)
    assert reason == "backstop: no owner"
