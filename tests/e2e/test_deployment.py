"""The deployment that users run: configured, read back, registered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from seawall.deployed import CORE, System
from seawall.deployment import check_chain, deploy, read_registry, verify, write_registry
from seawall.parameters import IndexParameters, load
from seawall.quantities import ParameterError
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.words import WAD

ROOT = Path(__file__).resolve().parents[2]


def test_deploy_local_parameters_reads_back_as_configured(system: System, deployer: Any) -> None:
    assert verify(system, str(deployer.address)) == []


@pytest.fixture(scope="module")
def pegged_system(project: Any, deployer: Any) -> System:
    """A system whose settlement token has the feeds of a market, at par."""
    local = load(ROOT / "params" / "local.yaml")
    market = local.markets[0]
    feeds = tuple(replace(feed, price=Decimal(1)) for feed in market.feeds)
    index = IndexParameters(0, 2, 1_000, market.volatility_floor, feeds)
    settlement = replace(local.settlement, index=index)
    return deploy(project, deployer, replace(local, settlement=settlement))


def test_deploy_feeds_of_the_settlement_token_read_back_as_configured(
    pegged_system: System, deployer: Any
) -> None:
    assert verify(pegged_system, str(deployer.address)) == []
    terms, feeds = pegged_system.index_oracle.feeds(SETTLEMENT_ID)
    assert (terms.quorum, terms.spread_band, len(feeds)) == (2, 1_000, 3)
    (word,) = pegged_system.index_oracle.prices(1 << SETTLEMENT_ID)
    assert word >> 176 == WAD


def test_verify_changed_feeds_of_the_settlement_token_names_the_difference(
    pegged_system: System, deployer: Any
) -> None:
    feed = (str(pegged_system.feeds[1][0].address), 60, 60, False)
    pegged_system.index_oracle.set_feeds(SETTLEMENT_ID, (1, 1_000, 0), [feed], sender=deployer)
    found = verify(pegged_system, str(deployer.address))
    assert len(found) == 2
    assert all("settlement token" in line for line in found)


def test_write_registry_names_the_settlement_token_and_its_sources(
    pegged_system: System, system: System, deployer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "registry.yaml"
    write_registry(pegged_system, path, 31337, str(deployer.address))
    found = read_registry(path)["settlement"]
    assert found["symbol"] == "USDC"
    assert found["feeds"] == [str(feed.address) for feed in pegged_system.feeds[SETTLEMENT_ID]]
    assert len(found["aggregators"]) == 3
    write_registry(system, path, 31337, str(deployer.address))
    assert read_registry(path)["settlement"]["feeds"] == []


def test_verify_changed_terms_names_the_difference(system: System, deployer: Any) -> None:
    market = system.parameters.markets[0]
    system.exchange.set_fees(market.market_id, 0, market.taker_fee, market.band, sender=deployer)
    found = verify(system, str(deployer.address))
    assert len(found) == 1
    assert "market 1 fees and band" in found[0]


def test_write_registry_names_every_contract(system: System, deployer: Any, tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    write_registry(system, path, 31337, str(deployer.address))
    registry = read_registry(path)
    assert set(CORE) <= set(registry["contracts"])
    assert registry["markets"][1]["symbol"] == "BTC"
    assert len(registry["markets"][2]["feeds"]) == 3


def test_check_chain_test_contracts_on_a_public_chain_are_refused() -> None:
    parameters = load(ROOT / "params" / "local.yaml")
    check_chain(parameters, 31337)
    with pytest.raises(ParameterError, match="chain 1 is not a development chain"):
        check_chain(parameters, 1)
