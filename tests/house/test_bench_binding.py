"""A busy figure is of a market in which everything binds: what does not is named."""

from __future__ import annotations

from typing import Any

import pytest

from bench.binding import Leg, unbound
from seawall.spec.risk import NOTICE, RAMP, Risk
from seawall.spec.words import WAD

NOW = 1_800_000_000
DOLLARS = WAD * WAD

BUSY = Risk(
    initial=100_000,
    maintenance=70_000,
    depth=2,
    capacity=50,
    reserve=100,
    calm=140_000,
    volatility_cap=40,
    ramp_start=NOW - RAMP // 2,
    factor_from=1_000,
    factor_to=1_900,
    factor_start=NOW - 1_800,
    earlier_maintenance=65_000,
    earlier_depth=5,
)
LEG = Leg(1, BUSY, 5_000 * DOLLARS, 110_000 * DOLLARS, 260_000)


def with_risk(**changes: int) -> Leg:
    return LEG.__class__(
        LEG.market_id, BUSY._replace(**changes), LEG.notional, LEG.interest, LEG.volatility
    )


def with_leg(**changes: int) -> Leg:
    fields: dict[str, Any] = {
        "notional": LEG.notional, "interest": LEG.interest, "volatility": LEG.volatility,
    }  # fmt: skip
    return Leg(LEG.market_id, BUSY, **(fields | changes))


def test_unbound_busy_leg_has_nothing_to_say() -> None:
    assert unbound(LEG, NOW) == []


@pytest.mark.parametrize(
    "leg, named",
    [
        (with_leg(notional=2_500 * DOLLARS), ["size, at the depth of maintenance margin"]),
        (
            with_leg(notional=2_000 * DOLLARS),
            ["size, at the depth of initial margin", "size, at the depth of maintenance margin"],
        ),
        (with_leg(interest=50_000 * DOLLARS), ["open interest"]),
        (with_leg(volatility=140_000), ["volatility"]),
        (with_risk(calm=2**24 - 1), ["volatility"]),
        (with_risk(factor_to=1_000), ["the volatility factor of maintenance"]),
        (with_risk(factor_start=NOW), ["the volatility factor of maintenance"]),
        (with_risk(factor_to=1_005), ["the volatility factor of maintenance"]),
        (with_risk(earlier_maintenance=70_000), ["the ramp of maintenance"]),
        (with_risk(earlier_depth=2), ["the ramp of depth"]),
        (
            with_risk(ramp_start=NOW + NOTICE),
            [
                "size, at the depth of maintenance margin",
                "the ramp of maintenance",
                "the ramp of depth",
            ],
        ),
        (with_risk(ramp_start=NOW - RAMP), ["the ramp of maintenance", "the ramp of depth"]),
        (with_risk(ramp_start=0), ["the ramp of maintenance", "the ramp of depth"]),
    ],
)
def test_unbound_names_what_does_not_bind(leg: Leg, named: list[str]) -> None:
    assert unbound(leg, NOW) == named
