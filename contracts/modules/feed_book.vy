# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Feed book
@notice Which feeds make the price of each id, on which terms, and in which mode. Part of the IndexOracle.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IIndexOracle

# One price from several.
from contracts.modules import consensus
# Storage word of a feed.
from contracts.modules import feed_words
# Reads of contracts that may fail.
from contracts.modules import oracle_guard

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Id 0 is the settlement token, 1 to 127 are markets, 128 to 135 collateral tokens.
IDS: constant(uint256) = 136
MARKETS_END: constant(uint256) = 128
MAX_FEEDS: constant(uint256) = 5
# Of a half-width: not usable.
NOT_USABLE: constant(uint256) = 2**16 - 1

# WAD: 0.00000001 to 1,000,000 settlement money per unit. The unit of a market is chosen to fit.
MIN_PRICE: constant(uint256) = 10**10
MAX_PRICE: constant(uint256) = 10**24

# Of feeds, seconds.
MIN_MAX_AGE: constant(uint256) = 1
MAX_MAX_AGE: constant(uint256) = 7 * 86_400
# Of pull feeds: whoever brings an update chooses among those of that time.
MAX_PULL_AGE: constant(uint256) = 10

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

# id -> feed words; the first also holds the terms.
_feeds: uint256[MAX_FEEDS][IDS]

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
def _set(id: uint256, terms: IIndexOracle.Terms, feeds: DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Check and store the terms and feeds of an id; see IndexOracle.set_feeds.
    """
    count: uint256 = len(feeds)
    assert id < IDS, "feeds: id"
    assert count != 0, "feeds: none"
    assert terms.quorum != 0 and terms.quorum <= count, "feeds: quorum"
    assert terms.spread_band < 2**16, "feeds: spread band"
    assert terms.volatility_floor < 2**24, "feeds: volatility floor"
    packed: uint256[MAX_FEEDS] = empty(uint256[MAX_FEEDS])
    pulls: uint256 = 0
    for i: uint256 in range(count, bound=MAX_FEEDS):
        feed: IIndexOracle.Feed = feeds[i]
        self._check_feed(feed)
        for j: uint256 in range(i, bound=MAX_FEEDS):
            assert feeds[j].adapter != feed.adapter, "feeds: duplicate"
        if feed.is_pull:
            pulls += 1
        packed[i] = feed_words._feed(feed.adapter, feed.heartbeat, feed.max_age, feed.is_pull)
    assert pulls + terms.quorum <= count, "feeds: too few push"
    head: uint256 = feed_words._terms(count, terms.quorum, terms.spread_band, terms.volatility_floor)
    mode: uint256 = self._mode(id)
    assert mode != feed_words.STANDING, "oracle: price fixed"
    # `_feed` leaves these bits empty; a halt goes on.
    packed[0] += feed_words._with_mode(head, mode)
    self._feeds[id] = packed
    log IIndexOracle.FeedsSet(id=id, terms=terms, feeds=feeds)


@internal
@view
def _listed(id: uint256) -> (IIndexOracle.Terms, DynArray[IIndexOracle.Feed, MAX_FEEDS]):
    """
    @notice Terms and feeds of an id; zeros and an empty list when none are set.
    """
    head: uint256 = self._feeds[id][0]
    terms: IIndexOracle.Terms = IIndexOracle.Terms(
        quorum=feed_words._terms_quorum(head),
        spread_band=feed_words._terms_spread_band(head),
        volatility_floor=feed_words._terms_volatility_floor(head),
    )
    listed: DynArray[IIndexOracle.Feed, MAX_FEEDS] = []
    for i: uint256 in range(feed_words._terms_count(head), bound=MAX_FEEDS):
        word: uint256 = self._feeds[id][i]
        feed: IIndexOracle.Feed = IIndexOracle.Feed(
            adapter=feed_words._feed_adapter(word),
            heartbeat=feed_words._feed_heartbeat(word),
            max_age=feed_words._feed_max_age(word),
            is_pull=feed_words._feed_is_pull(word) == 1,
        )
        listed.append(feed)
    return terms, listed


@internal
@view
def _check_feed(feed: IIndexOracle.Feed):
    """
    @notice Bounds of one feed.
    """
    assert feed.adapter.is_contract, "feeds: not a contract"
    longest: uint256 = MAX_PULL_AGE if feed.is_pull else MAX_MAX_AGE
    assert feed.max_age >= MIN_MAX_AGE and feed.max_age <= longest, "feeds: max age"
    assert feed.heartbeat != 0 and feed.heartbeat <= feed.max_age, "feeds: heartbeat"


@internal
@view
def _read(id: uint256, head: uint256, since: uint256, volatility: uint256) -> (uint256, uint256, uint256):
    """
    @notice Price, time of data and half-width of the fresh feeds; zeros without a quorum.
    @param id has feeds
    @param head word of the first feed
    """
    quotes: uint256[MAX_FEEDS] = empty(uint256[MAX_FEEDS])
    fresh: uint256 = 0
    feed: uint256 = head
    for i: uint256 in range(feed_words._terms_count(head), bound=MAX_FEEDS):
        if i != 0:
            feed = self._feeds[id][i]
        quote: uint256 = self._quote(feed, since)
        if quote != 0:
            quotes[fresh] = quote
            fresh = unsafe_add(fresh, 1)
    quorum: uint256 = feed_words._terms_quorum(head)
    spread_band: uint256 = feed_words._terms_spread_band(head)
    return consensus._agree(quotes, fresh, quorum, spread_band, volatility)


@internal
@view
def _quote(feed: uint256, since: uint256) -> uint256:
    """
    @notice What a feed has to say, if it is in range, not too old, not from the future and stamped after `since`;
            else 0.
    """
    price: uint256 = 0
    updated_at: uint256 = 0
    half_width: uint256 = 0
    adapter: address = feed_words._feed_adapter(feed)
    price, updated_at, half_width = oracle_guard._latest(adapter)
    if price < MIN_PRICE or price > MAX_PRICE or half_width >= NOT_USABLE:
        return 0
    if updated_at > block.timestamp or updated_at <= since:
        return 0
    age: uint256 = unsafe_sub(block.timestamp, updated_at)
    if age > feed_words._feed_max_age(feed):
        return 0
    heartbeat: uint256 = feed_words._feed_heartbeat(feed)
    overdue: uint256 = unsafe_sub(max(age, heartbeat), heartbeat)
    return consensus._quote(price, updated_at, half_width, overdue, feed_words._feed_is_pull(feed))


@internal
@view
def _check_open(market_id: uint256):
    """
    @notice A market with feeds whose price is not fixed. Reverts with "oracle: no market", "oracle: price fixed".
    """
    assert market_id != 0 and market_id < MARKETS_END, "oracle: no market"
    assert self._feeds[market_id][0] != 0, "oracle: no market"
    mode: uint256 = self._mode(market_id)
    assert mode != feed_words.STANDING, "oracle: price fixed"


@internal
@view
def _mode(id: uint256) -> uint256:
    """
    @notice FOLLOWING, HALTED or STANDING, see feed_words.
    """
    head: uint256 = self._feeds[id][0]
    return feed_words._terms_mode(head)


@internal
def _set_mode(id: uint256, mode: uint256):
    head: uint256 = self._feeds[id][0]
    self._feeds[id][0] = feed_words._with_mode(head, mode)
