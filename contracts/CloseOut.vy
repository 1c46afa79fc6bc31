# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Close-out
@notice Whole accounts closed without anybody's capital: their legs go to Backstop buckets and to the whole other side of
        their markets, their shortfalls to the insurance fund, to the sides that won, and last to the deferred losses.
@dev `seawall/spec/close_out.py` is the same in Python. A batch is valued before anything moves; its accounts come in
     ascending order, so that nobody chooses one. No call reaches an account's owner.
@custom:kill None: the owner of the Clearinghouse can revoke the rights of this contract.
@custom:security Holds the TRADE, PAY, LOSS and WATERFALL rights of the Clearinghouse. Anyone may call; nobody chooses
                 who is closed against, charged or paid.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IBackstop
from interfaces import IClearinghouse
from interfaces import ICloseOut
implements: ICloseOut
from interfaces import IIndexOracle
from interfaces import IInsuranceFund
from interfaces import ILiquidationEngine
from interfaces import IMarginModel


# What the rates of both engines are taken from.
interface Parameters:
    def TARGET_BUFFER_PPM() -> uint256: view
    def PENALTY_MIN_PPM() -> uint256: view
    def PENALTY_MAX_PPM() -> uint256: view
    def CLOSE_OUT_PPM() -> uint256: view
    def KEEPER_SHARE_PPM() -> uint256: view
    def CLEARINGHOUSE() -> IClearinghouse: view
    def INDEX_ORACLE() -> IIndexOracle: view
    def MARGIN_MODEL() -> IMarginModel: view
    def INSURANCE_FUND() -> IInsuranceFund: view


# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # bitmaps, accounts
from contracts.modules import close_out_batch  # the accounts of a call
initializes: close_out_batch
from contracts.modules import fixed_math  # written roundings
from contracts.modules import liquidation_math  # penalties
initializes: liquidation_math
from contracts.modules import risk_words  # layout of plans
from contracts.modules import step_plan  # accounts, whole closes
initializes: step_plan[liquidation_math := liquidation_math]
from contracts.modules import shortfall  # who pays
initializes: shortfall[close_out_batch := close_out_batch, step_plan := step_plan]
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    step_plan.CLEARINGHOUSE,
    step_plan.INDEX_ORACLE,
    step_plan.MARGIN_MODEL,
    shortfall.INSURANCE_FUND,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

DEFERRED: constant(uint256) = 6

CLOSED: constant(uint256) = 0
HEALTHY: constant(uint256) = 1
STALE: constant(uint256) = 2
OWN_ACCOUNT: constant(uint256) = 3
WAITING: constant(uint256) = 4

GATE_NONE: constant(uint256) = 0
PPM: constant(uint256) = 10**6
MAX_BATCH: constant(uint256) = 20
MAX_MARKETS: constant(uint256) = 24
# Accounts, the pivot, both sides and a bucket.
MAX_CHANGES: constant(uint256) = 24
MAX_TOKENS: constant(uint256) = 8
LOT: constant(int256) = 10**12
LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2

MAX_REDUCE_AFTER_SECONDS: constant(uint256) = 86_400

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

