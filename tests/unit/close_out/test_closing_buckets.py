"""Buckets of the Backstop take legs before anybody is closed against."""

from __future__ import annotations

from typing import Any

import pytest
from books import BTC, ETH, RESERVE, long_eth, near, rich, short_eth

from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused, dollars

#: capital, max_notional, loss_budget, initial.
LARGE = (100_000, 1_000_000, 50_000, 200_000)
SMALL = (3_000, 1_000_000, 1_000, 200_000)


def test_close_out_bucket_takes_the_leg_and_no_side_is_reduced(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    bucket = desk.open_bucket(ETH, LARGE)
    desk.empty_fund()
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_500)
    winner = desk.equity(other)
    closed = desk.close_out(account, desk.account(keeper))
    assert desk.size(bucket, ETH) == 10 * WAD
    assert desk.size(other, ETH) == -10 * WAD
    # The shortfall is still the winners'.
    assert closed.charged == dollars(2_000)
    assert near(desk.equity(other), winner - dollars(2_000))
    assert near(desk.equity(bucket), dollars(100_000) - RESERVE)


def test_close_out_below_close_out_buckets_take_all_at_once(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """No clock: nobody is deleveraged, and the bucket earns the fee."""
    desk = closing_desk
    bucket = desk.open_bucket(ETH, LARGE)
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_750)
    assert 0 < desk.ratio(account) < 2 / 3
    equity, winner = desk.equity(account), desk.equity(other)
    closed = desk.close_out(account, desk.account(keeper))
    fee = dollars(27_500) // 100
    assert closed.paid == {}
    assert desk.cash(account) == equity - fee
    assert desk.equity(bucket) == dollars(100_000) + fee - RESERVE
    assert desk.equity(other) == winner


def test_close_out_below_close_out_one_bucket_too_small_waits(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    desk.open_bucket(BTC, SMALL)
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 7_500)
    desk.fill(account, other, BTC, WAD)
    desk.gap(ETH, 2_500)
    assert 0 < desk.ratio(account) < 2 / 3
    taker = desk.account(keeper)
    before = desk.words()
    with pytest.raises(Refused, match="closing: not due"):
        desk.close_out(account, taker)
    assert desk.words() == before


def test_close_out_full_bucket_takes_what_it_can_and_sides_the_rest(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    bucket = desk.open_bucket(ETH, SMALL)
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_500)
    room = desk.room(ETH, 10 * WAD)
    assert 0 < room < 10 * WAD
    desk.close_out(account, desk.account(keeper))
    assert desk.size(bucket, ETH) == room
    assert near(desk.size(other, ETH), -room)


def test_close_out_bucket_that_buys_back_is_charged_like_any_winner(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    bucket = desk.open_bucket(ETH, LARGE)
    desk.empty_fund()
    other = rich(desk, maker)
    # The bucket is short 5 of 10.
    seller = short_eth(desk, maker, other, 5, 50_000, sub=1)
    assert desk.hand(ETH, seller, -5 * WAD) == -5 * WAD
    account = long_eth(desk, trader, other, 5, 1_500)
    desk.gap(ETH, 2_500)
    before = desk.equity(bucket)
    total = -desk.equity(account)
    side = desk.spec.ledger.markets[ETH].short.size
    held = -desk.size(bucket, ETH)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.charged == total
    assert near(desk.equity(bucket), before - total * held // side + RESERVE)
    assert desk.size(bucket, ETH) == 0


def test_close_out_bankrupt_bucket_is_closed_like_any_account(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Perpetual Protocol: a maker could not be liquidated. A bucket does not take its own leg."""
    desk = closing_desk
    bucket = desk.open_bucket(ETH, SMALL)
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 3, 50_000)
    assert desk.hand(ETH, account, 3 * WAD) == 3 * WAD
    desk.gap(ETH, 1_900)
    assert desk.equity(bucket) < 0
    closed = desk.close_out(bucket, desk.account(keeper))
    assert desk.size(bucket, ETH) == 0
    assert desk.cash(bucket) == 0
    assert closed.fund + closed.charged + closed.deferred == dollars(300) + RESERVE


@pytest.mark.parametrize("terms", ((3_000, 10**6, 1_000, 200_000), (3_000, 10**6, 3_000, 10_000)))
def test_close_out_bucket_that_took_a_gain_after_the_gap_can_pay_it_back(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, terms: tuple[int, ...]
) -> None:
    """Winners hand their leg to the bucket, which has not won, before the side is charged."""
    desk = closing_desk
    bucket = desk.open_bucket(ETH, terms)
    desk.empty_fund()
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 1_500)
    desk.gap(ETH, 2_500)
    taken = desk.hand(ETH, other, -10 * WAD)
    assert taken < 0
    before = desk.equity(bucket)
    # The shortfall is all that the side has won.
    desk.move_money(account, other, 1_500)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.charged >= dollars(5_000)
    assert desk.equity(bucket) < before
    assert desk.equity(bucket) >= max(0, desk.stop.buckets[ETH].floor)
