"""What the keeper's chores do to the contracts, on a real node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.client.contract import Contract
from seawall.keeper.chores import CALL, CONVERT, FOLLOW
from seawall.keeper.jobs import Keeper
from seawall.keeper.purchases import PurchaseRules
from seawall.keeper.rounds import LIQUIDATE
from seawall.keeper.upkeep import CallRules, MarginCall
from seawall.spec.risk import FACTOR_PERIOD, RAMP
from seawall.spec.words import PRICE, RISK, WAD
from tests.desk import Desk, contract_at
from tests.unit.collateral_converter.counter import Counter, Token

BTC, ETH = 1, 2
#: 200 dollars owed on 1,000 dollars of collateral: a discount of 0.5 % and a fifth of 4.5 %.
DISCOUNT = 14_000
#: Below any cost of gas here: 0.0003 dollars for 100,000 gas at one gwei.
NATIVE = {"native_price": 3 * WAD}

Make = Callable[..., Keeper]


def lines(keeper: Keeper) -> list[str]:
    """What a round tells."""
    return [line for one in keeper.round() if (line := one.summary())]


def logs(desk: Desk, contract: Contract, name: str) -> list[dict[str, Any]]:
    wanted = {"address": contract.address, "topics": [contract.topic(name)], "fromBlock": "0x0"}
    return list(desk.rpc.call("eth_getLogs", wanted))


def events(desk: Desk, system_contract: Any, kind: str, name: str) -> list[dict[str, Any]]:
    """All events of a contract so far."""
    contract = contract_at(str(system_contract.address), kind)
    return contract.events(logs(desk, contract, name), name)


def follows(desk: Desk) -> list[int]:
    """Markets in the order they were followed."""
    found = events(desk, desk.system.margin_model, "MarginModel", "Followed")
    return [event["market_id"] for event in found]


def calls(desk: Desk) -> list[int]:
    """Accounts in the order they were called."""
    found = events(desk, desk.system.risk_monitor, "RiskMonitor", "MarginCall")
    return [event["account"] for event in found]


def stored(desk: Desk, market_id: int) -> dict[str, int]:
    """Fields of a market's risk word."""
    return RISK.unpack(int(desk.read(desk.model, "risk_words_of", market_id)[0]))


def swing(desk: Desk) -> None:
    """Two moves of 10 % within ten minutes."""
    for dollars in (3_375, 3_712, 3_375):
        desk.warp(300)
        desk.index(ETH, dollars)


def long(desk: Desk, owner: Any, maker: Any, dollars: int, sub: int = 0) -> int:
    """One ETH with so many dollars; 219.375 is maintenance margin, the reserve one."""
    account, other = desk.account(owner, dollars, sub), desk.account(maker, 10**6)
    desk.fill(account, other, ETH, WAD)
    return account


@pytest.fixture
def token(desk: Counter) -> Token:
    return desk.token_of(1, 100)


@pytest.fixture
def debtor(desk: Counter, token: Token, trader: Any, maker: Any) -> int:
    """An account without legs that owes 200 dollars on ten tokens of 100."""
    return desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)


# -- follow ----------------------------------------------------------------------------------


def test_follow_fund_has_grown_capacity_follows(desk: Counter, keeper_of: Make, maker: Any) -> None:
    desk.save(maker, 50_000)
    (line,) = lines(keeper_of(FOLLOW))
    assert line.endswith(": follow 2 in 1 transactions")
    assert [stored(desk, one)["capacity"] for one in (BTC, ETH)] == [600, 600]


def test_follow_volatility_has_risen_its_goal_follows(desk: Counter, keeper_of: Make) -> None:
    swing(desk)
    keeper_of(FOLLOW).round()
    word = PRICE.unpack(desk.read(desk.oracle, "price_word", ETH))
    desk.margin.follow(ETH, word["volatility"], 0, desk.rpc.timestamp())
    assert desk.read(desk.model, "risk_words_of", ETH)[0] == desk.margin.risks[ETH].word
    assert stored(desk, ETH)["factor_to"] > 2_000
    assert follows(desk) == [ETH]


def test_follow_nothing_has_changed_sends_nothing(desk: Counter, keeper_of: Make) -> None:
    assert lines(keeper_of(FOLLOW)) == []
    assert follows(desk) == []


def test_follow_within_the_hour_waits_until_it_is_over(
    desk: Counter, keeper_of: Make, maker: Any
) -> None:
    desk.save(maker, 50_000)
    keeper = keeper_of(FOLLOW)
    keeper.round()
    desk.save(maker, 50_000)
    for _ in range(3):
        keeper.round()
    assert stored(desk, ETH)["capacity"] == 600
    desk.warp(FACTOR_PERIOD)
    keeper.round()
    assert stored(desk, ETH)["capacity"] == 1_100
    assert follows(desk) == [BTC, ETH, BTC, ETH]


def test_follow_after_somebody_else_sends_nothing(
    desk: Counter, keeper_of: Make, maker: Any, stranger: Any
) -> None:
    desk.save(maker, 50_000)
    monitor = contract_at(str(desk.system.risk_monitor.address), "RiskMonitor")
    desk.send(str(stranger.address), monitor, "follow", [BTC, ETH])
    assert lines(keeper_of(FOLLOW)) == []


