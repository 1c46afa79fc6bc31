"""Rates of markets and weights of collateral: bounds, ramps, who may set them."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.rpc import Rpc, RpcError
from seawall.spec.margin import RAMP_SECONDS, MarginModel, Risk
from seawall.spec.state import Reverted
from seawall.spec.words import LEG, PRICE, RISK, WAD, WEIGHT
from tests.unit.clearinghouse.mirror import Deployed, deploy_reason

RESERVE = 10**18
NOT_OWNER = "ownable: caller is not the owner"


def _reason(rpc: Rpc, coder: Deployed, sender: Any, function: str, *args: Any) -> str | None:
    try:
        rpc.view(coder.address, coder.encode(function, *args), str(sender.address))
    except RpcError as error:
        return error.reason
    return None


def _word(risk: Risk) -> int:
    return RISK.pack(**risk._asdict())


def test_set_risk_stores_what_the_specification_stores(
    model: Any, spec: MarginModel, deployer: Any
) -> None:
    receipt = model.set_risk(127, 100_000, 65_000, RESERVE, sender=deployer)
    spec.set_risk(127, 100_000, 65_000, RESERVE, receipt.timestamp)
    word = _word(spec.risks[127])
    assert model.risk_word(127) == word
    event = receipt.decode_logs(model.RiskSet)[0]
    assert (event.market_id, event.old_word, event.new_word) == (127, 0, word)
    assert model.rates_at(127, receipt.timestamp) == (100_000, 65_000)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 100_000, 65_000, 0),
        (128, 100_000, 65_000, 0),
        (255, 100_000, 65_000, 0),
        (2**255, 100_000, 65_000, 0),
        (1, 100_000, 0, 0),
        (1, 65_000, 65_001, 0),
        (1, 1_000_001, 65_000, 0),
        (1, 2**255, 65_000, 0),
        (1, 2**256 - 1, 2**256 - 1, 0),
        (1, 100_000, 65_000, 1),
        (1, 100_000, 65_000, 10**16 - 1),
        (1, 100_000, 65_000, 2**16 * 10**16),
        (1, 100_000, 65_000, 2**255),
        (1, 100_000, 65_000, 2**256 - 1),
    ],
)
def test_set_risk_out_of_bounds_refused(
    rpc: Rpc,
    coder: Deployed,
    spec: MarginModel,
    deployer: Any,
    arguments: tuple[int, int, int, int],
) -> None:
    reason = _reason(rpc, coder, deployer, "set_risk", *arguments)
    with pytest.raises(Reverted) as refused:
        spec.set_risk(*arguments, 0)
    assert reason == refused.value.reason != ""


@pytest.mark.parametrize(
    "arguments", [(1, 1_000_000, 1_000_000, (2**16 - 1) * 10**16), (127, 1, 1, 0)]
)
def test_set_risk_at_its_bounds_accepted(
    rpc: Rpc, coder: Deployed, deployer: Any, arguments: tuple[int, int, int, int]
) -> None:
    assert _reason(rpc, coder, deployer, "set_risk", *arguments) is None


def test_setters_by_anyone_but_the_owner_refused(rpc: Rpc, coder: Deployed, stranger: Any) -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "set_risk": (1, 100_000, 65_000, 0),
        "set_token_weight": (1, 1, 1),
        "transfer_ownership": (str(stranger.address),),
    }
    for function, arguments in calls.items():
        assert _reason(rpc, coder, stranger, function, *arguments) == NOT_OWNER


def test_set_risk_reserve_is_fixed_at_listing(
    model: Any, deployer: Any, rpc: Rpc, coder: Deployed
) -> None:
    model.set_risk(1, 100_000, 65_000, RESERVE, sender=deployer)
    arguments = (1, 100_000, 65_000, RESERVE + 10**16)
    assert _reason(rpc, coder, deployer, "set_risk", *arguments) == "risk: reserve is fixed"


def test_set_risk_raises_maintenance_over_the_ramp_and_initial_at_once(
    model: Any, spec: MarginModel, deployer: Any
) -> None:
    first = model.set_risk(1, 100_000, 30_000, 0, sender=deployer).timestamp
    raised = model.set_risk(1, 200_000, 60_001, 0, sender=deployer).timestamp
    spec.set_risk(1, 100_000, 30_000, 0, first)
    spec.set_risk(1, 200_000, 60_001, 0, raised)
    assert model.risk_word(1) == _word(spec.risks[1])
    assert model.RAMP() == RAMP_SECONDS
    for wait in (0, 1, RAMP_SECONDS // 3, RAMP_SECONDS // 2, RAMP_SECONDS - 1, RAMP_SECONDS, 10**9):
        rate = spec.risks[1].maintenance(raised + wait)
        assert model.rates_at(1, raised + wait) == (200_000, rate)
    assert model.rates_at(1, raised) == (200_000, 30_000)
    assert model.rates_at(1, 0) == (200_000, 30_000)
    assert model.rates_at(1, raised + RAMP_SECONDS) == (200_000, 60_001)


def test_set_risk_in_the_middle_of_a_ramp_starts_where_it_stands(
    model: Any, spec: MarginModel, deployer: Any, chain: Any
) -> None:
    times = [model.set_risk(1, 100_000, 30_000, 0, sender=deployer).timestamp]
    for maintenance in (60_000, 90_000, 40_000, 35_000):
        times.append(model.set_risk(1, 100_000, maintenance, 0, sender=deployer).timestamp)
        chain.mine(deltatime=RAMP_SECONDS // 3)
    for time, maintenance in zip(times, (30_000, 60_000, 90_000, 40_000, 35_000), strict=True):
        spec.set_risk(1, 100_000, maintenance, 0, time)
    assert model.risk_word(1) == _word(spec.risks[1])
    assert model.rates_at(1, times[-1]) == (100_000, spec.risks[1].maintenance(times[-1]))


def test_set_risk_lowers_maintenance_at_once(model: Any, deployer: Any) -> None:
    model.set_risk(1, 100_000, 60_000, 0, sender=deployer)
    lowered = model.set_risk(1, 100_000, 20_000, 0, sender=deployer).timestamp
    assert model.rates_at(1, lowered) == (100_000, 20_000)


def test_set_risk_makes_nobody_liquidatable_in_its_own_block(
    model: Any, deployer: Any, rpc: Rpc, coder: Deployed
) -> None:
    model.set_risk(1, 100_000, 65_000, RESERVE, sender=deployer)
    # Equity a wei above maintenance: 65 of 1000, and the reserve.
    base = -1_000 * WAD + 66 * WAD + 1
    legs, prices = [LEG.pack(id=1, size=WAD)], [PRICE.pack(price=1_000 * WAD, ema_ratio=10**7)]
    call = coder.encode("plan", 0, base, legs, prices)

    def favourable_excess(block: str) -> int:
        data = rpc.view(coder.address, call, block=block)
        _, _, equity, maintenance, _ = coder.decode("plan", data)
        return int(equity) - int(maintenance)

    receipt = model.set_risk(1, 1_000_000, 1_000_000, RESERVE, sender=deployer)
    assert favourable_excess(hex(receipt.block_number - 1)) == 1
    assert favourable_excess(hex(receipt.block_number)) == 1


# -- collateral weights ----------------------------------------------------------------------


def test_set_token_weight_stores_and_only_rises(
    model: Any, deployer: Any, rpc: Rpc, coder: Deployed
) -> None:
    receipt = model.set_token_weight(8, 700_000, 800_000, sender=deployer)
    word = WEIGHT.pack(initial=700_000, maintenance=800_000)
    assert model.token_weight_word(8) == word
    event = receipt.decode_logs(model.TokenWeightSet)[0]
    assert (event.token_id, event.old_word, event.new_word) == (8, 0, word)
    lowered = "risk: weight lowered"
    for pair in ((699_999, 800_000), (700_000, 799_999), (0, 0)):
        assert _reason(rpc, coder, deployer, "set_token_weight", 8, *pair) == lowered
    model.set_token_weight(8, 700_000, 999_999, sender=deployer)
    assert model.token_weight_word(8) == WEIGHT.pack(initial=700_000, maintenance=999_999)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 1, 1),
        (9, 1, 1),
        (128, 1, 1),
        (2**255, 1, 1),
        (1, 2, 1),
        (1, 1, 10**6),
        (1, 2**255, 2**256 - 1),
    ],
)
def test_set_token_weight_out_of_bounds_refused(
    rpc: Rpc, coder: Deployed, spec: MarginModel, deployer: Any, arguments: tuple[int, int, int]
) -> None:
    reason = _reason(rpc, coder, deployer, "set_token_weight", *arguments)
    with pytest.raises(Reverted) as refused:
        spec.set_token_weight(*arguments)
    assert reason == refused.value.reason != ""


def test_views_of_ids_out_of_range_refused(rpc: Rpc, coder: Deployed, deployer: Any) -> None:
    for number in (128, 255, 2**255):
        assert _reason(rpc, coder, deployer, "risk_word", number) == ""
        assert _reason(rpc, coder, deployer, "rates_at", number, 0) == ""
        assert _reason(rpc, coder, deployer, "token_weight_word", number) == ""


@pytest.mark.parametrize(
    "profit, call, reason",
    [(10**6 + 1, 0, "risk: profit weight"), (0, 10**6 + 1, "risk: margin call")],
)
def test_deploy_out_of_bounds_refused(
    project: Any, deployer: Any, rpc: Rpc, profit: int, call: int, reason: str
) -> None:
    owner = str(deployer.address)
    assert deploy_reason(rpc, project.MarginModel, profit, call, owner) == reason
    assert deploy_reason(rpc, project.MarginModel, 10**6, 10**6, owner) is None


def test_deploy_without_owner_refused(project: Any, rpc: Rpc) -> None:
    nobody = "0x" + "00" * 20
    assert deploy_reason(rpc, project.MarginModel, 0, 0, nobody) == "risk: no owner"


def test_transfer_ownership_takes_two_steps(model: Any, deployer: Any, trader: Any) -> None:
    model.transfer_ownership(trader, sender=deployer)
    assert model.owner() == deployer.address
    model.accept_ownership(sender=trader)
    model.set_risk(5, 100_000, 65_000, 0, sender=trader)
    assert model.risk_word(5) != 0
