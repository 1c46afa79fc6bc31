# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Shortfall
@notice Who pays what bankrupt accounts lack: the insurance fund, then the sides that won in this move, up to a cap per
        unit; the rest is left to be deferred. Part of CloseOut.
@dev `seawall/spec/close_out.py` is the same in Python. Claims are kept in transient storage by slot * 2 + side - 1, the
     slot a market's rank in the batch. What sides are charged is booked by the trades that close the legs.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import ICloseOut
from interfaces import IInsuranceFund

from contracts.modules import bits  # bitmaps, accounts
from contracts.modules import close_out_batch  # the accounts
uses: close_out_batch
from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_words  # layout of plans
from contracts.modules import step_plan  # the Clearinghouse
uses: step_plan
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

FUND: constant(uint256) = 4
CHARGED: constant(uint256) = 5

LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
WAD: constant(uint256) = 10**18
# A fund with less is empty: to ask it would cost more than it has.
LEAST_SAVINGS: constant(uint256) = 10**12
MAX_BATCH: constant(uint256) = 20
MAX_LEGS: constant(uint256) = 16
MAX_MARKETS: constant(uint256) = 24
MAX_CLAIMS: constant(uint256) = 48

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

INSURANCE_FUND: public(immutable(IInsuranceFund))
FUND_ACCOUNT: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

# What a side is asked for, by the weights of the legs that stood against it; after `_raise` what it is charged.
_claims: transient(uint256[MAX_CLAIMS])
# Base maintenance rate of a claim's market, plus one: above zero where a bankrupt leg stood against the side.
_bases: transient(uint256[MAX_CLAIMS])

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(insurance_fund: IInsuranceFund):
    INSURANCE_FUND = insurance_fund
    FUND_ACCOUNT = bits._first_account(insurance_fund.address)


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
def _raise(prices: DynArray[uint256, MAX_MARKETS]):
    """
    @notice Split the batch's shortfall over fund and sides; the fund pays at once, to the pivot's account.
    """
    count: uint256 = unsafe_mul(len(prices), 2)
    for i: uint256 in range(count, bound=MAX_CLAIMS):
        self._claims[i] = 0
        self._bases[i] = 0
    total: uint256 = close_out_batch._shortfall
    if total == 0:
        return
    unclaimed: uint256 = unsafe_sub(total, self._claim(prices))
    available: uint256 = min(total, self._savings())
    self._cover(0, 0, unclaimed, available, total)
    rooms: uint256[MAX_CLAIMS] = empty(uint256[MAX_CLAIMS])
    missing: uint256 = 0
    for i: uint256 in range(count, bound=MAX_CLAIMS):
        base: uint256 = self._bases[i]
        if base == 0:
            continue
        side: uint256 = unsafe_add(i % 2, 1)
        market_id: uint256 = self._market_at(unsafe_div(i, 2))
        wanted: uint256 = self._claims[i]
        wanted = unsafe_sub(wanted, self._cover(market_id, side, wanted, available, total))
        rooms[i] = self._room_of(market_id, side, prices[unsafe_div(i, 2)], unsafe_sub(base, 1))
        charge: uint256 = min(wanted, rooms[i])
        missing = unsafe_add(missing, unsafe_sub(wanted, charge))
        self._claims[i] = charge
    for i: uint256 in range(count, bound=MAX_CLAIMS):
        charge: uint256 = self._claims[i]
        more: uint256 = min(missing, unsafe_sub(rooms[i], charge))
        missing = unsafe_sub(missing, more)
        charge = unsafe_add(charge, more)
        self._claims[i] = charge
        if charge != 0:
            self._log(self._market_at(unsafe_div(i, 2)), CHARGED, unsafe_add(i % 2, 1), charge)


@internal
def _claim(prices: DynArray[uint256, MAX_MARKETS]) -> uint256:
    """
    @notice Split each account's shortfall over the sides that its legs stood against; returns what was split.
    """
    claimed: uint256 = 0
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        shortfall: uint256 = close_out_batch._shortfalls[number]
        if shortfall == 0:
            continue
        weights: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
        total: uint256 = 0
        weights, total = close_out_batch._weights(number, prices)
        left: uint256 = shortfall
        last: uint256 = 0
        first: uint256 = unsafe_mul(number, MAX_LEGS)
        legs: uint256 = bits._count(close_out_batch._markets_of[number])
        for rank: uint256 in range(legs, bound=MAX_LEGS):
            entry: uint256 = unsafe_add(first, rank)
            plan: uint256 = close_out_batch._plans[entry]
            slot: uint256 = close_out_batch._slot(risk_words._plan_id(plan))
            # The short side stands against a long.
            index: uint256 = unsafe_mul(slot, 2)
            if words._leg_size(close_out_batch._legs[entry]) > 0:
                index = unsafe_add(index, 1)
            self._bases[index] = unsafe_add(risk_words._plan_base(plan), 1)
            if weights[rank] != 0:
                part: uint256 = fixed_math._mul_div_down(shortfall, weights[rank], total)
                self._claims[index] = unsafe_add(self._claims[index], part)
                left = unsafe_sub(left, part)
                last = index
        if total != 0:
            self._claims[last] = unsafe_add(self._claims[last], left)
            claimed = unsafe_add(claimed, shortfall)
    return claimed


