"""Who may not convert what; a refused conversion leaves every word as it was."""

from __future__ import annotations

from typing import Any

import pytest
from counter import Counter

from seawall.spec.words import MAX_UINT256, WAD
from tests.desk import Refused, dollars

BTC, ETH = 1, 2


@pytest.mark.parametrize("cash", (0, 1))
def test_convert_account_that_owes_nothing_is_refused(
    desk: Counter, trader: Any, keeper: Any, cash: int
) -> None:
    token = desk.token_of(1, 100)
    account = desk.account(trader, cash)
    desk.pawn(trader, account, token, WAD)
    buyer = desk.account(keeper, 1_000)
    reason = desk.refusal_of(account, token, 1, buyer, keeper)
    assert reason == "conversion: balance covered"


@pytest.mark.parametrize("account", (0, 1, 2))
def test_convert_side_of_a_market_is_refused(desk: Counter, keeper: Any, account: int) -> None:
    token = desk.token_of(1, 100)
    reason = desk.refusal_of(account, token, 1, desk.account(keeper, 1_000), keeper)
    assert reason == "conversion: balance covered"


def test_convert_covered_by_another_first_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    desk.convert(account, token, MAX_UINT256, desk.account(stranger, 1_000), stranger)
    reason = desk.refusal_of(account, token, 1, desk.account(keeper, 1_000), keeper)
    assert reason == "conversion: balance covered"


def test_convert_token_that_is_not_held_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token, other = desk.token_of(1, 100), desk.token_of(2, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    assert desk.refusal_of(account, other, 1, buyer, keeper) == "conversion: not held"


@pytest.mark.parametrize("token_id", (0, 3, 8, 9, 128, 2**256 - 127, MAX_UINT256))
def test_convert_token_that_does_not_exist_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any, token_id: int
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    args = (account, token_id, 1, buyer, 0, MAX_UINT256)
    with pytest.raises(Refused, match="conversion: not held"):
        desk.send(str(keeper.address), desk.converter, "convert", *args)
    assert desk.view(desk.converter, "plan_conversion", account, token_id) == (0, 0, 0, 0)


def test_convert_token_with_a_silent_index_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    desk.silence(token.leg_id)
    assert desk.refusal_of(account, token, 1, buyer, keeper) == "conversion: price stale"


def test_46_convert_into_the_same_account_is_refused(
    desk: Counter, trader: Any, maker: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    reason = desk.refusal_of(account, token, 1, account, trader)
    assert reason == "conversion: own account"


def test_convert_nothing_is_refused(desk: Counter, trader: Any, maker: Any, keeper: Any) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    assert desk.refusal_of(account, token, 0, buyer, keeper) == "amount: zero"


def test_convert_for_a_stranger_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    assert desk.refusal_of(account, token, 1, buyer, stranger) == "account: not yours"


def test_convert_by_an_operator_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """An operator trades: it may not spend cash on tokens."""
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    desk.allow(keeper, operator, [1, 2], 2**80)
    assert desk.refusal_of(account, token, 1, buyer, operator) == "account: not yours"


@pytest.mark.parametrize("side", (0, 1, 2))
def test_convert_for_a_side_of_a_market_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any, side: int
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    assert desk.refusal_of(account, token, 1, side, keeper) == "account: not yours"


def test_24_convert_fewer_than_wanted_at_least_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    most = desk.plan_conversion(account, token).amount
    reason = desk.refusal_of(account, token, MAX_UINT256, buyer, keeper, min_sold=most + 1)
    assert reason == "conversion: over limit"
    desk.convert(account, token, MAX_UINT256, buyer, keeper, min_sold=most)


def test_24_convert_dearer_than_allowed_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    cash = desk.plan_conversion(account, token).cash
    reason = desk.refusal_of(account, token, MAX_UINT256, buyer, keeper, max_paid=cash - 1)
    assert reason == "conversion: over limit"
    desk.convert(account, token, MAX_UINT256, buyer, keeper, max_paid=cash)


def test_convert_beyond_the_cash_of_the_buyer_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, "98.6")
    reason = desk.refusal_of(account, token, WAD + 1, buyer, keeper)
    assert reason == "conversion: buyer's cash"
    assert desk.convert(account, token, WAD, buyer, keeper) == (WAD, dollars("98.6"))
    assert desk.cash(buyer) == 0


def test_convert_below_initial_margin_of_the_buyer_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    desk.index(ETH, 3_000)
    creditor = desk.account(maker, 10**5)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 320)
    desk.fill(buyer, creditor, ETH, WAD)
    # 320 dollars, 1 in reserve, 300 needed: a token for 98.60 counts 80 of it.
    assert desk.refusal_of(account, token, 2 * WAD, buyer, keeper) == "margin: below initial"
    desk.convert(account, token, WAD, buyer, keeper)


def test_convert_beside_a_silent_leg_of_the_buyer_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    desk.index(ETH, 3_000)
    creditor = desk.account(maker, 10**5)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 10_000)
    desk.fill(buyer, creditor, ETH, WAD)
    desk.silence(ETH)
    assert desk.refusal_of(account, token, 1, buyer, keeper) == "margin: below initial"


def test_convert_with_cash_that_an_ended_leg_of_the_buyer_owes_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """The gate settles the leg: the cash is gone though another leg's profit gives margin."""
    token = desk.token_of(1, 100)
    desk.index(BTC, 60_000)
    desk.index(ETH, 3_000)
    creditor = desk.account(maker, 10**6)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 2_000)
    desk.pawn(keeper, buyer, token, 5 * WAD)
    desk.fill(buyer, creditor, BTC, WAD // 10)
    desk.fill(buyer, creditor, ETH, WAD // 10, dollars(500))
    # The market ends 19,900 dollars lower: a loss of 1,990 that no cash has paid yet.
    desk.close_market(BTC, WAD // 10, dollars(4_010))
    reason = desk.refusal_of(account, token, WAD, buyer, keeper)
    assert reason == "conversion: buyer's cash"
    desk.deposit(buyer, 100)
    desk.convert(account, token, WAD, buyer, keeper)
    assert 0 <= desk.cash(buyer) < dollars(12)


def test_convert_while_nothing_is_held_in_custody_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Cash that could not be withdrawn buys no collateral either."""
    token = desk.token_of(1, 100)
    creditor, ruined = desk.account(maker), desk.account(trader, 0, 1)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    desk.move_money(ruined, creditor, 250)
    desk.close_out(ruined, desk.fund_account)
    assert desk.spec.totals.held == 0
    buyer = desk.account(keeper)
    desk.move_money(creditor, buyer, 100)
    assert desk.refusal_of(account, token, 1, buyer, keeper) == "custody: till short"
    assert desk.plan_conversion(account, token) == (0, 0, 0, 0)


def test_convert_after_the_right_was_revoked_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    desk.send(desk.owner, desk.house, "set_module", desk.converter.address, 0)
    desk.spec.set_module(desk.seller.ADDRESS, 0)
    assert desk.refusal_of(account, token, 1, buyer, keeper) == "module: no right"
