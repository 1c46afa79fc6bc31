# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Pyth feed
@notice A price of a Pyth contract as a price feed: WAD settlement money per market unit, with its confidence.
@dev Without state: everything is fixed at deployment. Anyone may bring the Pyth contract a newer price that its
     publishers signed; that publish times only rise is its own rule. An adapter must not do so itself: what it
     answers would be the choice of its caller.
     Trust: the Pyth contract and its publishers, whose confidence is about one standard error (PythStructs.sol).
     Age is the oracle's business, hence `getPriceUnsafe`, which sets no limit.
@custom:security Invalid answers give (0, 0, 0). A failing contract's revert, as for an id it does not know, goes
                 through to the oracle's guard, which tells it from a caller who gives too little gas; this
                 adapter must never swallow it.
@custom:kill No kill switch and no owner: replace the feed in the oracle.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from interfaces import IPriceFeed
implements: IPriceFeed


struct PythPrice:
    price: int64
    conf: uint64
    expo: int32
    publishTime: uint256


interface Pyth:
    def getPriceUnsafe(id: bytes32) -> PythPrice: view


# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_EXPONENT: constant(int256) = 18
MAX_UNIT_EXPONENT: constant(int256) = 18
HALF_WIDTH_UNIT: constant(uint256) = 10**5
# From here on the oracle calls a price not usable.
MAX_HALF_WIDTH: constant(uint256) = 65_535

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

PYTH: public(immutable(address))
PRICE_ID: public(immutable(bytes32))
# One market unit is 10**UNIT_EXPONENT tokens.
UNIT_EXPONENT: public(immutable(int256))

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(pyth: address, price_id: bytes32, unit_exponent: int256):
    """
    @notice Fix the source and its scale.
    @dev Reverts with "feed: unit exponent", "feed: exponent" when the present price has one out of range, and with
         what the Pyth contract says when it has never seen a price of this id: bring it one first.
    @param pyth contract with `getPriceUnsafe`
    @param price_id of the pair, as Pyth names it
    @param unit_exponent one market unit is 10**unit_exponent tokens, -18 to 18
    """
    assert unit_exponent >= -MAX_UNIT_EXPONENT, "feed: unit exponent"
    assert unit_exponent <= MAX_UNIT_EXPONENT, "feed: unit exponent"
    published: PythPrice = staticcall Pyth(pyth).getPriceUnsafe(price_id)
    exponent: int256 = convert(published.expo, int256)
    assert exponent >= -MAX_EXPONENT, "feed: exponent"
    assert exponent <= MAX_EXPONENT, "feed: exponent"
    PYTH = pyth
    PRICE_ID = price_id
    UNIT_EXPONENT = unit_exponent


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def latest() -> (uint256, uint256, uint256):
    """
    @notice WAD price per market unit, its publish time (unix seconds) and its confidence; all 0 when the source's
            answer is invalid: zero, negative, below 1 wei, published at 0 or in the future, an exponent outside
            -18 to 18, or a confidence of 65.535 % of the price or more.
    @dev Reverts when the Pyth contract does.
    @return price rounded down
    @return updated_at unix seconds
    @return half_width the confidence in 10**-5 of the price, rounded up
    """
    published: PythPrice = staticcall Pyth(PYTH).getPriceUnsafe(PRICE_ID)
    if published.price <= 0 or published.publishTime == 0 or published.publishTime > block.timestamp:
        return 0, 0, 0
    # Positive, so the conversion holds.
    mantissa: uint256 = convert(published.price, uint256)
    price: uint256 = self._price(mantissa, convert(published.expo, int256))
    half_width: uint256 = self._half_width(mantissa, convert(published.conf, uint256))
    if price == 0 or half_width >= MAX_HALF_WIDTH:
        return 0, 0, 0
    return price, published.publishTime, half_width


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _price(mantissa: uint256, exponent: int256) -> uint256:
    """
    @notice WAD price of mantissa * 10**exponent a token, rounded down; 0 for an exponent out of range.
    """
    if exponent < -MAX_EXPONENT or exponent > MAX_EXPONENT:
        return 0
    # Between -18 and 54; a mantissa is below 2**63, so the product is below 10**73.
    power: int256 = 18 + UNIT_EXPONENT + exponent
    if power >= 0:
        return mantissa * 10 ** convert(power, uint256)
    return mantissa // 10 ** convert(-power, uint256)


@internal
@pure
def _half_width(mantissa: uint256, confidence: uint256) -> uint256:
    """
    @notice Confidence in 10**-5 of the price, rounded up; `mantissa` is not zero.
    """
    # Below 2**81: a confidence is below 2**64.
    return (confidence * HALF_WIDTH_UNIT + mantissa - 1) // mantissa
