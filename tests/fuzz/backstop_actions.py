"""Buckets of the Backstop: capital in and out, positions taken over, inventory sold."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from seawall.spec.backstop import Bucket, Offer
from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.state import Reverted
from seawall.spec.words import GATE_NONE, LOT, PPM, PRICE, RATIO, WAD
from tests.fuzz import compare
from tests.fuzz.clearing_actions import draw_market, draw_size, holders, owner_name, paid, size_of
from tests.fuzz.stage import AUCTION, MAIN_MARKETS, OI_CAP
from tests.fuzz.trading import send_trades, trade
from tests.fuzz.world import World

SET_BUCKET = "set_bucket(uint256,uint256,uint256,uint256,uint256)"
TAKE, ROOM = "take(uint256,int256,uint256)", "room(uint256,int256,uint256)"
BUY = "buy(uint256,uint256,int256,uint256)"
#: What scaled shares may round of a bucket's equity at the highest price, WAD.
ROUNDING = 10**10
MOST = 2**256 - 1


def _told(act: Callable[[], Any]) -> Any:
    """What the specification answers now; None where it reverts."""
    try:
        return act()
    except (Reverted, ArithmeticError):
        return None


def expect_bucket(world: World, dice: Random, market_id: int) -> None:
    """A bucket's word and account, what it would take and sell, and what all of them are worth."""
    world.spec.now = world.chain.time
    stop, target = world.stop, world.backstop
    word = stop.buckets[market_id].word
    world.expect(f"bucket {market_id}", word, "bucket_word(uint256)", market_id, target=target)
    world.expect("buckets", stop.open, "open_buckets()", target=target)
    world.expect("nav", _told(stop.nav), "nav()", target=target)
    offer = _told(lambda: stop.offer(market_id))
    world.expect(f"offer {market_id}", offer, "offer(uint256)", market_id, target=target)
    size = _draw_size(world, dice, market_id)
    price = world.prices[market_id]
    room = _told(lambda: stop.room(market_id, size, price))
    price_word = PRICE.pack(**price._asdict())
    name = f"room {market_id}"
    world.expect(name, room, ROOM, market_id, size, price_word, target=target)
    compare.touched(world, [stop.account(0), stop.account(market_id)], [market_id])


def _draw_size(world: World, dice: Random, market_id: int) -> int:
    """Up to far more than a bucket takes, either sign, mostly on the lot."""
    size = draw_size(world, dice, market_id, dice.choice([3, 5, 7]))
    return dice.choice([1, -1]) * dice.choice([size, size, size, size * 1_000])


# -- the owner and capital -----------------------------------------------------------------------


def set_bucket(world: World, dice: Random) -> None:
    """Terms that bind often; sometimes by a stranger, of no market, without capital."""
    market_id = draw_market(dice)
    sender = world.owner
    terms = [
        int(10 ** dice.uniform(2, 6)),
        int(10 ** dice.uniform(3, 7)),
        int(10 ** dice.uniform(1, 6)),
        dice.choice([1, 50_000, 200_000, PPM]),
    ]
    oddity = dice.random()
    if oddity < 0.15:
        terms[0] = 0
    elif oddity < 0.18:
        sender = world.chain.actor("thief")
    elif oddity < 0.2:
        market_id = dice.choice([0, 20, 128, 2**255])
    elif oddity < 0.22:
        terms[3] = dice.choice([0, PPM + 1, 2**255])
    elif oddity < 0.24:
        terms[dice.randrange(3)] = 2**34
    _set_bucket(world, dice, market_id, terms, sender)


def _set_bucket(world: World, dice: Random, market_id: int, terms: list[int], sender: str) -> None:
    passed, _ = world.send(
        "set_bucket",
        sender,
        SET_BUCKET,
        [market_id, *terms],
        lambda: world.stop.set_bucket(int(sender, 16), market_id, *terms),
        world.backstop,
    )
    if passed:
        expect_bucket(world, dice, market_id)


def furnish_bucket(world: World, dice: Random, market_id: int) -> None:
    """Terms and capital with which a bucket takes again."""
    terms = [10 ** dice.randrange(4, 7), 10**7, 2**34 - 1, dice.choice([1, 50_000])]
    _set_bucket(world, dice, market_id, terms, world.owner)
    _endow(world, dice)
    _allot(world, dice, market_id)


