# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Delisting
@notice Ends markets in two phases, so that no winner leaves before the losers' holes are known: first the price is
        fixed, and for a day accounts below maintenance margin go through the waterfall at it while nobody with a leg
        takes value out; then both sides are closed whole, at the cost of one trade.
@dev See IDelisting. `seawall/spec/delisting.py` is the same in Python. A shutdown is the end of every market; what is
     left then leaves at one ratio, as always (custody).
@custom:kill None: it is how the rest ends.
@custom:security The owner is meant to be a timelock: it announces, and can take back what it announced. Who chooses when
                 to fix a price that is due chooses among prices from then on: whoever is hurt by waiting calls first.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IDelisting
implements: IDelisting
from interfaces import IIndexOracle

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

# Who may announce; handed over in two steps.
from snekmate.auth import ownable
initializes: ownable
from snekmate.auth import ownable_2step
initializes: ownable_2step[ownable := ownable]

from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

# `renounce_ownership` is left out: without an owner no market could be announced.
exports: (
    ownable.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

WAD: constant(uint256) = 10**18
# Seconds.
NOTICE: constant(uint256) = 7 * 86_400
LONGEST_NOTICE: constant(uint256) = 90 * 86_400
WINDOW: constant(uint256) = 86_400
SILENCE: constant(uint256) = 86_400

MAX_MARKETS: constant(uint256) = 127
LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
# Of words._terms_mode.
LISTED: constant(uint256) = 1
GATE_NONE: constant(uint256) = 0
NOT_USABLE: constant(uint256) = 2**16 - 1

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))

# ---------------------------------------------------------------
#                           STORAGE
# ---------------------------------------------------------------

endings: public(HashMap[uint256, IDelisting.Ending])

# ---------------------------------------------------------------
#                         CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: IClearinghouse, index_oracle: IIndexOracle, owner: address):
    """
    @param clearinghouse gives this contract the rights TRADE, WATERFALL, FUNDING and RESTRICT
    @param index_oracle names this contract its delister
    @param owner who announces
    """
    assert owner != empty(address), "delisting: owner"
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)


# ---------------------------------------------------------------
#                            ADMIN
# ---------------------------------------------------------------


@external
def announce(market_ids: DynArray[uint256, MAX_MARKETS], fixing_at: uint256):
    """
    @notice Make markets reduce-only now, and let anybody fix their prices from a time on. See IDelisting.
    """
    ownable._check_owner()
    self._check_notice(fixing_at)
    for market_id: uint256 in market_ids:
        self._announce(market_id, fixing_at)


@external
def shut_down(fixing_at: uint256):
    """
    @notice Announce every listed market whose price is not fixed yet. See IDelisting.
    """
    ownable._check_owner()
    self._check_notice(fixing_at)
    for number: uint256 in range(MAX_MARKETS):
        market_id: uint256 = unsafe_add(number, 1)
        market: uint256[3] = staticcall CLEARINGHOUSE.market_words(market_id)
        is_listed: bool = words._terms_mode(market[2]) & LISTED != 0  # words._terms_mode
        if is_listed and self.endings[market_id].fixed_at == 0:
            self._announce(market_id, fixing_at)


@external
def cancel(market_id: uint256):
    """
    @notice Take an announcement back before the price is fixed. See IDelisting.
    """
    ownable._check_owner()
    self._check_open(market_id)
    assert self.endings[market_id].fixing_at != 0, "delisting: not announced"
    self.endings[market_id].fixing_at = 0
    log IDelisting.Announced(market_id=market_id, fixing_at=0)


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def report_silence(market_id: uint256):
    """
    @notice Start the clock of an index that is not usable. See IDelisting.
    """
    self._check_open(market_id)
    word: uint256 = self._refresh(market_id)
    assert self._is_silent(word), "delisting: index usable"
    resumed_at: uint256 = staticcall INDEX_ORACLE.resumed_at()
    assert resumed_at <= block.timestamp, "delisting: outage"
    is_reported: bool = self._is_still_silent(market_id, word)
    assert not is_reported, "delisting: reported"
    self.endings[market_id].silent_since = block.timestamp
    log IDelisting.SilenceReported(market_id=market_id)


