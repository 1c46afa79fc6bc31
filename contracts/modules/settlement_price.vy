# pragma version ==0.4.3
"""
@title Settlement price
@notice What collateral is worth in settlement tokens, which may not be worth the dollar they are meant to be.
@dev `seawall/spec/oracle.py` is the same in Python (`phased_in`, `in_settlement`).
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import risk_factors  # notice and ramp
from contracts.modules import words  # price word

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

# An account's 16 markets and 8 collateral tokens.
MAX_IDS: constant(uint256) = 24
# WAD dollars.
PAR: constant(uint256) = 10**18
HALF_WIDTH_UNIT: constant(uint256) = 10**5
NOT_USABLE: constant(uint256) = 2**16 - 1
# All of a price word but price and half-width.
OTHER_FIELDS: constant(uint256) = 2**176 - 1 - NOT_USABLE * 2**100

# ---------------------------------------------------------------
#                            ANSWERS
# ---------------------------------------------------------------


@internal
@pure
def _phased_in(settlement: uint256, start: uint256, time: uint256) -> uint256:
    """
    @notice The price word of a settlement token above par as collateral is priced with it: of what it is above par the
            part of the ramp that has passed, rounded down to a wei.
    @dev Its first feeds would else lower what collateral is worth at once.
    @param settlement price word, above par
    @param start of the ramp
    """
    premium: uint256 = unsafe_sub(words._price_price(settlement), PAR)
    passed: uint256 = risk_factors._passed(start, time)
    # A premium is below 2**80; `passed` is at most RAMP, so the sum is not above the price.
    premium = unsafe_div(unsafe_mul(premium, passed), risk_factors.RAMP)
    return (settlement & (2**176 - 1)) | (unsafe_add(PAR, premium) << 176)  # words._price


@internal
@pure
def _in_settlement(
    fresh_words: DynArray[uint256, MAX_IDS], bitmap: uint256, settlement: uint256
) -> DynArray[uint256, MAX_IDS]:
    """
    @notice Words of markets as they are, of collateral tokens priced in settlement tokens: of fewer when one is worth
            more than a dollar, rounded down. What it lacks of a dollar widens them, rounded up, which lowers what
            they count for initial margin alone.
    @dev With half-widths a and b of token and settlement token (1 - a) / (1 + b) >= 1 - a - b. A settlement token
         that is not usable leaves collateral not usable, at the last price of both.
    @param fresh_words in ascending order of id
    @param bitmap their ids, or more than fit the list; below 2**136
    @param settlement price word of the settlement token, in dollars, phased in
    """
    worth: uint256 = words._price_price(settlement)
    divisor: uint256 = max(worth, PAR)
    # Not above PAR, so `lacking` is at most 10**23 and `doubt` grows by at most 100,000.
    lacking: uint256 = unsafe_mul(HALF_WIDTH_UNIT, unsafe_sub(PAR, min(worth, PAR)))
    doubt: uint256 = words._price_half_width(settlement)
    usable: bool = doubt != NOT_USABLE
    doubt = unsafe_add(doubt, unsafe_div(unsafe_add(lacking, PAR - 1), PAR))
    answered: DynArray[uint256, MAX_IDS] = fresh_words
    # Collateral has the highest ids, so its words are the last: at most 8, and a list cut short has 24.
    place: uint256 = len(answered)
    rest: uint256 = bitmap >> 128  # words._account_collateral
    for _: uint256 in range(MAX_IDS):
        if rest == 0:
            break
        rest = rest & unsafe_sub(rest, 1)  # bits._without_lowest
        place = unsafe_sub(place, 1)
        word: uint256 = answered[place]
        # A price is below 2**80, PAR below 2**60.
        price: uint256 = unsafe_div(unsafe_mul(word >> 176, PAR), divisor)  # words._price_price
        half_width: uint256 = (word >> 100) & words.U16  # words._price_half_width
        if usable and half_width != NOT_USABLE:
            half_width = min(unsafe_add(half_width, doubt), NOT_USABLE - 1)
        else:
            half_width = NOT_USABLE
        answered[place] = (word & OTHER_FIELDS) | (price << 176) | (half_width << 100)  # words._price
    return answered
