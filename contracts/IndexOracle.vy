# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Index oracle
@notice The index price of every market and collateral token: the median of fresh feeds, if there is a quorum.
@dev One snapshot per id and block: the first refresh of a block reads the feeds, every later one returns the
     cached word. `prices` and `refresh` share one computation, so a view and the transaction after it in the
     same block agree. Adapters are called statically and the views are locked as well: an adapter that calls
     back during a refresh finds the lock, fails, and counts as a broken feed. Hence an adapter may not be built
     on this oracle's own prices.
     Trust: the owner chooses adapters and quorum; it cannot set a price.
@custom:security A word with half-width 65535 is not usable: never read its price without looking at it.
@custom:kill No kill switch: an id is taken out of use by feeds that answer nothing.
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

# Ids of a bitmap.
from contracts.modules import bits
# Storage word of a feed.
from contracts.modules import feed_words
# Products rounded up.
from contracts.modules import fixed_math
# Index price from fresh prices.
from contracts.modules import median
# Reads of contracts that may fail.
from contracts.modules import oracle_guard
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
)

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Ids 1 to 135; place 0 of the arrays stays empty.
IDS: constant(uint256) = 136
# An account's 16 markets and 8 collateral tokens.
MAX_IDS: constant(uint256) = 24
MAX_FEEDS: constant(uint256) = 5

MIN_MAX_AGE_SECONDS: constant(uint256) = 1
MAX_MAX_AGE_SECONDS: constant(uint256) = 7 * 86_400

# WAD: 0.00000001 to 1,000,000 settlement money per unit. The unit of a market is chosen to fit.
MIN_PRICE: constant(uint256) = 10**10
MAX_PRICE: constant(uint256) = 10**24
TICK: constant(uint256) = 10**6

EMA_AT_PRICE: constant(uint256) = 10**6
NOT_USABLE: constant(uint256) = 2**16 - 1
# half_width is in units of 10**-5 of the price.
HALF_WIDTH_UNIT: constant(uint256) = 10**5
# words._price(0, 0, 0, NOT_USABLE, 0, 0)
NO_PRICE: constant(uint256) = NOT_USABLE * 2**80

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

# id -> price word; 0 until the first refresh.
_words: uint256[IDS]
# id -> feed words; the first also holds count and quorum.
_feeds: uint256[MAX_FEEDS][IDS]

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(owner: address):
    """
    @notice Deploy without feeds: every id is unusable until its feeds are set.
    @param owner who may set feeds
    """
    assert owner != empty(address), "oracle: owner"
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)


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
         Reverts with "oracle: unknown id", "oracle: too many ids", and with "oracle: gas" when a feed gave no
         price and the caller's gas may be the reason: 210,000 must be left for each read of a broken feed.
    @param bitmap bit i stands for id i; at most 24 bits
    @return price words
    """
    self._check_unlocked()
    assert bitmap < 2**IDS, "oracle: unknown id"
    fresh_words: DynArray[uint256, MAX_IDS] = []
    rest: uint256 = bitmap
    next_id: uint256 = 0
    for _: uint256 in range(MAX_IDS):
        if rest == 0:
            break
        gap: uint256 = bits._lowest(rest)
        rest = (rest >> gap) >> 1  # bits._without_lowest, past that bit
        id: uint256 = unsafe_add(next_id, gap)
        next_id = unsafe_add(id, 1)
        word: uint256 = self._words[id]
        # words._price_refreshed_at
        if (word >> 40) & words.U40 != block.timestamp:
            word = self._update(id)
        fresh_words.append(word)
    assert rest == 0, "oracle: too many ids"
    return fresh_words


# ---------------------------------------------------------------
#                              ADMIN
# ---------------------------------------------------------------


@external
def set_feeds(id: uint256, quorum: uint256, feeds: DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Set the feeds of an id. Owner only.
    @dev The cached word stays: a snapshot taken in this block holds to its end. Reverts with "feeds: id",
         "feeds: none", "feeds: quorum", "feeds: not a contract", "feeds: max age", "feeds: duplicate".
    @param id 1 to 135
    @param quorum fresh feeds that make a price, 1 to the number of feeds
    @param feeds 1 to 5 distinct adapters, each with the greatest age of its data, 1 second to 7 days
    """
    ownable._check_owner()
    count: uint256 = len(feeds)
    assert id != 0 and id < IDS, "feeds: id"
    assert count != 0, "feeds: none"
    assert quorum != 0 and quorum <= count, "feeds: quorum"
    packed: uint256[MAX_FEEDS] = empty(uint256[MAX_FEEDS])
    for i: uint256 in range(count, bound=MAX_FEEDS):
        self._check_feed(feeds[i])
        for j: uint256 in range(i, bound=MAX_FEEDS):
            assert feeds[j].adapter != feeds[i].adapter, "feeds: duplicate"
        packed[i] = feed_words._feed(feeds[i].adapter, feeds[i].max_age, 0, 0)
    packed[0] = feed_words._feed(feeds[0].adapter, feeds[0].max_age, count, quorum)
    self._feeds[id] = packed
    log IIndexOracle.FeedsSet(id=id, quorum=quorum, feeds=feeds)


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
    assert bitmap < 2**IDS, "oracle: unknown id"
    fresh_words: DynArray[uint256, MAX_IDS] = []
    rest: uint256 = bitmap
    next_id: uint256 = 0
    for _: uint256 in range(MAX_IDS):
        if rest == 0:
            break
        gap: uint256 = bits._lowest(rest)
        rest = (rest >> gap) >> 1  # bits._without_lowest, past that bit
        id: uint256 = unsafe_add(next_id, gap)
        next_id = unsafe_add(id, 1)
        word: uint256 = self._words[id]
        # words._price_refreshed_at
        if (word >> 40) & words.U40 != block.timestamp:
            cached: uint256 = self._cached(id)
            word = self._current(id, cached)
        fresh_words.append(word)
    assert rest == 0, "oracle: too many ids"
    return fresh_words


