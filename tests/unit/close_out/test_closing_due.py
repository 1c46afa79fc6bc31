"""Who may be closed, when, and what the caller earns."""

from __future__ import annotations

from typing import Any

import pytest
from books import ETH, RESERVE, long_eth, near, rich, short_eth

from seawall.spec.close_out import CLOSED, HEALTHY, OWN_ACCOUNT, STALE, WAITING
from tests.closing_desk import ClosingDesk
from tests.desk import Refused, dollars


def refused(desk: ClosingDesk, account: int, keeper: int) -> str:
    """Why a close reverts; nothing has changed."""
    before = desk.words()
    with pytest.raises(Refused) as found:
        desk.close_out(account, keeper)
    assert desk.words() == before
    return found.value.reason


def test_close_out_healthy_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = long_eth(closing_desk, trader, rich(closing_desk, maker), 10, 3_000)
    assert refused(closing_desk, account, closing_desk.account(keeper)) == "closing: healthy"


def test_close_out_own_account_as_keeper_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any
) -> None:
    account = long_eth(closing_desk, trader, rich(closing_desk, maker), 10, 3_000)
    closing_desk.gap(ETH, 2_500)
    assert refused(closing_desk, account, account) == "closing: own account"


def test_close_out_of_nobody_is_refused(closing_desk: ClosingDesk, trader: Any, maker: Any) -> None:
    account = long_eth(closing_desk, trader, rich(closing_desk, maker), 10, 3_000)
    closing_desk.gap(ETH, 2_500)
    assert refused(closing_desk, account, 5) == "account: unknown"


def test_close_out_stale_index_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = long_eth(closing_desk, trader, rich(closing_desk, maker), 10, 3_000)
    closing_desk.gap(ETH, 2_500)
    closing_desk.silence(ETH)
    assert refused(closing_desk, account, closing_desk.account(keeper)) == "closing: price stale"


def test_close_out_above_zero_waits_for_its_clock(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Between zero and close-out nobody is deleveraged until the clock has run."""
    desk = closing_desk
    other = rich(desk, maker)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.gap(ETH, 2_750)
    assert 0 < desk.ratio(account) < 2 / 3
    taker = desk.account(keeper)
    assert refused(desk, account, taker) == "closing: not due"
    started = desk.flag(account)
    seconds = desk.system.parameters.liquidation.reduce_after
    desk.warp(seconds - 10)
    assert refused(desk, account, taker) == "closing: not due"
    desk.warp(10)
    assert desk.spec.now >= started + seconds
    equity, winner = desk.equity(account), desk.equity(other)
    closed = desk.close_out(account, taker)
    fee = dollars(27_500) // 100
    # Whoever is closed against earns the fee.
    assert near(desk.cash(account), equity - fee)
    assert near(desk.equity(other), winner + fee)
    assert closed.paid == {}
    assert desk.waterfall.flagged[account] == 0


def test_close_out_between_close_out_and_maintenance_never_reduces_sides(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    account = long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, 2_850)
    assert 2 / 3 < desk.ratio(account) < 1
    desk.flag(account)
    desk.warp(2 * desk.system.parameters.liquidation.reduce_after)
    assert refused(desk, account, desk.account(keeper)) == "closing: not due"


def test_close_out_pays_the_reserve_in_cash_that_can_leave_at_once(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    account = long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, 2_500)
    taker = desk.account(keeper)
    closed = desk.close_out(account, taker)
    assert desk.cash(taker) == RESERVE
    assert closed.accounts[0]["reserve"] == RESERVE
    unit = 10 ** (18 - desk.system.parameters.settlement.decimals)
    receiver = str(keeper.address)
    desk.send(receiver, desk.house, "withdraw", taker, 0, RESERVE // unit, receiver)
    desk.spec.withdraw(taker >> 96, taker, 0, RESERVE // unit)
    desk.check()


def test_close_many_tells_each_account_apart(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    other = rich(desk, maker)
    bankrupt = long_eth(desk, trader, other, 10, 3_000)
    healthy = long_eth(desk, trader, other, 1, 3_000, sub=1)
    waiting = long_eth(desk, trader, other, 10, 5_500, sub=2)
    own = long_eth(desk, keeper, other, 10, 3_000)
    desk.gap(ETH, 2_500)
    accounts = sorted((bankrupt, healthy, waiting, own))
    statuses, closed = desk.close_many(accounts, own)
    found = dict(zip(accounts, statuses, strict=True))
    assert found[bankrupt] == CLOSED
    assert found[healthy] == HEALTHY
    assert found[waiting] == WAITING
    assert found[own] == OWN_ACCOUNT
    assert [one["account"] for one in closed.accounts] == [bankrupt]


def test_close_many_stale_index_is_a_status(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    account = long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, 2_500)
    desk.silence(ETH)
    statuses, _ = desk.close_many([account], desk.account(keeper))
    assert statuses == [STALE]


def test_close_many_out_of_order_or_twice_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Nobody chooses an order, and nobody is closed twice."""
    desk = closing_desk
    other = rich(desk, maker)
    pair = sorted(long_eth(desk, trader, other, 10, 3_000, sub) for sub in range(2))
    desk.gap(ETH, 2_500)
    for accounts in (pair[::-1], [pair[0], pair[0]]):
        with pytest.raises(Refused) as found:
            desk.close_many(accounts, desk.account(keeper))
        assert found.value.reason == "closing: not ascending"


def test_close_many_nets_legs_and_members_pay_nothing_for_each_other(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """Two bankrupt accounts on both sides of a market: neither is charged for the other."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    long = long_eth(desk, trader, pool, 10, 3_000)
    short = short_eth(desk, operator, pool, 4, 3_000)
    desk.move_money(short, pool, 20_000)
    desk.gap(ETH, 2_500)
    assert desk.equity(long) < 0
    assert desk.equity(short) < 0
    total = -desk.equity(long) - desk.equity(short)
    statuses, closed = desk.close_many(sorted((long, short)), desk.account(keeper))
    assert statuses == [CLOSED, CLOSED]
    assert desk.cash(long) == desk.cash(short) == 0
    assert closed.fund + closed.charged + closed.deferred == total
    assert near(-desk.size(pool, ETH), 0)


def test_close_many_leaves_what_one_by_one_leaves(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, chain: Any
) -> None:
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    accounts = sorted(long_eth(desk, trader, pool, size, 3_000, size) for size in (9, 10, 11))
    desk.gap(ETH, 2_500)
    before = desk.equity(pool)
    total = -sum(desk.equity(account) for account in accounts)
    _, closed = desk.close_many(accounts, desk.account(keeper))
    assert closed.charged == total
    assert near(desk.equity(pool), before - total)
    assert desk.size(pool, ETH) == 0
    assert desk.spec.totals.deferred == 0
