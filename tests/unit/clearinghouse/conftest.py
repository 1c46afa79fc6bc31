"""Further Clearinghouses and markets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deployed import System
from seawall.spec.risk import ANY_VOLATILITY
from tests.unit.clearinghouse.mirror import Mirror
from tests.unit.clearinghouse.staging import bare_stage, fill_wallets

Bare = Callable[..., Mirror]


@pytest.fixture
def bare(project: Any, venue_system: System, deployer: Any, trader: Any, maker: Any) -> Bare:
    """bare(token, cap): a Clearinghouse around another settlement token, with filled wallets."""

    def build(token: Any, cap: int = 10**9) -> Mirror:
        built = bare_stage(project, venue_system, deployer, token, cap)
        fill_wallets(built, [trader, maker])
        return Mirror(built)

    return build


@pytest.fixture
def list_market(mirror: Mirror, venue_system: System, deployer: Any) -> Callable[[int], None]:
    """list_market(id): a further market with the terms and the feed of market 3."""

    def act(market_id: int) -> None:
        owner, model, oracle = deployer, mirror.model, mirror.oracle
        feed = (str(venue_system.feeds[3][0].address), 3_600, 3_600, False)
        terms = mirror.read(mirror.house, "market_words", 3)[2]
        risk = (100_000, 65_000, 100, 2**32 - 1, ANY_VOLATILITY, 10, 2**32 - 1, 0)
        mirror.send(owner, model, "set_risk", market_id, risk)
        mirror.send(owner, oracle, "set_feeds", market_id, (1, 0, 0), [feed])
        mirror.send(owner, mirror.house, "set_market", market_id, terms)
        mirror.adopt_market(mirror.spec, mirror.spec.model, market_id)

    return act