ENGINE: public(immutable(ILiquidationEngine))
BACKSTOP: public(immutable(IBackstop))
# Owner of the bucket accounts, as a number.
BACKSTOP_OWNER: immutable(uint256)
# How long the clock of an account above zero runs before its legs may be closed against other sides.
REDUCE_AFTER_SECONDS: public(immutable(uint256))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(engine: address, backstop: IBackstop, reduce_after_seconds: uint256):
    """
    @param engine the LiquidationEngine, which keeps the clocks; its parameters hold here, too
    @param backstop whose buckets take legs first
    @param reduce_after_seconds at most a day
    """
    assert reduce_after_seconds <= MAX_REDUCE_AFTER_SECONDS, "closing: reduce after"
    ENGINE = ILiquidationEngine(engine)
    BACKSTOP = backstop
    BACKSTOP_OWNER = convert(backstop.address, uint256)
    REDUCE_AFTER_SECONDS = reduce_after_seconds
    terms: Parameters = Parameters(engine)
    clearinghouse: IClearinghouse = staticcall terms.CLEARINGHOUSE()
    index_oracle: IIndexOracle = staticcall terms.INDEX_ORACLE()
    margin_model: IMarginModel = staticcall terms.MARGIN_MODEL()
    step_plan.__init__(clearinghouse, index_oracle, margin_model)
    insurance_fund: IInsuranceFund = staticcall terms.INSURANCE_FUND()
    shortfall.__init__(insurance_fund)
    target_buffer: uint256 = staticcall terms.TARGET_BUFFER_PPM()
    penalty_min: uint256 = staticcall terms.PENALTY_MIN_PPM()
    penalty_max: uint256 = staticcall terms.PENALTY_MAX_PPM()
    close_out: uint256 = staticcall terms.CLOSE_OUT_PPM()
    keeper_share: uint256 = staticcall terms.KEEPER_SHARE_PPM()
    liquidation_math.__init__(target_buffer, penalty_min, penalty_max, close_out, keeper_share)


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def close_out(account: uint256, keeper: uint256) -> int256:
    """
    @notice Close a due account whole at the index. See ICloseOut.
    """
    self._begin(keeper)
    status: uint256 = 0
    equity: int256 = 0
    status, equity = self._look(account, keeper, True)
    assert status != OWN_ACCOUNT, "closing: own account"
    assert status != HEALTHY, "closing: healthy"
    assert status != STALE, "closing: price stale"
    assert status == CLOSED, "closing: not due"
    self._resolve(keeper)
    return equity


@external
def close_many(accounts: DynArray[uint256, MAX_BATCH], keeper: uint256) -> DynArray[uint256, MAX_BATCH]:
    """
    @notice Close all due accounts of an ascending list as one; a status each. See ICloseOut.
    """
    self._begin(keeper)
    statuses: DynArray[uint256, MAX_BATCH] = []
    last: uint256 = 0
    for account: uint256 in accounts:
        assert account > last, "closing: not ascending"
        last = account
        status: uint256 = 0
        equity: int256 = 0
        status, equity = self._look(account, keeper, False)
        statuses.append(status)
    assert bits._count(close_out_batch._markets) <= MAX_MARKETS, "closing: too many markets"
    if close_out_batch._count != 0:
        self._resolve(keeper)
    return statuses


# ---------------------------------------------------------------
#                       INTERNAL: WHO IS DUE
# ---------------------------------------------------------------


@internal
def _begin(keeper: uint256):
    assert bits._owner(keeper) != 0, "account: unknown"
    close_out_batch._begin()


@internal
def _look(account: uint256, keeper: uint256, alone: bool) -> (uint256, int256):
    """
    @notice Status and equity of an account; one that is due joins the batch.
    @param alone whether no other account does: then it is due, too, where buckets take all of it
    """
    if account == keeper:
        return OWN_ACCOUNT, 0
    seen: liquidation_math.Situation = step_plan._examine(account)
    if step_plan._is_healthy(len(seen.planned), seen.favourable, seen.favourable_maintenance):
        return HEALTHY, seen.equity
    due: bool = self._is_due(account, seen.equity, seen.maintenance)
    if not due and alone:
        due = self._fits(account, seen)
    if not due:
        return WAITING, seen.equity
    step: ILiquidationEngine.Step = step_plan._calculate_whole(seen)
    if step.stage == step_plan.NOTHING:
        return STALE, seen.equity
    missing: uint256 = close_out_batch._add(account, seen, step)
    log ICloseOut.ClosedOut(
        account=account, keeper=keeper, equity=seen.equity, shortfall=missing, fee=step.fee, reserve=step.reserve
    )
    return CLOSED, seen.equity


@internal
@view
def _is_due(account: uint256, equity: int256, maintenance: uint256) -> bool:
    """
    @notice At or below zero; or below close-out, with a clock that has run.
    """
    if equity <= 0:
        return True
    if not self._is_below_close_out(equity, maintenance):
        return False
    started: uint256 = staticcall ENGINE.flagged_at(account)
    return started != 0 and block.timestamp >= started + REDUCE_AFTER_SECONDS


