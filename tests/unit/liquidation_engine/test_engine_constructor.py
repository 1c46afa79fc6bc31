"""Parameters outside their bounds deploy nothing."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.deployed import System
from seawall.rpc import RpcError
from tests.desk import Desk, creation

GOOD = (100_000, 5_000, 10_000, 666_667, 500_000)


def deploy_call(desk: Desk, rates: tuple[int, ...]) -> str:
    """Code that a deployment with these rates would leave."""
    one = desk.system
    contracts = (
        one.clearinghouse, one.index_oracle, one.margin_model, one.backstop, one.exchange,
    )  # fmt: skip
    addresses = [str(contract.address) for contract in contracts]
    data = creation("LiquidationEngine", *addresses, *rates)
    return str(desk.rpc.call("eth_call", {"from": desk.owner, "data": "0x" + data.hex()}))


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
    desk: Desk, position: int, value: int, reason: str
) -> None:
    rates = (*GOOD[:position], value, *GOOD[position + 1 :])
    with pytest.raises(RpcError) as refused:
        deploy_call(desk, rates)
    assert refused.value.reason == reason
    assert len(deploy_call(desk, GOOD)) > 1_000


def test_deploy_parameters_can_be_read(usual_system: System) -> None:
    engine: Any = usual_system.engine
    rates = usual_system.parameters.liquidation
    assert engine.TARGET_BUFFER_PPM() == rates.target_buffer
    assert engine.PENALTY_MIN_PPM() == rates.penalty_min
    assert engine.PENALTY_MAX_PPM() == rates.penalty_max
    assert engine.CLOSE_OUT_PPM() == rates.close_out
    assert engine.KEEPER_SHARE_PPM() == rates.keeper_share
