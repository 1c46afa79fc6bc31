# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Buckets
@notice One margin account per market with capital and loss budget of its own, and what is not allotted in sub-account 0.
        Part of the Backstop; `seawall/spec/backstop.py` is the same in Python.
@dev Money and sizes are WAD, a bucket's terms whole money, rates parts per million. A bucket has one leg at most, its
     market's: nobody signs orders for it. Bounds behind the unchecked sums: a leg's size is below 2**113, a price
     below 2**80, equity and a base below 2**200, see the margin model.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from interfaces import IBackstop
from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import IMarginModel

from contracts.modules import bits  # bitmaps, accounts
from contracts.modules import fixed_math  # written roundings
from contracts.modules import leg_math  # ends of a price
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

WAD: constant(uint256) = 10**18
PPM: constant(uint256) = 10**6
# Parts of an EMA's ratio to spot in a part per million.
RATIO_PPM: constant(uint256) = 10
LOT: constant(uint256) = 10**12
# Of keeper reserves, and the largest: uint16 of them.
RESERVE_UNIT: constant(uint256) = 10**16
MAX_RESERVE: constant(int256) = 65_535 * 10**16
UNUSABLE: constant(uint256) = 2**16 - 1
# No position is as large, see leg_math.
MAX_SIZE: constant(uint256) = 2**113
LISTED: constant(uint256) = 1
MAX_MARKET_ID: constant(uint256) = 127
MAX_BUCKETS: constant(uint256) = 16


# A bucket as the Clearinghouse folds it: account word, base, and its leg word, 0 where there is none.
struct Holding:
    word: uint256
    base: int256
    leg: uint256


# A bucket at a price: signed size, equity, keeper reserve of its leg (equity is after it), the margin model's plan word
# of the leg, of size 0 where there is none.
struct Standing:
    held: int256
    equity: int256
    reserve: int256
    planned: uint256

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
FREE_ACCOUNT: immutable(uint256)

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

_buckets: HashMap[uint256, uint256]
open_buckets: public(uint256)

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: IClearinghouse, index_oracle: IIndexOracle, margin_model: IMarginModel):
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    FREE_ACCOUNT = bits._first_account(self)


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def bucket_word(market_id: uint256) -> uint256:
    """
    @notice What is stored of a bucket, see words.vy.
    """
    return self._buckets[market_id]


# ---------------------------------------------------------------
#                              TERMS
# ---------------------------------------------------------------


@internal
@view
def _bucket(market_id: uint256) -> words.Bucket:
    """
    @notice A bucket that is open.
    """
    bucket: words.Bucket = words._bucket_fields(self._buckets[market_id])
    assert bucket.initial != 0, "backstop: no bucket"
    return bucket


@internal
def _set(market_id: uint256, capital: uint256, max_notional: uint256, loss_budget: uint256, initial: uint256):
    """
    @notice Open a bucket or change its terms; what was allotted and the clock stay.
    """
    self._check_listed(market_id)
    assert initial != 0 and initial <= PPM, "backstop: initial"
    bucket: words.Bucket = words._bucket_fields(self._buckets[market_id])
    if bucket.initial == 0:
        assert capital != 0, "backstop: no bucket"
        open: uint256 = self.open_buckets | (1 << market_id)  # bits._bit
        assert bits._count(open) <= MAX_BUCKETS, "backstop: 16 buckets"
        self.open_buckets = open
    bucket.capital = capital
    bucket.max_notional = max_notional
    bucket.loss_budget = loss_budget
    bucket.initial = initial
    self._buckets[market_id] = words._bucket(bucket)
    log IBackstop.BucketSet(
        market_id=market_id, capital=capital, max_notional=max_notional, loss_budget=loss_budget, initial=initial
    )


@internal
@view
def _check_listed(market_id: uint256):
    assert market_id != 0 and market_id <= MAX_MARKET_ID, "market: unknown"
    market: uint256[3] = staticcall CLEARINGHOUSE.market_words(market_id)
    assert words._terms_mode(market[2]) & LISTED != 0, "market: unknown"


