# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Custody
@notice Tokens in and out, totals and deferred losses. Part of the Clearinghouse.
@dev Balances are tracked; `balanceOf` only measures what a transfer brought in. The settlement token is token 0
     and is accounted in WAD, other tokens in native units.
     The principal of an account is what of its cash was put in: deposits, less what left or bought collateral. Up to it
     a withdrawal leaves at once. Only a deposit creates any, so all that leaves at once was put in before. It stands
     where the amount of a collateral token 0 would.
     Deferred losses D cut every way out by held / (held + D); a deposit d is credited at the inverse ratio and
     the difference added to D, so that newcomers do not pay for older losses.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from interfaces import IClearinghouse

from contracts.modules import bits  # bitmaps, floats
from contracts.modules import fixed_math  # written roundings
from contracts.modules import ledger  # cash is credited there
uses: ledger
from contracts.modules import reasons  # short reverts
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

MAX_TOKEN_DECIMALS: constant(uint256) = 18
MAX_TOKENS: constant(uint256) = 8
WAD: constant(uint256) = 10**18
SETTLEMENT: constant(uint256) = 0
DAY: constant(uint256) = 86_400
# Bit of token 1 in an account's bitmap is 128.
TOKEN_BIT: constant(uint256) = 127


# Settlement tokens held, sum of all cash and quotes, deferred losses: WAD.
struct Totals:
    held: uint256
    book: int256
    deferred: uint256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

# Fees are credited to this account of the insurance fund.
FEE_ACCOUNT: public(immutable(uint256))
# What waits to leave is cash of this account of the exit queue.
QUEUE_ACCOUNT: public(immutable(uint256))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_tokens: uint256[9]
# Native units of collateral tokens held, per token.
_token_held: uint256[9]
_collateral: HashMap[uint256, uint256[9]]
_totals: uint256
_deferred: uint256
# Day -> settlement tokens that left less those that came in, WAD; never touched while there is no limit.
_outflow: HashMap[uint256, int256]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(insurance_fund: address, exit_queue: address):
    """
    @param insurance_fund its account `insurance_fund << 96` earns the fees; its code may come later
    @param exit_queue its account `exit_queue << 96` holds what waits; its code may come later
    """
    assert insurance_fund != empty(address), "clearinghouse: no fund"
    assert exit_queue != empty(address), "clearinghouse: no queue"
    FEE_ACCOUNT = bits._first_account(insurance_fund)
    QUEUE_ACCOUNT = bits._first_account(exit_queue)


# ---------------------------------------------------------------
#                            TOKENS
# ---------------------------------------------------------------


@internal
@view
def _listed(token_id: uint256) -> uint256:
    """
    @notice The word of a listed token.
    """
    token: uint256 = 0
    if token_id <= MAX_TOKENS:
        token = self._tokens[token_id]
    if token == 0:
        reasons._fail(reasons.TOKEN_UNKNOWN)
    return token


@internal
@pure
def _unit(token: uint256) -> uint256:
    """
    @notice WAD value of one native unit.
    """
    # A listed token has at most 18 decimals.
    return 10 ** unsafe_sub(MAX_TOKEN_DECIMALS, words._token_decimals(token))


@internal
def _set_token(token_id: uint256, asset: address, limits: uint256):
    """
    @notice List a token, or change its limits; a listed token's address never changes.
    """
    old: uint256 = self._tokens[token_id]
    decimals: uint256 = words._token_decimals(old)
    if old == 0:
        decimals = convert(staticcall IERC20Detailed(asset).decimals(), uint256)
        assert decimals <= MAX_TOKEN_DECIMALS  # more than 18 decimals cannot be carried in WAD
    else:
        assert words._token_asset(old) == asset
    self._tokens[token_id] = words._token(asset, decimals, limits)
    log IClearinghouse.TokenSet(token_id=token_id, asset=asset, old_limits=words._token_limits(old), new_limits=limits)


