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
# words._side of scale 1 and charge 0.
FRESH_SIDE: constant(uint256) = 10**27 * 2**160
# A side whose scale falls below this starts a new epoch.
REBASE_SCALE: constant(int256) = 10**23
# A rebase divides shares by 10**4 at least, so an int112 is used up after nine epochs.
MAX_EPOCH_STEPS: constant(uint256) = 10
# Rounding lets the sides of a market part; a side that closes for more, but by less (a tenth of a lot), closes whole.
MAX_DRIFT: constant(int256) = 10**11
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


# What a change closes of a position, signed as the change is; cash is what it realises.
struct Closed:
    shares: int256
    size: int256
    money: int256
    portion: int256
    cash: int256


# What one change did: sizes before and after carry the sign of the position; `added` are shares of the side that
# the change's size is on, `removed` of the other.
struct Applied:
    before: int256
    after: int256
    added: int256
    removed: int256
    book: int256


# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_accounts: HashMap[uint256, uint256]
_positions: HashMap[uint256, uint256[128]]
_markets: uint256[128]
_shares: uint256[128]
_terms: uint256[128]
# market -> side -> epoch -> side word; the first epoch's from the listing, the present one's once touched, ended epochs'
# for ever.
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
    market.funding = words._market_funding_at(word, block.timestamp)
    market.rate = words._market_rate(word)
    # words._shares_of, words._market_epoch
    market.sides[LONG] = Side(shares=convert(shares >> 128, int256), scale=RAY, charge=0, epoch=(word >> 16) & words.U16)
    market.sides[SHORT] = Side(shares=convert(shares & words.U128, int256), scale=RAY, charge=0, epoch=word & words.U16)
    # words._market_touched
    market.touched = (word >> 32) & 3
    if market.touched != 0:
        for side: uint256 in [LONG, SHORT]:
            if market.touched & side != 0:  # words._market_touched
                rates: uint256 = self._sides[market_id][side][market.sides[side].epoch]
                market.sides[side].scale = convert(words._side_scale(rates), int256)
                market.sides[side].charge = words._side_charge(rates)
    return market


@internal
def _list(market_id: uint256, terms: uint256):
    """
    @notice Keep a market's terms. With its first its sides are written, too, as they are: no liquidation ever pays for a
            new slot.
    """
    if self._terms[market_id] == 0:
        for side: uint256 in range(LONG, SHORT + 1):
            self._sides[market_id][side][0] = FRESH_SIDE
    self._terms[market_id] = terms


@internal
def _store_market(market_id: uint256, market: Market, open_interest: uint256):
    """
    @notice Write a market back.
    @param open_interest of its sides; rounded up to a float30
    """
    float: uint256 = bits._float30_up(open_interest)
    tail: uint256 = words._market_tail(float, market.touched, market.sides[LONG].epoch, market.sides[SHORT].epoch)
    self._markets[market_id] = words._market(market.funding, block.timestamp, market.rate, tail)
    long: uint256 = convert(market.sides[LONG].shares, uint256)
    short: uint256 = convert(market.sides[SHORT].shares, uint256)
    self._shares[market_id] = words._shares(long, short)


@internal
@pure
def _open_interest(market: Market) -> uint256:
    """
    @notice Size of the larger side.
    """
    long: int256 = self._size_down(market.sides[LONG].shares, market.sides[LONG].scale)
    short: int256 = self._size_down(market.sides[SHORT].shares, market.sides[SHORT].scale)
    return convert(max(long, short), uint256)


@internal
@pure
def _size_down(shares: int256, scale: int256) -> int256:
    """
    @notice Size of shares, rounded down in magnitude, with their sign.
    """
    if scale == RAY:
        return shares
    size: int256 = fixed_math._mul_ray_floor(fixed_math._magnitude(shares), scale)
    return size if shares > 0 else unsafe_sub(0, size)


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
def _present(account: uint256, market_id: uint256, market: Market) -> (uint256, int256, int256):
    """
    @notice Side, shares and quote of an account's position in the present epoch of its side.
    """
    position: uint256 = self._positions[account][market_id]
    shares: int256 = convert(convert(position, bytes32), int256) >> 144  # words._position_shares
    quote: int256 = convert(convert(position << 112, bytes32), int256) >> 144  # words._position_quote
    side: uint256 = LONG if shares > 0 else SHORT
    epoch: uint256 = market.sides[side].epoch
    # words._position_epoch
    if position & words.U32 != epoch:
        shares, quote = self._carry(market_id, position, side, epoch)
    return side, shares, quote


