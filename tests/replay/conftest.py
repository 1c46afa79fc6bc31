"""One replay of each incident for all tests, on the contract and its specification together."""

from __future__ import annotations

import pytest

from seawall.replay import cadence, depeg, flash, gap, outage, split
from seawall.replay.cadence import Line, Lines
from seawall.replay.drive import SpecIndex
from seawall.replay.venues import Venues
from seawall.replay.windows import VARIABLE, folder, is_present
from tests.replay.twin import Twin


@pytest.fixture(scope="session", autouse=True)
def windows() -> None:
    """Recorded prices are no part of the project."""
    if not is_present():
        pytest.skip(f"no price windows in {folder()}: set {VARIABLE} to their folder")


@pytest.fixture(scope="session")
def okx(windows: None) -> outage.Outage:
    return outage.replay(Twin)


@pytest.fixture(scope="session")
def usdc(windows: None) -> depeg.Depeg:
    return depeg.replay(Twin)


@pytest.fixture(scope="session")
def sol(windows: None) -> dict[str, split.Split]:
    return split.replay(Twin)


@pytest.fixture(scope="session")
def kraken(windows: None) -> dict[str, flash.Night]:
    return flash.replay(Twin)


@pytest.fixture(scope="session")
def march(windows: None) -> Venues:
    return Venues(Twin)


@pytest.fixture(scope="session")
def gaps(windows: None) -> dict[str, gap.Gap]:
    return gap.replay(Twin)


@pytest.fixture(scope="session")
def crash(windows: None) -> Lines:
    return cadence.replay(SpecIndex, cadence.path(cadence.CRASH), cadence.DAYS)


@pytest.fixture(scope="session")
def grids(windows: None) -> list[Line]:
    return cadence.shifted(SpecIndex, cadence.path(cadence.CRASH), cadence.DAYS)


@pytest.fixture(scope="session")
def calm(windows: None) -> Lines:
    return cadence.replay(SpecIndex, cadence.path(cadence.CALM), cadence.CALM_DAY)


@pytest.fixture(scope="session")
def bouncing(windows: None) -> Lines:
    answer = cadence.bounced(cadence.path(cadence.CALM))
    return cadence.replay(SpecIndex, answer, cadence.CALM_DAY)