@internal
def _pull(token: uint256, amount: uint256) -> uint256:
    """
    @notice Transfer from the caller; what arrived counts, so fee-taking tokens are credited short.
    """
    asset: IERC20 = IERC20(words._token_asset(token))
    before: uint256 = staticcall asset.balanceOf(self)
    success: bool = extcall asset.transferFrom(msg.sender, self, amount, default_return_value=True)
    if not success:
        reasons._fail(reasons.TOKEN_TRANSFER_FAILED)
    held: uint256 = staticcall asset.balanceOf(self)
    received: uint256 = held - before
    if received == 0:
        reasons._fail(reasons.AMOUNT_ZERO)
    return received


@internal
def _push(token: uint256, receiver: address, amount: uint256):
    """
    @notice Transfer out.
    """
    asset: IERC20 = IERC20(words._token_asset(token))
    success: bool = extcall asset.transfer(receiver, amount, default_return_value=True)
    if not success:
        reasons._fail(reasons.TOKEN_TRANSFER_FAILED)


# ---------------------------------------------------------------
#                       SETTLEMENT TOKEN
# ---------------------------------------------------------------


@internal
@view
def _load_totals() -> Totals:
    """
    @notice The totals; only an impaired system pays for reading the deferred losses.
    """
    word: uint256 = self._totals
    totals: Totals = Totals(held=words._totals_held(word), book=words._totals_book(word), deferred=0)
    if words._totals_impaired(word) != 0:
        totals.deferred = self._deferred
    return totals


@internal
def _store_totals(totals: Totals):
    """
    @notice Write the totals; the deferred losses' slot only when there were or are any.
    """
    impaired: uint256 = 1 if totals.deferred != 0 else 0
    before: uint256 = words._totals_impaired(self._totals)
    self._totals = words._totals(totals.held, totals.book, impaired)
    if max(before, impaired) != 0:
        self._deferred = totals.deferred


@internal
def _move_book(amount: int256):
    """
    @notice Change the sum of cash and quotes alone.
    """
    totals: Totals = self._load_totals()
    totals.book += amount
    self._store_totals(totals)


@internal
def _defer(account: uint256, loss: int256):
    """
    @notice Credit an account's cash with a loss that is deferred, or (negative) let its cash pay deferred losses
            down.
    """
    totals: Totals = self._load_totals()
    # An int128, a sum of losses below 2**233, and a loss that is an account's cash, an int112.
    totals.book = unsafe_add(totals.book, loss)
    totals.deferred = convert(unsafe_add(convert(totals.deferred, int256), loss), uint256)
    self._store_totals(totals)
    ledger._add_cash(account, loss)
    log IClearinghouse.LossDeferred(account=account, amount=loss, deferred=totals.deferred)


@internal
def _credit_settlement(account: uint256, token: uint256, received: uint256) -> uint256:
    """
    @notice Credit received settlement tokens as cash; returns the WAD credit (rounded down).
    """
    totals: Totals = self._load_totals()
    amount: uint256 = received * self._unit(token)
    credit: uint256 = amount
    # As if the fund's cash had healed already: who comes before a healing gains nothing by it.
    if totals.deferred != 0 and totals.held != 0:
        # uint120 each; the ratio is at least 1, so the credit is not below the amount.
        owed: uint256 = unsafe_sub(totals.deferred, self._healable(totals.deferred))
        claims: uint256 = unsafe_add(totals.held, owed)
        credit = fixed_math._mul_div_down(amount, claims, totals.held)
        totals.deferred += unsafe_sub(credit, amount)
    totals.held += amount
    self._check_cap(token, totals.held)
    cash: int256 = convert(credit, int256)
    # An int128 and less than 2**233: the cap leaves a uint112 of the amount, the ratio is at most 2**121.
    totals.book = unsafe_add(totals.book, cash)
    self._store_totals(totals)
    if words._token_outflow(token) != 0:
        self._note_outflow(token, unsafe_sub(0, convert(amount, int256)))
    ledger._add_cash(account, cash)
    # The fund's savers have a way out of their own.
    if account != FEE_ACCOUNT:
        self._collateral[account][SETTLEMENT] += credit
    return credit


