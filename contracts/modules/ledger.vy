# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Ledger
@notice Accounts, positions, markets and their sides: one funding index, per side and epoch a scale and a
        charge per share. Part of the Clearinghouse; `seawall/spec/ledger.py` is the same in Python.
@dev size = shares * scale, value at price P = size * (P - funding) - shares * charge + quote.
     Money, prices and funding are WAD, sizes and shares WAD units, scale and charge RAY. Every division rounds
     towards minus infinity for the account, so that claims never exceed assets.
     Bounds behind the unchecked sums: the size and money of a change, cash, shares and quotes are int112
     (`_change` is given no other, the words hold no other), a side's shares are uint128, so no sum of a few of
     them comes near 2**255. Products are checked, or formed in `fixed_math`.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IClearinghouse

from contracts.modules import bits  # bitmaps, floats
from contracts.modules import fixed_math  # written roundings
from contracts.modules import reasons  # short reverts
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

RAY: constant(int256) = 10**27
# A side whose scale falls below this starts a new epoch.
REBASE_SCALE: constant(int256) = 10**23
# A rebase divides shares by 10**4 at least, so an int112 is used up after nine epochs.
MAX_EPOCH_STEPS: constant(uint256) = 10
MAX_MARKETS: constant(uint256) = 16
LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2


# One side of a market in its present epoch; shares are absolute.
struct Side:
    shares: int256
    scale: int256
    charge: int256
    epoch: uint256


# A market while a transaction works on it. `touched` is the sum of the touched sides' numbers (1 long, 2 short).
struct Market:
    funding: int256
    rate: int256
    touched: uint256
    sides: Side[3]


# What one change did to an account: absolute sizes carry the sign of the position.
struct Applied:
    before: int256
    after: int256
    book: int256


# A position and the change that is being applied to it.
struct Work:
    shares: int256
    quote: int256
    cash: int256
    size: int256
    money: int256


# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_accounts: HashMap[uint256, uint256]
_positions: HashMap[uint256, uint256[128]]
_markets: uint256[128]
_shares: uint256[128]
_terms: uint256[128]
# market -> side -> epoch -> side word; the present epoch's once touched, ended epochs' for ever.
_sides: HashMap[uint256, HashMap[uint256, HashMap[uint256, uint256]]]

# ---------------------------------------------------------------
#                            MARKETS
# ---------------------------------------------------------------


@internal
@view
def _load_market(market_id: uint256) -> Market:
    """
    @notice The market with funding accrued to now.
    """
    word: uint256 = self._markets[market_id]
    shares: uint256 = self._shares[market_id]
    market: Market = empty(Market)
    market.rate = words._market_rate(word)
    market.funding = words._market_funding_at(word, block.timestamp)
    for side: uint256 in [LONG, SHORT]:
        now: Side = Side(
            shares=convert(words._shares_of(shares, side), int256), scale=RAY, charge=0, epoch=words._market_epoch(word, side)
        )
        if words._market_touched(word, side):
            rates: uint256 = self._sides[market_id][side][now.epoch]
            market.touched += side
            now.scale = convert(words._side_scale(rates), int256)
            now.charge = words._side_charge(rates)
        market.sides[side] = now
    return market


@internal
def _store_market(market_id: uint256, market: Market):
    """
    @notice Write a market back, with its open interest: the larger side rounded up to a float30.
    """
    long: Side = market.sides[LONG]
    short: Side = market.sides[SHORT]
    open_interest: uint256 = bits._float30_up(convert(self._open_interest(market), uint256))
    tail: uint256 = words._market_tail(open_interest, market.touched, long.epoch, short.epoch)
    self._markets[market_id] = words._market(market.funding, block.timestamp, market.rate, tail)
    self._shares[market_id] = words._shares(convert(long.shares, uint256), convert(short.shares, uint256))


@internal
@pure
def _open_interest(market: Market) -> int256:
    """
    @notice Size of the larger side.
    """
    long: int256 = self._size_down(market.sides[LONG].shares, market.sides[LONG].scale)
    short: int256 = self._size_down(market.sides[SHORT].shares, market.sides[SHORT].scale)
    return max(long, short)


