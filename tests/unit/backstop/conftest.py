"""The system of the Backstop's tests, and a Backstop beside its specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import load
from seawall.spec.dutch_auction import AuctionTerms
from tests.vault_yard import VaultYard
from tests.yard import BTC, ETH, Yard

PRICES = {BTC: Decimal(40_000), ETH: Decimal(2_000)}
LOCAL = Path(__file__).resolve().parents[3] / "params" / "local.yaml"


@pytest.fixture(scope="session")
def backstop_system(project: Any, deployer: Any) -> System:
    """The local parameters with one feed per market, round prices, and no buckets yet."""
    local = load(LOCAL)
    markets = []
    for one in local.markets:
        feed = replace(one.feeds[0], price=PRICES[one.market_id])
        markets.append(replace(one, feeds=(feed,), quorum=1, bucket=None))
    # As much discount as premium: half an hour sells at the index.
    return deploy(project, deployer, replace(local, markets=tuple(markets), auction=AuctionTerms()))


@pytest.fixture(scope="session", autouse=True)
def deployed_first(backstop_system: System) -> None:
    """It stands before the first test's isolation begins.

    One that a later test is the first to ask for may be taken back with that test's state.
    """


@pytest.fixture(scope="session")
def broker(accounts: Any) -> Any:
    """A module with the engine's rights, for positions and debts without orders."""
    return accounts[8]


@pytest.fixture
def desk(backstop_system: System, chain: Any, deployer: Any, broker: Any) -> Iterator[Yard]:
    made = Yard(backstop_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture
def vault_desk(
    backstop_system: System, chain: Any, deployer: Any, broker: Any
) -> Iterator[VaultYard]:
    made = VaultYard(backstop_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture(scope="session")
def saver(accounts: Any) -> Any:
    return accounts[7]


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    return accounts[6]