@internal
@view
def _healable(most: uint256) -> uint256:
    """
    @notice What of so many losses (WAD) the fund's cash can pay.
    """
    cash: int256 = words._account_cash(ledger._accounts[FEE_ACCOUNT])
    return min(most, convert(max(cash, 0), uint256))


@internal
def _debit_settlement(account: uint256, token: uint256, unit: uint256, amount: uint256) -> (uint256, uint256):
    """
    @notice Debit cash: what till and outflow limit allow of `amount` native units is to be paid, cut by the exit ratio
            (rounded down). The rest stays.
    @dev The cut is the payer's share of the deferred losses and leaves them with the claim.
    @param unit WAD value of a native unit
    @return Native units to pay, and native units that were debited.
    """
    totals: Totals = self._load_totals()
    # uint120 each
    claims: uint256 = unsafe_add(totals.held, totals.deferred)
    # An empty till pays nobody: a claim must not be cut to nothing.
    room: uint256 = claims if totals.held != 0 else 0
    room = min(room, self._note_outflow(token, 0))
    # A unit is at least 1.
    at_once: uint256 = min(amount, unsafe_div(room, unit))
    paid: uint256 = at_once
    if totals.deferred != 0:
        paid = fixed_math._mul_div_down(at_once, totals.held, claims)
    # at_once < 2**111 and unit <= 10**18: no overflow.
    debit: uint256 = unsafe_mul(at_once, unit)
    payment: uint256 = unsafe_mul(paid, unit)
    # debit <= claims, so payment <= debit * held / claims <= held
    totals.held = unsafe_sub(totals.held, payment)
    # Rounded to native units the cut may exceed what is left of the losses.
    totals.deferred = unsafe_sub(totals.deferred, min(totals.deferred, unsafe_sub(debit, payment)))
    # An int128 and less than 2**120.
    totals.book = unsafe_sub(totals.book, convert(debit, int256))
    self._store_totals(totals)
    self._note_outflow(token, convert(payment, int256))
    ledger._add_cash(account, unsafe_sub(0, convert(debit, int256)))
    return paid, at_once


@internal
def _carry_principal(sender: uint256, receiver: uint256, amount: uint256):
    """
    @notice Let what of WAD cash was put in come along with it.
    """
    # The fund's account has none, and its payments are in the path of a liquidation.
    if sender != FEE_ACCOUNT:
        carried: uint256 = self._lower_principal(sender, amount)
        if carried != 0:
            self._collateral[receiver][SETTLEMENT] += carried


@internal
def _lower_principal(account: uint256, amount: uint256) -> uint256:
    """
    @notice Count WAD cash as taken out, clamped to what was put in; returns what of it had been.
    """
    principal: uint256 = self._collateral[account][SETTLEMENT]
    taken: uint256 = min(principal, amount)
    # taken <= principal
    self._collateral[account][SETTLEMENT] = unsafe_sub(principal, taken)
    return taken


@internal
def _note_outflow(token: uint256, amount: int256) -> uint256:
    """
    @notice Count a payment, or (negative) a deposit, where there is a limit; returns the WAD that may still leave today.
    """
    limit: uint256 = words._token_outflow(token)
    if limit == 0:
        return max_value(uint256)
    today: uint256 = unsafe_div(block.timestamp, DAY)
    # Amounts are below 2**120 each.
    level: int256 = unsafe_add(self._outflow[today], amount)
    self._outflow[today] = level
    # uint36 * 10**18: no overflow.
    return convert(max(unsafe_sub(convert(unsafe_mul(limit, WAD), int256), level), 0), uint256)


