"""Vaults against the text of ERC-4626, and against who would cheat their savers.

Sentences of the standard that a test holds a vault to are quoted above it. Exits differ from the
standard's plain vault in one way that its text allows: limits are 0 until the announced claim is
due, and a preview answers its caller, at the lower of the price noted and the present one.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, MAX_SUPPLY, VIRTUAL_SHARES
from tests.fuzz.vault_room import COOLDOWN, SCALE, UNIT, VAULTS, VaultRoom, open_room

EXAMPLES = 40
#: Cash of the account, WAD: nothing, dust, and up to 10**12 dollars.
CASH = st.one_of(st.sampled_from([0, 1, SCALE - 1, SCALE]), st.integers(0, 10**30))
RICH = st.integers(10**24, 10**30)
DEFERRED = st.sampled_from([0, 1, 10**18, 10**26])
STAKES = st.one_of(st.integers(1, 100), st.integers(1, 10**12))
AMOUNTS = st.one_of(st.integers(0, 100), st.integers(0, 10**15))
SHARES = st.one_of(st.integers(0, 10**7), st.integers(0, 10**22))


def held_to(*strategies: Any) -> Any:
    """Examples of a test with a room as its first argument."""

    def wrap(test: Any) -> Any:
        return settings(max_examples=EXAMPLES, deadline=None, derandomize=True)(
            given(*strategies)(test)
        )

    return wrap


@pytest.fixture(params=sorted(VAULTS), scope="module")
def opened(request: pytest.FixtureRequest) -> VaultRoom:
    """One room per vault for all tests; each example starts by `fresh`."""
    return open_room(request.param)


def fresh(room: VaultRoom, stake: int = 0, cash: int | None = None) -> VaultRoom:
    """The room as it was opened, with a resident's stake and then so much cash (WAD)."""
    room.chain.reset()
    if stake:
        room.deposit("resident", stake)
    if cash is not None:
        room.set_cash_wad(cash)
    return room


def floor(amount: int, multiplier: int, divisor: int) -> int:
    return amount * multiplier // divisor


