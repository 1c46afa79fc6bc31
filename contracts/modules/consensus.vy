# pragma version ==0.4.3
"""
@title Consensus
@notice What several feeds say together: one price, the time of its data, and how sure it is.
@dev Stateless. `seawall/spec/consensus.py` is the same; the array harness holds the two equal. A quote is a fresh
     answer of one feed in one word, price first, so that quotes sort by price:
     price uint80 | updated_at uint32 | half_width uint16 | overdue uint20 | is_pull bool | unused 107
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_QUOTES: constant(uint256) = 5
U16: constant(uint256) = 2**16 - 1
U20: constant(uint256) = 2**20 - 1
U32: constant(uint256) = 2**32 - 1
TICK: constant(uint256) = 10**6
# Units of a half-width and of a spread band in one.
HALF_WIDTH_UNIT: constant(uint256) = 10**5
# Units of a volatility in one unit of half-width.
VOLATILITY_PER_WIDTH: constant(uint256) = 10**4
NOT_USABLE: constant(uint256) = 2**16 - 1

# ---------------------------------------------------------------
#                             QUOTES
# ---------------------------------------------------------------


@internal
@pure
def _quote(price: uint256, updated_at: uint256, half_width: uint256, overdue: uint256, is_pull: uint256) -> uint256:
    """
    @notice Pack a quote; reverts when a field is out of range.
    @param overdue seconds past the feed's heartbeat
    @param is_pull 1 for a feed whose updates come with a caller
    """
    assert price < 2**80
    assert updated_at <= U32
    assert half_width <= U16
    assert overdue <= U20
    assert is_pull <= 1
    # Packed as in words._token.
    return (price << 176) | (updated_at << 144) | (half_width << 128) | (overdue << 108) | (is_pull << 107)


# ---------------------------------------------------------------
#                           AGREEMENT
# ---------------------------------------------------------------


@internal
@pure
def _agree(
    quotes: uint256[MAX_QUOTES], count: uint256, quorum: uint256, spread_band: uint256, volatility: uint256
) -> (uint256, uint256, uint256):
    """
    @notice Median on the tick, time of the data and half-width; zeros without a quorum, without a feed that nobody
            can choose the update of (a push feed), and where the two quotes in the middle are farther from their mean
            than the band: two camps confirm nothing, and what is between them nobody said.
    @dev With an odd number, or a minority that lies, the price is within what the others say. The time is that of the
         quote that gave the price, the older of two. The half-width is the middle (of an even number the larger) of
         the quotes' doubts: more than half of the feeds lie within it.
    @param quotes in the first `count` places, prices above 0
    @param quorum above 0
    @param spread_band 10**-5 of the price, below 2**16
    @param volatility 10**-9 per root of a second, below 2**24
    """
    if count < quorum or not self._has_push(quotes, count):
        return 0, 0, 0
    ordered: uint256[MAX_QUOTES] = self._sorted(quotes, count)
    # One and the same for an odd number.
    lower: uint256 = ordered[unsafe_div(unsafe_sub(count, 1), 2)]
    upper: uint256 = ordered[unsafe_div(count, 2)]
    # `_quote`, unpacked as in words._token_asset
    low: uint256 = lower >> 176  # words._token_asset
    high: uint256 = upper >> 176  # words._token_asset
    price: uint256 = unsafe_div(unsafe_add(low, high), 2)
    if unsafe_mul(unsafe_sub(high, low), HALF_WIDTH_UNIT) > unsafe_mul(unsafe_mul(2, spread_band), price):
        return 0, 0, 0
    # Down to the tick: the one rounding of an index price, 1e-4 of the smallest price at most.
    price = unsafe_sub(price, price % TICK)
    doubts: uint256[MAX_QUOTES] = empty(uint256[MAX_QUOTES])
    for i: uint256 in range(count, bound=MAX_QUOTES):
        doubts[i] = self._doubt(ordered[i], price, volatility)
    doubts = self._sorted(doubts, count)
    half_width: uint256 = min(doubts[unsafe_div(count, 2)], NOT_USABLE - 1)
    # `_quote`: updated_at, unpacked as in words._token_decimals
    return price, min((lower >> 144) & U32, (upper >> 144) & U32), half_width


@internal
@pure
def _has_push(quotes: uint256[MAX_QUOTES], count: uint256) -> bool:
    """
    @notice Whether one of the quotes is of a push feed.
    """
    for i: uint256 in range(count, bound=MAX_QUOTES):
        # `_quote`: is_pull, unpacked as in words._token_decimals
        if (quotes[i] >> 107) & 1 == 0:
            return True
    return False


@internal
@pure
def _doubt(quote: uint256, price: uint256, volatility: uint256) -> uint256:
    """
    @notice How far a quote's farthest end is from the index, in 10**-5 of it, rounded up: its distance, its own
            half-width, and what the price may have moved since its heartbeat was due.
    """
    quoted: uint256 = quote >> 176  # `_quote`, unpacked as in words._token_asset
    distance: uint256 = unsafe_mul(unsafe_sub(max(quoted, price), min(quoted, price)), HALF_WIDTH_UNIT)
    # The prices are below 2**80.
    width: uint256 = unsafe_div(unsafe_sub(unsafe_add(distance, price), 1), price)
    # `_quote`: half_width and overdue, unpacked as in words._token_decimals
    width = unsafe_add(width, (quote >> 128) & U16)
    overdue: uint256 = (quote >> 108) & U20  # `_quote`, unpacked as in words._token_decimals
    if overdue != 0:
        moved: uint256 = isqrt(unsafe_mul(unsafe_mul(volatility, volatility), overdue))
        width = unsafe_add(unsafe_add(width, unsafe_div(moved, VOLATILITY_PER_WIDTH)), 1)
    return width


@internal
@pure
def _sorted(values: uint256[MAX_QUOTES], count: uint256) -> uint256[MAX_QUOTES]:
    """
    @notice The first `count` values, one at least, in ascending order; by insertion, which is cheapest for so few.
    """
    ordered: uint256[MAX_QUOTES] = values
    for i: uint256 in range(1, count, bound=MAX_QUOTES):
        value: uint256 = ordered[i]
        place: uint256 = i
        for _: uint256 in range(MAX_QUOTES):
            if place == 0:
                break
            below: uint256 = ordered[unsafe_sub(place, 1)]
            if below <= value:
                break
            ordered[place] = below
            place = unsafe_sub(place, 1)
        ordered[place] = value
    return ordered
