# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Index oracle
@notice The index price of every market and collateral token: the median of fresh feeds, if there is a quorum, and how
        sure that is.
@dev One snapshot per id and block: the first refresh of a block reads the feeds, every later one returns the
     cached word. Collateral tokens are stored in dollars and answered in settlement tokens, which count as a
     dollar each until id 0 has feeds. `prices` and `refresh` share one computation, so a view and the transaction
     after it in the same block agree. Adapters are called statically and the views are locked as well: an adapter that calls
     back during a refresh finds the lock, fails, and counts as a broken feed. Hence an adapter may not be built
     on this oracle's own prices. `seawall/spec/oracle.py` is the same in Python.
     Trust: the owner chooses adapters and terms, and with an adapter of its own any price: it is meant to be a
     timelock.
@custom:security A word with half-width 65535 is not usable: never read its price without looking at it.
@custom:kill A guardian may halt one market for 6 hours, once in 7 days; a delister fixes a market's price for good: see
             index_modes.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from interfaces import IIndexOracle
implements: IIndexOracle

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

# Who may choose feeds; handed over in two steps.
from snekmate.auth import ownable
initializes: ownable
from snekmate.auth import ownable_2step
initializes: ownable_2step[ownable := ownable]

# Moving average and volatility.
from contracts.modules import averages
# Ids of a bitmap.
from contracts.modules import bits
# Feeds of every id.
from contracts.modules import feed_book
initializes: feed_book
# Storage word of a feed.
from contracts.modules import feed_words
# Outages, halts, fixed prices.
from contracts.modules import index_modes
initializes: index_modes
# Notice of a change.
from contracts.modules import risk_factors
# Collateral in settlement tokens.
from contracts.modules import settlement_price
# Price word.
from contracts.modules import words

# ---------------------------------------------------------------
#                             EXPORTS
# ---------------------------------------------------------------

# `renounce_ownership` is left out: without an owner a dead feed could never be replaced.
exports: (
    ownable.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    index_modes.guardian,
    index_modes.delister,
)

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Id 0 is the settlement token, 1 to 127 are markets, 128 to 135 collateral tokens.
IDS: constant(uint256) = 136
SETTLEMENT: constant(uint256) = 0
BITS: constant(uint256) = 2**IDS - 1
# Bitmaps from here up hold a collateral token, or an id that does not exist.
COLLATERAL: constant(uint256) = 2**128
# An account's 16 markets and 8 collateral tokens.
MAX_IDS: constant(uint256) = 24
MAX_FEEDS: constant(uint256) = 5

# Of the averages' time constants, seconds.
MIN_SECONDS: constant(uint256) = 60
MAX_SECONDS: constant(uint256) = 30 * 86_400
# Above it the average's seven digits would stand still when it is refreshed every block.
MAX_EMA_SECONDS: constant(uint256) = 86_400

# What a settlement token is meant to be worth, WAD dollars.
PAR: constant(uint256) = 10**18
# Its price words from here up are above par, as words._price has it.
ABOVE_PAR: constant(uint256) = (10**18 + 1) * 2**176
NOT_USABLE: constant(uint256) = 2**16 - 1
# words._price(0, 0, NOT_USABLE, 0, 0)
NO_PRICE: constant(uint256) = NOT_USABLE * 2**100
# No such time: the sequencer has not been asked yet, and is only if something is to be read.
NOT_ASKED: constant(uint256) = max_value(uint256) - 1

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

# Time constants of the moving average and of the volatility.
EMA_SECONDS: public(immutable(uint256))
VOLATILITY_SECONDS: public(immutable(uint256))

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

