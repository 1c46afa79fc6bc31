# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Lens
@notice Read-only answers about accounts for bots, dashboards and risk teams.
@custom:kill None: it holds nothing and may be replaced at will.
@custom:security Views only; every answer comes from the Clearinghouse, the oracle and the margin model as the gate
                 would see them now.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import ILens
implements: ILens
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import account_view  # portfolios and their margin
initializes: account_view
from contracts.modules import crossing  # where a line is passed
initializes: crossing[account_view := account_view]
from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    account_view.CLEARINGHOUSE,
    account_view.INDEX_ORACLE,
    account_view.MARGIN_MODEL,
    account_view.CLOSE_OUT_PPM,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
COLLATERAL_IDS: constant(uint256) = 128

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse, index_oracle: IIndexOracle, margin_model: IMarginModel, close_out_ppm: uint256
):
    """
    @param close_out_ppm the engine's close-out line
    """
    account_view.__init__(clearinghouse, index_oracle, margin_model, close_out_ppm)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def health(account: uint256) -> ILens.Health:
    """
    @notice Everything about one account at the prices that a refresh would give now.
    """
    found: ILens.Health = self._health(account_view._portfolio(account))
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall account_view.CLEARINGHOUSE.totals()
    # A deferred loss cuts the payment, so that a claim on more than what is held can be paid.
    found.withdrawable = min(found.withdrawable, held + deferred)
    return found


@external
@view
def health_of(
    word: uint256, base: int256, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24]
) -> ILens.Health:
    """
    @notice The health of any portfolio, now.
    @dev See ILens.
    """
    return self._health(account_view.Portfolio(word=word, base=base, legs=legs, prices=prices))


@external
@view
def margin(account: uint256) -> (int256, int256, int256, uint256, uint256):
    """
    @notice Equity, adverse equity, settled equity, initial and maintenance margin at the prices of a refresh now.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall account_view.CLEARINGHOUSE.portfolio(account)
    prices: DynArray[uint256, 24] = staticcall account_view.INDEX_ORACLE.prices(words._account_bitmap(word))
    return staticcall account_view.MARGIN_MODEL.assess(word, base, legs, prices)


@external
@view
def health_many(accounts: DynArray[uint256, 500]) -> DynArray[ILens.Row, 500]:
    """
    @notice Status, equity and maintenance margin of many accounts.
    """
    rows: DynArray[ILens.Row, 500] = []
    for account: uint256 in accounts:
        seen: account_view.Portfolio = account_view._portfolio(account)
        found: account_view.Plan = account_view._plan(seen, block.timestamp)
        status: uint256 = account_view._status(found, account_view._assess(seen))
        rows.append(ILens.Row(status=status, equity=found.equity, maintenance=found.maintenance))
    return rows


@external
@view
def liquidation_price(account: uint256, market_id: uint256) -> uint256:
    """
    @notice The last index price of one market, the others unmoved, at which the account may not be liquidated.
    @dev See ILens.
    """
    return self._price(account, market_id, crossing.LIQUIDATION)


@external
@view
def margin_call_price(account: uint256, market_id: uint256) -> uint256:
    """
    @notice As `liquidation_price`, for the margin-call line.
    """
    return self._price(account, market_id, crossing.MARGIN_CALL)


@external
@view
def liquidation_move(account: uint256) -> (int256, int256):
    """
    @notice How far all index prices may fall and rise at once until the account may be liquidated.
    @dev See ILens.
    """
    return crossing._move(account, crossing.LIQUIDATION)


@external
@view
def margin_call_move(account: uint256) -> (int256, int256):
    """
    @notice As `liquidation_move`, for the margin-call line.
    """
    return crossing._move(account, crossing.MARGIN_CALL)


@external
@view
def size_of(account: uint256, market_id: uint256) -> int256:
    """
    @notice Signed size of a leg, ended epochs carried; rounded towards minus infinity.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall account_view.CLEARINGHOUSE.portfolio(account)
    for leg: uint256 in legs:
        if words._leg_id(leg) == market_id:
            return words._leg_size(leg)
    return 0


@external
@view
def conservation(market_ids: DynArray[uint256, 127]) -> int256:
    """
    @notice Assets minus claims (WAD) over all accounts and the given markets.
    """
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall account_view.CLEARINGHOUSE.totals()
    slack: int256 = convert(held + deferred, int256) - book
    for market_id: uint256 in market_ids:
        slack -= self._side_claims(market_id)
    return slack


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _health(seen: account_view.Portfolio) -> ILens.Health:
    """
    @notice The health of a portfolio, whatever custody holds.
    """
    withdrawable: uint256 = crossing._withdrawable(seen)
    return account_view._health(seen, withdrawable)


@internal
@view
def _price(account: uint256, market_id: uint256, line: uint256) -> uint256:
    """
    @notice The last price of a market on the healthy side of a line; the id must be a market's.
    """
    assert market_id < COLLATERAL_IDS
    return crossing._price(account, market_id, line)


@internal
@view
def _side_claims(market_id: uint256) -> int256:
    """
    @notice What the sides of a market add to the sum of cash and quotes: size imbalance at spot, less charges.
    """
    market: uint256[3] = staticcall account_view.CLEARINGHOUSE.market_words(market_id)
    prices: DynArray[uint256, 24] = staticcall account_view.INDEX_ORACLE.prices(bits._bit(market_id))
    funding: int256 = words._market_funding_at(market[0], block.timestamp)
    moved: int256 = convert(words._price_price(prices[0]), int256) - funding
    claims: int256 = 0
    net: int256 = 0
    for side: uint256 in [LONG, SHORT]:
        shares: int256 = convert(words._shares_of(market[1], side), int256)
        if side == SHORT:
            shares = -shares
        size: int256 = shares
        if words._market_touched(market[0], side):
            epoch: uint256 = words._market_epoch(market[0], side)
            rates: uint256 = staticcall account_view.CLEARINGHOUSE.side_word(market_id, side, epoch)
            size = fixed_math._mul_ray_floor(shares, convert(words._side_scale(rates), int256))
            claims -= fixed_math._mul_ray_floor(shares, words._side_charge(rates))
        net += size
    return claims + fixed_math._wad_floor(net * moved)
