# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Liquidation engine
@notice Accounts above zero, to keepers with margin: a slice of one leg while close-out <= h < 1, all legs below. Slices
        to signed orders that keepers bring, and to buckets of the Backstop, where no keeper came for a while; and the
        clocks that CloseOut reads.
@dev `seawall/spec/liquidation.py` is the same in Python. Rates are parts per million, money WAD. Slices round up to
     a lot, fees round down. Parameters are immutable: new ones come with a new engine, whose rights the timelock
     grants. No call reaches the account's owner, and no order or nonce of it matters.
@custom:kill None: the owner of the Clearinghouse can revoke the rights of this engine.
@custom:security Holds the TRADE and WATERFALL rights of the Clearinghouse. Anyone may call; the keeper account must be
                 the caller's, and passes the Clearinghouse's gate.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IBackstop
from interfaces import IClearinghouse
from interfaces import IExchange
from interfaces import IIndexOracle
from interfaces import ILiquidationEngine
implements: ILiquidationEngine
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # accounts
from contracts.modules import fixed_math  # written roundings
from contracts.modules import liquidation_math  # sizes, penalties and their parameters
initializes: liquidation_math
from contracts.modules import risk_words  # layout of plans
from contracts.modules import step_plan  # which step is due
initializes: step_plan[liquidation_math := liquidation_math]
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    liquidation_math.TARGET_BUFFER_PPM,
    liquidation_math.PENALTY_MIN_PPM,
    liquidation_math.PENALTY_MAX_PPM,
    liquidation_math.CLOSE_OUT_PPM,
    liquidation_math.KEEPER_SHARE_PPM,
    step_plan.CLEARINGHOUSE,
    step_plan.INDEX_ORACLE,
    step_plan.MARGIN_MODEL,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

LIQUIDATED: constant(uint256) = 0
HEALTHY: constant(uint256) = 1
STALE: constant(uint256) = 2
OWN_ACCOUNT: constant(uint256) = 3
INSOLVENT: constant(uint256) = 4
SPARED: constant(uint256) = 5
MAX_LEGS: constant(uint256) = 16
# Of one trade: makers, the account and who called.
MAX_ORDERS: constant(uint256) = 20
MAX_CHANGES: constant(uint256) = 22
# Seconds after which a clock is void: what began it may be long over.
LONGEST_CLOCK: constant(uint256) = 86_400
# Seconds on the clock before buckets take slices: keepers with margin come first.
BACKSTOP_AFTER: constant(uint256) = 600

GATE_NONE: constant(uint256) = 0
GATE_MARGIN_RULE: constant(uint256) = 1
GATE_INITIAL: constant(uint256) = 2

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

BACKSTOP: public(immutable(IBackstop))
EXCHANGE: public(immutable(IExchange))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

flagged_at: public(HashMap[uint256, uint256])

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse,
    index_oracle: IIndexOracle,
    margin_model: IMarginModel,
    backstop: IBackstop,
    exchange: IExchange,
    target_buffer_ppm: uint256,
    penalty_min_ppm: uint256,
    penalty_max_ppm: uint256,
    close_out_ppm: uint256,
    keeper_share_ppm: uint256,
):
    """
    @param backstop whose buckets take slices
    @param exchange whose orders take slices
    @param target_buffer_ppm b: a partial liquidation restores E = (1 + b) M; at most 1e6
    @param penalty_min_ppm pi at h = 1, per notional closed
    @param penalty_max_ppm pi at close-out; at most 1e5
    @param close_out_ppm kappa, below 1e6
    @param keeper_share_ppm the keeper's part of the fee, at most 1e6
    """
    step_plan.__init__(clearinghouse, index_oracle, margin_model)
    BACKSTOP = backstop
    EXCHANGE = exchange
    liquidation_math.__init__(
        target_buffer_ppm, penalty_min_ppm, penalty_max_ppm, close_out_ppm, keeper_share_ppm
    )


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def liquidate(account: uint256, keeper: uint256, limit: uint256) -> ILiquidationEngine.Step:
    """
    @notice Take one waterfall step on an account: a slice of one leg for close-out <= h < 1, all legs below.
    @dev See ILiquidationEngine.
    """
    assert account != keeper, "liquidation: own account"
    seen: liquidation_math.Situation = step_plan._examine(account)
    step_plan._check_unhealthy(len(seen.planned), seen.favourable, seen.favourable_maintenance)
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    index: uint256 = 0
    step, index = step_plan._calculate_step(seen, limit, True)
    step_plan._check_stage(step.stage)
    # A whole close may consist of legs that ended epochs have used up.
    allowed: bool = step.stage == step_plan.WHOLE or step.notional != 0
    assert allowed and step.notional <= limit, "liquidation: over limit"
    if step.market_id != 0:
        self._execute_partial(account, keeper, step, seen.legs[index], GATE_MARGIN_RULE)
    else:
        self._execute_all(account, keeper, step, seen, GATE_INITIAL)
    self._follow_flag(account)
    return step


