"""The queue of the stage that the Clearinghouse's tests share, and one around another token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deployed import System
from tests.unit.clearinghouse.mirror import Mirror, Stage
from tests.unit.clearinghouse.staging import bare_stage, fill_wallets
from tests.unit.exit_queue.counter import Counter


@pytest.fixture(scope="session", autouse=True)
def deployed_first(stage: Stage) -> None:
    """Ask for the stage before any test does."""


@pytest.fixture
def counter(mirror: Mirror) -> Counter:
    """The shared stage."""
    return Counter(mirror)


@pytest.fixture
def around(
    project: Any, venue_system: System, deployer: Any, trader: Any, maker: Any
) -> Callable[[Any], Counter]:
    """around(token): the queue of a Clearinghouse with another settlement token."""

    def build(token: Any) -> Counter:
        built = bare_stage(project, venue_system, deployer, token)
        fill_wallets(built, [trader, maker])
        return Counter(Mirror(built))

    return build
