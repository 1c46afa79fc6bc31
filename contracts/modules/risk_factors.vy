# pragma version ==0.4.3
"""
@title Risk factors
@notice How rates grow with size, open interest and volatility, how they move with time, and what collateral is worth.
@dev `seawall/spec/risk.py` is the same in Python, with the sources of the formulas. Rates, weights and factors are
     parts per million; notionals of legs are products of two WAD numbers, below 2**199.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import risk_words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
PPM_2: constant(uint256) = 10**12
PPM_3: constant(uint256) = 10**18
PPM_4: constant(uint256) = 10**24
# A change waits NOTICE and then moves over RAMP seconds.
NOTICE: constant(uint256) = 2 * 86_400
RAMP: constant(uint256) = 5 * 86_400
# Of depth and capacity, in money and in products of two WAD numbers.
DEPTH_UNIT: constant(uint256) = 10**21
DEPTH_WAD: constant(uint256) = 10**39
# DEPTH_WAD / PPM_2.
DEPTH_PPM: constant(uint256) = 10**27
# A thousandth of money as a product of two WAD numbers, and a depth in it.
MILLI: constant(uint256) = 10**33
DEPTH_MILLI: constant(uint256) = 10**6
# Of stored volatility factors and their caps.
FACTOR_UNIT: constant(uint256) = 1_000
CAP_UNIT: constant(uint256) = 100_000
# Seconds in which a volatility factor moves by a unit.
FACTOR_STEP: constant(uint256) = 72
# Rates beyond 100 % are of initial margin alone; sums over legs have room for this one.
MAX_INITIAL_RATE: constant(uint256) = 2**30 - 1

# ---------------------------------------------------------------
#                             TIME
# ---------------------------------------------------------------


@internal
@pure
def _passed(start: uint256, time: uint256) -> uint256:
    """
    @notice Seconds of a ramp that have passed, from 0 to RAMP.
    """
    if time <= start:
        return 0
    return min(unsafe_sub(time, start), RAMP)


@internal
@pure
def _between(origin: uint256, goal: uint256, passed: uint256) -> uint256:
    """
    @notice Where a ramp stands, rounded down; both ends are below 2**32.
    """
    total: uint256 = unsafe_add(unsafe_mul(origin, unsafe_sub(RAMP, passed)), unsafe_mul(goal, passed))
    return unsafe_div(total, RAMP)


@internal
@pure
def _base_between(word: uint256, earlier: uint256, time: uint256) -> (uint256, uint256):
    """
    @notice Maintenance rate and depth of a market whose ramp is on.
    """
    # risk_words._risk_fields
    passed: uint256 = self._passed((word >> 72) & risk_words.U32, time)
    goal: uint256 = (word >> 216) & risk_words.U20
    deep: uint256 = (word >> 184) & risk_words.U32
    rate: uint256 = self._between(earlier >> 64, goal, passed)  # risk_words._earlier_fields
    depth: uint256 = self._between((earlier >> 32) & risk_words.U32, deep, passed)  # risk_words._earlier_fields
    return rate, depth


@internal
@pure
def _calm_between(risk: risk_words.Risk, earlier: uint256, time: uint256) -> (uint256, uint256):
    """
    @notice Calm volatility and cap that goals of the factor in maintenance margin come from.
    """
    if risk.ramp_start == 0:
        return risk.calm, risk.volatility_cap
    passed: uint256 = self._passed(risk.ramp_start, time)
    origin: risk_words.Earlier = risk_words._earlier_fields(earlier)
    calm: uint256 = self._between(origin.calm, risk.calm, passed)
    return calm, self._between(origin.volatility_cap, risk.volatility_cap, passed)


@internal
@pure
def _volatility_factor(word: uint256, time: uint256) -> uint256:
    """
    @notice The factor in maintenance margin at a time: it moves a unit in FACTOR_STEP seconds towards its goal.
    @dev By whole units, so that what a new goal starts from is exact.
    """
    # risk_words._risk_fields
    origin: uint256 = (word >> 56) & risk_words.U16
    goal: uint256 = (word >> 40) & risk_words.U16
    start: uint256 = (word >> 8) & risk_words.U32
    steps: uint256 = 0
    if time > start:
        # Below 2**250 whatever the time: no overflow below.
        steps = unsafe_div(unsafe_sub(time, start), FACTOR_STEP)
    here: uint256 = max(unsafe_sub(origin, min(steps, origin)), goal)
    if goal >= origin:
        here = min(unsafe_add(origin, steps), goal)
    return unsafe_mul(here, FACTOR_UNIT)


# ---------------------------------------------------------------
#                            FACTORS
# ---------------------------------------------------------------


@internal
@pure
def _calm_factor(calm: uint256, cap: uint256, volatility: uint256) -> uint256:
    """
    @notice Volatility / calm volatility, at least 1 and at most the cap (tenths), rounded down.
    """
    if calm == 0 or volatility <= calm:
        return PPM
    # A volatility is below 2**24, a cap below 2**8.
    return min(unsafe_div(unsafe_mul(volatility, PPM), calm), unsafe_mul(cap, CAP_UNIT))


@internal
@pure
def _size_factor(notional: uint256, depth: uint256) -> uint256:
    """
    @notice Square root of notional / depth, rounded down; depth at least 1.
    """
    return isqrt(unsafe_div(notional, unsafe_mul(depth, DEPTH_PPM)))


@internal
@pure
def _sized_factor(flat: uint256, depth: uint256, notional: uint256) -> uint256:
    """
    @notice The larger of the factor that holds whatever the size, and the size factor.
    """
    # uint32 * 10**39; spares the root of most legs.
    if notional <= unsafe_mul(depth, DEPTH_WAD):
        return flat
    return max(flat, self._size_factor(notional, depth))


@internal
@pure
def _maintenance_rate(least: uint256, flat: uint256, depth: uint256, notional: uint256) -> uint256:
    """
    @notice The maintenance rate of a notional, rounded up, at most 1e6.
    """
    factor: uint256 = self._sized_factor(flat, depth, notional)
    if factor == PPM:
        return least
    return self._charged(least, factor, PPM)


@internal
@pure
def _interest_factor(notional: uint256, open_interest: uint256, capacity: uint256) -> uint256:
    """
    @notice Mean of max(1, q / capacity) over the open interest that this leg is the last of, rounded up.
    @param open_interest notional, below 2**185; capacity at least 1
    """
    # uint32 * 10**6; the open interest in thousandths of money is below 2**76.
    full: uint256 = unsafe_mul(capacity, DEPTH_MILLI)
    top: uint256 = unsafe_div(unsafe_add(open_interest, MILLI - 1), MILLI)
    if top <= full:
        return PPM
    own: uint256 = unsafe_div(notional, MILLI)
    bottom: uint256 = 0
    if top > own:
        bottom = unsafe_sub(top, own)
    # Squares are below 2**153, with parts per million below 2**173.
    above: uint256 = unsafe_mul(unsafe_add(top, bottom), PPM)
    below: uint256 = unsafe_mul(2, full)
    if bottom < full:
        flat: uint256 = unsafe_mul(below, unsafe_sub(full, bottom))
        rising: uint256 = unsafe_sub(unsafe_mul(top, top), unsafe_mul(full, full))
        above = unsafe_mul(unsafe_add(flat, rising), PPM)
        below = unsafe_mul(below, unsafe_sub(top, bottom))
    return unsafe_div(unsafe_add(above, unsafe_sub(below, 1)), below)


@internal
@pure
def _charged(rate: uint256, factor: uint256, highest: uint256) -> uint256:
    """
    @notice A base rate times its factor, rounded up; the rate below 2**20, the factor below 2**180.
    """
    return min(unsafe_div(unsafe_add(unsafe_mul(rate, factor), PPM - 1), PPM), highest)


# ---------------------------------------------------------------
#                           COLLATERAL
# ---------------------------------------------------------------


@internal
@pure
def _worth(gross: uint256, weight: uint256, depth: uint256) -> uint256:
    """
    @notice What a collateral of gross WAD value below 2**192 counts for, rounded down: its haircut grows with the
            square root of gross / depth, up to where another unit would lower the whole.
    @param weight below 1e6, depth at least 1
    """
    deep: uint256 = unsafe_mul(depth, DEPTH_UNIT)
    if gross <= deep:
        return unsafe_div(unsafe_mul(gross, weight), PPM)
    haircut: uint256 = unsafe_sub(PPM, weight)
    # A depth is below 2**102: no product here reaches 2**256. The divisor is at least 9.
    most: uint256 = unsafe_div(unsafe_mul(deep, 4 * PPM_2), unsafe_mul(9, unsafe_mul(haircut, haircut)))
    counted: uint256 = min(gross, max(deep, most))
    # What counts is below 2**144, for the haircut is at least 1. The root is 10**12 where the haircut is two thirds or
    # more, and else at most 10**18 * 2 / 3 of the haircut: what has grown is not above 10**18.
    grown: uint256 = unsafe_mul(haircut, isqrt(unsafe_div(unsafe_mul(counted, PPM_4), deep)))
    return unsafe_div(unsafe_mul(counted, unsafe_sub(PPM_3, grown)), PPM_3)
