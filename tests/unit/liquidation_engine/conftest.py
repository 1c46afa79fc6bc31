"""Systems and actors of the liquidation engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import Parameters, load
from tests.closing_desk import ClosingDesk
from tests.matching_desk import MatchingDesk

LOCAL = Path(__file__).resolve().parents[3] / "params" / "local.yaml"
#: Of the notional, the same from h = 1 to close-out.
FLAT_PENALTY = 10_000


def single_feed(parameters: Parameters) -> Parameters:
    """The same with one feed per market, so that an index moves in one transaction.

    No buckets, and without a scenario matrix: a test that needs one brings its own.
    """
    markets = [
        replace(one, feeds=one.feeds[:1], quorum=1, bucket=None) for one in parameters.markets
    ]
    return replace(parameters, markets=tuple(markets), portfolio=None)


def plain(parameters: Parameters) -> Parameters:
    """Without keeper reserve, and a penalty of 1 % at every h: the figures of the papers."""
    rates = replace(parameters.liquidation, penalty_min=FLAT_PENALTY, penalty_max=FLAT_PENALTY)
    markets = tuple(replace(one, risk=one.risk._replace(reserve=0)) for one in parameters.markets)
    return replace(parameters, liquidation=rates, markets=markets)


@pytest.fixture(scope="session")
def usual_system(project: Any, deployer: Any) -> System:
    return deploy(project, deployer, single_feed(load(LOCAL)))


@pytest.fixture(scope="session")
def plain_system(project: Any, deployer: Any) -> System:
    return deploy(project, deployer, plain(single_feed(load(LOCAL))))


@pytest.fixture(scope="session")
def broker(accounts: Any) -> Any:
    """A module with the engine's rights, for positions without orders."""
    return accounts[8]


@pytest.fixture(scope="session", autouse=True)
def deployed_first(usual_system: System, plain_system: System) -> None:
    """Both systems stand before the first test's isolation begins.

    One that a later test is the first to ask for may be taken back with that test's state.
    """


@pytest.fixture
def desk(usual_system: System, chain: Any, deployer: Any, broker: Any) -> Iterator[ClosingDesk]:
    """Reserve of one dollar a leg, penalty 0.5 % to 1 %."""
    made = ClosingDesk(usual_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture
def plain_desk(
    plain_system: System, chain: Any, deployer: Any, broker: Any
) -> Iterator[ClosingDesk]:
    """No reserve, penalty 1 %."""
    made = ClosingDesk(plain_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture(scope="session")
def saver(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    return accounts[6]


@pytest.fixture
def matching_desk(
    usual_system: System, chain: Any, deployer: Any, broker: Any
) -> Iterator[MatchingDesk]:
    """As `desk`, with signed orders."""
    made = MatchingDesk(usual_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()
