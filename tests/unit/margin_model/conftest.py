"""A margin model of its own, and the specification beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.margin_model.room import MARGIN_CALL, NOTIONAL_FLOOR, PROFIT_WEIGHT, Room


@pytest.fixture(scope="session")
def follower(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture(scope="session")
def model(project: Any, deployer: Any, follower: Any) -> Any:
    terms = (PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR)
    made = deployer.deploy(project.MarginModel, *terms, deployer)
    made.set_follower(follower, sender=deployer)
    return made


@pytest.fixture(scope="session", autouse=True)
def deployed_first(model: Any) -> None:
    """Ape takes back what is deployed inside a test; this comes before all of them."""


@pytest.fixture
def room(model: Any, deployer: Any, follower: Any) -> Room:
    return Room(model, deployer, follower)
