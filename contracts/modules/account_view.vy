# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Account view
@notice An account as the Clearinghouse folds it, at the prices of a refresh now or at others, and what the margin
        model says of it. Part of Lens, RiskLens and WhatIfLens; `seawall/spec/lens.py` is the same in Python.
@dev No margin is computed here: all of it comes from `assess` and `plan`.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import ILens
from interfaces import IMarginModel

from contracts.modules import averages  # the average at another price
from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_words  # layout of plans and of the matrix
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

FLAT: constant(uint256) = 0
OPEN: constant(uint256) = 1
BELOW_INITIAL: constant(uint256) = 2
MARGIN_CALL: constant(uint256) = 3
BELOW_MAINTENANCE: constant(uint256) = 4
BELOW_CLOSE_OUT: constant(uint256) = 5
BANKRUPT: constant(uint256) = 6

# Bits of reasons, see ILens.
REASON_INITIAL: constant(uint256) = 1
REASON_MARGIN_CALL: constant(uint256) = 2
REASON_MAINTENANCE: constant(uint256) = 4
REASON_CLOSE_OUT: constant(uint256) = 8
REASON_BANKRUPT: constant(uint256) = 16
REASON_PRICE: constant(uint256) = 32
REASON_CASH: constant(uint256) = 64
REASON_BALANCE: constant(uint256) = 128
REASON_MINIMUM: constant(uint256) = 256
REASON_EXIT: constant(uint256) = 512

PPM: constant(uint256) = 10**6
IPPM: constant(int256) = 10**6
WAD: constant(uint256) = 10**18
# Ids from here up are collateral tokens.
COLLATERAL_IDS: constant(uint256) = 128
# Mode bit of an account word: portfolio margin.
PORTFOLIO: constant(uint256) = 1
# More than any cash (an int112), less than the bound of a base.
FAR: constant(int256) = 2**111 - 1
# Below anything that equity and a requirement within reach differ by.
OUT_OF_REACH: constant(int256) = -2**200
# What is left of the distance between average and price when no time passes, as `averages._decay` counts it.
NO_TIME: constant(uint256) = 10**9


# An account with the prices of its legs.
struct Portfolio:
    word: uint256
    base: int256
    legs: DynArray[uint256, 24]
    prices: DynArray[uint256, 24]


# What `assess` says.
struct Assessment:
    equity: int256
    adverse: int256
    settled: int256
    initial: uint256
    maintenance: uint256


# What `plan` says.
struct Plan:
    equity: int256
    maintenance: uint256
    favourable: int256
    favourable_maintenance: uint256
    legs: DynArray[uint256, 16]


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
CLOSE_OUT_PPM: public(immutable(uint256))
MARGIN_CALL_FACTOR: immutable(uint256)

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
    assert close_out_ppm < PPM, "lens: close out"
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    CLOSE_OUT_PPM = close_out_ppm
    MARGIN_CALL_FACTOR = PPM + staticcall margin_model.MARGIN_CALL_PPM()


# ---------------------------------------------------------------
#                          PORTFOLIOS
# ---------------------------------------------------------------


@internal
@view
def _portfolio(account: uint256) -> Portfolio:
    """
    @notice An account at prices that a refresh would give now.
    """
    seen: Portfolio = empty(Portfolio)
    seen.word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = staticcall INDEX_ORACLE.prices(words._account_bitmap(seen.word))
    return seen


@internal
@pure
def _with_price(price_word: uint256, price: uint256) -> uint256:
    """
    @notice A price word as if its price had just moved: the average stays where it was, the half-width as wide.
    """
    old: uint256 = words._price_price(price_word)
    ratio: uint256 = words._price_ema_ratio(price_word)
    if price != 0 and old != 0:
        ratio = averages._next_ema_ratio(ratio, old, price, NO_TIME)
    elif price != 0:
        ratio = averages.RATIO
    memory: uint256 = words._price_memory(
        ratio,
        words._price_volatility(price_word),
        words._price_sample_ratio(price_word),
        words._price_sample_age(price_word),
    )
    updated_at: uint256 = words._price_updated_at(price_word)
    half_width: uint256 = words._price_half_width(price_word)
    return words._price(price, updated_at, half_width, words._price_refreshed_at(price_word), memory)


