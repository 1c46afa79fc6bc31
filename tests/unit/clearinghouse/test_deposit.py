"""Deposits: what is credited, to whom, up to which cap."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import BARE, USDC, Mirror

HUGE = (2**255, 2**256 - 1)
UNKNOWN_TOKENS = (3, 8, 9, 127, 128, 255, 2**255)


def test_deposit_settlement_credits_cash_in_wad(mirror: Mirror, trader: Any) -> None:
    account = account_id(trader.address)
    receipt = mirror.act("deposit", trader, account, 0, 123_456_789)
    assert mirror.cash(account) == 123_456_789 * 10**12
    assert mirror.totals() == (123_456_789 * 10**12, 123_456_789 * 10**12, 0)
    assert mirror.balance(mirror.stage.house) == 123_456_789
    assert mirror.events(receipt, "Deposited") == [
        {
            "account": account,
            "token_id": 0,
            "amount": 123_456_789,
            "credited": 123_456_789 * 10**12,
        }
    ]


def test_deposit_settlement_to_strangers_account_is_allowed(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account = account_id(maker.address, 7)
    mirror.act("deposit", trader, account, 0, USDC)
    assert mirror.cash(account) == WAD


@pytest.mark.parametrize("token_id, unit", [(1, 10**8), (2, 10**18)])
def test_deposit_collateral_credits_native_units(
    mirror: Mirror, trader: Any, token_id: int, unit: int
) -> None:
    account = account_id(trader.address, 2**96 - 1)
    mirror.act("deposit", trader, account, token_id, 3 * unit)
    receipt = mirror.act("deposit", trader, account, token_id, 1)
    assert mirror.read(mirror.house, "collateral_of", account, token_id) == 3 * unit + 1
    assert mirror.totals() == (0, 0, 0)
    assert mirror.events(receipt, "Deposited") == [
        {"account": account, "token_id": token_id, "amount": 1, "credited": 1}
    ]


def test_deposit_collateral_to_strangers_account_refused(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account = account_id(maker.address)
    mirror.refuse("account: not yours", "deposit", trader, account, 1, 10**8)


@pytest.mark.parametrize("token_id", UNKNOWN_TOKENS)
def test_deposit_unknown_token_refused(mirror: Mirror, trader: Any, token_id: int) -> None:
    account = account_id(trader.address)
    mirror.refuse("token: unknown", "deposit", trader, account, token_id, 1)


@pytest.mark.parametrize("account", [0, 1, 2, 2**96 - 1])
def test_deposit_to_owner_zero_refused(mirror: Mirror, trader: Any, account: int) -> None:
    mirror.refuse("account: unknown", "deposit", trader, account, 0, USDC)
    mirror.refuse("account: unknown", "deposit", trader, account, 1, USDC)


@pytest.mark.parametrize("token_id", [0, 1])
def test_deposit_zero_refused(mirror: Mirror, trader: Any, token_id: int) -> None:
    mirror.refuse("amount: zero", "deposit", trader, account_id(trader.address), token_id, 0)


@pytest.mark.parametrize("amount", HUGE)
@pytest.mark.parametrize("token_id", [0, 1])
def test_deposit_more_than_the_wallet_holds_refused(
    mirror: Mirror, trader: Any, token_id: int, amount: int
) -> None:
    reason = "erc20: transfer amount exceeds balance"
    account = account_id(trader.address)
    mirror.refuse_unmodelled(reason, "deposit", trader, account, token_id, amount)


def test_deposit_without_allowance_refused(mirror: Mirror, keeper: Any) -> None:
    mirror.send(keeper, mirror.token, "mint", str(keeper.address), USDC)
    account = account_id(keeper.address)
    reason = "erc20: insufficient allowance"
    mirror.refuse_unmodelled(reason, "deposit", keeper, account, 0, USDC)


@pytest.mark.parametrize("token_id, unit", [(0, USDC), (1, 10**8), (2, WAD)])
def test_deposit_up_to_the_cap_and_not_one_unit_more(
    mirror: Mirror, trader: Any, token_id: int, unit: int
) -> None:
    asset = mirror.stage.tokens[token_id][0]
    mirror.send(mirror.stage.owner, mirror.house, "set_token", token_id, asset, 5)
    mirror.spec.set_token(token_id, asset, mirror.stage.tokens[token_id][1], 5)
    account = account_id(trader.address)
    mirror.refuse("token: over cap", "deposit", trader, account, token_id, 5 * unit + 1)
    mirror.act("deposit", trader, account, token_id, 5 * unit - 1)
    mirror.refuse("token: over cap", "deposit", trader, account, token_id, 2)
    mirror.act("deposit", trader, account, token_id, 1)
    mirror.refuse("token: over cap", "deposit", trader, account, token_id, 1)


def test_deposit_after_cap_fell_below_what_is_held_refused_and_withdrawal_allowed(
    mirror: Mirror, trader: Any
) -> None:
    account = mirror.fund(trader, 100)
    asset, decimals, _ = mirror.stage.tokens[0]
    mirror.send(mirror.stage.owner, mirror.house, "set_token", 0, asset, 50)
    mirror.spec.set_token(0, asset, decimals, 50)
    mirror.refuse("token: over cap", "deposit", trader, account, 0, 1)
    mirror.act("withdraw", trader, account, 0, 100 * USDC, trader.address)


def test_deposit_ignores_tokens_sent_past_the_ledger(mirror: Mirror, trader: Any) -> None:
    account = mirror.fund(trader, 10)
    for token_id, amount in ((0, 77), (1, 10**8)):
        mirror.send(trader, mirror.token_of(token_id), "transfer", mirror.stage.house, amount)
    mirror.compare()
    mirror.act("deposit", trader, account, 0, USDC)
    assert mirror.cash(account) == 11 * WAD
    assert mirror.read(mirror.house, "collateral_of", account, 1) == 0


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_deposit_settlement_of_any_decimals_credits_wad(
    bare: Any, project: Any, deployer: Any, trader: Any, decimals: int
) -> None:
    mirror = bare(deployer.deploy(project.Token, "Dollar", "USD", decimals))
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 0, 7 * 10**decimals)
    mirror.act("deposit", trader, account, 0, 1)
    assert mirror.cash(account) == 7 * WAD + 10 ** (18 - decimals)
    mirror.act("withdraw", trader, account, 0, 1, trader.address)
    mirror.act("withdraw", trader, account, 0, 7 * 10**decimals, trader.address)
    assert mirror.totals() == (0, 0, 0)


def test_deposit_near_the_range_of_cash_refused_bare(
    bare: Any, project: Any, deployer: Any, trader: Any
) -> None:
    token = deployer.deploy(project.Token, "Dollar", "USD", 0)
    mirror = bare(token, cap=2**52 - 1)
    token.mint(trader, 2**111, sender=trader)
    account = account_id(trader.address)
    most = (2**111 - 1) // WAD
    mirror.act("deposit", trader, account, 0, most)
    mirror.refuse(BARE, "deposit", trader, account, 0, 1)


@pytest.mark.parametrize(
    "amount, reason",
    [(2**111, "token: over cap"), (2**196, "token: over cap"), (2**200, BARE), (2**255, BARE)],
)
def test_deposit_of_a_huge_supply_refused(
    bare: Any, project: Any, deployer: Any, keeper: Any, amount: int, reason: str
) -> None:
    mirror = bare(deployer.deploy(project.Token, "Dollar", "USD", 0))
    mirror.send(keeper, mirror.token, "mint", str(keeper.address), amount)
    mirror.send(keeper, mirror.token, "approve", mirror.stage.house, 2**256 - 1)
    account = account_id(keeper.address)
    mirror.refuse_unmodelled(reason, "deposit", keeper, account, 0, amount)
