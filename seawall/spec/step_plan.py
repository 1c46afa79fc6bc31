"""What one step of a liquidation does: sizes, penalties and fees (protocol section 6).

Rates are parts per million, money WAD. Sizes of slices round up to a lot, fees round down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import Leg, Plan, PlannedLeg, Price
from seawall.spec.risk import size_factor
from seawall.spec.words import LOT, PORTFOLIO, PPM, WAD

#: What a step does; nothing of it where an account is bankrupt, or a slice has to wait.
NOTHING, PARTIAL, WHOLE, BANKRUPT, GRACE = 0, 1, 2, 3, 4
#: Off the grid a close may lose a few wei to rounding; the fee leaves room so that h never falls.
ROUNDING_WEI = 4
#: How often a slice beside a leg without a usable price is halved until it helps.
HALVINGS = 6
#: Newton steps towards the size of a slice; each doubles the digits.
NEWTON_STEPS = 5


class EngineParameters(NamedTuple):
    """Target buffer b, penalty at h = 1 and at close-out, kappa, the keeper's share."""

    target_buffer: int = 100_000
    penalty_min: int = 5_000
    penalty_max: int = 10_000
    close_out: int = 666_667
    keeper_share: int = 500_000


class Step(NamedTuple):
    """What one step does; market 0 and size 0 where it spans several markets."""

    stage: int = NOTHING
    market_id: int = 0
    size: int = 0
    price: int = 0
    notional: int = 0
    fee: int = 0
    keeper_fee: int = 0
    reserve: int = 0


