"""The liquidation engine: keepers at prices on either side of a line, and clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from seawall.spec.liquidation import BACKSTOP_AFTER
from seawall.spec.margin import Price
from seawall.spec.oracle import MAX_PRICE
from seawall.spec.state import Reverted
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import IN_GRACE, MAX_UINT256, PORTFOLIO, PPM, TICK, WAD
from tests.fuzz import compare, promises
from tests.fuzz.backstop_actions import furnish_bucket
from tests.fuzz.clearing_actions import fill, owner_name
from tests.fuzz.compare import market_ids_of
from tests.fuzz.module_actions import UNUSABLE
from tests.fuzz.stage import ENGINE, MAIN_MARKETS
from tests.fuzz.trading import holders_changed, send_trades, standings
from tests.fuzz.world import World

#: Accounts that are looked at for one that a price can bring to a line.
TRIES = 3
LIQUIDATE = "liquidate(uint256,uint256,uint256)"
LIQUIDATE_MANY = "liquidate_many(uint256[],uint256)"
HAND_TO_BACKSTOP = "hand_to_backstop(uint256,uint256)"


# -- prices at a line ----------------------------------------------------------------------------


def line(world: World, account: int, market_id: int, ratio: int) -> tuple[int, int] | None:
    """Neighbouring prices (WAD, on the tick) with E / M at and just below a ratio.

    `ratio` in parts per million. None where no price of that leg leads across the line.
    """
    try:
        base, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        return None
    prices = [world.prices[leg_id] for leg_id, _, _ in legs]
    mode = world.spec.ledger.accounts[account].mode
    index = next((i for i, leg in enumerate(legs) if leg[0] == market_id), None)
    if index is None or legs[index][2] == 0:
        return None

    def has_ratio(price: int) -> bool:
        prices[index] = Price(price)
        plan = world.model.plan(base, legs, prices, world.spec.now, mode)
        return plan.equity * PPM >= ratio * plan.maintenance

    good, bad = (MAX_PRICE, TICK) if legs[index][2] > 0 else (TICK, MAX_PRICE)
    # A large position's maintenance grows faster than its value: then the far end is no good one.
    now = prices[index].price // TICK * TICK
    if now and has_ratio(now):
        good = now
    return _neighbours(has_ratio, good, bad)


def _neighbours(holds: Callable[[int], bool], good: int, bad: int) -> tuple[int, int] | None:
    """Two prices a tick apart between which a condition ends; None if it does not."""
    if not holds(good) or holds(bad):
        return None
    while abs(good - bad) > TICK:
        middle = (good + bad) // 2 // TICK * TICK
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good, bad


def _with_legs(world: World) -> list[int]:
    return [account for account in world.accounts if market_ids_of(world, account)]


def _below(world: World) -> list[int]:
    """Accounts that may be liquidated now."""
    found = []
    for account in _with_legs(world):
        try:
            if not world.waterfall.is_healthy(account):
                found.append(account)
        except (Reverted, ArithmeticError):
            continue
    return found


def _bring_to(world: World, dice: Random, ratio: int) -> int | None:
    """Move an index until some account stands at a line: mostly just past it, or just before."""
    candidates = _with_legs(world)
    if not candidates:
        fill(world, dice)
        return None
    for _ in range(TRIES):
        account = dice.choice(candidates)
        market_id = dice.choice(market_ids_of(world, account))
        found = line(world, account, market_id, ratio)
        if found is not None:
            break
    else:
        return account
    good, bad = found
    step = (bad - good) * dice.choice([0, 0, 1, 7, 1_000, 10**6])
    price = dice.choice([good, bad, bad, bad, bad + step, bad + step])
    price = max(TICK, min(MAX_PRICE, price))
    half_width = dice.choice([0] * 14 + [UNUSABLE])
    flags = dice.choice([0] * 24 + [IN_GRACE])
    new = Price(price, world.chain.time, half_width=half_width, flags=flags)
    world.set_price(market_id, new)
    return account


# -- steps of the waterfall ----------------------------------------------------------------------


def _draw_keeper(world: World, dice: Random, account: int) -> int:
    """Mostly somebody with money; sometimes the account itself."""
    rich = sorted(world.accounts, key=lambda one: -world.spec.ledger.accounts[one].cash)
    keeper = dice.choice([*rich[:3] * 6, *world.accounts])
    if keeper == account and dice.random() < 0.9:
        keeper = next(one for one in rich if one != account)
    return keeper


def _draw_sender(world: World, dice: Random, keeper: int) -> str:
    """The keeper account's owner; sometimes an operator or a thief."""
    if dice.random() < 0.93:
        return owner_name(world, keeper)
    return world.chain.actor(dice.choice(["bot", "desk", "thief"]))