def ceiling(amount: int, multiplier: int, divisor: int) -> int:
    return -(-amount * multiplier // divisor)


# -- conversions and previews ---------------------------------------------------------------------


# "MUST NOT show any variations depending on the caller"; "MUST round down towards 0".
@held_to(st.data())
def test_convert_any_state_rounds_down_and_is_the_same_for_all(
    opened: VaultRoom, data: st.DataObject
) -> None:
    room = fresh(opened, data.draw(STAKES), data.draw(CASH))
    worth, supply = room.price()
    assets, shares = data.draw(AMOUNTS), data.draw(SHARES)

    for name in ("saver", "resident"):
        assert room.ask("convertToShares(uint256)", assets, name=name) == floor(
            assets, supply, worth
        )
        assert room.ask("convertToAssets(uint256)", shares, name=name) == floor(
            shares, worth, supply
        )


# Of the notes on security: who gives assets gets fewer shares, who asks for shares pays more.
@held_to(st.data())
def test_preview_any_state_rounds_against_the_caller(
    opened: VaultRoom, data: st.DataObject
) -> None:
    room = fresh(opened, data.draw(STAKES), data.draw(CASH))
    worth, supply = room.price()
    assets, shares = data.draw(AMOUNTS), data.draw(SHARES)

    assert room.ask("previewDeposit(uint256)", assets) == floor(assets, supply, worth)
    assert room.ask("previewMint(uint256)", shares) == ceiling(shares, worth, supply)
    assert room.ask("previewWithdraw(uint256)", assets) == ceiling(assets, supply, worth)
    assert room.ask("previewRedeem(uint256)", shares) == floor(shares, worth, supply)


# "MUST NOT revert due to vault specific user/global limits."
@held_to(STAKES, CASH, st.integers(1, 10**20))
def test_preview_beyond_every_limit_answers(
    opened: VaultRoom, stake: int, cash: int, over: int
) -> None:
    room = fresh(opened, stake, cash)
    room.book_send("set_cap(uint256)", 0)
    saver = room.who("saver")
    assert room.ask("maxDeposit(address)", saver) == room.ask("maxRedeem(address)", saver) == 0

    for kind in ("Deposit", "Mint", "Withdraw", "Redeem"):
        assert room.ask(f"preview{kind}(uint256)", over, name="saver") >= 0


# "MUST return as close to and no more than the exact amount of Vault shares that would be minted in
# a deposit call in the same transaction."
@held_to(STAKES, CASH, st.integers(1, 10**15))
def test_deposit_any_state_issues_what_the_preview_said(
    opened: VaultRoom, stake: int, cash: int, assets: int
) -> None:
    room = fresh(opened, stake, cash)
    preview = room.ask("previewDeposit(uint256)", assets, name="saver")
    assume(preview > 0)
    before = room.tokens("saver")

    assert room.deposit("saver", assets) == preview == room.shares("saver")
    assert before - room.tokens("saver") == assets


# "MUST return as close to and no fewer than the exact amount of assets that would be deposited in a
# mint call in the same transaction."
@held_to(STAKES, CASH, st.integers(1, 10**20))
def test_mint_any_state_takes_what_the_preview_said(
    opened: VaultRoom, stake: int, cash: int, shares: int
) -> None:
    room = fresh(opened, stake, cash)
    preview = room.ask("previewMint(uint256)", shares, name="saver")
    before = room.tokens("saver")

    paid = room.act("saver", "mint(uint256,address)", shares, room.who("saver"))

    assert paid == preview == before - room.tokens("saver")
    assert room.shares("saver") == shares


# "MUST return as close to and no more than the exact amount of assets that would be withdrawn in a
# redeem call in the same transaction."
@held_to(STAKES, CASH, CASH, st.data())
def test_redeem_after_any_change_of_price_pays_what_the_preview_said(
    opened: VaultRoom, stake: int, noted: int, present: int, data: st.DataObject
) -> None:
    room = fresh(opened, stake, noted)
    shares = room.shares("resident")
    lower = [room.price()]
    room.due("resident", shares)
    room.set_cash_wad(present)
    lower.append(room.price())
    part = data.draw(st.integers(1, shares))
    preview = room.ask("previewRedeem(uint256)", part, name="resident")
    assert preview == min(floor(part, *price) for price in lower)
    before = room.tokens("resident")

    paid = room.redeem("resident", part) if preview else _refused_redeem(room, part)

    assert paid == preview == room.tokens("resident") - before


def _refused_redeem(room: VaultRoom, shares: int) -> int:
    """Shares that are worth less than a unit are not burnt for nothing."""
    who = room.who("resident")
    reason = room.refused("resident", "redeem(uint256,address,address)", shares, who, who)
    assert reason == "vault: zero assets"
    return 0


# "MUST return as close to and no fewer than the exact amount of Vault shares that would be burned
# in a withdraw call in the same transaction."
@held_to(STAKES, RICH, RICH, st.data())
def test_withdraw_after_any_change_of_price_burns_what_the_preview_said(
    opened: VaultRoom, stake: int, noted: int, present: int, data: st.DataObject
) -> None:
    room = fresh(opened, stake, noted)
    who = room.who("resident")
    lower = [room.price()]
    room.due("resident", room.shares("resident"))
    room.set_cash_wad(present)
    lower.append(room.price())
    most = room.ask("maxWithdraw(address)", who)
    assert most > 0
    assets = data.draw(st.integers(1, most))
    preview = room.ask("previewWithdraw(uint256)", assets, name="resident")
    assert preview == max(ceiling(assets, supply, worth) for worth, supply in lower)
    supply = room.ask("totalSupply()")

    burnt = room.act("resident", "withdraw(uint256,address,address)", assets, who, who)

    assert burnt == preview == supply - room.ask("totalSupply()")


# -- limits ---------------------------------------------------------------------------------------


# "MUST return the maximum amount of assets deposit would allow to be deposited for receiver and not
# cause a revert."
@held_to(STAKES, CASH, st.integers(0, 10**9))
@example(stake=1, cash=0, cap=10**6)
def test_max_deposit_is_accepted_and_no_more(
    opened: VaultRoom, stake: int, cash: int, cap: int
) -> None:
    room = fresh(opened, stake, cash)
    room.book_send("set_cap(uint256)", 10**15 + cap)
    saver = room.who("saver")
    most = room.ask("maxDeposit(address)", saver)

    assert room.refused("saver", "deposit(uint256,address)", most + 1, saver) is not None
    if room.ask("previewDeposit(uint256)", most):
        assert room.refused("saver", "deposit(uint256,address)", most, saver) is None


@held_to(STAKES, CASH, st.integers(0, 10**9))
def test_max_mint_is_accepted_and_no_more(
    opened: VaultRoom, stake: int, cash: int, cap: int
) -> None:
    room = fresh(opened, stake, cash)
    room.book_send("set_cap(uint256)", 10**15 + cap)
    saver = room.who("saver")
    most = room.ask("maxMint(address)", saver)
    # Shares come by the unit that pays for them.
    worth, supply = room.price()
    beyond = most + 1 + supply // worth

    assert room.refused("saver", "mint(uint256,address)", beyond, saver) is not None
    if room.ask("previewMint(uint256)", most):
        assert room.refused("saver", "mint(uint256,address)", most, saver) is None


# "MUST return the maximum amount of assets that could be transferred from owner through withdraw
# and not cause a revert, which MUST NOT be higher than the actual maximum that would be accepted."
@held_to(STAKES, RICH, st.one_of(RICH, CASH), st.integers(0, 10**25))
def test_max_withdraw_is_paid_and_no_more(
    opened: VaultRoom, stake: int, noted: int, present: int, held: int
) -> None:
    """Also where the Clearinghouse holds less than it owes."""
    room = fresh(opened, stake, noted)
    who = room.who("resident")
    room.due("resident", room.shares("resident"))
    room.set_cash_wad(present)
    _empty_till(room, held)
    most = room.ask("maxWithdraw(address)", who)
    withdraw = "withdraw(uint256,address,address)"

    assert room.refused("resident", withdraw, most + 1, who, who) is not None
    if most:
        assert room.refused("resident", withdraw, most, who, who) is None


@held_to(STAKES, RICH, st.one_of(RICH, CASH), st.integers(0, 10**25), DEFERRED)
def test_max_redeem_is_paid_and_not_much_more(
    opened: VaultRoom, stake: int, noted: int, present: int, held: int, deferred: int
) -> None:
    """Also where the Clearinghouse holds less than it owes, or cuts what it pays."""
    room = fresh(opened, stake, noted)
    who = room.who("resident")
    shares = room.shares("resident")
    room.due("resident", shares)
    room.set_cash_wad(present)
    _empty_till(room, held)
    room.book_send("set_deferred(uint256)", deferred)
    most = room.ask("maxRedeem(address)", who)
    redeem = "redeem(uint256,address,address)"

    assert most <= shares
    assert room.refused("resident", redeem, shares + 1, who, who) is not None
    if most == 0:
        assert room.refused("resident", redeem, shares, who, who) is not None
    else:
        assert room.refused("resident", redeem, most, who, who) is None


def _empty_till(room: VaultRoom, held: int) -> None:
    """Let the Clearinghouse hold so much (WAD): others took theirs."""
    others = room.who("others")
    total = 10**21 * SCALE
    take = (total - min(held, total)) // SCALE
    sender = "0x" + f"{1:040x}"
    if take:
        withdraw = "withdraw(uint256,uint256,uint256,address)"
        room.chain.send(sender, room.book, withdraw, (1 << 96) + 1, 0, take, others)


@held_to(STAKES, st.integers(0, CLAIM_DELAY_SECONDS - 5), st.booleans())
def test_exit_before_the_announced_claim_is_due_has_no_limit_but_zero(
    opened: VaultRoom, stake: int, waited: int, announces: bool
) -> None:
    """In the wait, or in the hour after the announcement."""
    room = fresh(opened, stake)
    who = room.who("resident")
    shares = room.shares("resident")
    if announces:
        room.announced("resident", shares)
    else:
        room.request("resident", shares)
    room.chain.warp(waited)

    assert room.ask("maxRedeem(address)", who) == room.ask("maxWithdraw(address)", who) == 0
    reason = room.refused("resident", "redeem(uint256,address,address)", shares, who, who)
    assert reason == "vault: above claimable"


# -- round trips ----------------------------------------------------------------------------------


@held_to(STAKES, CASH, st.integers(1, 10**15))
def test_deposit_and_leave_never_profits(
    opened: VaultRoom, stake: int, cash: int, assets: int
) -> None:
    room = fresh(opened, stake, cash)
    assume(room.ask("previewDeposit(uint256)", assets) > 0)
    before = room.tokens("saver")
    worth, supply = room.price()

    room.deposit("saver", assets)
    room.leave("saver")

    assert room.tokens("saver") <= before
    after_worth, after_supply = room.price()
    assert after_worth * supply >= worth * after_supply


@held_to(STAKES, RICH, st.integers(1, 10**15), st.data())
def test_mint_and_withdraw_never_profits(
    opened: VaultRoom, stake: int, cash: int, budget: int, data: st.DataObject
) -> None:
    room = fresh(opened, stake, cash)
    who = room.who("saver")
    shares = max(1, room.ask("previewDeposit(uint256)", budget))
    paid = room.act("saver", "mint(uint256,address)", shares, who)
    room.due("saver", shares)
    most = room.ask("maxWithdraw(address)", who)
    assert most <= paid
    if most == 0:
        return
    assets = data.draw(st.integers(1, most))

    burnt = room.act("saver", "withdraw(uint256,address,address)", assets, who, who)

    assert burnt <= shares
    rest = shares - burnt
    assert assets + room.ask("previewRedeem(uint256)", rest, name="saver") <= paid


@held_to(STAKES, CASH, st.lists(st.integers(1, 10**12), min_size=1, max_size=6))
def test_deposit_in_slices_never_gets_more_than_at_once(
    opened: VaultRoom, stake: int, cash: int, slices: list[int]
) -> None:
    room = fresh(opened, stake, cash)
    at_once = room.ask("previewDeposit(uint256)", sum(slices))

    for part in slices:
        room.refused("saver", "deposit(uint256,address)", part, room.who("saver"))

    assert room.shares("saver") <= at_once


# -- attacks --------------------------------------------------------------------------------------


@held_to(STAKES, CASH, st.integers(1, 10**15))
def test_tokens_sent_to_the_vault_move_no_view(
    opened: VaultRoom, stake: int, cash: int, gift: int
) -> None:
    room = fresh(opened, stake, cash)
    views = ["convertToShares", "convertToAssets", "previewDeposit", "previewRedeem"]
    before = [room.ask(f"{view}(uint256)", UNIT) for view in views], room.price()

    transfer = "transfer(address,uint256)"
    room.chain.send(room.who("thief"), room.token, transfer, room.vault, gift)

    assert ([room.ask(f"{view}(uint256)", UNIT) for view in views], room.price()) == before


@held_to(STAKES, st.integers(1, 10**15), st.integers(1, 10**15))
def test_strangers_deposit_to_the_account_is_lost_to_all_holders(
    opened: VaultRoom, stake: int, own: int, gift: int
) -> None:
    room = fresh(opened, stake)
    before = room.tokens("thief")
    room.deposit("thief", own)
    resident = room.shares("resident")
    value = room.ask("convertToAssets(uint256)", resident)

    room.donate("thief", gift)

    assert room.ask("convertToAssets(uint256)", resident) >= value
    room.leave("thief")
    assert room.tokens("thief") <= before


@held_to(st.integers(1, 10**6), st.integers(0, 10**15), st.integers(1, 10**15))
@example(sliver=1, gift=10**15, stake=10**9)
def test_30_first_depositor_who_inflates_the_price_pays_a_million_times_the_loss(
    opened: VaultRoom, sliver: int, gift: int, stake: int
) -> None:
    room = fresh(opened)
    before = room.tokens("thief")
    room.deposit("thief", sliver)
    if gift:
        room.donate("thief", gift)
    victim = room.tokens("saver")
    room.refused("saver", "deposit(uint256,address)", stake, room.who("saver"))
    lost = victim - room.tokens("saver") - _worth_of(room, "saver")
    room.leave("thief")
    cost = before - room.tokens("thief")

    assert cost >= 0
    # Rounding takes two units at most; what more is lost is a millionth of what the thief gave.
    assert lost <= 2 + (sliver + gift) // (sliver * VIRTUAL_SHARES)


def _worth_of(room: VaultRoom, name: str) -> int:
    return room.ask("convertToAssets(uint256)", room.shares(name))


@held_to(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(1, 10**12))
def test_22_claim_shown_before_a_fee_earns_nothing_of_it(
    opened: VaultRoom, stake: int, own: int, fee: int
) -> None:
    room = fresh(opened, stake)
    shares = room.deposit("thief", own)
    room.announced("thief", shares)
    worth = room.ask("previewRedeem(uint256)", shares, name="thief")

    room.donate("others", fee)
    room.chain.warp(CLAIM_DELAY_SECONDS)
    assume(worth > 0)

    assert room.redeem("thief", shares) == worth <= own


@held_to(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 2 * COOLDOWN))
def test_22_entry_in_front_of_a_fee_cannot_leave_behind_it_without_the_wait(
    opened: VaultRoom, own: int, fee: int, later: int
) -> None:
    """Shares that come to a request of long ago, or to somebody who has one, wait anew."""
    room = fresh(opened)
    old = room.deposit("thief", UNIT)
    room.due("thief", old)
    entered = room.chain.time
    new = room.deposit("thief", own)
    room.donate("others", fee)
    room.chain.warp(later)

    claimable = room.ask("maxRedeem(address)", room.who("thief"))
    assert claimable == old
    room.request("thief", new)
    assert room.ask("maxRedeem(address)", room.who("thief")) == 0
    if room.refused("thief", "announce()") is None:
        raise AssertionError(f"announced {room.chain.time - entered} s after entry")


