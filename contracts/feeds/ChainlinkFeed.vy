# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Chainlink feed
@notice A Chainlink-type aggregator as a price feed: WAD settlement money per market unit.
@dev Without state: everything is fixed at deployment. A proxy may change the aggregator behind it, but not its
     decimals, which are read once. An answer at its floor or ceiling may stand for any price beyond it, so both
     count as no price.
     Trust: the aggregator is believed within the bounds; age is the oracle's business.
@custom:security Invalid answers give (0, 0, 0). A failing aggregator's revert goes through to the oracle's guard,
                 which tells it from a caller who gives too little gas; this adapter must never swallow it.
@custom:kill No kill switch and no owner: replace the feed in the oracle.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from interfaces import IPriceFeed
implements: IPriceFeed


interface Aggregator:
    def decimals() -> uint8: view
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view


# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_DECIMALS: constant(uint256) = 18
MAX_UNIT_EXPONENT: constant(int256) = 18

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

AGGREGATOR: public(immutable(address))
# Of the aggregator's answer.
DECIMALS: public(immutable(uint256))
# One market unit is 10**UNIT_EXPONENT tokens.
UNIT_EXPONENT: public(immutable(int256))
# In the aggregator's own decimals; 0 stands for no bound.
MIN_ANSWER: public(immutable(int256))
MAX_ANSWER: public(immutable(int256))
# price = answer * MULTIPLIER // DIVISOR; one of the two is 1.
MULTIPLIER: immutable(uint256)
DIVISOR: immutable(uint256)

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(aggregator: address, unit_exponent: int256, min_answer: int256, max_answer: int256):
    """
    @notice Fix the source and its scale.
    @dev Reverts with "feed: decimals", "feed: unit exponent", "feed: bounds", and without a reason when the
         aggregator has no `decimals`.
    @param aggregator contract with `decimals` and `latestRoundData`
    @param unit_exponent one market unit is 10**unit_exponent tokens, -18 to 18
    @param min_answer floor of the aggregator, 0 for none
    @param max_answer ceiling of the aggregator, 0 for none
    """
    answer_decimals: uint8 = staticcall Aggregator(aggregator).decimals()
    decimals: uint256 = convert(answer_decimals, uint256)
    assert decimals <= MAX_DECIMALS, "feed: decimals"
    assert unit_exponent >= -MAX_UNIT_EXPONENT, "feed: unit exponent"
    assert unit_exponent <= MAX_UNIT_EXPONENT, "feed: unit exponent"
    assert min_answer >= 0 and max_answer >= 0, "feed: bounds"
    assert max_answer == 0 or min_answer < max_answer, "feed: bounds"
    AGGREGATOR = aggregator
    DECIMALS = decimals
    UNIT_EXPONENT = unit_exponent
    MIN_ANSWER = min_answer
    MAX_ANSWER = max_answer
    # Between -18 and 36.
    exponent: int256 = 18 + unit_exponent - convert(decimals, int256)
    multiplier: uint256 = 1
    divisor: uint256 = 1
    if exponent >= 0:
        multiplier = 10 ** convert(exponent, uint256)
    else:
        divisor = 10 ** convert(-exponent, uint256)
    MULTIPLIER = multiplier
    DIVISOR = divisor


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def latest() -> (uint256, uint256, uint256):
    """
    @notice WAD price per market unit and the time of its data (unix seconds); all 0 when the source's answer
            is invalid: zero, negative, floor- or ceiling-clamped, incomplete round or stamped in the future.
    @dev Reverts when the aggregator does. A price below 1 wei is 0; one above 2**256 is invalid.
    @return price rounded down
    @return updated_at unix seconds
    @return half_width always 0: an aggregator tells no confidence
    """
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in_round: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in_round = staticcall Aggregator(
        AGGREGATOR
    ).latestRoundData()
    if updated_at == 0 or updated_at > block.timestamp or answered_in_round < round_id:
        return 0, 0, 0
    price: uint256 = self._price(answer)
    if price == 0:
        return 0, 0, 0
    return price, updated_at, 0


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _price(answer: int256) -> uint256:
    """
    @notice WAD price of an answer, rounded down; 0 when the answer is not a price.
    """
    if answer <= 0 or answer <= MIN_ANSWER:
        return 0
    if MAX_ANSWER != 0 and answer >= MAX_ANSWER:
        return 0
    # Positive, so the conversion holds.
    value: uint256 = convert(answer, uint256)
    if value > max_value(uint256) // MULTIPLIER:
        return 0
    return value * MULTIPLIER // DIVISOR
