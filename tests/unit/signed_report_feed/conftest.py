"""Actors and contracts of the signed report feed's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from team import Team

from seawall.rpc import Rpc


@pytest.fixture(scope="session")
def keys() -> list[LocalAccount]:
    """Sixteen keys by ascending address, and one more, which signs nowhere."""
    made = [Account.from_key(number.to_bytes(32, "big")) for number in range(101, 118)]
    ordered = sorted(made[:16], key=lambda one: int(one.address, 16))
    return [*ordered, made[16]]


@pytest.fixture
def seconds_apart(node: Rpc) -> Iterator[None]:
    """Every block is a second younger than its parent: a report of now is newer than the last."""
    node.set_block_interval(1)
    yield
    node.call("anvil_removeBlockTimestampInterval")


@pytest.fixture
def form_team(
    project: Any,
    deployer: Any,
    node: Rpc,
    keys: list[LocalAccount],
    chain: Any,
    seconds_apart: None,
) -> Callable[..., Team]:
    """form_team(count, threshold): a feed of the first `count` keys and its specification."""

    def act(count: int = 3, threshold: int = 2) -> Team:
        addresses = [one.address for one in keys[:count]]
        feed = deployer.deploy(project.SignedReportFeed, deployer, addresses, threshold)
        return Team(node, feed, deployer, keys[:count], threshold, int(chain.chain_id))

    return act


@pytest.fixture
def team(form_team: Callable[..., Team]) -> Team:
    """Two of three."""
    return form_team()
