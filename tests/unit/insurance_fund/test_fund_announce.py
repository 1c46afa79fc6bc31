"""Announcing a claim: when, by whom, and at which price it is paid."""

from __future__ import annotations

import ape
import pytest
from ape import chain
from ape.api import AccountAPI
from room import COOLDOWN, DELAY, MARKET, WINDOW, Room, logged

BANKRUPT = 1 << 96


def test_announce_matured_request_notes_time_and_price(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    matures_at = room.request(saver, shares // 4)
    chain.mine(deltatime=COOLDOWN)

    receipt = room.fund.announce(sender=saver)

    due_at = receipt.timestamp + DELAY
    assert tuple(room.fund.announcement(saver)) == (due_at, 100 * room.unit, shares)
    assert room.fund.redeem_request(saver)[0] == shares // 4
    assert logged(receipt, room.fund.RedeemAnnounced) == [
        {
            "owner": saver,
            "shares": shares // 4,
            "due_at": due_at,
            "lapses_at": matures_at + WINDOW,
            "worth": 100 * room.unit,
            "supply": shares,
        }
    ]


@pytest.mark.parametrize("late", [-1, WINDOW - DELAY, WINDOW])
def test_announce_outside_the_window_reverts(room: Room, saver: AccountAPI, late: int) -> None:
    matures_at = room.request(saver, room.deposit(saver, room.unit))

    chain.pending_timestamp = matures_at + late

    with ape.reverts("vault: outside window"):
        room.fund.announce(sender=saver)


@pytest.mark.parametrize("late", [0, WINDOW - DELAY - 1])
def test_announce_at_the_ends_of_the_window_leads_to_a_claim(
    room: Room, saver: AccountAPI, late: int
) -> None:
    shares = room.deposit(saver, room.unit)
    matures_at = room.request(saver, shares)

    chain.pending_timestamp = matures_at + late
    room.fund.announce(sender=saver)
    chain.pending_timestamp = matures_at + late + DELAY
    room.fund.redeem(shares, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == room.unit


def test_announce_without_a_request_reverts(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    """Not even with an allowance for the shares of somebody who has one."""
    shares = room.deposit(saver, room.unit)
    room.request(saver, shares)
    room.fund.approve(stranger, shares, sender=saver)
    chain.mine(deltatime=COOLDOWN)

    with ape.reverts("vault: zero shares"):
        room.fund.announce(sender=stranger)
    assert room.fund.announcement(saver)[0] == 0


def test_announcement_without_one_is_zeros(room: Room, stranger: AccountAPI) -> None:
    assert tuple(room.fund.announcement(stranger)) == (0, 0, 0)


def test_announce_again_notes_the_new_price_and_waits_anew(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    first = room.announced(saver, shares)
    room.set_cash_wad(120 * 10**18, saver)
    chain.mine(deltatime=DELAY)

    second = room.announce(saver)

    assert second >= first + DELAY
    assert room.fund.announcement(saver)[1] == 120 * room.unit
    assert room.fund.maxRedeem(saver) == 0


@pytest.mark.parametrize("more", [0, 1])
def test_request_redeem_after_an_announcement_voids_it(
    room: Room, saver: AccountAPI, more: int
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares - 1)

    room.request(saver, more)

    assert tuple(room.fund.announcement(saver)) == (0, 0, 0)
    assert room.fund.maxRedeem(saver) == 0


def test_cancel_redeem_after_an_announcement_voids_it(room: Room, saver: AccountAPI) -> None:
    room.mature(saver, room.deposit(saver, 100 * room.unit))

    room.fund.cancel_redeem(sender=saver)

    assert tuple(room.fund.announcement(saver)) == (0, 0, 0)


def test_redeem_all_announced_shares_clears_the_announcement(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)

    room.fund.redeem(shares, saver, saver, sender=saver)

    assert tuple(room.fund.announcement(saver)) == (0, 0, 0)


def test_redeem_after_a_fee_in_the_hour_pays_the_price_noted(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    """Attack 22: the fee stays with those who stay."""
    leaving = room.deposit(saver, 100 * room.unit)
    staying = room.deposit(newcomer, 100 * room.unit)
    room.announced(saver, leaving)
    room.donate(newcomer, 40 * room.unit)
    chain.mine(deltatime=DELAY)
    preview = room.fund.previewRedeem(leaving, sender=saver)

    room.fund.redeem(leaving, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == preview == 100 * room.unit
    assert room.fund.convertToAssets(staying) == 140 * room.unit - 1


def test_redeem_after_a_loss_in_the_hour_pays_the_price_of_the_claim(
    room: Room, saver: AccountAPI, newcomer: AccountAPI, engine: AccountAPI
) -> None:
    leaving = room.deposit(saver, 100 * room.unit)
    room.deposit(newcomer, 100 * room.unit)
    room.announced(saver, leaving)
    room.fund.cover(BANKRUPT, [MARKET], [80 * 10**18], sender=engine)
    chain.mine(deltatime=DELAY)
    preview = room.fund.previewRedeem(leaving, sender=saver)

    room.fund.redeem(leaving, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == preview == 60 * room.unit


def test_withdraw_after_a_fee_in_the_hour_burns_shares_at_the_price_noted(
    room: Room, saver: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.announced(saver, shares)
    room.donate(saver, 40 * room.unit)
    chain.mine(deltatime=DELAY)
    expected = -(-30 * room.unit * (shares + 10**6) // (100 * room.unit + 1))

    preview = room.fund.previewWithdraw(30 * room.unit, sender=saver)
    room.fund.withdraw(30 * room.unit, saver, saver, sender=saver)

    assert room.fund.totalSupply() == shares - expected
    assert preview == expected
    assert room.fund.maxWithdraw(saver) == 70 * room.unit


def test_preview_redeem_for_somebody_without_a_claim_is_at_the_present_price(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.announced(saver, shares)
    room.donate(saver, 40 * room.unit)

    assert room.fund.previewRedeem(shares, sender=stranger) == 140 * room.unit - 1
    assert room.fund.previewRedeem(shares, sender=saver) == 100 * room.unit
    assert room.fund.convertToAssets(shares, sender=saver) == 140 * room.unit - 1


def test_redeem_by_an_approved_caller_pays_the_owners_price(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.announced(saver, shares)
    room.donate(saver, 40 * room.unit)
    chain.mine(deltatime=DELAY)
    room.fund.approve(stranger, shares, sender=saver)

    room.fund.redeem(shares, saver, saver, sender=stranger)

    assert room.token.balanceOf(saver) == 100 * room.unit
