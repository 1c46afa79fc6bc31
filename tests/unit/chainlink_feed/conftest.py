"""Actors and contracts of the Chainlink feed's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ape.api import AccountAPI
from ape.contracts import ContractInstance

from seawall.spec.oracle import Round, Source

#: Order of the mock aggregator's slots after its decimals.
ROUND_SLOTS = ("round_id", "answer", "started_at", "updated_at", "answered_in_round")

Deploy = Callable[[Source], ContractInstance]


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def aggregator(project: Any, deployer: AccountAPI) -> ContractInstance:
    return deployer.deploy(project.MockAggregator, 8, 50_000 * 10**8)


@pytest.fixture
def deploy_feed(project: Any, deployer: AccountAPI, aggregator: ContractInstance) -> Deploy:
    """Deploy a feed with given terms on the aggregator, whose decimals follow them."""

    def act(source: Source) -> ContractInstance:
        aggregator.set_decimals(source.decimals, sender=deployer)
        return deployer.deploy(
            project.ChainlinkFeed,
            aggregator,
            source.unit_exponent,
            source.min_answer,
            source.max_answer,
        )

    return act


@pytest.fixture
def now(chain: Any) -> int:
    """Time that calls see, once the fixtures and deployments of a test are done: mined ahead."""
    time = int(chain.blocks.head.timestamp) + 1_000
    chain.mine(timestamp=time)
    return time


@pytest.fixture
def set_round(networks: Any, aggregator: ContractInstance) -> Callable[[Round], None]:
    """Write the aggregator's present round without a transaction: the time stays."""

    def act(answered: Round) -> None:
        for slot, name in enumerate(ROUND_SLOTS, start=1):
            word = getattr(answered, name) % 2**256
            networks.provider.make_request(
                "anvil_setStorageAt", [aggregator.address, f"0x{slot:064x}", f"0x{word:064x}"]
            )

    return act