@internal
def _change(
    market: Market, market_id: uint256, account: uint256, size: int256, money: int256, fee: uint256
) -> Applied:
    """
    @notice Apply one party's change: what reduces is realised into cash, the rest opens.
    """
    side: uint256 = 0
    shares: int256 = 0
    quote: int256 = 0
    side, shares, quote = self._present(account, market_id, market)
    done: Applied = empty(Applied)
    done.before = self._size_down(shares, market.sides[side].scale)
    # What cash and quote were; the change of their sum is the change of the book.
    done.book = unsafe_sub(0, quote)
    cash: int256 = 0
    rest: int256 = size
    rest_money: int256 = money
    if shares == 0:
        # A leg that ended epochs have used up is money: it must not vanish with its position.
        cash = quote
        quote = 0
    if size == 0:
        cash = unsafe_add(cash, money)
    elif shares != 0 and (shares > 0) != (size > 0):
        closed: Closed = self._close(market.sides[side], market.funding, shares, quote, size, money)
        done.removed = fixed_math._magnitude(closed.shares)
        shares = unsafe_add(shares, closed.shares)
        quote = unsafe_sub(quote, closed.portion)
        cash = closed.cash
        rest = unsafe_sub(size, closed.size)
        rest_money = unsafe_sub(money, closed.money)
    if rest != 0:
        side = LONG if size > 0 else SHORT
        scale: int256 = market.sides[side].scale
        opened: int256 = rest
        # Shares round down in magnitude; the value at the paid price is unchanged.
        if scale != RAY:
            opened = fixed_math._mul_div_floor(fixed_math._magnitude(rest), RAY, scale)
            if size < 0:
                opened = unsafe_sub(0, opened)
        done.added = fixed_math._magnitude(opened)
        settled: int256 = self._settled(rest_money, rest, opened, market.sides[side].charge, market.funding)
        quote = unsafe_add(quote, settled)
        shares = unsafe_add(shares, opened)
    done.after = self._size_down(shares, market.sides[side].scale)
    # What opens is kept even so: the margin rule must not take it for the close of something.
    if shares != 0 and done.after == 0 and (size == 0 or done.before != 0):
        # A leg without size would stand for ever: nothing of it can be closed. Its charge is paid, its shares go.
        # Fewer than 10**4 shares at an int160 of 10**27: no overflow.
        charge: int256 = fixed_math._mul_ray_ceil(shares, market.sides[side].charge)
        cash = unsafe_add(cash, unsafe_sub(quote, charge))
        quote = 0
        dust: int256 = fixed_math._magnitude(shares)
        if (shares > 0) == (size > 0):
            done.added = unsafe_sub(done.added, dust)
        else:
            done.removed = unsafe_add(done.removed, dust)
        shares = 0
    done.book = unsafe_add(done.book, unsafe_add(cash, quote))
    self._store_position(account, market_id, market.sides[side].epoch, shares, quote, cash, fee, done.after)
    return done


@internal
@pure
def _close(side: Side, funding: int256, shares: int256, quote: int256, size: int256, money: int256) -> Closed:
    """
    @notice What a change against a position closes of it: its fraction of quote and its money become cash.
    @dev Removed shares round up, all of them when the size closes. A flip splits the money by size, rounded
         down for the part that closes.
    """
    held: int256 = fixed_math._magnitude(shares)
    removed: int256 = held
    closing: int256 = fixed_math._magnitude(size)
    closing_money: int256 = money
    portion: int256 = quote
    if closing < self._size_down(held, side.scale):
        removed = closing
        if side.scale != RAY:
            removed = min(held, fixed_math._mul_div_ceil(closing, RAY, side.scale))
        portion = fixed_math._mul_div_floor(quote, removed, held)
    else:
        whole: int256 = fixed_math._mul_ray_ceil(held, side.scale)
        if closing > whole:
            closing_money = fixed_math._mul_div_floor(money, whole, closing)
            closing = whole
    if size < 0:
        removed = unsafe_sub(0, removed)
        closing = unsafe_sub(0, closing)
    settled: int256 = self._settled(closing_money, closing, removed, side.charge, funding)
    return Closed(
        shares=removed, size=closing, money=closing_money, portion=portion, cash=unsafe_add(portion, settled)
    )


