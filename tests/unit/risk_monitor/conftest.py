"""A deployment whose parameters follow market and fund quickly enough to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import Parameters, load
from tests.desk import Desk

LOCAL = Path(__file__).resolve().parents[3] / "params" / "local.yaml"
#: A capacity of 100,000 dollars and ten times the fund; volatility beyond 80 % a year counts.
CAPACITY, PER_FUND = 100, 10_000_000


def followed(parameters: Parameters) -> Parameters:
    """One feed a market, so that an index moves in one transaction, and a small capacity."""
    markets = []
    for one in parameters.markets:
        risk = one.risk._replace(capacity_floor=CAPACITY, capacity_per_fund=PER_FUND)
        markets.append(replace(one, feeds=one.feeds[:1], quorum=1, risk=risk))
    return replace(parameters, markets=tuple(markets))


@pytest.fixture(scope="session")
def followed_system(project: Any, deployer: Any) -> System:
    return deploy(project, deployer, followed(load(LOCAL)))


@pytest.fixture(scope="session", autouse=True)
def deployed_first(followed_system: System) -> None:
    """The system stands before the first test's isolation begins."""


@pytest.fixture
def desk(followed_system: System, chain: Any, deployer: Any, accounts: Any) -> Iterator[Desk]:
    """The deployment, with a broker who opens positions."""
    made = Desk(followed_system, chain.provider.http_uri, deployer, accounts[8])
    yield made
    made.close()
