"""Whole accounts closed without a keeper's capital: after gaps, in batches, after clocks."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from seawall.spec.close_out import CHARGED, DEFERRED, FUND
from seawall.spec.close_out_batch import Case
from seawall.spec.margin import Leg, Price
from seawall.spec.oracle import MAX_PRICE
from seawall.spec.state import Reverted
from seawall.spec.step_plan import dust_of
from seawall.spec.words import LONG, PPM, RATIO, RAY, SHORT, TICK, WAD
from tests.fuzz import compare, exit_actions, promises
from tests.fuzz.compare import market_ids_of
from tests.fuzz.module_actions import move_cash
from tests.fuzz.stage import ANCHORS, CLOSE_OUT, ENGINE
from tests.fuzz.trading import standings
from tests.fuzz.waterfall_actions import line
from tests.fuzz.world import World

CLOSE_OUT_CALL = "close_out(uint256,uint256)"
CLOSE_MANY_CALL = "close_many(uint256[],uint256)"
#: What an EMA may be of its price, as the price word holds it.
MAX_EMA_RATIO = 2**28 - 1


class Before(NamedTuple):
    """What a call found: equities of everybody, sides, cash, and prices at the EMA."""

    standings: dict[int, promises.Standing | None]
    legs: dict[int, list[Leg]]
    sizes: dict[tuple[int, int], int]


# -- how accounts come to be due -----------------------------------------------------------------


def _gap(world: World, dice: Random) -> None:
    """An index jumps past somebody's equity; its EMA stays behind, or is where the price is."""
    accounts = [account for account in world.accounts if market_ids_of(world, account)]
    if not accounts:
        return
    account = dice.choice(accounts)
    market_id = dice.choice(market_ids_of(world, account))
    old = world.prices[market_id].price
    ratio = dice.choice([0, 0, -100_000, -700_000, -2 * PPM])
    found = line(world, account, market_id, ratio)
    if found is None or old == 0:
        return
    good, bad = found
    price = max(TICK, min(MAX_PRICE, bad + (bad - good) * dice.choice([0, 1, 10**4])))
    ema = dice.choice([RATIO, old * RATIO // price, old * RATIO // price])
    ema = max(1, min(MAX_EMA_RATIO, ema))
    world.set_price(market_id, Price(price, world.chain.time, ema_ratio=ema))


def _let_clock_run(world: World, dice: Random) -> None:
    """Below close-out and above zero: flag, and wait."""
    accounts = [account for account in world.accounts if market_ids_of(world, account)]
    if not accounts:
        return
    account = dice.choice(accounts)
    market_id = dice.choice(market_ids_of(world, account))
    found = line(world, account, market_id, dice.choice([ENGINE.close_out, 400_000, 50_000, 1]))
    if found is None:
        return
    world.set_price(market_id, Price(found[1], world.chain.time))
    passed, _ = world.send(
        "flag",
        world.chain.actor("keeper"),
        "flag(uint256)",
        [account],
        lambda: world.waterfall.flag(account),
        world.engine,
    )
    if passed:
        compare.touched(world, [account])
    world.warp(dice.choice([CLOSE_OUT.reduce_after] * 4 + [CLOSE_OUT.reduce_after - 2]))


def _draw_keeper(world: World, dice: Random) -> int:
    """Anybody's account: no capital is asked for."""
    return dice.choice([*world.accounts, world.collector])


# -- calls ---------------------------------------------------------------------------------------


def resolve(world: World, dice: Random) -> None:
    """One account, due or not."""
    (_let_clock_run if dice.random() < 0.3 else _gap)(world, dice)
    due = _due(world)
    if not due and dice.random() < 0.8:
        return
    account = dice.choice(due) if due and dice.random() < 0.95 else dice.choice(world.accounts)
    _close_one(world, dice, "resolve", account)


def resolve_many(world: World, dice: Random) -> None:
    """A batch of due and other accounts; rarely out of order."""
    for _ in range(dice.choice([1, 2, 3])):
        (_let_clock_run if dice.random() < 0.2 else _gap)(world, dice)
    accounts = sorted({*_due(world), *dice.choices(world.accounts, k=2)})
    if dice.random() < 0.05:
        dice.shuffle(accounts)
    _close_many(world, dice, accounts)


def resolve_debt(world: World, dice: Random) -> None:
    """The debt of an account without legs, which a module has left there; or no debt at all."""
    idle = [a for a in world.accounts if not market_ids_of(world, a)]
    account = dice.choice([*idle, world.fee_account] if idle else world.accounts)
    cash = world.spec.ledger.accounts[account].cash
    debt = dice.choice([0, 1, 10**12, 10**18, 10**21]) * dice.randrange(1, 9)
    if idle and cash >= 0 and debt:
        other = dice.choice([a for a in world.accounts if a != account])
        move_cash(world, account, other, cash + debt)
    if dice.random() < 0.2:
        _close_many(world, dice, sorted({account, *dice.choices(idle or world.accounts, k=2)}))
    else:
        world.count("debt resolved", _close_one(world, dice, "resolve_debt", account))


def heal_slowly(world: World, dice: Random) -> None:
    """Deferred losses are paid down at the fund's size per week, an hour's worth at once."""
    if dice.random() < 0.5:
        world.warp(dice.choice([1, 60, 3_599, 3_600, 86_400]))
    passed, healed = world.send(
        "heal_slowly",
        world.chain.actor("keeper"),
        "heal()",
        [],
        world.closer.heal,
        world.closer_address,
    )
    if passed:
        world.count("healed slowly", healed > 0)
        healed_at = world.closer.healed_at[0]
        world.expect("healed at", healed_at, "healed_at()", target=world.closer_address)
        compare.touched(world, [world.fee_account])


def _close_one(world: World, dice: Random, rule: str, account: int) -> bool:
    """Whether it was closed."""
    keeper = _draw_keeper(world, dice)
    if keeper == account and dice.random() < 0.9:
        keeper = world.collector
    before = _look(world)
    passed, _ = world.send(
        rule,
        world.chain.actor("keeper"),
        CLOSE_OUT_CALL,
        [account, keeper],
        lambda: world.closer.close_out(account, keeper),
        world.closer_address,
    )
    if passed:
        _check(world, before, [account], keeper)
    return passed


def _close_many(world: World, dice: Random, accounts: list[int]) -> None:
    keeper = _draw_keeper(world, dice)
    before = _look(world)

    def predict() -> list[int]:
        statuses = world.closer.close_many(accounts, keeper)
        return [32, len(statuses), *statuses]

    passed, _ = world.send(
        "resolve_many",
        world.chain.actor("keeper"),
        CLOSE_MANY_CALL,
        [accounts, keeper],
        predict,
        world.closer_address,
    )
    if passed:
        closed = [case.account for case in world.closer.batch.cases]
        world.count("batch closed as one", len(closed) > 1)
        _check(world, before, closed, keeper)


def _due(world: World) -> list[int]:
    return [account for account in world.accounts if _is_due(world, account)]


def _is_due(world: World, account: int) -> bool:
    try:
        plan, legs, prices = world.waterfall.situation(account)
    except (Reverted, ArithmeticError):
        return False
    if not plan.legs:
        return plan.equity < 0
    return world.closer.is_due(account, plan, dust_of(plan, legs, prices))


# -- what must hold ------------------------------------------------------------------------------


def _look(world: World) -> Before:
    ledger = world.spec.ledger
    return Before(
        standings(world, world.everyone),
        {account: _legs(world, account) for account in world.everyone},
        {
            (market_id, side): ledger.markets[market_id].side(side).size
            for market_id in ANCHORS
            for side in (LONG, SHORT)
        },
    )


def _legs(world: World, account: int) -> list[Leg]:
    try:
        return world.spec.portfolio(account)[1]
    except (Reverted, ArithmeticError):
        return []


def _check(world: World, before: Before, closed: Sequence[int], keeper: int) -> None:
    """P3, P5, P7, P8 and P9 of a close-out."""
    market_ids = list(dict.fromkeys(market_id for market_id, _, _ in world.spec.trades))
    compare.touched(world, world.everyone, market_ids)
    if not closed:
        return
    cases = {case.account: case for case in world.closer.batch.cases}
    total = sum(case.shortfall for case in cases.values())
    paid = {FUND: 0, CHARGED: 0, DEFERRED: 0}
    for source in world.closer.sources:
        paid[source.stage] += source.amount
    dust = _dust(world, market_ids)
    silent = any(case.is_bankrupt and not case.is_whole for case in cases.values())
    if silent:
        # What nobody pays beside a silent leg stays a debt until that leg goes.
        world.must("alone beside a silent leg", len(cases) == 1 and not paid[DEFERRED], cases)
        world.must("stages sum", sum(paid.values()) <= total + dust, (total, paid))
        world.count("booked beside a silent leg", total > 0)
    else:
        world.must("stages sum", abs(sum(paid.values()) - total) <= dust, (total, paid))
    # At the time of the call: a second more would accrue funding.
    later = {account: promises.standing(world, account) for account in world.everyone}
    for account, case in cases.items():
        held = set(market_ids_of(world, account))
        usable = {leg.market_id for leg in case.plan.legs if leg.usable}
        world.must("closed whole", not held & usable, (case, held))
        if case.shortfall:
            waits = world.exits.waiting[account]
            world.must("no exit beside a hole", waits == 0, (hex(account), waits))
        compare.expect_waiting(world, account)
        if case.shortfall and case.is_whole:
            cash = world.spec.ledger.accounts[account].cash
            world.must("bankrupt is left at zero", 0 <= cash <= 2 * dust, (case, cash))
        world.must("fee of a bankrupt", case.plan.equity > 0 or case.step.fee == 0, case)
    promises.check_no_hidden_debt(world, closed)
    exit_actions.check_backed(world)
    _check_caps(world, before, cases)
    _check_others(world, before, later, cases, keeper, dust)
    _check_members(world, before, later, dust)
    world.count("resolved bankrupt", total > 0)
    world.count("resolved above zero", any(case.plan.equity > 0 for case in cases.values()))
    world.count("stage charged", paid[CHARGED] > 0)
    world.count("stage fund in a close-out", paid[FUND] > 0)
    world.count("stage deferred in a close-out", paid[DEFERRED] > dust)
    sides = {c.account for _, made, _ in world.spec.trades for c in made if c.account in (1, 2)}
    world.count("side reduced", bool(sides))
    buckets = [c for _, made, _ in world.spec.trades for c in made if c.account in world.buckets]
    taken = [change for change in buckets if change.account not in cases]
    world.count("bucket took in a close-out", bool(taken))
    world.count("buckets took all", bool(taken) and not sides)
    world.count("bucket closed out", len(buckets) > len(taken))


def _dust(world: World, market_ids: Sequence[int]) -> int:
    """What a close may round, in wei: sizes by units of their market, money by one a change, and
    charges per share by a unit of theirs: where a side's scale is small its shares are many."""
    worth = sum(
        (world.drift.bound(market_id) + 8) * (world.prices[market_id].price // WAD + 1)
        for market_id in market_ids
    )
    shares = sum(
        side.shares for _, _, earlier in world.spec.trades for side in (earlier.long, earlier.short)
    )
    return worth + 2 * shares // RAY + 8 * len(market_ids) * len(world.everyone)


def _check_caps(world: World, before: Before, cases: dict[int, Case]) -> None:
    """No side pays more than gain since the EMA and base maintenance margin of what it won."""
    for claim in world.closer.batch.claims.values():
        leaving = sum(
            abs(size)
            for case in cases.values()
            for (leg_id, _, size) in case.legs
            if leg_id == claim.market_id and (size > 0) == (claim.side == LONG)
        )
        left = before.sizes[claim.market_id, claim.side] - leaving
        price = claim.price.price
        ema = price * claim.price.ema_ratio // RATIO
        gain = max(0, price - ema if claim.side == LONG else ema - price)
        # Of no more than stood against the bankrupt: so many closes ask no more than one.
        size = min(max(0, left), claim.against)
        most = size * (gain * PPM + min(price, ema) * claim.base) // (WAD * PPM)
        world.must("P8 cap", claim.charge <= most, (claim, left, gain))


def _check_others(
    world: World,
    before: Before,
    later: dict[int, promises.Standing | None],
    cases: dict[int, Case],
    keeper: int,
    dust: int,
) -> None:
    """Who holds nothing pays nothing, and all others together pay what they are charged."""
    queue = world.queue_account
    waited, waits = before.standings[queue], later[queue]
    if waited is not None and waits is not None:
        world.count("called back", waits.plan.equity < waited.plan.equity)
    charged = sum(claim.charge for claim in world.closer.batch.claims.values())
    fees = sum(case.step.fee for case in cases.values())
    reserve = sum(case.step.reserve for case in cases.values())
    moved = 0
    for account in world.everyone:
        if account in cases or account in (world.fee_account, world.queue_account):
            continue
        found, now = before.standings[account], later[account]
        if found is None or now is None:
            return
        change = _wealth(now) - _wealth(found)
        if account == keeper:
            change -= reserve
            reserve = 0
        if not found.plan.legs and account not in world.buckets:
            world.must("P7 bystander", change == 0, (hex(account), change))
        world.must("charged more than all", change >= -charged - dust, (hex(account), change))
        moved += change
    world.must("P8 exact", -charged - dust <= moved <= fees - charged + dust, (moved, charged))


def _wealth(standing: promises.Standing) -> int:
    """Equity and the reserves that are set aside: a bucket's new leg costs it one."""
    return standing.plan.equity + sum(leg.reserve for leg in standing.plan.legs)


def _check_members(
    world: World, before: Before, later: dict[int, promises.Standing | None], dust: int
) -> None:
    """Who has the base maintenance margin of what is charged is not made insolvent by it.

    At the worse of price and EMA for each leg: a side that lost has done so before it is charged.
    """
    claims = [claim for claim in world.closer.batch.claims.values() if claim.charge]
    charged = {(claim.market_id, claim.side): claim for claim in claims}
    closed = {case.account for case in world.closer.batch.cases}
    for account in world.everyone if charged else []:
        legs = before.legs[account]
        hit = [
            (size, charged[leg_id, side])
            for leg_id, _, size in legs
            if (leg_id, side := LONG if size > 0 else SHORT) in charged
        ]
        found, now = before.standings[account], later[account]
        if not hit or account in closed or found is None or now is None:
            continue
        equity, needed = found.plan.equity, 0
        for size, claim in hit:
            price = claim.price.price
            ema = price * claim.price.ema_ratio // RATIO
            equity -= max(0, size * (price - ema) // WAD + 1)
            needed += -(-abs(size) * min(price, ema) * claim.base // (WAD * PPM))
        world.count("charged member")
        if equity >= needed:
            values = (hex(account), equity, needed, now.plan.equity)
            world.must("P8 member made insolvent", now.plan.equity >= -dust, values)
            world.count("charged member with margin")
