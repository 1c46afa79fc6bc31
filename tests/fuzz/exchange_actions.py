"""Orders: signed and direct, resting and fresh, matched in batches, cancelled, refused."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from seawall.spec.clearinghouse import Operator
from seawall.spec.orders import Fees, Order
from seawall.spec.words import LOT, PPM, TICK
from tests.fuzz import promises
from tests.fuzz.clearing_actions import (
    draw_market,
    draw_size,
    owner_name,
    set_operator,
    size_of,
)
from tests.fuzz.signing import (
    CANCEL,
    MATCH,
    Offer,
    direct,
    offer,
    order_words,
    packed_makers,
    packed_taker,
    spoilt,
)
from tests.fuzz.stage import MAIN_MARKETS
from tests.fuzz.trading import parties, send_trades
from tests.fuzz.world import World

#: Offers that are kept to be filled later.
BOOK_SIZE = 40
STRANGER = "thief"


def _draw_limit(world: World, dice: Random, market_id: int) -> int:
    """A price within the band, at its edge, or just beyond."""
    index = max(TICK, world.prices[market_id].price)
    band = world.venue.fees[market_id].band
    inside = dice.randrange(-band // 2, band // 2 + 1)
    edge = dice.choice([band, -band])
    offset = dice.choice([0, 0, inside, inside, inside, edge])
    price = index * (PPM + offset) // PPM // TICK * TICK
    if offset == edge:
        price += dice.choice([0, TICK, -TICK])
    return max(TICK, price)


def _draw_order(
    world: World, dice: Random, account: int, market_id: int, buys: bool, price: int
) -> Order:
    size = draw_size(world, dice, market_id, 4) // LOT * LOT or LOT
    reduce_only = dice.random() < 0.12
    if reduce_only and dice.random() < 0.7:
        size = abs(size_of(world, account, market_id)) or size
    return Order(
        account=account,
        market_id=market_id,
        size=size if buys else -size,
        limit_price=price,
        expiry=world.chain.time + dice.choice([1, 1_000, 10**6, 10**9]),
        salt=dice.randrange(2**32),
        reduce_only=reduce_only,
    )


def _draw_makers(world: World, dice: Random, taker: Order, number: int) -> list[Offer]:
    """Fresh orders of the other side at the taker's price or better, and resting ones."""
    buys = taker.size < 0
    makers = []
    others = [account for account in world.accounts if account != taker.account]
    for _ in range(number):
        account = dice.choice(others)
        order = _draw_order(world, dice, account, taker.market_id, buys, taker.limit_price)
        better = taker.limit_price // 10_000 * dice.choice([0, 1, 5]) // TICK * TICK
        price = max(TICK, taker.limit_price + (better if buys else -better))
        order = replace(order, limit_price=price, post_only=dice.random() < 0.3)
        makers.append(offer(world, order, world.name_of(account)))
    resting = [made for made in world.orders if _crosses(taker, made.signed.order)]
    if resting and dice.random() < 0.3:
        return dice.sample(resting, min(number, len(resting)))
    if resting:
        makers[: dice.randrange(len(makers) + 1)] = dice.sample(resting, min(2, len(resting)))
    return makers


def _crosses(taker: Order, maker: Order) -> bool:
    """Whether a resting order may be tried against a taker."""
    if maker.market_id != taker.market_id or maker.account == taker.account:
        return False
    if (maker.size > 0) == (taker.size > 0):
        return False
    gap = maker.limit_price - taker.limit_price
    return gap <= 0 if taker.size > 0 else gap >= 0


def _match(world: World, action: str, sender: str, taker: Offer, makers: list[Offer]) -> bool:
    signed = [maker.signed for maker in makers]
    accounts = {one.order.account for one in (taker.signed, *signed)}
    for one in (taker.signed, *signed):
        world.note("with", one.order, "signed by", one.signer)
    passed = send_trades(
        world,
        action,
        sender,
        MATCH,
        [packed_taker(taker), packed_makers(makers)],
        lambda: world.venue.match(int(sender, 16), taker.signed, signed),
        accounts,
        world.exchange,
    )
    for made in (taker, *makers):
        _expect_filled(world, made.signed.digest)
    if passed:
        promises.check_no_hidden_debt(world, parties(world))
        world.orders = [*world.orders, *makers][-BOOK_SIZE:]
        if taker.signed.signer is not None:
            world.orders.append(taker)
    return passed


