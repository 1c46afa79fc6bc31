# pragma version ==0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Clearinghouse
@notice Custody, ledger and margin gate: the only contract that holds tokens and writes margin accounts.
@custom:kill The owner may make every market reduce-only; closing, depositing and liquidating always stay open.
@custom:security Modules act through verb rights that only the owner grants. The margin rule (P6) is run here,
                 whoever calls. The oracle and the margin model are fixed at deployment and never call back.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
implements: IClearinghouse
from interfaces import IExitQueue
from interfaces import IIndexOracle
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from snekmate.auth import ownable  # base of ownable_2step
initializes: ownable
from snekmate.auth import ownable_2step  # the timelock accepts its role in a second step
initializes: ownable_2step[ownable := ownable]

from contracts.modules import ledger  # accounts, positions, markets, sides
initializes: ledger
from contracts.modules import custody  # tokens, totals, deferred losses
initializes: custody[ledger := ledger]
from contracts.modules import margin_gate  # the margin rule
initializes: margin_gate[ledger := ledger, custody := custody]
from contracts.modules import bits  # owners of accounts, bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import reasons  # short reverts
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    ledger.account_word,
    ledger.position_word,
    ledger.market_words,
    ledger.side_word,
    custody.token_word,
    custody.collateral_of,
    custody.totals,
    custody.FEE_ACCOUNT,
    custody.QUEUE_ACCOUNT,
    margin_gate.MARGIN_MODEL,
    margin_gate.INDEX_ORACLE,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

TRADE: constant(uint256) = 1
PAY: constant(uint256) = 2
FUNDING: constant(uint256) = 4
LOSS: constant(uint256) = 8
WATERFALL: constant(uint256) = 16
# The guardian's right: tighten a market at once.
RESTRICT: constant(uint256) = 32
# A module whose savers wait elsewhere: its accounts withdraw beyond their principal at once.
EXIT: constant(uint256) = 64
ALL_VERBS: constant(uint256) = 127

# From WATERFALL to bit 7 of an account word's mode, IMarginModel's takeover.
# Beside portfolio mode it asks for its least equity, see MarginModel.
OPTING_IN: constant(uint256) = 64
TAKEOVER_SHIFT: constant(uint256) = 139
# The only mode bit that is stored: portfolio margin.
PORTFOLIO: constant(uint256) = 1

LISTED: constant(uint256) = 1
REDUCE_ONLY: constant(uint256) = 2

GATE_NONE: constant(uint256) = 0

MAX_CHANGES: constant(uint256) = 24
MAX_MARKET_ID: constant(uint256) = 127
TICK: constant(int256) = 10**6

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

modules: public(HashMap[address, uint256])
# owner -> operator -> operator word
_operators: HashMap[address, HashMap[address, uint256]]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    settlement: address,
    limits: uint256,
    margin_model: IMarginModel,
    index_oracle: IIndexOracle,
    insurance_fund: address,
    exit_queue: address,
    owner: address,
):
    """
    @param settlement the settlement token, token 0
    @param limits deposit cap and outflow limit of the settlement token, see `set_token`
    @param insurance_fund its account `insurance_fund << 96` earns the fees; its code may come later
    @param exit_queue its account `exit_queue << 96` holds what waits; its code may come later
    @param owner who grants rights and sets terms
    """
    ownable.__init__()
    ownable_2step.__init__()
    assert owner != empty(address), "clearinghouse: no owner"
    ownable._transfer_ownership(owner)
    margin_gate.__init__(margin_model, index_oracle)
    custody.__init__(insurance_fund, exit_queue)
    custody._set_token(0, settlement, limits)


# ---------------------------------------------------------------
#                         USER ACTIONS
# ---------------------------------------------------------------


