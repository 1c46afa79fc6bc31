# pragma version ==0.4.3
"""
@title Averages
@notice What the oracle remembers of an index: its moving average and its realised volatility.
@dev Stateless. `seawall/spec/averages.py` is the same; the fuzz of the oracle holds the two equal. Ratios are in
     10**-7 of the price; volatility is the root of the variance of log returns per second, in 10**-9. Bounds:
     price < 2**80, ratio < 2**28, volatility < 2**24, factor <= 10**9 < 2**30, age < 2**33.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

# Exponential function.
from snekmate.utils import math

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

RATIO: constant(uint256) = 10**7
MAX_RATIO: constant(uint256) = 2**28 - 1
MAX_VOLATILITY: constant(uint256) = 2**24 - 1
MAX_SAMPLE_AGE: constant(uint256) = 2**14 - 1
# Seconds between two samples of the volatility, at least: refreshing more often changes nothing.
SAMPLE_SECONDS: constant(uint256) = 300
DECAY_UNIT: constant(uint256) = 10**9
# Variances are in 10**-18 per second.
VARIANCE_UNIT: constant(uint256) = 10**18
UWAD: constant(uint256) = 10**18

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _decay(elapsed: uint256, seconds: uint256) -> uint256:
    """
    @notice e**(-elapsed / seconds) in 10**-9, to the nearest.
    @param elapsed below 2**32
    @param seconds above 0
    """
    exponent: int256 = convert(unsafe_div(unsafe_mul(elapsed, UWAD), seconds), int256)
    factor: int256 = math._wad_exp(unsafe_sub(0, exponent))
    # Between 0 and 10**18.
    return unsafe_div(unsafe_add(convert(factor, uint256), DECAY_UNIT // 2), DECAY_UNIT)


@internal
@pure
def _nearest(numerator: uint256, denominator: uint256) -> uint256:
    """
    @notice The quotient of two numbers below 2**254, to the nearest, halves up; the denominator above 0.
    """
    return unsafe_div(unsafe_add(unsafe_mul(2, numerator), denominator), unsafe_mul(2, denominator))


@internal
@pure
def _next_ema_ratio(ratio: uint256, old_price: uint256, price: uint256, factor: uint256) -> uint256:
    """
    @notice The average in relation to a new price.
    @dev The old price stood until now, so it alone draws the average: EMA' = P + (EMA - P) * factor. The new one
         has stood for no time: after a gap the average lags, however long nobody refreshed.
    @param factor what is left of the distance, in 10**-9
    """
    # Below 2**59; times a price below 2**139.
    weighted: uint256 = unsafe_add(unsafe_mul(ratio, factor), unsafe_mul(RATIO, unsafe_sub(DECAY_UNIT, factor)))
    next_ratio: uint256 = self._nearest(unsafe_mul(old_price, weighted), unsafe_mul(price, DECAY_UNIT))
    return min(next_ratio, MAX_RATIO)


@internal
@pure
def _next_sample_ratio(ratio: uint256, old_price: uint256, price: uint256) -> uint256:
    """
    @notice The latest sample in relation to a new price, at least one unit.
    """
    next_ratio: uint256 = self._nearest(unsafe_mul(old_price, ratio), price)
    return max(1, min(next_ratio, MAX_RATIO))


@internal
@pure
def _sample_age(age: uint256, elapsed: uint256) -> uint256:
    """
    @notice Seconds since the latest sample where none is taken, at most what the word carries.
    """
    return min(unsafe_add(age, elapsed), MAX_SAMPLE_AGE)


@internal
@pure
def _next_volatility(volatility: uint256, sample_ratio: uint256, age: uint256, factor: uint256) -> uint256:
    """
    @notice v' = factor * v + (1 - factor) * r**2 / age, as a root to the nearest.
    @dev r**2 = (P - S)**2 / (P * S) for the sample S: the square of the log return up to its fourth power, never
         below it, and the same up as down.
    @param sample_ratio above 0
    @param age of the sample in seconds, above 0
    @param factor in 10**-9
    """
    gap: uint256 = unsafe_sub(max(sample_ratio, RATIO), min(sample_ratio, RATIO))
    # Below 2**56 * 2**60.
    squared: uint256 = unsafe_div(unsafe_mul(unsafe_mul(gap, gap), VARIANCE_UNIT), unsafe_mul(RATIO, sample_ratio))
    kept: uint256 = unsafe_mul(unsafe_mul(volatility, volatility), factor)
    added: uint256 = unsafe_mul(unsafe_div(squared, age), unsafe_sub(DECAY_UNIT, factor))
    variance: uint256 = unsafe_div(unsafe_add(kept, added), DECAY_UNIT)
    doubled: uint256 = isqrt(unsafe_mul(4, variance))
    return min(unsafe_div(unsafe_add(doubled, 1), 2), MAX_VOLATILITY)
