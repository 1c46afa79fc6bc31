"""Leaving the fund: request, wait, window, lapse; and losses on the way out."""

from __future__ import annotations

import ape
import pytest
from ape import chain
from ape.api import AccountAPI
from room import COOLDOWN, DELAY, WINDOW, Room, logged


def test_request_redeem_any_shares_locks_them_in_the_supply(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)

    receipt = room.fund.request_redeem(shares // 4, sender=saver)

    matures_at = receipt.timestamp + COOLDOWN
    assert room.fund.balanceOf(saver) == shares - shares // 4
    assert room.fund.balanceOf(room.fund) == shares // 4
    assert room.fund.totalSupply() == shares
    assert tuple(room.fund.redeem_request(saver)) == (
        shares // 4,
        matures_at,
        matures_at + WINDOW,
    )
    assert logged(receipt, room.fund.RedeemRequested) == [
        {
            "owner": saver,
            "shares": shares // 4,
            "queued": shares // 4,
            "matures_at": matures_at,
            "lapses_at": matures_at + WINDOW,
        }
    ]


def test_request_redeem_more_shares_starts_the_wait_anew_for_all(
    room: Room, saver: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    first = room.request(saver, shares // 4)
    chain.mine(deltatime=COOLDOWN // 2)

    second = room.request(saver, shares // 4)

    assert second >= first + COOLDOWN // 2
    assert room.fund.redeem_request(saver)[0] == shares // 2


def test_request_redeem_zero_shares_revives_a_lapsed_request(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)
    chain.mine(deltatime=WINDOW)
    assert room.fund.maxRedeem(saver) == 0
    assert room.fund.balanceOf(saver) == 0

    room.mature(saver, 0)

    assert room.fund.maxRedeem(saver) == shares


def test_request_redeem_zero_shares_without_a_request_reverts(
    room: Room, saver: AccountAPI
) -> None:
    room.deposit(saver, room.unit)

    with ape.reverts("vault: zero shares"):
        room.fund.request_redeem(0, sender=saver)


def test_request_redeem_more_than_held_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)

    with ape.reverts("erc20: transfer amount exceeds balance"):
        room.fund.request_redeem(shares + 1, sender=saver)


def test_redeem_request_without_one_is_zeros(room: Room, stranger: AccountAPI) -> None:
    assert tuple(room.fund.redeem_request(stranger)) == (0, 0, 0)


@pytest.mark.parametrize("wait", [0, COOLDOWN, COOLDOWN + WINDOW])
def test_cancel_redeem_at_any_time_gives_the_shares_back(
    room: Room, saver: AccountAPI, wait: int
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.request(saver, shares)
    chain.mine(deltatime=wait)

    receipt = room.fund.cancel_redeem(sender=saver)

    assert room.fund.balanceOf(saver) == shares
    assert tuple(room.fund.redeem_request(saver)) == (0, 0, 0)
    assert logged(receipt, room.fund.RedeemCancelled) == [{"owner": saver, "shares": shares}]


def test_cancel_redeem_of_a_stranger_reverts(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    room.request(saver, room.deposit(saver, room.unit))

    with ape.reverts("vault: zero shares"):
        room.fund.cancel_redeem(sender=stranger)


def test_redeem_matured_shares_pays_their_price(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)
    preview = room.fund.previewRedeem(shares // 2)

    returned = room.fund.redeem.call(shares // 2, stranger, saver, sender=saver)
    receipt = room.fund.redeem(shares // 2, stranger, saver, sender=saver)

    assert returned == preview == room.token.balanceOf(stranger) == 50 * room.unit
    assert room.fund.totalSupply() == room.fund.redeem_request(saver)[0] == shares - shares // 2
    assert room.cash_wad() == 50 * 10**18
    assert logged(receipt, room.fund.Withdraw) == [
        {
            "sender": saver,
            "receiver": stranger,
            "owner": saver,
            "assets": 50 * room.unit,
            "shares": shares // 2,
        }
    ]


def test_redeem_all_shares_clears_the_request(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)

    room.fund.redeem(shares, saver, saver, sender=saver)

    assert tuple(room.fund.redeem_request(saver)) == (0, 0, 0)
    assert room.fund.totalSupply() == 0
    assert room.token.balanceOf(saver) == 100 * room.unit


def test_redeem_silent_token_pays(silent_room: Room, saver: AccountAPI) -> None:
    shares = silent_room.deposit(saver, 100 * silent_room.unit)
    silent_room.mature(saver, shares)

    silent_room.fund.redeem(shares, saver, saver, sender=saver)

    assert silent_room.token.balanceOf(saver) == 100 * silent_room.unit


def test_redeem_without_a_request_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)

    assert room.fund.maxRedeem(saver) == room.fund.maxWithdraw(saver) == 0
    with ape.reverts("vault: above claimable"):
        room.fund.redeem(shares, saver, saver, sender=saver)
    with ape.reverts("vault: above claimable"):
        room.fund.withdraw(1, saver, saver, sender=saver)


def test_redeem_unannounced_claim_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    room.request(saver, shares)
    chain.mine(deltatime=COOLDOWN + DELAY)

    assert room.fund.maxRedeem(saver) == room.fund.maxWithdraw(saver) == 0
    with ape.reverts("vault: above claimable"):
        room.fund.redeem(shares, saver, saver, sender=saver)


def test_redeem_before_the_claim_is_due_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    due_at = room.announced(saver, shares)
    assert room.fund.maxRedeem(saver) == room.fund.maxWithdraw(saver) == 0

    chain.pending_timestamp = due_at - 1

    with ape.reverts("vault: above claimable"):
        room.fund.redeem(shares, saver, saver, sender=saver)


def test_redeem_once_lapsed_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)
    lapses_at = room.fund.redeem_request(saver)[2]

    chain.pending_timestamp = lapses_at

    with ape.reverts("vault: above claimable"):
        room.fund.redeem(shares, saver, saver, sender=saver)


def test_redeem_in_the_second_the_claim_is_due_pays(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    due_at = room.announced(saver, shares)

    chain.pending_timestamp = due_at
    room.fund.redeem(shares, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == room.unit


def test_redeem_in_the_last_second_before_the_lapse_pays(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)
    lapses_at = room.fund.redeem_request(saver)[2]

    chain.pending_timestamp = lapses_at - 1
    room.fund.redeem(shares, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == room.unit


def test_redeem_more_than_locked_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares // 2)

    with ape.reverts("vault: above claimable"):
        room.fund.redeem(shares // 2 + 1, saver, saver, sender=saver)


def test_redeem_worth_less_than_a_unit_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)

    with ape.reverts("vault: zero assets"):
        room.fund.redeem(10**6 - 1, saver, saver, sender=saver)


def test_redeem_by_a_stranger_without_allowance_reverts(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)

    with ape.reverts("erc20: insufficient allowance"):
        room.fund.redeem(shares, stranger, saver, sender=stranger)
    with ape.reverts("erc20: insufficient allowance"):
        room.fund.withdraw(1, stranger, saver, sender=stranger)


def test_redeem_by_an_approved_caller_spends_the_allowance(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, room.unit)
    room.mature(saver, shares)
    room.fund.approve(stranger, shares, sender=saver)

    room.fund.redeem(shares // 2, stranger, saver, sender=stranger)

    assert room.fund.allowance(saver, stranger) == shares - shares // 2
    assert room.token.balanceOf(stranger) == room.unit // 2


def test_withdraw_exact_assets_burns_shares_rounded_up(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 3 * room.unit)
    room.set_cash_wad(room.cash_wad() + 10**18, saver)
    room.mature(saver, shares)
    assets = 1_234_567
    expected = -(-assets * (3 * 10**12 + 10**6) // (4 * 10**6 + 1))

    preview = room.fund.previewWithdraw(assets)
    returned = room.fund.withdraw.call(assets, saver, saver, sender=saver)
    receipt = room.fund.withdraw(assets, saver, saver, sender=saver)

    assert preview == returned == expected
    assert room.fund.redeem_request(saver)[0] == shares - expected
    assert room.token.balanceOf(saver) == assets
    assert logged(receipt, room.fund.Withdraw)[0]["assets"] == assets
    assert logged(receipt, room.fund.Withdraw)[0]["shares"] == expected


def test_withdraw_whole_maximum_is_accepted_and_no_more(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 3 * room.unit)
    room.set_cash_wad(room.cash_wad() * 5 // 7, saver)
    room.mature(saver, shares)
    most = room.fund.maxWithdraw(saver)

    with ape.reverts("vault: above claimable"):
        room.fund.withdraw(most + 1, saver, saver, sender=saver)
    room.fund.withdraw(most, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == most


def test_withdraw_nothing_reverts(room: Room, saver: AccountAPI) -> None:
    with ape.reverts("vault: zero assets"):
        room.fund.withdraw(0, saver, saver, sender=saver)


def test_redeem_after_a_loss_in_the_queue_is_slashed_like_the_others(
    room: Room, saver: AccountAPI, newcomer: AccountAPI, engine: AccountAPI, stranger: AccountAPI
) -> None:
    leaving = room.deposit(saver, 100 * room.unit)
    staying = room.deposit(newcomer, 100 * room.unit)
    room.mature(saver, leaving)

    room.fund.cover(1 << 96, [7], [80 * 10**18], sender=engine)
    room.fund.redeem(leaving, saver, saver, sender=saver)

    assert room.token.balanceOf(saver) == 60 * room.unit
    assert room.fund.convertToAssets(staying) == 60 * room.unit


def test_redeem_after_a_total_loss_reverts_and_keeps_the_shares(
    room: Room, saver: AccountAPI, engine: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)
    room.fund.cover(1 << 96, [7], [100 * 10**18], sender=engine)

    assert room.fund.maxRedeem(saver) == room.fund.maxWithdraw(saver) == 0
    with ape.reverts("vault: zero assets"):
        room.fund.redeem(shares, saver, saver, sender=saver)
    assert room.fund.redeem_request(saver)[0] == shares


def test_redeem_deferred_losses_pays_and_logs_the_cut(
    room: Room, saver: AccountAPI, newcomer: AccountAPI
) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.deposit(newcomer, 100 * room.unit)
    room.mature(saver, shares)
    room.book.set_deferred(50 * 10**18, sender=saver)
    preview = room.fund.previewRedeem(shares)

    returned = room.fund.redeem.call(shares, saver, saver, sender=saver)
    receipt = room.fund.redeem(shares, saver, saver, sender=saver)

    assert returned == preview == room.token.balanceOf(saver) == 80 * room.unit
    assert logged(receipt, room.fund.Withdraw)[0]["assets"] == 80 * room.unit


def test_withdraw_deferred_losses_reverts(room: Room, saver: AccountAPI) -> None:
    shares = room.deposit(saver, 100 * room.unit)
    room.mature(saver, shares)
    room.book.set_deferred(50 * 10**18, sender=saver)

    assert room.fund.maxWithdraw(saver) == 0
    assert room.fund.maxRedeem(saver) == shares
    with ape.reverts("vault: short payment"):
        room.fund.withdraw(10 * room.unit, saver, saver, sender=saver)


def test_transfer_locked_shares_reverts(
    room: Room, saver: AccountAPI, stranger: AccountAPI
) -> None:
    shares = room.deposit(saver, room.unit)
    room.request(saver, shares)

    with ape.reverts("erc20: transfer amount exceeds balance"):
        room.fund.transfer(stranger, 1, sender=saver)


def test_redeem_losses_that_leave_nothing_reverts_and_keeps_the_shares(
    room: Room, saver: AccountAPI
) -> None:
    """The exit ratio rounds the payment down to nothing."""
    shares = room.deposit(saver, 3)
    room.mature(saver, shares)
    room.book.set_deferred(10**18, sender=saver)

    assert room.fund.maxRedeem(saver) == 0
    with ape.reverts("vault: zero assets"):
        room.fund.redeem(shares, saver, saver, sender=saver)
    assert room.fund.redeem_request(saver)[0] == shares


def test_max_redeem_short_till_pays_what_is_held(room: Room, saver: AccountAPI) -> None:
    """Fees may be booked before their tokens have come."""
    shares = room.deposit(saver, 100 * room.unit)
    room.set_cash_wad(150 * 10**18, saver)
    room.mature(saver, shares)

    assert room.fund.maxWithdraw(saver) == 100 * room.unit
    most = room.fund.maxRedeem(saver)
    assert 0 < most < shares
    with ape.reverts("custody: till short"):
        room.fund.redeem(most + 2 * 10**6, saver, saver, sender=saver)
    room.fund.redeem(most, saver, saver, sender=saver)

    # Rounded against the saver once more.
    assert room.token.balanceOf(saver) == 100 * room.unit - 1
