"""The pay verb: cash that may go negative, collateral that is clamped."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import FUNDING, LOSS, RESTRICT, TRADE, WAD, WATERFALL, account_id
from tests.unit.clearinghouse.mirror import BARE, Mirror


def test_pay_moves_cash_and_may_leave_the_sender_negative(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    sender, receiver = mirror.fund(trader, 1), account_id(maker.address)
    receipt = mirror.act("pay", mirror.engine, sender, receiver, 0, 3 * WAD + 1)
    assert mirror.cash(sender) == -2 * WAD - 1
    assert mirror.cash(receiver) == 3 * WAD + 1
    assert mirror.totals() == (WAD, WAD, 0)
    assert mirror.events(receipt, "Moved") == [
        {"sender": sender, "receiver": receiver, "token_id": 0, "amount": 3 * WAD + 1}
    ]


def test_pay_moves_collateral_up_to_what_there_is(mirror: Mirror, trader: Any, maker: Any) -> None:
    sender, receiver = account_id(trader.address), account_id(maker.address)
    mirror.act("deposit", trader, sender, 1, 100)
    mirror.act("pay", mirror.engine, sender, receiver, 1, 40)
    receipt = mirror.act("pay", mirror.engine, sender, receiver, 1, 2**256 - 1)
    assert mirror.read(mirror.house, "collateral_of", sender, 1) == 0
    assert mirror.read(mirror.house, "collateral_of", receiver, 1) == 100
    assert mirror.read(mirror.house, "account_word", sender) == 0
    assert mirror.read(mirror.house, "account_word", receiver) == 1 << 128
    assert mirror.events(receipt, "Moved")[0]["amount"] == 60


def test_pay_of_collateral_that_is_not_there_moves_nothing(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    sender, receiver = account_id(trader.address), account_id(maker.address)
    mirror.act("pay", mirror.engine, sender, receiver, 2, WAD)
    assert mirror.read(mirror.house, "account_word", receiver) == 0


@pytest.mark.parametrize("token_id", [0, 1])
def test_pay_to_itself_changes_nothing(mirror: Mirror, trader: Any, token_id: int) -> None:
    account = mirror.fund(trader, 5)
    mirror.act("deposit", trader, account, 1, 100)
    mirror.act("pay", mirror.engine, account, account, token_id, 60)
    assert mirror.cash(account) == 5 * WAD
    assert mirror.read(mirror.house, "collateral_of", account, 1) == 100


@pytest.mark.parametrize("receiver", [0, 1, 2, 2**96 - 1])
def test_pay_to_owner_zero_refused(mirror: Mirror, trader: Any, receiver: int) -> None:
    account = mirror.fund(trader, 5)
    for token_id in (0, 1):
        mirror.refuse("account: unknown", "pay", mirror.engine, account, receiver, token_id, 1)


@pytest.mark.parametrize("token_id", [3, 8, 9, 127, 128, 255, 2**255])
def test_pay_of_an_unknown_token_refused(
    mirror: Mirror, trader: Any, maker: Any, token_id: int
) -> None:
    pair = account_id(trader.address), account_id(maker.address)
    mirror.refuse("token: unknown", "pay", mirror.engine, *pair, token_id, 1)


@pytest.mark.parametrize("amount", [2**111 + 1, 2**255 - 1, 2**255, 2**256 - 1])
def test_pay_of_more_cash_than_a_word_holds_refused(
    mirror: Mirror, trader: Any, maker: Any, amount: int
) -> None:
    pair = account_id(trader.address), account_id(maker.address)
    mirror.refuse(BARE, "pay", mirror.engine, *pair, 0, amount)


def test_pay_without_the_right_refused(mirror: Mirror, trader: Any, maker: Any) -> None:
    pair = mirror.fund(trader, 5), account_id(maker.address)
    others = TRADE | FUNDING | LOSS | WATERFALL | RESTRICT
    mirror.act("set_module", mirror.stage.owner, mirror.venue, others)
    for caller in (mirror.venue, trader, mirror.stage.owner):
        mirror.refuse("module: no right", "pay", caller, *pair, 0, 1)