def _expect_filled(world: World, digest: bytes) -> None:
    filled, view = world.venue.filled[digest], "filled(bytes32)"
    number = int.from_bytes(digest, "big")
    world.expect("filled", filled, view, number, target=world.exchange)


def _draw_match(world: World, dice: Random, makers: int) -> tuple[Offer, list[Offer], str]:
    """A taker, signed or direct, its makers, and who sends."""
    market_id = draw_market(dice)
    if dice.random() < 0.3:
        # As if another transaction of the match's block had refreshed the index.
        index = world.prices[market_id]
        world.set_price(market_id, index._replace(refreshed_at=world.chain.time + 2))
    account = dice.choice(world.accounts)
    price = _draw_limit(world, dice, market_id)
    order = _draw_order(world, dice, account, market_id, dice.random() < 0.5, price)
    offers = _draw_makers(world, dice, order, makers)
    if dice.random() < 0.5:
        return direct(world, order), offers, owner_name(world, account)
    return offer(world, order, world.name_of(account)), offers, world.chain.actor(STRANGER)


def match(world: World, dice: Random) -> None:
    """One taker and one maker."""
    taker, makers, sender = _draw_match(world, dice, 1)
    _match(world, "match", sender, taker, makers)


def match_batch(world: World, dice: Random) -> None:
    """One taker and several makers, some of them twice, some resting."""
    taker, makers, sender = _draw_match(world, dice, dice.randrange(2, 8))
    if dice.random() < 0.2:
        makers.append(makers[0])
    if _match(world, "match_batch", sender, taker, makers):
        world.count("batch of many accounts", len(parties(world)) > 3)


