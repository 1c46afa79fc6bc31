"""Accounts below zero: who pays, in which order, and who does not."""

from __future__ import annotations

from typing import Any

import pytest
from books import BTC, BTC_PRICE, ETH, ETH_PRICE, long_eth, near, rich, short_eth

from seawall.spec.words import LONG, SHORT, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import dollars


def test_close_out_fund_full_pays_all_and_nobody_is_charged(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk = closing_desk
    desk.save(saver, 10_000)
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_500)
    winner = desk.equity(other)
    closed = desk.close_out(account, desk.account(keeper))
    assert (closed.fund, closed.charged, closed.deferred) == (dollars(2_000), 0, 0)
    assert desk.cash(account) == 0
    assert near(desk.equity(other), winner)
    assert desk.cash(desk.fund_account) == dollars(8_000)


def test_close_out_fund_empty_does_not_block_winners_are_charged(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Perpetual Protocol: liquidation reverted while its insurance fund was empty."""
    desk = closing_desk
    desk.empty_fund()
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_500)
    winner = desk.equity(other)
    closed = desk.close_out(account, desk.account(keeper))
    assert (closed.fund, closed.charged, closed.deferred) == (0, dollars(2_000), 0)
    assert near(desk.equity(other), winner - dollars(2_000))
    assert desk.size(other, ETH) == 0


def test_close_out_fund_short_pays_what_it_has_first(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk = closing_desk
    desk.empty_fund()
    desk.save(saver, 500)
    account = long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, 2_500)
    closed = desk.close_out(account, desk.account(keeper))
    assert (closed.fund, closed.charged, closed.deferred) == (dollars(500), dollars(1_500), 0)
    assert desk.cash(desk.fund_account) == 0


def test_close_out_winners_share_pro_rata_and_losers_pay_nothing(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """Vertex and Drift: a shortfall is socialised over both sides, over losers too."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    account = long_eth(desk, trader, pool, 10, 3_000)
    loser = long_eth(desk, operator, pool, 10, 60_000)
    small = short_eth(desk, operator, pool, 5, 60_000, sub=1)
    before = {one: desk.equity(one) for one in (loser, small)}
    desk.gap(ETH, 2_500)
    before = {one: desk.equity(one) for one in (loser, small, pool)}
    idle = rich(desk, operator, sub=2)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.paid == {(5, ETH, SHORT): dollars(2_000)}
    # The pool is short 15 of 20, the small one 5.
    assert near(desk.equity(pool), before[pool] - dollars(1_500))
    assert near(desk.equity(small), before[small] - dollars(500))
    assert desk.equity(loser) == before[loser]
    assert desk.cash(idle) == dollars(10**6)


def test_close_out_splitting_winners_changes_no_ones_share(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """Queues rank accounts: splitting a position over wallets dodges them."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    account = long_eth(desk, trader, pool, 10, 3_000)
    parts = [short_eth(desk, operator, pool, 1, 5_000, sub) for sub in range(5)]
    desk.gap(ETH, 2_500)
    before = {one: desk.equity(one) for one in (*parts, pool)}
    desk.close_out(account, desk.account(keeper))
    paid = {one: before[one] - desk.equity(one) for one in (*parts, pool)}
    # Each part is short 1 of 10, the pool 5 of 10.
    assert all(near(paid[one], dollars(200)) for one in parts)
    assert near(paid[pool], dollars(1_000))


def test_close_out_reduces_the_other_side_by_no_more_than_the_leg(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """Hyperliquid, 10 October 2025: eight times more was closed than was missing."""
    desk = closing_desk
    pool = rich(desk, maker)
    account = long_eth(desk, trader, pool, 10, 3_000)
    long_eth(desk, operator, pool, 30, 60_000)
    desk.gap(ETH, 2_500)
    desk.close_out(account, desk.account(keeper))
    assert near(-desk.size(pool, ETH), 30 * WAD)


def test_close_out_nobody_won_defers_what_the_fund_lacks(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """The only counterparty's side is charged at most its gain and maintenance margin."""
    desk = closing_desk
    desk.empty_fund()
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    # A debt from elsewhere, no move of the index: the short side has not won.
    desk.move_money(account, other, 10_000)
    closed = desk.close_out(account, desk.account(keeper))
    most = dollars(10 * ETH_PRICE) * 65 // 1_000
    assert closed.charged == most
    assert near(closed.deferred, dollars(7_000) - most)
    assert desk.spec.totals.deferred == closed.deferred
    assert desk.cash(account) == 0


@pytest.mark.parametrize("sign", (1, -1))
@pytest.mark.parametrize("loss", (0, 5_000))
def test_close_out_all_signs_of_cash_and_position(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, sign: int, loss: int
) -> None:
    """dYdX v1: a position and a balance that are both negative belonged to nobody."""
    desk = closing_desk
    other = rich(desk, maker)
    build = long_eth if sign > 0 else short_eth
    account = build(desk, trader, other, 10, 3_000)
    if loss:
        desk.move_money(account, other, loss)
    desk.gap(ETH, ETH_PRICE - sign * 400)
    assert desk.equity(account) < 0
    closed = desk.close_out(account, desk.account(keeper))
    assert desk.cash(account) == 0
    assert desk.size(account, ETH) == 0
    assert closed.fund + closed.charged + closed.deferred == dollars(1_000 + loss)


def test_close_out_charges_the_side_that_won_not_the_other_leg(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    desk.empty_fund()
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 6_000)
    desk.fill(account, other, BTC, WAD // 10)
    desk.gap(ETH, 2_300)
    closed = desk.close_out(account, desk.account(keeper))
    assert set(closed.paid) == {(5, ETH, SHORT)}
    assert desk.size(account, BTC) == desk.size(account, ETH) == 0
    assert desk.price(BTC) == dollars(BTC_PRICE)


def test_close_out_earlier_epochs_and_a_scaled_side_are_no_obstacle(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    desk = closing_desk
    pool = rich(desk, maker)
    account = long_eth(desk, trader, pool, 10, 3_000)
    again = long_eth(desk, operator, pool, 7, 2_200)
    desk.gap(ETH, 2_600)
    desk.close_out(account, desk.account(keeper))
    assert desk.spec.ledger.markets[ETH].short.scale < 10**27
    desk.close_out(again, desk.account(keeper))
    assert desk.spec.ledger.markets[ETH].short.epoch == 1
    assert desk.size(pool, ETH) == 0
    third = long_eth(desk, operator, pool, 3, 1_000, sub=1)
    desk.gap(ETH, 2_000)
    desk.close_out(third, desk.account(keeper))
    assert desk.spec.ledger.markets[ETH].side(LONG).size == 0
