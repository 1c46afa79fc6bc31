"""What bound, moved or was exempt when an account was valued: notes of what runs must have met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seawall.spec.ledger import Account
from seawall.spec.margin import COLLATERAL_IDS, Leg, Price
from seawall.spec.risk import (
    DEPTH_UNIT,
    RAMP,
    interest_factor,
    size_factor,
)
from seawall.spec.state import Reverted
from seawall.spec.words import PORTFOLIO, PPM, TAKEOVER, WAD

if TYPE_CHECKING:
    from tests.fuzz.world import World


def count_margin(
    world: World, held: Account, base: int, legs: Sequence[Leg], prices: Sequence[Price]
) -> None:
    """Ramps, factors and modes in an account's margin that was compared."""
    now = world.spec.now
    portfolio = bool(held.mode & PORTFOLIO)
    scenarios = world.model.scenarios
    matrix = scenarios.matrix
    for (leg_id, _, size), price in zip(legs, prices, strict=True):
        if leg_id >= COLLATERAL_IDS:
            _, _, depth = world.model.weights[leg_id - COLLATERAL_IDS + 1].at(now)
            deep = depth * DEPTH_UNIT
            world.count("collateral beyond its depth", size * price.price // WAD > deep > 0)
            continue
        risk = world.model.risks[leg_id]
        flat, (_, depth) = risk.volatility_factor(now), risk.base(now)
        notional = abs(size) * price.price
        world.count("size tier in maintenance", size_factor(notional, max(1, depth)) > flat)
        world.count("volatility in maintenance", flat > PPM)
        world.count("volatility factor moves", 0 < now - risk.factor_start < 3_600)
        world.count("ramp on", risk.ramp_start != 0 and 0 < now - risk.ramp_start < RAMP)
        if portfolio:
            covered = bool(scenarios.shocks[matrix.version, leg_id])
            world.count("covered leg" if covered else "uncovered leg")
    on = matrix.ramp_start != 0 and 0 < now - matrix.ramp_start < RAMP
    world.count("matrix ramp on", portfolio and on and bool(legs))


def count_gate(world: World, account: int, market_id: int, takeover: int) -> None:
    """Which factor made the initial rate of a leg that was traded."""
    held = world.spec.ledger.accounts[account]
    try:
        base, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        return
    prices = world.spec.refresh(held.bitmap)
    leg = next(((leg, p) for leg, p in zip(legs, prices, strict=True) if leg[0] == market_id), None)
    if leg is None:
        return
    (_, interest, size), price = leg
    now, risk = world.spec.now, world.model.risks[market_id]
    flat = max(risk.volatility_factor(now), risk.calm_factor(price.volatility))
    notional = abs(size) * price.price
    sized = size_factor(notional, risk.depth)
    crowded = interest_factor(notional, interest * price.price, risk.capacity)
    world.count("volatility at a gate", flat > max(PPM, sized, crowded))
    world.count("size tier at a gate", sized > max(flat, crowded))
    if crowded <= max(flat, sized):
        return
    if not takeover:
        world.count("OI tier at a gate")
        return
    ask = (held.cash, base, legs, prices, now)
    exempt = world.model.assess(*ask, held.mode | TAKEOVER)
    asked = world.model.assess(*ask, held.mode)
    if exempt.adverse >= exempt.initial and asked.adverse < asked.initial:
        world.count("takeover that is exempt")