@external
def liquidate_many(accounts: DynArray[uint256, 32], keeper: uint256) -> DynArray[uint256, 32]:
    """
    @notice One step each on many accounts, one margin check of the keeper at the end; a status each.
    @dev A healthy, stale, own, bankrupt or spared account costs its status alone. The keeper's own margin decides for the batch.
    """
    statuses: DynArray[uint256, 32] = []
    last_market: uint256 = 0
    for account: uint256 in accounts:
        if account == keeper:
            statuses.append(OWN_ACCOUNT)
            continue
        seen: liquidation_math.Situation = step_plan._examine(account)
        if step_plan._is_healthy(len(seen.planned), seen.favourable, seen.favourable_maintenance):
            statuses.append(HEALTHY)
            continue
        step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
        index: uint256 = 0
        step, index = step_plan._calculate_step(seen, liquidation_math.MAX_LIMIT, True)
        if step.stage == step_plan.NOTHING:
            statuses.append(STALE)
            continue
        if step.stage == step_plan.BANKRUPT:
            statuses.append(INSOLVENT)
            continue
        if step.stage == step_plan.GRACE:
            statuses.append(SPARED)
            continue
        if step.market_id != 0:
            last_market = self._execute_partial(account, keeper, step, seen.legs[index], GATE_NONE)
        else:
            last_market = self._execute_all(account, keeper, step, seen, GATE_NONE)
        self._follow_flag(account)
        statuses.append(LIQUIDATED)
    if last_market != 0:
        gate: IClearinghouse.Change = IClearinghouse.Change(
            account=keeper, size=0, money=0, fee=0, gate=GATE_INITIAL
        )
        extcall step_plan.CLEARINGHOUSE.trade(last_market, [gate])
    return statuses


@external
def hand_to_backstop(account: uint256, keeper: uint256) -> ILiquidationEngine.Step:
    """
    @notice Hand a slice to buckets of the Backstop. See ILiquidationEngine.
    """
    assert account != keeper, "liquidation: own account"
    assert bits._owner(keeper) != 0, "account: unknown"
    seen: liquidation_math.Situation = step_plan._examine(account)
    step_plan._check_unhealthy(len(seen.planned), seen.favourable, seen.favourable_maintenance)
    started: uint256 = self.flagged_at[account]
    waited: bool = block.timestamp >= started + BACKSTOP_AFTER and block.timestamp <= started + LONGEST_CLOCK
    assert waited, "liquidation: not due"
    limit: uint256 = self._room_of_best(seen)
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    index: uint256 = 0
    step, index = step_plan._calculate_step(seen, limit, False)
    step_plan._check_stage(step.stage)
    assert step.notional != 0, "liquidation: bucket full"
    self._hand_over(account, keeper, step, seen, self._taken(step, seen, index))
    self._follow_flag(account)
    return step


