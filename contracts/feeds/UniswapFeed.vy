# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Uniswap feed
@notice The average price of a Uniswap v3 pool as a price feed: WAD settlement money per market unit.
@dev Without state: everything is fixed at deployment. The geometric mean over the window, which the pool itself
     keeps as sums of ticks (Uniswap v3 Core whitepaper, section 5.2).
     What the mean resists: a price pushed and brought back within one block weighs nothing, since a sum grows only
     with time; one held for one block of 12 s out of 1,800 s moves the mean by 1/150 of the push's logarithm.
     What it does not: someone who holds the price for many blocks in a row pays arbitrage only where others can
     reach the pool, which a validator of consecutive blocks decides (Mackinga, Nadahalli, Wattenhofer: "TWAP Oracle
     Attacks: Easier Done than Said?", 2022); and the thinner the pool, the cheaper it is, whence the minimum of
     liquidity. Liquidity in range can be put there for the window and taken away again, so the minimum is a hurdle,
     not a proof. The mean also lags: after a true move it needs the window to arrive.
     So the answer is as wide as the present tick or that of the last second, whichever is farther, is away from the
     mean: a market that moves, or a pool that is being pushed, makes itself unsure instead of wrong. The last
     second's tick was there before this block's first trade, so a push in this very block, also while the pool
     calls back, can widen the answer but not narrow it: nobody trades the pool back to a mean that lags, to be
     believed for the length of a transaction. Ticks are rounded down by the pool and the mean is rounded down once
     more: together less than 2 ticks (2 parts in 10,000), which the half-width does not hold.
     The time of the data is always now, for the sums run on without trades: a pool that nobody trades repeats its
     last price and never goes stale, and after an outage of the chain the window still holds the price from before
     it, as wide as the present tick is away from it. So let this feed be one of several, whose median tells.
     Trust: the pool's code, both tokens' decimals, and that the other token is worth what settlement money is.
@custom:security Invalid answers give (0, 0, 0). A pool without observations as old as the window reverts, which goes
                 through to the oracle's guard, which tells it from a caller who gives too little gas; this adapter
                 must never swallow it. Let the pool keep enough of them before the feed is used
                 (`increaseObservationCardinalityNext`): one per block in which it is traded, over the window.
@custom:kill No kill switch and no owner: replace the feed in the oracle.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from ethereum.ercs import IERC20Detailed
from interfaces import IPriceFeed
implements: IPriceFeed


interface Pool:
    def token0() -> address: view
    def token1() -> address: view
    def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool): view
    def observe(seconds_ago: DynArray[uint32, 3]) -> (
        DynArray[int56, 3], DynArray[uint160, 3]
    ): view


# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

# Rounding of the mean.
from contracts.modules import fixed_math
# Powers of 1.0001.
from contracts.modules import tick_price

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MIN_WINDOW: constant(uint256) = 60
MAX_WINDOW: constant(uint256) = 86_400
MAX_UNIT_EXPONENT: constant(int256) = 18
MAX_DECIMALS: constant(uint256) = 36
# From here on the oracle calls a price not usable.
MAX_HALF_WIDTH: constant(uint256) = 65_535
# The pool's sums of seconds per liquidity have 128 places behind the point, and wrap.
SECONDS_ONE: constant(uint256) = 2**128
SECONDS_MODULUS: constant(uint256) = 2**160

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

