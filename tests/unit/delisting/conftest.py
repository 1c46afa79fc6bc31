"""One system for the tests of markets that end, with its specification beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ending_desk import BTC_PRICE, ETH_PRICE, EndingDesk

from seawall.deployed import System
from tests.plain import plain_system


@pytest.fixture(scope="session")
def ending_system(project: Any, deployer: Any) -> System:
    """At the prices of its books; no scenario matrix, no buckets."""
    return plain_system(project, deployer, (BTC_PRICE, ETH_PRICE))


@pytest.fixture(scope="session")
def ending_broker(accounts: Any) -> Any:
    """A module with the engine's rights, for positions without orders."""
    return accounts[8]


@pytest.fixture(scope="session", autouse=True)
def deployed_first(ending_system: System) -> None:
    """The system stands before the first test's isolation begins."""


@pytest.fixture
def ending_desk(
    ending_system: System, chain: Any, deployer: Any, ending_broker: Any
) -> Iterator[EndingDesk]:
    """Reserve of one dollar a leg, maintenance margin of 6.5 %."""
    made = EndingDesk(ending_system, chain.provider.http_uri, deployer, ending_broker)
    yield made
    made.close()