@internal
@pure
def _floor(bucket: words.Bucket) -> int256:
    """
    @notice The equity at which the loss budget is used up.
    """
    # uint94 and uint34 * 10**18: no overflow.
    budget: int256 = convert(unsafe_mul(bucket.loss_budget, WAD), int256)
    return unsafe_sub(convert(bucket.allotted, int256), budget)


# ---------------------------------------------------------------
#                            STANDING
# ---------------------------------------------------------------


@internal
@view
def _account(market_id: uint256) -> uint256:
    """
    @param market_id below 2**96
    """
    return unsafe_add(FREE_ACCOUNT, market_id)


@internal
@view
def _holding(market_id: uint256) -> Holding:
    """
    @notice What a bucket consists of; only its own market's leg counts.
    """
    holding: Holding = empty(Holding)
    legs: DynArray[uint256, 24] = []
    holding.word, holding.base, legs = staticcall CLEARINGHOUSE.portfolio(self._account(market_id))
    for leg: uint256 in legs:
        if words._leg_id(leg) == market_id:
            holding.leg = leg
    return holding


@internal
@view
def _standing(market_id: uint256, price_word: uint256) -> Standing:
    """
    @notice A bucket at a price, as the margin model sees it.
    """
    holding: Holding = self._holding(market_id)
    standing: Standing = empty(Standing)
    standing.held = words._leg_size(holding.leg)
    maintenance: uint256 = 0
    favourable: int256 = 0
    favourable_maintenance: uint256 = 0
    planned: DynArray[uint256, 16] = []
    standing.equity, maintenance, favourable, favourable_maintenance, planned = staticcall MARGIN_MODEL.plan(
        0, holding.base, [words._leg(market_id, 0, standing.held)], [price_word]
    )
    standing.planned = planned[0]
    # uint16 of cents.
    standing.reserve = convert(unsafe_mul(risk_words._plan_reserve(standing.planned), RESERVE_UNIT), int256)
    if holding.leg == 0:
        # The model counts a reserve for the leg of size 0.
        standing.equity = unsafe_add(standing.equity, standing.reserve)
        standing.reserve = 0
    return standing


@internal
def _refresh(market_id: uint256) -> uint256:
    """
    @notice The price word of an open bucket's market, brought up to date.
    """
    prices: DynArray[uint256, 24] = extcall INDEX_ORACLE.refresh(1 << market_id)  # bits._bit
    return prices[0]


# ---------------------------------------------------------------
#                              ROOM
# ---------------------------------------------------------------


