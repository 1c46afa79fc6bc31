"""What must hold after every step, each in its own words, whatever the specification says.

P1 custody, P2 zero-sum, P3 no hidden debt, P5 liquidation helps, P6 risk needs margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from seawall.spec.clearinghouse import Change
from seawall.spec.conversion import Conversion
from seawall.spec.margin import Assessment, Plan
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.risk import RAMP
from seawall.spec.state import Reverted
from seawall.spec.step_plan import PARTIAL, WHOLE, Step, eased, is_sized, penalty
from seawall.spec.words import GATE_INITIAL, LOT, PORTFOLIO, PPM, TAKEOVER, WAD, ids_of
from tests.fuzz.compare import MARKETS_MASK, expect_wallet
from tests.fuzz.stage import ANCHORS, DECIMALS, ENGINE
from tests.fuzz.world import World

#: Shares round once or twice per change, and each rounding moves a size by less than two units.
ROUNDED_UNITS = 4


class Standing(NamedTuple):
    """An account at the prices of the moment: margin, plan, sizes by leg."""

    margin: Assessment
    plan: Plan
    sizes: dict[int, int]
    mode: int = 0


def standing(world: World, account: int, takeover: int = 0) -> Standing | None:
    """None where the account cannot be valued at all (a field is out of range).

    `takeover` is 0 or the mode bit TAKEOVER.
    """
    try:
        base, legs = world.spec.portfolio(account)
        held = world.spec.ledger.accounts[account]
        prices = world.spec.refresh(held.bitmap)
        now, mode = world.spec.now, held.mode
        margin = world.model.assess(held.cash, base, legs, prices, now, mode | takeover)
        plan = world.model.plan(base, legs, prices, now, mode)
    except (Reverted, ArithmeticError):
        return None
    world.must("IM below MM", margin.initial >= margin.maintenance, (hex(account), margin))
    return Standing(margin, plan, {leg_id: size for leg_id, _, size in legs}, mode)


# -- after every step ----------------------------------------------------------------------------


def check_custody(world: World) -> None:
    """P1: the house has at least the tokens that accounts are credited with."""
    for token_id, decimals in DECIMALS.items():
        expect_wallet(world, token_id, world.house)
        balance = world.wallets[token_id, world.house]
        if token_id == 0:
            owed, balance = world.spec.totals.held, balance * 10 ** (18 - decimals)
        else:
            owed = sum(world.spec.collateral[account, token_id] for account in world.everyone)
            held = world.spec.token_held[token_id]
            world.must("P1 sum", owed == held, (token_id, owed, held))
        world.must("P1 custody", balance >= owed, (token_id, balance, owed))
    world.verify()


def check_at_once(world: World) -> None:
    """What has left at once and what may leave at once is no more than what was put in."""
    free = sum(world.spec.principal.values())
    world.must("P1 at once", free <= world.spec.put_in[0], (free, world.spec.put_in[0]))


def check_zero_sum(world: World) -> None:
    """P2: long and short sizes are equal, and claims do not exceed assets, but for rounding."""
    for market_id in ANCHORS:
        parted, bound = world.drift.parted(market_id), world.drift.bound(market_id)
        world.must("P2 sizes", parted <= bound, (market_id, parted, bound))
    world.slack.check(world.must)


def check_claims(world: World) -> None:
    """P2 once more, over all accounts one by one."""
    world.slack.check_claims(world.everyone, world.must)


# -- after a call --------------------------------------------------------------------------------


def check_no_hidden_debt(world: World, accounts: Iterable[int]) -> None:
    """P3: an account that was touched and has no position has E >= 0."""
    for account in accounts:
        held = world.spec.ledger.accounts[account]
        # Only a module that no contract resembles can leave the fund itself in debt.
        if held.bitmap & MARKETS_MASK or held.cash >= 0 or account == world.fee_account:
            continue
        found = standing(world, account)
        equity = held.cash if found is None else found.plan.equity
        world.must("P3 hidden debt", equity >= 0, (hex(account), held, found))


def check_exit(world: World, account: int) -> None:
    """P6 after a way out: no debt, and initial margin without unrealised profit."""
    held = world.spec.ledger.accounts[account]
    world.must("P6 cash", held.cash >= 0, held)
    if held.bitmap:
        found = world.spec.assess(account)
        world.must("P6 exit", found.settled >= found.initial, found)


def check_mode(world: World, account: int) -> None:
    """P6 after a change of mode: initial margin in the mode that it is in now."""
    found = standing(world, account)
    if found is None or world.spec.ledger.accounts[account].bitmap == 0:
        return
    world.must("P6 mode", found.margin.adverse >= found.margin.initial, found)
    poor = is_poor(world, found) and standard_initial(world, account) != 0
    world.must("P6 minimum equity of a mode", not poor, found)


def is_poor(world: World, found: Standing) -> bool:
    """Whether hedges get no credit: below the minimum equity of portfolio mode."""
    least = world.model.scenarios.matrix.minimum_equity * WAD
    return bool(found.mode & PORTFOLIO) and found.margin.equity < least


def standard_initial(world: World, account: int, takeover: int = 0) -> int:
    """What standard mode would ask of an account."""
    base, legs = world.spec.portfolio(account)
    held = world.spec.ledger.accounts[account]
    prices = world.spec.refresh(held.bitmap)
    return world.model.assess(held.cash, base, legs, prices, world.spec.now, takeover).initial


def check_gate(
    world: World, change: Change, market_id: int, earlier: Standing | None, takeover: int = 0
) -> None:
    """P6 after a trade: enough margin, or less risk.

    Below the minimum equity of portfolio mode enough margin is that of standard mode.
    """
    later = standing(world, change.account, takeover)
    if earlier is None or later is None:
        return
    held = world.spec.ledger.accounts[change.account]
    if held.bitmap == 0:
        world.must("P6 nothing left", held.cash >= 0, (change, earlier, later))
        return
    before, after = earlier.margin, later.margin
    needed, poor = after.initial, is_poor(world, later)
    world.count("poor in portfolio mode", poor)
    if poor:
        needed = max(needed, standard_initial(world, change.account, takeover))
    if after.adverse >= needed:
        return
    size_before, size_after = earlier.sizes.get(market_id, 0), later.sizes.get(market_id, 0)
    values = (change, earlier, later)
    world.must("P6 gate 2", change.gate != GATE_INITIAL, values)
    # Rounding of shares may show one unit of size more or less than was traded.
    smaller = abs(size_after) <= abs(size_before) and size_after * size_before >= 0
    world.must("P6 smaller", smaller, values)
    # For the same reason the gate, which rebuilds the earlier size from the later one, may see an
    # equity that is a unit's worth higher than it was.
    off = world.drift.is_off(market_id)
    unseen = _worth(world, [market_id]) if off else 0
    world.must("P6 solvent", before.equity + unseen > 0 and after.equity >= 0, values)
    risk = before.equity * after.maintenance - after.equity * before.maintenance
    room = _dust(world, earlier.sizes.keys() | {market_id}, before, after) if off else 0
    world.must("P6 ratio", risk <= room, values)


def _worth(world: World, market_ids: Iterable[int]) -> int:
    """What a few units of size are worth in each of some markets (wei): sizes round to a unit."""
    prices = [world.prices[market_id].price for market_id in market_ids if market_id in ANCHORS]
    return sum(ROUNDED_UNITS * (price // WAD + 1) for price in prices)


def _dust(world: World, market_ids: Iterable[int], before: Assessment, after: Assessment) -> int:
    """How far E * M of two moments may part when sizes are off the grid."""
    margins = abs(after.equity) + abs(before.equity) + after.maintenance + before.maintenance
    return (margins + PPM) * _worth(world, market_ids)


def check_liquidation(
    world: World, account: int, before: Standing, step: Step, exact: bool
) -> None:
    """P5: a step never lowers h, flips or grows a position, or closes more than the target needs.

    `exact`: the account's markets are on the grid, so that no rounding of sizes excuses anything.
    """
    after = standing(world, account)
    if after is None:
        world.fail(f"P5: {account:#x} cannot be valued after its liquidation")
        return
    values = (before, step, after)
    for market_id, size in before.sizes.items():
        left = after.sizes.get(market_id, 0)
        world.must("P5 flip", left * size >= 0 and abs(left) <= abs(size), values)
    new = set(after.sizes) - set(before.sizes)
    world.must("P5 new leg", not new, values)
    if before.plan.equity <= 0:
        usable = {leg.market_id for leg in before.plan.legs if leg.usable}
        left_over = usable & set(ids_of(world.spec.ledger.accounts[account].bitmap))
        world.must("P5 whole", step.stage == WHOLE and not left_over, values)
        world.must("P5 fee of a bankrupt", step.fee == 0, values)
        return
    room = 0 if exact else _dust(world, before.sizes.keys(), before.margin, after.margin)
    ratio = (
        after.plan.equity * before.plan.maintenance - before.plan.equity * after.plan.maintenance
    )
    world.must("P5 ratio", ratio >= -room, values)
    least = 0 if exact else -_worth(world, before.sizes.keys())
    world.must("P5 shortfall", after.plan.equity >= least, values)
    if before.mode & PORTFOLIO:
        _check_share(world, before.plan, step, values)
    if step.stage == PARTIAL and step.market_id:
        _check_needed(world, before.plan, step, values)
    elif step.stage == PARTIAL:
        _check_fraction(world, before, step, after)


def check_buyer(world: World, buyer: int) -> None:
    """P6 of a conversion: the buyer's cash is not below zero, and its legs have initial margin."""
    held = world.spec.ledger.accounts[buyer]
    world.must("P6 buyer's cash", held.cash >= 0, held)
    if held.bitmap & MARKETS_MASK:
        # A buyer adds no open interest.
        found = world.spec.assess(buyer, TAKEOVER)
        world.must("P6 buyer", found.adverse >= found.initial, found)


