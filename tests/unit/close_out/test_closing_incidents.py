"""How deleveraging failed elsewhere, replayed here and numbered as in the register of attacks."""

from __future__ import annotations

from typing import Any

import pytest
from books import BTC, BTC_PRICE, ETH, ETH_PRICE, long_eth, near, rich, short_eth

from seawall.spec.close_out import CLOSED
from seawall.spec.words import LOT, SHORT, WAD
from tests.closing_desk import Closed, ClosingDesk
from tests.desk import Refused, dollars

#: A quarter of a block of 30 million.
QUARTER = 7_500_000
MOST_LEGS, TOKENS = 16, 8
FALLEN = 2_500


def hole(desk: ClosingDesk, owner: Any, pool: int, sub: int = 0) -> int:
    """Ten ETH on 3,000 dollars: at FALLEN 2,000 dollars are missing."""
    return long_eth(desk, owner, pool, 10, 3_000, sub)


def lost(desk: ClosingDesk, account: int, before: int) -> int:
    """What an account's equity has fallen by."""
    return before - desk.equity(account)


def test_03_sixteen_legs_and_eight_tokens_close_in_a_quarter_of_a_block(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Perpetual and Vertex: more markets than fit into a block made accounts immortal."""
    desk = closing_desk
    for market_id in range(3, MOST_LEGS + 1):
        desk.list_market(market_id, 100)
    pool = rich(desk, maker)
    account = desk.account(trader, 3_600)
    desk.fill(account, pool, ETH, WAD)
    desk.fill(account, pool, BTC, WAD // 10)
    for market_id in range(3, MOST_LEGS + 1):
        desk.fill(account, pool, market_id, 10 * WAD)
    for token_id in range(1, TOKENS + 1):
        token = desk.list_collateral(token_id, 10)
        desk.pledge(trader, account, token_id, token, 1)
    for market_id in desk.markets:
        price = {BTC: BTC_PRICE, ETH: ETH_PRICE}.get(market_id, 100)
        desk.index(market_id, price * 3 // 4)
    assert desk.equity(account) < 0
    assert len(desk.spec.portfolio(account)[1]) == MOST_LEGS + TOKENS
    desk.close_out(account, desk.account(keeper))
    assert desk.last_gas < QUARTER
    assert desk.cash(account) == 0


@pytest.mark.parametrize("first", (0, 1))
def test_36_keeper_chooses_nobody_the_order_of_his_list_is_fixed(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any, first: int
) -> None:
    """GMX and dYdX v1: the keeper of a deleveraging named its counterparty, and spared friends."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    accounts = sorted(hole(desk, trader, pool, sub) for sub in range(2))
    friend = short_eth(desk, operator, pool, 10, 60_000)
    victim = short_eth(desk, operator, pool, 10, 60_000, sub=1)
    desk.gap(ETH, FALLEN)
    before = desk.equity(friend)
    assert before == desk.equity(victim)
    taker = desk.account(keeper)
    with pytest.raises(Refused, match="closing: not ascending"):
        desk.close_many(accounts[::-1], taker)
    desk.close_out(accounts[first], taker)
    desk.close_out(accounts[1 - first], taker)
    assert near(lost(desk, friend, before), lost(desk, victim, before))
    assert desk.size(friend, ETH) == desk.size(victim, ETH)


def test_37_no_more_is_closed_or_charged_than_is_missing(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Over-ADL: a deficit of 100 dollars took a position of a million with it."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    account = hole(desk, trader, pool)
    whale = desk.account(keeper, 10**6, 7)
    desk.fill(desk.account(trader, 10**6, 9), whale, ETH, 1_000 * WAD)
    desk.gap(ETH, FALLEN)
    before, held = desk.equity(whale), desk.size(whale, ETH)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.charged == dollars(2_000)
    assert closed.deferred == 0
    # 1,000 of the side's 1,010 are the whale's.
    assert near(lost(desk, whale, before), closed.charged * 1_000 // 1_010)
    gone = abs(held) - abs(desk.size(whale, ETH))
    assert abs(gone - 10 * WAD * 1_000 // 1_010) <= LOT


def _charged(desk: ClosingDesk, trader: Any, maker: Any, keeper: Any) -> Closed:
    account = hole(desk, trader, rich(desk, maker, 3), sub=5)
    desk.gap(ETH, FALLEN)
    return desk.close_out(account, desk.account(keeper))


@pytest.mark.parametrize("parts", (1, 5))
def test_38_splitting_a_position_over_wallets_does_not_lower_its_charge(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any, parts: int
) -> None:
    """Queues by rank: many small positions stood behind one large one."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    wallets = [short_eth(desk, operator, pool, 10 // parts, 20_000, sub) for sub in range(parts)]
    other = short_eth(desk, keeper, pool, 10, 100_000, sub=2)
    account = hole(desk, trader, pool)
    desk.gap(ETH, FALLEN)
    before = {one: desk.equity(one) for one in (*wallets, other)}
    desk.close_out(account, desk.account(keeper))
    paid = sum(lost(desk, one, before[one]) for one in wallets)
    assert near(paid, lost(desk, other, before[other]))


def test_38_reducing_in_front_of_the_call_does_not_make_it_revert(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """GMX: a position that was a wei smaller than what was asked reverted its deleveraging."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    account = hole(desk, trader, pool)
    desk.gap(ETH, FALLEN)
    desk.fill(pool, desk.account(maker, 10**6, 8), ETH, LOT)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.charged == dollars(2_000)
    assert desk.size(account, ETH) == 0


def test_39_legs_are_closed_at_the_price_that_made_them_due(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Elfi: the winners' side of a deleveraging was closed at the wrong end of a spread."""
    desk = closing_desk
    desk.empty_fund()
    pool = rich(desk, maker)
    account = hole(desk, trader, pool)
    desk.gap(ETH, FALLEN)
    before = desk.equity(pool)
    closed = desk.close_out(account, desk.account(keeper))
    # At one price for both, closing moves no value: the charge is all that the pool loses.
    assert near(lost(desk, pool, before), closed.charged)


def test_39_leg_without_a_usable_price_is_closed_against_nobody(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    pool = rich(desk, maker)
    account = hole(desk, trader, pool)
    desk.gap(ETH, FALLEN)
    desk.silence(ETH)
    with pytest.raises(Refused, match="closing: price stale"):
        desk.close_out(account, desk.account(keeper))
    assert desk.size(pool, ETH) == -10 * WAD


def test_40_winners_pay_nothing_while_the_fund_has_money(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk = closing_desk
    desk.empty_fund()
    desk.save(saver, 2_000)
    closed = _charged(desk, trader, maker, keeper)
    assert (closed.fund, closed.charged, closed.deferred) == (dollars(2_000), 0, 0)


def test_40_nobody_on_the_other_side_is_no_reason_to_revert(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Both parties of the only trade are bankrupt: what is missing is deferred, at once."""
    desk = closing_desk
    desk.empty_fund()
    account = desk.account(trader, 3_001)
    other = desk.account(maker, 2_001)
    desk.fill(account, other, ETH, 10 * WAD)
    # The other one has lost elsewhere.
    desk.move_money(other, desk.account(maker, 0, 4), 10_000)
    desk.gap(ETH, FALLEN)
    statuses, closed = desk.close_many(sorted([account, other]), desk.account(keeper))
    assert statuses == [CLOSED, CLOSED]
    assert closed.charged == 0
    assert closed.deferred == sum(one["shortfall"] for one in closed.accounts) > 0
    assert desk.size(account, ETH) == desk.size(other, ETH) == 0
    assert SHORT not in {side for _, _, side in closed.paid}
