"""Paying shortfalls: who may ask, what is paid, and that want of money never reverts."""

from __future__ import annotations

import ape
import pytest
from ape.api import AccountAPI
from room import MARKET, Room, logged

from seawall.spec.words import ACCOUNT, FUNDING, PAY, TRADE, WATERFALL

BANKRUPT = 1 << 96
WAD = 10**18


def cash_of(room: Room, account: int) -> int:
    return ACCOUNT.unpack(room.book.account_word(account))["cash"]


@pytest.mark.parametrize(
    "amount, covered",
    [(0, 0), (1, 1), (40 * WAD, 40 * WAD), (100 * WAD, 100 * WAD), (100 * WAD + 1, 100 * WAD)],
)
def test_cover_any_amount_pays_what_there_is(
    room: Room, saver: AccountAPI, engine: AccountAPI, amount: int, covered: int
) -> None:
    room.deposit(saver, 100 * room.unit)
    room.set_cash_wad(100 * WAD, saver)

    returned = room.fund.cover.call(BANKRUPT, [MARKET], [amount], sender=engine)
    receipt = room.fund.cover(BANKRUPT, [MARKET], [amount], sender=engine)

    assert returned == [covered] == [cash_of(room, BANKRUPT)]
    assert room.cash_wad() == 100 * WAD - covered
    event = {"account": BANKRUPT, "market_id": MARKET, "amount": amount, "covered": covered}
    assert logged(receipt, room.fund.Covered) == ([event] if amount else [])


def test_cover_many_markets_pays_all_at_once_within_the_cash(
    room: Room, saver: AccountAPI, engine: AccountAPI
) -> None:
    room.deposit(saver, 100 * room.unit)
    room.set_cash_wad(100 * WAD, saver)
    asked = [60 * WAD, 0, 30 * WAD, 20 * WAD]

    returned = room.fund.cover.call(BANKRUPT, [7, 8, 0, 9], asked, sender=engine)
    receipt = room.fund.cover(BANKRUPT, [7, 8, 0, 9], asked, sender=engine)

    assert returned == [60 * WAD, 0, 30 * WAD, 10 * WAD]
    assert cash_of(room, BANKRUPT) == 100 * WAD
    assert room.cash_wad() == 0
    assert [one["market_id"] for one in logged(receipt, room.fund.Covered)] == [7, 0, 9]


@pytest.mark.parametrize("cash", [0, -1, -(2**111)])
def test_cover_without_money_pays_nothing_and_says_so(
    room: Room, saver: AccountAPI, engine: AccountAPI, cash: int
) -> None:
    room.set_cash_wad(cash, saver)

    receipt = room.fund.cover(BANKRUPT, [MARKET], [5 * WAD], sender=engine)

    assert room.cash_wad() == cash
    assert logged(receipt, room.fund.Covered)[0]["covered"] == 0


def test_cover_largest_amount_does_not_overflow(
    room: Room, saver: AccountAPI, engine: AccountAPI
) -> None:
    room.set_cash_wad(3, saver)

    room.fund.cover(BANKRUPT, [MARKET], [2**256 - 1], sender=engine)

    assert cash_of(room, BANKRUPT) == 3


def test_cover_own_account_pays_nothing(room: Room, saver: AccountAPI, engine: AccountAPI) -> None:
    room.set_cash_wad(WAD, saver)

    receipt = room.fund.cover(room.account, [MARKET], [WAD], sender=engine)

    assert room.cash_wad() == WAD
    assert logged(receipt, room.fund.Covered)[0]["covered"] == 0


def test_cover_by_a_stranger_reverts(room: Room, stranger: AccountAPI) -> None:
    with ape.reverts("module: no right"):
        room.fund.cover(BANKRUPT, [MARKET], [1], sender=stranger)


def test_cover_by_a_module_with_every_other_right_reverts(room: Room, stranger: AccountAPI) -> None:
    room.book.set_module(stranger, TRADE | PAY | FUNDING | WATERFALL, sender=stranger)

    with ape.reverts("module: no right"):
        room.fund.cover(BANKRUPT, [MARKET], [1], sender=stranger)


def test_cover_after_the_right_is_revoked_reverts(room: Room, engine: AccountAPI) -> None:
    room.book.set_module(engine, 0, sender=engine)

    with ape.reverts("module: no right"):
        room.fund.cover(BANKRUPT, [MARKET], [1], sender=engine)