@external
def deposit(account: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Pull `amount` (native units) of a token from the caller and credit what arrived.
    @dev See IClearinghouse.
    """
    token: uint256 = custody._listed(token_id)
    self._check_account(account)
    received: uint256 = custody._pull(token, amount)
    credit: uint256 = received
    if token_id == 0:
        credit = custody._credit_settlement(account, token, received)
    else:
        # Nobody may fill a stranger's portfolio with dust.
        self._check_mine(account)
        custody._credit_collateral(account, token_id, token, received)
    log IClearinghouse.Deposited(account=account, token_id=token_id, amount=received, credited=credit)
    return credit


@external
def withdraw(account: uint256, token_id: uint256, amount: uint256, receiver: address) -> (uint256, uint256):
    """
    @notice Debit `amount` (native units) from the caller's account and send it to `receiver`.
    @dev See IClearinghouse.
    """
    token: uint256 = custody._listed(token_id)
    self._check_owner(account, amount)
    assert receiver != empty(address) and receiver != self
    paid: uint256 = amount
    queued: uint256 = 0
    if token_id == 0:
        unit: uint256 = custody._unit(token)
        # amount < 2**111 and unit <= 10**18: no overflow. What was put in, rounded down, may leave at once.
        free: uint256 = unsafe_div(custody._lower_principal(account, unsafe_mul(amount, unit)), unit)
        if free != amount and self.modules[msg.sender] & EXIT != 0:  # a right as bits._has reads it
            free = amount
        paid, free = custody._debit_settlement(account, token, unit, free)
        # Debited is no more than was asked for.
        queued = unsafe_sub(amount, free)
        if queued != 0 and account != custody.QUEUE_ACCOUNT:
            self._move(account, custody.QUEUE_ACCOUNT, 0, unsafe_mul(queued, unit))
            queue: IExitQueue = IExitQueue(convert(custody.QUEUE_ACCOUNT >> 96, address))  # bits._owner
            extcall queue.enqueue(account, receiver, queued)
    else:
        custody._debit_collateral(account, token_id, amount)
    margin_gate._check_exit(account)
    log IClearinghouse.Withdrawn(
        account=account, token_id=token_id, receiver=receiver, amount=amount, paid=paid, queued=queued)
    if paid != 0:
        custody._push(token, receiver, paid)
    return paid, queued


@external
def transfer(sender: uint256, receiver: uint256, amount: uint256):
    """
    @notice Move WAD cash from one of the caller's accounts to any account, under the rule of a withdrawal.
    """
    self._check_owner(sender, amount)
    self._check_account(receiver)
    if sender == receiver:
        reasons._fail(reasons.ACCOUNT_UNKNOWN)
    self._move(sender, receiver, 0, amount)
    custody._carry_principal(sender, receiver, amount)
    margin_gate._check_exit(sender)


@external
def set_mode(account: uint256, mode: uint256):
    """
    @notice Choose standard (0) or portfolio (1) margin; the account must meet the initial margin of the new mode, and with
            legs opt in with no less than the least equity.
    """
    self._check_mine(account)
    assert mode <= PORTFOLIO
    old: uint256 = ledger._accounts[account]
    cash: int256 = words._account_cash(old)
    bitmap: uint256 = words._account_bitmap(old)
    ledger._accounts[account] = words._account(cash, mode, bitmap)
    log IClearinghouse.ModeSet(account=account, mode=mode)
    asked: uint256 = words._account(cash, mode * (1 + OPTING_IN), bitmap)
    margin_gate._check_account(account, asked, margin_gate.GATE_INITIAL)


@external
def set_operator(operator: address, until: uint256, markets: uint256, max_size: uint256):
    """
    @notice Let `operator` trade for all sub-accounts of the caller; `until` 0 revokes.
    """
    assert operator != empty(address)
    self._operators[msg.sender][operator] = words._operator(until, max_size, markets)
    log IClearinghouse.OperatorSet(
        owner=msg.sender, operator=operator, until=until, markets=markets, max_size=max_size
    )


@external
def settle(account: uint256, market_id: uint256):
    """
    @notice Carry a leg of an ended epoch into the present one, or into cash when nothing of it is left.
    """
    markets: uint256 = words._account_markets(ledger._accounts[account])
    if (markets >> market_id) & 1 == 0:  # bits._has
        reasons._fail(reasons.MARKET_UNKNOWN)
    ledger._settle(account, market_id)


# ---------------------------------------------------------------
#                        MODULE ACTIONS
# ---------------------------------------------------------------


@external
def trade(market_id: uint256, changes: DynArray[IClearinghouse.Change, MAX_CHANGES]):
    """
    @notice Apply size and money changes that each sum to zero, then run the gate of each party.
    @dev See IClearinghouse.
    """
    rights: uint256 = self._check_right(TRADE)
    terms: uint256 = self._check_market(market_id)
    self._apply(market_id, terms, rights & WATERFALL != 0, changes)
    bitmap: uint256 = 0
    prices: DynArray[uint256, 24] = []
    for change: IClearinghouse.Change in changes:
        if change.gate == GATE_NONE:
            continue
        # Whoever takes over what a liquidation closes adds no open interest: a mode bit, see words._account_mode.
        word: uint256 = ledger._accounts[change.account] | ((rights & WATERFALL) << TAKEOVER_SHIFT)
        legs: uint256 = words._account_bitmap(word)
        # Parties that hold the same markets share one answer of the oracle; cash alone needs none.
        if legs != bitmap and legs != 0:
            bitmap = legs
            prices = margin_gate._refresh(bitmap)
        if margin_gate._check_margin(change, market_id, word, prices):
            seen: uint256 = 0
            for other: IClearinghouse.Change in changes:
                if other.account == change.account:
                    seen = unsafe_add(seen, 1)
            assert seen == 1


@external
def pay(sender: uint256, receiver: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Move WAD cash (which may leave the sender negative) or native collateral (clamped) between accounts.
    """
    rights: uint256 = self._check_right(PAY)
    self._check_account(receiver)
    custody._listed(token_id)
    # Cash that buys collateral, which leaves at once, must not be free to leave again. Whoever settles losses pays out
    # of accounts that it closes.
    if token_id == 0 and rights & LOSS == 0:  # a right as bits._has reads it
        custody._lower_principal(sender, amount)
    return self._move(sender, receiver, token_id, amount)


@external
def set_funding_rate(market_id: uint256, rate: int256):
    """
    @notice Accrue funding at the old rate, then set the new one.
    """
    self._check_right(FUNDING)
    self._check_market(market_id)
    assert rate % TICK == 0
    market: ledger.Market = ledger._load_market(market_id)
    log IClearinghouse.FundingRateSet(
        market_id=market_id, old_rate=market.rate, new_rate=rate, funding_index=market.funding
    )
    market.rate = rate
    open_interest: uint256 = ledger._open_interest(market)
    ledger._store_market(market_id, market, open_interest)


@external
def write_off(account: uint256) -> uint256:
    """
    @notice Turn the negative cash of an account without legs into a deferred loss; 0 where there is none.
    """
    self._check_right(LOSS)
    word: uint256 = ledger._accounts[account]
    cash: int256 = words._account_cash(word)
    if words._account_bitmap(word) != 0 or cash >= 0:
        return 0
    # Cash is an int112.
    loss: int256 = unsafe_sub(0, cash)
    custody._defer(account, loss)
    return convert(loss, uint256)


@external
def heal(amount: uint256) -> uint256:
    """
    @notice Pay deferred losses down from the insurance fund's cash, clamped to both.
    """
    self._check_right(LOSS)
    totals: custody.Totals = custody._load_totals()
    healed: uint256 = custody._healable(min(amount, totals.deferred))
    if healed != 0:
        # An account's cash is an int112.
        custody._defer(custody.FEE_ACCOUNT, unsafe_sub(0, convert(healed, int256)))
    return healed


# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@external
def set_market(market_id: uint256, terms: uint256):
    """
    @notice List a market or change its terms word; a listed market stays listed.
    """
    ownable._check_owner()
    assert market_id != 0
    assert words._terms_mode(terms) & LISTED != 0
    self._set_terms(market_id, terms)


@external
def set_token(token_id: uint256, asset: address, limits: uint256):
    """
    @notice List a collateral token or change a token's limits.
    """
    ownable._check_owner()
    custody._set_token(token_id, asset, limits)


@external
def set_module(module: address, verbs: uint256):
    """
    @notice Grant or revoke verb rights.
    """
    ownable._check_owner()
    assert verbs <= ALL_VERBS
    log IClearinghouse.ModuleSet(module=module, old_verbs=self.modules[module], new_verbs=verbs)
    self.modules[module] = verbs


@external
def restrict(market_id: uint256):
    """
    @notice Make a market reduce-only at once: owner, or a guardian with the RESTRICT right. Only the owner loosens.
    """
    if msg.sender != ownable.owner:
        self._check_right(RESTRICT)
    terms: uint256 = self._check_market(market_id)
    # A bit of words._terms_mode, which fills the lowest byte.
    self._set_terms(market_id, terms | REDUCE_ONLY)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def portfolio(account: uint256) -> (uint256, int256, DynArray[uint256, 24]):
    """
    @notice Account word, base and legs; equity before reserve = base + sum(size * price) + collateral.
    """
    word: uint256 = ledger._accounts[account]
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    base, legs = margin_gate._portfolio(account, word)
    return word, base, legs


@external
@view
def may_act(account: uint256, actor: address, market_id: uint256, size: int256) -> bool:
    """
    @notice Whether `actor` owns the account, or is an operator of its owner for this market and size.
    """
    owner: address = convert(account >> 96, address)  # bits._owner
    if actor == owner:
        return True
    word: uint256 = self._operators[owner][actor]
    if words._operator_until(word) < block.timestamp:
        return False
    allowed: uint256 = words._operator_markets(word) >> market_id  # bits._has
    largest: int256 = convert(words._operator_max_size(word), int256)
    # bits._has
    return allowed & 1 == 1 and fixed_math._magnitude(size) <= largest


@external
@view
def check_nonreentrant():
    """
    @notice Reverts while the Clearinghouse is in the middle of an action.
    """
    pass


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_right(verb: uint256) -> uint256:
    rights: uint256 = self.modules[msg.sender]
    if rights & verb == 0:  # a right as bits._has reads it
        reasons._fail(reasons.MODULE_NO_RIGHT)
    return rights


@internal
@view
def _check_market(market_id: uint256) -> uint256:
    """
    @notice The terms of a listed market.
    """
    terms: uint256 = 0
    if market_id <= MAX_MARKET_ID:
        terms = ledger._terms[market_id]
    if words._terms_mode(terms) & LISTED == 0:
        reasons._fail(reasons.MARKET_UNKNOWN)
    return terms


@internal
@pure
def _check_account(account: uint256):
    """
    @notice Sides of markets (1 and 2) and owner zero are no margin accounts.
    """
    if account >> 96 == 0:  # bits._owner
        reasons._fail(reasons.ACCOUNT_UNKNOWN)


@internal
@view
def _check_owner(account: uint256, amount: uint256):
    if amount == 0:
        reasons._fail(reasons.AMOUNT_ZERO)
    # int112 holds every cash there is; the bound keeps the conversions to native and signed units in range.
    # Cash fits words._account_cash, an int112.
    if amount >> 111 != 0:
        reasons._fail(reasons.AMOUNT_TOO_LARGE)
    self._check_mine(account)


@internal
@view
def _check_mine(account: uint256):
    if account >> 96 != convert(msg.sender, uint256):  # bits._owner
        reasons._fail(reasons.ACCOUNT_NOT_YOURS)


@internal
def _set_terms(market_id: uint256, terms: uint256):
    log IClearinghouse.MarketSet(market_id=market_id, old_terms=ledger._terms[market_id], new_terms=terms)
    ledger._list(market_id, terms)


@internal
def _move(sender: uint256, receiver: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Move WAD cash, or collateral clamped to what the sender has; returns what moved.
    """
    moved: uint256 = amount
    if token_id == 0:
        cash: int256 = convert(amount, int256)
        ledger._add_cash(sender, unsafe_sub(0, cash))
        ledger._add_cash(receiver, cash)
    else:
        moved = custody._move_collateral(sender, receiver, token_id, amount)
    log IClearinghouse.Moved(sender=sender, receiver=receiver, token_id=token_id, amount=moved)
    return moved


@internal
def _apply(
    market_id: uint256,
    terms: uint256,
    waterfall: bool,
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES],
):
    """
    @notice Apply every change to ledger and market; voluntary ones obey the market's terms.
    """
    market: ledger.Market = ledger._load_market(market_id)
    size: int256 = 0
    money: int256 = 0
    book: int256 = 0
    fees: int256 = 0
    for change: IClearinghouse.Change in changes:
        # Bounded to int112 (see ledger.vy), 24 of them cannot overflow a sum.
        size = unsafe_add(size, convert(convert(change.size, int112), int256))
        money = unsafe_add(money, convert(convert(change.money, int112), int256))
        fees = unsafe_add(fees, convert(convert(change.fee, int112), int256))
        if not waterfall and (change.gate == GATE_NONE or change.size == 0):
            reasons._fail(reasons.MODULE_NO_RIGHT)
        if change.account >> 96 == 0:  # bits._owner
            if not waterfall or unsafe_sub(change.account, 1) > 1:
                reasons._fail(reasons.ACCOUNT_UNKNOWN)
            # Nobody would pay it.
            assert change.fee == 0
            moved: int256 = 0
            market, moved = ledger._change_side(market, market_id, change.account, change.size, change.money)
            book = unsafe_add(book, moved)
        else:
            done: ledger.Applied = ledger._change(
                market, market_id, change.account, change.size, change.money, change.fee
            )
            side: uint256 = ledger.LONG if change.size > 0 else ledger.SHORT
            # Shares of a side are a sum of its positions' int112.
            market.sides[side].shares = unsafe_add(market.sides[side].shares, done.added)
            side = unsafe_sub(3, side)
            market.sides[side].shares = unsafe_sub(market.sides[side].shares, done.removed)
            book = unsafe_add(book, done.book)
            if not waterfall:
                self._check_terms(terms, change, done.before, done.after)
    if size != 0 or money != 0:
        reasons._fail(reasons.TRADE_NOT_BALANCED)
    open_interest: uint256 = ledger._open_interest(market)
    if not waterfall and open_interest > words._terms_oi_cap(terms):
        # Above the cap it may only fall.
        found: ledger.Market = ledger._load_market(market_id)
        if open_interest > ledger._open_interest(found):
            reasons._fail(reasons.MARKET_OVER_OI_CAP)
    ledger._store_market(market_id, market, open_interest)
    if fees != 0:
        ledger._add_cash(custody.FEE_ACCOUNT, fees)
    if book != 0:
        custody._move_book(book)


@internal
@pure
def _check_terms(terms: uint256, change: IClearinghouse.Change, before: int256, after: int256):
    """
    @notice Reduce-only and minimum notional of a voluntary fill, at the fill's own price.
    """
    if words._terms_mode(terms) & REDUCE_ONLY != 0 and not margin_gate._is_reduction(before, after):
        reasons._fail(reasons.MARKET_REDUCE_ONLY)
    if after != 0:
        # int112 * int112 and uint96 * int112: no overflow.
        notional: int256 = unsafe_mul(after, change.money)
        minimum: int256 = unsafe_mul(convert(words._terms_min_notional(terms), int256), change.size)
        if fixed_math._magnitude(notional) < fixed_math._magnitude(minimum):
            reasons._fail(reasons.MARKET_BELOW_MINIMUM)