# id -> price word; 0 until the first refresh, of the settlement token until it has feeds.
_words: uint256[IDS]
# Time from which on a settlement token above par lowers what collateral is worth, by a ramp; 0 until it has feeds.
premium_start: public(uint256)

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    owner: address, ema_seconds: uint256, volatility_seconds: uint256, sequencer: address, grace_seconds: uint256
):
    """
    @notice Deploy without feeds: every id is unusable until its feeds are set.
    @dev Reverts with "oracle: owner", "oracle: seconds", "oracle: sequencer", "oracle: grace".
    @param owner who may set feeds
    @param ema_seconds time constant of the moving average, 1 minute to 1 day
    @param volatility_seconds time constant of the volatility, 1 minute to 30 days
    @param sequencer uptime feed with `latestRoundData`, or empty
    @param grace_seconds after a resume of the sequencer, at most a day; 0 without one
    """
    assert owner != empty(address), "oracle: owner"
    assert ema_seconds >= MIN_SECONDS and ema_seconds <= MAX_EMA_SECONDS, "oracle: seconds"
    assert volatility_seconds >= MIN_SECONDS and volatility_seconds <= MAX_SECONDS, "oracle: seconds"
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)
    EMA_SECONDS = ema_seconds
    VOLATILITY_SECONDS = volatility_seconds
    index_modes._set_sequencer(sequencer, grace_seconds)


# ---------------------------------------------------------------
#                         KEEPER ACTIONS
# ---------------------------------------------------------------


@external
@reentrant
def refresh(bitmap: uint256) -> DynArray[uint256, MAX_IDS]:
    """
    @notice Bring the cached words of all ids in the bitmap up to date, once per block each, and return them
            in ascending order of id. Anyone may call.
    @dev Never reverts for a broken feed: without a quorum of fresh feeds the last price is kept and its
         half-width is the maximum, which makes it unusable. An id without feeds gives a word without a price.
         With a collateral token the settlement token is refreshed too, when it has feeds, and the token's word
         is answered in settlement tokens: see settlement_price.
         Reverts with "oracle: unknown id", "oracle: too many ids", and with "oracle: gas" when a feed gave no
         price and the caller's gas may be the reason: 210,000 must be left for each read of a broken feed.
    @param bitmap bit i stands for id i; at most 24 bits
    @return price words
    """
    self._check_unlocked()
    fresh_words: DynArray[uint256, MAX_IDS] = []
    rest: uint256 = bitmap & BITS
    next_id: uint256 = 0
    since: uint256 = NOT_ASKED
    for _: uint256 in range(MAX_IDS):
        if rest == 0:
            break
        gap: uint256 = bits._lowest(rest)
        rest = (rest >> gap) >> 1  # bits._without_lowest, past that bit
        id: uint256 = unsafe_add(next_id, gap)
        next_id = unsafe_add(id, 1)
        word: uint256 = self._words[id]
        # words._price_refreshed_at
        if (word >> 68) & words.U32 != block.timestamp:
            if since == NOT_ASKED:
                since = index_modes._since()
            word = self._update(id, word, since)
        fresh_words.append(word)
    if bitmap >= COLLATERAL:
        assert bitmap <= BITS, "oracle: unknown id"
        settlement: uint256 = self._words[SETTLEMENT]
        if settlement != 0:
            # Where it is of an earlier block, so was a token's word above: `since` is asked for.
            if (settlement >> 68) & words.U32 != block.timestamp:  # words._price_refreshed_at
                settlement = self._update(SETTLEMENT, settlement, since)
            if settlement >= ABOVE_PAR:
                settlement = settlement_price._phased_in(settlement, self.premium_start, block.timestamp)
            fresh_words = settlement_price._in_settlement(fresh_words, bitmap, settlement)
    assert rest == 0, "oracle: too many ids"
    return fresh_words


# ---------------------------------------------------------------
#                              ADMIN
# ---------------------------------------------------------------


