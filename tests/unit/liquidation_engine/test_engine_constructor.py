"""Parameters outside their bounds deploy nothing."""

from __future__ import annotations

from typing import Any

import ape
import pytest

GOOD = (100_000, 5_000, 10_000, 666_667, 500_000)


@pytest.mark.parametrize(
    "position, value, reason",
    (
        (0, 1_000_001, "engine: target buffer"),
        (1, 10_001, "engine: penalty"),
        (2, 100_001, "engine: penalty"),
        (3, 1_000_000, "engine: close out"),
        (4, 1_000_001, "engine: keeper share"),
    ),
)
def test_deploy_parameter_out_of_bounds_is_refused(
    project: Any, deployer: Any, usual_system: Any, position: int, value: int, reason: str
) -> None:
    rates = list(GOOD)
    rates[position] = value
    one = usual_system
    contracts = (one.clearinghouse, one.index_oracle, one.margin_model, one.insurance_fund)
    with ape.reverts(reason):
        deployer.deploy(project.LiquidationEngine, *contracts, *rates)


def test_deploy_parameters_can_be_read(usual_system: Any) -> None:
    engine, rates = usual_system.engine, usual_system.parameters.liquidation
    assert engine.TARGET_BUFFER_PPM() == rates.target_buffer
    assert engine.PENALTY_MIN_PPM() == rates.penalty_min
    assert engine.PENALTY_MAX_PPM() == rates.penalty_max
    assert engine.CLOSE_OUT_PPM() == rates.close_out
    assert engine.KEEPER_SHARE_PPM() == rates.keeper_share
