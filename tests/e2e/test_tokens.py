"""Settlement tokens that misbehave, or count in other decimals, around liquidations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.deployment import deploy
from seawall.parameters import load
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, Refused, contract_at, dollars

ETH = 2
LOCAL = Path(__file__).resolve().parents[2] / "params" / "local.yaml"


def desk_with(project: Any, deployer: Any, broker: Any, url: str, name: str, decimals: int) -> Desk:
    """A system of its own with another settlement token and one feed per market."""
    token = deployer.deploy(getattr(project, name), "Other", "OTH", decimals)
    parameters = load(LOCAL)
    settlement = replace(parameters.settlement, asset=str(token.address), decimals=decimals)
    markets = tuple(replace(one, feeds=one.feeds[:1], quorum=1) for one in parameters.markets)
    parameters = replace(parameters, settlement=settlement, markets=markets)
    return ClosingDesk(deploy(project, deployer, parameters), url, deployer, broker)


@pytest.fixture
def listing_desk(project: Any, deployer: Any, broker: Any, chain: Any) -> Iterator[Desk]:
    """A token of two decimals that keeps a black list."""
    made = desk_with(project, deployer, broker, chain.provider.http_uri, "BlacklistToken", 2)
    yield made
    made.close()


@pytest.fixture
def calling_desk(project: Any, deployer: Any, broker: Any, chain: Any) -> Iterator[Desk]:
    """A token of eighteen decimals that calls others during a transfer."""
    made = desk_with(project, deployer, broker, chain.provider.http_uri, "ReentrantToken", 18)
    yield made
    made.close()


def test_09_blacklisted_owner_is_liquidated_and_keeps_his_claim(
    listing_desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = listing_desk
    account, taker = desk.account(trader, 200), desk.account(keeper, 1_000)
    desk.fill(account, desk.account(maker, 1_000), ETH, WAD)
    token = contract_at(desk.token.address, "BlacklistToken")
    owner = str(trader.address)
    desk.send(desk.owner, token, "set_blacklisted", owner, True)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    desk.index(ETH, 3_240)
    desk.liquidate(account, taker, keeper)
    assert desk.size(account, ETH) == 0
    left = desk.cash(account) // 10**16
    assert left > 0
    with pytest.raises(Refused, match="token: blacklisted"):
        desk.send(owner, desk.house, "withdraw", account, 0, left, owner)
    # Another receiver is his own choice.
    desk.send(owner, desk.house, "withdraw", account, 0, left, str(maker.address))
    assert desk.view(desk.token, "balanceOf", str(maker.address)) == left


def test_35_call_from_a_token_transfer_liquidates_nobody(
    calling_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """The token calls the engine in the middle of a withdrawal: the Clearinghouse is locked."""
    desk = calling_desk
    account, taker = desk.account(trader, 200), desk.account(keeper, 1_000)
    desk.fill(account, desk.account(maker, 1_000), ETH, WAD)
    token = contract_at(desk.token.address, "ReentrantToken")
    sender = str(keeper.address)
    for contract, data in (
        (desk.engine, desk.engine.encode("liquidate", account, taker, 2**255)),
        (desk.engine, desk.engine.encode("hand_to_backstop", account, taker)),
        (desk.engine, desk.engine.encode("liquidate_matched", account, taker, 2**255, [])),
        (desk.engine, desk.engine.encode("flag", account)),
        (desk.engine, desk.engine.encode("plan_step", account)),
        (desk.closer, desk.closer.encode("close_out", account, taker)),
        (desk.closer, desk.closer.encode("close_many", [account], taker)),
        (desk.closer, desk.closer.encode("heal")),
    ):
        desk.send(desk.owner, token, "set_call", contract.address, data, False, False)
        calls = desk.view(token, "calls")
        desk.send(sender, desk.house, "withdraw", taker, 0, WAD, sender)
        desk.spec.withdraw(taker >> 96, taker, 0, WAD)
        assert desk.view(token, "calls") == calls + 1
        assert desk.view(token, "success") is False
    desk.check()
    desk.send(desk.owner, token, "set_call", "0x" + "00" * 20, b"", False, False)
    desk.liquidate(account, taker, keeper)


@pytest.mark.parametrize("kind", ("listing_desk", "calling_desk"))
def test_42_shortfall_is_exact_whatever_the_decimals(
    request: Any, kind: str, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk = request.getfixturevalue(kind)
    desk.save(saver, 50)
    account = desk.account(trader, "100.25")
    desk.fill(account, desk.account(maker, 1_000), ETH, WAD // 3 // 10**12 * 10**12)
    desk.index(ETH, "2875.07")
    owed = -desk.equity(account)
    assert owed > dollars(50)
    closed = desk.close_out(account, desk.account(keeper))
    assert closed.fund == dollars(50)
    assert closed.total == owed
