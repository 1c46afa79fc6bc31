"""Systems and actors of the tests of closing whole accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from books import BTC_PRICE, ETH_PRICE

from seawall.deployed import System
from tests.closing_desk import ClosingDesk
from tests.plain import plain_system


@pytest.fixture(scope="session")
def closing_system(project: Any, deployer: Any) -> System:
    """At the prices of its books; no scenario matrix, no buckets."""
    return plain_system(project, deployer, (BTC_PRICE, ETH_PRICE))


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
