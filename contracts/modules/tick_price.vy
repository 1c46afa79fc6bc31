# pragma version ==0.4.3
"""
@title Prices out of ticks
@notice Powers of 1.0001, the step of a Uniswap v3 pool's ticks. `seawall/spec/feeds.py` states the same functions
        with whole numbers of 60 places.
@dev A price is rounded to the nearest of nine places. Of all ticks of a pool the one nearest to the middle between
     two such prices (-279,838) is 9.7 parts in 10**16 away from it, while the power is known to 3 in 10**18: the
     constants to 10**-36, their sum cut at 10**-18, and snekmate's exponential, whose own error is below that. So
     the rounded price is that of the exact power for every tick. A power of ten moves no digit of it.
"""

# Rounding of signed numbers.
from contracts.modules import fixed_math
# Exponential and logarithm.
from snekmate.utils import math

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Natural logarithms of 1.0001 and of 10, times 10**36.
LN_TICK: constant(int256) = 99_995_000_333_308_335_333_166_680_951_131
LN_TEN: constant(int256) = 2_302_585_092_994_045_684_017_991_454_684_364_208
# A price in WAD, times 10**18 so that small ones keep their places, is the exponential of a number in here if it
# lies within the oracle's range; the bounds are 0.0000000036 and 2,100,000.
LEAST_LOG: constant(int256) = 22 * 10**18
MOST_LOG: constant(int256) = 56 * 10**18
MIN_PRICE: constant(uint256) = 10**10
MAX_PRICE: constant(uint256) = 10**24
DIGITS: constant(uint256) = 9
# 1.0001**5040 is 1.65528; beyond it the oracle would call the price not usable.
MAX_DISTANCE: constant(uint256) = 5_040
MAX_HALF_WIDTH: constant(uint256) = 65_535
# One in WAD, and 10**-5 of it.
WAD: constant(uint256) = 10**18
HALF_WIDTH_STEP: constant(uint256) = 10**13

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _scale(exponent: int256) -> int256:
    """
    @notice What `_price` needs to know of a price that counts 10**exponent of the pool's native price.
    """
    return (18 + exponent) * LN_TEN


@internal
@pure
def _price(tick: int256, scale: int256) -> uint256:
    """
    @notice WAD price 1.0001**tick * 10**exponent, to the nearest of nine places; 0 below 0.00000001 and above
            1,000,000.
    @param tick at most 887,272 either way
    @param scale of the exponent, from `_scale`
    """
    logarithm: int256 = fixed_math._wad_floor(tick * LN_TICK + scale)
    if logarithm < LEAST_LOG or logarithm > MOST_LOG:
        return 0
    # Between 10**27 and 10**43.
    power: int256 = math._wad_exp(logarithm)
    number: uint256 = convert(power, uint256)
    magnitude: uint256 = math._log10(number, False)
    unit: uint256 = 10 ** (magnitude + 1 - DIGITS)
    # A multiple of at least 10**19, so the last division is exact.
    price: uint256 = (number + unit // 2) // unit * unit // WAD
    if price < MIN_PRICE or price > MAX_PRICE:
        return 0
    return price


@internal
@pure
def _half_width(distance: uint256) -> uint256:
    """
    @notice How far apart prices of two ticks are, 1.0001**distance - 1 in 10**-5, rounded up; 65,535 beyond 5,040.
    """
    if distance > MAX_DISTANCE:
        return MAX_HALF_WIDTH
    logarithm: int256 = fixed_math._wad_floor(convert(distance, int256) * LN_TICK)
    power: int256 = math._wad_exp(logarithm)
    # The exponential of 0 is exactly one; that of a positive number is not below it. That of one tick, the only other
    # power that is a whole step, is known from below, and every other lies above its last step by more than the
    # error: by 6 * 10**9 wei at least.
    above: uint256 = convert(power, uint256) - WAD
    return (above + HALF_WIDTH_STEP - 1) // HALF_WIDTH_STEP