@internal
@pure
def _size_down(shares: int256, scale: int256) -> int256:
    """
    @notice Size of shares that are not negative, rounded down.
    """
    if scale == RAY:
        return shares
    return fixed_math._mul_ray_floor(shares, scale)


@internal
@pure
def _side_of(size: int256) -> uint256:
    return LONG if size > 0 else SHORT


# ---------------------------------------------------------------
#                           POSITIONS
# ---------------------------------------------------------------


@internal
def _add_cash(account: uint256, amount: int256):
    """
    @notice Credit or debit cash.
    """
    word: uint256 = self._accounts[account]
    cash: int256 = words._account_cash(word)
    self._accounts[account] = words._account_with_cash(word, cash + amount)


@internal
@view
def _carry(market_id: uint256, position: uint256, side: uint256, epoch_now: uint256) -> (int256, int256):
    """
    @notice Shares and quote of a position, carried through ended epochs into the present one.
    @dev Shares round down in magnitude; a short gives one wei of quote per carry, so that no side gains.
    """
    shares: int256 = words._position_shares(position)
    quote: int256 = words._position_quote(position)
    epoch: uint256 = words._position_epoch(position)
    for i: uint256 in range(MAX_EPOCH_STEPS):
        if shares == 0 or epoch == epoch_now:
            break
        rates: uint256 = self._sides[market_id][side][epoch]
        scale: int256 = convert(words._side_scale(rates), int256)
        quote -= fixed_math._mul_ray_ceil(shares, words._side_charge(rates))
        shares = fixed_math._mul_ray_floor(fixed_math._magnitude(shares), scale)
        if side == SHORT:
            quote = unsafe_sub(quote, 1)
            shares = unsafe_sub(0, shares)
        epoch = unsafe_add(epoch, 1)
    return shares, quote


@internal
@view
def _present(account: uint256, market_id: uint256, market: Market) -> (int256, int256):
    """
    @notice Shares and quote of an account's position in the present epoch of its side.
    """
    position: uint256 = self._positions[account][market_id]
    side: uint256 = self._side_of(words._position_shares(position))
    epoch: uint256 = market.sides[side].epoch
    return self._carry(market_id, position, side, epoch)


@internal
def _change(
    market: Market, market_id: uint256, account: uint256, size: int256, money: int256, fee: uint256
) -> (Market, Applied):
    """
    @notice Apply one party's change: what reduces is realised into cash, the rest opens.
    """
    state: Market = market
    work: Work = Work(shares=0, quote=0, cash=0, size=size, money=money)
    start: int256 = 0
    work.shares, start = self._present(account, market_id, state)
    before: int256 = self._signed_size(work.shares, state)
    if work.shares == 0:
        # A leg that ended epochs have used up is money: it must not vanish with its position.
        work.cash = start
    else:
        work.quote = start
    if size == 0:
        work.cash = unsafe_add(work.cash, money)
    elif work.shares != 0 and (work.shares > 0) != (size > 0):
        which: uint256 = self._side_of(work.shares)
        state.sides[which], work = self._reduce(state.sides[which], state.funding, work)
    if work.size != 0:
        which: uint256 = self._side_of(size)
        state.sides[which], work = self._open(state.sides[which], state.funding, work)
    after: int256 = self._store_position(account, market_id, state, work, fee)
    moved: int256 = unsafe_add(work.cash, work.quote)
    return state, Applied(before=before, after=after, book=unsafe_sub(moved, start))


@internal
@pure
def _signed_size(shares: int256, market: Market) -> int256:
    """
    @notice Size of a position: magnitude rounded down, sign of the shares.
    """
    size: int256 = self._size_down(fixed_math._magnitude(shares), market.sides[self._side_of(shares)].scale)
    return size if shares > 0 else unsafe_sub(0, size)