@external
def set_feeds(id: uint256, terms: IIndexOracle.Terms, feeds: DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Set the terms and feeds of an id. Owner only.
    @dev The cached word stays: a snapshot taken in this block holds to its end, and so does the par of a settlement
         token that has its first feeds; what it is above par counts after a notice of 2 days by a ramp of 5. These
         feeds can be replaced, not taken away. Reverts with "feeds: id",
         "feeds: none", "feeds: quorum", "feeds: spread band", "feeds: volatility floor", "feeds: too few push",
         "feeds: not a contract", "feeds: max age", "feeds: heartbeat", "feeds: duplicate", "oracle: price fixed".
    @param id 0 to 135; 0 is the settlement token, in dollars
    @param terms quorum from 1 to the number of feeds; band and floor fit 16 and 24 bits
    @param feeds 1 to 5 distinct adapters; a quorum of them not pull, or whoever withholds the updates of a pull feed could
           switch the index off for a block; data counts for 1 second to 7 days (pull: 10 seconds),
           heartbeats are above 0 and not longer
    """
    ownable._check_owner()
    feed_book._set(id, terms, feeds)
    if id == SETTLEMENT and self._words[SETTLEMENT] == 0:
        # It was at par in this block; a word that is not 0 tells a refresh that there are feeds.
        memory: uint256 = self._moved(NO_PRICE, PAR, terms.volatility_floor)
        par: uint256 = words._price(PAR, block.timestamp, 0, block.timestamp, memory)
        self._store(SETTLEMENT, NO_PRICE, par)
        self.premium_start = block.timestamp + risk_factors.NOTICE


@external
def set_sequencer(uptime_feed: address, grace_seconds: uint256):
    """
    @notice Set or replace the uptime feed of the sequencer; the empty address for none. Owner only.
    @dev A feed that breaks makes every index unusable, so it can be replaced. Reverts with "oracle: sequencer",
         "oracle: grace".
    @param grace_seconds after a resume, in which partial liquidations and ways out by value wait; at most a day, 0
           without a feed
    """
    ownable._check_owner()
    index_modes._set_sequencer(uptime_feed, grace_seconds)


@external
def set_roles(guardian: address, delister: address):
    """
    @notice Name who may halt a market, and the contract that fixes prices of markets that end. Owner only.
    @param guardian an address, or the empty one for nobody
    @param delister a contract, or the empty address for none
    """
    ownable._check_owner()
    index_modes._set_roles(guardian, delister)


# ---------------------------------------------------------------
#                      GUARDIAN AND DELISTER
# ---------------------------------------------------------------


@external
def halt(market_id: uint256):
    """
    @notice Make one market's index not usable for 6 hours: its legs wait, all others go on. Guardian or owner.
    @dev Reverts with "oracle: not the guardian", "oracle: no market", "oracle: price fixed", "oracle: halted lately".
    @param market_id 1 to 127, with feeds; no market was halted in the 7 days before
    """
    self._check_guardian()
    feed_book._check_open(market_id)
    former: uint256 = index_modes._begin_halt(market_id)
    if feed_book._mode(former) == feed_words.HALTED:
        feed_book._set_mode(former, feed_words.FOLLOWING)
    feed_book._set_mode(market_id, feed_words.HALTED)


@external
def lift_halt(market_id: uint256):
    """
    @notice End a halt before its time. Guardian or owner.
    @dev Reverts with "oracle: not the guardian", "oracle: not halted".
    """
    self._check_guardian()
    index_modes._end_halt(market_id)


@external
def fix_price(market_id: uint256, at_average: bool) -> uint256:
    """
    @notice Fix a market's price for good: at its index, or at the average of an index that is not usable. Delister
            only. Ways out by value wait from here to `release_exits` for accounts with a leg in it.
    @dev Reverts with "oracle: not the delister", "oracle: no market", "oracle: price fixed", "oracle: no sure price",
         "oracle: still usable".
    @return the price, WAD
    """
    self._check_delister()
    feed_book._check_open(market_id)
    word: uint256 = self._words[market_id]
    # words._price_refreshed_at
    if (word >> 68) & words.U32 != block.timestamp:
        since: uint256 = index_modes._since()
        word = self._renewed(market_id, word, since)
    fixed: uint256 = index_modes._fixed(word, at_average)
    self._store(market_id, word, fixed)
    feed_book._set_mode(market_id, feed_words.STANDING)
    return words._price_price(fixed)


@external
def release_exits(market_id: uint256):
    """
    @notice Open the ways out again once all legs of a market whose price is fixed are settled. Delister only.
    """
    self._check_delister()
    word: uint256 = self._words[market_id]
    self._words[market_id] = word & ~words.FIXED  # words._price_flags


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def prices(bitmap: uint256) -> DynArray[uint256, MAX_IDS]:
    """
    @notice What `refresh` would return now, without writing.
    @dev Reverts as `refresh` does.
    @param bitmap bit i stands for id i; at most 24 bits
    @return price words in ascending order of id
    """
    fresh_words: DynArray[uint256, MAX_IDS] = []
    rest: uint256 = bitmap & BITS
    next_id: uint256 = 0
    since: uint256 = NOT_ASKED
    for _: uint256 in range(MAX_IDS):
        if rest == 0:
            break
        gap: uint256 = bits._lowest(rest)
        rest = (rest >> gap) >> 1  # bits._without_lowest, past that bit
        id: uint256 = unsafe_add(next_id, gap)
        next_id = unsafe_add(id, 1)
        word: uint256 = self._words[id]
        # words._price_refreshed_at
        if (word >> 68) & words.U32 != block.timestamp:
            if since == NOT_ASKED:
                since = index_modes._since()
            cached: uint256 = self._cached(word)
            word = self._current(id, cached, since)
        fresh_words.append(word)
    if bitmap >= COLLATERAL:
        assert bitmap <= BITS, "oracle: unknown id"
        settlement: uint256 = self._words[SETTLEMENT]
        if settlement != 0:
            # As in `refresh`.
            if (settlement >> 68) & words.U32 != block.timestamp:  # words._price_refreshed_at
                settlement = self._current(SETTLEMENT, settlement, since)
            if settlement >= ABOVE_PAR:
                settlement = settlement_price._phased_in(settlement, self.premium_start, block.timestamp)
            fresh_words = settlement_price._in_settlement(fresh_words, bitmap, settlement)
    assert rest == 0, "oracle: too many ids"
    return fresh_words


@external
@view
def price_word(id: uint256) -> uint256:
    """
    @notice The cached word, as stored, of a collateral token in dollars; before the first refresh a word without a
            price that is not usable.
    @dev Reverts with "oracle: unknown id".
    @param id 0 to 135
    @return price word
    """
    assert id < IDS, "oracle: unknown id"
    stored: uint256 = self._words[id]
    return self._cached(stored)


@external
@view
def feeds(id: uint256) -> (IIndexOracle.Terms, DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Terms and feeds of an id; zeros and an empty list when none are set.
    @dev Reverts with "oracle: unknown id".
    @param id 0 to 135
    @return quorum, spread band and volatility floor
    @return adapters with heartbeat and greatest age in seconds
    """
    assert id < IDS, "oracle: unknown id"
    return feed_book._listed(id)


@external
@view
def sequencer() -> (address, uint256):
    """
    @notice Uptime feed of the sequencer, empty for none, and its grace period in seconds.
    """
    word: uint256 = index_modes._sequencer
    return feed_words._feed_adapter(word), feed_words._feed_max_age(word)


@external
@view
def resumed_at() -> uint256:
    """
    @notice Since when the sequencer is up, unix seconds; 0 without one, the greatest number while it is down or silent.
    """
    since: uint256 = index_modes._since()
    if since == index_modes.NEVER or since < index_modes.LATELY:
        return since
    return unsafe_sub(since, index_modes.LATELY)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_guardian():
    is_owner: bool = msg.sender == ownable.owner
    assert is_owner or msg.sender == index_modes.guardian, "oracle: not the guardian"


@internal
@view
def _check_delister():
    assert msg.sender == index_modes.delister, "oracle: not the delister"


@internal
@view
@nonreentrant
def _check_unlocked():
    """
    @notice A feed that calls back meets the lock for cached words too: else its answer would depend on what the
            caller refreshed before.
    """
    pass


@internal
@nonreentrant
def _update(id: uint256, stored: uint256, since: uint256) -> uint256:
    """
    @notice The word of this block, stored. The lock is taken here, so that words that are cached do not pay for it.
    """
    return self._renewed(id, stored, since)


@internal
def _renewed(id: uint256, stored: uint256, since: uint256) -> uint256:
    """
    @notice The word of this block, stored, by a caller who holds the lock.
    """
    cached: uint256 = self._cached(stored)
    word: uint256 = self._current(id, cached, since)
    if word != cached:
        self._store(id, cached, word)
    return word


@internal
@pure
def _cached(stored: uint256) -> uint256:
    """
    @notice The stored word; one that is not usable before the first refresh, where storage holds a zero half-width.
    """
    return NO_PRICE if stored == 0 else stored


@internal
@view
def _current(id: uint256, cached: uint256, since: uint256) -> uint256:
    """
    @notice The word of this block, when the cached one is of an earlier block.
    @param since data counts if stamped later
    """
    head: uint256 = feed_book._feeds[id][0]
    if head == 0:
        return NO_PRICE
    lowest: uint256 = feed_words._terms_volatility_floor(head)
    volatility: uint256 = max(words._price_volatility(cached), lowest)
    price: uint256 = 0
    updated_at: uint256 = 0
    half_width: uint256 = 0
    counts_since: uint256 = since
    mode: uint256 = feed_words._terms_mode(head)
    if mode != feed_words.FOLLOWING:
        if mode == feed_words.STANDING:
            return index_modes._standing(cached, block.timestamp)
        counts_since = index_modes._since_halt(id, since)
    # Times are below 2**32: above them a flag stands.
    flag: uint256 = 0
    if counts_since != index_modes.NEVER:
        if counts_since >= index_modes.LATELY:
            counts_since = unsafe_sub(counts_since, index_modes.LATELY)
            flag = words.IN_GRACE
        price, updated_at, half_width = feed_book._read(id, head, counts_since, volatility)
    if price == 0:
        return self._stale(cached)
    memory: uint256 = self._moved(cached, price, lowest)
    return words._price(price, updated_at, half_width, block.timestamp, memory | flag)  # words._price_flags


@internal
@view
def _moved(cached: uint256, price: uint256, lowest: uint256) -> uint256:
    """
    @notice What a new price makes of the averages; it samples the volatility when the last sample is old enough.
    """
    old_price: uint256 = words._price_price(cached)
    if old_price == 0:
        return words._price_memory(averages.RATIO, lowest, averages.RATIO, 0)
    elapsed: uint256 = unsafe_sub(block.timestamp, words._price_refreshed_at(cached))
    # One snapshot draws for five minutes at most, or a price of a second would stand for the silence after it.
    factor: uint256 = averages._decay(min(elapsed, averages.SAMPLE_SECONDS), EMA_SECONDS)
    ema_ratio: uint256 = averages._next_ema_ratio(words._price_ema_ratio(cached), old_price, price, factor)
    sample_ratio: uint256 = averages._next_sample_ratio(words._price_sample_ratio(cached), old_price, price)
    # Either sampled or short: the word's room for it bounds only what waits.
    age: uint256 = unsafe_add(words._price_sample_age(cached), elapsed)
    volatility: uint256 = words._price_volatility(cached)
    if age >= averages.SAMPLE_SECONDS:
        kept: uint256 = averages._decay(age, VOLATILITY_SECONDS)
        volatility = averages._next_volatility(volatility, sample_ratio, age, kept)
        sample_ratio = averages.RATIO
        age = 0
    return words._price_memory(ema_ratio, max(volatility, lowest), sample_ratio, age)


@internal
@view
def _stale(cached: uint256) -> uint256:
    """
    @notice The cached word, not usable, as of this block: price and time of data stay, the average is drawn to the
            price that stood, nothing is sampled.
    """
    price: uint256 = words._price_price(cached)
    if price == 0:
        return words._price(0, 0, NOT_USABLE, block.timestamp, 0)
    elapsed: uint256 = unsafe_sub(block.timestamp, words._price_refreshed_at(cached))
    factor: uint256 = averages._decay(min(elapsed, averages.SAMPLE_SECONDS), EMA_SECONDS)
    ema_ratio: uint256 = averages._next_ema_ratio(words._price_ema_ratio(cached), price, price, factor)
    volatility: uint256 = words._price_volatility(cached)
    sample_ratio: uint256 = words._price_sample_ratio(cached)
    age: uint256 = averages._sample_age(words._price_sample_age(cached), elapsed)
    memory: uint256 = words._price_memory(ema_ratio, volatility, sample_ratio, age)
    return words._price(price, words._price_updated_at(cached), NOT_USABLE, block.timestamp, memory)


@internal
def _store(id: uint256, cached: uint256, word: uint256):
    """
    @notice Write a new word; log it when a reader would act differently.
    """
    self._words[id] = word
    price: uint256 = words._price_price(word)
    half_width: uint256 = words._price_half_width(word)
    former_price: uint256 = words._price_price(cached)
    former_half_width: uint256 = words._price_half_width(cached)
    if price != former_price or half_width != former_half_width:
        updated_at: uint256 = words._price_updated_at(word)
        log IIndexOracle.IndexUpdated(id=id, price=price, updated_at=updated_at, half_width=half_width)
