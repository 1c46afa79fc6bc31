# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Close-out batch
@notice The due accounts of one call: their legs, what others pay for them, and what each leg brings. Part of CloseOut.
@dev Kept in transient storage: a batch of one pays for one, and no function copies twenty accounts. `_begin` and the
     counters start a call anew; every other entry is written before it is read.
     `seawall/spec/close_out.py` is the same in Python.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import ILiquidationEngine

from contracts.modules import averages  # unit of the EMA's ratio
from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import liquidation_math  # a situation
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # layout of legs and prices

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

MAX_BATCH: constant(uint256) = 20
MAX_LEGS: constant(uint256) = 16
MAX_ENTRIES: constant(uint256) = 320
WAD: constant(uint256) = 10**18
LOT: constant(uint256) = 10**12
# What a leg off the lot may lose besides its price's part of a wad, in wei, when it is closed.
ROUNDING_WEI: constant(uint256) = 4
# Of keeper reserves: uint16 of them.
RESERVE_UNIT: constant(uint256) = 10**16

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_count: transient(uint256)
_accounts: transient(uint256[MAX_BATCH])
# Markets whose leg goes; account number * 16 + rank of the market is a leg's entry.
_markets_of: transient(uint256[MAX_BATCH])
_legs: transient(uint256[MAX_ENTRIES])
_plans: transient(uint256[MAX_ENTRIES])
_fees: transient(uint256[MAX_ENTRIES])
_shortfalls: transient(uint256[MAX_BATCH])
# What the collateral of an account with a shortfall counts for in maintenance.
_worths: transient(int256[MAX_BATCH])
# Of all accounts.
_markets: transient(uint256)
_shortfall: transient(uint256)
_reserve: transient(uint256)
# Number of the account that stands in for all: the first with a shortfall, else the first.
_pivot: transient(uint256)

# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
def _begin():
    """
    @notice No account yet. A second call of one transaction finds what the first left.
    """
    self._count = 0
    self._markets = 0
    self._shortfall = 0
    self._reserve = 0
    self._pivot = 0


@internal
def _add(account: uint256, seen: liquidation_math.Situation, step: ILiquidationEngine.Step) -> uint256:
    """
    @notice Take a due account in; returns its shortfall.
    @param step its whole close, from step_plan
    """
    number: uint256 = self._count
    entry: uint256 = unsafe_mul(number, MAX_LEGS)
    left: uint256 = step.fee
    last: uint256 = 0
    markets: uint256 = 0
    index: uint256 = 0
    whole: bool = True
    odd: bool = False
    dust: uint256 = 0
    value: int256 = 0
    for plan: uint256 in seen.planned:
        leg: uint256 = seen.legs[index]
        size: int256 = words._leg_size(leg)
        price: uint256 = words._price_price(seen.prices[index])
        # Sixteen of a size below 2**113 times a price below 2**80.
        value = unsafe_add(value, unsafe_mul(size, convert(price, int256)))
        dust = unsafe_add(dust, unsafe_add(unsafe_div(price, WAD), ROUNDING_WEI))
        odd = odd or fixed_math._abs(size) % LOT != 0
        if risk_words._plan_usable(plan):
            markets = markets | bits._bit(risk_words._plan_id(plan))  # bits._bit
            self._legs[entry] = leg
            self._plans[entry] = plan
            notional: uint256 = risk_words._plan_notional(plan)
            # A fee below 2**120 and a notional below 2**128; the step's notional is their sum.
            fee: uint256 = 0
            if step.fee != 0:
                fee = unsafe_div(unsafe_mul(step.fee, notional), step.notional)
            self._fees[entry] = fee
            left = unsafe_sub(left, fee)
            if notional != 0:
                last = entry
            entry = unsafe_add(entry, 1)
        else:
            whole = False
        index = unsafe_add(index, 1)
    if left != 0:
        self._fees[last] = unsafe_add(self._fees[last], left)
    self._accounts[number] = account
    self._markets_of[number] = markets
    self._markets = self._markets | markets  # bits._bit
    self._reserve = unsafe_add(self._reserve, step.reserve)
    self._count = unsafe_add(number, 1)
    shortfall: uint256 = 0
    # Beside a leg that stays it is not known what is missing.
    if whole and seen.equity < 0:
        shortfall = convert(unsafe_sub(0, seen.equity), uint256)
        if odd:
            shortfall = unsafe_add(shortfall, dust)
        if self._shortfall == 0:
            self._pivot = number
        self._shortfall = unsafe_add(self._shortfall, shortfall)
        outside: int256 = unsafe_add(seen.base, fixed_math._wad_floor(value))
        self._worths[number] = unsafe_sub(seen.equity, unsafe_sub(outside, convert(step.reserve, int256)))
    self._shortfalls[number] = shortfall
    return shortfall


