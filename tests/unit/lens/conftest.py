"""The lenses of two systems: that of all rooms, and one in which every factor of margin binds."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.deployed import System
from seawall.deployment import deploy
from tests.unit.clearinghouse.mirror import Deployed, Stage
from tests.unit.clearinghouse.staging import build_stage, repeat_answers
from tests.unit.lens.wide import COLLATERAL, DEPTH, Room, wide_parameters


@pytest.fixture
def lens(venue_system: System) -> Deployed:
    return Deployed(str(venue_system.lens.address), "Lens")


@pytest.fixture(scope="session")
def wide_system(project: Any, deployer: Any) -> System:
    return deploy(project, deployer, wide_parameters())


@pytest.fixture(scope="session")
def wide_stage(project: Any, wide_system: System, deployer: Any, trader: Any, maker: Any) -> Stage:
    """The wide system with eight tokens, modules that only forward, and filled wallets."""
    return build_stage(project, wide_system, deployer, [trader, maker], COLLATERAL, DEPTH)


@pytest.fixture(scope="session", autouse=True)
def deployed_first(
    project: Any, system: System, venue_system: System, stage: Stage, wide_system: System,
    wide_stage: Stage, deployer: Any,
) -> None:  # fmt: skip
    """All systems stand, with fresh feeds, before the first test's isolation begins.

    One that a later test is the first to ask for may be taken back with that test's state.
    """
    for one in (system, venue_system, wide_system):
        repeat_answers(project, one, deployer)


@pytest.fixture
def room(wide_stage: Stage, wide_system: System, trader: Any, maker: Any) -> Room:
    return Room(wide_stage, wide_system, trader, maker)