def _endow(world: World, dice: Random) -> None:
    """Settlement tokens for what is not allotted."""
    whale, free = world.owners["whale"], world.stop.account(0)
    amount = int(10 ** dice.uniform(8, 12))
    passed, _ = world.send(
        "endow",
        whale,
        "deposit(uint256,uint256,uint256)",
        [free, 0, amount],
        lambda: world.spec.deposit(int(whale, 16), free, 0, amount),
    )
    if passed:
        world.wallets[0, whale] -= amount
        world.wallets[0, world.house] += amount
        compare.touched(world, [free])
        compare.expect_wallet(world, 0, whale)


def _draw_bucket(world: World, dice: Random) -> int:
    """The market of a bucket, or now and then of none."""
    found = [market_id for market_id in MAIN_MARKETS if world.stop.buckets[market_id].initial]
    if not found:
        set_bucket(world, dice)
    return dice.choice(found * 9 + [draw_market(dice)])


def allot(world: World, dice: Random) -> None:
    """A bucket is filled up, as far as there is something."""
    market_id = _draw_bucket(world, dice)
    if world.spec.ledger.accounts[world.stop.account(0)].cash < 100 * WAD:
        _endow(world, dice)
    _allot(world, dice, market_id)


def _allot(world: World, dice: Random, market_id: int) -> None:
    before = world.spec.ledger.accounts[world.stop.account(0)].cash
    passed, moved = world.send(
        "allot",
        world.chain.actor("keeper"),
        "allot(uint256)",
        [market_id],
        lambda: world.stop.allot(market_id),
        world.backstop,
    )
    if passed:
        world.must("allotted from what is free", 0 <= moved <= max(0, before), (moved, before))
        world.count("allotted", moved > 0)
        expect_bucket(world, dice, market_id)


