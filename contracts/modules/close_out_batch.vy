# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Close-out batch
@notice The due accounts of one call: their legs, what others pay for them, and what each leg brings. Part of CloseOut.
@dev Kept in transient storage: a batch of one pays for one, and no function copies twenty accounts. `_begin` and the
     counters start a call anew; every other entry is written before it is read. Entries of legs are found by account
     number * 128 + market id: transient storage costs nothing where nothing is.
     `seawall/spec/close_out.py` is the same in Python.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import ILiquidationEngine

from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import liquidation_math  # a situation
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # layout of legs and prices

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

MAX_BATCH: constant(uint256) = 20
MARKET_IDS: constant(uint256) = 128
MAX_ENTRIES: constant(uint256) = 2560
# Of keeper reserves: uint16 of them.
RESERVE_UNIT: constant(uint256) = 10**16

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_count: transient(uint256)
_accounts: transient(uint256[MAX_BATCH])
# Markets whose leg goes.
_markets_of: transient(uint256[MAX_BATCH])
_legs: transient(uint256[MAX_ENTRIES])
_plans: transient(uint256[MAX_ENTRIES])
_fees: transient(uint256[MAX_ENTRIES])
_shortfalls: transient(uint256[MAX_BATCH])
# What the collateral of an account with a shortfall counts for in maintenance.
_worths: transient(int256[MAX_BATCH])
# Of all accounts, and of those that are buckets.
_markets: transient(uint256)
_bucket_markets: transient(uint256)
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
    self._bucket_markets = 0
    self._shortfall = 0
    self._reserve = 0
    self._pivot = 0


@internal
def _add(
    account: uint256,
    seen: liquidation_math.Situation,
    step: ILiquidationEngine.Step,
    lacking: uint256,
    of_bucket: bool,
):
    """
    @notice Take a due account in.
    @param step its whole close, from step_plan
    @param lacking its shortfall
    @param of_bucket whether the Backstop holds it
    """
    number: uint256 = self._count
    left: uint256 = step.fee
    last: uint256 = 0
    markets: uint256 = 0
    reserve: uint256 = 0
    value: int256 = 0
    index: uint256 = 0
    for plan: uint256 in seen.planned:
        leg: uint256 = seen.legs[index]
        price: int256 = convert(words._price_price(seen.prices[index]), int256)
        # Sixteen of a size below 2**113 times a price below 2**80.
        value = unsafe_add(value, unsafe_mul(words._leg_size(leg), price))
        index = unsafe_add(index, 1)
        # Sixteen of uint16 cents.
        reserve = unsafe_add(reserve, unsafe_mul(risk_words._plan_reserve(plan), RESERVE_UNIT))
        if not risk_words._plan_usable(plan):
            continue
        market_id: uint256 = risk_words._plan_id(plan)
        entry: uint256 = self._entry(number, market_id)
        markets = markets | bits._bit(market_id)  # bits._bit
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
    if left != 0:
        self._fees[last] = unsafe_add(self._fees[last], left)
    self._accounts[number] = account
    self._markets_of[number] = markets
    self._markets = self._markets | markets  # bits._bit
    if of_bucket:
        self._bucket_markets = self._bucket_markets | markets  # bits._bit
    self._reserve = unsafe_add(self._reserve, step.reserve)
    self._count = unsafe_add(number, 1)
    if lacking != 0:
        if self._shortfall == 0:
            self._pivot = number
        self._shortfall = unsafe_add(self._shortfall, lacking)
        outside: int256 = unsafe_add(seen.base, fixed_math._wad_floor(value))
        self._worths[number] = unsafe_sub(seen.equity, unsafe_sub(outside, convert(reserve, int256)))
    self._shortfalls[number] = lacking


@internal
@pure
def _entry(number: uint256, market_id: uint256) -> uint256:
    """
    @notice Where an account's leg of a market stands.
    """
    return unsafe_add(unsafe_mul(number, MARKET_IDS), market_id)


@internal
@view
def _holds(number: uint256, market_id: uint256) -> bool:
    """
    @notice Whether an account's leg of a market goes.
    """
    return bits._has(self._markets_of[number], market_id)


@internal
@view
def _is_last(number: uint256, market_id: uint256) -> bool:
    """
    @notice Whether no later market of an account goes: with this one its shortfall is made good.
    """
    return (self._markets_of[number] >> market_id) == 1  # bits._has


@internal
@view
def _passed_on(number: uint256, market_id: uint256) -> int256:
    """
    @notice What a leg pays to the pivot: its keeper reserve, less the shortfall with the last; the pivot's own nothing.
    """
    if number == self._pivot:
        return 0
    reserve: uint256 = risk_words._plan_reserve(self._plans[self._entry(number, market_id)])
    passed: int256 = convert(unsafe_mul(reserve, RESERVE_UNIT), int256)
    if self._is_last(number, market_id):
        passed = unsafe_sub(passed, convert(self._shortfalls[number], int256))
    return passed


@internal
@view
def _leaving(market_id: uint256) -> (uint256, uint256):
    """
    @notice Size of the batch's own legs on the long and on the short side of a market.
    """
    long: uint256 = 0
    short: uint256 = 0
    for number: uint256 in range(self._count, bound=MAX_BATCH):
        if self._holds(number, market_id):
            size: int256 = words._leg_size(self._legs[self._entry(number, market_id)])
            # Twenty sizes below 2**113.
            if size > 0:
                long = unsafe_add(long, convert(size, uint256))
            else:
                short = unsafe_add(short, fixed_math._abs(size))
    return long, short
