# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title What-if lens
@notice The health of an account after trades, payments and prices that did not happen; `seawall/spec/lens.py` finds the
        same by doing it.
@dev The ledger's own functions say what a close realises. Rounding to a scaled side's shares is left out: a few wei.
@custom:kill None: it holds nothing and may be replaced at will.
@custom:security Views only; every answer comes from the Clearinghouse, the oracle and, through Lens, the margin model.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import ILens
from interfaces import IWhatIfLens
implements: IWhatIfLens

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import account_view  # portfolios and other prices
from contracts.modules import bits  # bitmaps, floats
from contracts.modules import fixed_math  # written roundings
from contracts.modules import ledger  # what a change closes
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

MAX_MARKET_ID: constant(uint256) = 127
MAX_MARKETS: constant(uint256) = 16
MAX_TOKENS: constant(uint256) = 8
MAX_TOKEN_DECIMALS: constant(uint256) = 18
# The id of token 1's leg is 128.
TOKEN_ID: constant(uint256) = 127
LISTED: constant(uint256) = 1
# The highest mode that an account can have.
PORTFOLIO: constant(uint256) = 1
LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
RAY: constant(int256) = 10**27


# A position carried into the present epoch of its side.
struct Held:
    side: uint256
    shares: int256
    quote: int256
    size: int256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
LENS: public(immutable(ILens))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: IClearinghouse, index_oracle: IIndexOracle, lens: ILens):
    """
    @param lens answers for the portfolios that are made up here
    """
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    LENS = lens


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def what_if(
    account: uint256, changes: IWhatIfLens.Changes, prices: DynArray[IWhatIfLens.NewPrice, 24]
) -> ILens.Health:
    """
    @notice `Lens.health` as it would be after changes, in the order mode, cash, collateral, trades, prices.
    @dev See IWhatIfLens.
    """
    after: account_view.Portfolio = self._with_prices(self._changed(account, changes), prices)
    found: ILens.Health = staticcall LENS.health_of(after.word, after.base, after.legs, after.prices)
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall CLEARINGHOUSE.totals()
    till: int256 = max(convert(held + deferred, int256) + changes.cash, 0)
    found.withdrawable = min(found.withdrawable, convert(till, uint256))
    return found


# ---------------------------------------------------------------
#                            CHANGES
# ---------------------------------------------------------------


@internal
@view
def _changed(account: uint256, changes: IWhatIfLens.Changes) -> account_view.Portfolio:
    """
    @notice An account's portfolio after changes, at the prices of now.
    """
    after: account_view.Portfolio = empty(account_view.Portfolio)
    after.word, after.base, after.legs = staticcall CLEARINGHOUSE.portfolio(account)
    after.prices = staticcall INDEX_ORACLE.prices(words._account_bitmap(after.word))
    if changes.mode <= PORTFOLIO:
        after.word = words._account(
            words._account_cash(after.word), changes.mode, words._account_bitmap(after.word)
        )
    after = self._with_cash(after, changes.cash, changes.cash)
    for change: IWhatIfLens.CollateralChange in changes.collateral:
        after = self._with_collateral(after, change)
    traded: uint256 = 0
    for trade: IWhatIfLens.Trade in changes.trades:
        assert trade.market_id != 0 and trade.market_id <= MAX_MARKET_ID, "market: unknown"
        bit: uint256 = bits._bit(trade.market_id)
        assert not bits._has(traded, trade.market_id), "what-if: market twice"
        traded += bit
        after = self._with_trade(after, account, trade)
    return after


@internal
@pure
def _with_cash(seen: account_view.Portfolio, cash: int256, base: int256) -> account_view.Portfolio:
    """
    @notice A portfolio with so much more cash and base.
    """
    after: account_view.Portfolio = seen
    held: int256 = words._account_cash(after.word)
    after.word = words._account_with_cash(after.word, held + cash)
    after.base += base
    return after


@internal
@view
def _with_collateral(seen: account_view.Portfolio, change: IWhatIfLens.CollateralChange) -> account_view.Portfolio:
    """
    @notice A portfolio with another amount of a collateral token.
    """
    token: uint256 = 0
    if change.token_id != 0 and change.token_id <= MAX_TOKENS:
        token = staticcall CLEARINGHOUSE.token_word(change.token_id)
    assert token != 0, "token: unknown"
    unit: uint256 = 10 ** (MAX_TOKEN_DECIMALS - words._token_decimals(token))
    id: uint256 = TOKEN_ID + change.token_id
    amount: int256 = self._size_in(seen, id) + change.amount * convert(unit, int256)
    assert amount >= 0, "amount: too large"
    return self._with_leg(seen, id, 0, amount)


@internal
@view
def _with_trade(
    seen: account_view.Portfolio, account: uint256, trade: IWhatIfLens.Trade
) -> account_view.Portfolio:
    """
    @notice A portfolio after a trade with somebody who opens.
    """
    terms: uint256 = 0
    market: ledger.Market = empty(ledger.Market)
    market, terms = self._market(trade.market_id)
    assert words._terms_mode(terms) & LISTED != 0, "market: unknown"  # words._terms_mode
    held: Held = self._held(account, trade.market_id, market)
    # A buyer pays up, a seller gets down.
    money: int256 = fixed_math._wad_floor(-trade.size * convert(trade.price, int256))
    fee: int256 = convert(trade.fee, int256)
    realised: int256 = self._realised(held, market, trade.size, money)
    after: account_view.Portfolio = self._with_cash(seen, realised - fee, money - fee)
    size: int256 = self._size_in(seen, trade.market_id) + trade.size
    if held.size + trade.size == 0:
        size = 0
    opened: uint256 = self._opened(held.size, trade.size)
    interest: uint256 = ledger._open_interest(market) + opened
    float: uint256 = bits._float30_up(interest)
    markets: uint256 = words._account_markets(seen.word)
    if size != 0 and not bits._has(markets, trade.market_id):
        assert bits._count(markets) < MAX_MARKETS, "account: 16 markets"
    return self._with_leg(after, trade.market_id, bits._float30_value(float), size)


