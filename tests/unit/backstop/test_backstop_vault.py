"""Savers of the Backstop: two ends of its worth, claims that inventory ties down, bankruptcy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deployed import System
from seawall.spec.words import WAD
from tests.desk import Refused, dollars
from tests.vault_yard import VaultYard
from tests.yard import BTC, ETH

ALL = (10_000, 30_000, 10_000, 250_000)


def filled(desk: VaultYard, owner: Any, amount: int = 10_000) -> int:
    """Shares of a saver whose money fills the bucket of ETH."""
    shares = desk.save_backstop(owner, amount)
    desk.set_bucket(ETH, *ALL)
    desk.allot(ETH)
    return shares


def test_deposit_at_the_vault_is_not_allotted(vault_desk: VaultYard, saver: Any) -> None:
    shares = vault_desk.save_backstop(saver, 10_000)
    assert shares == 10_000 * vault_desk.unit * 10**6
    assert vault_desk.cash(vault_desk.free) == dollars(10_000)


def test_deposit_and_claim_after_a_gap_are_priced_at_different_ends(
    vault_desk: VaultYard, saver: Any, maker: Any
) -> None:
    desk = vault_desk
    filled(desk, saver)
    assert desk.hand(ETH, desk.account(maker), 5 * WAD) == 5 * WAD
    desk.index(ETH, 1_800)
    adverse, favourable = desk.nav()
    assert favourable - adverse > dollars(900)
    unit = 10**12
    assert desk.read(desk.vault, "totalAssets") == adverse // unit
    supply = desk.savings.fund.supply
    given = desk.read(desk.vault, "previewDeposit", desk.unit)
    assert given == desk.unit * (supply + 10**6) // (favourable // unit + 1)
    assert given < desk.read(desk.vault, "convertToShares", desk.unit)


def test_redeem_beyond_what_is_free_draws_on_buckets(vault_desk: VaultYard, saver: Any) -> None:
    desk = vault_desk
    shares = filled(desk, saver)
    assert desk.cash(desk.free) == 0
    desk.due(saver, shares // 2)
    assert desk.redeem(saver, shares // 2) == 5_000 * desk.unit == desk.tokens(saver)
    assert desk.stored(ETH).allotted == dollars(5_000)


def test_redeem_of_all_draws_on_every_bucket(vault_desk: VaultYard, saver: Any) -> None:
    desk = vault_desk
    shares = filled(desk, saver, 25_000)
    desk.set_bucket(BTC, *ALL)
    desk.allot(BTC)
    assert desk.cash(desk.free) == dollars(5_000)
    desk.due(saver, shares)
    assert desk.redeem(saver, shares) == 25_000 * desk.unit
    assert [desk.stored(one).allotted for one in (BTC, ETH)] == [0, 0]


def test_redeem_refilled_in_front_of_it_is_paid_all_the_same(
    vault_desk: VaultYard, saver: Any
) -> None:
    """Anyone may allot: who does so before every claim holds nobody back."""
    desk = vault_desk
    shares = filled(desk, saver, 8_000)
    desk.deposit(desk.free, 2_000)
    desk.due(saver, shares)
    desk.allot(ETH)
    assert desk.cash(desk.free) == 0
    paid = desk.redeem(saver, shares)
    assert 10_000 * desk.unit - 2 <= paid <= 10_000 * desk.unit


def test_redeem_beside_inventory_is_paid_in_part(
    vault_desk: VaultYard, saver: Any, maker: Any, keeper: Any
) -> None:
    """The bucket keeps margin; the rest is paid once the auction has sold the leg."""
    desk = vault_desk
    shares = filled(desk, saver)
    desk.hand(ETH, desk.account(maker), 10 * WAD)
    desk.due(saver, shares)
    most, assets = desk.most(saver)
    # A quarter of 20,000 stays, and the reserve.
    assert 0 < most < shares
    assert assets == 4_999 * desk.unit
    with pytest.raises(Refused):
        desk.redeem(saver, shares)
    first = desk.redeem(saver, most)
    assert first <= assets
    assert desk.ratio(desk.bucket(ETH)) > 1
    desk.buy(desk.account(keeper, 100_000), ETH, 10 * WAD, keeper)
    rest, _ = desk.most(saver)
    assert rest == shares - most
    desk.redeem(saver, rest)
    assert desk.savings.fund.supply == 0


def test_30_loss_in_the_queue_slashes_shares_that_wait(
    vault_desk: VaultYard, saver: Any, maker: Any
) -> None:
    desk = vault_desk
    shares = filled(desk, saver)
    desk.due(saver, shares)
    desk.move_money(desk.bucket(ETH), desk.account(maker), 4_000)
    most, _ = desk.most(saver)
    assert most == shares
    assert desk.redeem(saver, shares) == 6_000 * desk.unit


def test_30_redeem_while_a_bucket_is_below_zero_waits(
    vault_desk: VaultYard, saver: Any, maker: Any
) -> None:
    desk = vault_desk
    shares = filled(desk, saver, 30_000)
    other = desk.account(maker)
    desk.hand(ETH, other, 5 * WAD)
    desk.due(saver, shares)
    desk.move_money(desk.bucket(ETH), other, 10_500)
    assert desk.most(saver) == (0, 0)
    with pytest.raises(Refused, match="backstop: below zero"):
        desk.redeem(saver, 10**6 * desk.unit)
    desk.move_money(other, desk.bucket(ETH), 600)
    assert desk.most(saver)[0] > 0
    assert desk.redeem(saver, shares // 2) > 9_000 * desk.unit


def test_withdraw_at_the_backstop_by_another_is_refused(
    vault_desk: VaultYard, stranger: Any, deployer: Any
) -> None:
    """Neither a stranger nor the owner takes money out."""
    desk = vault_desk
    desk.open_bucket(ETH)
    for one in (stranger, deployer):
        caller = str(one.address)
        with pytest.raises(Refused, match="backstop: not the vault"):
            desk.view(desk.backstop, "withdraw", desk.free, 0, 1, caller, sender=caller)


def test_22_gain_of_a_leg_seen_before_it_is_not_bought(
    vault_desk: VaultYard, saver: Any, maker: Any, stranger: Any
) -> None:
    """Who enters after a jump pays for all of it, and leaves with no more than he brought."""
    desk = vault_desk
    filled(desk, saver)
    desk.hand(ETH, desk.account(maker), 5 * WAD)
    desk.index(ETH, 2_200)
    shares = desk.save_backstop(stranger, 10_000)
    desk.due(stranger, shares)
    most, _ = desk.most(stranger)
    assert desk.redeem(stranger, most) <= 10_000 * desk.unit


def test_deploy_vault_of_no_backstop_is_refused(
    backstop_system: System, deploy_refusal: Callable[..., str]
) -> None:
    one = backstop_system
    nobody = "0x" + "00" * 20
    args = (one.clearinghouse, one.settlement, nobody, "Backstop", "BACK", 3_600)
    assert deploy_refusal("BackstopVault", *args) == ""
