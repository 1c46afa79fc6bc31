# pragma version ==0.4.3
"""
@title Dutch auction
@notice Discounts that grow by the second, and clocks that go back in proportion to how the inventory changes.
@dev `seawall/spec/dutch_auction.py` is the same in Python, with the reasons. Rates are parts per million, clocks and
     runs in ticks of 1/256 second.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from contracts.modules import fixed_math  # written roundings

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

PPM: constant(int256) = 10**6
TICK: constant(uint256) = 10**6
# A tick of prices in parts per million.
TICK_PPM: constant(uint256) = 10**12
TICKS: constant(uint256) = 256
MAX_RATE: constant(uint256) = 10**5
MIN_SECONDS: constant(uint256) = 60
MAX_SECONDS: constant(uint256) = 7 * 86_400


# Premium at the start, discount at the end, seconds between them.
struct Terms:
    premium: uint256
    discount: uint256
    duration: uint256


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _check_terms(terms: Terms):
    """
    @notice Terms within bounds; without a span an auction has no price to find.
    """
    assert terms.premium <= MAX_RATE and terms.discount <= MAX_RATE, "auction: rate"
    assert terms.duration >= MIN_SECONDS and terms.duration <= MAX_SECONDS, "auction: duration"


@internal
@view
def _run(terms: Terms, clock: uint256) -> uint256:
    """
    @notice Ticks that an auction has run, at most its duration.
    @param clock not after now
    """
    return min(block.timestamp * TICKS - clock, terms.duration * TICKS)


@internal
@pure
def _discount(terms: Terms, run: uint256) -> int256:
    """
    @notice Off the index after so many ticks, below 0 a premium; rounded down.
    """
    risen: uint256 = fixed_math._mul_div_down(terms.premium + terms.discount, run, terms.duration * TICKS)
    return convert(risen, int256) - convert(terms.premium, int256)


@internal
@view
def _clock_after(terms: Terms, clock: uint256, before: int256, after: int256) -> uint256:
    """
    @notice The clock after the inventory (signed WAD size) has changed; a new one starts anew.
    """
    kept: uint256 = 0
    if (before > 0 and after > 0) or (before < 0 and after < 0):
        first: uint256 = fixed_math._abs(before)
        second: uint256 = fixed_math._abs(after)
        run: uint256 = self._run(terms, clock)
        kept = fixed_math._mul_div_down(run, min(first, second), max(first, second))
    return block.timestamp * TICKS - kept


@internal
@pure
def _price(index: uint256, is_long: bool, discount: int256) -> uint256:
    """
    @notice The price on the tick at which inventory is handed over, rounded in its owner's favour.
    @param is_long whether the inventory is
    """
    if is_long:
        asked: uint256 = convert(PPM - discount, uint256)
        return fixed_math._mul_div_up(index, asked, TICK_PPM) * TICK
    paid: uint256 = convert(PPM + discount, uint256)
    return fixed_math._mul_div_down(index, paid, TICK_PPM) * TICK
