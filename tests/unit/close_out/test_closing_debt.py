"""Debts without legs: collateral with the debt, fund, deferred loss."""

from __future__ import annotations

from typing import Any

import pytest
from books import ETH, ETH_PRICE, long_eth, rich

from seawall.spec.close_out import CLOSED, HEALTHY
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused, dollars

TOKEN = 1
LEG = 128
PRICE = 100


def indebted(desk: ClosingDesk, owner: Any, maker: Any, debt: int, sub: int = 0) -> int:
    """An account without legs whose cash is below zero."""
    account, other = desk.account(owner, 0, sub), desk.account(maker, 10_000)
    desk.move_money(account, other, debt)
    return account


@pytest.fixture
def desk(closing_desk: ClosingDesk) -> ClosingDesk:
    """With an empty fund."""
    closing_desk.empty_fund()
    return closing_desk


@pytest.fixture
def taker(desk: ClosingDesk, keeper: Any) -> int:
    """Who calls has nothing."""
    return desk.account(keeper)


def test_close_out_debt_is_paid_by_the_fund(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    closed = desk.close_out(account, taker)
    assert (closed.fund, closed.total) == (dollars(40), dollars(40))
    assert desk.cash(account) == 0
    assert desk.cash(desk.fund_account) == dollars(960)
    assert desk.cash(taker) == 0


def test_close_out_debt_beyond_the_fund_is_deferred(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    desk.save(saver, 15)
    account = indebted(desk, trader, maker, 40)
    closed = desk.close_out(account, taker)
    assert (closed.fund, closed.charged, closed.deferred) == (dollars(15), 0, dollars(25))
    assert desk.spec.totals.deferred == dollars(25)


def test_close_out_debt_twice_pays_once(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    desk.close_out(account, taker)
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(account, taker)
    assert desk.cash(desk.fund_account) == dollars(960)


@pytest.mark.parametrize("money", (0, 1))
def test_close_out_account_without_debt_is_refused(
    desk: ClosingDesk, trader: Any, taker: int, money: int
) -> None:
    account = desk.account(trader, money)
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(account, taker)


@pytest.mark.parametrize("number", (0, 1, 2))
def test_close_out_side_of_a_market_is_refused(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, number: int
) -> None:
    long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(number, taker)


def test_close_out_fund_in_debt_is_refused(
    desk: ClosingDesk, maker: Any, taker: int, saver: Any
) -> None:
    """Its debt is its savers', and stands against collateral that it took."""
    desk.save(saver, 100)
    desk.move_money(desk.fund_account, desk.account(maker), 300)
    assert desk.cash(desk.fund_account) < 0
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(desk.fund_account, taker)


def test_close_out_debt_covered_by_collateral_seizes_nothing(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int
) -> None:
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 90)
    # 90 % of 100 dollars: equity is exactly zero.
    desk.pledge(trader, account, TOKEN, token, 1)
    assert desk.equity(account) == 0
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(account, taker)
    assert desk.view(desk.house, "collateral_of", account, TOKEN) == WAD


def test_close_out_debt_above_collateral_takes_both(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 91)
    desk.pledge(trader, account, TOKEN, token, 1)
    assert desk.equity(account) == dollars(-1)
    closed = desk.close_out(account, taker)
    # The fund buys the collateral for what it counts for, and pays what is missing beyond.
    assert (closed.fund, closed.total) == (dollars(1), dollars(1))
    assert desk.cash(desk.fund_account) == dollars(909)
    assert desk.view(desk.house, "collateral_of", account, TOKEN) == 0
    assert desk.view(desk.house, "collateral_of", desk.fund_account, TOKEN) == WAD


@pytest.mark.parametrize("tokens", (1, 100))
def test_close_out_silent_collateral_counts_at_its_last_price(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any, tokens: int
) -> None:
    """A silent feed neither makes a rich account look empty nor hides a debt."""
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 91)
    desk.pledge(trader, account, TOKEN, token, tokens)
    desk.silence(LEG)
    if tokens == 1:
        assert desk.close_out(account, taker).fund == dollars(1)
    else:
        with pytest.raises(Refused, match="closing: healthy"):
            desk.close_out(account, taker)
        assert desk.view(desk.house, "collateral_of", account, TOKEN) == tokens * WAD


def test_close_out_debt_behind_a_silent_token_of_no_weight_is_paid(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE, weight=0)
    account = indebted(desk, trader, maker, 91)
    desk.pledge(trader, account, TOKEN, token, 1)
    desk.silence(LEG)
    assert desk.close_out(account, taker).fund == dollars(91)


def test_close_out_collateral_that_fell_is_taken_by_anyone(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int
) -> None:
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 80)
    desk.pledge(trader, account, TOKEN, token, 1)
    with pytest.raises(Refused, match="closing: healthy"):
        desk.close_out(account, taker)
    desk.index(LEG, 50)
    # 45 dollars of it count, which the fund owes now.
    assert desk.close_out(account, taker).deferred == dollars(35)
    assert desk.cash(desk.fund_account) == dollars(-45)


def test_close_many_debts_beside_accounts_with_legs_are_paid_as_one(
    desk: ClosingDesk, trader: Any, maker: Any, taker: int, saver: Any
) -> None:
    """Whoever stands in for all, each is left with nothing to owe."""
    desk.save(saver, 10_000)
    pool = rich(desk, maker)
    leg = long_eth(desk, trader, pool, 10, 3_000)
    debts = [indebted(desk, trader, maker, 40 + sub, sub) for sub in (1, 2)]
    healthy = desk.account(trader, 5, 3)
    desk.gap(ETH, ETH_PRICE - 500)
    accounts = sorted([leg, *debts, healthy])
    statuses, closed = desk.close_many(accounts, taker)
    assert statuses == [HEALTHY if one == healthy else CLOSED for one in accounts]
    assert closed.fund == closed.total == dollars(2_000 + 41 + 42)
    assert [desk.cash(one) for one in (leg, *debts)] == [0, 0, 0]


def test_cover_by_a_stranger_is_refused(
    desk: ClosingDesk, trader: Any, maker: Any, saver: Any, stranger: Any
) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    with pytest.raises(Refused, match="module: no right"):
        desk.send(str(stranger.address), desk.fund, "cover", account, [ETH], [1])
