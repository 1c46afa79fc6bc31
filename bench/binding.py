"""Whether everything that can raise an account's margin does so, as a busy figure says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.actors import Actor
from bench.errors import BenchError
from bench.stand import Stand
from seawall.spec.risk import RAMP, Risk, interest_factor, size_factor
from seawall.spec.words import (
    ACCOUNT,
    LEG,
    MATRIX,
    PORTFOLIO,
    PPM,
    PRICE,
    ids_of,
)


@dataclass(frozen=True)
class Leg:
    """One market leg as the margin model meets it: notional and open interest are products of two
    WAD numbers, volatility is as in the price word."""

    market_id: int
    risk: Risk
    notional: int
    interest: int
    volatility: int


def unbound(leg: Leg, now: int) -> list[str]:
    """What leaves this leg's margin as it is in a quiet market."""
    risk = leg.risk
    origin, goal = sorted((risk.factor_from, risk.factor_to))
    here = risk.volatility_factor(now)
    maintenance, depth = risk.base(now)
    binds = {
        "size, at the depth of initial margin": size_factor(leg.notional, risk.depth) > PPM,
        "size, at the depth of maintenance margin": size_factor(leg.notional, depth) > PPM,
        "open interest": interest_factor(leg.notional, leg.interest, risk.capacity) > PPM,
        "volatility": risk.calm_factor(leg.volatility) > PPM,
        "the volatility factor of maintenance": origin * PPM < here * 1_000 < goal * PPM,
        "the ramp of maintenance": _between(
            risk.earlier_maintenance, maintenance, risk.maintenance
        ),
        "the ramp of depth": _between(risk.earlier_depth, depth, risk.depth),
    }
    return [name for name, bound in binds.items() if not bound]


def _between(start: int, here: int, goal: int) -> bool:
    return min(start, goal) < here < max(start, goal)


def check_binding(stand: Stand, actors: Iterable[Actor]) -> None:
    """Everything binds for each leg of these accounts, the matrix's ramp too where they are in
    portfolio mode. Errors: BenchError with what does not."""
    now = stand.rpc.timestamp()
    for actor in actors:
        word, _, legs = stand.read(stand.house, "portfolio", actor.account)
        found = _legs(stand, word, legs)
        if not found:
            raise BenchError(f"the {actor.name} has no leg that could bind")
        missing = {f"market {leg.market_id}: {one}" for leg in found for one in unbound(leg, now)}
        if ACCOUNT.unpack(word)["mode"] & PORTFOLIO:
            missing |= _unbound_matrix(stand, found, now)
        if missing:
            raise BenchError(f"not binding for the {actor.name}: {', '.join(sorted(missing))}")


def _legs(stand: Stand, word: int, legs: Iterable[int]) -> list[Leg]:
    markets = ids_of(ACCOUNT.unpack(word)["markets"])
    prices = stand.read(stand.oracle, "prices", ACCOUNT.unpack(word)["markets"])
    found = []
    for market_id, leg_word, price_word in zip(markets, legs, prices, strict=True):
        leg, price = LEG.unpack(leg_word), PRICE.unpack(price_word)
        notional = abs(leg["size"]) * price["price"]
        interest = leg["open_interest"] * price["price"]
        risk = _risk(stand, market_id)
        found.append(Leg(market_id, risk, notional, interest, price["volatility"]))
    return found


def _risk(stand: Stand, market_id: int) -> Risk:
    return Risk.of_words(*stand.read(stand.model, "risk_words_of", market_id))


def _unbound_matrix(stand: Stand, legs: Iterable[Leg], now: int) -> set[str]:
    """A ramp from a matrix to another that both know these markets."""
    matrix = MATRIX.unpack(stand.read(stand.model, "matrix_word"))
    missing = set()
    if not 0 < now - matrix["ramp_start"] < RAMP:
        missing.add("the ramp of the matrix")
    for leg in legs:
        for version in (matrix["version"], matrix["earlier"]):
            if not stand.read(stand.model, "shocks", version, leg.market_id)[0]:
                missing.add(f"market {leg.market_id} in matrix {version}")
    return missing
