# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Index modes
@notice When an index does not simply follow its feeds: outages of an L2's sequencer, halts by a guardian, and prices
        that are fixed for good. Part of the IndexOracle; `seawall/spec/index_modes.py` is the same in Python.
@dev A halt is for one market at a time, at most 6 hours long and once in 7 days, so that a guardian who was broken
     into cannot freeze more: its legs are then not usable, all others go on. After a halt or an outage only data
     stamped after it counts, and words are flagged for a while: partial liquidations and ways out by value wait, so
     that deposits and reductions come first; what is below close-out is closed at once.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IIndexOracle

# Word of the sequencer's feed.
from contracts.modules import feed_words
# Reads of contracts that may fail.
from contracts.modules import oracle_guard
# Price word.
from contracts.modules import words

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Seconds.
MAX_GRACE: constant(uint256) = 86_400
HALT_SECONDS: constant(uint256) = 6 * 3_600
HALT_PAUSE: constant(uint256) = 7 * 86_400
HALT_GRACE: constant(uint256) = 3_600

# A price is fixed at an index that is at most so unsure, 10**-5.
MAX_FIXED_WIDTH: constant(uint256) = 1_000
NOT_USABLE: constant(uint256) = 2**16 - 1
# Of the ratio of average and price.
RATIO: constant(uint256) = 10**7
TICK: constant(uint256) = 10**6
# Of an index, WAD.
MIN_PRICE: constant(uint256) = 10**10
MAX_PRICE: constant(uint256) = 10**24
# Later than any data: nothing counts.
NEVER: constant(uint256) = max_value(uint256)
# Beside the time since which data counts: an outage or a halt ended lately.
LATELY: constant(uint256) = 2**40
U32: constant(uint256) = 2**32 - 1
# What a price word keeps when its price is fixed: updated_at, refreshed_at, volatility and sample; see words._price.
KEPT: constant(uint256) = (2**32 - 1) * 2**144 + 2**100 - 1

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

# Feed word of an L2's sequencer: uptime feed, and as greatest age its grace period; 0 on a chain without one.
_sequencer: uint256
# The latest halt: market uint8 | start uint32 | end uint32.
_halt: uint256
# Who may halt a market.
guardian: public(address)
# The contract that fixes prices of markets that end.
delister: public(address)

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
def _set_sequencer(uptime_feed: address, grace_seconds: uint256):
    """
    @notice Store the uptime feed and its grace period. Reverts with "oracle: grace", "oracle: sequencer".
    """
    assert grace_seconds <= MAX_GRACE, "oracle: grace"
    if uptime_feed == empty(address):
        assert grace_seconds == 0, "oracle: grace"
    else:
        assert uptime_feed.is_contract, "oracle: sequencer"
    self._sequencer = feed_words._feed(uptime_feed, 0, grace_seconds, False)
    log IIndexOracle.SequencerSet(uptime_feed=uptime_feed, grace_seconds=grace_seconds)


@internal
def _set_roles(guardian: address, delister: address):
    self.guardian = guardian
    self.delister = delister
    log IIndexOracle.RolesSet(guardian=guardian, delister=delister)


@internal
def _begin_halt(market_id: uint256) -> uint256:
    """
    @notice Note a halt that starts now; the market of the one before. Reverts with "oracle: halted lately".
    """
    halt: uint256 = self._halt
    assert block.timestamp >= self._halt_start(halt) + HALT_PAUSE, "oracle: halted lately"
    self._write_halt(market_id, block.timestamp, block.timestamp + HALT_SECONDS)
    return halt >> 64  # words._token_decimals


@internal
def _end_halt(market_id: uint256):
    """
    @notice Lift a halt before its time. Reverts with "oracle: not halted".
    """
    halt: uint256 = self._halt
    is_on: bool = block.timestamp < self._halt_end(halt)
    assert is_on and halt >> 64 == market_id, "oracle: not halted"  # words._token_decimals
    self._write_halt(market_id, self._halt_start(halt), block.timestamp)


@internal
def _write_halt(market_id: uint256, start: uint256, end: uint256):
    # An id below 2**8, times below 2**32: packed as words._token is, read by `_halt_start` and `_halt_end`.
    self._halt = (market_id << 64) | (start << 32) | end  # words._token
    log IIndexOracle.HaltSet(market_id=market_id, until=end)


@internal
@pure
def _halt_start(halt: uint256) -> uint256:
    return (halt >> 32) & U32  # words._token_decimals


@internal
@pure
def _halt_end(halt: uint256) -> uint256:
    return halt & U32  # words._token_decimals


@internal
@view
def _since() -> uint256:
    """
    @notice Time after which data counts, LATELY beside it within the grace period: 0 where there is no sequencer,
            NEVER while it is down or silent.
    """
    sequencer: uint256 = self._sequencer
    if sequencer == 0:
        return 0
    answer: int256 = 0
    started_at: uint256 = 0
    uptime_feed: address = feed_words._feed_adapter(sequencer)
    answer, started_at = oracle_guard._latest_status(uptime_feed)
    if answer != 0 or started_at == 0 or started_at > block.timestamp:
        return NEVER
    if block.timestamp - started_at <= feed_words._feed_max_age(sequencer):
        return unsafe_add(started_at, LATELY)
    return started_at


@internal
@view
def _since_halt(market_id: uint256, since: uint256) -> uint256:
    """
    @notice `_since` of a market that was halted: NEVER while it is.
    """
    halt: uint256 = self._halt
    if since == NEVER or halt >> 64 != market_id:  # words._token_decimals
        return since
    end: uint256 = self._halt_end(halt)
    if block.timestamp < end:
        return NEVER
    # Times are below 2**32.
    lately: uint256 = since & LATELY  # bits._bit
    if block.timestamp <= unsafe_add(end, HALT_GRACE):
        lately = LATELY
    return unsafe_add(max(unsafe_sub(since, since & LATELY), end), lately)  # bits._bit


@internal
@pure
def _standing(fixed: uint256, time: uint256) -> uint256:
    """
    @notice The word of a fixed price, as of now.
    """
    return (fixed & ~(words.U32 << 68)) | (time << 68)  # words._price_refreshed_at


@internal
@pure
def _fixed(word: uint256, at_average: bool) -> uint256:
    """
    @notice The word that fixes a price: at the index as it is, whose average stays apart from it, or at the average
            of an index that is not usable.
    @dev Reverts with "oracle: no sure price", "oracle: still usable".
    """
    price: uint256 = words._price_price(word)
    half_width: uint256 = words._price_half_width(word)
    ratio: uint256 = words._price_ema_ratio(word)
    if at_average:
        assert half_width == NOT_USABLE, "oracle: still usable"
        assert price != 0, "oracle: no sure price"
        # A price below 2**80 and a ratio below 2**28.
        average: uint256 = unsafe_div(unsafe_mul(price, ratio), RATIO)
        price = max(MIN_PRICE, min(MAX_PRICE, unsafe_sub(average, average % TICK)))
        ratio = RATIO
    else:
        is_sure: bool = half_width <= MAX_FIXED_WIDTH and word & words.IN_GRACE == 0  # words._price_flags
        assert is_sure and price != 0, "oracle: no sure price"
    # All but price, average and half-width stay, as words._price has them.
    kept: uint256 = word & KEPT
    return (price << 176) | (ratio << 116) | kept | words.FIXED  # words._price
