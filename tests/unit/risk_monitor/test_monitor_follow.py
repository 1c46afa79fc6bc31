"""`follow`: capacities follow the fund, volatility factors of maintenance the index."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import DEPTH_UNIT, FACTOR_PERIOD, FACTOR_UNIT
from seawall.spec.words import PPM, PRICE, RISK, WAD, account_id
from tests.desk import Desk, Refused, contract_at

ETH = 2
CAPACITY = 100


@pytest.fixture
def follow(desk: Desk, stranger: Any) -> Any:
    """follow(*market_ids): by somebody without rights, and in the specification."""
    monitor = contract_at(str(desk.system.risk_monitor.address), "RiskMonitor")

    def act(*market_ids: int) -> None:
        desk.send(str(stranger.address), monitor, "follow", list(market_ids))
        fund = max(0, desk.spec.ledger.accounts[desk.fund_account].cash)
        for market_id in market_ids:
            price = PRICE.unpack(desk.read(desk.oracle, "price_word", market_id))
            desk.margin.follow(market_id, price["volatility"], fund, desk.spec.now)
            word = desk.read(desk.model, "risk_words_of", market_id)[0]
            assert word == desk.margin.risks[market_id].word

    return act


def stored(desk: Desk, market_id: int) -> dict[str, int]:
    """Fields of a market's risk word."""
    return RISK.unpack(int(desk.read(desk.model, "risk_words_of", market_id)[0]))


def swing(desk: Desk) -> None:
    """Two moves of 10 % within ten minutes."""
    for dollars in (3_375, 3_712, 3_375):
        desk.warp(300)
        desk.index(ETH, dollars)


def test_follow_raises_and_lowers_capacity_with_the_fund(
    desk: Desk, follow: Any, trader: Any
) -> None:
    follow(ETH)
    assert stored(desk, ETH)["capacity"] == CAPACITY
    desk.save(trader, 50_000)
    follow(ETH)
    assert stored(desk, ETH)["capacity"] == CAPACITY + 10 * 50_000 * WAD // DEPTH_UNIT
    desk.move_money(desk.fund_account, account_id(str(trader.address)), 20_000)
    follow(ETH)
    assert stored(desk, ETH)["capacity"] == CAPACITY + 10 * 30_000 * WAD // DEPTH_UNIT


def test_follow_a_fund_in_debt_leaves_the_least_capacity(
    desk: Desk, follow: Any, trader: Any
) -> None:
    desk.move_money(desk.fund_account, account_id(str(trader.address)), 20_000)
    follow(ETH)
    assert stored(desk, ETH)["capacity"] == CAPACITY


def test_follow_moves_the_volatility_factor_by_five_percent_an_hour(
    desk: Desk, follow: Any
) -> None:
    swing(desk)
    follow(ETH)
    goal = stored(desk, ETH)["factor_to"]
    assert goal > 2 * FACTOR_UNIT
    start = desk.spec.now
    for hours in (0, 1, 2, 10):
        _, rate = desk.read(desk.model, "requirement_at", ETH, 0, 0, 0, start + 3_600 * hours)
        least = desk.system.parameters.markets[1].maintenance
        assert rate == -(-least * (PPM + 50_000 * hours) // PPM)
    _, last = desk.read(desk.model, "requirement_at", ETH, 0, 0, 0, start + 3_600 * 1_000)
    assert last == -(-least * goal // FACTOR_UNIT)


def test_follow_every_block_cannot_hold_the_factor_back(desk: Desk, follow: Any) -> None:
    swing(desk)
    follow(ETH)
    start = desk.spec.now
    for _ in range(20):
        desk.warp(300)
        follow(ETH)
    passed = desk.spec.now - start
    factor = desk.margin.risks[ETH].volatility_factor(desk.spec.now)
    # A new goal within the hour waits; each loses less than a unit.
    restarts = passed // FACTOR_PERIOD + 1
    assert factor >= PPM + 50_000 * passed // 3_600 - restarts * FACTOR_UNIT


def test_follow_makes_nobody_liquidatable_in_its_block(
    desk: Desk, follow: Any, trader: Any, maker: Any
) -> None:
    swing(desk)
    account, other = desk.account(trader, 300), desk.account(maker, 10**6)
    desk.fill(account, other, ETH, WAD)
    before = desk.plan(account)
    follow(ETH)
    after = desk.plan(account)
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)
    desk.warp(86_400)
    assert desk.plan(account).maintenance > before.maintenance


def test_follow_several_markets_at_once(desk: Desk, follow: Any) -> None:
    desk.rpc.warp(60)
    follow(1, 2)


@pytest.mark.parametrize("market_id", [0, 3, 127, 128, 2**255])
def test_follow_unknown_market_refused(desk: Desk, follow: Any, market_id: int) -> None:
    with pytest.raises(Refused) as refused:
        follow(market_id)
    assert refused.value.reason in ("risk: market id", "")


def test_follow_by_another_contract_refused(desk: Desk, stranger: Any) -> None:
    with pytest.raises(Refused) as refused:
        desk.send(str(stranger.address), desk.model, "follow", ETH, 10**6, 10**30)
    assert refused.value.reason == "risk: not the follower"