@internal
@pure
def _reduce(side: Side, funding: int256, work: Work) -> (Side, Work):
    """
    @notice Close what the change closes: its fraction of quote and its money become cash.
    @dev Removed shares round up, all of them when the size closes. A flip splits the money by size, rounded
         down for the part that closes.
    """
    held: int256 = fixed_math._magnitude(work.shares)
    shares: int256 = held
    size: int256 = fixed_math._magnitude(work.size)
    money: int256 = work.money
    if size < self._size_down(held, side.scale):
        shares = min(held, fixed_math._mul_div_ceil(size, RAY, side.scale))
    else:
        whole: int256 = fixed_math._mul_ray_ceil(held, side.scale)
        if size > whole:
            money = fixed_math._mul_div_floor(money, whole, size)
            size = whole
    portion: int256 = fixed_math._mul_div_floor(work.quote, shares, held)
    after: Side = side
    after.shares = unsafe_sub(side.shares, shares)
    if work.size < 0:
        shares = unsafe_sub(0, shares)
        size = unsafe_sub(0, size)
    settled: int256 = self._settled(money, size, shares, side.charge, funding)
    return after, Work(
        shares=unsafe_add(work.shares, shares),
        quote=unsafe_sub(work.quote, portion),
        cash=unsafe_add(portion, settled),
        size=unsafe_sub(work.size, size),
        money=unsafe_sub(work.money, money),
    )


@internal
@pure
def _open(side: Side, funding: int256, work: Work) -> (Side, Work):
    """
    @notice Add size; shares round down, the value at the paid price is unchanged.
    """
    shares: int256 = fixed_math._mul_div_floor(fixed_math._magnitude(work.size), RAY, side.scale)
    after: Side = side
    after.shares = unsafe_add(side.shares, shares)
    if work.size < 0:
        shares = unsafe_sub(0, shares)
    settled: int256 = self._settled(work.money, work.size, shares, side.charge, funding)
    opened: Work = work
    opened.quote = unsafe_add(work.quote, settled)
    opened.shares = unsafe_add(work.shares, shares)
    return after, opened


@internal
@pure
def _settled(money: int256, size: int256, shares: int256, charge: int256, funding: int256) -> int256:
    """
    @notice Money as the ledger books it: what was paid, plus the funding and charge carried inside.
    """
    total: int256 = money
    if funding != 0:
        total += fixed_math._mul_wad_floor(size, funding)
    if charge != 0:
        total += fixed_math._mul_ray_floor(shares, charge)
    return total


@internal
def _store_position(account: uint256, market_id: uint256, market: Market, work: Work, fee: uint256) -> int256:
    """
    @notice Write a position with its account's cash and bitmap; returns its size.
    """
    word: uint256 = self._accounts[account]
    bit: uint256 = 1 << market_id  # bits._bit
    if work.shares == 0:
        if word & bit != 0:  # bits._has
            self._positions[account][market_id] = 0
            word = word ^ bit  # bits._bit, known to be set
    else:
        side: uint256 = self._side_of(work.shares)
        epoch: uint256 = market.sides[side].epoch
        self._positions[account][market_id] = words._position(work.shares, work.quote, epoch)
        if word & bit == 0:  # bits._has
            word = word | bit  # bits._bit
            markets: uint256 = words._account_markets(word)
            if bits._count(markets) > MAX_MARKETS:
                reasons._fail(reasons.ACCOUNT_16_MARKETS)
    change: int256 = unsafe_sub(work.cash, convert(fee, int256))
    cash: int256 = unsafe_add(words._account_cash(word), change)
    self._accounts[account] = words._account_with_cash(word, cash)
    size: int256 = self._signed_size(work.shares, market)
    log IClearinghouse.PositionChanged(
        account=account, market_id=market_id, size=size, quote=work.quote, realised=work.cash, fee=fee
    )
    return size


@internal
def _settle(account: uint256, market_id: uint256):
    """
    @notice Store a position as the present epoch sees it; quote becomes cash when no shares are left.
    """
    market: Market = self._load_market(market_id)
    work: Work = empty(Work)
    work.shares, work.quote = self._present(account, market_id, market)
    if work.shares == 0:
        work.cash = work.quote
        work.quote = 0
    self._store_position(account, market_id, market, work, 0)


