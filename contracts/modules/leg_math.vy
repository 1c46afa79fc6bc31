# pragma version ==0.4.3
"""
@title Leg math
@notice Prices and requirements of one market leg, as the margin model and its portfolio mode see it.
@dev `seawall/spec/margin.py` is the same in Python. Assets round down, requirements up.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from contracts.modules import words  # layout of prices

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

WAD_PPM: constant(uint256) = 10**24
# ema_ratio is in units of 10**-7 of the price.
RATIO: constant(uint256) = 10**7
# half_width is in units of 10**-5 of the price.
HALF_WIDTH_UNIT: constant(uint256) = 10**5
# Twice a half-width of one unit in parts per million.
HALF_WIDTH_PPM_2: constant(uint256) = 20
# Positions are int112, and a leg's change as much: the bound of every sum over legs.
MAX_SIZE: constant(uint256) = 2**113

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _magnitude(size: int256) -> uint256:
    """
    @notice |size| below its bound.
    """
    # A leg's size is an int144: no overflow.
    magnitude: uint256 = convert(max(size, unsafe_sub(0, size)), uint256)
    assert magnitude < MAX_SIZE
    return magnitude


@internal
@pure
def _ceil_requirement(total: uint256) -> uint256:
    """
    @notice A sum of rate * |size| * price, rounded up to money.
    """
    required: uint256 = unsafe_div(total, WAD_PPM)
    # required * 10**24 <= total.
    if unsafe_mul(required, WAD_PPM) != total:
        required = unsafe_add(required, 1)
    return required


@internal
@pure
def _adverse_price(price_word: uint256) -> uint256:
    """
    @notice The worse of spot and EMA for a short, moved up by the half-width, rounded up.
    """
    price: uint256 = words._price_price(price_word)
    average: uint256 = unsafe_div(unsafe_mul(price, words._price_ema_ratio(price_word)), RATIO)
    # A price is below 2**80 and a ratio below 27.
    high: uint256 = unsafe_mul(max(price, average), unsafe_add(HALF_WIDTH_UNIT, words._price_half_width(price_word)))
    return unsafe_div(unsafe_add(high, HALF_WIDTH_UNIT - 1), HALF_WIDTH_UNIT)


@internal
@pure
def _low_price(price_word: uint256) -> uint256:
    """
    @notice The worse of spot and EMA for a long, moved down by the half-width, rounded down.
    """
    price: uint256 = words._price_price(price_word)
    average: uint256 = unsafe_div(unsafe_mul(price, words._price_ema_ratio(price_word)), RATIO)
    # A half-width is below HALF_WIDTH_UNIT, and a price below 2**80.
    low: uint256 = unsafe_mul(min(price, average), unsafe_sub(HALF_WIDTH_UNIT, words._price_half_width(price_word)))
    return unsafe_div(low, HALF_WIDTH_UNIT)


@internal
@pure
def _favourable_price(size: int256, price_word: uint256, rate: uint256) -> uint256:
    """
    @notice Spot moved by the half-width, capped at half the maintenance rate, in favour of the leg; up for a long, down for
            a short.
    """
    price: uint256 = price_word >> 176  # words._price_price
    half_width: uint256 = (price_word >> 100) & words.U16  # words._price_half_width
    # Half the rate in units of a half-width: at most 50,000. A price is below 2**80.
    width: uint256 = min(half_width, unsafe_div(rate, HALF_WIDTH_PPM_2))
    if size > 0:
        high: uint256 = unsafe_mul(price, unsafe_add(HALF_WIDTH_UNIT, width))
        return unsafe_div(unsafe_add(high, HALF_WIDTH_UNIT - 1), HALF_WIDTH_UNIT)
    return unsafe_div(unsafe_mul(price, unsafe_sub(HALF_WIDTH_UNIT, width)), HALF_WIDTH_UNIT)