def test_follow_ramp_is_over_clears_it(desk: Counter, keeper_of: Make) -> None:
    risk = desk.system.parameters.markets[1].risk
    desk.set_risk(ETH, risk._replace(maintenance=risk.maintenance + 5_000))
    keeper = keeper_of(FOLLOW)
    keeper.round()
    assert follows(desk) == []
    desk.warp(stored(desk, ETH)["ramp_start"] + RAMP - desk.rpc.timestamp())
    keeper.round()
    assert (follows(desk), stored(desk, ETH)["ramp_start"]) == ([ETH], 0)


def test_follow_dry_run_tells_once_and_sends_nothing(
    desk: Counter, keeper_of: Make, maker: Any
) -> None:
    desk.save(maker, 50_000)
    keeper = keeper_of(FOLLOW, dry_run=True)
    assert [len(lines(keeper)), len(lines(keeper))] == [1, 0]
    assert follows(desk) == []


# -- margin calls ----------------------------------------------------------------------------


def test_call_account_below_the_line_is_called_once(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    keeper = keeper_of(CALL, calls=CallRules(blocks=5))
    assert lines(keeper)[0].endswith(": call 1 in 1 transactions")
    for _ in range(3):
        desk.rpc.mine(4)
        assert lines(keeper) == []
    assert calls(desk) == [account]


def test_call_healthy_and_liquidatable_accounts_are_left_alone(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    long(desk, trader, maker, 5_000)
    long(desk, trader, maker, 100, sub=1)
    assert lines(keeper_of(CALL)) == []
    assert calls(desk) == []


def test_call_account_cured_and_below_again_is_called_again(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    keeper = keeper_of(CALL, calls=CallRules(blocks=20))
    keeper.round()
    desk.deposit(account, 100)
    keeper.round()
    desk.move_money(account, desk.account(maker), 100)
    keeper.round()
    assert calls(desk) == [account]
    desk.rpc.mine(20)
    keeper.round()
    assert calls(desk) == [account, account]


def test_call_restarted_keeper_knows_the_calls_that_stand(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    keeper_of(CALL).round()
    assert lines(keeper_of(CALL)) == []
    assert calls(desk) == [account]


def test_call_account_below_the_least_margin_is_left_alone(
    desk: Counter, keeper_of: Make, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    maintenance = desk.plan(account).maintenance
    assert lines(keeper_of(CALL, calls=CallRules(minimum=maintenance + 1))) == []
    assert len(lines(keeper_of(CALL, calls=CallRules(minimum=maintenance)))) == 1


def test_call_account_above_the_line_is_not_worked_on(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    rich, poor = long(desk, trader, maker, 5_000), long(desk, trader, maker, 250, sub=1)
    chain, block = keeper_of(CALL).watch.chain, desk.rpc.block_number()
    sender = str(keeper.address)
    assert chain.attempt(MarginCall((rich, poor)), sender, block).works == (poor,)
    assert chain.attempt(MarginCall((rich,)), sender, block).reason == "nothing to do"


# -- conversions -----------------------------------------------------------------------------


def test_convert_debt_is_covered_by_the_collateral(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    buyer = desk.account(keeper, 1_000)
    plan = desk.plan_conversion(debtor, token)
    (line,) = lines(keeper_of(CONVERT, purchases=PurchaseRules(most=500 * WAD), **NATIVE))
    assert ": convert 1 in 1 transactions (200.00 paid for 202.8" in line
    assert desk.read(desk.house, "collateral_of", buyer, token.token_id) == plan.amount
    after = desk.read(desk.converter, "plan_conversion", debtor, token.token_id)
    assert tuple(after) == (0, 0, 0, 0)


def test_convert_more_than_the_limit_buys_up_to_it_and_the_rest_later(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    buyer = desk.account(keeper, 1_000)
    limit = 101 * WAD
    bot = keeper_of(CONVERT, purchases=PurchaseRules(most=limit), **NATIVE)
    bot.round()
    # A hundredth is kept for a price that rises.
    (first,) = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    assert 99 * WAD < first["paid"] <= 100 * WAD
    bot.round()
    found = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    assert [event["buyer"] for event in found] == [buyer, buyer]
    assert all(event["paid"] <= limit for event in found)


def test_convert_never_spends_more_than_its_cash(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    buyer = desk.account(keeper, 50)
    rules = PurchaseRules(most=500 * WAD)
    keeper_of(CONVERT, purchases=rules, **NATIVE).round()
    (event,) = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    # Nine tenths of what is free, less a hundredth.
    assert event["paid"] <= 50 * WAD * 9 // 10
    assert event["buyer"] == buyer


def test_convert_without_cash_tells_why_and_sends_nothing(
    desk: Counter, keeper_of: Make, token: Token, debtor: int
) -> None:
    bot = keeper_of(CONVERT, purchases=PurchaseRules(most=500 * WAD), **NATIVE)
    (line,) = lines(bot)
    assert line.endswith(": convert; 1 left out: beyond the keeper's cash or limit")
    assert events(desk, desk.system.converter, "CollateralConverter", "Converted") == []


def test_convert_discount_below_the_setting_is_left_out(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    desk.account(keeper, 1_000)
    for discount, sent in ((DISCOUNT, 0), (DISCOUNT - 100, 1)):
        rules = PurchaseRules(500 * WAD, discount)
        keeper_of(CONVERT, purchases=rules, **NATIVE).round()
        found = events(desk, desk.system.converter, "CollateralConverter", "Converted")
        assert len(found) == sent


def test_convert_gas_above_the_discount_is_left_out(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    """2.84 dollars are the discount; 180,000 gas at one gwei cost 3.60 at this price."""
    desk.account(keeper, 1_000)
    rules, price = PurchaseRules(500 * WAD, 0), 20_000 * WAD
    (line,) = lines(keeper_of(CONVERT, purchases=rules, native_price=price))
    assert line.endswith(": convert; 1 left out: discount too small after gas")
    assert events(desk, desk.system.converter, "CollateralConverter", "Converted") == []


def test_convert_account_whose_legs_lost_more_than_its_cash(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 300)
    desk.pawn(trader, account, token, 10 * WAD)
    desk.account(keeper, 1_000)
    desk.index(ETH, 3_000)
    assert desk.balance(account) < 0
    keeper_of(CONVERT, purchases=PurchaseRules(most=500 * WAD), **NATIVE).round()
    (event,) = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    assert event["account"] == account
    after = desk.read(desk.converter, "plan_conversion", account, token.token_id)
    assert tuple(after) == (0, 0, 0, 0)


def test_convert_finds_who_got_collateral_from_another_account(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, trader: Any, maker: Any
) -> None:
    giver, account = desk.account(maker), desk.account(trader)
    desk.pawn(maker, giver, token, 10 * WAD)
    desk.send(desk.broker, desk.house, "pay", giver, account, token.token_id, 10 * WAD)
    desk.move_money(account, giver, 200)
    desk.account(keeper, 1_000)
    keeper_of(CONVERT, purchases=PurchaseRules(most=500 * WAD), **NATIVE).round()
    (event,) = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    assert event["account"] == account


def test_convert_token_of_six_decimals_is_worth_what_the_index_says(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, maker: Any
) -> None:
    token = desk.token_of(2, 60_000, decimals=6)
    desk.debtor(trader, desk.account(maker), {token: 10**6}, 12_000)
    desk.account(keeper, 20_000)
    bot = keeper_of(CONVERT, purchases=PurchaseRules(most=20_000 * WAD), **NATIVE)
    (line,) = lines(bot)
    # 202,840 native units of 6 cents: 12,000 / 0.986, rounded up to a unit.
    assert "(12000.01 paid for 12170.40)" in line


def test_convert_silent_price_offers_nothing(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    desk.account(keeper, 1_000)
    desk.silence(token.leg_id)
    assert lines(keeper_of(CONVERT, purchases=PurchaseRules(most=500 * WAD), **NATIVE)) == []


def test_convert_dry_run_sends_nothing(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, debtor: int
) -> None:
    desk.account(keeper, 1_000)
    rules = PurchaseRules(most=500 * WAD)
    (line,) = lines(keeper_of(CONVERT, purchases=rules, dry_run=True, **NATIVE))
    assert ": convert 1 in 1 transactions" in line
    assert events(desk, desk.system.converter, "CollateralConverter", "Converted") == []


# -- all of them -----------------------------------------------------------------------------


def test_round_liquidates_first_whatever_the_order_of_the_jobs(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, trader: Any, maker: Any, debtor: int
) -> None:
    """What the margin is needed for most has the first use of it."""
    desk.account(keeper, 1_000)
    long(desk, trader, maker, 150, sub=2)
    bot = keeper_of(CONVERT, LIQUIDATE, purchases=PurchaseRules(most=500 * WAD), **NATIVE)
    bot.round()
    converter = contract_at(str(desk.system.converter.address), "CollateralConverter")
    (liquidated,) = logs(desk, desk.engine, "Liquidated")
    (bought,) = logs(desk, converter, "Converted")
    assert int(liquidated["blockNumber"], 16) < int(bought["blockNumber"], 16)


def test_round_every_job_does_its_work_in_one(
    desk: Counter, keeper_of: Make, keeper: Any, token: Token, trader: Any, maker: Any, debtor: int
) -> None:
    desk.account(keeper, 5_000)
    desk.save(maker, 50_000)
    called = long(desk, trader, maker, 250, sub=1)
    due = long(desk, trader, maker, 150, sub=2)
    bot = keeper_of(
        LIQUIDATE, CONVERT, CALL, FOLLOW, purchases=PurchaseRules(most=500 * WAD), **NATIVE
    )
    bot.round()
    liquidated = events(desk, desk.system.engine, "LiquidationEngine", "Liquidated")
    bought = events(desk, desk.system.converter, "CollateralConverter", "Converted")
    assert [event["account"] for event in liquidated] == [due]
    assert [event["account"] for event in bought] == [debtor]
    assert calls(desk) == [called]
    assert follows(desk) == [BTC, ETH]