@internal
@view
def _room(market_id: uint256, size: int256, price_word: uint256) -> (int256, int256):
    """
    @notice What of a size the bucket takes, and what it holds; see IBackstop.room.
    """
    word: uint256 = self._buckets[market_id]
    if word == 0:
        return 0, 0
    base: int256 = 0
    held: int256 = 0
    base, held = self._position(market_id)
    left: uint256 = fixed_math._abs(held)
    grown: uint256 = fixed_math._abs(size)
    reduced: uint256 = 0
    if (held > 0 and size < 0) or (held < 0 and size > 0):
        reduced = min(grown, left)
        left = unsafe_sub(left, reduced)
        grown = unsafe_sub(grown, reduced)
    grown = min(grown, MAX_SIZE)
    if grown != 0:
        equity: int256 = self._equity_at(base, held, price_word)
        behind: uint256 = self._behind(price_word, size > 0)
        most: uint256 = self._capacity(market_id, word, equity, unsafe_add(left, grown), price_word, behind, size > 0)
        grown = min(grown, unsafe_sub(max(most, left), left))
    # A position and a capacity are below 2**160.
    taken: int256 = convert(unsafe_add(reduced, grown) // LOT * LOT, int256)
    if size < 0:
        taken = unsafe_sub(0, taken)
    return taken, held


@internal
@view
def _position(market_id: uint256) -> (int256, int256):
    """
    @notice Base and signed size of a bucket.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall CLEARINGHOUSE.portfolio(self._account(market_id))
    for leg: uint256 in legs:
        if words._leg_id(leg) == market_id:
            return base, words._leg_size(leg)
    return base, 0


@internal
@pure
def _equity_at(base: int256, held: int256, price_word: uint256) -> int256:
    """
    @notice Equity of a bucket at spot after the largest keeper reserve that a market may have.
    @dev To ask for its own would cost as much as the margin model does.
    """
    # A position below 2**113, a price below 2**80; a base below 2**200.
    value: int256 = unsafe_mul(held, convert(words._price_price(price_word), int256))
    return unsafe_sub(unsafe_add(base, fixed_math._wad_floor(value)), MAX_RESERVE)


@internal
@view
def _capacity(
    market_id: uint256,
    word: uint256,
    equity: int256,
    wanted: uint256,
    price_word: uint256,
    behind: uint256,
    is_long: bool,
) -> uint256:
    """
    @notice The size that the bucket may have at most if it grows on a side, or at least what is wanted.
    @dev The requirement is no less than the maintenance rate at the largest notional, so a bucket below its maintenance
         margin does not grow, and none gets there by taking. No rate is above 100 %: with equity for that the margin
         model need not be asked.
    @param behind what the side is charged at most of its notional for having won since the EMA, see `_behind`
    """
    bucket: words.Bucket = words._bucket_fields(word)
    price: uint256 = words._price_price(price_word)
    least: int256 = self._floor(bucket)
    if bucket.capital == 0 or equity <= 0 or equity < least:
        return 0
    if price == 0 or words._price_half_width(price_word) == UNUSABLE:
        return 0
    # uint34 * 10**18.
    most: uint256 = unsafe_mul(bucket.max_notional, WAD)
    # Equity and its distance to the floor are below 2**201.
    scaled: uint256 = unsafe_mul(convert(equity, uint256), PPM)
    if behind != 0:
        to_lose: uint256 = unsafe_mul(convert(unsafe_sub(equity, least), uint256), PPM)
        most = min(most, unsafe_div(to_lose, behind))
    allowed: uint256 = min(most, unsafe_div(scaled, self._kept(PPM, behind, is_long)))
    # uint34 * 10**36; what is wanted is below 2**115.
    if unsafe_mul(allowed, WAD) < unsafe_mul(wanted, price):
        largest: uint256 = unsafe_mul(bucket.max_notional, WAD)
        initial: uint256 = 0
        rate: uint256 = 0
        initial, rate = staticcall MARGIN_MODEL.requirement_at(market_id, largest, 0, 0, block.timestamp)
        allowed = min(most, unsafe_div(scaled, self._kept(max(bucket.initial, rate), behind, is_long)))
    return unsafe_div(unsafe_mul(allowed, WAD), price)


@internal
@pure
def _behind(price_word: uint256, is_long: bool) -> uint256:
    """
    @notice How far the EMA is on a side's worse side of spot, parts per million of spot, rounded up.
    """
    ratio: uint256 = words._price_ema_ratio(price_word)
    gap: uint256 = unsafe_sub(max(ratio, leg_math.RATIO), leg_math.RATIO)
    if is_long:
        gap = unsafe_sub(leg_math.RATIO, min(ratio, leg_math.RATIO))
    # A ratio is a uint28.
    return unsafe_div(unsafe_add(gap, unsafe_sub(RATIO_PPM, 1)), RATIO_PPM)


@internal
@pure
def _kept(rate: uint256, behind: uint256, is_long: bool) -> uint256:
    """
    @notice A rate of the notional at the higher of spot and EMA and the way back to the EMA, parts per million of the
            notional at spot, rounded up.
    """
    kept: uint256 = unsafe_add(rate, behind)
    if is_long:
        return kept
    # A rate is at most PPM, the other below 2**25.
    return unsafe_add(kept, unsafe_div(unsafe_add(unsafe_mul(rate, behind), unsafe_sub(PPM, 1)), PPM))


# ---------------------------------------------------------------
#                             CAPITAL
# ---------------------------------------------------------------


@internal
def _allot(market_id: uint256) -> uint256:
    """
    @notice See IBackstop.allot.
    """
    bucket: words.Bucket = self._bucket(market_id)
    standing: Standing = self._standing(market_id, self._refresh(market_id))
    word: uint256 = staticcall CLEARINGHOUSE.account_word(FREE_ACCOUNT)
    free: int256 = words._account_cash(word)
    missing: int256 = convert(unsafe_mul(bucket.capital, WAD), int256) - standing.equity
    if standing.equity < self._floor(bucket) or min(missing, free) <= 0:
        return 0
    amount: uint256 = convert(min(missing, free), uint256)
    bucket.allotted += amount
    self._buckets[market_id] = words._bucket(bucket)
    log IBackstop.Allotted(market_id=market_id, amount=amount, allotted=bucket.allotted)
    extcall CLEARINGHOUSE.transfer(FREE_ACCOUNT, self._account(market_id), amount)
    return amount


@internal
def _release(market_id: uint256) -> uint256:
    """
    @notice See IBackstop.release. Profit leaves first: only what is more lowers what losses are counted from.
    """
    assert market_id != 0 and market_id <= MAX_MARKET_ID, "market: unknown"
    bucket: words.Bucket = words._bucket_fields(self._buckets[market_id])
    holding: Holding = self._holding(market_id)
    price_word: uint256 = 0
    if holding.leg != 0:
        price_word = self._refresh(market_id)
    equity: int256 = 0
    amount: uint256 = 0
    # uint34 * 10**18.
    equity, amount = self._beyond(holding, unsafe_mul(bucket.capital, WAD), 0, price_word)
    if amount != 0:
        bucket.allotted = self._take_back(market_id, bucket.allotted, equity, amount)
    left: int256 = words._account_cash(holding.word) - convert(amount, int256)
    if bucket.capital == 0 and left == 0 and words._account_bitmap(holding.word) == 0:
        bucket = empty(words.Bucket)
        self.open_buckets = self.open_buckets & ~(1 << market_id)  # bits._bit
    self._buckets[market_id] = words._bucket(bucket)
    return amount


@internal
def _take_back(market_id: uint256, allotted: uint256, equity: int256, amount: uint256) -> uint256:
    """
    @notice Move cash of a bucket to what is not allotted; profit leaves first.
    @return What losses are counted from now.
    """
    profit: uint256 = convert(max(0, equity - convert(allotted, int256)), uint256)
    drawn: uint256 = amount - min(amount, profit)
    left: uint256 = allotted - min(allotted, drawn)
    log IBackstop.Released(market_id=market_id, amount=amount, allotted=left)
    extcall CLEARINGHOUSE.transfer(self._account(market_id), FREE_ACCOUNT, amount)
    return left


@internal
def _gather(wanted: uint256):
    """
    @notice Have so much cash not allotted, from buckets by market as far as their margin allows; see IBackstop.withdraw.
    """
    free: uint256 = self._free()
    missing: uint256 = wanted - min(wanted, free)
    rest: uint256 = self.open_buckets
    prices: DynArray[uint256, 24] = extcall INDEX_ORACLE.refresh(rest)
    for price_word: uint256 in prices:
        market_id: uint256 = bits._lowest(rest)
        rest = bits._without_lowest(rest)
        bucket: words.Bucket = words._bucket_fields(self._buckets[market_id])
        holding: Holding = self._holding(market_id)
        equity: int256 = 0
        beyond: uint256 = 0
        equity, beyond = self._beyond(holding, 0, bucket.initial, price_word)
        # What it owes may fall to all holders: nobody leaves before that is known.
        assert equity >= 0, "backstop: below zero"
        amount: uint256 = min(missing, beyond)
        if amount != 0:
            missing = unsafe_sub(missing, amount)
            bucket.allotted = self._take_back(market_id, bucket.allotted, equity, amount)
            self._buckets[market_id] = words._bucket(bucket)


@internal
@view
def _exit_room() -> uint256:
    """
    @notice What `_gather` can have not allotted; 0 while a bucket is below zero.
    """
    room: uint256 = self._free()
    rest: uint256 = self.open_buckets
    prices: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(rest)
    for price_word: uint256 in prices:
        market_id: uint256 = bits._lowest(rest)
        rest = bits._without_lowest(rest)
        bucket: words.Bucket = words._bucket_fields(self._buckets[market_id])
        holding: Holding = self._holding(market_id)
        equity: int256 = 0
        beyond: uint256 = 0
        equity, beyond = self._beyond(holding, 0, bucket.initial, price_word)
        if equity < 0:
            return 0
        room += beyond
    return room


@internal
@view
def _free() -> uint256:
    """
    @notice Cash that is not allotted.
    """
    word: uint256 = staticcall CLEARINGHOUSE.account_word(FREE_ACCOUNT)
    return convert(max(0, words._account_cash(word)), uint256)


@internal
@view
def _beyond(holding: Holding, least: uint256, rate: uint256, price_word: uint256) -> (int256, uint256):
    """
    @notice A bucket's equity, and the cash that it has, without unrealised profit, beyond its initial margin, a rate of its
            notional, and a least amount.
    """
    cash: int256 = words._account_cash(holding.word)
    equity: int256 = holding.base
    settled: int256 = holding.base
    kept: uint256 = least
    if holding.leg != 0:
        adverse: int256 = 0
        initial: uint256 = 0
        maintenance: uint256 = 0
        equity, adverse, settled, initial, maintenance = staticcall MARGIN_MODEL.assess(
            holding.word, holding.base, [holding.leg], [price_word]
        )
        size: uint256 = fixed_math._abs(words._leg_size(holding.leg))
        # Below 2**113 times below 2**80; a rate is at most PPM.
        notional: uint256 = unsafe_div(unsafe_mul(size, words._price_price(price_word)), WAD)
        kept = max(kept, max(initial, unsafe_div(unsafe_mul(notional, rate), PPM)))
    available: uint256 = convert(max(0, settled), uint256)
    beyond: uint256 = unsafe_sub(max(available, kept), kept)
    return equity, min(beyond, convert(max(0, cash), uint256))


# ---------------------------------------------------------------
#                              WORTH
# ---------------------------------------------------------------


@internal
@view
def _nav() -> (uint256, uint256):
    """
    @notice All there is at adverse and at favourable ends; see IBackstop.nav.
    """
    adverse: uint256 = self._free()
    favourable: uint256 = adverse
    prices: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(self.open_buckets)
    rest: uint256 = self.open_buckets
    for price_word: uint256 in prices:
        standing: Standing = self._standing(bits._lowest(rest), price_word)
        rest = bits._without_lowest(rest)
        worst: int256 = 0
        best: int256 = 0
        worst, best = self._ends(standing.held, price_word)
        adverse += convert(max(0, standing.equity + worst), uint256)
        favourable += convert(max(0, standing.equity + standing.reserve + best), uint256)
    return adverse, favourable


@internal
@pure
def _ends(size: int256, price_word: uint256) -> (int256, int256):
    """
    @notice What a size is worth more than at spot at its adverse and at its favourable end.
    """
    low: int256 = convert(leg_math._low_price(price_word), int256)
    high: int256 = convert(leg_math._adverse_price(price_word), int256)
    # Below 2**113 times below 2**86.
    value: int256 = fixed_math._wad_floor(unsafe_mul(size, convert(words._price_price(price_word), int256)))
    at_low: int256 = unsafe_mul(size, low)
    at_high: int256 = unsafe_mul(size, high)
    worst: int256 = fixed_math._wad_floor(min(at_low, at_high))
    best: int256 = fixed_math._wad_ceil(max(at_low, at_high))
    return unsafe_sub(worst, value), unsafe_sub(best, value)
