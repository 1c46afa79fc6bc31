"""Deferred losses: written off, shared by every way out, not by newcomers, healed by the fund."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import EXIT, FUNDING, PAY, RESTRICT, TRADE, WAD, WATERFALL, account_id
from tests.unit.clearinghouse.mirror import USDC, Mirror


@pytest.fixture
def holed(mirror: Mirror, trader: Any, maker: Any) -> tuple[int, int]:
    """A debtor of 25 without legs, a creditor with 125 who need not wait; the till holds 100."""
    mirror.act("set_module", mirror.stage.owner, str(maker.address), EXIT)
    debtor, creditor = account_id(trader.address, 66), mirror.fund(maker, 100)
    mirror.act("pay", mirror.engine, debtor, creditor, 0, 25 * WAD)
    return debtor, creditor


@pytest.fixture
def impaired(mirror: Mirror, holed: tuple[int, int]) -> tuple[int, int]:
    """The same with the loss deferred: an exit pays 100 / 125."""
    mirror.act("write_off", mirror.engine, holed[0])
    return holed


def test_write_off_defers_the_loss(mirror: Mirror, holed: tuple[int, int]) -> None:
    receipt = mirror.act("write_off", mirror.engine, holed[0])
    assert mirror.cash(holed[0]) == 0
    assert mirror.totals() == (100 * WAD, 125 * WAD, 25 * WAD)
    assert mirror.events(receipt, "LossDeferred") == [
        {"account": holed[0], "amount": 25 * WAD, "deferred": 25 * WAD}
    ]


def test_write_off_of_nothing_answers_zero(mirror: Mirror, impaired: tuple[int, int]) -> None:
    for account in (*impaired, 0, 1, 2):
        receipt = mirror.act("write_off", mirror.engine, account)
        assert mirror.events(receipt, "LossDeferred") == []


def test_write_off_of_an_account_with_a_leg_or_collateral_answers_zero(
    mirror: Mirror, trader: Any, holed: tuple[int, int]
) -> None:
    debtor, creditor = holed
    mirror.act("deposit", trader, debtor, 1, 1)
    mirror.act("write_off", mirror.engine, debtor)
    mirror.act("pay", mirror.engine, debtor, creditor, 1, 1)
    mirror.force(debtor, creditor, WAD // 1_000, 40_000)
    mirror.act("write_off", mirror.engine, debtor)
    assert mirror.totals()[2] == 0


def test_write_off_and_heal_without_the_right_refused(
    mirror: Mirror, trader: Any, holed: tuple[int, int]
) -> None:
    others = TRADE | PAY | FUNDING | WATERFALL | RESTRICT
    mirror.act("set_module", mirror.stage.owner, mirror.venue, others)
    for caller in (mirror.venue, trader, mirror.stage.owner):
        mirror.refuse("module: no right", "write_off", caller, holed[0])
        mirror.refuse("module: no right", "heal", caller, 1)


def test_withdraw_is_cut_by_the_exit_ratio(
    mirror: Mirror, maker: Any, impaired: tuple[int, int], keeper: Any
) -> None:
    account = impaired[1]
    receipt = mirror.act("withdraw", maker, account, 0, 50 * USDC, str(keeper.address))
    assert mirror.balance(keeper) == 40 * USDC
    assert mirror.events(receipt, "Withdrawn")[0]["paid"] == 40 * USDC
    assert mirror.totals() == (60 * WAD, 75 * WAD, 15 * WAD)
    mirror.act("withdraw", maker, account, 0, 75 * USDC, str(keeper.address))
    assert mirror.balance(keeper) == 100 * USDC
    assert mirror.totals() == (0, 0, 0)


def test_withdraw_order_does_not_matter_while_losses_are_deferred(
    mirror: Mirror, trader: Any, maker: Any, impaired: tuple[int, int], keeper: Any
) -> None:
    own = account_id(trader.address, 5)
    mirror.act("transfer", maker, impaired[1], own, 25 * WAD)
    mirror.act("withdraw", maker, impaired[1], 0, 100 * USDC, str(keeper.address))
    assert mirror.balance(keeper) == 80 * USDC
    before = mirror.balance(trader)
    mirror.act("withdraw", trader, own, 0, 25 * USDC, str(trader.address))
    assert mirror.balance(trader) - before == 20 * USDC


def test_deposit_is_credited_at_the_inverse_ratio_and_leaves_whole(
    mirror: Mirror, trader: Any, impaired: tuple[int, int]
) -> None:
    account = account_id(trader.address)
    receipt = mirror.act("deposit", trader, account, 0, 8 * USDC)
    assert mirror.cash(account) == 10 * WAD
    assert mirror.events(receipt, "Deposited")[0]["credited"] == 10 * WAD
    assert mirror.totals() == (108 * WAD, 135 * WAD, 27 * WAD)
    before = mirror.balance(trader)
    mirror.act("withdraw", trader, account, 0, 10 * USDC, str(trader.address))
    assert mirror.balance(trader) - before == 8 * USDC
    assert mirror.totals() == (100 * WAD, 125 * WAD, 25 * WAD)


def test_deposit_and_withdraw_in_odd_amounts_never_gain(
    mirror: Mirror, trader: Any, impaired: tuple[int, int]
) -> None:
    account = account_id(trader.address)
    mirror.act("pay", mirror.engine, impaired[0], impaired[1], 0, 7)
    mirror.act("write_off", mirror.engine, impaired[0])
    for amount in (1, 3, 333_333, 9_999_999):
        before = mirror.balance(trader)
        mirror.act("deposit", trader, account, 0, amount)
        credit = mirror.cash(account) // 10**12
        mirror.act("withdraw", trader, account, 0, credit, str(trader.address))
        assert before - 2 <= mirror.balance(trader) <= before


def test_deposit_of_collateral_is_untouched_by_deferred_losses(
    mirror: Mirror, trader: Any, impaired: tuple[int, int]
) -> None:
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 1, 10**8)
    mirror.act("withdraw", trader, account, 1, 10**8, str(trader.address))
    assert mirror.totals()[2] == 25 * WAD


@pytest.mark.parametrize("dust", [1, 10**6, 10**12 - 1])
def test_withdraw_with_losses_below_one_token_unit_is_not_blocked(
    mirror: Mirror, trader: Any, maker: Any, dust: int
) -> None:
    # The payment rounds down by a whole token unit, which is more than all deferred losses.
    debtor, creditor = account_id(trader.address, 66), mirror.fund(maker, 100)
    mirror.act("pay", mirror.engine, debtor, creditor, 0, dust)
    mirror.act("write_off", mirror.engine, debtor)
    mirror.act("withdraw", maker, creditor, 0, 50 * USDC, str(maker.address))
    held, book, deferred = mirror.totals()
    assert held + deferred >= book
    assert deferred == 0
    mirror.act("withdraw", maker, creditor, 0, 50 * USDC, str(maker.address))


def test_heal_pays_losses_down_from_the_funds_cash(
    mirror: Mirror, trader: Any, impaired: tuple[int, int]
) -> None:
    fee_account = mirror.stage.fee_account
    mirror.act("deposit", trader, fee_account, 0, 16 * USDC)
    assert mirror.totals() == (116 * WAD, 145 * WAD, 29 * WAD)
    receipt = mirror.act("heal", mirror.engine, 9 * WAD)
    assert mirror.totals() == (116 * WAD, 136 * WAD, 20 * WAD)
    assert mirror.events(receipt, "LossDeferred") == [
        {"account": fee_account, "amount": -9 * WAD, "deferred": 20 * WAD}
    ]
    mirror.act("heal", mirror.engine, 2**256 - 1)
    assert mirror.totals() == (116 * WAD, 125 * WAD, 9 * WAD)
    assert mirror.cash(fee_account) == 0


def test_heal_is_clamped_to_the_losses(
    mirror: Mirror, trader: Any, impaired: tuple[int, int], maker: Any
) -> None:
    mirror.act("deposit", trader, mirror.stage.fee_account, 0, 100 * USDC)
    mirror.act("heal", mirror.engine, 2**255)
    assert mirror.totals() == (200 * WAD, 200 * WAD, 0)
    assert mirror.cash(mirror.stage.fee_account) == 75 * WAD
    before = mirror.balance(maker)
    mirror.act("withdraw", maker, impaired[1], 0, 125 * USDC, str(maker.address))
    assert mirror.balance(maker) - before == 125 * USDC


def test_heal_of_nothing_changes_nothing(mirror: Mirror, trader: Any) -> None:
    mirror.act("deposit", trader, mirror.stage.fee_account, 0, USDC)
    for amount in (0, 1, 2**256 - 1):
        receipt = mirror.act("heal", mirror.engine, amount)
        assert receipt["logs"] == []


def test_heal_with_a_fund_in_debt_pays_nothing(mirror: Mirror, impaired: tuple[int, int]) -> None:
    mirror.act("pay", mirror.engine, mirror.stage.fee_account, impaired[1], 0, WAD)
    mirror.act("heal", mirror.engine, WAD)
    assert mirror.totals()[2] == 25 * WAD


def test_deposit_into_an_empty_till_with_losses_is_credited_at_par(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    debtor, creditor = account_id(trader.address, 66), account_id(maker.address)
    mirror.act("pay", mirror.engine, debtor, creditor, 0, 25 * WAD)
    mirror.act("write_off", mirror.engine, debtor)
    assert mirror.totals() == (0, 25 * WAD, 25 * WAD)
    mirror.act("deposit", trader, account_id(trader.address), 0, 10 * USDC)
    assert mirror.totals() == (10 * WAD, 35 * WAD, 25 * WAD)
