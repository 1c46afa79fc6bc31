"""Collateral of an account that owes the settlement token goes to whoever pays cash for it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from counter import Counter

from seawall.spec.words import MAX_UINT256, WAD, account_id
from tests.desk import dollars

BTC, ETH = 1, 2
#: Parts per million, as in params/local.yaml.
LOWEST, HIGHEST = 5_000, 50_000


def test_convert_all_brings_the_balance_to_zero(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    sold, paid = desk.convert(account, token, MAX_UINT256, buyer, keeper)
    assert desk.balance(account) == desk.cash(account) == paid - dollars(200)
    # 200 of 1,000 dollars: a fifth of the way from 0.5 % to 5 %.
    discount = LOWEST + (HIGHEST - LOWEST) // 5
    assert paid == sold * 100 * (10**6 - discount) // 10**6 + 1
    assert desk.cash(buyer) == dollars(1_000) - paid


def test_convert_part_sells_what_is_asked_for(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    sold, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    assert (sold, paid) == (WAD, 100 * WAD * 986_000 // 10**6)
    assert desk.balance(account) == paid - dollars(200)


def test_convert_more_than_is_held_sells_what_is_held(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, weight=900_000)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 990)
    sold, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    assert sold == 10 * WAD
    # 99 % of the way.
    assert paid == 1_000 * WAD * (10**6 - 49_550) // 10**6
    assert desk.balance(account) < 0


def test_convert_debt_above_the_collateral_costs_the_largest_discount(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 5_000)
    _, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    assert paid == 950 * WAD


def test_convert_discount_is_capped_by_the_maintenance_haircut(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, weight=990_000)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 985)
    before = desk.equity(account)
    _, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    assert paid > 985 * WAD
    assert desk.equity(account) == before


def test_convert_token_without_weight_raises_equity_by_all_that_is_paid(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, weight=0)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 500)
    before = desk.equity(account)
    _, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    assert desk.equity(account) == before + paid


@pytest.mark.parametrize("decimals", (0, 6, 8, 18))
def test_convert_rounds_up_to_one_native_unit(
    desk: Counter, trader: Any, maker: Any, keeper: Any, decimals: int
) -> None:
    token = desk.token_of(1, 60_000, decimals)
    account = desk.debtor(
        trader, desk.account(maker), {token: 10**decimals * 7}, "60001.000000000000000001"
    )
    sold, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 10**6), keeper)
    owed = dollars("60001.000000000000000001")
    price = 60_000 * 10 ** (18 - decimals)
    assert owed <= paid < owed + price + 3
    assert 0 < sold < 10**decimals * 7


def test_convert_debt_of_one_wei_sells_one_unit(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, decimals=6)
    account = desk.debtor(trader, desk.account(maker), {token: 10**6}, Fraction(1, WAD))
    sold, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1), keeper)
    assert sold == 1
    assert paid == 10**14 * (10**6 - LOWEST) // 10**6


def test_convert_dust_worth_less_than_a_wei_costs_one(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Clamped to what is held, and no owner can stop a conversion with dust."""
    token = desk.token_of(1, 1)
    desk.index(token.leg_id, "0.00000001")
    account = desk.debtor(trader, desk.account(maker), {token: 1}, 1)
    assert desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1), keeper) == (1, 1)


