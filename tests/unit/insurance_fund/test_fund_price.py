"""The price of a share: attacks on it, and what an observer may read in the middle of an action."""

from __future__ import annotations

from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from room import Room

VIEWS = [
    ("totalAssets", ()),
    ("convertToShares", (1,)),
    ("convertToAssets", (1,)),
    ("previewDeposit", (1,)),
    ("previewMint", (1,)),
    ("previewWithdraw", (1,)),
    ("previewRedeem", (1,)),
]
ADDRESS_VIEWS = ["maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"]


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_inflation_by_donation_costs_a_million_times_the_loss(
    rooms: dict[int, Room], saver: AccountAPI, stranger: AccountAPI, decimals: int
) -> None:
    """The thief mints a sliver, donates ahead of the saver's deposit, and redeems."""
    room = rooms[decimals]
    thief, sliver, gift, stake = stranger, 1, 10_000 * room.unit, 10_000 * room.unit
    room.deposit(thief, sliver)
    room.donate(thief, gift)

    shares = room.deposit(saver, stake)

    worth = room.fund.convertToAssets(shares)
    stolen = room.fund.convertToAssets(room.fund.balanceOf(thief)) - sliver
    assert stake - worth <= stake // 10**5
    assert gift - stolen > gift // 3
    assert gift - stolen >= 10**5 * (stake - worth)


def test_donation_to_the_fund_account_belongs_to_all_holders(
    room: Room, saver: AccountAPI, newcomer: AccountAPI, stranger: AccountAPI
) -> None:
    first = room.deposit(saver, 100 * room.unit)
    second = room.deposit(newcomer, 300 * room.unit)

    room.donate(stranger, 40 * room.unit)

    # The virtual shares' part of the gift is below one unit.
    assert room.fund.convertToAssets(first) == 110 * room.unit - 1
    assert room.fund.convertToAssets(second) == 330 * room.unit - 1


def test_tokens_sent_to_the_fund_count_for_nothing(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    before = room.fund.convertToAssets(shares)

    room.token.mint(room.fund, 50 * room.unit, sender=stranger)

    assert room.fund.totalAssets() == 100 * room.unit
    assert room.fund.convertToAssets(shares) == before


def test_fees_before_the_first_saver_stay_out_of_reach(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    room.donate(stranger, 1000 * room.unit)

    shares = room.deposit(saver, 500 * room.unit)

    assert room.fund.convertToAssets(shares) <= 500 * room.unit


@pytest.mark.parametrize("decimals, cash, assets", [(6, 10**12 - 1, 0), (6, 10**12, 1), (18, 7, 7)])
def test_total_assets_any_cash_counts_whole_units(
    rooms: dict[int, Room], saver: AccountAPI, decimals: int, cash: int, assets: int
) -> None:
    room = rooms[decimals]
    room.set_cash_wad(cash, saver)

    assert room.fund.totalAssets() == assets


@pytest.mark.parametrize("view, arguments", VIEWS, ids=[name for name, _ in VIEWS])
def test_price_while_the_clearinghouse_acts_reverts(
    calling_room: Room, stranger: AccountAPI, view: str, arguments: tuple[int, ...]
) -> None:
    """A deposit past the fund: the token calls the fund while only the Clearinghouse is locked."""
    room = calling_room
    data = getattr(room.fund, view).encode_input(*arguments)
    room.token.set_call(room.fund, data, False, False, sender=stranger)

    room.donate(stranger, room.unit)

    assert room.token.calls() == 1
    assert room.token.success() is False


@pytest.mark.parametrize("view", ADDRESS_VIEWS)
def test_limit_while_the_clearinghouse_acts_reverts(
    calling_room: Room, stranger: AccountAPI, view: str
) -> None:
    room = calling_room
    data = getattr(room.fund, view).encode_input(stranger)
    room.token.set_call(room.fund, data, False, False, sender=stranger)

    room.donate(stranger, room.unit)

    assert room.token.success() is False


def test_price_after_the_action_is_readable_again(calling_room: Room, stranger: AccountAPI) -> None:
    room = calling_room
    room.donate(stranger, room.unit)

    data = room.fund.totalAssets.encode_input()
    room.token.set_call(room.fund, data, False, False, sender=stranger)
    room.token.mint(stranger, 1, sender=stranger)
    room.token.transfer(stranger, 1, sender=stranger)

    assert room.token.success() is True
    assert int.from_bytes(room.token.answer(), "big") == room.unit


@pytest.mark.parametrize(
    "action, arguments",
    [("deposit", (1,)), ("mint", (1,)), ("request_redeem", ()), ("cancel_redeem", ())],
)
def test_entry_from_a_token_callback_of_the_fund_reverts(
    calling_room: Room, saver: AccountAPI, action: str, arguments: tuple[int, ...]
) -> None:
    room = calling_room
    room.give(saver, room.unit)
    method: Any = getattr(room.fund, action)
    inputs = {"request_redeem": (1,), "cancel_redeem": ()}.get(action, (*arguments, saver))
    room.token.set_call(room.fund, method.encode_input(*inputs), True, True, sender=saver)

    with ape.reverts():
        room.fund.deposit(room.unit, saver, sender=saver)


def test_redeem_from_a_token_callback_of_a_payment_reverts(
    calling_room: Room, saver: AccountAPI
) -> None:
    room = calling_room
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)
    room.fund.approve(room.token, shares, sender=saver)
    data = room.fund.redeem.encode_input(shares // 2, saver, saver)
    room.token.set_call(room.fund, data, False, False, sender=saver)

    room.fund.redeem(shares // 2, saver, saver, sender=saver)

    assert room.token.success() is False
    assert room.token.balanceOf(saver) == room.unit // 2
