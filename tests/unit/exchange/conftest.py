"""Fixtures of the Exchange's own tests."""

from __future__ import annotations

from typing import Any

import pytest
from venue import FEES, INDEX, MARKET, Venue


@pytest.fixture(scope="session")
def governor(accounts: Any) -> Any:
    return accounts[0]


@pytest.fixture(scope="session")
def trader(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture(scope="session")
def relayer(accounts: Any) -> Any:
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> Any:
    return accounts[4]


@pytest.fixture(scope="session")
def deployed(project: Any, governor: Any) -> tuple[Any, Any, Any]:
    clearinghouse = governor.deploy(project.RecordingClearinghouse)
    oracle = governor.deploy(project.FixedOracle)
    exchange = governor.deploy(project.Exchange, clearinghouse, oracle, governor)
    exchange.set_fees(MARKET, FEES.maker, FEES.taker, FEES.band, sender=governor)
    return exchange, clearinghouse, oracle


@pytest.fixture
def venue(deployed: tuple[Any, Any, Any], chain: Any) -> Venue:
    made = Venue(*deployed, chain)
    made.set_price(INDEX)
    return made
