"""Actors and rooms of the insurance fund's tests."""

from __future__ import annotations

from typing import Any

import pytest
from ape.api import AccountAPI
from room import Room, build


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def saver(accounts: Any) -> AccountAPI:
    return accounts[1]


@pytest.fixture(scope="session")
def newcomer(accounts: Any) -> AccountAPI:
    return accounts[2]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> AccountAPI:
    return accounts[3]


@pytest.fixture(scope="session")
def engine(accounts: Any) -> AccountAPI:
    """Stands for the module that finds shortfalls."""
    return accounts[4]


@pytest.fixture(scope="session")
def rooms(project: Any, deployer: AccountAPI, engine: AccountAPI) -> dict[int, Room]:
    """Rooms by the decimals of their token."""
    tokens = {d: deployer.deploy(project.Token, "Settlement", "SET", d) for d in (6, 8, 18)}
    return {d: build(project, deployer, engine, token) for d, token in tokens.items()}


@pytest.fixture
def room(rooms: dict[int, Room]) -> Room:
    """The usual room: six decimals."""
    return rooms[6]


@pytest.fixture(scope="session")
def silent_room(project: Any, deployer: AccountAPI, engine: AccountAPI) -> Room:
    """A room whose token answers nothing."""
    token = deployer.deploy(project.NoReturnToken, "Silent", "SIL", 6)
    return build(project, deployer, engine, token)


@pytest.fixture(scope="session")
def calling_room(project: Any, deployer: AccountAPI, engine: AccountAPI) -> Room:
    """A room whose token makes calls inside transfers."""
    token = deployer.deploy(project.ReentrantToken, "Calling", "CAL", 6)
    return build(project, deployer, engine, token)
