"""What modules, the timelock and the world do: waterfall trades, money, terms, prices, time."""

from __future__ import annotations

from random import Random

from seawall.spec.clearinghouse import Change, Terms
from seawall.spec.ledger import Market
from seawall.spec.margin import Price
from seawall.spec.oracle import MAX_PRICE, SETTLEMENT_ID
from seawall.spec.words import IN_GRACE, LISTED, LONG, PPM, RATIO, REDUCE_ONLY, SHORT, TICK, WAD
from tests.fuzz import compare
from tests.fuzz.clearing_actions import (
    draw_fee,
    draw_market,
    draw_price,
    holders,
    owner_name,
    paid,
    size_of,
)
from tests.fuzz.index import FED
from tests.fuzz.stage import ANCHORS, CALM, CAP, COLLATERAL, DECIMALS, MAIN_MARKETS, OI_CAP
from tests.fuzz.trading import trade
from tests.fuzz.world import World

UNUSABLE = 65_535
DAY = 86_400


def _sides(world: World, market_id: int) -> tuple[int, int]:
    market = world.spec.ledger.markets[market_id]
    return market.long.size, market.short.size


# -- waterfall trades ----------------------------------------------------------------------------


def takeover(world: World, dice: Random) -> None:
    """A victim's leg, whole or in part, to a keeper who passes a gate."""
    market_id = draw_market(dice)
    held = holders(world, market_id)
    if not held:
        return
    victim = dice.choice(held)
    keeper = dice.choice([account for account in world.accounts if account != victim])
    have = size_of(world, victim, market_id)
    size = -dice.choice([have, have, have // 2, have // 9, have * 2])
    if size == 0:
        return
    money = paid(size, draw_price(world, dice, market_id))
    changes = [
        Change(victim, size, money, draw_fee(dice, money), 0),
        Change(keeper, -size, -money, 0, dice.choice([1, 1, 2])),
    ]
    trade(world, "takeover", "broker", market_id, changes)


def money_only(world: World, dice: Random) -> None:
    """Money without size between two or three accounts."""
    parties = dice.sample([*world.accounts, world.fee_account], dice.choice([2, 3]))
    moneys = [dice.choice([1, -1]) * int(10 ** dice.uniform(0, 21)) for _ in parties]
    moneys[0] -= sum(moneys)
    changes = [
        Change(account, 0, money, dice.choice([0, 0, 5]), dice.choice([0, 0, 0, 1, 2]))
        for account, money in zip(parties, moneys, strict=True)
    ]
    trade(world, "money_only", "broker", draw_market(dice), changes)


def _worth(world: World, market_id: int, size: int) -> int:
    return size * world.prices[market_id].price // WAD


def side_charge(world: World, dice: Random) -> None:
    """A whole side pays a shortfall, or receives a fee."""
    market_id = draw_market(dice)
    which = dice.choice([LONG, SHORT])
    side = _sides(world, market_id)[which - 1]
    if side == 0:
        return
    loss = _worth(world, market_id, side) // dice.randrange(20, 2_000) + dice.randrange(3)
    if dice.random() < 0.2:
        loss = -loss // 10
    account = dice.choice(world.accounts)
    changes = [Change(which, 0, -loss, 0, 0), Change(account, 0, loss, 0, 0)]
    if dice.random() < 0.5:
        changes.reverse()
    trade(world, "side_charge", "broker", market_id, changes)


def side_close(world: World, dice: Random) -> None:
    """A leg is closed against the other side, pro rata; the charge may come with it."""
    market_id = draw_market(dice)
    held = holders(world, market_id)
    if not held:
        return
    account = dice.choice(held)
    have = size_of(world, account, market_id)
    which = SHORT if have > 0 else LONG
    amount = min(abs(have), _sides(world, market_id)[which - 1])
    amount = dice.choice([amount, amount, amount // 2, amount // 7])
    if amount == 0:
        return
    size = -amount if have > 0 else amount
    money = paid(size, draw_price(world, dice, market_id))
    changes = [Change(account, size, money, 0, 0), Change(which, -size, -money, 0, 0)]
    if dice.random() < 0.5:
        loss = abs(money) // dice.randrange(10, 500)
        charge = [Change(which, 0, -loss, 0, 0), Change(account, 0, loss, 0, 0)]
        changes = charge + changes
    trade(world, "side_close", "broker", market_id, changes)


def side_fall(world: World, dice: Random) -> None:
    """Both sides fall together by a fraction, down to nothing: epochs end."""
    side_fall_market(world, dice, draw_market(dice))


def side_fall_market(world: World, dice: Random, market_id: int) -> None:
    """The same in one market."""
    long, short = _sides(world, market_id)
    amount = min(long, short)
    keep = dice.choice([2, 4, 10, 100, 10**3, 10**4, 10**5, 10**7, 0])
    size = amount - amount // keep if keep else amount
    if size == 0:
        return
    money = paid(size, draw_price(world, dice, market_id))
    changes = [Change(LONG, -size, -money, 0, 0), Change(SHORT, size, money, 0, 0)]
    if dice.random() < 0.2:
        loss = abs(money) // 100
        changes = [Change(LONG, 0, -loss, 0, 0), Change(SHORT, 0, loss, 0, 0), *changes]
    ended = sum(market.long.epoch + market.short.epoch for market in _markets(world))
    if trade(world, "side_fall", "broker", market_id, changes):
        now = sum(market.long.epoch + market.short.epoch for market in _markets(world))
        world.counts["epoch ended"] += now - ended


def _markets(world: World) -> list[Market]:
    return [world.spec.ledger.markets[market_id] for market_id in MAIN_MARKETS]


def side_refused(world: World, dice: Random) -> None:
    """A side that grows, or an empty side: corrupt requests of the engine."""
    market_id = draw_market(dice)
    which = dice.choice([LONG, SHORT])
    size = dice.choice([0, 1, -1]) * 10**12
    account = dice.choice(world.accounts)
    market = world.spec.ledger.markets[market_id]
    if market.side(which).shares and not (size and (size < 0) != (which == LONG)):
        return
    changes = [Change(which, size, 0, 0, 0), Change(account, -size, 0, 0, 0)]
    trade(world, "side_refused", "broker", market_id, changes)


# -- money ---------------------------------------------------------------------------------------


def pay(world: World, dice: Random) -> None:
    """Cash, below zero too, or collateral, clamped."""
    sender, receiver = dice.sample([*world.accounts, world.fee_account], 2)
    if receiver != world.fee_account and dice.random() < 0.15:
        sender = world.fee_account
    token_id = dice.choice([0, 0, 1, 2])
    amount = int(10 ** dice.uniform(0, 22 if token_id == 0 else 19))
    if token_id == 0 and dice.random() < 0.3:
        amount = abs(world.spec.ledger.accounts[sender].cash) + dice.randrange(10**18)
    module = "broker"
    oddity = dice.random()
    if oddity < 0.05:
        receiver = dice.choice([0, 1, 2**96 - 1, sender])
    elif oddity < 0.1:
        token_id, amount = dice.choice([(3, 1), (9, 1), (0, 2**112), (0, 2**255), (1, 2**255)])
    elif oddity < 0.13:
        module = "dealer"
    module_address = world.chain.actor(module)
    passed, _ = world.send(
        "pay" if token_id == 0 else "pay_collateral",
        module_address,
        "pay(uint256,uint256,uint256,uint256)",
        [sender, receiver, token_id, amount],
        lambda: world.spec.pay(module_address, sender, receiver, token_id, amount),
    )
    if passed:
        compare.touched(world, [sender, receiver])


def write_off(world: World, dice: Random) -> None:
    """The debt of an account without legs becomes a deferred loss."""
    broke = [a for a in world.accounts if world.spec.ledger.accounts[a].cash < 0]
    account = dice.choice(broke or world.accounts)
    module = world.chain.actor("broker" if dice.random() < 0.95 else "dealer")
    passed, loss = world.send(
        "write_off",
        module,
        "write_off(uint256)",
        [account],
        lambda: world.spec.write_off(module, account),
    )
    if passed:
        world.counts["written off"] += loss > 0
        compare.touched(world, [account])


def go_broke(world: World, dice: Random) -> None:
    """An account without legs is left owing, from a wei to a little fortune, and written off."""
    idle = [a for a in world.accounts if world.spec.ledger.accounts[a].bitmap == 0]
    if not idle:
        return
    account = dice.choice(idle)
    receiver = dice.choice([a for a in world.accounts if a != account])
    debt = dice.choice([1, 5, 10**9, 10**12, 10**15, 10**18, 10**20]) * dice.randrange(1, 9)
    amount = world.spec.ledger.accounts[account].cash + debt
    module = world.chain.actor("broker")
    if amount <= 0:
        return
    passed, _ = world.send(
        "pay",
        module,
        "pay(uint256,uint256,uint256,uint256)",
        [account, receiver, 0, amount],
        lambda: world.spec.pay(module, account, receiver, 0, amount),
    )
    if passed:
        write_off(world, dice)


def move_cash(world: World, sender: int, receiver: int, amount: int) -> None:
    """A module moves cash, below zero too."""
    module = world.chain.actor("broker")
    passed, _ = world.send(
        "pay",
        module,
        "pay(uint256,uint256,uint256,uint256)",
        [sender, receiver, 0, amount],
        lambda: world.spec.pay(module, sender, receiver, 0, amount),
    )
    if passed:
        compare.touched(world, [sender, receiver])


def heal(world: World, dice: Random) -> None:
    """The fund pays deferred losses down, with money that a module finds for it."""
    deferred = world.spec.totals.deferred
    short = deferred - world.spec.ledger.accounts[world.fee_account].cash
    if deferred and short > 0 and dice.random() < 0.7:
        _pay_fund(world, short)
    amount = dice.choice([1, deferred // 2, deferred, deferred * 3, 10**24])
    module = world.chain.actor("broker" if dice.random() < 0.95 else "dealer")
    passed, healed = world.send(
        "heal", module, "heal(uint256)", [amount], lambda: world.spec.heal(module, amount)
    )
    if passed:
        world.counts["healed"] += healed > 0
        compare.touched(world, [world.fee_account])


def _pay_fund(world: World, amount: int) -> None:
    """From the account with most cash to the fund's."""
    richest = max(world.accounts, key=lambda one: world.spec.ledger.accounts[one].cash)
    module = world.chain.actor("broker")
    passed, _ = world.send(
        "pay",
        module,
        "pay(uint256,uint256,uint256,uint256)",
        [richest, world.fee_account, 0, amount],
        lambda: world.spec.pay(module, richest, world.fee_account, 0, amount),
    )
    if passed:
        compare.touched(world, [richest, world.fee_account])


def set_funding_rate(world: World, dice: Random) -> None:
    """Up to a few percent a day, on the tick; sometimes refused."""
    market_id = draw_market(dice)
    top = world.prices[market_id].price // 20 // DAY + TICK
    rate = dice.choice([1, -1, 0]) * dice.randrange(top) // TICK * TICK
    module = "funder"
    oddity = dice.random()
    if oddity < 0.05:
        rate += 1
    elif oddity < 0.08:
        market_id = dice.choice([0, 20, 128])
    elif oddity < 0.11:
        module = "dealer"
    elif oddity < 0.14:
        rate = dice.choice([2**63, -(2**63) - 10**6, 2**63 // TICK * TICK + TICK])
    sender = world.chain.actor(module)
    passed, _ = world.send(
        "set_funding_rate",
        sender,
        "set_funding_rate(uint256,int256)",
        [market_id, rate],
        lambda: world.spec.set_funding_rate(sender, market_id, rate),
    )
    if passed:
        compare.touched(world, holders(world, market_id)[:2], [market_id])


# -- terms ---------------------------------------------------------------------------------------


def set_market(world: World, dice: Random) -> None:
    """Caps near the open interest, reduce-only for a while; sometimes refused."""
    market_id = draw_market(dice)
    larger = max(_sides(world, market_id))
    cap = dice.choice([OI_CAP] * 12 + [larger, larger // 2, larger * 2])
    mode = dice.choice([LISTED] * 9 + [LISTED | REDUCE_ONLY])
    minimum = dice.choice([0, WAD, 10 * WAD, 10 * WAD, 100 * WAD])
    oddity = dice.random()
    if oddity < 0.05:
        mode = dice.choice([0, REDUCE_ONLY])
    elif oddity < 0.1:
        market_id = dice.choice([0, 128, 255])
    world.set_market(market_id, Terms(min(cap, 2**103 - 1), minimum, mode))
    if market_id in ANCHORS:
        compare.touched(world, [], [market_id])


def restrict(world: World, dice: Random) -> None:
    """The guardian's one right; the timelock loosens again."""
    market_id = dice.choice([*MAIN_MARKETS * 3, 20, 200])
    name = dice.choice(["guardian"] * 5 + ["timelock"] * 2 + ["dealer"])
    guardian = None if name == "timelock" else world.chain.actor(name)
    passed, _ = world.send(
        "restrict",
        world.chain.actor(name),
        "restrict(uint256)",
        [market_id],
        lambda: world.spec.restrict(guardian, market_id),
    )
    if passed:
        compare.touched(world, [], [market_id])
        if dice.random() < 0.9:
            world.set_market(market_id, Terms(OI_CAP, 10 * WAD, LISTED))


def set_token_cap(world: World, dice: Random) -> None:
    """A cap near what is held, or a wide one."""
    token_id = dice.choice(list(DECIMALS))
    cap = CAP
    if dice.random() < 0.2:
        cap = world.spec.totals.held // WAD + dice.randrange(2)
    world.set_token(token_id, cap, world.spec.tokens[token_id].outflow)


# -- prices and time -----------------------------------------------------------------------------


def move_price(world: World, dice: Random) -> None:
    """A small move, drawn back to the anchor; EMA and half-width follow their own minds."""
    market_id = draw_market(dice)
    old, anchor = world.prices[market_id].price, ANCHORS[market_id]
    centre = (old * 9 + anchor) // 10
    _set(world, dice, market_id, centre * dice.randrange(980_000, 1_020_001) // PPM)


def crash(world: World, dice: Random) -> None:
    """A gap: down to a tenth or up to fourfold of the anchor."""
    market_id = draw_market(dice)
    _set(world, dice, market_id, ANCHORS[market_id] * dice.randrange(100, 4_000) // 1_000)


def move_collateral_price(world: World, dice: Random) -> None:
    """A collateral token's price; sometimes not usable."""
    token_id = dice.choice(list(COLLATERAL))
    anchor = COLLATERAL[token_id][0]
    price = anchor * dice.randrange(500_000, 1_500_000) // PPM
    half_width = dice.choice([0, 0, 0, 50, UNUSABLE])
    world.set_price(127 + token_id, Price(price, half_width=half_width))
    world.passed += 1


def move_settlement_price(world: World, dice: Random) -> None:
    """The settlement token's price around par; sometimes not usable."""
    drawn = WAD * dice.randrange(900_000, 1_050_000) // PPM
    price = dice.choice([WAD, drawn, drawn])
    half_width = dice.choice([0, 0, 0, 50, UNUSABLE])
    world.set_price(SETTLEMENT_ID, Price(price, half_width=half_width))
    world.count("settlement token " + ("at par" if price == WAD else "off par"))
    world.passed += 1


def _set(world: World, dice: Random, market_id: int, price: int) -> None:
    price = max(TICK, min(price, MAX_PRICE) // TICK * TICK)
    near, wild = RATIO * dice.randrange(950, 1_050) // 1_000, dice.randrange(3 * RATIO)
    ratio = dice.choice([RATIO] * 8 + [near] * 3 + [wild])
    half_width = dice.choice([0] * 16 + [dice.randrange(300)] * 3 + [dice.randrange(3_000)])
    oddity = dice.random()
    if oddity < 0.02:
        half_width = UNUSABLE
    elif oddity < 0.025:
        price = 0
    volatility = CALM * dice.choice([0, 5, 10, 10, 11, 15, 25, 60]) // 10
    flags = IN_GRACE if 0.05 < oddity < 0.08 else 0
    new = Price(price, world.chain.time, ratio, half_width, volatility=volatility, flags=flags)
    world.set_price(market_id, new)
    world.passed += 1


def disturb_feed(world: World, dice: Random) -> None:
    """A feed of an index stalls, lies, doubts, breaks or comes back."""
    leg_id = dice.choice(FED)
    world.count(f"feed to {world.index.disturb(leg_id, dice)}")
    world.spec.now = world.chain.time
    world.note("feed", leg_id, world.index.readings[leg_id])
    world.passed += 1


def wait(world: World, dice: Random) -> None:
    """Seconds to weeks."""
    world.warp(int(10 ** dice.uniform(0, 6)))
    compare.expect_account(world, dice.choice(world.accounts), MAIN_MARKETS)


def rescue(world: World, dice: Random) -> None:
    """Fresh money for whoever is in debt, so that a run stays alive."""
    everyone = [*world.accounts, world.fee_account]
    broke = [a for a in everyone if world.spec.ledger.accounts[a].cash < 0]
    if not broke:
        heal(world, dice)
        return
    account = dice.choice(broke)
    sender = world.owners["whale"]
    if account != world.fee_account:
        sender = owner_name(world, account)
    if world.spec.ledger.accounts[account].cash < -(10**28):
        return
    amount = -world.spec.ledger.accounts[account].cash // 10**12 + dice.randrange(10**11)
    passed, _ = world.send(
        "rescue",
        sender,
        "deposit(uint256,uint256,uint256)",
        [account, 0, amount],
        lambda: world.spec.deposit(int(sender, 16), account, 0, amount),
    )
    if passed:
        world.wallets[0, sender] -= amount
        world.wallets[0, world.house] += amount
        compare.touched(world, [account])
