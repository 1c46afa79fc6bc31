"""The whole system around settlement tokens of 8 and 18 decimals: the same margin, to the unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seawall.deployment import deploy
from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import Mirror, Stage, fill
from tests.unit.clearinghouse.staging import build_stage, parameters

SIZE = WAD // 10


@pytest.fixture(scope="module", params=[8, 18])
def odd_stage(project: Any, deployer: Any, trader: Any, maker: Any, request: Any) -> Stage:
    settlement = replace(parameters().settlement, decimals=request.param)
    system = deploy(project, deployer, parameters(settlement=settlement))
    return build_stage(project, system, deployer, [trader, maker])


@pytest.fixture
def odd(odd_stage: Stage) -> Mirror:
    return Mirror(odd_stage)


def test_trade_and_withdraw_are_exact_to_the_unit_of_the_token(
    odd: Mirror, trader: Any, maker: Any
) -> None:
    whole = 10 ** odd.stage.tokens[0][1]
    account, rich = account_id(trader.address), account_id(maker.address)
    odd.act("deposit", maker, rich, 0, 100_000 * whole)
    odd.act("deposit", trader, account, 0, 401 * whole - 1)
    reason = "margin: below initial"
    odd.refuse(reason, "trade", odd.venue, 1, fill(account, rich, SIZE, 40_000 * WAD))
    odd.act("deposit", trader, account, 0, 1)
    odd.open(account, rich, SIZE, 40_000)
    odd.refuse(reason, "withdraw", trader, account, 0, 1, str(trader.address))
    odd.set_index(1, 41_000)
    odd.open(rich, account, SIZE, 41_000)
    odd.act("withdraw", trader, account, 0, 501 * whole, str(trader.address))
    assert odd.cash(account) == 0
    assert odd.slack() == 0


def test_deferred_losses_cut_to_the_unit_of_the_token(odd: Mirror, trader: Any, maker: Any) -> None:
    whole = 10 ** odd.stage.tokens[0][1]
    debtor, creditor = account_id(trader.address, 6), account_id(maker.address)
    odd.act("deposit", maker, creditor, 0, 100 * whole)
    odd.act("pay", odd.engine, debtor, creditor, 0, 50 * WAD)
    odd.act("write_off", odd.engine, debtor)
    before = odd.balance(maker)
    odd.act("withdraw", maker, creditor, 0, 100 * whole, str(maker.address))
    # 100 of 150 leave, cut by 100 / 150 and rounded down.
    assert odd.balance(maker) - before == 200 * whole // 3
    odd.act("deposit", trader, debtor, 0, 7 * whole + 1)
    assert odd.totals()[0] + odd.totals()[2] >= odd.totals()[1]