@held_to(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(1, 10**25), st.data())
def test_30_loss_at_any_point_of_the_way_out_slashes_shares_that_wait_alike(
    opened: VaultRoom, staying: int, leaving: int, loss: int, data: st.DataObject
) -> None:
    room = fresh(opened, staying)
    shares = room.deposit("saver", leaving)
    when = data.draw(st.sampled_from(["requested", "announced", "due"]))
    room.request("saver", shares)
    _lose(room, loss, when == "requested")
    room.chain.warp(COOLDOWN)
    room.act("saver", "announce()")
    _lose(room, loss, when == "announced")
    room.chain.warp(CLAIM_DELAY_SECONDS)
    _lose(room, loss, when == "due")
    worth, supply = room.price()

    paid = _claim(room, shares)

    assert paid == floor(shares, worth, supply)
    rest = room.ask("convertToAssets(uint256)", room.shares("resident"))
    total = max(0, (staying + leaving) * SCALE - loss) // SCALE
    assert paid + rest <= total
    assert abs(rest * shares - paid * room.shares("resident")) <= 2 * max(
        shares, room.shares("resident")
    )


def _lose(room: VaultRoom, amount: int, happens: bool) -> None:
    if happens:
        room.take(room, amount)


def _claim(room: VaultRoom, shares: int) -> int:
    """What is paid; nothing where a claim is worth less than a unit."""
    if room.ask("maxRedeem(address)", room.who("saver")) == 0:
        return 0
    return room.redeem("saver", shares)


