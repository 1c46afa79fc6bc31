"""Transfers of cash between accounts: the rule of a withdrawal, without tokens."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import Mirror

SIZE = WAD // 10


def test_transfer_moves_wad_cash_and_no_tokens(mirror: Mirror, trader: Any, maker: Any) -> None:
    sender, receiver = mirror.fund(trader, 10), account_id(maker.address, 5)
    receipt = mirror.act("transfer", trader, sender, receiver, WAD + 1)
    assert mirror.cash(sender) == 9 * WAD - 1
    assert mirror.cash(receiver) == WAD + 1
    assert mirror.totals() == (10 * WAD, 10 * WAD, 0)
    assert mirror.events(receipt, "Moved") == [
        {"sender": sender, "receiver": receiver, "token_id": 0, "amount": WAD + 1}
    ]


def test_transfer_between_own_sub_accounts(mirror: Mirror, trader: Any) -> None:
    sender, receiver = mirror.fund(trader, 10, sub=3), account_id(trader.address, 2**96 - 1)
    mirror.act("transfer", trader, sender, receiver, 10 * WAD)
    assert mirror.cash(sender) == 0


def test_transfer_to_itself_refused(mirror: Mirror, trader: Any) -> None:
    account = mirror.fund(trader, 10)
    mirror.refuse("account: unknown", "transfer", trader, account, account, WAD)


@pytest.mark.parametrize("receiver", [0, 1, 2, 2**96 - 1])
def test_transfer_to_owner_zero_refused(mirror: Mirror, trader: Any, receiver: int) -> None:
    account = mirror.fund(trader, 10)
    mirror.refuse("account: unknown", "transfer", trader, account, receiver, WAD)


def test_transfer_from_strangers_account_refused(
    mirror: Mirror, trader: Any, maker: Any, keeper: Any
) -> None:
    account, own = mirror.fund(trader, 10), account_id(maker.address)
    mirror.refuse("account: not yours", "transfer", maker, account, own, WAD)
    mirror.act("set_operator", trader, str(keeper.address), 2**40 - 1, 2**128 - 1, 2**88 - 1)
    mirror.refuse("account: not yours", "transfer", keeper, account, own, WAD)


def test_transfer_from_owner_zero_refused(mirror: Mirror, trader: Any) -> None:
    for account in (0, 1, 2):
        mirror.refuse(
            "account: not yours", "transfer", trader, account, account_id(trader.address), 1
        )


def test_transfer_of_zero_and_huge_amounts_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 10), account_id(maker.address)
    mirror.refuse("amount: zero", "transfer", trader, account, other, 0)
    for amount in (2**111, 2**255, 2**256 - 1):
        mirror.refuse("amount: too large", "transfer", trader, account, other, amount)
    for amount in (10 * WAD + 1, 2**111 - 1):
        mirror.refuse("margin: cash below zero", "transfer", trader, account, other, amount)


def test_transfer_with_a_leg_up_to_initial_margin_and_not_one_wei_more(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    free = (1_000 - 400 - 1) * WAD
    reason = "margin: below initial"
    mirror.refuse(reason, "transfer", trader, account, account_id(trader.address, 1), free + 1)
    mirror.act("transfer", trader, account, account_id(trader.address, 1), free)
    mirror.refuse(reason, "transfer", trader, account, account_id(trader.address, 1), 1)


def test_transfer_of_unrealised_profit_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 401), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.set_index(1, 60_000)
    mirror.refuse("margin: below initial", "transfer", trader, account, other, 1)


def test_transfer_with_a_stale_leg_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 10_000), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.later(3_601)
    mirror.refuse("margin: below initial", "transfer", trader, account, other, 1)


def test_transfer_to_an_account_below_margin_is_never_gated(
    mirror: Mirror, trader: Any, maker: Any, stranger: Any
) -> None:
    account, other = mirror.fund(trader, 401), mirror.fund(maker, 10_000)
    mirror.open(account, other, SIZE, 40_000)
    mirror.set_index(1, 30_000)
    rescuer = mirror.fund(stranger, 100)
    mirror.act("transfer", stranger, rescuer, account, 100 * WAD)