@internal
@pure
def _all_moved(prices: DynArray[uint256, 24], factor: uint256) -> DynArray[uint256, 24]:
    """
    @notice All prices times a factor (WAD), rounded down.
    """
    moved: DynArray[uint256, 24] = []
    for price_word: uint256 in prices:
        price: uint256 = fixed_math._mul_div_down(words._price_price(price_word), factor, WAD)
        moved.append(self._with_price(price_word, price))
    return moved


# ---------------------------------------------------------------
#                            MARGIN
# ---------------------------------------------------------------


@internal
@view
def _assess(seen: Portfolio) -> Assessment:
    """
    @notice Margin of a portfolio, by the same `assess` as the gate.
    """
    found: Assessment = empty(Assessment)
    found.equity, found.adverse, found.settled, found.initial, found.maintenance = staticcall MARGIN_MODEL.assess(
        seen.word, seen.base, seen.legs, seen.prices
    )
    return found


@internal
@view
def _plan(seen: Portfolio, time: uint256) -> Plan:
    """
    @notice Whether and how a portfolio may be liquidated, by the same `plan` as the waterfall.
    """
    found: Plan = empty(Plan)
    found.equity, found.maintenance, found.favourable, found.favourable_maintenance, found.legs = (
        staticcall MARGIN_MODEL.plan(seen.word, seen.base, seen.legs, seen.prices, time)
    )
    return found


@internal
@pure
def _is_healthy(found: Plan) -> bool:
    """
    @notice Whether an account may not be liquidated.
    """
    return len(found.legs) == 0 or found.favourable >= convert(found.favourable_maintenance, int256)


@internal
@view
def _margin_call_line(maintenance: uint256) -> int256:
    """
    @notice (1 + w_c) * MM, rounded up.
    """
    return convert(fixed_math._mul_div_up(maintenance, MARGIN_CALL_FACTOR, PPM), int256)


@internal
@view
def _is_below_close_out(found: Plan) -> bool:
    return found.equity * IPPM < convert(found.maintenance * CLOSE_OUT_PPM, int256)


@internal
@view
def _status(found: Plan, margin: Assessment) -> uint256:
    """
    @notice The lowest line that an account is under.
    """
    if len(found.legs) == 0:
        return FLAT if found.equity >= 0 else BANKRUPT
    if not self._is_healthy(found):
        if found.equity <= 0:
            return BANKRUPT
        return BELOW_CLOSE_OUT if self._is_below_close_out(found) else BELOW_MAINTENANCE
    if found.equity < self._margin_call_line(found.maintenance):
        return MARGIN_CALL
    if self._is_above(margin.adverse, margin.initial):
        return OPEN
    return BELOW_INITIAL


@internal
@pure
def _is_above(equity: int256, required: uint256) -> bool:
    """
    @notice Whether an equity covers a requirement, as the gate asks.
    """
    return equity >= 0 and convert(equity, uint256) >= required


# ---------------------------------------------------------------
#                            HEALTH
# ---------------------------------------------------------------


@internal
@view
def _health(seen: Portfolio, withdrawable: uint256) -> ILens.Health:
    """
    @notice Everything about one portfolio.
    """
    found: Plan = self._plan(seen, block.timestamp)
    margin: Assessment = self._assess(seen)
    line: int256 = self._margin_call_line(found.maintenance)
    out: ILens.Health = empty(ILens.Health)
    out.status = self._status(found, margin)
    out.equity = margin.equity
    out.adverse_equity = margin.adverse
    out.settled_equity = margin.settled
    out.initial = margin.initial
    out.maintenance = margin.maintenance
    out.cash = words._account_cash(seen.word)
    out.ratio = max_value(uint256)
    out.leverage = max_value(uint256)
    out.withdrawable = withdrawable
    out.to_cure = convert(max(line - margin.equity, 0), uint256)
    out.reasons = self._reasons(seen, found, margin)
    out.mode = words._account_mode(seen.word)
    out.utilisation = self._utilisation(margin)
    for leg: uint256 in found.legs:
        out.notional += risk_words._plan_notional(leg)
    if margin.maintenance != 0:
        positive: uint256 = convert(max(margin.equity, 0), uint256)
        out.ratio = fixed_math._mul_div_down(positive, WAD, margin.maintenance)
    if margin.equity > 0:
        out.leverage = fixed_math._mul_div_up(out.notional, WAD, convert(margin.equity, uint256))
    return out


