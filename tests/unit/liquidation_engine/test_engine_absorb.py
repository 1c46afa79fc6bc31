"""The single shortfall function: collateral with the debt, fund, deferred loss."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import ETH, one_leg

from seawall.spec.liquidation import DEFERRED, FUND
from seawall.spec.words import WAD
from tests.desk import Desk, Refused, absorbed, dollars

TOKEN = 1
LEG = 128
PRICE = 100


def indebted(desk: Desk, owner: Any, maker: Any, debt: int) -> int:
    """An account without legs whose cash is below zero."""
    account, other = desk.account(owner), desk.account(maker, 10_000)
    desk.move_money(account, other, debt)
    return account


def test_absorb_negative_cash_is_paid_by_the_fund(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    shortfall, events = desk.absorb(account)
    assert shortfall == dollars(40)
    assert absorbed(events) == {FUND: dollars(40)}
    assert desk.cash(account) == 0
    assert desk.cash(desk.fund_account) == dollars(960)


def test_absorb_beyond_the_fund_defers_the_rest(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 15)
    account = indebted(desk, trader, maker, 40)
    shortfall, events = desk.absorb(account)
    assert absorbed(events) == {FUND: dollars(15), DEFERRED: dollars(25)}
    assert sum(absorbed(events).values()) == shortfall
    assert desk.spec.totals.deferred == dollars(25)


def test_absorb_twice_pays_once(desk: Desk, trader: Any, maker: Any, saver: Any) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    desk.absorb(account)
    assert desk.absorb(account) == (0, [])
    assert desk.cash(desk.fund_account) == dollars(960)


@pytest.mark.parametrize("money", (0, 1))
def test_absorb_account_without_debt_does_nothing(desk: Desk, trader: Any, money: int) -> None:
    account = desk.account(trader, money)
    assert desk.absorb(account) == (0, [])


def test_absorb_account_with_legs_does_nothing(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 10_000)
    account = one_leg(desk, trader, maker, "-1")
    assert desk.absorb(account) == (0, [])
    assert desk.cash(account) < 0


@pytest.mark.parametrize("number", (0, 1, 2))
def test_absorb_side_of_a_market_does_nothing(
    desk: Desk, trader: Any, maker: Any, number: int
) -> None:
    one_leg(desk, trader, maker, "0.5")
    assert desk.absorb(number) == (0, [])


def test_absorb_fund_account_does_nothing(desk: Desk, saver: Any) -> None:
    desk.save(saver, 100)
    assert desk.absorb(desk.fund_account) == (0, [])


def test_absorb_solvent_through_collateral_seizes_nothing(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 90)
    # 90 % of 100 dollars: equity is exactly zero.
    desk.pledge(trader, account, TOKEN, token, 1)
    assert desk.equity(account) == 0
    assert desk.absorb(account) == (0, [])
    assert desk.view(desk.house, "collateral_of", account, TOKEN) == WAD


def test_absorb_below_zero_takes_collateral_and_debt(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 91)
    desk.pledge(trader, account, TOKEN, token, 1)
    assert desk.equity(account) == dollars(-1)
    shortfall, events = desk.absorb(account)
    assert shortfall == dollars(91)
    assert absorbed(events) == {FUND: dollars(91)}
    assert desk.view(desk.house, "collateral_of", account, TOKEN) == 0
    assert desk.view(desk.house, "collateral_of", desk.fund_account, TOKEN) == WAD
    # Still able to pay for others with what it holds besides cash.
    second = desk.account(maker, 0, 7)
    desk.move_money(second, desk.account(trader, 0, 7), 9)
    assert absorbed(desk.absorb(second)[1]) == {FUND: dollars(9)}


def test_absorb_collateral_with_a_silent_feed_counts_at_its_last_price(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    """A silent feed does not make a rich account look empty: nothing may be taken from it."""
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 10)
    desk.pledge(trader, account, TOKEN, token, 100)
    desk.silence(LEG)
    assert desk.absorb(account) == (0, [])
    assert desk.view(desk.house, "collateral_of", account, TOKEN) == 100 * WAD
    desk.index(LEG, PRICE)
    assert desk.absorb(account) == (0, [])


def test_absorb_debt_hidden_behind_a_silent_token_of_no_weight_is_paid(
    desk: Desk, trader: Any, maker: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    token = desk.list_collateral(TOKEN, PRICE, weight=0)
    account = indebted(desk, trader, maker, 91)
    desk.pledge(trader, account, TOKEN, token, 1)
    desk.silence(LEG)
    shortfall, events = desk.absorb(account)
    assert shortfall == dollars(91)
    assert absorbed(events) == {FUND: dollars(91)}


def test_absorb_falling_collateral_is_seized_by_anyone(
    desk: Desk, trader: Any, maker: Any, stranger: Any
) -> None:
    token = desk.list_collateral(TOKEN, PRICE)
    account = indebted(desk, trader, maker, 80)
    desk.pledge(trader, account, TOKEN, token, 1)
    assert desk.absorb(account) == (0, [])
    desk.index(LEG, 50)
    _, events = desk.absorb(account)
    assert absorbed(events) == {DEFERRED: dollars(80)}


def test_absorb_emits_the_account_and_no_market(desk: Desk, trader: Any, maker: Any) -> None:
    account = indebted(desk, trader, maker, 5)
    _, events = desk.absorb(account)
    assert [(one["account"], one["market_id"]) for one in events] == [(account, 0)]


def test_cover_by_a_stranger_is_refused(
    desk: Desk, trader: Any, maker: Any, saver: Any, stranger: Any
) -> None:
    desk.save(saver, 1_000)
    account = indebted(desk, trader, maker, 40)
    with pytest.raises(Refused, match="module: no right"):
        desk.send(str(stranger.address), desk.fund, "cover", ETH, account, 1)