# ---------------------------------------------------------------
#                             SIDES
# ---------------------------------------------------------------


@internal
def _change_side(market: Market, market_id: uint256, which: uint256, size: int256, money: int256) -> (Market, int256):
    """
    @notice Close `size` of a whole side for `money`, pro rata, or only charge it: O(1).
    @dev With t = money + size * funding, a long's charge per share rises by -t / shares, a short's by t / shares;
         the scale falls by the closed fraction. Returns the change of the sum of cash and quotes, nonzero only
         when the epoch ends: then positions will be carried at the side's final scale and charge.
    """
    state: Market = market
    side: Side = state.sides[which]
    # The engine clamps to the side before it calls; anything else is a corrupt request.
    assert side.shares != 0
    assert size == 0 or (size < 0) == (which == LONG)
    shares: int256 = side.shares
    total: int256 = money + fixed_math._mul_wad_floor(size, state.funding)
    per_share: int256 = fixed_math._mul_div_floor(total, RAY, shares)
    if which == LONG:
        per_share = unsafe_sub(0, per_share)
        shares = unsafe_sub(0, shares)
    # int160 plus a quotient of checked products; the word refuses what does not fit.
    side.charge = unsafe_add(side.charge, per_share)
    closing: int256 = fixed_math._magnitude(size)
    whole: int256 = self._size_down(side.shares, side.scale)
    assert closing <= whole
    if closing != 0 and closing == whole:
        side.scale = 0
    else:
        side.scale -= fixed_math._mul_div_ceil(closing, RAY, side.shares)
    self._sides[market_id][which][side.epoch] = words._side(convert(side.scale, uint256), side.charge)
    log IClearinghouse.SideChanged(
        market_id=market_id,
        side=which,
        epoch=side.epoch,
        scale=convert(side.scale, uint256),
        charge=side.charge,
        shares=convert(side.shares, uint256),
    )
    state.touched = state.touched | which  # words._market_tail's sum of sides
    book: int256 = 0
    if side.scale < REBASE_SCALE:
        book = fixed_math._mul_ray_ceil(shares, side.charge)
        side.shares = self._size_down(side.shares, side.scale)
        side.scale = RAY
        side.charge = 0
        side.epoch = unsafe_add(side.epoch, 1)
        state.touched = state.touched ^ which  # words._market_tail's sum of sides
    state.sides[which] = side
    return state, book


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@internal
@view
def _market_legs(account: uint256, word: uint256) -> (int256, DynArray[uint256, 24]):
    """
    @notice base = cash + sum(quote - shares * charge - size * funding), and one leg word per market.
    @dev Sizes round towards minus infinity.
    """
    base: int256 = words._account_cash(word)
    legs: DynArray[uint256, 24] = []
    bitmap: uint256 = words._account_markets(word)
    for i: uint256 in range(MAX_MARKETS):
        if bitmap == 0:
            break
        market_id: uint256 = bits._lowest(bitmap)
        bitmap = bitmap & unsafe_sub(bitmap, 1)  # bits._without_lowest
        market: uint256 = self._markets[market_id]
        position: uint256 = self._positions[account][market_id]
        shares: int256 = words._position_shares(position)
        quote: int256 = words._position_quote(position)
        side: uint256 = self._side_of(shares)
        epoch: uint256 = words._market_epoch(market, side)
        if words._position_epoch(position) != epoch:
            shares, quote = self._carry(market_id, position, side, epoch)
        size: int256 = shares
        if words._market_touched(market, side):
            rates: uint256 = self._sides[market_id][side][epoch]
            size = fixed_math._mul_ray_floor(shares, convert(words._side_scale(rates), int256))
            quote -= fixed_math._mul_ray_ceil(shares, words._side_charge(rates))
        funding: int256 = words._market_funding_at(market, block.timestamp)
        base = unsafe_add(base, unsafe_sub(quote, fixed_math._mul_wad_ceil(size, funding)))
        open_interest: uint256 = bits._float30_value(words._market_open_interest(market))
        legs.append(words._leg(market_id, open_interest, size))
    return base, legs
