"""Entering the fund: deposit, mint, their previews and limits."""

from __future__ import annotations

from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from room import Room, build, logged

from seawall.spec.exit_vault import max_assets_in, max_shares_out


def test_deposit_first_saver_issues_a_million_shares_a_unit(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 1000 * room.unit)

    assert shares == 1000 * room.unit * 10**6
    assert room.fund.totalAssets() == 1000 * room.unit
    assert room.cash_wad() == 1000 * 10**18


def test_deposit_for_another_receiver_credits_the_receiver(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    room.give(saver, 5 * room.unit)

    receipt = room.fund.deposit(5 * room.unit, newcomer, sender=saver)

    shares = 5 * room.unit * 10**6
    assert room.fund.balanceOf(newcomer) == shares
    assert room.fund.balanceOf(saver) == 0
    assert logged(receipt, room.fund.Deposit) == [
        {"sender": saver, "owner": newcomer, "assets": 5 * room.unit, "shares": shares}
    ]


def test_deposit_any_saver_leaves_no_token_and_no_approval_behind(
    room: Room, saver: AccountAPI
) -> None:
    room.deposit(saver, 10 * room.unit)

    assert room.token.balanceOf(room.fund) == 0
    assert room.token.allowance(room.fund, room.book) == 0
    assert room.token.balanceOf(saver) == 0


def test_deposit_silent_token_issues_shares(silent_room: Room, saver: AccountAPI) -> None:
    assert silent_room.deposit(saver, 7 * silent_room.unit) == 7 * silent_room.unit * 10**6


def test_deposit_after_fees_equals_preview_and_rounds_down(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    room.deposit(saver, 3 * room.unit)
    room.set_cash_wad(room.cash_wad() + 10**18 + 1, saver)
    room.give(newcomer, 1_000_003)
    preview = room.fund.previewDeposit(1_000_003)

    returned = room.fund.deposit.call(1_000_003, newcomer, sender=newcomer)
    room.fund.deposit(1_000_003, newcomer, sender=newcomer)

    expected = 1_000_003 * (3 * 10**12 + 10**6) // (4 * 10**6 + 1)
    assert returned == preview == room.fund.balanceOf(newcomer) == expected


def test_deposit_nothing_reverts(room: Room, saver: AccountAPI) -> None:
    with ape.reverts("vault: zero assets"):
        room.fund.deposit(0, saver, sender=saver)


def test_deposit_worth_less_than_a_share_reverts(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    room.set_cash_wad(10**6 * 10**18, saver)
    room.give(newcomer, 1)

    with ape.reverts("vault: zero shares"):
        room.fund.deposit(1, newcomer, sender=newcomer)


def test_deposit_without_allowance_reverts(room: Room, stranger: AccountAPI) -> None:
    with ape.reverts("erc20: insufficient allowance"):
        room.fund.deposit(1, stranger, sender=stranger)


def test_deposit_false_token_reverts(
    project: Any, deployer: AccountAPI, engine: AccountAPI, saver: AccountAPI
) -> None:
    token = deployer.deploy(project.ReturnsFalseToken, "False", "FAL", 6)
    false_room = build(project, deployer, engine, token)

    with ape.reverts():
        false_room.fund.deposit(1, saver, sender=saver)


def test_deposit_over_the_cap_reverts(room: Room, saver: AccountAPI) -> None:
    room.book.set_cap(10, sender=saver)
    room.give(saver, 10 * room.unit + 1)

    with ape.reverts("token: over cap"):
        room.fund.deposit(10 * room.unit + 1, saver, sender=saver)


def test_deposit_fund_in_debt_reverts(room: Room, saver: AccountAPI) -> None:
    room.set_cash_wad(-1, saver)
    room.give(saver, room.unit)

    with ape.reverts("vault: in debt"):
        room.fund.deposit(room.unit, saver, sender=saver)
    with ape.reverts("vault: in debt"):
        room.fund.mint(10**12, saver, sender=saver)
    assert room.fund.maxDeposit(saver) == room.fund.maxMint(saver) == 0
    assert room.fund.totalAssets() == 0


def test_deposit_while_losses_are_deferred_reverts(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    """All accounts share the losses; savers are not asked to pay them alone."""
    room.deposit(saver, 100 * room.unit)
    room.book.set_deferred(25 * 10**18, sender=saver)
    room.give(newcomer, room.unit)

    with ape.reverts("vault: losses deferred"):
        room.fund.deposit(room.unit, newcomer, sender=newcomer)
    with ape.reverts("vault: losses deferred"):
        room.fund.mint(10**12, newcomer, sender=newcomer)
    assert room.fund.maxDeposit(newcomer) == room.fund.maxMint(newcomer) == 0
    room.book.set_deferred(0, sender=saver)
    assert room.fund.maxDeposit(newcomer) > 0


def test_deposit_past_the_limit_of_supply_reverts(room: Room, saver: AccountAPI) -> None:
    """Total losses followed by deposits multiply the supply until no more is issued."""
    for _ in range(3):
        room.deposit(saver, 10**12 * room.unit)
        room.set_cash_wad(0, saver)
    room.give(saver, 10**12 * room.unit)

    most = room.fund.maxDeposit(saver)
    assert 0 < most < 10**12 * room.unit
    with ape.reverts("vault: too many shares"):
        room.fund.deposit(most + 1, saver, sender=saver)
    room.fund.deposit(most, saver, sender=saver)


def test_mint_exact_shares_takes_the_price_rounded_up(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    room.deposit(saver, 3 * room.unit)
    room.set_cash_wad(room.cash_wad() + 10**18, saver)
    room.give(newcomer, room.unit)
    shares = 123_456_789_012
    expected = -(-shares * (4 * 10**6 + 1) // (3 * 10**12 + 10**6))

    preview = room.fund.previewMint(shares)
    returned = room.fund.mint.call(shares, newcomer, sender=newcomer)
    receipt = room.fund.mint(shares, newcomer, sender=newcomer)

    assert preview == returned == expected
    assert room.fund.balanceOf(newcomer) == shares
    assert room.token.balanceOf(newcomer) == room.unit - expected
    assert logged(receipt, room.fund.Deposit) == [
        {"sender": newcomer, "owner": newcomer, "assets": expected, "shares": shares}
    ]


def test_mint_nothing_reverts(room: Room, saver: AccountAPI) -> None:
    with ape.reverts("vault: zero assets"):
        room.fund.mint(0, saver, sender=saver)


@pytest.mark.parametrize("cap", [0, 1, 1000, 2**52 - 1])
def test_max_deposit_any_cap_is_what_the_clearinghouse_takes(
    room: Room, saver: AccountAPI, cap: int
) -> None:
    room.deposit(saver, 5 * room.unit)
    room.book.set_cap(cap, sender=saver)
    free_wad = max(0, cap * 10**18 - room.book.held())
    free = min(free_wad, 2**111 - 1 - room.cash_wad()) // room.scale
    assets, supply = room.fund.totalAssets(), room.fund.totalSupply()

    assert room.fund.maxDeposit(saver) == max_assets_in(free, assets, supply)
    assert room.fund.maxMint(saver) == max_shares_out(free, assets, supply)


def test_max_deposit_whole_room_is_accepted(room: Room, saver: AccountAPI) -> None:
    room.book.set_cap(77, sender=saver)
    most = room.fund.maxDeposit(saver)

    assert room.deposit(saver, most) == most * 10**6
    assert most == 77 * room.unit
    assert room.fund.maxDeposit(saver) == 0


def test_max_mint_whole_room_is_accepted(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    room.deposit(saver, 3 * room.unit)
    room.set_cash_wad(room.cash_wad() * 7 // 3, saver)
    room.book.set_cap(77, sender=saver)
    room.give(newcomer, 100 * room.unit)
    most = room.fund.maxMint(newcomer)

    room.fund.mint(most, newcomer, sender=newcomer)

    assert room.fund.balanceOf(newcomer) == most