@internal
@view
def _is_below_close_out(equity: int256, maintenance: uint256) -> bool:
    # Equity and maintenance are below 2**160, rates below 2**21: no overflow.
    line: int256 = convert(unsafe_mul(maintenance, liquidation_math.CLOSE_OUT_PPM), int256)
    return unsafe_mul(equity, convert(PPM, int256)) < line


@internal
@view
def _fits(account: uint256, seen: liquidation_math.Situation) -> bool:
    """
    @notice Below close-out, and buckets take every leg that can go, but for less than a lot.
    """
    if bits._owner(account) == BACKSTOP_OWNER or not self._is_below_close_out(seen.equity, seen.maintenance):
        return False
    index: uint256 = 0
    for plan: uint256 in seen.planned:
        if risk_words._plan_usable(plan):
            size: int256 = words._leg_size(seen.legs[index])
            taken: int256 = staticcall BACKSTOP.room(risk_words._plan_id(plan), size, seen.prices[index])
            if fixed_math._magnitude(unsafe_sub(size, taken)) >= LOT:
                return False
        index = unsafe_add(index, 1)
    return True


# ---------------------------------------------------------------
#                      INTERNAL: RESOLUTION
# ---------------------------------------------------------------


@internal
def _resolve(keeper: uint256):
    """
    @notice Close all accounts of the batch as one.
    """
    prices: DynArray[uint256, MAX_MARKETS] = staticcall step_plan.INDEX_ORACLE.prices(close_out_batch._markets)
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        if close_out_batch._shortfalls[number] != 0:
            self._hand_collateral_over(number)
    shortfall._raise(prices)
    rest: uint256 = close_out_batch._markets
    for price_word: uint256 in prices:
        market_id: uint256 = bits._lowest(rest)
        rest = bits._without_lowest(rest)
        self._close(market_id, price_word)
    pivot: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    if close_out_batch._reserve != 0:
        extcall step_plan.CLEARINGHOUSE.pay(pivot, keeper, 0, close_out_batch._reserve)
    if close_out_batch._shortfall != 0:
        loss: uint256 = extcall step_plan.CLEARINGHOUSE.write_off(pivot)
        if loss != 0:
            log ICloseOut.ShortfallPaid(account=pivot, market_id=0, stage=DEFERRED, side=0, amount=loss)
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        account: uint256 = close_out_batch._accounts[number]
        started: uint256 = staticcall ENGINE.flagged_at(account)
        if started != 0:
            extcall ENGINE.flag(account)


@internal
def _hand_collateral_over(number: uint256):
    """
    @notice The fund takes the collateral and pays what it counts for in maintenance, from below zero if need be.
    """
    account: uint256 = close_out_batch._accounts[number]
    word: uint256 = staticcall step_plan.CLEARINGHOUSE.account_word(account)
    rest: uint256 = words._account_collateral(word)
    for i: uint256 in range(MAX_TOKENS):
        if rest == 0:
            break
        token_id: uint256 = bits._lowest(rest) + 1
        rest = bits._without_lowest(rest)
        extcall step_plan.CLEARINGHOUSE.pay(account, shortfall.FUND_ACCOUNT, token_id, max_value(uint256))
    worth: int256 = close_out_batch._worths[number]
    if worth > 0:
        extcall step_plan.CLEARINGHOUSE.pay(shortfall.FUND_ACCOUNT, account, 0, convert(worth, uint256))


