"""The deployment that users run: configured, read back, registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.deployment import (
    CORE,
    System,
    check_chain,
    read_registry,
    verify,
    write_registry,
)
from seawall.parameters import ParameterError, load

ROOT = Path(__file__).resolve().parents[2]


def test_deploy_local_parameters_reads_back_as_configured(system: System, deployer: Any) -> None:
    assert verify(system, str(deployer.address)) == []


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