POOL: public(immutable(address))
# Whose price this is; the pool's other token stands for settlement money.
BASE_TOKEN: public(immutable(address))
# Seconds.
WINDOW: public(immutable(uint256))
# One market unit is 10**UNIT_EXPONENT base tokens.
UNIT_EXPONENT: public(immutable(int256))
# Least harmonic mean of the liquidity in range, in the pool's own unit.
MIN_LIQUIDITY: public(immutable(uint256))
# Of a tick, when the base is token0; a pool's ticks count token1 per token0.
SIGN: immutable(int256)
# What the decimals of both tokens and of the unit come to.
SCALE: immutable(int256)

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    pool: address,
    base_token: address,
    window_seconds: uint256,
    unit_exponent: int256,
    min_liquidity: uint256,
):
    """
    @notice Fix the source and its scale.
    @dev Reverts with "feed: window", "feed: unit exponent", "feed: liquidity", "feed: base token", "feed: decimals",
         and without a reason when pool or tokens do not answer.
    @param pool Uniswap v3 pool
    @param base_token which of the pool's tokens is priced
    @param window_seconds of the mean, 60 to 86,400
    @param unit_exponent one market unit is 10**unit_exponent base tokens, -18 to 18
    @param min_liquidity least harmonic mean of the liquidity in range over the window, at least 1
    """
    assert window_seconds >= MIN_WINDOW and window_seconds <= MAX_WINDOW, "feed: window"
    assert unit_exponent >= -MAX_UNIT_EXPONENT, "feed: unit exponent"
    assert unit_exponent <= MAX_UNIT_EXPONENT, "feed: unit exponent"
    assert min_liquidity != 0, "feed: liquidity"
    token0: address = staticcall Pool(pool).token0()
    token1: address = staticcall Pool(pool).token1()
    assert base_token == token0 or base_token == token1, "feed: base token"
    is_token0: bool = base_token == token0
    quote_token: address = token1 if is_token0 else token0
    base_decimals: uint8 = staticcall IERC20Detailed(base_token).decimals()
    quote_decimals: uint8 = staticcall IERC20Detailed(quote_token).decimals()
    assert convert(base_decimals, uint256) <= MAX_DECIMALS, "feed: decimals"
    assert convert(quote_decimals, uint256) <= MAX_DECIMALS, "feed: decimals"
    POOL = pool
    BASE_TOKEN = base_token
    WINDOW = window_seconds
    UNIT_EXPONENT = unit_exponent
    MIN_LIQUIDITY = min_liquidity
    SIGN = 1 if is_token0 else -1
    # Between -54 and 54.
    exponent: int256 = unit_exponent + convert(base_decimals, int256) - convert(quote_decimals, int256)
    SCALE = tick_price._scale(exponent)


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def latest() -> (uint256, uint256, uint256):
    """
    @notice WAD price per market unit, the time of this block, and how far the present tick, or that of the last
            second, is from the mean; all 0 when the answer is invalid: below the minimum of liquidity, outside
            0.00000001 to 1,000,000, or one of those ticks more than 5,040 ticks away.
    @dev Reverts when the pool does, which it does without observations as old as the window.
    @return price to the nearest of nine places
    @return updated_at unix seconds
    @return half_width the ratio of both prices less one in 10**-5, rounded up
    """
    ticks: DynArray[int56, 3] = []
    seconds: DynArray[uint160, 3] = []
    ticks, seconds = staticcall Pool(POOL).observe([convert(WINDOW, uint32), 1, 0])
    liquidity: uint256 = self._mean_liquidity(convert(seconds[0], uint256), convert(seconds[2], uint256))
    if liquidity < MIN_LIQUIDITY:
        return 0, 0, 0
    passed: int256 = convert(ticks[2], int256) - convert(ticks[0], int256)
    mean: int256 = fixed_math._floor_div(passed, convert(WINDOW, int256))
    price: uint256 = tick_price._price(mean * SIGN, SCALE)
    # What a sum gains in one second is the tick of that second.
    last: int256 = convert(ticks[2], int256) - convert(ticks[1], int256)
    half_width: uint256 = self._half_width(mean, last)
    if price == 0 or half_width >= MAX_HALF_WIDTH:
        return 0, 0, 0
    return price, block.timestamp, half_width


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _mean_liquidity(before: uint256, after: uint256) -> uint256:
    """
    @notice Harmonic mean of the liquidity in range over the window, rounded down, from two sums of seconds per
            liquidity.
    """
    # Each second adds more than 1: liquidity is below 2**128. So this is no division by zero.
    passed: uint256 = (after + SECONDS_MODULUS - before) % SECONDS_MODULUS
    return WINDOW * SECONDS_ONE // passed


@internal
@view
def _half_width(mean: int256, last: int256) -> uint256:
    """
    @notice How far the present tick or the last second's, whichever is farther, is from the mean, in 10**-5, rounded
            up.
    """
    sqrt_price: uint160 = 0
    tick: int24 = 0
    observation: uint16 = 0
    cardinality: uint16 = 0
    cardinality_next: uint16 = 0
    protocol_fee: uint8 = 0
    unlocked: bool = False
    sqrt_price, tick, observation, cardinality, cardinality_next, protocol_fee, unlocked = staticcall Pool(
        POOL
    ).slot0()
    present_distance: uint256 = fixed_math._abs(convert(tick, int256) - mean)
    last_distance: uint256 = fixed_math._abs(last - mean)
    return tick_price._half_width(max(present_distance, last_distance))