def test_convert_counts_losses_of_legs_as_debt(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Cash above zero, two legs that have lost more than it."""
    token = desk.token_of(1, 1_000)
    desk.index(BTC, 40_000)
    desk.index(ETH, 3_000)
    account, other = desk.account(trader, 1_000), desk.account(maker, 10**6)
    desk.pawn(trader, account, token, 20 * WAD)
    desk.fill(account, other, BTC, WAD)
    desk.fill(other, account, ETH, 10 * WAD)
    desk.index(BTC, 37_000)
    desk.index(ETH, 3_100)
    assert desk.cash(account) == dollars(1_000)
    # 3,000 and 1,000 lost, two keeper reserves of one dollar.
    assert desk.balance(account) == -dollars(3_002)
    ratio = desk.ratio(account)
    _, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 10_000), keeper)
    assert desk.balance(account) == paid - dollars(3_002) >= 0
    assert desk.ratio(account) > ratio


def test_convert_bankrupt_account_with_legs_is_open(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    desk.index(ETH, 3_000)
    account, other = desk.account(trader), desk.account(maker, 10**6)
    desk.pawn(trader, account, token, 10 * WAD)
    desk.fill(account, other, ETH, 10 * WAD)
    desk.index(ETH, 2_000)
    before = desk.equity(account)
    assert before < 0
    sold, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 10_000), keeper)
    assert (sold, paid) == (10 * WAD, 950 * WAD)
    assert desk.equity(account) == before + dollars(150)


def test_convert_beside_a_silent_market_uses_its_last_price(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    desk.index(ETH, 3_000)
    account, other = desk.account(trader), desk.account(maker, 10**6)
    desk.pawn(trader, account, token, 10 * WAD)
    desk.fill(account, other, ETH, WAD)
    desk.index(ETH, 2_900)
    desk.silence(ETH)
    assert desk.balance(account) == -dollars(101)
    before = desk.equity(account)
    desk.convert(account, token, MAX_UINT256, desk.account(keeper, 10_000), keeper)
    desk.index(ETH, 3_100)
    # Whatever the market is worth, the account has lost nothing by it.
    assert desk.equity(account) >= before + dollars(200)


def test_convert_silent_token_is_worth_nothing_beside_others(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    silent, token = desk.token_of(1, 1_000), desk.token_of(2, 100)
    account = desk.debtor(trader, desk.account(maker), {silent: 10 * WAD, token: 4 * WAD}, 200)
    desk.silence(silent.leg_id)
    _, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    # 200 of 400 dollars: half of the way.
    assert paid == 100 * WAD * (10**6 - 27_500) // 10**6


def test_convert_from_eight_tokens_sells_each_in_turn(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Every call finds what the one before has left: the balance only rises, equity never falls."""
    tokens = [desk.token_of(i, 10 * i, (6, 8, 18)[i % 3]) for i in range(1, 9)]
    holdings = {token: 10**token.decimals for token in tokens}
    account = desk.debtor(trader, desk.account(maker), holdings, 330)
    buyer = desk.account(keeper, 1_000)
    balances = [desk.balance(account)]
    for token in tokens:
        desk.convert(account, token, MAX_UINT256, buyer, keeper)
        balances.append(desk.balance(account))
    assert balances == sorted(balances)
    assert balances[-1] >= 0
    assert [token for token in tokens if desk.held(account, token)] == [tokens[-1]]


def test_convert_twice_sells_no_more_than_once(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Whoever splits a purchase pays more: the discount falls with the debt."""
    token = desk.token_of(1, 100)
    creditor = desk.account(maker)
    buyer = desk.account(keeper, 1_000)
    whole = desk.debtor(trader, creditor, {token: 10 * WAD}, 400)
    once = desk.convert(whole, token, MAX_UINT256, buyer, keeper)
    account = desk.account(trader, 0, 1)
    desk.pawn(trader, account, token, 10 * WAD)
    desk.move_money(account, creditor, 400)
    first = desk.convert(account, token, 2 * WAD, buyer, keeper)
    second = desk.convert(account, token, MAX_UINT256, buyer, keeper)
    assert first[0] + second[0] < once[0]
    assert desk.balance(account) >= 0


def test_convert_account_of_the_fund_is_open(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """What the fund took from a bankrupt, and paid for from below zero, is sold by the rule."""
    token = desk.token_of(1, 100)
    bankrupt = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 900)
    desk.close_out(bankrupt, desk.fund_account)
    assert desk.held(desk.fund_account, token) == 10 * WAD
    desk.convert(desk.fund_account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    assert desk.balance(desk.fund_account) >= 0


def test_15_convert_own_accounts_gains_the_owner_nothing(
    desk: Counter, trader: Any, maker: Any
) -> None:
    """Cash and tokens change accounts, and neither is created."""
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    buyer = desk.account(trader, 1_000, 1)
    cash = desk.cash(account) + desk.cash(buyer)
    desk.convert(account, token, MAX_UINT256, buyer, trader)
    assert desk.cash(account) + desk.cash(buyer) == cash
    assert desk.held(account, token) + desk.held(buyer, token) == 10 * WAD


def test_convert_while_losses_are_deferred_costs_cash_by_the_exit_ratio(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Tokens are no way out at par: what is bought is worth what a withdrawal would pay."""
    token = desk.token_of(1, 100)
    creditor, ruined = desk.account(maker), desk.account(trader, 0, 1)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    desk.move_money(ruined, creditor, 250)
    desk.close_out(ruined, desk.fund_account)
    total = desk.spec.totals
    assert (total.held, total.deferred) == (dollars(1_000), dollars(250))
    sold, paid = desk.convert(account, token, WAD, buyer, keeper)
    assert (sold, paid) == (WAD, 100 * WAD * 986_000 // 10**6 * 5 // 4)


def test_convert_follows_the_index_into_the_transaction(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Nobody has refreshed since the feed moved."""
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    (source,) = desk.sources[token.leg_id]
    desk.send(desk.owner, source, "set_answer", 50 * 10**8)
    plan = desk.view(desk.converter, "plan_conversion", account, token.token_id)
    args = (account, token.token_id, WAD, buyer, 0, MAX_UINT256)
    sold, paid = desk.view(desk.converter, "convert", *args, sender=str(keeper.address))
    assert (sold, paid) == (WAD, 50 * WAD * (10**6 - plan[1]) // 10**6)
    # 200 of 500 dollars.
    assert plan[1] == LOWEST + (HIGHEST - LOWEST) * 2 // 5


def test_convert_buyer_with_a_leg_passes_the_gate(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    desk.index(ETH, 3_000)
    creditor = desk.account(maker, 10**5)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    desk.fill(buyer, creditor, ETH, WAD)
    desk.convert(account, token, WAD, buyer, keeper)
    assert desk.size(buyer, ETH) == WAD
    assert buyer == account_id(str(keeper.address))


def test_34_convert_after_a_depeg_costs_no_equity(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """A stable token falls to 90 cents: it is sold at that price, not at its haircut."""
    token = desk.token_of(1, 1, decimals=6, weight=900_000)
    account = desk.debtor(trader, desk.account(maker), {token: 1_000 * 10**6}, 300)
    desk.index(token.leg_id, "0.9")
    before = desk.equity(account)
    sold, paid = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 1_000), keeper)
    # 300 of 900 dollars: 2 %.
    assert paid == -(-sold * 10**12 * 9 // 10 * 980_000 // 10**6)
    assert desk.equity(account) > before


def test_35_convert_token_that_moves_for_nobody_passes(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """No transfer: a token that bars house, owner and buyer stops nothing."""
    token = desk.token_of(1, 100, kind="BlacklistToken")
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    for barred in (desk.house.address, str(trader.address), str(keeper.address)):
        desk.send(desk.owner, token.contract, "set_blacklisted", barred, True)
    sold, _ = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    assert sold == WAD
    assert desk.view(token.contract, "balanceOf", desk.house.address) == 10 * WAD
