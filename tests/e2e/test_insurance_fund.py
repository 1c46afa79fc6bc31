"""The insurance fund with the real Clearinghouse: savers, fees, shortfalls, exits."""

from __future__ import annotations

from typing import Any

import ape

from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk

BTC, ETH = 1, 2
ETH_PRICE = 3_375
USDC = 10**6
DAY, HOUR = 86_400, 3_600


def save(system: Any, saver: Any, dollars: int) -> int:
    """Deposit into the fund; the shares."""
    amount = dollars * USDC
    system.settlement.mint(saver, amount, sender=saver)
    system.settlement.approve(system.insurance_fund, amount, sender=saver)
    system.insurance_fund.deposit(amount, saver, sender=saver)
    return int(system.insurance_fund.balanceOf(saver))


def claim_falls_due(desk: Desk, system: Any, saver: Any) -> None:
    """A request made now matures, is announced, and the hour passes."""
    desk.rpc.warp(7 * DAY)
    system.insurance_fund.announce(sender=saver)
    desk.rpc.warp(HOUR)


def test_deposit_is_cash_of_the_funds_account(system: Any, saver: Any) -> None:
    save(system, saver, 1_000)
    health = system.lens.health(system.insurance_fund.fund_account())
    assert health.cash == 1_000 * WAD
    assert system.insurance_fund.totalAssets() == 1_000 * USDC
    assert system.settlement.balanceOf(system.clearinghouse) == 1_000 * USDC


def test_trading_fees_raise_the_price_of_a_share(
    system: Any, market: Any, fund_account: Any, trader: Any, maker: Any, saver: Any
) -> None:
    shares = save(system, saver, 1_000)
    for owner in (trader, maker):
        fund_account(owner, 10_000)
    before = system.insurance_fund.convertToAssets(shares)
    resting = market.signed(maker, ETH, -WAD, ETH_PRICE)
    market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [resting], trader)
    gained = system.insurance_fund.convertToAssets(shares) - before
    assert gained == ETH_PRICE * 500 - 1
    assert market.conservation() == 0


def test_liquidation_penalty_raises_the_price_of_a_share(
    desk: Desk, system: Any, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    shares = system.insurance_fund.balanceOf(saver)
    account = desk.account(trader, 150)
    desk.fill(account, desk.account(maker, 10_000), ETH, WAD)
    step, _ = desk.liquidate(account, desk.account(keeper, 10_000), keeper)
    gained = (step.fee - step.keeper_fee) // 10**12
    assert gained > 0
    assert abs(system.insurance_fund.convertToAssets(shares) - 1_000 * USDC - gained) <= 1


def test_shortfall_lowers_the_price_of_a_share(
    desk: ClosingDesk, system: Any, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    shares = system.insurance_fund.balanceOf(saver)
    account = desk.account(trader, 100)
    desk.fill(account, desk.account(maker, 10_000), ETH, WAD)
    desk.index(ETH, 3_075)
    shortfall = -desk.equity(account)
    assert shortfall == 201 * WAD
    desk.close_out(account, desk.account(keeper))
    assert system.insurance_fund.totalAssets() == 799 * USDC
    assert abs(system.insurance_fund.convertToAssets(shares) - 799 * USDC) <= 1


def test_request_and_redeem_pays_tokens(refused: Any, desk: Desk, system: Any, saver: Any) -> None:
    shares = save(system, saver, 1_000)
    system.insurance_fund.request_redeem(shares, sender=saver)
    with refused("vault: above claimable"):
        owner = str(saver.address)
        desk.send(owner, desk.fund, "redeem", shares, owner, owner)
    claim_falls_due(desk, system, saver)
    system.insurance_fund.redeem(shares, saver, saver, sender=saver)
    assert system.settlement.balanceOf(saver) == 1_000 * USDC
    assert system.insurance_fund.totalSupply() == 0
    assert system.lens.conservation([BTC, ETH]) == 0


def test_request_before_a_shortfall_does_not_escape_it(
    desk: ClosingDesk, system: Any, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 1_000)
    shares = system.insurance_fund.balanceOf(saver)
    system.insurance_fund.request_redeem(shares, sender=saver)
    account = desk.account(trader, 100)
    desk.fill(account, desk.account(maker, 10_000), ETH, WAD)
    desk.index(ETH, 3_075)
    desk.close_out(account, desk.account(keeper))
    claim_falls_due(desk, system, saver)
    system.insurance_fund.redeem(shares, saver, saver, sender=saver)
    assert abs(system.settlement.balanceOf(saver) - 799 * USDC) <= 1


def test_redeem_while_losses_are_deferred_is_cut(
    desk: ClosingDesk, system: Any, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    shares = save(system, saver, 100)
    desk.adopt_savings(100)
    # A debt without legs: no side stands between the fund and everybody else.
    account, other = desk.account(trader), desk.account(maker, 699)
    desk.move_money(account, other, 201)
    desk.close_out(account, desk.account(keeper))
    held, deferred = desk.spec.totals.held, desk.spec.totals.deferred
    # The fund paid its 100 of a shortfall of 201: 799 dollars stand behind claims of 900.
    assert (held, deferred) == (799 * WAD, 101 * WAD)
    with ape.reverts("vault: losses deferred"):
        save(system, saver, 1)
    assert system.insurance_fund.maxDeposit(saver) == 0
    desk.move_money(other, desk.fund_account, 500)
    system.insurance_fund.request_redeem(shares, sender=saver)
    claim_falls_due(desk, system, saver)
    promised = system.insurance_fund.previewRedeem(shares, sender=saver)
    before = system.settlement.balanceOf(saver)
    system.insurance_fund.redeem(shares, saver, saver, sender=saver)
    paid = system.settlement.balanceOf(saver) - before
    assert paid == promised
    # The virtual shares and the rounding of the claim keep a few units.
    assert 0 <= 500 * USDC * held // (held + deferred) - paid <= 5


def test_fees_of_the_hour_stay_with_those_who_stay(
    desk: Desk, system: Any, saver: Any, maker: Any
) -> None:
    shares = save(system, saver, 1_000)
    desk.adopt_savings(1_000)
    system.insurance_fund.request_redeem(shares, sender=saver)
    desk.rpc.warp(7 * DAY)
    system.insurance_fund.announce(sender=saver)
    desk.move_money(desk.account(maker, 500), desk.fund_account, 500)
    desk.rpc.warp(HOUR)
    system.insurance_fund.redeem(shares, saver, saver, sender=saver)
    assert system.settlement.balanceOf(saver) == 1_000 * USDC
    assert system.insurance_fund.totalAssets() == 500 * USDC