@internal
@pure
def _utilisation(margin: Assessment) -> uint256:
    """
    @notice Initial margin / adverse equity, rounded up; 0 where nothing is asked for.
    """
    if margin.initial == 0:
        return 0
    if margin.initial == max_value(uint256) or margin.adverse <= 0:
        return max_value(uint256)
    return fixed_math._mul_div_up(margin.initial, WAD, convert(margin.adverse, uint256))


@internal
@view
def _reasons(seen: Portfolio, found: Plan, margin: Assessment) -> uint256:
    """
    @notice Bits of ILens.
    """
    reasons: uint256 = self._line_reasons(found, margin)
    for leg: uint256 in found.legs:
        if not risk_words._plan_usable(leg):
            reasons += REASON_PRICE
            break
    if words._account_cash(seen.word) < 0:
        reasons += REASON_CASH
    if words._account_bitmap(seen.word) != 0:
        if self._is_balance_short(seen, margin.initial):
            reasons += REASON_BALANCE
        if self._above_minimum(seen.word, margin.equity) < 0:
            reasons += REASON_MINIMUM
    if self._exit_room(seen) < 0:
        reasons += REASON_EXIT
    return reasons


@internal
@view
def _line_reasons(found: Plan, margin: Assessment) -> uint256:
    """
    @notice The bits of the lines that an account is under; without legs it can only be bankrupt.
    """
    if len(found.legs) == 0:
        return 0 if found.equity >= 0 else REASON_BANKRUPT
    reasons: uint256 = 0
    if not self._is_above(margin.adverse, margin.initial):
        reasons += REASON_INITIAL
    healthy: bool = self._is_healthy(found)
    if not healthy or found.equity < self._margin_call_line(found.maintenance):
        reasons += REASON_MARGIN_CALL
    if healthy:
        return reasons
    reasons += REASON_MAINTENANCE
    if self._is_below_close_out(found):
        reasons += REASON_CLOSE_OUT
    if found.equity <= 0:
        reasons += REASON_BANKRUPT
    return reasons


@internal
@view
def _is_balance_short(seen: Portfolio, initial: uint256) -> bool:
    """
    @notice Whether the settlement balance is below half of an initial margin that is within reach.
    @dev The balance is what `assess` calls adverse equity of an account without collateral whose every gain is already
         cash: with cash as high as it goes, all else is a loss and nothing is weighed.
    """
    alone: Portfolio = empty(Portfolio)
    alone.word = words._account_with_cash(seen.word, FAR)
    alone.base = seen.base
    index: uint256 = 0
    for leg: uint256 in seen.legs:
        if words._leg_id(leg) < COLLATERAL_IDS:
            alone.legs.append(leg)
            alone.prices.append(seen.prices[index])
        index = unsafe_add(index, 1)
    found: Assessment = self._assess(alone)
    if found.adverse < 0:
        return True
    return initial != max_value(uint256) and 2 * convert(found.adverse, uint256) < initial


@internal
@view
def _above_minimum(word: uint256, equity: int256) -> int256:
    """
    @notice Equity above the minimum of portfolio mode, below 0 where it is less; all there can be in standard mode, and
            without market legs.
    """
    mode: uint256 = words._account_mode(word)
    if mode & PORTFOLIO == 0 or words._account_markets(word) == 0:  # words._account_mode
        return max_value(int256)
    matrix: risk_words.Matrix = risk_words._matrix_fields(staticcall MARGIN_MODEL.matrix_word())
    return equity - convert(matrix.minimum_equity * WAD, int256)


@internal
@view
def _exit_room(seen: Portfolio) -> int256:
    """
    @notice What the gate of a way out by value finds: not below 0 where the account may end as it is.
    """
    cash: int256 = words._account_cash(seen.word)
    if cash < 0 or words._account_bitmap(seen.word) == 0:
        return cash
    found: Assessment = self._assess(seen)
    if found.initial == max_value(uint256):
        return OUT_OF_REACH
    return found.settled - convert(found.initial, int256)
