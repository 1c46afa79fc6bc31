# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Risk monitor
@notice Chores that anyone may do for the protocol's risk: parameters follow the market and the fund, and accounts are
        called for margin.
@custom:kill None: the owner of the margin model can name another follower.
@custom:security The follower of the margin model: it passes on what the oracle says of volatility and what the fund
                 holds, and nothing else. It has no rights over accounts.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import IMarginModel
from interfaces import IRiskMonitor
implements: IRiskMonitor

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
MAX_FOLLOWED: constant(uint256) = 16
MAX_CALLED: constant(uint256) = 100

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
FUND_ACCOUNT: public(immutable(uint256))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: IClearinghouse, index_oracle: IIndexOracle, margin_model: IMarginModel):
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    FUND_ACCOUNT = staticcall clearinghouse.FEE_ACCOUNT()


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def follow(market_ids: DynArray[uint256, MAX_FOLLOWED]):
    """
    @notice Let capacities follow the insurance fund, and the volatility factors of maintenance margin the index.
    @dev See IRiskMonitor.
    """
    word: uint256 = staticcall CLEARINGHOUSE.account_word(FUND_ACCOUNT)
    cash: int256 = max(words._account_cash(word), 0)
    for market_id: uint256 in market_ids:
        # An id that the model does not know is refused there.
        volatility: uint256 = 0
        if market_id < 128:
            prices: DynArray[uint256, 24] = extcall INDEX_ORACLE.refresh(bits._bit(market_id))
            volatility = words._price_volatility(prices[0])
        extcall MARGIN_MODEL.follow(market_id, volatility, convert(cash, uint256))


@external
def call_margin(accounts: DynArray[uint256, MAX_CALLED]) -> DynArray[uint256, MAX_CALLED]:
    """
    @notice Log a MarginCall for each account with legs whose equity is below the margin-call line.
    @dev See IRiskMonitor.
    """
    factor: uint256 = PPM + staticcall MARGIN_MODEL.MARGIN_CALL_PPM()
    cures: DynArray[uint256, MAX_CALLED] = []
    for account: uint256 in accounts:
        cures.append(self._call_margin(account, factor))
    return cures


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
def _call_margin(account: uint256, factor: uint256) -> uint256:
    """
    @notice What cures an account below the line, which is logged; 0 for one that is not.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall CLEARINGHOUSE.portfolio(account)
    if words._account_markets(word) == 0:
        return 0
    prices: DynArray[uint256, 24] = extcall INDEX_ORACLE.refresh(words._account_bitmap(word))
    equity: int256 = 0
    adverse: int256 = 0
    settled: int256 = 0
    initial: uint256 = 0
    maintenance: uint256 = 0
    equity, adverse, settled, initial, maintenance = staticcall MARGIN_MODEL.assess(word, base, legs, prices)
    line: int256 = convert(fixed_math._mul_div_up(maintenance, factor, PPM), int256)
    if equity >= line:
        return 0
    to_cure: uint256 = convert(line - equity, uint256)
    log IRiskMonitor.MarginCall(account=account, equity=equity, maintenance=maintenance, to_cure=to_cure)
    return to_cure
