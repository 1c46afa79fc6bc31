"""The Lens of the shared system."""

from __future__ import annotations

import pytest

from seawall.deployment import System
from tests.unit.clearinghouse.mirror import Deployed


@pytest.fixture
def lens(venue_system: System) -> Deployed:
    return Deployed(str(venue_system.lens.address), "Lens")
