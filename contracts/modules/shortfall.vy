# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Shortfall
@notice Who pays what bankrupt accounts lack: the insurance fund, then the sides that won in this move, up to a cap per
        unit; the rest is left to be deferred. Part of CloseOut.
@dev `seawall/spec/close_out.py` is the same in Python. A claim is what a side of a market is asked for; it stands at
     rank * 2 + side - 1, the rank its market's among those of the batch. What sides are charged is booked by the trades
     that close the legs.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import ICloseOut
from interfaces import IInsuranceFund

from contracts.modules import averages  # unit of the EMA's ratio
from contracts.modules import bits  # bitmaps, accounts
from contracts.modules import close_out_batch  # the accounts
uses: close_out_batch
from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_words  # layout of plans
from contracts.modules import step_plan  # the Clearinghouse
uses: step_plan
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                             TYPES
# ---------------------------------------------------------------

# What is asked of a side (WAD), the size of the bankrupt legs that stood against it, and its market's base rate of
# maintenance margin.
struct Claims:
    wanted: uint256[MAX_CLAIMS]
    against: uint256[MAX_CLAIMS]
    base: uint256[MAX_MARKETS]

# What each side is charged (WAD), and what is left of it without the batch, plus one, where that was asked.
struct Raised:
    charges: uint256[MAX_CLAIMS]
    lefts: uint256[MAX_CLAIMS]

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
MARKET_IDS: constant(uint256) = 128
MAX_MARKETS: constant(uint256) = 24
MAX_CLAIMS: constant(uint256) = 48
# Claims, and what none of them is for.
MAX_COVERS: constant(uint256) = 49

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

INSURANCE_FUND: public(immutable(IInsuranceFund))
FUND_ACCOUNT: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_ranks: transient(uint256[MARKET_IDS])

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
def _raise(market_ids: DynArray[uint256, MAX_MARKETS], prices: DynArray[uint256, MAX_MARKETS]) -> Raised:
    """
    @notice Split the batch's shortfall over fund and sides; the fund pays at once, to the pivot's account.
    """
    total: uint256 = close_out_batch._shortfall
    if total == 0:
        return empty(Raised)
    claims: Claims = empty(Claims)
    unclaimed: uint256 = 0
    claims, unclaimed = self._claim(market_ids, prices)
    available: uint256 = min(total, self._savings())
    if available != 0:
        claims.wanted = self._cover(market_ids, claims.wanted, unclaimed, available, total)
    return self._charge(market_ids, prices, claims)


@internal
def _claim(
    market_ids: DynArray[uint256, MAX_MARKETS], prices: DynArray[uint256, MAX_MARKETS]
) -> (Claims, uint256):
    """
    @notice Split each account's shortfall over the sides that its legs stood against; and what is asked of none.
    @dev Who won in this move is asked first, by weights max(0, -size * (P - EMA)) and none for more than it won; what
         was missing before it is split by the notionals of the legs.
    """
    claims: Claims = empty(Claims)
    unclaimed: uint256 = 0
    rank: uint256 = 0
    for market_id: uint256 in market_ids:
        self._ranks[market_id] = rank
        rank = unsafe_add(rank, 1)
    for number: uint256 in range(close_out_batch._count, bound=MAX_BATCH):
        shortfall: uint256 = close_out_batch._shortfalls[number]
        if shortfall == 0:
            continue
        indexes: DynArray[uint256, MAX_LEGS] = []
        won: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
        notionals: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
        all_won: uint256 = 0
        gross: uint256 = 0
        rest: uint256 = close_out_batch._markets_of[number]
        for leg: uint256 in range(MAX_LEGS):
            if rest == 0:
                break
            market_id: uint256 = bits._lowest(rest)
            rest = bits._without_lowest(rest)
            rank = self._ranks[market_id]
            entry: uint256 = close_out_batch._entry(number, market_id)
            plan: uint256 = close_out_batch._plans[entry]
            size: int256 = words._leg_size(close_out_batch._legs[entry])
            # The short side stands against a long.
            index: uint256 = unsafe_mul(rank, 2)
            if size > 0:
                index = unsafe_add(index, 1)
            indexes.append(index)
            # Twenty sizes below 2**113.
            claims.against[index] = unsafe_add(claims.against[index], fixed_math._abs(size))
            claims.base[rank] = risk_words._plan_base(plan)
            won[leg] = self._lost(size, prices[rank])
            all_won = unsafe_add(all_won, won[leg])
            notionals[leg] = risk_words._plan_notional(plan)
            gross = unsafe_add(gross, notionals[leg])
        recent: uint256 = min(shortfall, all_won)
        older: uint256 = unsafe_sub(shortfall, recent)
        parts: uint256[MAX_LEGS] = self._split(recent, won, all_won, len(indexes))
        more: uint256[MAX_LEGS] = self._split(older, notionals, gross, len(indexes))
        if gross == 0:
            unclaimed = unsafe_add(unclaimed, older)
        for leg: uint256 in range(len(indexes), bound=MAX_LEGS):
            # Parts of shortfalls below 2**160.
            part: uint256 = unsafe_add(parts[leg], more[leg])
            claims.wanted[indexes[leg]] = unsafe_add(claims.wanted[indexes[leg]], part)
    return claims, unclaimed


