"""Withdrawals: whose, how much, and what must stay behind."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import LISTED, TERMS, WAD, account_id
from tests.unit.clearinghouse.mirror import BARE, USDC, Mirror

HUGE = (2**111, 2**128, 2**255, 2**256 - 1)
SIZE = WAD // 10


def test_withdraw_settlement_debits_cash_and_pays_the_receiver(
    mirror: Mirror, trader: Any, keeper: Any
) -> None:
    account = mirror.fund(trader, 100)
    receipt = mirror.act("withdraw", trader, account, 0, 99_999_999, str(keeper.address))
    assert mirror.cash(account) == 10**12
    assert mirror.balance(keeper) == 99_999_999
    assert mirror.totals() == (10**12, 10**12, 0)
    assert mirror.events(receipt, "Withdrawn") == [
        {
            "account": account,
            "token_id": 0,
            "receiver": keeper.address.lower(),
            "amount": 99_999_999,
            "paid": 99_999_999,
            "queued": 0,
        }
    ]


def test_withdraw_all_collateral_clears_its_bit(mirror: Mirror, trader: Any, keeper: Any) -> None:
    account = account_id(trader.address, 1)
    mirror.act("deposit", trader, account, 1, 10**8)
    mirror.act("deposit", trader, account, 2, WAD)
    mirror.act("withdraw", trader, account, 1, 10**8 - 1, str(keeper.address))
    mirror.act("withdraw", trader, account, 1, 1, str(keeper.address))
    assert mirror.balance(keeper, 1) == 10**8
    assert mirror.read(mirror.house, "account_word", account) == 1 << 129


def test_withdraw_from_strangers_account_refused(
    mirror: Mirror, trader: Any, maker: Any, deployer: Any, guardian: Any
) -> None:
    account = mirror.fund(trader, 100)
    for thief in (maker, deployer, guardian):
        for token_id in (0, 1):
            mirror.refuse(
                "account: not yours", "withdraw", thief, account, token_id, 1, str(maker.address)
            )


def test_withdraw_by_a_module_with_every_right_refused(
    mirror: Mirror, trader: Any, keeper: Any
) -> None:
    account = mirror.fund(trader, 100)
    mirror.act("set_module", mirror.stage.owner, str(keeper.address), 63)
    receiver = str(keeper.address)
    mirror.refuse("account: not yours", "withdraw", keeper, account, 0, 1, receiver)
    mirror.refuse("account: not yours", "transfer", keeper, account, account + 1, 1)


def test_withdraw_by_an_operator_refused(mirror: Mirror, trader: Any, keeper: Any) -> None:
    account = mirror.fund(trader, 100)
    mirror.act("set_operator", trader, str(keeper.address), 2**40 - 1, 2**128 - 1, 2**88 - 1)
    for token_id in (0, 1):
        mirror.refuse(
            "account: not yours", "withdraw", keeper, account, token_id, 1, str(keeper.address)
        )


@pytest.mark.parametrize("account", [0, 1, 2, 2**96 - 1])
def test_withdraw_from_owner_zero_refused(mirror: Mirror, trader: Any, account: int) -> None:
    mirror.refuse("account: not yours", "withdraw", trader, account, 0, 1, str(trader.address))


@pytest.mark.parametrize("token_id", [0, 1])
def test_withdraw_zero_refused(mirror: Mirror, trader: Any, token_id: int) -> None:
    account = mirror.fund(trader, 1)
    mirror.refuse("amount: zero", "withdraw", trader, account, token_id, 0, str(trader.address))


@pytest.mark.parametrize("token_id", [0, 1])
def test_withdraw_huge_amounts_refused(mirror: Mirror, trader: Any, token_id: int) -> None:
    account = mirror.fund(trader, 1)
    for amount in HUGE:
        mirror.refuse(
            "amount: too large", "withdraw", trader, account, token_id, amount, str(trader.address)
        )


@pytest.mark.parametrize("token_id", [3, 8, 9, 127, 128, 255, 2**255])
def test_withdraw_unknown_token_refused(mirror: Mirror, trader: Any, token_id: int) -> None:
    account = mirror.fund(trader, 1)
    mirror.refuse("token: unknown", "withdraw", trader, account, token_id, 1, str(trader.address))


def test_withdraw_to_nobody_or_to_the_house_refused(mirror: Mirror, trader: Any) -> None:
    account = mirror.fund(trader, 1)
    for receiver in ("0x" + "00" * 20, mirror.stage.house):
        mirror.refuse_unmodelled(BARE, "withdraw", trader, account, 0, 1, receiver)


def test_withdraw_more_collateral_than_held_refused(mirror: Mirror, trader: Any) -> None:
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 1, 10**8)
    for amount in (10**8 + 1, 2**111 - 1):
        mirror.refuse(
            "amount: too large", "withdraw", trader, account, 1, amount, str(trader.address)
        )


def test_withdraw_more_cash_than_held_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account = mirror.fund(trader, 1)
    mirror.fund(maker, 1)
    mirror.act("withdraw", trader, account, 0, USDC, str(trader.address))
    reason = "margin: cash below zero"
    mirror.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))


def test_withdraw_of_cash_backed_by_collateral_refused(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    mirror.fund(maker, 10)
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 1, 10**8)
    reason = "margin: cash below zero"
    mirror.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))


def test_withdraw_more_than_the_till_and_the_cash_refused(mirror: Mirror, trader: Any) -> None:
    account = mirror.fund(trader, 1)
    reason = "margin: cash below zero"
    mirror.refuse(reason, "withdraw", trader, account, 0, USDC + 1, str(trader.address))


@pytest.mark.parametrize("is_long", [True, False])
def test_withdraw_with_a_leg_up_to_initial_margin_and_not_one_unit_more(
    mirror: Mirror, trader: Any, maker: Any, is_long: bool
) -> None:
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 10_000)
    buyer, seller = (account, other) if is_long else (other, account)
    mirror.open(buyer, seller, SIZE, 40_000)
    # 1000 - 10 % of 4000 - 1 keeper reserve
    free = (1_000 - 400 - 1) * USDC
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, free + 1, str(trader.address))
    mirror.act("withdraw", trader, account, 0, free, str(trader.address))
    mirror.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))


def test_withdraw_of_unrealised_profit_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 401), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.set_index(1, 60_000)
    # Profit of 2000 counts nothing, initial margin grew to 600.
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))
    mirror.open(other, account, SIZE, 60_000)
    mirror.act("withdraw", trader, account, 0, 2_401 * USDC, str(trader.address))


def test_withdraw_after_unrealised_loss_keeps_the_loss_behind(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.set_index(1, 38_000)
    free = (1_000 - 200 - 380 - 1) * USDC
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, free + 1, str(trader.address))
    mirror.act("withdraw", trader, account, 0, free, str(trader.address))


def test_withdraw_of_collateral_under_a_leg_up_to_its_initial_weight(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 250), mirror.fund(maker, 10_000)
    # 0.1 bitcoin counts 0.7 * 4000 = 2800 for a leg that needs 401, of which 250 are cash.
    mirror.act("deposit", trader, account, 1, 10**7)
    mirror.open(account, other, SIZE, 40_000)
    kept = -(-151 * 10**8 // 28_000)
    free = 10**7 - kept
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 1, free + 1, str(trader.address))
    mirror.act("withdraw", trader, account, 1, free, str(trader.address))


def test_withdraw_with_a_stale_leg_refused_and_deposit_allowed(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 10_000), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.later(3_601)
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))
    mirror.act("deposit", trader, account, 0, USDC)


def test_withdraw_without_legs_needs_no_oracle(mirror: Mirror, trader: Any) -> None:
    account = mirror.fund(trader, 10)
    mirror.later(3_601)
    mirror.act("withdraw", trader, account, 0, 10 * USDC, str(trader.address))


def test_withdraw_of_stale_collateral_without_legs_allowed(mirror: Mirror, trader: Any) -> None:
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 1, 10**8)
    mirror.later(3_601)
    mirror.act("withdraw", trader, account, 1, 10**8, str(trader.address))


def test_withdraw_of_negative_cash_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = account_id(trader.address), mirror.fund(maker, 10)
    mirror.act("deposit", trader, account, 1, 10**8)
    mirror.act("pay", mirror.engine, account, other, 0, WAD)
    reason = "margin: cash below zero"
    mirror.refuse(reason, "withdraw", trader, account, 1, 1, str(trader.address))


def test_withdraw_from_a_reduce_only_market_allowed(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 1_000)
    mirror.open(account, other, SIZE, 40_000)
    terms = TERMS.unpack(mirror.read(mirror.house, "market_words", 1)[2])
    mirror.act("set_market", mirror.stage.owner, 1, TERMS.pack(**{**terms, "mode": LISTED | 2}))
    mirror.act("withdraw", trader, account, 0, USDC, str(trader.address))