@internal
@pure
def _check_cap(token: uint256, held_wad: uint256):
    # uint88 * 10**18: no overflow.
    if held_wad > unsafe_mul(words._token_cap(token), WAD):
        reasons._fail(reasons.TOKEN_OVER_CAP)


# ---------------------------------------------------------------
#                          COLLATERAL
# ---------------------------------------------------------------


@internal
def _set_collateral(account: uint256, token_id: uint256, amount: uint256):
    """
    @notice Set an account's amount of a collateral token and its bit.
    """
    self._collateral[account][token_id] = amount
    word: uint256 = ledger._accounts[account]
    bit: uint256 = 1 << unsafe_add(TOKEN_BIT, token_id)  # bits._bit
    marked: uint256 = word | bit  # bits._bit
    cleared: uint256 = word & ~bit  # bits._bit
    ledger._accounts[account] = marked if amount != 0 else cleared


@internal
def _credit_collateral(account: uint256, token_id: uint256, token: uint256, received: uint256):
    """
    @notice Credit received units of a collateral token.
    """
    held: uint256 = self._token_held[token_id] + received
    self._check_cap(token, held * self._unit(token))
    self._token_held[token_id] = held
    # No more than all accounts have.
    amount: uint256 = unsafe_add(self._collateral[account][token_id], received)
    self._set_collateral(account, token_id, amount)


@internal
def _debit_collateral(account: uint256, token_id: uint256, amount: uint256):
    """
    @notice Debit units of a collateral token that are about to be sent.
    """
    held: uint256 = self._collateral[account][token_id]
    if amount > held:
        reasons._fail(reasons.AMOUNT_TOO_LARGE)
    # What one account has is part of what is held.
    self._token_held[token_id] = unsafe_sub(self._token_held[token_id], amount)
    self._set_collateral(account, token_id, unsafe_sub(held, amount))


@internal
def _move_collateral(sender: uint256, receiver: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Move collateral between accounts, clamped to what the sender has; returns what moved.
    """
    held: uint256 = self._collateral[sender][token_id]
    moved: uint256 = min(amount, held)
    if moved != 0:
        # Amounts of all accounts sum to what is held.
        self._set_collateral(sender, token_id, unsafe_sub(held, moved))
        amount_after: uint256 = unsafe_add(self._collateral[receiver][token_id], moved)
        self._set_collateral(receiver, token_id, amount_after)
    return moved


@internal
@view
def _collateral_legs(account: uint256, bitmap: uint256, legs: DynArray[uint256, 24]) -> DynArray[uint256, 24]:
    """
    @notice Append one leg per collateral token: id 127 + token, WAD amount.
    @param bitmap the account's collateral bits, token 1 in bit 0
    """
    all_legs: DynArray[uint256, 24] = legs
    rest: uint256 = bitmap
    for i: uint256 in range(MAX_TOKENS):
        if rest == 0:
            break
        token_id: uint256 = unsafe_add(bits._lowest(rest), 1)
        rest = rest & unsafe_sub(rest, 1)  # bits._without_lowest
        amount: uint256 = self._collateral[account][token_id] * self._unit(self._tokens[token_id])
        all_legs.append(words._leg(unsafe_add(TOKEN_BIT, token_id), 0, convert(amount, int256)))
    return all_legs


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def token_word(token_id: uint256) -> uint256:
    """
    @notice Asset, decimals and cap of a token, see words.vy.
    """
    return self._tokens[token_id]


@external
@view
def collateral_of(account: uint256, token_id: uint256) -> uint256:
    """
    @notice Native units of a collateral token; of token 0 the WAD cash that was put in.
    """
    return self._collateral[account][token_id]


@external
@view
def totals() -> (uint256, int256, uint256):
    """
    @notice WAD settlement tokens held, sum of all cash and quotes, deferred losses.
    """
    totals: Totals = self._load_totals()
    return totals.held, totals.book, totals.deferred
