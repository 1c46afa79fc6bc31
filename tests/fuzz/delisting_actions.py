"""Markets that are halted or end: those whose index follows feeds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from seawall.spec.delisting import LONGEST_NOTICE, NOTICE, SILENCE, WINDOW
from seawall.spec.index_modes import HALT_GRACE, HALT_PAUSE, HALT_SECONDS
from seawall.spec.margin import Price
from seawall.spec.oracle import NO_PRICE
from seawall.spec.state import require
from seawall.spec.words import MAX_HALF_WIDTH
from tests.fuzz import compare
from tests.fuzz.clearing_actions import fill_market, owner_name
from tests.fuzz.compare import market_ids_of
from tests.fuzz.index import INDEXED
from tests.fuzz.stage import ANCHORS
from tests.fuzz.world import World

#: Markets with feeds.
FED_MARKETS = tuple(leg_id for leg_id in INDEXED if leg_id < 128)
UNUSABLE = MAX_HALF_WIDTH


def _send(
    world: World,
    sender: str,
    signature: str,
    arguments: list[int | list[int]],
    predict: Callable[[], int | None],
) -> tuple[bool, int]:
    """A call of the module, by a name of an actor."""
    name = signature.partition("(")[0]
    who = world.chain.actor(sender)
    return world.send(name, who, signature, arguments, predict, world.delisting_address)


def halt(world: World, dice: Random) -> None:
    """The guardian stops a market; it is lifted, runs out, or goes on; sometimes too early."""
    market_id, index = dice.choice(FED_MARKETS), world.index
    if dice.random() < 0.7 and index.halted.started_at:
        world.warp(max(1, index.halted.started_at + HALT_PAUSE - world.chain.time))
    if not _halts(world, market_id, "halt", lambda: index.begin_halt(market_id, world.spec.now)):
        return
    world.count("halted")
    _look(world, market_id)
    if dice.random() < 0.3:
        other = dice.choice(FED_MARKETS)
        _halts(world, other, "lift_halt", lambda: index.end_halt(other, world.spec.now))
    elif dice.random() < 0.8:
        world.warp(HALT_SECONDS + dice.choice([-60, 0, 60, HALT_GRACE]))
        old = world.index.price(market_id, world.spec.now)
        world.set_price(market_id, Price(old.price, world.chain.time))


def _halts(world: World, market_id: int, name: str, predict: Callable[[], None]) -> bool:
    guardian, index = world.chain.actor("index guardian"), world.chain.addr("index")
    signature = f"{name}(uint256)"
    return world.send(name, guardian, signature, [market_id], predict, index)[0]


def end_market(world: World, dice: Random) -> None:
    """A market's next step towards its end, mostly when it is due."""
    market_id = dice.choice(FED_MARKETS)
    ending = world.delister.endings[market_id]
    if ending.settled_at:
        _send_settle(world, market_id)
    elif ending.fixed_at:
        _settle(world, dice, market_id)
    elif ending.fixing_at and dice.random() < 0.8:
        _fix_announced(world, dice, market_id)
    elif dice.random() < 0.5:
        _announce(world, dice, market_id)
    else:
        _fix_silent(world, dice, market_id)


def _announce(world: World, dice: Random, market_id: int) -> None:
    for _ in range(2):
        fill_market(world, dice, market_id)
    markets = [market_id, *dice.choice([[], [], FED_MARKETS, [60]])]
    sender = dice.choice(["timelock"] * 9 + ["thief"])
    notice = dice.choice([NOTICE, NOTICE, LONGEST_NOTICE, NOTICE - 1, LONGEST_NOTICE + 1])
    at = world.chain.time + 1 + notice
    owner = sender == "timelock"
    _send(
        world,
        sender,
        "announce(uint256[],uint256)",
        [markets, at],
        lambda: _by_owner(owner, lambda: world.delister.announce(markets, at)),
    )
    if dice.random() < 0.1:
        cancelled = dice.choice(FED_MARKETS)
        _send(
            world,
            "timelock",
            "cancel(uint256)",
            [cancelled],
            lambda: world.delister.cancel(cancelled),
        )


def _by_owner(owner: bool, act: Callable[[], None]) -> None:
    require(owner, "ownable: caller is not the owner")
    act()


def _look(world: World, market_id: int) -> None:
    """The word as the index has stored it."""
    word, index = world.index.words.get(market_id, NO_PRICE), world.chain.addr("index")
    world.expect("index word", word, "price_word(uint256)", market_id, target=index)


