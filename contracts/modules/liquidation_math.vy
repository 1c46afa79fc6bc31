# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Liquidation math
@notice How much of what to close, at which penalty: the arithmetic of the liquidation engine and its parameters.
@dev `seawall/spec/step_plan.py` is the same in Python. Rates are parts per million, money WAD.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_factors  # rates of other sizes
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # layout of legs and prices

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
WAD: constant(uint256) = 10**18
WAD_PPM: constant(uint256) = 10**24
LOT: constant(uint256) = 10**12
# Towards the size of a slice; each doubles the digits.
NEWTON_STEPS: constant(uint256) = 5
MAX_LEGS: constant(uint256) = 16
# No account's notional comes near it; a larger limit means none.
MAX_LIMIT: constant(uint256) = 2**128
# Off the grid a close may lose a few wei to rounding; the fee leaves room so that h never falls.
ROUNDING_WEI: constant(int256) = 4


# An account as the waterfall sees it: margin at spot and at favourable ends, its legs with their prices, and a plan
# word per market leg (market legs come first).
struct Situation:
    word: uint256
    base: int256
    equity: int256
    maintenance: uint256
    favourable: int256
    favourable_maintenance: uint256
    legs: DynArray[uint256, 24]
    prices: DynArray[uint256, 24]
    planned: DynArray[uint256, 16]


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

# Partial liquidation closes up to (1e6 + this) / 1e6 of maintenance margin.
TARGET_BUFFER_PPM: public(immutable(uint256))
PENALTY_MIN_PPM: public(immutable(uint256))
PENALTY_MAX_PPM: public(immutable(uint256))
# Below this h the whole account is closed.
CLOSE_OUT_PPM: public(immutable(uint256))
KEEPER_SHARE_PPM: public(immutable(uint256))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    target_buffer_ppm: uint256,
    penalty_min_ppm: uint256,
    penalty_max_ppm: uint256,
    close_out_ppm: uint256,
    keeper_share_ppm: uint256,
):
    """
    @param target_buffer_ppm b: a partial liquidation restores E = (1 + b) M; at most 1e6
    @param penalty_min_ppm pi at h = 1, per notional closed
    @param penalty_max_ppm pi at close-out; at most 1e5
    @param close_out_ppm kappa, below 1e6
    @param keeper_share_ppm the keeper's part of the fee, at most 1e6
    """
    assert target_buffer_ppm <= PPM, "engine: target buffer"
    assert penalty_min_ppm <= penalty_max_ppm and penalty_max_ppm <= 10**5, "engine: penalty"
    assert close_out_ppm < PPM, "engine: close out"
    assert keeper_share_ppm <= PPM, "engine: keeper share"
    TARGET_BUFFER_PPM = target_buffer_ppm
    PENALTY_MIN_PPM = penalty_min_ppm
    PENALTY_MAX_PPM = penalty_max_ppm
    CLOSE_OUT_PPM = close_out_ppm
    KEEPER_SHARE_PPM = keeper_share_ppm


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _left_after_slice(maintenance: uint256, held: uint256, closed: uint256, price: uint256, leg: uint256) -> uint256:
    """
    @notice Maintenance margin after a slice of one leg was closed, rounded up.
    @dev The model rounds the sum of legs up once, so the sum less what the slice releases, rounded down, is enough.
    @param leg its plan word
    """
    # Sizes are below 2**113, prices below 2**80 and rates below 2**20: no overflow.
    rest: uint256 = unsafe_mul(unsafe_sub(held, closed), price)
    whole: uint256 = unsafe_mul(unsafe_mul(held, price), risk_words._plan_rate(leg))
    released: uint256 = unsafe_sub(whole, unsafe_mul(rest, self._rate_at(leg, rest)))
    return maintenance - unsafe_div(released, WAD_PPM)


@internal
@pure
def _rate_at(leg: uint256, notional: uint256) -> uint256:
    """
    @notice Maintenance rate of another size of a leg.
    @param leg its plan word
    @param notional size * price
    """
    least: uint256 = risk_words._plan_base(leg)
    flat: uint256 = risk_words._plan_flat(leg)
    depth: uint256 = risk_words._plan_depth(leg)
    return risk_factors._maintenance_rate(least, flat, depth, notional)


@internal
@pure
def _best_leg(planned: DynArray[uint256, MAX_LEGS]) -> uint256:
    """
    @notice Index of the usable leg that releases most margin per notional, the larger on a tie; MAX_LEGS: none.
    """
    best: uint256 = MAX_LEGS
    best_rate: uint256 = 0
    best_notional: uint256 = 0
    index: uint256 = 0
    for leg: uint256 in planned:
        rate: uint256 = risk_words._plan_rate(leg)
        notional: uint256 = risk_words._plan_notional(leg)
        better: bool = rate > best_rate or (rate == best_rate and notional > best_notional)
        if risk_words._plan_usable(leg) and notional != 0 and better:
            best = index
            best_rate = rate
            best_notional = notional
        index = unsafe_add(index, 1)
    return best


