# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Margin gate
@notice One function decides for fills, withdrawals, transfers and takeovers whether an account may end as it does
        (P6). Part of the Clearinghouse; `seawall/spec/clearinghouse.py` is the same in Python.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import IMarginModel

from contracts.modules import custody  # collateral legs
uses: custody
from contracts.modules import ledger  # market legs
uses: ledger
from contracts.modules import reasons  # short reverts
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

GATE_MARGIN_RULE: constant(uint256) = 1
GATE_INITIAL: constant(uint256) = 2
# A way out by value.
GATE_EXIT: constant(uint256) = 3


# The margin model's answer, see IMarginModel.assess.
struct Assessment:
    equity: int256
    adverse: int256
    settled: int256
    initial: uint256
    maintenance: uint256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

MARGIN_MODEL: public(immutable(IMarginModel))
INDEX_ORACLE: public(immutable(IIndexOracle))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(margin_model: IMarginModel, index_oracle: IIndexOracle):
    MARGIN_MODEL = margin_model
    INDEX_ORACLE = index_oracle


# ---------------------------------------------------------------
#                             GATE
# ---------------------------------------------------------------


@internal
def _check_exit(account: uint256):
    """
    @notice A way out by value: settled equity covers the initial margin and cash is not below zero.
    """
    word: uint256 = ledger._accounts[account]
    if words._account_cash(word) < 0:
        reasons._fail(reasons.MARGIN_CASH_BELOW_ZERO)
    self._check_account(account, word, GATE_EXIT)


@internal
def _check_account(account: uint256, word: uint256, gate: uint256):
    """
    @notice The gate of an account that no trade changed.
    """
    bitmap: uint256 = words._account_bitmap(word)
    if bitmap != 0:
        change: IClearinghouse.Change = empty(IClearinghouse.Change)
        change.account = account
        change.gate = gate
        self._check_margin(change, 0, word, self._refresh(bitmap))


@internal
def _check_margin(
    change: IClearinghouse.Change, market_id: uint256, word: uint256, prices: DynArray[uint256, 24]
) -> bool:
    """
    @notice P6: the account ends at or above initial margin, or (gate 1) the change is a pure reduction that does
            not lower equity / maintenance at spot.
    @return Whether it passed as a reduction alone, which holds for an account that changed once.
    """
    if words._account_bitmap(word) == 0 and words._account_cash(word) >= 0:
        return False
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    # `_portfolio` without another copy of the legs
    base, legs = ledger._market_legs(change.account, word)
    collateral: uint256 = words._account_collateral(word)
    if collateral != 0:
        legs = custody._collateral_legs(change.account, collateral, legs)
    found: Assessment = self._assess(word, base, legs, prices)
    available: int256 = found.adverse
    if change.gate == GATE_EXIT:
        available = found.settled
    if available >= 0 and convert(available, uint256) >= found.initial:
        return False
    if change.gate == GATE_MARGIN_RULE and change.size != 0:
        if self._reduces(change, market_id, word, base, legs, prices, found):
            return True
    reasons._fail(reasons.MARGIN_BELOW_INITIAL)
    return False


@internal
def _reduces(
    change: IClearinghouse.Change,
    market_id: uint256,
    word: uint256,
    base: int256,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
    found: Assessment,
) -> bool:
    """
    @notice Rebuild the portfolio before the change from the one after it, and compare h at spot.
    @dev E before = E after - (size * P + money - fee) at every P, so base moves by money - fee alone.
    """
    before: DynArray[uint256, 24] = legs
    before_prices: DynArray[uint256, 24] = prices
    after: int256 = 0
    index: uint256 = 0
    for leg: uint256 in legs:
        if words._leg_id(leg) == market_id:
            after = words._leg_size(leg)
            break
        index = unsafe_add(index, 1)
    earlier_leg: uint256 = words._leg(market_id, 0, after - change.size)
    if index < len(legs):
        # A leg that shows no size is no proof of a reduction: it may just have been opened.
        if after == 0:
            return False
        before[index] = earlier_leg
    else:
        # The leg was closed: it and its price come back at the end, the model takes them in any order.
        before.append(earlier_leg)
        bitmap: uint256 = 1 << market_id  # bits._bit
        before_prices.append(self._refresh(bitmap)[0])
    if found.equity < 0 or not self._is_reduction(after - change.size, after):
        return False
    # Sums of a few numbers that are far below 2**255: fee and money are int112, base is at most 17 of them.
    fee: int256 = convert(change.fee, int256)
    base_before: int256 = unsafe_add(unsafe_sub(base, change.money), fee)
    earlier: Assessment = self._assess(word, base_before, before, before_prices)
    if earlier.equity <= 0:
        return False
    # What a stale leg is worth is not known: then a reduction may cost its fee, but no concession to a friend.
    lost: int256 = unsafe_sub(earlier.equity, found.equity)
    if found.initial == max_value(uint256) and lost > fee:
        return False
    # A position below 2**103 at a price of at most 10**24 is worth less than 2**123, and 16 of them less than 2**127.
    # Maintenance is no larger and equity larger by an int112 at most: both fit 128 bits, their product 256.
    left: uint256 = unsafe_mul(convert(found.equity, uint256), earlier.maintenance)
    right: uint256 = unsafe_mul(convert(earlier.equity, uint256), found.maintenance)
    return left >= right


@internal
@pure
def _is_reduction(before: int256, after: int256) -> bool:
    """
    @notice No growth and no flip: what is left and what was taken off have the same sign, or one is zero.
    """
    # Sizes are int112: no overflow.
    return unsafe_mul(after, unsafe_sub(before, after)) >= 0


@internal
@view
def _portfolio(account: uint256, word: uint256) -> (int256, DynArray[uint256, 24]):
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    base, legs = ledger._market_legs(account, word)
    collateral: uint256 = words._account_collateral(word)
    if collateral != 0:
        legs = custody._collateral_legs(account, collateral, legs)
    return base, legs


@internal
def _refresh(bitmap: uint256) -> DynArray[uint256, 24]:
    return extcall INDEX_ORACLE.refresh(bitmap)


@internal
@view
def _assess(word: uint256, base: int256, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24]) -> Assessment:
    found: Assessment = empty(Assessment)
    found.equity, found.adverse, found.settled, found.initial, found.maintenance = staticcall MARGIN_MODEL.assess(
        word, base, legs, prices
    )
    return found
