"""A market ends: notice, a fixed price, a day for the waterfall, then every leg is cash."""

from __future__ import annotations

from typing import Any

import pytest
from ending_desk import BTC, ETH, EndingDesk

from seawall.spec.delisting import NOTICE, SILENCE, WINDOW
from seawall.spec.words import REDUCE_ONLY, TERMS, WAD
from tests.desk import Refused, dollars


@pytest.fixture
def desk(ending_desk: EndingDesk) -> EndingDesk:
    """A short name."""
    return ending_desk


def mode(desk: EndingDesk, market_id: int) -> int:
    """Mode bits of a market's terms."""
    return int(TERMS.unpack(desk.read(desk.house, "market_words", market_id)[2])["mode"])


def test_announce_makes_a_market_reduce_only(desk: EndingDesk) -> None:
    fixing_at = desk.announce(ETH)
    assert desk.ending(ETH).fixing_at == fixing_at
    assert mode(desk, ETH) & REDUCE_ONLY
    assert not mode(desk, BTC) & REDUCE_ONLY


def test_shut_down_announces_every_market(desk: EndingDesk) -> None:
    fixing_at = desk.rpc.timestamp() + NOTICE + 60
    desk.send(desk.owner, desk.delisting, "shut_down", fixing_at)
    assert {desk.ending(one).fixing_at for one in (BTC, ETH)} == {fixing_at}
    assert desk.ending(3).fixing_at == 0
    assert mode(desk, BTC) & mode(desk, ETH) & REDUCE_ONLY


def test_cancel_takes_an_announcement_back(desk: EndingDesk) -> None:
    desk.announce(ETH)
    desk.send(desk.owner, desk.delisting, "cancel", ETH)
    assert desk.ending(ETH).fixing_at == 0


def test_fix_holds_the_price_whatever_the_feeds_say(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = desk.long_eth(trader, desk.account(maker, 10**5), 10, 10_000)
    desk.end(ETH, keeper)
    equity = desk.equity(account)
    desk.index(ETH, 1_000)
    assert desk.price(ETH) == 3_000 * WAD
    assert desk.equity(account) == equity


def test_fix_stops_funding(desk: EndingDesk, trader: Any, maker: Any, keeper: Any) -> None:
    rate = 10**12
    desk.send(desk.owner, desk.house, "set_module", desk.broker, 31)
    desk.spec.set_module("broker", 31)
    desk.send(desk.broker, desk.house, "set_funding_rate", ETH, rate)
    desk.spec.set_funding_rate("broker", ETH, rate)
    account = desk.long_eth(trader, desk.account(maker, 10**5), 10, 50_000)
    desk.end(ETH, keeper)
    equity = desk.equity(account)
    desk.warp(3_600)
    assert desk.equity(account) == equity


def test_exits_wait_from_the_fixing_to_the_settlement(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    """Winners never leave before the losers' holes are known."""
    other, idle = desk.account(maker, 10**5), desk.account(stranger, 100)
    account = desk.long_eth(trader, other, 10, 30_000)
    desk.end(ETH, keeper)
    for held in (account, other):
        with pytest.raises(Refused, match="margin: below initial"):
            desk.withdraw(held, 1)
    desk.withdraw(idle, 100)
    desk.deposit(account, 5)
    desk.settled(ETH, keeper)
    desk.withdraw(account, 1_000)
    desk.withdraw(other, 1_000)


def test_close_out_in_the_window_charges_who_won(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk.empty_fund()
    other = desk.account(maker, 10**5)
    account = desk.long_eth(trader, other, 10, 3_000)
    desk.announce(ETH)
    desk.warp(NOTICE + 60)
    desk.index(ETH, 2_500)
    desk.fix(ETH, keeper)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.charged + closed.deferred == closed.total == dollars(2_000)
    assert closed.charged > 0
    assert desk.size(account, ETH) == desk.size(other, ETH) == 0


def test_settle_makes_every_leg_cash(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    other = desk.account(maker, 10**5)
    accounts = [desk.long_eth(trader, other, 3, 5_000, sub) for sub in range(3)]
    desk.announce(ETH)
    desk.warp(NOTICE + 60)
    desk.index(ETH, 3_300)
    desk.fix(ETH, keeper)
    assert desk.settled(ETH, keeper) == 9 * WAD
    assert desk.ending(ETH).settled_at > desk.ending(ETH).fixed_at
    for account in accounts:
        assert desk.size(account, ETH) == 0
        assert desk.wealth(account) == dollars(5_000 + 3 * 300 + 1)
    # A side's charge per share rounds up.
    assert dollars(10**5 - 9 * 300) - desk.wealth(other) in (0, 1)


def test_settle_of_a_market_without_legs_closes_nothing(desk: EndingDesk, keeper: Any) -> None:
    desk.end(ETH, keeper)
    assert desk.settled(ETH, keeper) == 0


def test_settle_costs_the_same_for_two_and_for_twenty_accounts(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    other = desk.account(maker, 10**6)
    for sub in range(19):
        desk.long_eth(trader, other, 1, 5_000, sub)
    desk.fill(desk.account(trader, 10**5, 30), other, BTC, 19 * WAD)
    desk.announce(BTC, ETH)
    desk.warp(NOTICE + 60)
    gas = []
    for market_id in (BTC, ETH):
        desk.fix(market_id, keeper)
    desk.warp(WINDOW)
    for market_id in (BTC, ETH):
        desk.settle(market_id, keeper)
        gas.append(desk.last_gas)
    # What the numbers' own bytes cost.
    assert abs(gas[0] - gas[1]) <= 200


def test_fix_silent_index_is_fixed_at_its_average_after_a_day(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    """Attack 11: a feed that is dead for ever holds nobody's money for ever."""
    desk.long_eth(trader, desk.account(maker, 10**5), 10, 10_000)
    desk.silence(ETH)
    desk.send(str(stranger.address), desk.delisting, "report_silence", ETH)
    desk.warp(SILENCE)
    desk.fix(ETH, keeper)
    assert desk.price(ETH) == 3_000 * WAD
    assert desk.settled(ETH, keeper) == 10 * WAD
