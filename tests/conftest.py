"""Fixtures that every room shares: one deployment of the whole system per session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seawall.build
from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import load
from seawall.rpc import Rpc, RpcError
from seawall.spec.words import account_id
from tests.desk import creation
from tests.unit.clearinghouse.mirror import Mirror, Stage
from tests.unit.clearinghouse.staging import build_stage, parameters

ROOT = Path(__file__).resolve().parents[1]
# ape-vyper and ape-foundry look for the compiler and for anvil on PATH.
os.environ["PATH"] = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"

WAD = 10**18
USDC = 10**6


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test old bytecode: Ape does not see changes in modules and interfaces."""
    if not config.option.collectonly and seawall.build.stale():
        pytest.exit("contracts changed since they were compiled: run make compile", returncode=2)


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> Any:
    """Owner of the system under test."""
    return accounts[0]


@pytest.fixture(scope="session")
def system(project: Any, deployer: Any) -> System:
    """The whole system with params/local.yaml, as `ape run deploy` makes it."""
    return deploy(project, deployer, load(ROOT / "params" / "local.yaml"))


@pytest.fixture(scope="session")
def trader(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def maker(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture(scope="session")
def keeper(accounts: Any) -> Any:
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> Any:
    return accounts[4]


@pytest.fixture(scope="session")
def guardian(accounts: Any) -> Any:
    return accounts[8]


@pytest.fixture(scope="session")
def venue_system(project: Any, deployer: Any, guardian: Any) -> System:
    """A second system, of three markets with one feed each and a guardian."""
    return deploy(project, deployer, parameters(guardian=str(guardian.address)))


@pytest.fixture(scope="session")
def stage(
    project: Any, venue_system: System, deployer: Any, trader: Any, maker: Any, stranger: Any
) -> Stage:
    """The second system with collateral tokens, modules that only forward, and filled wallets."""
    return build_stage(project, venue_system, deployer, [trader, maker, stranger])


@pytest.fixture
def mirror(stage: Stage) -> Mirror:
    """The second system's Clearinghouse with its specification beside it."""
    return Mirror(stage)


@pytest.fixture
def fund_account(system: System) -> Callable[..., int]:
    """fund_account(owner, dollars, sub=0): mint, approve and deposit; returns the account id."""

    def give(owner: Any, dollars: int, sub: int = 0) -> int:
        amount = dollars * USDC
        system.settlement.mint(owner, amount, sender=owner)
        system.settlement.approve(system.clearinghouse, amount, sender=owner)
        account = account_id(str(owner.address), sub)
        system.clearinghouse.deposit(account, 0, amount, sender=owner)
        return account

    return give


@pytest.fixture
def set_index(system: System, project: Any, deployer: Any) -> Callable[[int, Any], None]:
    """set_index(market_id, dollars): every feed of a market answers this price, now."""

    def move(market_id: int, dollars: Any) -> None:
        for source in system.aggregators[market_id]:
            answer = int(dollars * 10**8)
            project.MockAggregator.at(source).set_answer(answer, sender=deployer)

    return move


@pytest.fixture(scope="session")
def deploy_refusal(deployer: Any) -> Callable[..., str]:
    """deploy_refusal(contract, *args): why a deployment reverts ("" for a bare revert).

    Asked of the node itself: Ape may read the reason as another contract's custom error.
    """
    rpc = Rpc(str(deployer.provider.uri))

    def ask(contract: str, *args: Any) -> str:
        plain = [str(arg.address) if hasattr(arg, "address") else arg for arg in args]
        call = {"from": str(deployer.address), "data": "0x" + creation(contract, *plain).hex()}
        with pytest.raises(RpcError) as refused:
            rpc.call("eth_call", call)
        return refused.value.reason

    return ask