@internal
def _close(market_id: uint256, price_word: uint256):
    """
    @notice Take a market's legs out in one trade: accounts, charges of sides, then what the bucket takes and what is
            closed of the other side.
    @dev Money is for size at the index, rounded down for who leaves; shortfalls and reserves pass through the pivot;
         whoever takes the rest gets what balances.
    """
    price: int256 = convert(words._price_price(price_word), int256)
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    net: int256 = 0
    fees: int256 = 0
    # What the pivot gets, and what is left for who takes the rest.
    through_pivot: int256 = 0
    balance: int256 = 0
    pivot: uint256 = close_out_batch._pivot
    pivot_index: uint256 = MAX_CHANGES
    of_bucket: bool = False
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        held: bool = False
        entry: uint256 = 0
        held, entry = close_out_batch._entry(number, market_id)
        if not held:
            continue
        account: uint256 = close_out_batch._accounts[number]
        of_bucket = of_bucket or bits._owner(account) == BACKSTOP_OWNER
        size: int256 = words._leg_size(close_out_batch._legs[entry])
        passed: int256 = close_out_batch._passed_on(number, entry, market_id)
        fee: uint256 = close_out_batch._fees[entry]
        # A size below 2**113 and a price below 2**80.
        money: int256 = unsafe_sub(fixed_math._wad_floor(unsafe_mul(size, price)), passed)
        net = unsafe_add(net, size)
        fees = unsafe_add(fees, convert(fee, int256))
        through_pivot = unsafe_add(through_pivot, passed)
        balance = unsafe_sub(balance, money)
        if number == pivot:
            pivot_index = len(changes)
        changes.append(
            IClearinghouse.Change(account=account, size=unsafe_sub(0, size), money=money, fee=fee, gate=GATE_NONE)
        )
    against: uint256 = SHORT if net > 0 else LONG
    taken: int256 = 0
    # A bucket does not take its own legs.
    if net != 0 and not of_bucket:
        taken = extcall BACKSTOP.take(market_id, net, price_word)
    rest: int256 = unsafe_sub(net, taken)
    reduces: bool = False
    if rest != 0:
        # Where a bucket has taken all that the side has, the rest is what the sides parted by.
        left: uint256 = 0
        minimum: uint256 = 0
        left, minimum = shortfall._left(market_id, against)
        reduces = convert(left, int256) > fixed_math._magnitude(taken)
    if taken != 0 or reduces:
        # The fee goes to who takes the legs; where all are netted it stays a fee, the fund's.
        for i: uint256 in range(len(changes), bound=MAX_CHANGES):
            changes[i].money -= convert(changes[i].fee, int256)
            changes[i].fee = 0
        balance = unsafe_add(balance, fees)
    for side: uint256 in [LONG, SHORT]:
        charge: int256 = convert(shortfall._charge_of(market_id, side), int256)
        through_pivot = unsafe_add(through_pivot, charge)
        # Booked before the bucket buys anything back; with the reduction where there is none.
        if charge != 0 and not (reduces and taken == 0 and side == against):
            balance = unsafe_add(balance, charge)
            changes.append(
                IClearinghouse.Change(account=side, size=0, money=unsafe_sub(0, charge), fee=0, gate=GATE_NONE)
            )
    balance = unsafe_sub(balance, through_pivot)
    if taken != 0:
        bought: int256 = balance
        if reduces:
            # Of the same sign.
            share: int256 = fixed_math._mul_div_floor(
                fees, fixed_math._magnitude(taken), fixed_math._magnitude(net)
            )
            bought = unsafe_sub(share, fixed_math._wad_ceil(unsafe_mul(taken, price)))
        balance = unsafe_sub(balance, bought)
        bucket: uint256 = bits._first_account(BACKSTOP.address) | market_id  # bits._first_account
        changes.append(
            IClearinghouse.Change(account=bucket, size=taken, money=bought, fee=0, gate=GATE_NONE)
        )
    elif not reduces:
        # What netting rounded off, or what the sides have parted by, is the pivot's.
        through_pivot = unsafe_add(through_pivot, balance)
        balance = 0
    if rest != 0:
        changes.append(IClearinghouse.Change(account=against, size=rest, money=balance, fee=0, gate=GATE_NONE))
    if pivot_index != MAX_CHANGES:
        changes[pivot_index].money += through_pivot
    elif through_pivot != 0:
        changes.append(
            IClearinghouse.Change(
                account=close_out_batch._accounts[pivot], size=0, money=through_pivot, fee=0, gate=GATE_NONE
            )
        )
    extcall step_plan.CLEARINGHOUSE.trade(market_id, changes)