def check_conversion(
    world: World, account: int, before: Standing, token_id: int, found: Conversion
) -> None:
    """A conversion never lowers E or h, nor brings B above one native unit's worth of cash.

    `found`: B before it, the discount, native units sold and cash paid.
    """
    after = standing(world, account)
    if after is None:
        world.fail(f"{account:#x} cannot be valued after its conversion")
        return
    balance, discount, sold, paid = found
    values = (found, before, after)
    world.must("conversion equity", after.plan.equity >= before.plan.equity, values)
    world.must("conversion margin", after.plan.maintenance == before.plan.maintenance, values)
    later = world.seller.settlement_balance(account)
    world.must("conversion balance", later == balance + paid, (later, values))
    unit = 10 ** (18 - DECIMALS[token_id])
    # Tokens at par or above are what the price is in; below par the dollars buy more of them.
    par = min(WAD, world.prices[SETTLEMENT_ID].price)
    worth = sold * unit * world.prices[127 + token_id].price * WAD // par
    total = world.spec.totals
    # Three roundings; while losses are deferred cash is worth less than its amount.
    held = total.held if total.deferred else 1
    claims = total.held + total.deferred if total.deferred else 1
    one = (paid * held // claims) // sold + 3
    world.must("conversion unit", later <= one * claims // held + 1, (later, one, values))
    gained = worth * claims - paid * held * WAD
    world.must("conversion gain", gained * PPM <= worth * claims * discount, values)


def _check_needed(world: World, plan: Plan, step: Step, values: object) -> None:
    """P5: closing a lot and a minimum notional less would miss E = (1 + b) M."""
    leg = next(leg for leg in plan.legs if leg.market_id == step.market_id)
    minimum = world.spec.terms[step.market_id].min_notional
    less = step.notional - minimum - LOT * step.price // WAD - 2
    if less <= 0:
        return
    pi = penalty(ENGINE, plan.equity, plan.maintenance)
    rest = leg.notional - less
    # Where size sets the rate, it moves in steps of a part per million.
    rate = leg.rate_at(rest * WAD) + is_sized(leg, rest)
    released = leg.notional * leg.rate - rest * rate
    equity = plan.equity * PPM - less * pi
    target = (PPM + ENGINE.target_buffer) * (plan.maintenance * PPM - released) // PPM
    world.must("P5 more than needed", equity < target, values)


def _check_share(world: World, plan: Plan, step: Step, values: object) -> None:
    """In portfolio mode a step costs at most what a margin released costs in standard mode."""
    pi = penalty(ENGINE, plan.equity, plan.maintenance)
    standard = sum(leg.notional * leg.rate for leg in plan.legs) // PPM
    paid, highest = step.fee * standard * PPM, pi * plan.maintenance * step.notional
    world.must("a hedge pays more than its margin", paid <= highest, values)
    world.count("hedge liquidated", plan.maintenance < standard)


def _check_fraction(world: World, before: Standing, step: Step, after: Standing) -> None:
    """P5 of a slice of all legs: the same fraction of each up to a lot, and none of others.

    The fraction is no larger than what restores E = (1 + b) M where M falls in proportion to it;
    where every leg has a price and no matrix ramps, E ends at or below (1 + b) M.
    """
    fraction, values = step.size, (before, step, after)
    for leg in before.plan.legs:
        held = before.sizes[leg.market_id]
        taken = abs(held) - abs(after.sizes.get(leg.market_id, 0))
        wanted = abs(held) * fraction // WAD if leg.usable else 0
        exact = not world.drift.is_off(leg.market_id)
        room = 0 if exact else ROUNDED_UNITS
        least = wanted if fraction == WAD else wanted - LOT + 1
        world.must("P5 same fraction", least - room <= taken <= wanted + room, values)
    if fraction == WAD:
        return
    plan, one_less = before.plan, fraction - 1
    notional = sum(leg.notional for leg in plan.legs if leg.usable)
    pi = eased(penalty(ENGINE, plan.equity, plan.maintenance), plan)
    target = (PPM + ENGINE.target_buffer) * plan.maintenance * (WAD - one_less)
    equity = plan.equity * PPM * WAD - one_less * pi * notional
    world.must("P5 larger fraction than needed", equity < target, values)
    ramp = world.model.scenarios.matrix.ramp_start + RAMP
    if all(leg.usable for leg in plan.legs) and world.spec.now >= ramp:
        goal = PPM + ENGINE.target_buffer
        # Rates round to parts per million, and legs to a lot of their own: what that unmatches
        # needs no more than the largest shock of a matrix, times its factor, of it.
        shock = 4 * max(PPM, world.model.scenarios.matrix.terms.factor) // PPM + 4
        lots = sum(LOT * world.prices[leg.market_id].price // WAD for leg in plan.legs)
        room = goal * (2 * notional // PPM + shock * lots + _worth(world, before.sizes.keys()))
        left = after.plan.equity * PPM - goal * after.plan.maintenance
        world.must("P5 more of all than needed", left <= room, values)