@internal
@pure
def _settled(money: int256, size: int256, shares: int256, charge: int256, funding: int256) -> int256:
    """
    @notice Money as the ledger books it: what was paid, plus the funding and charge carried inside.
    """
    total: int256 = money
    if funding != 0:
        # int112 * int97.
        total = unsafe_add(total, fixed_math._wad_floor(unsafe_mul(size, funding)))
    if charge != 0:
        total += fixed_math._mul_ray_floor(shares, charge)
    return total


@internal
def _store_position(
    account: uint256,
    market_id: uint256,
    epoch: uint256,
    shares: int256,
    quote: int256,
    realised: int256,
    fee: uint256,
    size: int256,
):
    """
    @notice Write a position with its account's cash and bitmap.
    @param epoch of the side that the shares are on
    @param size what the shares are worth in size
    """
    word: uint256 = self._accounts[account]
    bit: uint256 = 1 << market_id  # bits._bit
    if shares == 0:
        if word & bit != 0:  # bits._has
            self._positions[account][market_id] = 0
            word = word ^ bit  # bits._bit, known to be set
    else:
        self._positions[account][market_id] = words._position(shares, quote, epoch)
        if word & bit == 0:  # bits._has
            word = word | bit  # bits._bit
            markets: uint256 = words._account_markets(word)
            if bits._count(markets) > MAX_MARKETS:
                reasons._fail(reasons.ACCOUNT_16_MARKETS)
    change: int256 = unsafe_sub(realised, convert(fee, int256))
    cash: int256 = convert(convert(word, bytes32), int256) >> 144  # words._account_cash
    self._accounts[account] = words._account_with_cash(word, unsafe_add(cash, change))
    log IClearinghouse.PositionChanged(
        account=account, market_id=market_id, size=size, quote=quote, realised=realised, fee=fee
    )

@internal
def _settle(account: uint256, market_id: uint256):
    """
    @notice Store a position as the present epoch sees it; quote becomes cash when no shares are left.
    """
    market: Market = self._load_market(market_id)
    side: uint256 = 0
    shares: int256 = 0
    quote: int256 = 0
    side, shares, quote = self._present(account, market_id, market)
    cash: int256 = 0
    if shares == 0:
        cash = quote
        quote = 0
    size: int256 = self._size_down(shares, market.sides[side].scale)
    self._store_position(account, market_id, market.sides[side].epoch, shares, quote, cash, 0, size)


# ---------------------------------------------------------------
#                             SIDES
# ---------------------------------------------------------------


@internal
def _change_side(market: Market, market_id: uint256, which: uint256, size: int256, money: int256) -> (Market, int256):
    """
    @notice Close `size` of a whole side for `money`, pro rata, or only charge it: O(1).
    @dev With t = money + size * funding, a long's charge per share rises by -t / shares, a short's by t / shares;
         the scale falls by the closed fraction. A size beyond the side by no more than MAX_DRIFT closes all of it.
         Returns the change of the sum of cash and quotes, nonzero only
         when the epoch ends: then positions will be carried at the side's final scale and charge.
    """
    state: Market = market
    side: Side = state.sides[which]
    closing: int256 = fixed_math._magnitude(size)
    whole: int256 = self._size_down(side.shares, side.scale)
    # The engine clamps to the side before it calls; anything else is a corrupt request.
    assert size == 0 or (size < 0) == (which == LONG)
    assert closing <= unsafe_add(whole, MAX_DRIFT)
    if side.shares == 0:
        # Nobody is left to pay: only what the sides have parted by may close here.
        assert money == 0
        return state, 0
    shares: int256 = side.shares
    total: int256 = money + fixed_math._wad_floor(size * state.funding)
    per_share: int256 = fixed_math._mul_div_floor(total, RAY, shares)
    if which == LONG:
        per_share = unsafe_sub(0, per_share)
        shares = unsafe_sub(0, shares)
    # int160 plus a quotient of checked products; the word refuses what does not fit.
    side.charge = unsafe_add(side.charge, per_share)
    if closing != 0 and closing >= whole:
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