@external
@view
def price_word(id: uint256) -> uint256:
    """
    @notice The cached word, as stored; before the first refresh a word without a price that is not usable.
    @dev Reverts with "oracle: unknown id".
    @param id 0 to 135; nothing is ever stored for 0
    @return price word
    """
    assert id < IDS, "oracle: unknown id"
    return self._cached(id)


@external
@view
def feeds(id: uint256) -> (uint256, DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Quorum and feeds of an id; (0, []) when none are set.
    @dev Reverts with "oracle: unknown id".
    @param id 0 to 135
    @return quorum, adapters and greatest ages in seconds
    """
    assert id < IDS, "oracle: unknown id"
    head: uint256 = self._feeds[id][0]
    count: uint256 = feed_words._feed_count(head)
    quorum: uint256 = feed_words._feed_quorum(head)
    listed: DynArray[IIndexOracle.Feed, MAX_FEEDS] = []
    for i: uint256 in range(count, bound=MAX_FEEDS):
        feed: uint256 = self._feeds[id][i]
        adapter: address = feed_words._feed_adapter(feed)
        max_age: uint256 = feed_words._feed_max_age(feed)
        listed.append(IIndexOracle.Feed(adapter=adapter, max_age=max_age))
    return quorum, listed


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_feed(feed: IIndexOracle.Feed):
    """
    @notice Bounds of one feed.
    """
    assert feed.adapter.is_contract, "feeds: not a contract"
    assert feed.max_age >= MIN_MAX_AGE_SECONDS, "feeds: max age"
    assert feed.max_age <= MAX_MAX_AGE_SECONDS, "feeds: max age"


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
def _update(id: uint256) -> uint256:
    """
    @notice The word of this block, stored. The lock is taken here, so that words that are cached do not pay for it.
    """
    cached: uint256 = self._cached(id)
    word: uint256 = self._current(id, cached)
    if word != cached:
        self._store(id, cached, word)
    return word


@internal
@view
def _cached(id: uint256) -> uint256:
    """
    @notice The stored word; one that is not usable before the first refresh, where storage holds a zero half-width.
    """
    word: uint256 = self._words[id]
    if word == 0:
        return NO_PRICE
    return word


@internal
@view
def _current(id: uint256, cached: uint256) -> uint256:
    """
    @notice The word of this block.
    """
    if words._price_refreshed_at(cached) == block.timestamp:
        return cached
    head: uint256 = self._feeds[id][0]
    if head == 0:
        return NO_PRICE
    return self._read_feeds(id, head, cached)


@internal
@view
def _read_feeds(id: uint256, head: uint256, cached: uint256) -> uint256:
    """
    @notice A new word from the feeds.
    @dev `updated_at` is the time of the oldest data among the fresh feeds: the median is no older than that,
         whichever feed it comes from. It may step back when a slower feed returns.
    @param id has feeds
    @param head word of the first feed
    @param cached word to fall back on
    """
    fresh: DynArray[uint256, MAX_FEEDS] = []
    oldest: uint256 = block.timestamp
    count: uint256 = feed_words._feed_count(head)
    feed: uint256 = head
    for i: uint256 in range(count, bound=MAX_FEEDS):
        if i != 0:
            feed = self._feeds[id][i]
        price: uint256 = 0
        updated_at: uint256 = 0
        adapter: address = feed_words._feed_adapter(feed)
        price, updated_at = oracle_guard._latest(adapter)
        max_age: uint256 = feed_words._feed_max_age(feed)
        if self._is_fresh(price, updated_at, max_age):
            fresh.append(price)
            oldest = min(oldest, updated_at)
    quorum: uint256 = feed_words._feed_quorum(head)
    if len(fresh) < quorum:
        return self._stale(cached)
    index: uint256 = median._median(fresh)
    # Down to the tick: the one rounding of an index price, 1e-4 of the smallest price at most.
    index -= index % TICK
    half_width: uint256 = 0
    if len(fresh) == 2:
        half_width = self._half_spread(fresh[0], fresh[1], index)
    return words._price(index, oldest, EMA_AT_PRICE, half_width, block.timestamp, 0)


@internal
@pure
def _half_spread(first: uint256, second: uint256, index: uint256) -> uint256:
    """
    @notice Half the distance of two prices as a half-width around the index, rounded up; below the mark of a stale word.
    @dev Of two feeds none is the outlier: the index is as unsure as they are apart.
    """
    distance: uint256 = max(first, second) - min(first, second)
    return min(fixed_math._mul_div_up(distance, HALF_WIDTH_UNIT, 2 * index), NOT_USABLE - 1)


@internal
@view
def _is_fresh(price: uint256, updated_at: uint256, max_age: uint256) -> bool:
    """
    @notice Whether an answer is in range, not from the future and at most `max_age` seconds old.
    """
    if price < MIN_PRICE or price > MAX_PRICE:
        return False
    if updated_at > block.timestamp:
        return False
    return block.timestamp - updated_at <= max_age


@internal
@view
def _stale(cached: uint256) -> uint256:
    """
    @notice The cached word, not usable, as of this block: price, time of data and EMA stay.
    """
    price: uint256 = words._price_price(cached)
    updated_at: uint256 = words._price_updated_at(cached)
    ema_ratio: uint256 = words._price_ema_ratio(cached)
    variance: uint256 = words._price_variance(cached)
    return words._price(price, updated_at, ema_ratio, NOT_USABLE, block.timestamp, variance)


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