@held_to(STAKES, st.integers(0, 10**20), st.data())
def test_claim_for_another_takes_his_allowance_and_no_more(
    opened: VaultRoom, stake: int, allowed: int, data: st.DataObject
) -> None:
    room = fresh(opened, stake)
    owner, thief = room.who("resident"), room.who("thief")
    shares = room.shares("resident")
    room.due("resident", shares)
    room.act("resident", "approve(address,uint256)", thief, allowed)
    # Less than a unit's worth is refused for that.
    part = data.draw(st.integers(VIRTUAL_SHARES, shares))
    before = room.tokens("resident")

    reason = room.refused("thief", "redeem(uint256,address,address)", part, owner, owner)

    if part > allowed:
        assert reason == "erc20: insufficient allowance"
        return
    assert reason is None
    assert room.tokens("resident") > before
    assert room.ask("allowance(address,address)", owner, thief) == allowed - part


@held_to(STAKES, st.integers(1, 10**12))
def test_total_losses_and_deposits_never_pass_the_limit_of_supply(
    opened: VaultRoom, stake: int, more: int
) -> None:
    room = fresh(opened, stake)
    for _ in range(8):
        room.set_cash_wad(0)
        room.refused("saver", "deposit(uint256,address)", more, room.who("saver"))

    assert room.ask("totalSupply()") <= MAX_SUPPLY
    assert room.ask("maxMint(address)", room.who("saver")) <= MAX_SUPPLY
