"""Actors and contracts of the index oracle's tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ape.api import AccountAPI
from ape.contracts import ContractInstance

from seawall.spec.words import PRICE, WAD

ETH = 7
MAX_AGE = 3600
ETH_PRICE = 3_000 * WAD
#: Time constants of the averages, seconds.
MEMORY = 1_800, 86_400
NOBODY = "0x" + "00" * 20
#: A band that drops only what is farther than 65 % from the median.
WIDEST = 65_535

SetFeeds = Callable[..., Any]


@pytest.fixture(scope="session")
def owner(accounts: Any) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def keeper(accounts: Any) -> AccountAPI:
    return accounts[1]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> AccountAPI:
    return accounts[2]


@pytest.fixture(scope="session")
def oracle(project: Any, owner: AccountAPI) -> ContractInstance:
    return owner.deploy(project.IndexOracle, owner, *MEMORY, NOBODY, 0)


@pytest.fixture(scope="session")
def mock_feeds(project: Any, owner: AccountAPI) -> list[ContractInstance]:
    """Five feeds at the same price."""
    return [owner.deploy(project.MockFeed, ETH_PRICE) for _ in range(5)]


@pytest.fixture(scope="session")
def odd_source(project: Any, owner: AccountAPI) -> ContractInstance:
    return owner.deploy(project.OddSource)


@pytest.fixture(scope="session")
def gas_caller(project: Any, owner: AccountAPI) -> ContractInstance:
    return owner.deploy(project.GasCaller)


@pytest.fixture(scope="session", autouse=True)
def deployed_first(oracle: Any, mock_feeds: Any, odd_source: Any, gas_caller: Any) -> None:
    """All contracts stand before the first test's isolation begins.

    One that a later test is the first to ask for may be taken back with that test's state, and its
    address given to the next.
    """


@pytest.fixture(scope="session")
def set_feeds(oracle: ContractInstance, owner: AccountAPI) -> SetFeeds:
    """Set feeds of an id, all with one greatest age in seconds and never overdue before."""

    def act(
        feeds: Sequence[Any],
        quorum: int = 1,
        market_id: int = ETH,
        max_age: int = MAX_AGE,
        band: int = WIDEST,
        floor: int = 0,
        heartbeat: int | None = None,
        pulls: int = 0,
    ) -> Any:
        beat = max_age if heartbeat is None else heartbeat
        listed = [(feed.address, beat, max_age, n < pulls) for n, feed in enumerate(feeds)]
        return oracle.set_feeds(market_id, (quorum, band, floor), listed, sender=owner)

    return act


@pytest.fixture(scope="session")
def refresh(oracle: ContractInstance, keeper: AccountAPI) -> Callable[..., Any]:
    """Refresh ids in a transaction."""

    def act(*market_ids: int) -> Any:
        return oracle.refresh(sum(1 << i for i in market_ids or (ETH,)), sender=keeper)

    return act


@pytest.fixture(scope="session")
def fields(oracle: ContractInstance) -> Callable[..., dict[str, int]]:
    """Fields of the stored word."""

    def act(market_id: int = ETH) -> dict[str, int]:
        return PRICE.unpack(oracle.price_word(market_id))

    return act


@pytest.fixture
def later(chain: Any) -> Callable[[int], int]:
    """Let the next block come some seconds after the latest; returns its time."""

    def act(seconds: int) -> int:
        time = int(chain.blocks.head.timestamp) + seconds
        chain.pending_timestamp = time
        return time

    return act


@pytest.fixture
def mine_later(chain: Any) -> Callable[[int], int]:
    """Mine an empty block some seconds after the latest, which calls then see; returns its time."""

    def act(seconds: int) -> int:
        time = int(chain.blocks.head.timestamp) + seconds
        chain.mine(timestamp=time)
        return time

    return act
