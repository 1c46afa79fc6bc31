"""Traders drawn from one seed: the same seed gives the same accounts, keys and positions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from seawall.demo.errors import DemoError
from seawall.demo.scene import Crowd
from seawall.parameters import MarketParameters
from seawall.spec.words import PPM, WAD, account_id

#: Positions are whole multiples of this size (WAD): 0.0001 BTC or ETH, as venues quote them.
SIZE_STEP = 10**14
#: Part of the second leg when a trader holds two.
_LOWEST_SPLIT, _HIGHEST_SPLIT = 0.3, 0.7


@dataclass(frozen=True)
class Actor:
    """Someone with a key of their own, derived from the seed and a name."""

    seed: int
    name: str

    @cached_property
    def key(self) -> bytes:
        return bytes(keccak(text=f"seawall {self.seed} {self.name}"))

    @cached_property
    def signer(self) -> LocalAccount:
        return Account.from_key(self.key)

    @property
    def address(self) -> str:
        return str(self.signer.address)

    @cached_property
    def account(self) -> int:
        """The margin account number, sub-account 0."""
        return account_id(self.address)


@dataclass(frozen=True)
class Trader:
    """A trader, the whole dollars deposited and the signed WAD size wanted per market."""

    actor: Actor
    kind: str
    collateral: int
    sizes: Mapping[int, int]

    def notional(self, prices: Mapping[int, int]) -> int:
        """Gross notional (WAD) at WAD prices by market, rounded down."""
        return sum(abs(size) * prices[market] // WAD for market, size in self.sizes.items())


def draw(
    crowd: Crowd, seed: int, markets: tuple[MarketParameters, ...], prices: Mapping[int, int]
) -> list[Trader]:
    """The crowd at WAD prices by market id; each account meets initial margin after its fees."""
    source = random.Random(seed)
    by_symbol = {market.symbol: market for market in markets}
    unknown = set(crowd.kinds) - set(by_symbol) - {"both", "hedged"}
    if unknown:
        raise DemoError(f"crowd kinds {sorted(unknown)}: no such market, {sorted(by_symbol)} exist")
    return [
        _draw_one(crowd, source, Actor(seed, f"trader {number}"), by_symbol, prices)
        for number in range(crowd.accounts)
    ]


def _draw_one(
    crowd: Crowd,
    source: random.Random,
    actor: Actor,
    markets: Mapping[str, MarketParameters],
    prices: Mapping[int, int],
) -> Trader:
    collateral = round(_clamped(
        source.lognormvariate(math.log(crowd.median_collateral), crowd.collateral_spread),
        crowd.lowest_collateral, crowd.highest_collateral,
    ))  # fmt: skip
    leverage = _clamped(
        source.lognormvariate(math.log(crowd.median_leverage), crowd.leverage_spread),
        crowd.lowest_leverage, crowd.highest_leverage,
    )  # fmt: skip
    kind = source.choices(list(crowd.kinds), list(crowd.kinds.values()))[0]
    shares = _shares(kind, list(markets), 1 if source.random() < crowd.long_share else -1, source)
    held = {markets[symbol].market_id: share for symbol, share in shares.items()}
    wanted = min(round(collateral * leverage * WAD), _affordable(collateral, held, markets))
    sizes = {}
    for market_id, share in held.items():
        size = int(wanted * abs(share)) // (prices[market_id] * SIZE_STEP // WAD) * SIZE_STEP
        sizes[market_id] = size if share > 0 else -size
    return Trader(actor, kind, collateral, sizes)


def _shares(kind: str, symbols: list[str], side: int, source: random.Random) -> dict[str, float]:
    """Signed part of the notional per symbol; the parts add up to one in absolute terms."""
    if kind in symbols:
        return {kind: float(side)}
    first = source.uniform(_LOWEST_SPLIT, _HIGHEST_SPLIT)
    other = side if kind == "both" else -side
    return {symbols[0]: side * first, symbols[1]: other * (1 - first)}


def _affordable(
    collateral: int, held: Mapping[int, float], markets: Mapping[str, MarketParameters]
) -> int:
    """Largest notional (WAD) that opens at or above initial margin, fees and reserves paid."""
    legs = [market for market in markets.values() if market.market_id in held]
    rate = max(leg.initial for leg in legs) + max(leg.taker_fee for leg in legs)
    return (collateral * WAD - sum(leg.reserve for leg in legs)) * PPM // rate


def _clamped(number: float, lowest: float, highest: float) -> float:
    return min(max(number, lowest), highest)