@external
def liquidate_matched(
    account: uint256, keeper: uint256, limit: uint256, makers: DynArray[IExchange.SignedOrder, MAX_ORDERS]
) -> (ILiquidationEngine.Step, uint256):
    """
    @notice Fill a slice of one leg against signed orders. See ILiquidationEngine.
    @dev The prices that the slice is planned at are refreshed here, and the Exchange reads the same.
    """
    assert account != keeper, "liquidation: own account"
    assert bits._owner(keeper) != 0, "account: unknown"
    seen: liquidation_math.Situation = step_plan._examine(account)
    step_plan._check_unhealthy(len(seen.planned), seen.favourable, seen.favourable_maintenance)
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    index: uint256 = 0
    step, index = step_plan._calculate_step(seen, limit, False)
    step_plan._check_stage(step.stage)
    assert step.market_id != 0, "liquidation: all legs"
    assert step.notional != 0, "liquidation: over limit"
    size: int256 = convert(step.size, int256)
    if words._leg_size(seen.legs[index]) < 0:
        size = unsafe_sub(0, size)
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    money: int256 = 0
    conceded: uint256 = 0
    changes, money, conceded = extcall EXCHANGE.take(account, step.market_id, -size, step.price, makers)
    assert conceded <= step.fee, "liquidation: over penalty"
    step.fee = unsafe_sub(step.fee, conceded)
    step.keeper_fee = fixed_math._ppm_down(step.fee, liquidation_math.KEEPER_SHARE_PPM)
    to_keeper: int256 = convert(unsafe_add(step.keeper_fee, step.reserve), int256)
    changes.append(
        IClearinghouse.Change(
            account=account,
            size=-size,
            money=unsafe_sub(0, money) - to_keeper,
            fee=unsafe_sub(step.fee, step.keeper_fee),
            gate=GATE_NONE,
        )
    )
    changes.append(IClearinghouse.Change(account=keeper, size=0, money=to_keeper, fee=0, gate=GATE_NONE))
    extcall step_plan.CLEARINGHOUSE.trade(step.market_id, changes)
    log ILiquidationEngine.Matched(account=account, keeper=keeper, conceded=conceded)
    log ILiquidationEngine.Liquidated(
        account=account,
        keeper=keeper,
        market_id=step.market_id,
        stage=step.stage,
        size=size,
        price=step.price,
        fee=step.fee,
        keeper_fee=step.keeper_fee,
        reserve=step.reserve,
    )
    self._follow_flag(account)
    return step, conceded


@external
def flag(account: uint256) -> uint256:
    """
    @notice Start the account's clock when h < 1 at the favourable ends, clear it when h >= 1 at the index.
    @dev Between the two, as while a feed is silent, a clock neither starts nor stops.
    """
    return self._update_flag(account)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def plan_step(account: uint256) -> ILiquidationEngine.Step:
    """
    @notice What `liquidate` would do now without a limit; zeros for a healthy account.
    """
    seen: liquidation_math.Situation = step_plan._foresee(account)
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    index: uint256 = 0
    if not step_plan._is_healthy(len(seen.planned), seen.favourable, seen.favourable_maintenance):
        step, index = step_plan._calculate_step(seen, liquidation_math.MAX_LIMIT, True)
    return step


# ---------------------------------------------------------------
#                    INTERNAL: SLICES TO BUCKETS
# ---------------------------------------------------------------


@internal
@view
def _room_of_best(seen: liquidation_math.Situation) -> uint256:
    """
    @notice Notional (WAD) of the best leg that its bucket has room for; no limit in portfolio mode.
    """
    index: uint256 = liquidation_math._best_leg(seen.planned)
    # A bit of words._account_mode.
    if words._account_mode(seen.word) & step_plan.PORTFOLIO != 0 or index == step_plan.MAX_LEGS:
        return max_value(uint256)
    market_id: uint256 = risk_words._plan_id(seen.planned[index])
    size: int256 = words._leg_size(seen.legs[index])
    room: int256 = staticcall BACKSTOP.room(market_id, size, seen.prices[index])
    # A size below 2**113 and a price below 2**80.
    worth: uint256 = unsafe_mul(fixed_math._abs(room), words._price_price(seen.prices[index]))
    return unsafe_div(worth, step_plan.WAD)


@internal
@pure
def _taken(
    step: ILiquidationEngine.Step, seen: liquidation_math.Situation, index: uint256
) -> DynArray[int256, MAX_LEGS]:
    """
    @notice The signed size that a slice takes of each leg.
    """
    sizes: DynArray[int256, MAX_LEGS] = []
    for number: uint256 in range(len(seen.planned), bound=MAX_LEGS):
        held: int256 = words._leg_size(seen.legs[number])
        size: int256 = 0
        if step.market_id == 0 and risk_words._plan_usable(seen.planned[number]):
            size = liquidation_math._portion(held, step.size)
        elif step.market_id != 0 and number == index:
            size = convert(step.size, int256)
            if held < 0:
                size = unsafe_sub(0, size)
        sizes.append(size)
    return sizes


