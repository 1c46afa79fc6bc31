# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Close-out
@notice Whole accounts closed without anybody's capital: their legs go to Backstop buckets and to the whole other side of
        their markets, their shortfalls to the insurance fund, to the sides that won, and last to the deferred losses,
        which fees heal. The only way by which a shortfall is paid.
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
from interfaces import IExitQueue
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
ALONE: constant(uint256) = 5

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

# Seconds after which a clock is void, as the engine has it.
LONGEST_CLOCK: constant(uint256) = 86_400
# The fund's cash heals deferred losses at its size per week, at most an hour's worth at once.
HEAL_PERIOD: constant(uint256) = 7 * 86_400
HEAL_STEP: constant(uint256) = 3_600
MAX_REDUCE_AFTER_SECONDS: constant(uint256) = 86_400

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

ENGINE: public(immutable(ILiquidationEngine))
BACKSTOP: public(immutable(IBackstop))
# Owner of the bucket accounts, as a number.
BACKSTOP_OWNER: immutable(uint256)
EXIT_QUEUE: public(immutable(IExitQueue))
# How long the clock of an account above zero runs before its legs may be closed against other sides.
REDUCE_AFTER_SECONDS: public(immutable(uint256))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

# When deferred losses were last healed.
healed_at: public(uint256)

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(engine: address, insurance_fund: IInsuranceFund, backstop: IBackstop, reduce_after_seconds: uint256):
    """
    @param engine the LiquidationEngine, which keeps the clocks; its parameters hold here, too
    @param insurance_fund who pays shortfalls first
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
    queue_account: uint256 = staticcall clearinghouse.QUEUE_ACCOUNT()
    EXIT_QUEUE = IExitQueue(convert(queue_account >> 96, address))  # bits._owner
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


@external
def heal() -> uint256:
    """
    @notice Pay deferred losses down from the insurance fund's cash, by and by. See ICloseOut.
    @dev A week's flow at most an hour's worth at once: a deposit made for one transaction around a healing would
         otherwise take most of it.
    """
    elapsed: uint256 = min(block.timestamp - self.healed_at, HEAL_STEP)
    savings: uint256 = shortfall._savings()
    amount: uint256 = fixed_math._mul_div_down(savings, elapsed, HEAL_PERIOD)
    healed: uint256 = extcall step_plan.CLEARINGHOUSE.heal(amount)
    if healed != 0:
        self.healed_at = block.timestamp
    return healed


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
    step: ILiquidationEngine.Step = empty(ILiquidationEngine.Step)
    dust: uint256 = 0
    if len(seen.planned) == 0:
        # A silent feed counts at its last price: one wei of a token without a price hides no debt. The fund's own debt
        # is its savers'.
        if seen.equity >= 0 or account == shortfall.FUND_ACCOUNT:
            return HEALTHY, seen.equity
    else:
        if step_plan._is_healthy(len(seen.planned), seen.favourable, seen.favourable_maintenance):
            return HEALTHY, seen.equity
        dust = liquidation_math._dust(seen)
        due: bool = self._is_due(account, seen.equity, seen.maintenance, dust)
        if not due and alone:
            due = self._fits(account, seen)
        if not due:
            return WAITING, seen.equity
        step = step_plan._calculate_whole(seen, dust)
        if step.stage == step_plan.NOTHING:
            return STALE, seen.equity
    lacking: uint256 = 0
    if step_plan._is_bankrupt(seen.equity, dust):
        missing: int256 = unsafe_sub(convert(dust, int256), seen.equity)
        if self._has_silent(seen.planned):
            # What it lacks beside a silent leg is written off with that leg: until then it may stand in for nobody, nor
            # anybody for it. Only what is missing at that leg's favourable end is certain.
            if not alone:
                return ALONE, seen.equity
            missing = max(0, unsafe_sub(0, seen.favourable))
        lacking = convert(missing, uint256)
        if lacking != 0:
            # What it wanted to take out pays first.
            recalled: uint256 = extcall EXIT_QUEUE.recall(account, lacking)
            lacking = unsafe_sub(max(lacking, recalled), recalled)
            seen.base = unsafe_add(seen.base, convert(recalled, int256))
            seen.equity = unsafe_add(seen.equity, convert(recalled, int256))
    self._join(account, keeper, seen, step, lacking)
    return CLOSED, seen.equity


@internal
def _join(
    account: uint256,
    keeper: uint256,
    seen: liquidation_math.Situation,
    step: ILiquidationEngine.Step,
    lacking: uint256,
):
    """
    @notice Take a due account into the batch.
    @param lacking its shortfall
    """
    close_out_batch._add(account, seen, step, lacking, self._is_bucket(account))
    log ICloseOut.ClosedOut(
        account=account, keeper=keeper, equity=seen.equity, shortfall=lacking, fee=step.fee, reserve=step.reserve
    )


@internal
@pure
def _has_silent(planned: DynArray[uint256, step_plan.MAX_LEGS]) -> bool:
    """
    @notice Whether a leg has no usable price.
    """
    for plan: uint256 in planned:
        if not risk_words._plan_usable(plan):
            return True
    return False


@internal
@view
def _is_bucket(account: uint256) -> bool:
    return bits._owner(account) == BACKSTOP_OWNER


@internal
@view
def _is_due(account: uint256, equity: int256, maintenance: uint256, dust: uint256) -> bool:
    """
    @notice Below close-out, and bankrupt or with a clock that has run and is not void.
    """
    if not step_plan._is_below_close_out(equity, maintenance):
        return False
    if step_plan._is_bankrupt(equity, dust):
        return True
    started: uint256 = staticcall ENGINE.flagged_at(account)
    return block.timestamp >= started + REDUCE_AFTER_SECONDS and block.timestamp <= started + LONGEST_CLOCK


@internal
@view
def _fits(account: uint256, seen: liquidation_math.Situation) -> bool:
    """
    @notice Below close-out, and buckets take every leg that can go, but for less than a lot.
    """
    if self._is_bucket(account) or not step_plan._is_below_close_out(seen.equity, seen.maintenance):
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
    market_ids: DynArray[uint256, MAX_MARKETS] = self._market_ids()
    prices: DynArray[uint256, MAX_MARKETS] = staticcall step_plan.INDEX_ORACLE.prices(close_out_batch._markets)
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        if close_out_batch._shortfalls[number] != 0:
            self._hand_collateral_over(number)
    raised: shortfall.Raised = shortfall._raise(market_ids, prices)
    rank: uint256 = 0
    for market_id: uint256 in market_ids:
        long: uint256 = unsafe_mul(rank, 2)
        short: uint256 = unsafe_add(long, 1)
        self._close(
            market_id,
            prices[rank],
            [raised.charges[long], raised.charges[short]],
            [raised.lefts[long], raised.lefts[short]],
        )
        rank = unsafe_add(rank, 1)
    pivot: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    if close_out_batch._reserve != 0:
        extcall step_plan.CLEARINGHOUSE.pay(pivot, keeper, 0, close_out_batch._reserve)
    if close_out_batch._shortfall != 0:
        self._take_debts_over(pivot)
        loss: uint256 = extcall step_plan.CLEARINGHOUSE.write_off(pivot)
        if loss != 0:
            log ICloseOut.ShortfallPaid(account=pivot, market_id=0, stage=DEFERRED, side=0, amount=loss)
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        account: uint256 = close_out_batch._accounts[number]
        started: uint256 = staticcall ENGINE.flagged_at(account)
        if started != 0:
            extcall ENGINE.flag(account)


@internal
@view
def _market_ids() -> DynArray[uint256, MAX_MARKETS]:
    """
    @notice The batch's markets, ascending.
    """
    market_ids: DynArray[uint256, MAX_MARKETS] = []
    rest: uint256 = close_out_batch._markets
    for i: uint256 in range(MAX_MARKETS):
        if rest == 0:
            break
        market_ids.append(bits._lowest(rest))
        rest = bits._without_lowest(rest)
    return market_ids


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
def _take_debts_over(pivot: uint256):
    """
    @notice A debt passes to the pivot with its account's last leg; of an account that had none, here.
    """
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        owed: uint256 = close_out_batch._shortfalls[number]
        if owed != 0 and number != close_out_batch._pivot and close_out_batch._markets_of[number] == 0:
            extcall step_plan.CLEARINGHOUSE.pay(pivot, close_out_batch._accounts[number], 0, owed)


@internal
def _close(market_id: uint256, price_word: uint256, charges: uint256[2], lefts: uint256[2]):
    """
    @notice Take a market's legs out in one trade: accounts, charges of sides, then what the bucket takes and what is
            closed of the other side.
    @dev Money is for size at the index, rounded down for who leaves; shortfalls and reserves pass through the pivot;
         whoever takes the rest gets what balances.
    @param charges of the long and of the short side
    @param lefts what is left of them without the batch, plus one; 0 where that is not known
    """
    price: int256 = convert(words._price_price(price_word), int256)
    long: uint256 = 0
    short: uint256 = 0
    long, short = close_out_batch._leaving(market_id)
    # Sums of twenty sizes below 2**113.
    net: int256 = unsafe_sub(convert(long, int256), convert(short, int256))
    against: uint256 = SHORT if net > 0 else LONG
    taken: int256 = 0
    # A bucket does not take its own legs.
    if net != 0 and not bits._has(close_out_batch._bucket_markets, market_id):
        taken = extcall BACKSTOP.take(market_id, net, price_word)
    rest: int256 = unsafe_sub(net, taken)
    # Where a bucket has taken all that the side has, the rest is what the sides parted by.
    reduces: bool = rest != 0 and self._has_more(market_id, against, lefts[unsafe_sub(against, 1)], taken)
    # Fees go to who takes legs; of what is netted to the fund.
    handed: uint256 = 0
    if taken != 0 or reduces:
        handed = fixed_math._abs(net)
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    fees: int256 = 0
    # What the pivot gets, and what is left for who takes the rest.
    through_pivot: int256 = 0
    balance: int256 = 0
    changes, fees, through_pivot, balance = self._leave(market_id, price, handed, unsafe_add(long, short))
    for side: uint256 in [LONG, SHORT]:
        charge: int256 = convert(charges[unsafe_sub(side, 1)], int256)
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
    if close_out_batch._holds(close_out_batch._pivot, market_id):
        changes[self._place_of_pivot(market_id)].money += through_pivot
    elif through_pivot != 0:
        pivot: uint256 = close_out_batch._accounts[close_out_batch._pivot]
        changes.append(
            IClearinghouse.Change(account=pivot, size=0, money=through_pivot, fee=0, gate=GATE_NONE)
        )
    extcall step_plan.CLEARINGHOUSE.trade(market_id, changes)


@internal
@view
def _has_more(market_id: uint256, side: uint256, known: uint256, taken: int256) -> bool:
    """
    @notice Whether a side has more, without the batch, than what a bucket takes over.
    @param known what is left of the side, plus one; 0 where that is not known
    """
    left: uint256 = unsafe_sub(known, 1)
    minimum: uint256 = 0
    if known == 0:
        left, minimum = shortfall._left(market_id, side)
    return left > fixed_math._abs(taken)


@internal
@view
def _leave(
    market_id: uint256, price: int256, handed: uint256, gross: uint256
) -> (DynArray[IClearinghouse.Change, MAX_CHANGES], int256, int256, int256):
    """
    @notice The changes of the accounts of the batch, the fees for who takes their legs, what passes through the pivot,
            and what their money leaves for others.
    @param handed of the size of all legs, `gross`, so much is taken by others
    """
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    fees: int256 = 0
    through_pivot: int256 = 0
    balance: int256 = 0
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        if not close_out_batch._holds(number, market_id):
            continue
        entry: uint256 = close_out_batch._entry(number, market_id)
        size: int256 = words._leg_size(close_out_batch._legs[entry])
        fee: uint256 = close_out_batch._fees[entry]
        to_taker: uint256 = 0
        if fee != 0 and gross != 0:
            # A fee below 2**120, sizes below 2**118.
            to_taker = unsafe_div(unsafe_mul(fee, handed), gross)
        passed: int256 = close_out_batch._passed_on(number, market_id)
        # A size below 2**113 and a price below 2**80.
        money: int256 = unsafe_sub(fixed_math._wad_floor(unsafe_mul(size, price)), passed)
        money = unsafe_sub(money, convert(to_taker, int256))
        fees = unsafe_add(fees, convert(to_taker, int256))
        through_pivot = unsafe_add(through_pivot, passed)
        balance = unsafe_sub(balance, money)
        changes.append(
            IClearinghouse.Change(
                account=close_out_batch._accounts[number],
                size=unsafe_sub(0, size),
                money=money,
                fee=unsafe_sub(fee, to_taker),
                gate=GATE_NONE,
            )
        )
    return changes, fees, through_pivot, balance


@internal
@view
def _place_of_pivot(market_id: uint256) -> uint256:
    """
    @notice Where the pivot stands among the accounts that hold a leg of a market.
    """
    place: uint256 = 0
    for number: uint256 in range(close_out_batch._pivot, bound=MAX_BATCH):
        if close_out_batch._holds(number, market_id):
            place = unsafe_add(place, 1)
    return place
