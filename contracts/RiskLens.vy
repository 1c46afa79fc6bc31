# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Risk lens
@notice Read-only answers for risk teams: how accounts depend on prices and on the parameters of a later time, and what
        a move of the market would cost the insurance fund.
@custom:kill None: it holds nothing and may be replaced at will.
@custom:security Views only; every answer comes from the Clearinghouse, the oracle and the margin model as the gate
                 would see them now.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import IMarginModel
from interfaces import IRiskLens
implements: IRiskLens

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import account_view  # portfolios and their margin
initializes: account_view
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

WAD: constant(uint256) = 10**18
IWAD: constant(int256) = 10**18
# A rise of 1 %.
RISEN: constant(uint256) = 101 * 10**16
COLLATERAL_IDS: constant(uint256) = 128
# Depths are in thousands of money.
DEPTH_UNIT: constant(uint256) = 10**21

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

FUND_ACCOUNT: public(immutable(uint256))

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
    FUND_ACCOUNT = staticcall clearinghouse.FEE_ACCOUNT()


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def sensitivities(account: uint256) -> (DynArray[IRiskLens.LegSensitivity, 24], int256, int256):
    """
    @notice Per leg, what a unit of price changes of equity and maintenance margin; then what a joint rise of all index
            prices by 1 % changes of both.
    """
    seen: account_view.Portfolio = account_view._portfolio(account)
    now: account_view.Plan = account_view._plan(seen, block.timestamp)
    moved: account_view.Portfolio = seen
    rows: DynArray[IRiskLens.LegSensitivity, 24] = []
    index: uint256 = 0
    for leg: uint256 in seen.legs:
        price: uint256 = words._price_price(seen.prices[index])
        risen: uint256 = fixed_math._mul_div_up(price, RISEN, WAD)
        moved.prices[index] = account_view._with_price(seen.prices[index], risen)
        rows.append(self._sensitivity(leg, risen - price, now, moved))
        moved.prices[index] = seen.prices[index]
        index = unsafe_add(index, 1)
    moved.prices = account_view._all_moved(seen.prices, RISEN)
    then: account_view.Plan = account_view._plan(moved, block.timestamp)
    required: int256 = convert(then.maintenance, int256) - convert(now.maintenance, int256)
    return rows, then.equity - now.equity, required


@external
@view
def accounts_affected(accounts: DynArray[uint256, 500], time: uint256) -> DynArray[IRiskLens.Affected, 500]:
    """
    @notice The accounts that the parameters of a later time bring under a line that they are above now.
    @dev See IRiskLens.
    """
    rows: DynArray[IRiskLens.Affected, 500] = []
    for account: uint256 in accounts:
        seen: account_view.Portfolio = account_view._portfolio(account)
        now: account_view.Plan = account_view._plan(seen, block.timestamp)
        then: account_view.Plan = account_view._plan(seen, time)
        status: uint256 = self._line(then)
        # What is lost already is not the doing of a parameter.
        if status >= account_view.MARGIN_CALL and status > self._line(now) and account_view._is_healthy(now):
            rows.append(
                IRiskLens.Affected(
                    account=account,
                    status=status,
                    equity=then.equity,
                    maintenance_now=now.maintenance,
                    maintenance_then=then.maintenance,
                )
            )
    return rows


@external
@view
def cover(accounts: DynArray[uint256, 500], move: int256) -> IRiskLens.Cover:
    """
    @notice Shortfalls of the accounts after all index prices have moved at once.
    @dev See IRiskLens.
    """
    assert move >= -IWAD
    factor: uint256 = convert(IWAD + move, uint256)
    found: IRiskLens.Cover = empty(IRiskLens.Cover)
    for account: uint256 in accounts:
        seen: account_view.Portfolio = account_view._portfolio(account)
        seen.prices = account_view._all_moved(seen.prices, factor)
        then: account_view.Plan = account_view._plan(seen, block.timestamp)
        shortfall: uint256 = convert(max(-then.equity, 0), uint256)
        found.total += shortfall
        if shortfall > found.shortfalls[0]:
            found.accounts = [account, found.accounts[0]]
            found.shortfalls = [shortfall, found.shortfalls[0]]
        elif shortfall > found.shortfalls[1]:
            found.accounts[1] = account
            found.shortfalls[1] = shortfall
    found.needed = found.shortfalls[0] + found.shortfalls[1]
    found.fund = words._account_cash(staticcall account_view.CLEARINGHOUSE.account_word(FUND_ACCOUNT))
    return found


@external
@view
def requirement_at(market_id: uint256, time: uint256, notional: uint256 = 0) -> IRiskLens.Requirement:
    """
    @notice Rates of a leg that would be opened now, with the parameters of `time`.
    @dev See IRiskLens.
    """
    assert market_id < COLLATERAL_IDS
    stored: uint256[3] = staticcall account_view.CLEARINGHOUSE.market_words(market_id)
    answer: DynArray[uint256, 24] = staticcall account_view.INDEX_ORACLE.prices(bits._bit(market_id))
    size: uint256 = bits._float30_value(words._market_open_interest(stored[0]))
    interest: uint256 = fixed_math._mul_div_up(size, words._price_price(answer[0]), WAD) + notional
    volatility: uint256 = words._price_volatility(answer[0])
    found: IRiskLens.Requirement = empty(IRiskLens.Requirement)
    found.open_interest = interest
    found.volatility = volatility
    found.initial, found.maintenance = staticcall account_view.MARGIN_MODEL.requirement_at(
        market_id, notional, interest, volatility, time
    )
    return found


@external
@view
def weights_at(token_id: uint256, time: uint256) -> IRiskLens.Weights:
    """
    @notice Weights of a collateral token with the parameters of `time`; `depth` is money.
    """
    found: IRiskLens.Weights = empty(IRiskLens.Weights)
    depth: uint256 = 0
    found.initial, found.maintenance, depth = staticcall account_view.MARGIN_MODEL.weights_at(token_id, time)
    found.depth = depth * DEPTH_UNIT
    return found


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _sensitivity(
    leg: uint256, rise: uint256, now: account_view.Plan, moved: account_view.Portfolio
) -> IRiskLens.LegSensitivity:
    """
    @notice What a leg's price changes per unit.
    @param rise of the price in `moved`
    """
    then: account_view.Plan = account_view._plan(moved, block.timestamp)
    row: IRiskLens.LegSensitivity = empty(IRiskLens.LegSensitivity)
    row.id = words._leg_id(leg)
    row.equity = words._leg_size(leg)
    if rise == 0:
        return row
    if row.id >= COLLATERAL_IDS:
        row.equity = fixed_math._mul_div_floor(then.equity - now.equity, IWAD, convert(rise, int256))
    required: int256 = convert(then.maintenance, int256) - convert(now.maintenance, int256)
    row.maintenance = fixed_math._mul_div_floor(required, IWAD, convert(rise, int256))
    return row


@internal
@view
def _line(found: account_view.Plan) -> uint256:
    """
    @notice Status as far as maintenance margin decides it.
    """
    above: account_view.Assessment = empty(account_view.Assessment)
    return account_view._status(found, above)