@external
def fix(market_id: uint256) -> uint256:
    """
    @notice Fix a market's price for good. See IDelisting.
    """
    self._check_open(market_id)
    word: uint256 = self._refresh(market_id)
    is_silent: bool = self._is_silent(word)
    is_due: bool = False
    if is_silent:
        waited: bool = block.timestamp >= self.endings[market_id].silent_since + SILENCE
        is_due = waited and self._is_still_silent(market_id, word)
    else:
        fixing_at: uint256 = self.endings[market_id].fixing_at
        is_due = fixing_at != 0 and block.timestamp >= fixing_at
    assert is_due, "delisting: not due"
    extcall CLEARINGHOUSE.restrict(market_id)
    extcall CLEARINGHOUSE.set_funding_rate(market_id, 0)
    price: uint256 = extcall INDEX_ORACLE.fix_price(market_id, is_silent)
    self.endings[market_id].fixed_at = block.timestamp
    log IDelisting.PriceFixed(market_id=market_id, price=price, at_average=is_silent)
    return price


@external
def settle(market_id: uint256) -> uint256:
    """
    @notice Close both sides whole at the fixed price. See IDelisting.
    """
    ending: IDelisting.Ending = self.endings[market_id]
    assert ending.settled_at == 0, "delisting: settled"
    is_due: bool = ending.fixed_at != 0 and block.timestamp >= ending.fixed_at + WINDOW
    assert is_due, "delisting: not due"
    price: uint256 = words._price_price(self._refresh(market_id))
    market: uint256[3] = staticcall CLEARINGHOUSE.market_words(market_id)
    long: uint256 = self._size(market_id, market, LONG)
    short: uint256 = self._size(market_id, market, SHORT)
    # They may have parted by a rounding.
    size: uint256 = max(long, short)
    if size != 0:
        # Where only one has something left, it is what a rounding left, and nobody pays it.
        money: uint256 = 0
        if min(long, short) != 0:
            money = fixed_math._mul_div_down(size, price, WAD)
        self._close(market_id, convert(size, int256), convert(money, int256))
    extcall INDEX_ORACLE.release_exits(market_id)
    self.endings[market_id].settled_at = block.timestamp
    log IDelisting.MarketSettled(market_id=market_id, size=size, price=price)
    return size


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_notice(fixing_at: uint256):
    earliest: uint256 = block.timestamp + NOTICE
    latest: uint256 = block.timestamp + LONGEST_NOTICE
    assert fixing_at >= earliest and fixing_at <= latest, "delisting: notice"


@internal
@view
def _check_open(market_id: uint256):
    assert self.endings[market_id].fixed_at == 0, "delisting: price fixed"


@internal
def _announce(market_id: uint256, fixing_at: uint256):
    self._check_open(market_id)
    extcall CLEARINGHOUSE.restrict(market_id)
    self.endings[market_id].fixing_at = fixing_at
    log IDelisting.Announced(market_id=market_id, fixing_at=fixing_at)


@internal
def _refresh(market_id: uint256) -> uint256:
    """
    @notice The market's price word of this block.
    """
    assert market_id != 0 and market_id <= MAX_MARKETS, "market: unknown"
    return (extcall INDEX_ORACLE.refresh(bits._bit(market_id)))[0]


@internal
@pure
def _is_silent(word: uint256) -> bool:
    return words._price_half_width(word) == NOT_USABLE


@internal
@view
def _is_still_silent(market_id: uint256, word: uint256) -> bool:
    """
    @notice Whether neither data nor a resume of the sequencer came after the report.
    """
    reported: uint256 = self.endings[market_id].silent_since
    resumed_at: uint256 = staticcall INDEX_ORACLE.resumed_at()
    updated_at: uint256 = words._price_updated_at(word)
    return reported != 0 and updated_at <= reported and resumed_at <= reported


@internal
@view
def _size(market_id: uint256, market: uint256[3], side: uint256) -> uint256:
    """
    @notice Size of a side (WAD), rounded down.
    """
    shares: uint256 = words._shares_of(market[1], side)
    if not words._market_touched(market[0], side):
        return shares
    epoch: uint256 = words._market_epoch(market[0], side)
    rates: uint256 = staticcall CLEARINGHOUSE.side_word(market_id, side, epoch)
    scale: int256 = convert(words._side_scale(rates), int256)
    return convert(fixed_math._mul_ray_floor(convert(shares, int256), scale), uint256)


@internal
def _close(market_id: uint256, size: int256, money: int256):
    """
    @notice Both sides whole, at one price.
    """
    changes: DynArray[IClearinghouse.Change, 20] = [
        IClearinghouse.Change(account=LONG, size=-size, money=money, fee=0, gate=GATE_NONE),
        IClearinghouse.Change(account=SHORT, size=size, money=-money, fee=0, gate=GATE_NONE),
    ]
    extcall CLEARINGHOUSE.trade(market_id, changes)
