"""A margin model of its own, and the specification beside it."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.rpc import Rpc
from seawall.spec.margin import MarginModel
from seawall.spec.state import Journal
from tests.unit.clearinghouse.mirror import Deployed

PROFIT_WEIGHT = 800_000
MARGIN_CALL = 200_000


@pytest.fixture(scope="session")
def model(project: Any, deployer: Any) -> Any:
    return deployer.deploy(project.MarginModel, PROFIT_WEIGHT, MARGIN_CALL, deployer)


@pytest.fixture
def rpc(model: Any) -> Rpc:
    return Rpc(str(model.provider.http_uri))


@pytest.fixture
def coder(model: Any) -> Deployed:
    return Deployed(str(model.address), "MarginModel")


@pytest.fixture
def spec() -> MarginModel:
    return MarginModel(Journal(), PROFIT_WEIGHT, MARGIN_CALL)