@internal
def _hand_over(
    account: uint256,
    keeper: uint256,
    step: ILiquidationEngine.Step,
    seen: liquidation_math.Situation,
    sizes: DynArray[int256, MAX_LEGS],
):
    """
    @notice A bucket takes each leg's slice for the index and its part of the fee, by notional.
    """
    last: uint256 = 0
    for number: uint256 in range(len(sizes), bound=MAX_LEGS):
        if sizes[number] != 0:
            last = number
    left: ILiquidationEngine.Step = step
    for number: uint256 in range(len(sizes), bound=MAX_LEGS):
        size: int256 = sizes[number]
        if size == 0:
            continue
        price: uint256 = words._price_price(seen.prices[number])
        part: ILiquidationEngine.Step = left
        if number != last:
            # A size below 2**113 and a price below 2**80; fees are below 2**120.
            notional: uint256 = unsafe_div(unsafe_mul(fixed_math._abs(size), price), step_plan.WAD)
            part.fee = unsafe_div(unsafe_mul(step.fee, notional), step.notional)
            part.keeper_fee = unsafe_div(unsafe_mul(step.keeper_fee, notional), step.notional)
            left.fee = unsafe_sub(left.fee, part.fee)
            left.keeper_fee = unsafe_sub(left.keeper_fee, part.keeper_fee)
        if step.reserve != 0:
            reserve: uint256 = risk_words._plan_reserve(seen.planned[number])
            part.reserve = unsafe_mul(reserve, step_plan.RESERVE_UNIT)
        market_id: uint256 = risk_words._plan_id(seen.planned[number])
        taken: int256 = extcall BACKSTOP.take(market_id, size, seen.prices[number])
        assert taken == size, "liquidation: bucket full"
        self._fill_bucket(account, keeper, market_id, size, price, part)


@internal
def _fill_bucket(
    account: uint256,
    keeper: uint256,
    market_id: uint256,
    size: int256,
    price: uint256,
    step: ILiquidationEngine.Step,
):
    """
    @notice Hand a signed size over to a bucket at the index price; who called gets his part in cash.
    """
    # A size below 2**113, a price below 2**96 and a fee below both's product: no overflow.
    money: int256 = fixed_math._wad_floor(unsafe_mul(size, convert(price, int256)))
    to_keeper: int256 = convert(unsafe_add(step.keeper_fee, step.reserve), int256)
    paid: int256 = convert(unsafe_add(step.fee, step.reserve), int256)
    bucket: uint256 = bits._first_account(BACKSTOP.address) | market_id  # bits._first_account
    changes: DynArray[IClearinghouse.Change, 3] = [
        IClearinghouse.Change(
            account=account, size=unsafe_sub(0, size), money=unsafe_sub(money, paid), fee=0, gate=GATE_NONE
        ),
        IClearinghouse.Change(
            account=bucket,
            size=size,
            money=unsafe_sub(unsafe_sub(paid, to_keeper), money),
            fee=0,
            gate=GATE_NONE,
        ),
        IClearinghouse.Change(account=keeper, size=0, money=to_keeper, fee=0, gate=GATE_NONE),
    ]
    extcall step_plan.CLEARINGHOUSE.trade(market_id, changes)
    log ILiquidationEngine.Liquidated(
        account=account,
        keeper=bucket,
        market_id=market_id,
        stage=step.stage,
        size=size,
        price=price,
        fee=step.fee,
        keeper_fee=step.keeper_fee,
        reserve=step.reserve,
    )


# ---------------------------------------------------------------
#                      INTERNAL: EXECUTION
# ---------------------------------------------------------------


@internal
def _execute_partial(
    account: uint256, keeper: uint256, step: ILiquidationEngine.Step, leg: uint256, gate: uint256
) -> uint256:
    """
    @notice Hand the slice over. Returns its market.
    @param leg the leg word that the slice is cut from
    """
    size: int256 = convert(step.size, int256)
    if words._leg_size(leg) < 0:
        size = -size
    self._take(account, keeper, step.market_id, size, step.price, step, gate)
    return step.market_id