@internal
@view
def _entry(number: uint256, market_id: uint256) -> (bool, uint256):
    """
    @notice Whether an account's leg of a market goes, and its entry.
    """
    markets: uint256 = self._markets_of[number]
    bit: uint256 = bits._bit(market_id)
    if markets & bit == 0:  # bits._has
        return False, 0
    rank: uint256 = bits._count(markets & unsafe_sub(bit, 1))  # bits._bit: those below
    return True, unsafe_add(unsafe_mul(number, MAX_LEGS), rank)


@internal
@view
def _is_last(number: uint256, market_id: uint256) -> bool:
    """
    @notice Whether no later market of an account goes: with this one its shortfall is made good.
    """
    return (self._markets_of[number] >> market_id) == 1  # bits._has


@internal
@view
def _passed_on(number: uint256, entry: uint256, market_id: uint256) -> int256:
    """
    @notice What a leg pays to the pivot: its keeper reserve, less the shortfall with the last; the pivot's own nothing.
    """
    if number == self._pivot:
        return 0
    reserve: uint256 = unsafe_mul(risk_words._plan_reserve(self._plans[entry]), RESERVE_UNIT)
    passed: int256 = convert(reserve, int256)
    if self._is_last(number, market_id):
        passed = unsafe_sub(passed, convert(self._shortfalls[number], int256))
    return passed


@internal
@view
def _leaving(market_id: uint256, long: bool) -> uint256:
    """
    @notice Size of the batch's own legs on one side of a market.
    """
    leaving: uint256 = 0
    for number: uint256 in range(self._count, bound=MAX_BATCH):
        held: bool = False
        entry: uint256 = 0
        held, entry = self._entry(number, market_id)
        if held:
            size: int256 = words._leg_size(self._legs[entry])
            if size != 0 and (size > 0) == long:
                leaving = unsafe_add(leaving, fixed_math._abs(size))
    return leaving


@internal
@view
def _weights(number: uint256, prices: DynArray[uint256, 24]) -> (uint256[MAX_LEGS], uint256):
    """
    @notice Who won in this move, per leg of an account: max(0, -size * (P - EMA)), or notionals where all are 0; and the
            sum.
    @param prices of the batch's markets, ascending
    """
    weights: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
    total: uint256 = 0
    markets: uint256 = self._markets_of[number]
    first: uint256 = unsafe_mul(number, MAX_LEGS)
    for rank: uint256 in range(bits._count(markets), bound=MAX_LEGS):
        entry: uint256 = unsafe_add(first, rank)
        size: int256 = words._leg_size(self._legs[entry])
        price: uint256 = 0
        average: uint256 = 0
        price, average = self._price_and_average(prices[self._slot(risk_words._plan_id(self._plans[entry]))])
        # A size below 2**113 times a price below 2**85, which an EMA may be.
        lost: int256 = unsafe_mul(size, unsafe_sub(convert(average, int256), convert(price, int256)))
        weights[rank] = unsafe_div(convert(max(lost, 0), uint256), WAD)
        total = unsafe_add(total, weights[rank])
    if total == 0:
        for rank: uint256 in range(bits._count(markets), bound=MAX_LEGS):
            weights[rank] = risk_words._plan_notional(self._plans[unsafe_add(first, rank)])
            total = unsafe_add(total, weights[rank])
    return weights, total


@internal
@view
def _slot(market_id: uint256) -> uint256:
    """
    @notice Rank of a market among all of the batch.
    """
    return bits._count(self._markets & unsafe_sub(bits._bit(market_id), 1))  # bits._bit: those below


@internal
@pure
def _price_and_average(word: uint256) -> (uint256, uint256):
    """
    @notice Index price and its EMA, rounded down.
    """
    price: uint256 = words._price_price(word)
    # A price below 2**80, a ratio below 2**28.
    return price, unsafe_div(unsafe_mul(price, words._price_ema_ratio(word)), averages.RATIO)
