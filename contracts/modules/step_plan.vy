# pragma version ==0.4.3
"""
@title Step plan
@notice An account as the waterfall finds it, and the step that it is due. Part of the liquidation engine and of CloseOut.
@dev `seawall/spec/step_plan.py` is the same in Python. Rates are parts per million, money WAD.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import ILiquidationEngine
from interfaces import IMarginModel

from contracts.modules import fixed_math  # written roundings
from contracts.modules import liquidation_math  # sizes, penalties and their parameters
uses: liquidation_math
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

NOTHING: constant(uint256) = 0
PARTIAL: constant(uint256) = 1
WHOLE: constant(uint256) = 2
BANKRUPT: constant(uint256) = 3
GRACE: constant(uint256) = 4

PPM: constant(uint256) = 10**6
WAD: constant(uint256) = 10**18
# Of keeper reserves: uint16 of them.
RESERVE_UNIT: constant(uint256) = 10**16
# Mode bit of an account word.
PORTFOLIO: constant(uint256) = 1
MAX_LEGS: constant(uint256) = 16
# How often a slice beside a leg without a usable price is halved until it helps.
HALVINGS: constant(uint256) = 6

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))

# ---------------------------------------------------------------
#                           CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: IClearinghouse, index_oracle: IIndexOracle, margin_model: IMarginModel):
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
def _examine(account: uint256) -> liquidation_math.Situation:
    """
    @notice An account at refreshed prices.
    """
    seen: liquidation_math.Situation = empty(liquidation_math.Situation)
    seen.word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = extcall INDEX_ORACLE.refresh(words._account_bitmap(seen.word))
    (
        seen.equity, seen.maintenance, seen.favourable, seen.favourable_maintenance, seen.planned
    ) = staticcall MARGIN_MODEL.plan(seen.word, seen.base, seen.legs, seen.prices)
    return seen


@internal
@view
def _foresee(account: uint256) -> liquidation_math.Situation:
    """
    @notice What `_examine` would find now. A view may not refresh, and to share the rest would copy every array.
    """
    seen: liquidation_math.Situation = empty(liquidation_math.Situation)
    seen.word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = staticcall INDEX_ORACLE.prices(words._account_bitmap(seen.word))
    (
        seen.equity, seen.maintenance, seen.favourable, seen.favourable_maintenance, seen.planned
    ) = staticcall MARGIN_MODEL.plan(seen.word, seen.base, seen.legs, seen.prices)
    return seen


@internal
@pure
def _is_healthy(legs: uint256, favourable: int256, favourable_maintenance: uint256) -> bool:
    """
    @notice Without market legs, or at or above maintenance margin at the favourable ends.
    """
    return legs == 0 or favourable >= convert(favourable_maintenance, int256)


@internal
@pure
def _check_unhealthy(legs: uint256, favourable: int256, favourable_maintenance: uint256):
    healthy: bool = self._is_healthy(legs, favourable, favourable_maintenance)
    assert not healthy, "liquidation: healthy"


@internal
@view
def _is_below_close_out(equity: int256, maintenance: uint256) -> bool:
    # Equity and maintenance are below 2**160, rates below 2**21: no overflow.
    line: int256 = convert(unsafe_mul(maintenance, liquidation_math.CLOSE_OUT_PPM), int256)
    return unsafe_mul(equity, convert(PPM, int256)) < line


@internal
@pure
def _is_bankrupt(equity: int256, dust: uint256) -> bool:
    """
    @notice At or below zero once its legs are closed.
    @param dust what closing them may lose to rounding
    """
    return equity < max(1, convert(dust, int256))


@internal
@pure
def _is_in_grace(seen: liquidation_math.Situation) -> bool:
    """
    @notice An outage or a halt of one of its markets ended lately.
    """
    flags: uint256 = 0
    # Of collateral, too: a token is in grace when the chain was out, and then all markets are.
    for price_word: uint256 in seen.prices:
        flags = flags | price_word  # words._price_flags
    return flags & words.IN_GRACE != 0  # words._price_flags


@internal
@pure
def _check_stage(stage: uint256):
    """
    @notice Of a step that is due: a slice or all legs.
    """
    assert stage != BANKRUPT, "liquidation: bankrupt"
    assert stage != NOTHING, "liquidation: price stale"
    assert stage != GRACE, "liquidation: in grace"


@internal
@view
def _calculate_step(
    seen: liquidation_math.Situation, limit: uint256, whole: bool
) -> (ILiquidationEngine.Step, uint256):
    """
    @notice The step an unhealthy account is due, and the index of a slice's leg; stage 0 where no leg has a usable
            price, 3 where it is bankrupt, 4 where a slice waits after an outage or a halt, notional 0 where the limit allows nothing.
    @param whole whether below close-out all legs may go; else a slice however low the account is
    """
    if self._is_below_close_out(seen.equity, seen.maintenance):
        dust: uint256 = liquidation_math._dust(seen)
        if self._is_bankrupt(seen.equity, dust):
            bankrupt: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
            bankrupt.stage = BANKRUPT
            return bankrupt, 0
        if whole:
            step: ILiquidationEngine.Step = self._calculate_whole(seen, dust)
            # A keeper who cannot take all takes a slice: nobody's size makes him wait alone. So does one where closing
            # all beside a leg without a usable price would not help.
            if step.stage != NOTHING and step.notional <= limit:
                return step, 0
    elif self._is_in_grace(seen):
        spared: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
        spared.stage = GRACE
        return spared, 0
    most: uint256 = min(limit, liquidation_math.MAX_LIMIT)
    if words._account_mode(seen.word) & PORTFOLIO != 0:
        return self._calculate_slice_of_all(seen, most), 0
    index: uint256 = liquidation_math._best_leg(seen.planned)
    if index == MAX_LEGS:
        return empty(ILiquidationEngine.Step), 0
    size: int256 = words._leg_size(seen.legs[index])
    price: uint256 = words._price_price(seen.prices[index])
    part: ILiquidationEngine.Step = self._calculate_slice(
        seen.planned[index], size, price, seen.equity, seen.maintenance, most
    )
    return part, index


@internal
@view
def _calculate_whole(seen: liquidation_math.Situation, dust: uint256) -> ILiquidationEngine.Step:
    """
    @notice All legs with a usable price at once; nothing where that would lower h of a solvent account, which closing
            the hedge of a leg without a usable price does.
    @param dust what of the account's equity no fee may take, for rounding
    """
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    standard: uint256 = 0
    released: uint256 = 0
    silent: bool = False
    for leg: uint256 in seen.planned:
        # Sixteen of uint128 times uint20, and of uint16 cents: no overflow.
        notional: uint256 = risk_words._plan_notional(leg)
        needed: uint256 = unsafe_mul(notional, risk_words._plan_rate(leg))
        standard = unsafe_add(standard, needed)
        if risk_words._plan_usable(leg):
            step.stage = WHOLE
            released = unsafe_add(released, needed)
            step.notional = unsafe_add(step.notional, notional)
            step.reserve = unsafe_add(step.reserve, unsafe_mul(risk_words._plan_reserve(leg), RESERVE_UNIT))
        else:
            silent = True
    penalty: uint256 = liquidation_math.PENALTY_MAX_PPM
    portfolio: bool = words._account_mode(seen.word) & PORTFOLIO != 0
    if portfolio:
        penalty = liquidation_math._eased(penalty, seen.maintenance, standard)
    left: uint256 = 0
    if silent:
        # The model rounds the sum of legs up once: less what the close releases, rounded down, is enough.
        left = unsafe_sub(seen.maintenance, unsafe_div(released, PPM))
        if portfolio:
            left = self._left_after(seen, WAD)[0]
        if left > seen.maintenance and seen.equity > 0:
            step = empty(ILiquidationEngine.Step)
    step.fee = liquidation_math._capped_fee(penalty, step.notional, seen.equity, seen.maintenance, left, 1)
    kept: int256 = max(0, unsafe_sub(seen.equity, convert(dust, int256)))
    step.fee = min(step.fee, convert(kept, uint256))
    step.keeper_fee = fixed_math._ppm_down(step.fee, liquidation_math.KEEPER_SHARE_PPM)
    return step


@internal
@view
def _calculate_slice_of_all(seen: liquidation_math.Situation, limit: uint256) -> ILiquidationEngine.Step:
    """
    @notice The same fraction of every usable leg, so that hedges stay matched; `size` is the fraction.
    @dev Beside a leg without a usable price margin need not fall along the fraction: the half of it is tried, and its
         half, HALVINGS times. Where no slice helps: all legs; nothing where that does not help either.
    """
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    usable: uint256 = 0
    sized: uint256 = 0
    standard: uint256 = 0
    for leg: uint256 in seen.planned:
        # Sixteen of uint128 times uint20, and of uint16 cents: no overflow.
        notional: uint256 = risk_words._plan_notional(leg)
        standard = unsafe_add(standard, unsafe_mul(notional, risk_words._plan_rate(leg)))
        if risk_words._plan_usable(leg):
            usable = unsafe_add(usable, 1)
            # Sixteen below 2**148.
            sized = unsafe_add(sized, liquidation_math._sized(leg))
            step.notional = unsafe_add(step.notional, notional)
            step.reserve = unsafe_add(step.reserve, unsafe_mul(risk_words._plan_reserve(leg), RESERVE_UNIT))
    if usable == 0:
        return empty(ILiquidationEngine.Step)
    penalty: uint256 = liquidation_math._penalty(seen.equity, seen.maintenance)
    penalty = liquidation_math._eased(penalty, seen.maintenance, standard)
    steepest: uint256 = unsafe_add(seen.maintenance, unsafe_div(unsafe_add(sized, 2 * PPM - 1), 2 * PPM))
    step.size = liquidation_math._needed_fraction(
        seen.equity, seen.maintenance, steepest, step.notional, penalty, limit
    )
    left: uint256 = 0
    halvings: uint256 = HALVINGS if usable < len(seen.planned) else 0
    for i: uint256 in range(halvings + 2, bound=HALVINGS + 2):
        if i > halvings:
            step.size = WAD
        left, step.notional = self._left_after(seen, step.size)
        if left < seen.maintenance:
            break
        step.size = step.size // 2
    if left >= seen.maintenance:
        return empty(ILiquidationEngine.Step)
    step.stage = PARTIAL
    if step.size != WAD:
        step.reserve = 0
    if step.notional > limit:
        step.notional = 0
    step.fee = liquidation_math._capped_fee(
        penalty, step.notional, seen.equity, seen.maintenance, left, usable
    )
    step.keeper_fee = fixed_math._ppm_down(step.fee, liquidation_math.KEEPER_SHARE_PPM)
    return step


@internal
@view
def _left_after(seen: liquidation_math.Situation, fraction: uint256) -> (uint256, uint256):
    """
    @notice Maintenance margin in portfolio mode after a slice of all usable legs, and the notional that it takes.
    """
    left: DynArray[uint256, 24] = []
    notional: uint256 = 0
    left, notional = liquidation_math._after_slice(seen, fraction)
    maintenance: uint256 = staticcall MARGIN_MODEL.portfolio_maintenance(left, seen.prices, block.timestamp)
    return maintenance, notional


@internal
@view
def _calculate_slice(
    leg: uint256, signed_size: int256, price: uint256, equity: int256, maintenance: uint256, limit: uint256
) -> ILiquidationEngine.Step:
    """
    @notice A slice of the leg that releases most margin: x = ((1 + b) M - E) / ((1 + b) m - pi).
    @param leg its plan word
    """
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    held: uint256 = fixed_math._abs(signed_size)
    penalty: uint256 = liquidation_math._penalty(equity, maintenance)
    step.stage = PARTIAL
    step.market_id = risk_words._plan_id(leg)
    step.price = price
    needed: uint256 = liquidation_math._needed_notional(equity, maintenance, leg, penalty)
    market: uint256[3] = staticcall CLEARINGHOUSE.market_words(step.market_id)
    minimum: uint256 = words._terms_min_notional(market[2])
    step.size = liquidation_math._slice(held, price, needed, minimum, limit)
    # A size below 2**113 and a price below 2**96: no overflow.
    step.notional = unsafe_div(unsafe_mul(step.size, price), WAD)
    left: uint256 = liquidation_math._left_after_slice(maintenance, held, step.size, price, leg)
    if step.size == held:
        step.reserve = unsafe_mul(risk_words._plan_reserve(leg), RESERVE_UNIT)
    step.fee = liquidation_math._capped_fee(penalty, step.notional, equity, maintenance, left, 1)
    step.keeper_fee = fixed_math._ppm_down(step.fee, liquidation_math.KEEPER_SHARE_PPM)
    return step