@internal
def _execute_all(
    account: uint256,
    keeper: uint256,
    step: ILiquidationEngine.Step,
    seen: liquidation_math.Situation,
    last_gate: uint256,
) -> uint256:
    """
    @notice Hand all usable legs over, or the slice's fraction of each. The fee and the keeper's gate come with the last
            leg, whose market is returned.
    """
    fraction: uint256 = step_plan.WAD
    if step.stage == step_plan.PARTIAL:
        fraction = step.size
    last: uint256 = 0
    index: uint256 = 0
    for leg: uint256 in seen.planned:
        if self._moves(leg, seen.legs[index], fraction):
            last = index
        index = unsafe_add(index, 1)
    index = 0
    for leg: uint256 in seen.planned:
        if self._moves(leg, seen.legs[index], fraction):
            part: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
            gate: uint256 = GATE_NONE
            part.stage = step.stage
            if index == last:
                part.fee = step.fee
                part.keeper_fee = step.keeper_fee
                gate = last_gate
            if fraction == step_plan.WAD:
                part.reserve = unsafe_mul(risk_words._plan_reserve(leg), step_plan.RESERVE_UNIT)
            size: int256 = liquidation_math._portion(words._leg_size(seen.legs[index]), fraction)
            price: uint256 = words._price_price(seen.prices[index])
            self._take(account, keeper, risk_words._plan_id(leg), size, price, part, gate)
        index = unsafe_add(index, 1)
    return risk_words._plan_id(seen.planned[last])


@internal
@pure
def _moves(leg: uint256, leg_word: uint256, fraction: uint256) -> bool:
    """
    @notice Whether a slice of a fraction takes something of a leg; a whole close takes those without size, too.
    @param leg its plan word
    """
    if not risk_words._plan_usable(leg):
        return False
    return fraction == step_plan.WAD or liquidation_math._portion(words._leg_size(leg_word), fraction) != 0


@internal
def _take(
    account: uint256,
    keeper: uint256,
    market_id: uint256,
    size: int256,
    price: uint256,
    step: ILiquidationEngine.Step,
    gate: uint256,
):
    """
    @notice Hand a signed size over at the index price; the account pays fee and reserve.
    """
    if bits._owner(keeper) != convert(msg.sender, uint256):
        allowed: bool = staticcall step_plan.CLEARINGHOUSE.may_act(keeper, msg.sender, market_id, size)
        assert allowed, "account: not yours"
    # A size below 2**113, a price below 2**96 and a fee below both's product: no overflow.
    money: int256 = fixed_math._wad_floor(unsafe_mul(size, convert(price, int256)))
    to_keeper: int256 = convert(step.keeper_fee + step.reserve, int256)
    # Two parties: the bound of the call would cost memory.
    changes: DynArray[IClearinghouse.Change, 2] = [
        IClearinghouse.Change(
            account=account,
            size=unsafe_sub(0, size),
            money=unsafe_sub(money, to_keeper),
            fee=unsafe_sub(step.fee, step.keeper_fee),
            gate=GATE_NONE,
        ),
        IClearinghouse.Change(account=keeper, size=size, money=unsafe_sub(to_keeper, money), fee=0, gate=gate),
    ]
    extcall step_plan.CLEARINGHOUSE.trade(market_id, changes)
    log ILiquidationEngine.Liquidated(
        account=account,
        keeper=keeper,
        market_id=market_id,
        stage=step.stage,
        size=size,
        price=price,
        fee=step.fee,
        keeper_fee=step.keeper_fee,
        reserve=step.reserve,
    )


@internal
def _update_flag(account: uint256) -> uint256:
    """
    @notice Clear the clock at h >= 1 at the index, start it at h < 1 at the favourable ends; returns it.
    @dev One that is void starts anew: nobody needs to have stopped it when its account recovered.
         An account without legs is at h >= 1 even where its loss was paid by others.
    """
    seen: liquidation_math.Situation = step_plan._examine(account)
    started: uint256 = self.flagged_at[account]
    if len(seen.planned) == 0 or seen.equity >= convert(seen.maintenance, int256):
        if started != 0:
            self._set_flag(account, 0)
        return 0
    healthy: bool = step_plan._is_healthy(len(seen.planned), seen.favourable, seen.favourable_maintenance)
    void: bool = block.timestamp > started + LONGEST_CLOCK
    if void and not healthy:
        started = block.timestamp
        self._set_flag(account, started)
    return started


@internal
def _follow_flag(account: uint256):
    """
    @notice After a step: an account whose clock runs is looked at again.
    """
    if self.flagged_at[account] != 0:
        self._update_flag(account)


@internal
def _set_flag(account: uint256, time: uint256):
    self.flagged_at[account] = time
    log ILiquidationEngine.Flagged(account=account, flagged_at=time)
