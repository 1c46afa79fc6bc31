"""Tokens that do not behave: fees, no answer, a false answer, blacklists; donations."""

from __future__ import annotations

from typing import Any

from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import USDC, Mirror


def test_deposit_of_fee_token_credits_what_arrived(
    bare: Any, project: Any, deployer: Any, trader: Any
) -> None:
    mirror = bare(deployer.deploy(project.FeeToken, "Fee", "FEE", 6, 100))
    account = account_id(trader.address)
    receipt = mirror.send(trader, mirror.house, "deposit", account, 0, 1_000_001)
    arrived = 1_000_001 - 10_000
    assert mirror.balance(mirror.stage.house) == arrived
    assert mirror.cash(account) == arrived * 10**12
    assert mirror.totals() == (arrived * 10**12, arrived * 10**12, 0)
    assert mirror.events(receipt, "Deposited")[0]["amount"] == arrived
    assert mirror.events(receipt, "Deposited")[0]["credited"] == arrived * 10**12


def test_withdraw_of_fee_token_costs_the_receiver_alone(
    bare: Any, project: Any, deployer: Any, trader: Any, keeper: Any
) -> None:
    mirror = bare(deployer.deploy(project.FeeToken, "Fee", "FEE", 6, 100))
    account = account_id(trader.address)
    mirror.send(trader, mirror.house, "deposit", account, 0, USDC)
    mirror.send(trader, mirror.house, "withdraw", account, 0, 990_000, str(keeper.address))
    assert mirror.totals() == (0, 0, 0)
    assert mirror.balance(mirror.stage.house) == 0
    assert mirror.balance(keeper) == 990_000 - 9_900


def test_deposit_of_token_that_takes_everything_refused(
    bare: Any, project: Any, deployer: Any, trader: Any
) -> None:
    mirror = bare(deployer.deploy(project.FeeToken, "Fee", "FEE", 6, 10_000))
    account = account_id(trader.address)
    mirror.refuse_unmodelled("amount: zero", "deposit", trader, account, 0, USDC)


def test_deposit_and_withdraw_of_token_without_answer(
    bare: Any, project: Any, deployer: Any, trader: Any, keeper: Any
) -> None:
    mirror = bare(deployer.deploy(project.NoReturnToken, "Tether", "TET", 6))
    account = mirror.fund(trader, 5)
    mirror.act("withdraw", trader, account, 0, 2 * USDC, str(keeper.address))
    assert mirror.balance(keeper) == 2 * USDC
    assert mirror.cash(account) == 3 * WAD


def test_deposit_and_withdraw_of_token_that_answers_false_refused(
    bare: Any, project: Any, deployer: Any, trader: Any
) -> None:
    token = deployer.deploy(project.ReturnsFalseToken, "False", "FLS", 6)
    mirror = bare(token)
    account = mirror.fund(trader, 5)
    token.set_failing(True, sender=trader)
    reason = "token: transfer failed"
    mirror.refuse_unmodelled(reason, "deposit", trader, account, 0, USDC)
    mirror.refuse_unmodelled(reason, "withdraw", trader, account, 0, USDC, str(trader.address))
    mirror.compare()
    token.set_failing(False, sender=trader)
    mirror.act("withdraw", trader, account, 0, 5 * USDC, str(trader.address))


def test_withdraw_to_blacklisted_receiver_leaves_the_claim(
    bare: Any, project: Any, deployer: Any, trader: Any, keeper: Any
) -> None:
    token = deployer.deploy(project.BlacklistToken, "Listed", "LST", 6)
    mirror = bare(token)
    account = mirror.fund(trader, 5)
    token.set_blacklisted(trader, True, sender=deployer)
    reason = "token: blacklisted"
    mirror.refuse_unmodelled(reason, "withdraw", trader, account, 0, USDC, str(trader.address))
    mirror.compare()
    mirror.act("withdraw", trader, account, 0, 5 * USDC, str(keeper.address))
    assert mirror.balance(keeper) == 5 * USDC


def test_withdraw_all_of_a_donated_till_pays_only_what_was_credited(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account = mirror.fund(trader, 5)
    mirror.send(maker, mirror.token, "transfer", mirror.stage.house, 1_000 * USDC)
    too_much = 5 * USDC + 1
    reason = "margin: cash below zero"
    mirror.refuse(reason, "withdraw", trader, account, 0, too_much, str(trader.address))
    mirror.act("withdraw", trader, account, 0, 5 * USDC, str(trader.address))
    assert mirror.balance(mirror.stage.house) == 1_000 * USDC