@external
@view
def account_word(account: uint256) -> uint256:
    """
    @notice The account word, see words.vy.
    """
    return self._accounts[account]


@external
@view
def position_word(account: uint256, market_id: uint256) -> uint256:
    """
    @notice The position word as stored, see words.vy.
    """
    return self._positions[account][market_id]


@external
@view
def market_words(market_id: uint256) -> uint256[3]:
    """
    @notice The market, shares and terms words as stored, see words.vy.
    """
    return [self._markets[market_id], self._shares[market_id], self._terms[market_id]]


@external
@view
def side_word(market_id: uint256, side: uint256, epoch: uint256) -> uint256:
    """
    @notice Scale and charge of a side (1 long, 2 short) in an epoch; 0 where never touched but for the first.
    """
    return self._sides[market_id][side][epoch]


@internal
@view
def _market_legs(account: uint256, word: uint256) -> (int256, DynArray[uint256, 24]):
    """
    @notice base = cash + sum(quote - shares * charge - size * funding), and one leg word per market.
    @dev Sizes round towards minus infinity, the sum of funding up, once.
    """
    base: int256 = words._account_cash(word)
    # Sum of size * funding: 16 times int112 * int97.
    carried: int256 = 0
    legs: DynArray[uint256, 24] = []
    bitmap: uint256 = words._account_markets(word)
    next_id: uint256 = 0
    for i: uint256 in range(MAX_MARKETS):
        if bitmap == 0:
            break
        gap: uint256 = bits._lowest(bitmap)
        bitmap = (bitmap >> gap) >> 1  # bits._without_lowest, past that bit
        market_id: uint256 = unsafe_add(next_id, gap)
        next_id = unsafe_add(market_id, 1)
        market: uint256 = self._markets[market_id]
        position: uint256 = self._positions[account][market_id]
        shares: int256 = convert(convert(position, bytes32), int256) >> 144  # words._position_shares
        quote: int256 = convert(convert(position << 112, bytes32), int256) >> 144  # words._position_quote
        side: uint256 = LONG if shares > 0 else SHORT
        epoch: uint256 = (market >> (unsafe_sub(2, side) << 4)) & words.U16  # words._market_epoch
        if position & words.U32 != epoch:  # words._position_epoch
            shares, quote = self._carry(market_id, position, side, epoch)
        size: int256 = shares
        if (market >> unsafe_add(31, side)) & 1 == 1:  # words._market_touched
            rates: uint256 = self._sides[market_id][side][epoch]
            size = fixed_math._mul_ray_floor(shares, convert(words._side_scale(rates), int256))
            quote -= fixed_math._mul_ray_ceil(shares, words._side_charge(rates))
        base = unsafe_add(base, quote)
        # words._market_funding_at; no market was accrued in the future
        elapsed: uint256 = unsafe_sub(block.timestamp, (market >> 128) & words.U32)  # words._market_accrued_at
        rate: int256 = convert(convert(market << 128, bytes32), int256) >> 192  # words._market_rate
        accrual: int256 = unsafe_mul(rate, convert(elapsed, int256))
        funding: int256 = unsafe_add(convert(convert(market, bytes32), int256) >> 160, accrual)  # words._market_funding
        carried = unsafe_add(carried, unsafe_mul(size, funding))
        # words._market_open_interest, bits._float30_value
        open_interest: uint256 = ((market >> 41) & (2**23 - 1)) << ((market >> 34) & 127)
        assert open_interest <= words.U104
        # words._leg of an id below 128 and the size of shares that are int112
        size_field: uint256 = convert(convert(size, bytes32), uint256) & words.U144
        legs.append((market_id << 248) | (open_interest << 144) | size_field)  # words._leg
    return unsafe_sub(base, fixed_math._wad_ceil(carried)), legs
