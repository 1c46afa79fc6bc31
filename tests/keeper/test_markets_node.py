"""Many markets, markets that no registry names, and accounts too large for a keeper: on a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.keeper.chores import FOLLOW
from seawall.keeper.closing import Close
from seawall.keeper.jobs import Keeper
from seawall.keeper.outbox import REFRESH_GAS
from seawall.keeper.planning import Action, Limits
from seawall.keeper.purchases import Purchase
from seawall.keeper.rounds import LIQUIDATE, Report
from seawall.keeper.upkeep import Follow, MarginCall
from seawall.spec.oracle import MAX_IDS, SETTLEMENT_ID
from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.desk import contract_at
from tests.unit.collateral_converter.counter import Counter

BTC, ETH = 1, 2
HUNDRED = range(1, 101)
#: Dollars of one ETH as the local parameters list it.
INDEX = 3_375

Make = Callable[..., Keeper]


def open_long(desk: Counter, owner: Any, maker: Any, margin: int, market_id: int = ETH) -> int:
    """One unit of a market."""
    account, other = desk.account(owner, margin), desk.account(maker, 10**6)
    desk.fill(account, other, market_id, WAD)
    return account


def liquidated(bot: Keeper) -> Report:
    (report,) = bot.round()
    assert isinstance(report, Report), report.summary()
    return report


# -- a hundred markets -----------------------------------------------------------------------


def test_margin_hundred_markets_has_the_rates_of_those_that_have_one(
    desk: Counter, keeper_of: Make
) -> None:
    chain, block = keeper_of(LIQUIDATE).watch.chain, desk.rpc.block_number()
    found = chain.margin(block, HUNDRED).initial_rates
    assert set(found) == {BTC, ETH}
    assert found == chain.margin(block, [BTC, ETH]).initial_rates
    assert min(found.values()) > 0


def test_margin_of_no_market_has_the_free_margin_alone(
    desk: Counter, keeper_of: Make, keeper: Any
) -> None:
    desk.account(keeper, 300)
    chain = keeper_of(LIQUIDATE).watch.chain
    margin = chain.margin(desk.rpc.block_number(), [])
    assert (margin.free, margin.initial_rates) == (300 * WAD, {})


@pytest.mark.parametrize("last", (MAX_IDS, MAX_IDS + 1, 100))
def test_markets_more_than_the_oracle_answers_at_once_are_asked_in_parts(
    desk: Counter, keeper_of: Make, last: int
) -> None:
    listed = range(1, last + 1)
    chain, block = keeper_of(FOLLOW, listed=listed).watch.chain, desk.rpc.block_number()
    markets, _ = chain.markets(block)
    assert [one.market_id for one in markets] == list(listed)
    assert markets[:2] == keeper_of(FOLLOW).watch.chain.markets(block)[0]


def test_round_hundred_markets_liquidates_with_gas_for_those_it_touches(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    desk.account(keeper, 10_000)
    open_long(desk, trader, maker, 150)
    report = liquidated(keeper_of(LIQUIDATE, listed=HUNDRED))
    assert len(report.sent) == 1
    (log,) = liquidations(desk)
    sent = desk.rpc.call("eth_getTransactionByHash", log["transactionHash"])
    used = int(desk.rpc.wait(log["transactionHash"])["gasUsed"], 16)
    assert used < int(sent["gas"], 16) < 2 * used + REFRESH_GAS


def test_round_hundred_markets_follows_those_that_move(
    desk: Counter, keeper_of: Make, maker: Any
) -> None:
    desk.save(maker, 50_000)
    (report,) = keeper_of(FOLLOW, listed=HUNDRED).round()
    # The model refuses what is not listed there.
    assert report.summary().endswith(": follow 2 in 1 transactions; 98 left out: risk: market id")


# -- what a transaction may have to read -------------------------------------------------------


def test_priced_counts_what_accounts_hold_once_and_the_settlement_token_with_collateral(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    token = desk.token_of(1, 100)
    bitcoin = desk.account(trader, 50_000, sub=1)
    ether = open_long(desk, trader, maker, 5_000)
    desk.fill(bitcoin, desk.account(maker), BTC, WAD // 10)
    rich = desk.account(maker, 0, sub=3)
    desk.pawn(maker, rich, token, WAD)
    chain = keeper_of(LIQUIDATE, listed=HUNDRED).watch.chain

    def priced(task: Any) -> set[int]:
        return chain.priced(task, desk.rpc.block_number())

    assert priced(Action("many", (ether,))) == {ETH}
    assert priced(Action("many", (ether, bitcoin))) == {BTC, ETH}
    assert priced(MarginCall((ether,))) == {ETH}
    assert priced(Follow((7, 9))) == {7, 9}
    assert priced(Close((rich,))) == {SETTLEMENT_ID, token.leg_id}
    desk.fill(desk.account(keeper, 50_000), desk.account(maker), BTC, WAD // 10)
    assert priced(Action("one", (ether,))) == {BTC, ETH}
    assert priced(Purchase(rich, 1, 1, 1, 1, 1)) == {BTC, SETTLEMENT_ID, token.leg_id}
    assert priced(MarginCall((ether,))) == {ETH}


# -- markets that the registry does not name ---------------------------------------------------


def test_round_market_listed_after_the_registry_is_liquidated_too(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    desk.account(keeper, 10_000)
    account = open_long(desk, trader, maker, 150)
    report = liquidated(keeper_of(LIQUIDATE, listed=[BTC]))
    assert [action.accounts for action in report.sent] == [(account,)]
    assert len(liquidations(desk)) == 1


def test_round_market_listed_after_the_registry_is_followed_once_somebody_holds_it(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    desk.save(maker, 50_000)
    bot = keeper_of(FOLLOW, listed=[BTC])
    open_long(desk, trader, maker, 5_000)
    (report,) = bot.round()
    assert report.summary().endswith(": follow 2 in 1 transactions")


# -- solvent accounts below close-out that are too large ---------------------------------------


def test_round_whole_close_too_large_is_taken_in_slices_until_it_is_healthy(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    # 219.375 dollars are maintenance margin; two thirds of it is the close-out line.
    account = open_long(desk, trader, maker, 130)
    assert desk.plan_step(account).stage == WHOLE
    desk.account(keeper, 200)
    bot = keeper_of(LIQUIDATE, limits=Limits(use_ppm=500_000))
    (action,) = liquidated(bot).sent
    assert (action.kind, action.accounts) == ("one", (account,))
    assert 0 < action.notional <= action.limit < INDEX * WAD
    (log,) = liquidations(desk)
    event = desk.engine.event(log)[1]
    assert (event["stage"], event["market_id"]) == (PARTIAL, ETH)
    assert event["keeper_fee"] == action.keeper_fee
    assert desk.read(desk.lens, "health", account)[0] < 6


def test_round_bankrupt_account_is_not_taken_over(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    open_long(desk, trader, maker, 300)
    desk.index(ETH, INDEX - 400)
    desk.account(keeper, 10_000)
    report = liquidated(keeper_of(LIQUIDATE))
    assert (report.due, report.sent) == (0, [])
    assert liquidations(desk) == []


def liquidations(desk: Counter) -> list[dict[str, Any]]:
    """Logs of what was handed over so far."""
    engine = contract_at(str(desk.system.engine.address), "LiquidationEngine")
    topics = [engine.topic("Liquidated")]
    wanted = {"address": engine.address, "topics": topics, "fromBlock": "0x0"}
    return list(desk.rpc.call("eth_getLogs", wanted))