def match_reducing(world: World, dice: Random) -> None:
    """Somebody closes a position with a reduce-only order: whole, in part, or too much."""
    held = [
        (account, market_id)
        for account in world.accounts
        for market_id in MAIN_MARKETS
        if size_of(world, account, market_id)
    ]
    if not held:
        match(world, dice)
        return
    account, market_id = dice.choice(held)
    size = -size_of(world, account, market_id)
    size = dice.choice([size, size, size * 2, size // 2, -size])
    price = _draw_limit(world, dice, market_id)
    order = Order(account, market_id, size, price, world.chain.time + 9, 0, reduce_only=True)
    makers = _draw_makers(world, dice, order, 2)
    large = [replace(one.signed.order, size=_doubled(one.signed.order.size)) for one in makers]
    makers = [offer(world, one, world.name_of(one.account)) for one in large]
    _match(world, "match_reducing", owner_name(world, account), direct(world, order), makers)


def _doubled(size: int) -> int:
    """Twice a size, as far as an order's word carries it."""
    return max(-(2**255), min(2 * size, 2**255 - 1))


def match_by_operator(world: World, dice: Random) -> None:
    """An operator signs for an owner who may have allowed it."""
    taker, makers, sender = _draw_match(world, dice, 1)
    name = dice.choice(["bot", "desk"])
    order = taker.signed.order
    if dice.random() < 0.8:
        until = world.chain.time + dice.choice([1, 2, 10**6])
        largest = abs(order.size) - dice.choice([0] * 9 + [1])
        allowed = Operator(until, largest, 1 << order.market_id)
        set_operator(world, owner_name(world, order.account), name, allowed)
    if dice.random() < 0.5:
        _match(world, "match_by_operator", world.chain.actor(name), direct(world, order), makers)
    else:
        _match(world, "match_by_operator", sender, offer(world, order, name), makers)


def match_refused(world: World, dice: Random) -> None:
    """One thing wrong with the taker's order or with a maker's."""
    taker, makers, sender = _draw_match(world, dice, 2)
    if dice.random() < 0.5:
        rival = makers[0].signed.order.account
        taker, sender = _wrong(world, dice, taker, rival), world.chain.actor(STRANGER)
    else:
        makers[-1] = _wrong(world, dice, makers[-1], taker.signed.order.account)
    _match(world, "match_refused", sender, taker, makers)


def _wrong(world: World, dice: Random, made: Offer, rival: int) -> Offer:
    """The order with one thing changed; `rival` is an account on the other side."""
    order = made.signed.order
    name = world.name_of(order.account)
    changes: list[dict[str, Any]] = [
        {"size": 0},
        {"size": order.size + dice.choice([1, -1])},
        {"size": dice.choice([2**111, -(2**111), -(2**255)])},
        {"size": -order.size},
        {"size": -order.size},
        {"limit_price": dice.choice([0, order.limit_price + 1])},
        {"limit_price": order.limit_price // 2 // TICK * TICK},
        {"limit_price": order.limit_price * 2},
        {"trigger_price": 5},
        {"expiry": world.chain.time},
        {"expiry": 0},
        {"post_only": True},
        {"reduce_only": True},
        {"market_id": dice.choice([0, 20, 40, 128, 2**255, 3])},
        {"account": dice.choice([0, 1, 2, 2**96 - 1])},
        {"account": rival},
    ]
    case = dice.randrange(len(changes) + 3)
    if case < len(changes):
        order = replace(order, **changes[case])
        return offer(world, order, world.name_of(order.account))
    if case == len(changes):
        return offer(world, order, STRANGER)
    return spoilt(offer(world, order, name), dice.randrange(5))


def cancel(world: World, dice: Random) -> None:
    """Resting orders are made unfillable, by their owner, an operator or somebody else."""
    if not world.orders:
        match(world, dice)
    if not world.orders:
        return
    first = dice.choice(world.orders)
    owner = owner_name(world, first.signed.order.account)
    same = [one for one in world.orders if owner_name(world, one.signed.order.account) == owner]
    chosen = [first, *dice.sample(same, min(len(same), dice.randrange(3)))]
    if dice.random() < 0.1:
        chosen.append(dice.choice(world.orders))
    sender = owner
    if dice.random() < 0.15:
        sender = world.chain.actor(dice.choice(["bot", "desk", STRANGER]))
    orders = [(one.signed.order, one.signed.digest) for one in chosen]
    world.send(
        "cancel",
        sender,
        CANCEL,
        [[order_words(order) for order, _ in orders]],
        lambda: world.venue.cancel(int(sender, 16), orders),
        world.exchange,
    )
    for _, digest in orders:
        _expect_filled(world, digest)


def cancel_below(world: World, dice: Random) -> None:
    """All orders of an account with a smaller salt are made unfillable."""
    account = dice.choice(world.accounts)
    before = world.venue.min_salt[account]
    salt = dice.choice([before + dice.randrange(1, 2**31)] * 5 + [before, 0])
    sender = owner_name(world, account)
    if dice.random() < 0.1:
        sender = world.chain.actor(STRANGER)
    world.send(
        "cancel_below",
        sender,
        "cancel_below(uint256,uint256)",
        [account, salt],
        lambda: world.venue.cancel_below(int(sender, 16), account, salt),
        world.exchange,
    )
    least, view = world.venue.min_salt[account], "min_salt(uint256)"
    world.expect("salt", least, view, account, target=world.exchange)


def set_fees(world: World, dice: Random) -> None:
    """Fees and band of a market, within the ceilings and beyond."""
    market_id = dice.choice([*MAIN_MARKETS * 5, 0, 128])
    fees = Fees(
        dice.choice([0, 1, 100] * 5 + [10_000, 10_001]),
        dice.choice([0, 400, 400] * 5 + [10_000, 10_001]),
        dice.choice([1_000, 50_000, 50_000, 100_000] * 4 + [999, 100_001]),
    )
    world.set_fees(market_id, fees)