@internal
@view
def _savings() -> uint256:
    """
    @notice What the fund can pay.
    """
    word: uint256 = staticcall step_plan.CLEARINGHOUSE.account_word(FUND_ACCOUNT)
    cash: int256 = words._account_cash(word)
    if cash < convert(LEAST_SAVINGS, int256):
        return 0
    return convert(cash, uint256)


@internal
def _cover(market_id: uint256, side: uint256, wanted: uint256, available: uint256, total: uint256) -> uint256:
    """
    @notice The fund's part of a claim: where its money is short, in proportion to all claims.
    """
    asked: uint256 = fixed_math._mul_div_down(wanted, available, total)
    if asked == 0:
        return 0
    account: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    paid: uint256 = extcall INSURANCE_FUND.cover(market_id, account, asked)
    if paid != 0:
        self._log(market_id, FUND, side, paid)
    return paid


@internal
@view
def _room_of(market_id: uint256, side: uint256, price_word: uint256, base: uint256) -> uint256:
    """
    @notice The most that a side may be charged: its gain since the EMA and base maintenance margin, of what is left of it
            without the batch; nothing where that is below a minimum notional.
    @dev At the lower of price and EMA: a member that had its maintenance margin at the EMA keeps equity.
    """
    left: uint256 = 0
    minimum: uint256 = 0
    left, minimum = self._left(market_id, side)
    price: uint256 = 0
    average: uint256 = 0
    price, average = close_out_batch._price_and_average(price_word)
    # Sizes are below 2**128, prices below 2**85, a minimum below 2**96: no overflow.
    if left == 0 or unsafe_mul(left, price) < unsafe_mul(minimum, WAD):
        return 0
    gained: uint256 = 0
    if side == LONG and price > average:
        gained = unsafe_sub(price, average)
    elif side == SHORT and average > price:
        gained = unsafe_sub(average, price)
    margin: uint256 = unsafe_div(unsafe_mul(left, min(price, average)), WAD)
    return unsafe_add(unsafe_div(unsafe_mul(left, gained), WAD), fixed_math._ppm_down(margin, base))


@internal
@view
def _charge_of(market_id: uint256, side: uint256) -> uint256:
    """
    @notice What a side of one of the batch's markets is charged.
    """
    slot: uint256 = close_out_batch._slot(market_id)
    return self._claims[unsafe_add(unsafe_mul(slot, 2), unsafe_sub(side, 1))]


@internal
@view
def _left(market_id: uint256, side: uint256) -> (uint256, uint256):
    """
    @notice Size of a side without the batch's own legs, and the market's minimum notional.
    """
    market: uint256[3] = staticcall step_plan.CLEARINGHOUSE.market_words(market_id)
    size: uint256 = words._shares_of(market[1], side)
    if words._market_touched(market[0], side):
        epoch: uint256 = words._market_epoch(market[0], side)
        rates: uint256 = staticcall step_plan.CLEARINGHOUSE.side_word(market_id, side, epoch)
        scale: int256 = convert(words._side_scale(rates), int256)
        size = convert(fixed_math._mul_ray_floor(convert(size, int256), scale), uint256)
    leaving: uint256 = close_out_batch._leaving(market_id, side == LONG)
    minimum: uint256 = words._terms_min_notional(market[2])
    return unsafe_sub(size, min(size, leaving)), minimum


@internal
@view
def _market_at(slot: uint256) -> uint256:
    """
    @notice The market of a slot.
    """
    rest: uint256 = close_out_batch._markets
    for i: uint256 in range(slot, bound=MAX_MARKETS):
        rest = bits._without_lowest(rest)
    return bits._lowest(rest)


@internal
def _log(market_id: uint256, stage: uint256, side: uint256, amount: uint256):
    account: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    log ICloseOut.ShortfallPaid(account=account, market_id=market_id, stage=stage, side=side, amount=amount)