def _refresh(world: World, market_id: int) -> None:
    """Somebody brings the index up to date."""
    world.send(
        "refresh",
        world.chain.actor("keeper"),
        "refresh(uint256)",
        [1 << market_id],
        lambda: [32, 1, world.refreshed(market_id)],
        world.chain.addr("index"),
    )


def _fix_announced(world: World, dice: Random, market_id: int) -> None:
    due = world.delister.endings[market_id].fixing_at - world.chain.time - 1
    if due > 0 and dice.random() < 0.9:
        world.warp(due)
    old = world.index.price(market_id, world.chain.time)
    width = dice.choice([0, 0, 0, 1_000, 1_001, UNUSABLE])
    price = max(old.price, ANCHORS[market_id] // 1_000)
    world.set_price(market_id, Price(price, world.chain.time, half_width=width))
    _fix(world, dice, market_id)


def _fix_silent(world: World, dice: Random, market_id: int) -> None:
    old = world.index.price(market_id, world.chain.time)
    if dice.random() < 0.9:
        price = old.price or ANCHORS[market_id]
        world.set_price(market_id, Price(price, world.chain.time, half_width=UNUSABLE))
    passed = _report(world, market_id)
    if not passed:
        return
    _look(world, market_id)
    world.warp(SILENCE - dice.choice([0, 0, 0, 2]))
    if dice.random() < 0.5:
        # It comes back, is seen, and falls silent again: the clock is void until the next report.
        for width in (0, UNUSABLE):
            world.set_price(market_id, Price(old.price, world.chain.time, half_width=width))
            _look(world, market_id)
        if dice.random() < 0.5:
            _report(world, market_id)
    _fix(world, dice, market_id)


def _report(world: World, market_id: int) -> bool:
    passed, _ = _send(
        world,
        "keeper",
        "report_silence(uint256)",
        [market_id],
        lambda: world.delister.report_silence(market_id),
    )
    return passed


def _fix(world: World, dice: Random, market_id: int) -> None:
    passed, _ = _send(
        world,
        "keeper",
        "fix(uint256)",
        [market_id],
        lambda: world.delister.fix(market_id),
    )
    if not passed:
        return
    world.count("price fixed")
    _look(world, market_id)
    compare.touched(world, [], [market_id])
    # What the feeds say from now on is nobody's business.
    if dice.random() < 0.5:
        world.set_price(market_id, Price(ANCHORS[market_id] * 2, world.chain.time))
    _stay(world, dice, market_id)


def _stay(world: World, dice: Random, market_id: int) -> None:
    """Nobody with a leg in it takes value out (spec, section 3)."""
    held = [one for one in world.accounts if market_id in market_ids_of(world, one)]
    if not held:
        return
    account = dice.choice(held)
    owner = owner_name(world, account)
    passed, _ = world.send(
        "withdraw",
        owner,
        "withdraw(uint256,uint256,uint256,address)",
        [account, 0, 1, owner],
        lambda: list(world.spec.withdraw(int(owner, 16), account, 0, 1, int(owner, 16))),
    )
    world.must("no exit before the settlement", not passed, hex(account))
    world.count("stayed")


def _settle(world: World, dice: Random, market_id: int) -> None:
    due = world.delister.endings[market_id].fixed_at + WINDOW - world.chain.time - 1
    if due > 0 and dice.random() < 0.8:
        world.warp(max(1, due - dice.choice([0, 0, 0, 1])))
    if not _send_settle(world, market_id):
        return
    world.count("market settled")
    _look(world, market_id)
    compare.touched(world, world.everyone, [market_id])
    sizes = [
        size
        for account in world.everyone
        for leg_id, _, size in world.spec.portfolio(account)[1]
        if leg_id == market_id
    ]
    world.must("legs of a settled market", not any(sizes), sizes)


def _send_settle(world: World, market_id: int) -> bool:
    return _send(
        world,
        "keeper",
        "settle(uint256)",
        [market_id],
        lambda: world.delister.settle(market_id),
    )[0]


def come_to_an_end(world: World) -> None:
    """No halt stands in the way of whoever brings a state to rest."""
    index, now = world.index, world.chain.time
    if index.halted.until + HALT_GRACE >= now:
        world.warp(index.halted.until + HALT_GRACE - now + 1)