class _Victims:
    """Accounts before a call of the engine, and what must hold of each step after it."""

    def __init__(self, world: World, accounts: Sequence[int]) -> None:
        self._world = world
        self._before = standings(world, accounts)
        self._exact = {
            account: all(not world.drift.is_off(i) for i in market_ids_of(world, account))
            for account in accounts
        }

    def check(self, keeper: int) -> None:
        """P3 and P5 after the call; what it did is counted."""
        world, steps = self._world, self._world.waterfall.steps
        promises.check_no_hidden_debt(world, holders_changed(world))
        times = Counter(account for account, _ in steps)
        for account, step in steps:
            before = self._before[account]
            # Between two steps of one account nobody looks at it.
            if before is None or times[account] > 1 or account == keeper:
                continue
            promises.check_liquidation(world, account, before, step, self._exact[account])
            world.count("stage partial" if step.stage == PARTIAL else "stage whole")
            if before.mode & PORTFOLIO:
                sliced = step.stage == PARTIAL
                world.count("slice of all legs" if sliced else "whole close in portfolio mode")
                hedged = sum(leg.usable for leg in before.plan.legs) > 1
                world.count("slice of several legs", sliced and hedged and step.size < WAD)


def _liquidate(world: World, dice: Random, account: int) -> None:
    keeper = _draw_keeper(world, dice, account)
    sender = _draw_sender(world, dice, keeper)
    notional = int(10 ** dice.uniform(0, 6)) * WAD
    limit = dice.choice([MAX_UINT256] * 6 + [notional, 0, 2**128, 2**255])

    def predict() -> list[int]:
        return list(world.waterfall.liquidate(account, keeper, limit, int(sender, 16)))

    victim = _Victims(world, [account])
    arguments = [account, keeper, limit]
    passed = send_trades(
        world, "liquidate", sender, LIQUIDATE, arguments, predict, [keeper], world.engine
    )
    if not passed:
        return
    compare.touched(world, [account, keeper, world.fee_account])
    victim.check(keeper)


def liquidate(world: World, dice: Random) -> None:
    """Whoever is below maintenance margin, or an account at its liquidation price."""
    below = _below(world)
    account = dice.choice(below) if below and dice.random() < 0.5 else None
    if account is None:
        account = _bring_to(world, dice, PPM)
    if account is not None:
        _liquidate(world, dice, account)


def close_out(world: World, dice: Random) -> None:
    """An account at the line below which it is closed whole."""
    account = _bring_to(world, dice, ENGINE.close_out)
    if account is not None:
        _liquidate(world, dice, account)


def bankrupt(world: World, dice: Random) -> None:
    """An account at no equity, or far below, is no keeper's; one just above is."""
    account = _bring_to(world, dice, dice.choice([0, 10_000, 50_000, 200_000, -300_000]))
    if account is not None:
        _liquidate(world, dice, account)


def liquidate_many(world: World, dice: Random) -> None:
    """A batch of healthy, unhealthy and own accounts, one of them perhaps twice."""
    _bring_to(world, dice, dice.choice([PPM, PPM, ENGINE.close_out, 0]))
    accounts = _below(world)[:4] + dice.choices(world.accounts, k=dice.randrange(1, 4))
    dice.shuffle(accounts)
    keeper = _draw_keeper(world, dice, accounts[0])
    sender = _draw_sender(world, dice, keeper)
    victims = _Victims(world, accounts)

    def predict() -> list[int]:
        statuses = world.waterfall.liquidate_many(accounts, keeper, int(sender, 16))
        return [32, len(statuses), *statuses]

    passed = send_trades(
        world,
        "liquidate_many",
        sender,
        LIQUIDATE_MANY,
        [accounts, keeper],
        predict,
        [keeper],
        world.engine,
    )
    if passed:
        compare.touched(world, [*accounts, keeper, world.fee_account])
        victims.check(keeper)
        world.count("batch with a step", bool(world.spec.trades))


def hand_to_backstop(world: World, dice: Random) -> None:
    """Nobody with margin came: whoever waited long enough gives a slice to a bucket."""
    account = _bring_to(world, dice, dice.choice([PPM, PPM, ENGINE.close_out, 400_000]))
    if account is None:
        return
    for market_id in market_ids_of(world, account):
        if market_id in MAIN_MARKETS and dice.random() < 0.5:
            furnish_bucket(world, dice, market_id)
    _flag(world, account)
    world.warp(dice.choice([BACKSTOP_AFTER] * 8 + [BACKSTOP_AFTER - 2, 86_400]))
    keeper = dice.choice([*world.accounts * 4, account, 0])
    victim = _Victims(world, [account])
    passed = send_trades(
        world,
        "hand_to_backstop",
        world.chain.actor("keeper"),
        HAND_TO_BACKSTOP,
        [account, keeper],
        lambda: list(world.waterfall.hand_to_backstop(account, keeper)),
        [keeper],
        world.engine,
    )
    if not passed:
        return
    compare.touched(world, [account, keeper, *world.buckets])
    victim.check(keeper)
    step = world.waterfall.steps[0][1]
    world.count("slice to a bucket")
    world.count("slice of all legs to buckets", step.market_id == 0)


# -- clocks --------------------------------------------------------------------------------------


def flag(world: World, dice: Random) -> None:
    """A clock starts below maintenance margin and stops at or above it."""
    below = _below(world)
    _flag(world, dice.choice(below if below and dice.random() < 0.6 else world.accounts))


def _flag(world: World, account: int) -> None:
    passed, started = world.send(
        "flag",
        world.chain.actor("keeper"),
        "flag(uint256)",
        [account],
        lambda: world.waterfall.flag(account),
        world.engine,
    )
    if passed:
        world.count("flagged", started > 0)
        compare.touched(world, [account])
