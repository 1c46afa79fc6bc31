"""The system of the converter's tests, and a converter beside its specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from counter import Counter

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import load

LOCAL = Path(__file__).resolve().parents[3] / "params" / "local.yaml"


@pytest.fixture(scope="session")
def converter_system(project: Any, deployer: Any) -> System:
    """The local parameters with one feed per market."""
    local = load(LOCAL)
    markets = [replace(one, feeds=one.feeds[:1], quorum=1) for one in local.markets]
    return deploy(project, deployer, replace(local, markets=tuple(markets)))


@pytest.fixture(scope="session", autouse=True)
def deployed_first(converter_system: System) -> None:
    """It stands before the first test's isolation begins.

    One that a later test is the first to ask for may be taken back with that test's state.
    """


@pytest.fixture(scope="session")
def broker(accounts: Any) -> Any:
    """A module with the engine's rights, for positions and debts without orders."""
    return accounts[8]


@pytest.fixture
def desk(converter_system: System, chain: Any, deployer: Any, broker: Any) -> Iterator[Counter]:
    made = Counter(converter_system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    return accounts[6]
