"""Before the day starts: deposits, the fund's savers, and positions opened by signed orders."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seawall.client.orders import Domain, Order, SignedOrder, direct, sign
from seawall.demo.chain import Call, call
from seawall.demo.population import Actor, Trader, draw
from seawall.demo.scene import Scene
from seawall.demo.venue import Venue
from seawall.spec.words import WAD

#: Makers in one match, the most that the Exchange takes.
_BATCH = 20
_MINT_GAS, _APPROVE_GAS, _DEPOSIT_GAS, _MATCH_GAS = 120_000, 100_000, 300_000, 7_000_000
_ORDER_LIFE_SECONDS = 86_400

#: Signed WAD sizes by account and market.
Positions = dict[int, dict[int, int]]


@dataclass(frozen=True)
class Cast:
    """Everyone in the story; `positions` are as the Exchange reported the fills."""

    traders: Sequence[Trader]
    market_makers: Sequence[Actor]
    keeper: Actor
    savers: Sequence[Actor]
    positions: Positions
    notional_opened: int

    @property
    def open_accounts(self) -> list[int]:
        """Every account that may hold a position: traders, market makers, the keeper last."""
        others = [actor.account for actor in (*self.market_makers, self.keeper)]
        return [trader.actor.account for trader in self.traders] + others


def open_day(venue: Venue, scene: Scene, closes: Mapping[int, Decimal]) -> Cast:
    """Fund everyone and open every position at these closes. Errors: DemoError."""
    source = random.Random(scene.seed)
    venue.chain.block(venue.price_calls(closes, source), venue.chain.time + 1)
    prices = {market_id: int(close * WAD) for market_id, close in closes.items()}
    traders = draw(scene.crowd, scene.seed, venue.parameters.markets, prices)
    makers = [Actor(scene.seed, f"market maker {i}") for i in range(scene.market_makers)]
    keeper = Actor(scene.seed, "keeper")
    savers = [Actor(scene.seed, f"saver {i}") for i in range(len(scene.fund_deposits))]
    gross = sum(trader.notional(prices) for trader in traders)
    capital = int(gross // WAD * scene.maker_capital_share) // len(makers)
    deposits = [(trader.actor, trader.collateral) for trader in traders]
    deposits += [(maker, capital) for maker in makers] + [(keeper, scene.keeper_capital)]
    deposit(venue, deposits)
    save(venue, list(zip(savers, scene.fund_deposits, strict=True)))
    positions = trade(venue, traders, makers, prices)
    return Cast(traders, makers, keeper, savers, positions, gross)


def deposit(venue: Venue, deposits: Sequence[tuple[Actor, int]]) -> None:
    """Mint, approve and deposit whole dollars, each by its owner."""
    unit = 10**venue.parameters.settlement.decimals
    house = venue.house.address
    _mint(venue, deposits)
    venue.chain.blocks(
        call(venue.token, who.address, _APPROVE_GAS, "approve", house, dollars * unit)
        for who, dollars in deposits
    )
    venue.chain.blocks(
        call(venue.house, who.address, _DEPOSIT_GAS, "deposit", who.account, 0, dollars * unit)
        for who, dollars in deposits
    )


def save(venue: Venue, deposits: Sequence[tuple[Actor, int]]) -> None:
    """Savers buy shares of the insurance fund."""
    unit = 10**venue.parameters.settlement.decimals
    fund = venue.fund.address
    _mint(venue, deposits)
    venue.chain.blocks(
        call(venue.token, who.address, _APPROVE_GAS, "approve", fund, dollars * unit)
        for who, dollars in deposits
    )
    venue.chain.blocks(
        call(venue.fund, who.address, 2 * _DEPOSIT_GAS, "deposit", dollars * unit, who.address)
        for who, dollars in deposits
    )


def _mint(venue: Venue, deposits: Sequence[tuple[Actor, int]]) -> None:
    unit = 10**venue.parameters.settlement.decimals
    venue.chain.blocks(
        call(venue.token, venue.reporter, _MINT_GAS, "mint", who.address, dollars * unit)
        for who, dollars in deposits
    )


def trade(
    venue: Venue, traders: Sequence[Trader], makers: Sequence[Actor], prices: Mapping[int, int]
) -> Positions:
    """Traders sign resting orders, market makers take them in batches."""
    chain_id = int(venue.chain.rpc.call("eth_chainId"), 16)
    domain = Domain(chain_id, venue.exchange.address)
    expiry = venue.chain.time + _ORDER_LIFE_SECONDS
    queues: dict[tuple[int, bool], list[SignedOrder]] = defaultdict(list)
    for number, trader in enumerate(traders):
        for market_id, size in trader.sizes.items():
            order = Order(trader.actor.account, market_id, size, prices[market_id], expiry, number)
            queues[market_id, size > 0].append(sign(order, domain, trader.actor.signer))
    calls: list[Call] = []
    for (market_id, _), orders in sorted(queues.items()):
        for start in range(0, len(orders), _BATCH):
            batch = orders[start : start + _BATCH]
            maker = makers[len(calls) % len(makers)]
            calls.append(_match(venue, maker, market_id, batch, expiry, salt=len(calls)))
    positions: Positions = defaultdict(lambda: defaultdict(int))
    for receipt in venue.chain.blocks(calls):
        for change in venue.house.events(receipt["logs"], "PositionChanged"):
            positions[change["account"]][change["market_id"]] = change["size"]
    return positions


def _match(
    venue: Venue,
    taker: Actor,
    market_id: int,
    batch: Sequence[SignedOrder],
    expiry: int,
    salt: int,
) -> Call:
    """A market maker takes signed orders of one side at their price."""
    size = -sum(signed.order.size for signed in batch)
    price = batch[0].order.limit_price
    order = direct(Order(taker.account, market_id, size, price, expiry, salt))
    return call(
        venue.exchange, taker.address, _MATCH_GAS, "match",
        order.as_tuple(), [signed.as_tuple() for signed in batch],
    )  # fmt: skip