def release(world: World, dice: Random) -> None:
    """What a bucket has too much goes back."""
    market_id = _draw_bucket(world, dice)
    bucket = world.stop.buckets[market_id]
    if bucket.initial and dice.random() < 0.4:
        terms = [bucket.capital // 2, bucket.max_notional, bucket.loss_budget, bucket.initial]
        _set_bucket(world, dice, market_id, terms, world.owner)
    if dice.random() < 0.02:
        market_id = dice.choice([0, 128, 2**255])
    passed, moved = world.send(
        "release",
        world.chain.actor("keeper"),
        "release(uint256)",
        [market_id],
        lambda: world.stop.release(market_id),
        world.backstop,
    )
    if passed:
        bucket = world.stop.buckets[market_id]
        found = world.spec.assess(world.stop.account(market_id))
        holds = moved == 0 or found.settled >= max(found.initial, bucket.capital * WAD)
        world.must("released beyond capital and margin", holds, (moved, found, bucket))
        world.count("released", moved > 0)
        world.count("bucket closed", bucket == Bucket())
        expect_bucket(world, dice, market_id)


# -- positions in and out ------------------------------------------------------------------------


def take_in(world: World, dice: Random) -> None:
    """A bucket takes over from whoever holds a leg, as a stage of the waterfall would have it."""
    market_id = _draw_bucket(world, dice)
    bucket = world.stop.account(market_id)
    size = _draw_size(world, dice, market_id)
    sellers = [one for one in holders(world, market_id) if one != bucket]
    if sellers and dice.random() < 0.7:
        size = size_of(world, dice.choice(sellers), market_id) or size
    market = world.spec.ledger.markets[market_id]
    # The broker opens what it hands over, and no cap of open interest holds it.
    if max(market.long.size, market.short.size) + abs(size) > OI_CAP:
        return
    room = _told(lambda: world.stop.room(market_id, size, world.prices[market_id]))
    if room == 0 and dice.random() < 0.7:
        furnish_bucket(world, dice, market_id)
    module = world.chain.actor(dice.choice(["broker"] * 19 + ["dealer"]))
    price = world.prices[market_id]
    held = size_of(world, bucket, market_id)
    passed, _ = world.send(
        "take_in",
        module,
        TAKE,
        [market_id, size, PRICE.pack(**price._asdict())],
        lambda: world.stop.take(module, market_id, size, price),
        world.backstop,
    )
    if not passed:
        return
    taken = _clock_change(world, market_id, held, size, price)
    if taken:
        seller = dice.choice([one for one in world.accounts if one != bucket])
        money = paid(taken, price.price)
        changes = [
            Change(bucket, taken, money, 0, GATE_NONE),
            Change(seller, -taken, -money, 0, GATE_NONE),
        ]
        trade(world, "hand over", "broker", market_id, changes)
        _check_limits(world, market_id, held, price)
    expect_bucket(world, dice, market_id)


def _clock_change(world: World, market_id: int, held: int, size: int, price: Price) -> int:
    """What was taken: the same that `room` says, which no clock has a part in."""
    taken = world.stop.room(market_id, size, price)
    world.count("bucket took", taken != 0)
    world.count("bucket took a part", 0 < abs(taken) < abs(size))
    world.count("bucket took nothing", taken == 0)
    world.count("bucket reduced", taken * held < 0)
    return taken


def _check_limits(world: World, market_id: int, held: int, price: Price) -> None:
    """A bucket that has grown is within its own limits and above its maintenance margin."""
    bucket, account = world.stop.buckets[market_id], world.stop.account(market_id)
    after = size_of(world, account, market_id)
    if after == 0 or (held * after > 0 and abs(after) <= abs(held)):
        return
    base, legs = world.spec.portfolio(account)
    plan = world.model.plan(base, legs, [price], world.spec.now)
    notional = abs(after) * price.price // WAD
    world.must("bucket's notional", notional <= bucket.max_notional * WAD, (notional, bucket))
    least = notional * bucket.initial // PPM
    world.must("bucket's equity", plan.equity + ROUNDING >= least, (plan, bucket))
    world.must("bucket's margin", plan.equity + ROUNDING >= plan.maintenance, (plan, bucket))
    # What a side has won since the EMA it may be charged, and the bucket has not won it.
    average = price.price * price.ema_ratio // RATIO
    gap = price.price - average if after > 0 else average - price.price
    left = plan.equity + ROUNDING - abs(after) * max(0, gap) // WAD
    world.count("bucket took after a gap", gap > 0)
    world.must("bucket's margin for a gap", left >= plan.maintenance, (plan, bucket, gap))
    world.must("bucket's budget for a gap", left >= bucket.floor, (plan, bucket, gap))


def buy_inventory(world: World, dice: Random) -> None:
    """All or a part of an inventory, after a while; beyond a limit; for somebody poor."""
    stocked = [
        one for one in MAIN_MARKETS if size_of(world, world.stop.account(one), one) != 0
    ]  # fmt: skip
    if not stocked:
        take_in(world, dice)
    market_id = dice.choice(stocked or MAIN_MARKETS)
    world.warp(dice.choice([1, 60, AUCTION.duration // 4, AUCTION.duration // 2]))
    bucket = world.stop.account(market_id)
    held = size_of(world, bucket, market_id)
    rich = sorted(world.accounts, key=lambda one: -world.spec.ledger.accounts[one].cash)
    buyer = dice.choice([*rich[:3] * 5, *world.accounts])
    size = dice.choice([held, held, held, held * 2, held // 2, held // 9, LOT, -held])
    if size == 0:
        size = dice.choice([WAD, WAD, -WAD, 0])
    limit = MOST if size > 0 else 0
    offer = _told(lambda: world.stop.offer(market_id)) or Offer()
    if dice.random() < 0.2:
        limit = max(0, offer.price + dice.choice([0, 10**12, -(10**12)]))
    sender = owner_name(world, buyer)
    if dice.random() < 0.03:
        sender = world.chain.actor(dice.choice(["bot", "thief"]))
    _buy(world, dice, market_id, buyer, size, limit, sender)


def _buy(
    world: World, dice: Random, market_id: int, buyer: int, size: int, limit: int, sender: str
) -> None:
    bucket = world.stop.account(market_id)
    world.spec.now = world.chain.time + 1
    before = _equity(world, market_id)
    floor = world.stop.buckets[market_id].floor
    done: list[int] = []

    def predict() -> int:
        done[:] = world.stop.buy(int(sender, 16), buyer, market_id, size, limit)
        return done[0]

    arguments = (buyer, market_id, size, limit)
    passed = send_trades(
        world, "buy_inventory", sender, BUY, arguments, predict, [buyer], world.backstop
    )  # fmt: skip
    if not passed:
        return
    after, index = _equity(world, market_id), world.prices[market_id].price
    better = (done[1] < index) == (done[0] > 0) and done[1] != index
    world.count("bought at a discount", better)
    world.count("bought at a premium", not better and done[1] != index)
    world.count("bought all", size_of(world, bucket, market_id) == 0)
    if before is not None and after is not None:
        holds = after + ROUNDING >= min(before, floor)
        world.must("loss budget", holds, (before, after, floor))
    expect_bucket(world, dice, market_id)


def _equity(world: World, market_id: int) -> int | None:
    """Of a bucket at the index."""
    found = _told(lambda: world.spec.assess(world.stop.account(market_id)))
    return None if found is None else int(found.equity)
