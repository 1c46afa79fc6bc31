"""Systems and actors of the tests of closing whole accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from books import BTC_PRICE, ETH_PRICE

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import load
from tests.closing_desk import ClosingDesk

LOCAL = Path(__file__).resolve().parents[3] / "params" / "local.yaml"


@pytest.fixture(scope="session")
def closing_system(project: Any, deployer: Any) -> System:
    """One feed per market, at its price from the start; no scenario matrix, no buckets."""
    parameters = load(LOCAL)
    markets = tuple(
        replace(one, feeds=(replace(one.feeds[0], price=Decimal(price)),), quorum=1, bucket=None)
        for one, price in zip(parameters.markets, (BTC_PRICE, ETH_PRICE), strict=True)
    )
    return deploy(project, deployer, replace(parameters, markets=markets, portfolio=None))


@pytest.fixture(scope="session")
def module_role(accounts: Any) -> Any:
    """A module with the engine's rights, for positions without orders."""
    return accounts[8]


@pytest.fixture(scope="session", autouse=True)
def deployed_first(closing_system: System) -> None:
    """The system stands before the first test's isolation begins."""


@pytest.fixture
def closing_desk(
    closing_system: System, chain: Any, deployer: Any, module_role: Any
) -> Iterator[ClosingDesk]:
    """Reserve of one dollar a leg, maintenance margin of 6.5 %."""
    made = ClosingDesk(closing_system, chain.provider.http_uri, deployer, module_role)
    yield made
    made.close()


@pytest.fixture(scope="session")
def saver(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    return accounts[6]
