"""Slices of liquidations to signed orders, brought by people without capital."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import NamedTuple

from seawall.spec.margin import Price
from seawall.spec.oracle import MAX_PRICE
from seawall.spec.orders import Order
from seawall.spec.slices import Matched, liquidate_matched
from seawall.spec.state import Reverted
from seawall.spec.step_plan import PARTIAL, Step, penalty
from seawall.spec.words import LOT, MAX_UINT256, PORTFOLIO, PPM, TICK, WAD
from tests.fuzz import compare, promises
from tests.fuzz.clearing_actions import fill
from tests.fuzz.compare import market_ids_of
from tests.fuzz.promises import Standing
from tests.fuzz.signing import ORDER_KIND, Offer, offer, packed_makers, spoilt
from tests.fuzz.stage import ENGINE, MAIN_MARKETS
from tests.fuzz.trading import holders_changed, send_trades, standings
from tests.fuzz.waterfall_actions import line
from tests.fuzz.world import World

MATCHED = f"liquidate_matched(uint256,uint256,uint256,({ORDER_KIND},bytes)[])"
#: Accounts that are looked at for one that a price can bring to a line.
TRIES = 4
#: Makers are drawn among so many, those with most cash.
RICH = 5
#: Wei that roundings of money may cost an account whose markets are on the grid.
ROUNDED_WEI = 4
STRANGER = "thief"


class Due(NamedTuple):
    """Who is liquidated, what is planned for him, and how his leg is signed."""

    account: int
    step: Step
    long: bool


# -- who, and to whom ----------------------------------------------------------------------------


def liquidate_matched_slice(world: World, dice: Random) -> None:
    """An account at a line between close-out and maintenance, or below, and orders around it."""
    ratio = dice.choice([PPM, PPM, 900_000, 800_000, ENGINE.close_out, 300_000, 30_000])
    account = _bring_below(world, dice, ratio)
    if account is None:
        return
    limit = dice.choice([MAX_UINT256] * 5 + [int(10 ** dice.uniform(0, 5)) * WAD])
    due = _due(world, account, limit)
    makers = _draw_makers(world, dice, due)
    others = [one for one in world.accounts if one != account]
    keeper = dice.choice([*others * 4, account, 0])
    _match(world, due, keeper, limit, makers)


def _bring_below(world: World, dice: Random, ratio: int) -> int | None:
    """Move an index until an account stands just below a ratio, on it or near it."""
    candidates = [one for one in world.accounts if market_ids_of(world, one)]
    accounts = world.spec.ledger.accounts
    standard = [one for one in candidates if not accounts[one].mode & PORTFOLIO]
    if standard and dice.random() < 0.95:
        candidates = standard
    if not candidates:
        fill(world, dice)
        return None
    for _ in range(TRIES):
        account = dice.choice(candidates)
        market_id = dice.choice(market_ids_of(world, account))
        found = line(world, account, market_id, ratio)
        if found is not None:
            good, bad = found
            past = bad + (bad - good) * 1_000
            price = dice.choice([good, *[bad] * 4, *[past] * 4])
            price = max(TICK, min(MAX_PRICE, price))
            world.set_price(market_id, Price(price, world.chain.time))
            return account
    return account if dice.random() < 0.2 else None


def _due(world: World, account: int, limit: int) -> Due:
    """The slice that the next call would find; an empty step where there is none."""
    world.spec.now = world.chain.time + 1
    try:
        with world.viewing():
            step = world.waterfall.plan_step(account, limit, whole=False)
        _, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        return Due(account, Step(), True)
    size = next((size for leg_id, _, size in legs if leg_id == step.market_id), 1)
    return Due(account, step, size > 0)


def _draw_makers(world: World, dice: Random, due: Due) -> list[Offer]:
    """Orders for a slice, some of them resting ones, some of them wrong."""
    ranked = sorted(world.accounts, key=lambda one: -world.spec.ledger.accounts[one].cash)
    rich = [one for one in ranked if one != due.account][:RICH]
    number = dice.choice([1, 1, 2, 3, 5])
    # Now and then all of them ask for more than there is to give.
    greed = dice.choice([0] * 12 + [1, 2_000])
    part = -(-due.step.size // number // LOT) * LOT or LOT
    part += dice.choice([0, 0, 0, LOT, part, -LOT if part > LOT else 0])
    makers = []
    for _ in range(number):
        account = dice.choice(rich)
        order = _draw_order(world, dice, due, account, part, greed)
        makers.append(offer(world, order, world.name_of(account)))
    resting = [made for made in world.orders if _crosses(due, made.signed.order)]
    if resting and dice.random() < 0.4:
        makers = [*dice.sample(resting, min(2, len(resting))), *makers]
    if dice.random() < 0.12:
        place = dice.randrange(len(makers))
        makers[place] = _wrong(world, dice, due, makers[place])
    if dice.random() < 0.1:
        makers.insert(0, makers[-1])
    return makers


def _draw_order(world: World, dice: Random, due: Due, account: int, size: int, greed: int) -> Order:
    """At the index, better, or worse by about the penalty; `greed` is how far beyond it."""
    market_id = due.step.market_id or dice.choice(MAIN_MARKETS)
    index = max(TICK, world.prices[market_id].price)
    budget = due.step.fee * PPM // due.step.notional if due.step.notional else 0
    choices = [0, 0, budget // 3, budget // 2, budget - 1, budget, budget + 1, -budget, -3 * budget]
    worse = budget + greed if greed else dice.choice(choices)
    sign = -1 if due.long else 1
    price = max(TICK, index * (PPM + sign * worse) // PPM // TICK * TICK)
    return Order(
        account=account,
        market_id=market_id,
        size=-sign * size,
        limit_price=price,
        expiry=world.chain.time + dice.choice([1, 1_000, 10**6, 10**9]),
        salt=dice.randrange(2**32),
        reduce_only=dice.random() < 0.07,
        post_only=dice.random() < 0.3,
    )


def _crosses(due: Due, order: Order) -> bool:
    """Whether a resting order may be tried."""
    if order.market_id != due.step.market_id or order.account == due.account:
        return False
    return (order.size > 0) == due.long


def _wrong(world: World, dice: Random, due: Due, made: Offer) -> Offer:
    """The order with one thing changed."""
    order = made.signed.order
    over = dice.choice(
        [
            {"account": due.account},
            {"size": -order.size},
            {"market_id": dice.choice([0, 20, *MAIN_MARKETS])},
            {"expiry": world.chain.time},
            {"limit_price": order.limit_price // 2 // TICK * TICK},
            {"limit_price": order.limit_price + 1},
            {"trigger_price": 1},
            {},
            {},
        ]
    )
    if over:
        order = replace(order, **over)  # type: ignore[arg-type]
        return offer(world, order, world.name_of(order.account))
    if dice.random() < 0.5:
        return offer(world, order, STRANGER)
    return spoilt(made, dice.randrange(5))


# -- the call ------------------------------------------------------------------------------------


def _match(world: World, due: Due, keeper: int, limit: int, makers: list[Offer]) -> None:
    """Send it, compare it with the specification, and hold it to what was promised."""
    signed = [maker.signed for maker in makers]
    account, accounts = due.account, {one.order.account for one in signed}
    before = standings(world, [account])[account]
    exact = all(not world.drift.is_off(i) for i in market_ids_of(world, account))
    filled = {one.digest: world.venue.filled[one.digest] for one in signed}
    done: list[Matched] = []

    def predict() -> list[int]:
        found = liquidate_matched(world.waterfall, world.venue, account, keeper, signed, limit)
        done.append(found)
        return [*found.step, found.conceded]

    for one in signed:
        world.note("with", one.order, "signed by", one.signer)
    passed = send_trades(
        world,
        "liquidate_matched",
        world.chain.actor("keeper"),
        MATCHED,
        [account, keeper, limit, packed_makers(makers)],
        predict,
        accounts,
        world.engine,
    )
    for digest in filled:
        number = int.from_bytes(digest, "big")
        view = "filled(bytes32)"
        world.expect("filled", world.venue.filled[digest], view, number, target=world.exchange)
    if not passed or before is None:
        return
    compare.touched(world, [account, keeper, *accounts])
    promises.check_no_hidden_debt(world, holders_changed(world))
    promises.check_liquidation(world, account, before, done[0].step, exact)
    fills = [
        (maker.signed.order, world.venue.filled[digest] - filled[digest])
        for digest, maker in {one.signed.digest: one for one in makers}.items()
    ]
    check_cost(world, account, before, done[0], fills, exact)


def check_cost(
    world: World,
    account: int,
    before: Standing,
    done: Matched,
    fills: list[tuple[Order, int]],
    exact: bool,
) -> None:
    """Concession and fee are at most pi * x, and what fills better than the index bring stays."""
    after = promises.standing(world, account)
    if after is None:
        world.fail(f"{account:#x} cannot be valued after its slice")
        return
    step, values = done.step, (before, done, fills, after)
    gains = [
        (order.limit_price - step.price) * size * (1 if order.size > 0 else -1)
        for order, size in fills
    ]
    better = sum(max(0, gain) for gain in gains)
    worse = sum(max(0, -gain) for gain in gains)
    most = penalty(ENGINE, before.plan.equity, before.plan.maintenance) * step.notional
    world.must("slice filled", sum(size for _, size in fills) == step.size, values)
    world.must("P5 concession", worse + step.fee * WAD <= most * WAD // PPM, values)
    world.must("concession told", 0 <= done.conceded * WAD - worse < WAD, values)
    lost = (before.plan.equity - after.plan.equity) * WAD
    room = ROUNDED_WEI
    if not exact:
        # Sizes round to a few units in each of the account's markets.
        room += sum(4 * (world.prices[market_id].price // WAD + 1) for market_id in before.sizes)
    world.must("P5 gain of the account", lost + better <= (most // PPM + room) * WAD, values)
    world.must("slice of one leg", step.stage == PARTIAL and step.market_id != 0, values)
    filled = [order for order, size in fills if size]
    world.count("slice to orders")
    world.count("slice with a concession", worse > 0)
    world.count("slice with a gain", better > 0)
    world.count("slice with both", better > 0 and worse > 0)
    world.count("slice to several makers", len({order.account for order in filled}) > 1)
    world.count("slice past an order", len(filled) < len(fills))