@internal
@view
def _penalty(equity: int256, maintenance: uint256) -> uint256:
    """
    @notice pi of standard mode: linear in h from PENALTY_MIN at h = 1 to PENALTY_MAX at close-out, rounded down.
    """
    span: uint256 = unsafe_sub(PENALTY_MAX_PPM, PENALTY_MIN_PPM)
    # Only called with 0 <= close-out <= h < 1 at the favourable ends; at the index rounding may add a few wei.
    missing: int256 = max(unsafe_sub(convert(maintenance, int256), equity), 0)
    # Maintenance is below 2**160, rates are below 2**21: no overflow. The divisor is above zero: so is maintenance of
    # an account that is below it, and close-out is below 1e6.
    depth: uint256 = unsafe_mul(convert(missing, uint256), PPM)
    slope: uint256 = unsafe_mul(maintenance, unsafe_sub(PPM, CLOSE_OUT_PPM))
    return unsafe_add(PENALTY_MIN_PPM, min(span, unsafe_mul(span, depth) // slope))


@internal
@pure
def _eased(penalty: uint256, maintenance: uint256, standard: uint256) -> uint256:
    """
    @notice pi in portfolio mode: pi * min(1, M / M of standard mode), rounded down.
    @dev A hedge needs less margin than its notional: so a margin released costs at most what it costs in standard mode,
         with legs of the mean rate.
    @param standard what the legs need in standard mode, times 1e6
    """
    needed: uint256 = unsafe_div(standard, PPM)
    if maintenance >= needed:
        return penalty
    # A penalty is at most 10**5 and maintenance below 2**160: no overflow. The divisor is above zero.
    return unsafe_div(unsafe_mul(penalty, maintenance), needed)


@internal
@view
def _needed_notional(equity: int256, maintenance: uint256, leg: uint256, penalty: uint256) -> uint256:
    """
    @notice x = ((1 + b) M - E) / ((1 + b) m - pi), rounded up; MAX_LIMIT where no size reaches the target.
    @dev Where m, what a notional of the slice releases, falls with the size of the leg, Newton's steps from the left use
         the rate at the margin, which is above the mean over what is left to take: they never close too much.
    @param leg its plan word
    """
    # Maintenance and equity are below 2**160, notionals below 2**128, rates below 2**21: no overflow.
    goal: uint256 = unsafe_add(PPM, TARGET_BUFFER_PPM)
    notional: uint256 = risk_words._plan_notional(leg)
    flat: uint256 = risk_words._plan_flat(leg)
    whole: uint256 = unsafe_mul(notional, risk_words._plan_rate(leg))
    taken: uint256 = 0
    for i: uint256 in range(NEWTON_STEPS):
        left: uint256 = unsafe_sub(notional, taken)
        factor: uint256 = risk_factors._sized_factor(flat, risk_words._plan_depth(leg), unsafe_mul(left, WAD))
        rate: uint256 = risk_factors._charged(risk_words._plan_base(leg), factor, PPM)
        released: uint256 = unsafe_sub(whole, unsafe_mul(left, rate))
        required: uint256 = unsafe_mul(goal, unsafe_sub(unsafe_mul(maintenance, PPM), released))
        paid: int256 = convert(unsafe_mul(penalty, taken), int256)
        owned: int256 = unsafe_sub(unsafe_mul(equity, convert(PPM, int256)), paid)
        missing: int256 = unsafe_sub(convert(required, int256), unsafe_mul(owned, convert(PPM, int256)))
        if missing <= 0:
            break
        # A square root's slope is three halves of its mean.
        slope: uint256 = rate
        if factor > flat:
            slope = unsafe_div(unsafe_add(unsafe_mul(rate, 3), 1), 2)
        gained: uint256 = unsafe_mul(goal, slope)
        lost: uint256 = unsafe_mul(penalty, PPM)
        if gained <= lost:
            return MAX_LIMIT
        divisor: uint256 = unsafe_sub(gained, lost)
        more: uint256 = unsafe_div(unsafe_add(convert(missing, uint256), unsafe_sub(divisor, 1)), divisor)
        taken = unsafe_add(taken, more)
        if taken >= notional:
            return MAX_LIMIT
        if factor == flat:
            break
    return taken


@internal
@view
def _needed_fraction(
    equity: int256, maintenance: uint256, steepest: uint256, notional: uint256, penalty: uint256, limit: uint256
) -> uint256:
    """
    @notice phi = ((1 + b) M - E) / ((1 + b) (M + S / 2) - pi N), rounded up, within the limit: WAD.
    @dev Newton's step from the left: never more than the target needs.
    @param equity not below zero
    @param steepest M + S / 2: margin falls in proportion to the legs, but for S, what legs need whose size sets their
           rate, a power of three halves
    """
    # Maintenance and equity are below 2**160, a notional below 2**132, the limit at most 2**128: no overflow.
    goal: uint256 = unsafe_add(PPM, TARGET_BUFFER_PPM)
    gained: uint256 = unsafe_mul(goal, steepest)
    paid: uint256 = unsafe_mul(penalty, notional)
    fraction: uint256 = WAD
    if gained > paid:
        missing: uint256 = unsafe_mul(goal, maintenance) - unsafe_mul(PPM, convert(equity, uint256))
        fraction = min(WAD, fixed_math._mul_div_up(missing, WAD, unsafe_sub(gained, paid)))
    if notional == 0:
        return fraction
    return min(fraction, unsafe_div(unsafe_mul(limit, WAD), notional))


@internal
@pure
def _sized(leg: uint256) -> uint256:
    """
    @notice What a leg needs at its size, times 1e6, where its size sets its rate; else 0.
    @param leg its plan word
    """
    notional: uint256 = risk_words._plan_notional(leg)
    flat: uint256 = risk_words._plan_flat(leg)
    # A notional below 2**128 and a rate below 2**20: no overflow.
    if risk_factors._sized_factor(flat, risk_words._plan_depth(leg), unsafe_mul(notional, WAD)) == flat:
        return 0
    return unsafe_mul(notional, risk_words._plan_rate(leg))


@internal
@pure
def _portion(size: int256, fraction: uint256) -> int256:
    """
    @notice What a slice of a fraction takes of a leg, rounded down to a lot unless it takes all.
    """
    if fraction == WAD:
        return size
    # A size is below 2**113.
    share: uint256 = unsafe_div(unsafe_mul(fixed_math._abs(size), fraction), WAD)
    taken: int256 = convert(unsafe_mul(unsafe_div(share, LOT), LOT), int256)
    return taken if size > 0 else unsafe_sub(0, taken)


@internal
@pure
def _after_slice(seen: Situation, fraction: uint256) -> (DynArray[uint256, 24], uint256):
    """
    @notice The legs after a slice of all usable ones, and the notional that it takes.
    """
    left: DynArray[uint256, 24] = seen.legs
    notional: uint256 = 0
    index: uint256 = 0
    for leg: uint256 in seen.planned:
        if risk_words._plan_usable(leg):
            size: int256 = words._leg_size(seen.legs[index])
            taken: int256 = self._portion(size, fraction)
            left[index] = words._leg(risk_words._plan_id(leg), 0, unsafe_sub(size, taken))
            # A size below 2**113 and a price below 2**80, sixteen times.
            value: uint256 = unsafe_mul(fixed_math._abs(taken), words._price_price(seen.prices[index]))
            notional = unsafe_add(notional, unsafe_div(value, WAD))
        index = unsafe_add(index, 1)
    return left, notional


@internal
@pure
def _slice(held: uint256, price: uint256, notional: uint256, minimum: uint256, limit: uint256) -> uint256:
    """
    @notice Size to close: the needed notional up to a lot, whole when the rest would be below the market's
            minimum; 0 where the limit allows nothing.
    @param minimum WAD notional
    """
    # Sizes are below 2**113, prices and minima below 2**96, notionals and limits at most 2**128: no overflow.
    lots: uint256 = fixed_math._mul_div_up(notional, WAD, unsafe_mul(price, LOT))
    taken: uint256 = min(held, unsafe_mul(lots, LOT))
    least: uint256 = unsafe_mul(minimum, WAD)
    if unsafe_mul(unsafe_sub(held, taken), price) < least:
        taken = held
    most: uint256 = unsafe_mul(limit, WAD)
    if unsafe_mul(taken, price) > most:
        taken = unsafe_mul(most // unsafe_mul(price, LOT), LOT)
        if unsafe_mul(unsafe_sub(held, taken), price) < least:
            return 0
    return taken


@internal
@pure
def _capped_fee(
    penalty: uint256, notional: uint256, equity: int256, maintenance: uint256, left: uint256, legs: uint256
) -> uint256:
    """
    @notice min(pi * notional, E - ceil(E * M' / M)): the most that keeps E / M from falling.
    """
    if equity <= 0:
        return 0
    kept: int256 = fixed_math._mul_div_ceil(equity, convert(left, int256), convert(maintenance, int256))
    room: int256 = max(equity - kept - ROUNDING_WEI * convert(legs, int256), 0)
    return min(fixed_math._ppm_down(notional, penalty), convert(room, uint256))


@internal
@pure
def _dust(seen: Situation) -> uint256:
    """
    @notice What a whole close may lose to rounding (WAD): legs off the lot lose up to a unit of size each.
    """
    odd: bool = False
    dust: uint256 = 0
    for index: uint256 in range(len(seen.planned), bound=MAX_LEGS):
        odd = odd or fixed_math._abs(words._leg_size(seen.legs[index])) % LOT != 0
        # Sixteen of a price below 2**80.
        price: uint256 = words._price_price(seen.prices[index])
        dust = unsafe_add(dust, unsafe_add(unsafe_div(price, WAD), convert(ROUNDING_WEI, uint256)))
    return dust if odd else 0