@internal
@pure
def _with_prices(
    seen: account_view.Portfolio, prices: DynArray[IWhatIfLens.NewPrice, 24]
) -> account_view.Portfolio:
    """
    @notice A portfolio at other prices; those of ids that it does not hold change nothing.
    """
    after: account_view.Portfolio = seen
    for new: IWhatIfLens.NewPrice in prices:
        index: uint256 = 0
        for leg: uint256 in seen.legs:
            if words._leg_id(leg) == new.id:
                after.prices[index] = account_view._with_price(seen.prices[index], new.price)
            index = unsafe_add(index, 1)
    return after


# ---------------------------------------------------------------
#                              LEGS
# ---------------------------------------------------------------


@internal
@pure
def _size_in(seen: account_view.Portfolio, id: uint256) -> int256:
    """
    @notice Size or amount of a leg, 0 where there is none.
    """
    for leg: uint256 in seen.legs:
        if words._leg_id(leg) == id:
            return words._leg_size(leg)
    return 0


@internal
@view
def _with_leg(
    seen: account_view.Portfolio, id: uint256, open_interest: uint256, size: int256
) -> account_view.Portfolio:
    """
    @notice A portfolio with a leg of this size; without it where that is 0.
    """
    after: account_view.Portfolio = seen
    after.legs = []
    after.prices = []
    index: uint256 = 0
    for leg: uint256 in seen.legs:
        if words._leg_id(leg) != id:
            after.legs.append(leg)
            after.prices.append(seen.prices[index])
        index = unsafe_add(index, 1)
    bit: uint256 = bits._bit(id)
    bitmap: uint256 = words._account_bitmap(seen.word)
    if bits._has(bitmap, id):
        bitmap -= bit
    if size != 0:
        bitmap += bit
        after.legs.append(words._leg(id, open_interest, size))
        answer: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(bit)
        after.prices.append(answer[0])
    after.word = words._account(words._account_cash(seen.word), words._account_mode(seen.word), bitmap)
    return after


# ---------------------------------------------------------------
#                            LEDGER
# ---------------------------------------------------------------


@internal
@view
def _market(market_id: uint256) -> (ledger.Market, uint256):
    """
    @notice A market as `ledger._load_market` finds it, from outside, and its terms.
    """
    stored: uint256[3] = staticcall CLEARINGHOUSE.market_words(market_id)
    market: ledger.Market = empty(ledger.Market)
    market.funding = words._market_funding_at(stored[0], block.timestamp)
    for side: uint256 in [LONG, SHORT]:
        shares: int256 = convert(words._shares_of(stored[1], side), int256)
        epoch: uint256 = words._market_epoch(stored[0], side)
        market.sides[side] = ledger.Side(shares=shares, scale=RAY, charge=0, epoch=epoch)
        if words._market_touched(stored[0], side):
            rates: uint256 = staticcall CLEARINGHOUSE.side_word(market_id, side, epoch)
            market.sides[side].scale = convert(words._side_scale(rates), int256)
            market.sides[side].charge = words._side_charge(rates)
    return market, stored[2]


@internal
@view
def _held(account: uint256, market_id: uint256, market: ledger.Market) -> Held:
    """
    @notice A position as `ledger._present` finds it, from outside.
    """
    position: uint256 = staticcall CLEARINGHOUSE.position_word(account, market_id)
    held: Held = empty(Held)
    held.shares = words._position_shares(position)
    held.quote = words._position_quote(position)
    held.side = LONG if held.shares > 0 else SHORT
    epoch: uint256 = words._position_epoch(position)
    for i: uint256 in range(ledger.MAX_EPOCH_STEPS):
        if held.shares == 0 or epoch == market.sides[held.side].epoch:
            break
        rates: uint256 = staticcall CLEARINGHOUSE.side_word(market_id, held.side, epoch)
        held.quote -= fixed_math._mul_ray_ceil(held.shares, words._side_charge(rates))
        held.shares = ledger._size_down(held.shares, convert(words._side_scale(rates), int256))
        if held.side == SHORT:
            held.quote -= 1
        epoch += 1
    held.size = ledger._size_down(held.shares, market.sides[held.side].scale)
    return held


@internal
@pure
def _realised(held: Held, market: ledger.Market, size: int256, money: int256) -> int256:
    """
    @notice What a change turns into cash, as `ledger._change` does.
    """
    if held.shares == 0:
        return held.quote
    if size == 0 or (held.shares > 0) == (size > 0):
        return 0
    closed: ledger.Closed = ledger._close(
        market.sides[held.side], market.funding, held.shares, held.quote, size, money
    )
    return closed.cash


@internal
@pure
def _opened(before: int256, change: int256) -> uint256:
    """
    @notice What a change adds to the side that it ends on.
    """
    after: int256 = before + change
    if (before > 0) == (after > 0):
        return convert(max(fixed_math._magnitude(after) - fixed_math._magnitude(before), 0), uint256)
    return convert(fixed_math._magnitude(after), uint256)