@internal
@pure
def _lost(size: int256, price_word: uint256) -> uint256:
    """
    @notice What a leg lost since the EMA, and who stood against it won: max(0, -size * (P - EMA)), rounded down (WAD).
    """
    price: uint256 = 0
    average: uint256 = 0
    price, average = self._price_and_average(price_word)
    # A size below 2**113 times a price below 2**85, which an EMA may be.
    lost: int256 = unsafe_mul(size, unsafe_sub(convert(average, int256), convert(price, int256)))
    return unsafe_div(convert(max(lost, 0), uint256), WAD)


@internal
@pure
def _split(amount: uint256, weights: uint256[MAX_LEGS], total: uint256, count: uint256) -> uint256[MAX_LEGS]:
    """
    @notice An amount by weights, rounded down, the rest to the last weight above zero; nothing where there is none.
    """
    parts: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
    if amount == 0 or total == 0:
        return parts
    left: uint256 = amount
    last: uint256 = 0
    for leg: uint256 in range(count, bound=MAX_LEGS):
        if weights[leg] != 0:
            parts[leg] = fixed_math._mul_div_down(amount, weights[leg], total)
            left = unsafe_sub(left, parts[leg])
            last = leg
    parts[last] = unsafe_add(parts[last], left)
    return parts


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
def _cover(
    market_ids: DynArray[uint256, MAX_MARKETS],
    wanted: uint256[MAX_CLAIMS],
    unclaimed: uint256,
    available: uint256,
    total: uint256,
) -> uint256[MAX_CLAIMS]:
    """
    @notice The fund pays of each claim what it can; where its money is short, in proportion to all claims. Returns what
            is left of them.
    """
    asked_for: DynArray[uint256, MAX_COVERS] = [0]
    amounts: DynArray[uint256, MAX_COVERS] = [fixed_math._mul_div_down(unclaimed, available, total)]
    indexes: DynArray[uint256, MAX_COVERS] = [MAX_CLAIMS]
    for index: uint256 in range(2 * len(market_ids), bound=MAX_CLAIMS):
        if wanted[index] != 0:
            asked_for.append(market_ids[index // 2])
            amounts.append(fixed_math._mul_div_down(wanted[index], available, total))
            indexes.append(index)
    account: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    paid: DynArray[uint256, MAX_COVERS] = extcall INSURANCE_FUND.cover(account, asked_for, amounts)
    left: uint256[MAX_CLAIMS] = wanted
    i: uint256 = 0
    for amount: uint256 in paid:
        index: uint256 = indexes[i]
        if index != MAX_CLAIMS:
            left[index] = unsafe_sub(left[index], amount)
        if amount != 0:
            side: uint256 = 0 if index == MAX_CLAIMS else unsafe_add(index % 2, 1)
            self._log(asked_for[i], FUND, side, amount)
        i = unsafe_add(i, 1)
    return left


@internal
def _charge(
    market_ids: DynArray[uint256, MAX_MARKETS], prices: DynArray[uint256, MAX_MARKETS], claims: Claims
) -> Raised:
    """
    @notice Sides pay what the fund leaves, up to their caps.
    @dev A side pays for as much size as bankrupt legs stood against it: nobody pays for a crash elsewhere because a
         dollar was bet against him, and all closes of one move together ask no more of a side than its cap. What a
         side cannot pay is asked of the others in proportion to what they have left.
    """
    raised: Raised = empty(Raised)
    spare: uint256[MAX_CLAIMS] = empty(uint256[MAX_CLAIMS])
    missing: uint256 = 0
    free: uint256 = 0
    count: uint256 = unsafe_mul(2, len(market_ids))
    for index: uint256 in range(count, bound=MAX_CLAIMS):
        if claims.against[index] == 0:
            continue
        rank: uint256 = index // 2
        side: uint256 = unsafe_add(index % 2, 1)
        left: uint256 = 0
        minimum: uint256 = 0
        left, minimum = self._left(market_ids[rank], side)
        raised.lefts[index] = unsafe_add(left, 1)
        cap: uint256 = 0
        # Sizes are below 2**128, prices below 2**85, a minimum below 2**96: no overflow.
        if left != 0 and unsafe_mul(left, words._price_price(prices[rank])) >= unsafe_mul(minimum, WAD):
            cap = self._cap(min(left, claims.against[index]), side, prices[rank], claims.base[rank])
        charge: uint256 = min(claims.wanted[index], cap)
        raised.charges[index] = charge
        missing = unsafe_add(missing, unsafe_sub(claims.wanted[index], charge))
        spare[index] = unsafe_sub(cap, charge)
        free = unsafe_add(free, spare[index])
    missing = min(missing, free)
    for index: uint256 in range(count, bound=MAX_CLAIMS):
        if missing != 0 and spare[index] != 0:
            more: uint256 = fixed_math._mul_div_down(missing, spare[index], free)
            missing = unsafe_sub(missing, more)
            free = unsafe_sub(free, spare[index])
            raised.charges[index] = unsafe_add(raised.charges[index], more)
        if raised.charges[index] != 0:
            self._log(market_ids[index // 2], CHARGED, unsafe_add(index % 2, 1), raised.charges[index])
    return raised


@internal
@pure
def _cap(size: uint256, side: uint256, price_word: uint256, base: uint256) -> uint256:
    """
    @notice The most that a size of a side may be charged: its gain since the EMA and base maintenance margin.
    @dev At the lower of price and EMA: a member that had its maintenance margin at the EMA keeps equity.
    """
    price: uint256 = 0
    average: uint256 = 0
    price, average = self._price_and_average(price_word)
    gained: uint256 = 0
    if side == LONG and price > average:
        gained = unsafe_sub(price, average)
    elif side == SHORT and average > price:
        gained = unsafe_sub(average, price)
    # Sizes are below 2**128, prices below 2**85, rates below 2**20: no overflow.
    margin: uint256 = unsafe_div(unsafe_mul(size, min(price, average)), WAD)
    return unsafe_add(unsafe_div(unsafe_mul(size, gained), WAD), fixed_math._ppm_down(margin, base))


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
    long: uint256 = 0
    short: uint256 = 0
    long, short = close_out_batch._leaving(market_id)
    leaving: uint256 = long if side == LONG else short
    minimum: uint256 = words._terms_min_notional(market[2])
    return unsafe_sub(size, min(size, leaving)), minimum


@internal
@pure
def _price_and_average(word: uint256) -> (uint256, uint256):
    """
    @notice Index price and its EMA, rounded down.
    """
    price: uint256 = words._price_price(word)
    # A price below 2**80, a ratio below 2**28.
    return price, unsafe_div(unsafe_mul(price, words._price_ema_ratio(word)), averages.RATIO)


@internal
def _log(market_id: uint256, stage: uint256, side: uint256, amount: uint256):
    account: uint256 = close_out_batch._accounts[close_out_batch._pivot]
    log ICloseOut.ShortfallPaid(account=account, market_id=market_id, stage=stage, side=side, amount=amount)