def penalty(parameters: EngineParameters, equity: int, maintenance: int) -> int:
    """pi: linear in h from penalty_min at h = 1 to penalty_max at close-out, rounded down."""
    span = parameters.penalty_max - parameters.penalty_min
    depth = max(maintenance - equity, 0) * PPM
    slope = maintenance * (PPM - parameters.close_out)
    return parameters.penalty_min + min(span, span * depth // slope)


def eased(pi: int, plan: Plan) -> int:
    """pi in portfolio mode: pi * min(1, M / what its legs need in standard mode), rounded down.

    A hedge needs less margin than its notional: so a margin released costs at most what it costs in
    standard mode, with legs of the mean rate.
    """
    standard = sum(leg.notional * leg.rate for leg in plan.legs) // PPM
    return pi * plan.maintenance // standard if plan.maintenance < standard else pi


def needed_notional(
    parameters: EngineParameters, equity: int, maintenance: int, leg: PlannedLeg, pi: int
) -> int | None:
    """x = ((1 + b) M - E) / ((1 + b) m - pi), rounded up; None where no size reaches the target.

    m is what a notional of the slice releases. Where that falls with the size of the leg, Newton's
    steps from the left use the rate at the margin, which is larger than the mean over what is
    left to take: they never close more than the target needs.
    """
    goal = PPM + parameters.target_buffer
    taken = 0
    for _ in range(NEWTON_STEPS):
        left = leg.notional - taken
        released = leg.notional * leg.rate - left * leg.rate_at(left * WAD)
        missing = goal * (maintenance * PPM - released) - (equity * PPM - pi * taken) * PPM
        if missing <= 0:
            return taken
        divisor = goal * marginal_rate(leg, left) - pi * PPM
        if divisor <= 0:
            return None
        taken += ceil_div(missing, divisor)
        if taken >= leg.notional:
            return None
        if not is_sized(leg, left):
            return taken
    return taken


def is_sized(leg: PlannedLeg, notional: int) -> bool:
    """Whether the size of a leg sets its rate."""
    return size_factor(notional * WAD, leg.depth) > leg.flat


def marginal_rate(leg: PlannedLeg, notional: int) -> int:
    """d(margin) / d(notional), or above it: a square root's is three halves of its mean."""
    rate = leg.rate_at(notional * WAD)
    return ceil_div(rate * 3, 2) if is_sized(leg, notional) else rate


def capped_fee(
    pi: int, notional: int, equity: int, maintenance: int, left: int, legs: int = 1
) -> int:
    """min(pi * notional, E - ceil(E * M' / M)): the most that keeps E / M from falling."""
    if equity <= 0:
        return 0
    room = equity - -(-equity * left // maintenance) - ROUNDING_WEI * legs
    return max(0, min(pi * notional // PPM, room))


def dust_of(plan: Plan, legs: list[Leg], prices: list[Price]) -> int:
    """What a whole close may lose to rounding, WAD: legs off the lot lose up to a unit of size."""
    sized = list(zip(legs, prices, strict=True))[: len(plan.legs)]
    if all(size % LOT == 0 for (_, _, size), _ in sized):
        return 0
    return sum(price.price // WAD + ROUNDING_WEI for _, price in sized)


def is_below_close_out(parameters: EngineParameters, plan: Plan) -> bool:
    """h < kappa."""
    return plan.equity * PPM < plan.maintenance * parameters.close_out


def is_bankrupt(plan: Plan, dust: int) -> bool:
    """At or below zero once its legs are closed."""
    return plan.equity < max(1, dust)


def best_leg(planned: tuple[PlannedLeg, ...]) -> int | None:
    """The usable leg that releases most margin per notional, the larger one on a tie."""
    best: int | None = None
    for index, leg in enumerate(planned):
        if not leg.usable or leg.notional == 0:
            continue
        if best is None or (leg.rate, leg.notional) > (planned[best].rate, planned[best].notional):
            best = index
    return best


def slice_size(size: int, price: int, notional: int | None, minimum: int, limit: int) -> int:
    """Absolute size to close: the needed notional up to a lot, whole when the rest would be dust.

    0 where `limit` (notional) allows nothing.
    """
    held = abs(size)
    taken = held
    if notional is not None:
        taken = min(held, -(-notional * WAD // (price * LOT)) * LOT)
    if taken < held and (held - taken) * price < minimum * WAD:
        taken = held
    if taken * price > limit * WAD:
        taken = limit * WAD // (price * LOT) * LOT
        if taken == 0 or (held - taken) * price < minimum * WAD:
            return 0
    return taken


def plan_partial(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    minimum_of: dict[int, int],
    limit: int,
) -> Step:
    """One slice of one leg; an empty step where no leg is usable or the limit allows nothing."""
    index = best_leg(plan.legs)
    if index is None:
        return Step()
    leg, (_, _, size), price = plan.legs[index], legs[index], prices[index].price
    pi = penalty(parameters, plan.equity, plan.maintenance)
    wanted = needed_notional(parameters, plan.equity, plan.maintenance, leg, pi)
    taken = slice_size(size, price, wanted, minimum_of[leg.market_id], limit)
    if taken == 0:
        return Step(stage=PARTIAL, market_id=leg.market_id)
    notional = taken * price // WAD
    # The model rounds the sum of legs up once: less what the slice releases is enough.
    rest = (abs(size) - taken) * price
    released = abs(size) * price * leg.rate - rest * leg.rate_at(rest)
    left = plan.maintenance - released // (WAD * PPM)
    fee = capped_fee(pi, notional, plan.equity, plan.maintenance, left)
    reserve = leg.reserve if taken == abs(size) else 0
    return Step(
        PARTIAL, leg.market_id, taken, price, notional, fee,
        fee * parameters.keeper_share // PPM, reserve,
    )  # fmt: skip


def needed_fraction(parameters: EngineParameters, plan: Plan, pi: int, limit: int) -> int:
    """phi = ((1 + b) M - E) / ((1 + b) (M + S / 2) - pi N), rounded up, within the limit: WAD.

    Margin falls in proportion to the legs, but for S, what legs need whose size sets their rate: a
    power of three halves. So this is Newton's step from the left: never more than the target needs.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    notional = sum(leg.notional for leg in usable)
    sized = sum(leg.notional * leg.rate for leg in usable if is_sized(leg, leg.notional))
    goal = PPM + parameters.target_buffer
    steepest = plan.maintenance + ceil_div(sized, 2 * PPM)
    divisor = goal * steepest - pi * notional
    fraction = WAD
    if divisor > 0:
        missing = goal * plan.maintenance - PPM * plan.equity
        fraction = min(WAD, ceil_div(missing * WAD, divisor))
    return min(fraction, limit * WAD // notional) if notional else fraction


def fraction_of(size: int, fraction: int) -> int:
    """What a slice of a fraction takes of a leg, rounded down to a lot unless it takes all."""
    return size if fraction == WAD else abs(size) * fraction // WAD // LOT * LOT * sign(size)


def sign(number: int) -> int:
    """1, 0 or -1."""
    return (number > 0) - (number < 0)


def after_slice(plan: Plan, legs: list[Leg], fraction: int) -> list[Leg]:
    """The legs after a slice of all usable ones."""
    left = list(legs)
    for index, leg in enumerate(plan.legs):
        leg_id, interest, size = legs[index]
        if leg.usable:
            left[index] = (leg_id, interest, size - fraction_of(size, fraction))
    return left


def plan_slice_of_all(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    required: Callable[[list[Leg]], int],
    limit: int,
) -> Step:
    """The same fraction of every leg, so that hedges stay matched; `size` is the fraction.

    Beside a leg without a usable price margin need not fall along the fraction: the half of it is
    tried, and its half, HALVINGS times. Where no slice helps: all legs, or nothing where that does
    not either. `required` answers what other legs need in portfolio mode.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    if not usable:
        return Step()
    pi = eased(penalty(parameters, plan.equity, plan.maintenance), plan)
    fraction = needed_fraction(parameters, plan, pi, limit)
    halvings = HALVINGS if len(usable) < len(plan.legs) else 0
    for attempt in (*(fraction >> number for number in range(halvings + 1)), WAD):
        left = after_slice(plan, legs, attempt)
        taken = sum(
            abs(before[2] - after[2]) * price.price // WAD
            for before, after, price in zip(legs, left, prices, strict=True)
        )
        margin = required(left)
        if margin < plan.maintenance:
            break
    else:
        return Step()
    if taken > limit:
        taken = 0
    fee = capped_fee(pi, taken, plan.equity, plan.maintenance, margin, len(usable))
    reserve = sum(leg.reserve for leg in usable) if attempt == WAD else 0
    share = fee * parameters.keeper_share // PPM
    return Step(PARTIAL, 0, attempt, 0, taken, fee, share, reserve)


def plan_whole(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    required: Callable[[list[Leg]], int],
    mode: int,
) -> Step:
    """All usable legs at once.

    Nothing where that leaves a solvent account with more margin to keep, which a hedge of a leg
    without a usable price does: h would fall.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    if not usable:
        return Step()
    notional = sum(leg.notional for leg in usable)
    pi, left = parameters.penalty_max, 0
    if mode & PORTFOLIO:
        pi = eased(pi, plan)
    if len(usable) < len(plan.legs):
        # The model rounds the sum of legs up once: less what the close releases is enough.
        left = plan.maintenance - sum(leg.notional * leg.rate for leg in usable) // PPM
        if mode & PORTFOLIO:
            left = required(after_slice(plan, legs, WAD))
    if plan.equity > 0 and left > plan.maintenance:
        return Step()
    fee = capped_fee(pi, notional, plan.equity, plan.maintenance, left)
    fee = max(0, min(fee, plan.equity - dust_of(plan, legs, prices)))
    share = fee * parameters.keeper_share // PPM
    return Step(
        stage=WHOLE, notional=notional, fee=fee, keeper_fee=share,
        reserve=sum(leg.reserve for leg in usable),
    )  # fmt: skip


def is_healthy(plan: Plan) -> bool:
    """Without market legs, or at or above maintenance margin at the favourable ends."""
    return not plan.legs or plan.favourable_equity >= plan.favourable_maintenance
