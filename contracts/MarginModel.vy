# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Margin model
@notice Given a portfolio and prices, what are equity, initial and maintenance margin?
@dev `seawall/spec/margin.py` is the same in Python. `assess` and `plan` are not locked: nothing here can be caught in
     the middle of a change, for it never calls out. Rates and weights are parts per million, prices and money WAD.
     Assets round down, requirements up. It never calls out.
@custom:kill None: it holds parameters only, and a higher maintenance rate takes RAMP seconds.
@custom:security The owner can raise initial rates at once, but not the maintenance of open accounts; the keeper
                 reserve of a market never changes, and weights of collateral never fall.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IMarginModel
implements: IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from snekmate.auth import ownable  # base of ownable_2step
initializes: ownable
from snekmate.auth import ownable_2step  # the timelock accepts its role in a second step
initializes: ownable_2step[ownable := ownable]

from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
UWAD: constant(uint256) = 10**18
WAD_PPM: constant(uint256) = 10**24
# ema_ratio is in units of 10**-7 of the price.
RATIO: constant(uint256) = 10**7
# A raised maintenance rate is reached linearly over 7 days.
RAMP: public(constant(uint256)) = 7 * 86_400
# half_width is in units of 10**-5 of the price.
HALF_WIDTH_UNIT: constant(uint256) = 10**5
# Twice a half-width of one unit in parts per million.
HALF_WIDTH_PPM_2: constant(uint256) = 20
# Positions are int112, and a leg's change as much: the bound of every sum over legs.
MAX_SIZE: constant(uint256) = 2**113
UNUSABLE: constant(uint256) = 2**16 - 1
RESERVE_UNIT: constant(uint256) = 10**16
# Bound of what the caller adds up before: far above any account's, far below an overflow.
MAX_BASE: constant(int256) = 2**200
# Ids from here up are collateral tokens, 128 is token 1.
COLLATERAL_IDS: constant(uint256) = 128

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

PROFIT_WEIGHT_PPM: public(immutable(uint256))
MARGIN_CALL_PPM: public(immutable(uint256))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_risks: uint256[128]
_weights: uint256[9]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(profit_weight_ppm: uint256, margin_call_ppm: uint256, owner: address):
    """
    @param profit_weight_ppm what of positive net unrealised profit counts for initial margin, at most 1e6
    @param margin_call_ppm the margin-call line above maintenance margin, at most 1e6
    @param owner who sets rates and weights
    """
    ownable.__init__()
    ownable_2step.__init__()
    assert owner != empty(address), "risk: no owner"
    ownable._transfer_ownership(owner)
    assert profit_weight_ppm <= PPM, "risk: profit weight"
    assert margin_call_ppm <= PPM, "risk: margin call"
    PROFIT_WEIGHT_PPM = profit_weight_ppm
    MARGIN_CALL_PPM = margin_call_ppm


# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@external
def set_risk(market_id: uint256, initial: uint256, maintenance: uint256, reserve: uint256):
    """
    @notice List a market's risk or change its rates; a higher maintenance rate is reached over RAMP seconds.
    @dev Owner only. The initial rate applies at once; a lower maintenance rate too.
    @param initial parts per million, at least `maintenance`, at most 1e6
    @param maintenance parts per million, above 0
    @param reserve WAD keeper reserve per leg, a multiple of 1e16 below 656e18, fixed at listing
    """
    ownable._check_owner()
    assert market_id != 0 and market_id < COLLATERAL_IDS, "risk: market id"
    assert maintenance != 0 and maintenance <= initial and initial <= PPM, "risk: rates"
    assert reserve % RESERVE_UNIT == 0 and reserve // RESERVE_UNIT < 2**16, "risk: reserve"
    old: uint256 = self._risks[market_id]
    start: uint256 = maintenance
    if old != 0:
        assert reserve // RESERVE_UNIT == words._risk_reserve(old), "risk: reserve is fixed"
        start = min(self._maintenance_rate(old, block.timestamp), maintenance)
    new: uint256 = words._risk(initial, start, maintenance, block.timestamp, reserve // RESERVE_UNIT)
    self._risks[market_id] = new
    log IMarginModel.RiskSet(market_id=market_id, old_word=old, new_word=new)


@external
def set_token_weight(token_id: uint256, initial: uint256, maintenance: uint256):
    """
    @notice Set the weights of a collateral token (parts per million, below 1e6). Owner only.
    @dev They may only rise: lowering one would lower the equity of open accounts at once.
    """
    ownable._check_owner()
    assert token_id != 0 and token_id <= 8, "risk: token id"
    assert initial <= maintenance and maintenance < PPM, "risk: weights"
    old: uint256 = self._weights[token_id]
    assert initial >= words._weight_initial(old), "risk: weight lowered"
    assert maintenance >= words._weight_maintenance(old), "risk: weight lowered"
    new: uint256 = words._weight(initial, maintenance)
    self._weights[token_id] = new
    log IMarginModel.TokenWeightSet(token_id=token_id, old_word=old, new_word=new)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
@reentrant
def assess(
    account_word: uint256,
    base: int256,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
) -> (int256, int256, int256, uint256, uint256):
    """
    @notice Equity at spot, adverse equity, settled equity, initial margin, maintenance margin.
    @dev See IMarginModel. `legs` and `prices` are parallel, in any order.
    """
    cash: int256 = words._account_cash(account_word)
    # Sums over the legs of |size| < 2**113, price < 2**80, adverse price < 2**86 and rate < 2**20: each is rounded
    # once, at the end. 24 products of all three stay below 2**239. Longs and shorts apart spare signs.
    long_value: uint256 = 0
    short_value: uint256 = 0
    long_adverse: uint256 = 0
    short_adverse: uint256 = 0
    initial_sum: uint256 = 0
    maintenance_sum: uint256 = 0
    reserve_units: uint256 = 0
    collateral_initial: int256 = 0
    collateral: int256 = 0
    usable: bool = True
    index: uint256 = 0
    for leg: uint256 in legs:
        price_word: uint256 = prices[index]
        index = unsafe_add(index, 1)
        id: uint256 = leg >> 248  # words._leg_id
        size: int256 = convert(convert(leg << 112, bytes32), int256) >> 112  # words._leg_size
        if id >= COLLATERAL_IDS:
            worth_initial: int256 = 0
            worth: int256 = 0
            worth_initial, worth = self._collateral(id, size, price_word)
            collateral_initial += worth_initial
            collateral += worth
            continue
        risk: uint256 = self._risks[id]
        rate: uint256 = (risk >> 196) & words.U20  # words._risk_maintenance_to
        if (risk >> 216) & words.U20 != rate:  # words._risk_maintenance_from
            rate = self._maintenance_rate(risk, block.timestamp)
        price: uint256 = price_word >> 176  # words._price_price
        half_width: uint256 = (price_word >> 100) & words.U16  # words._price_half_width
        # `_is_usable`
        if unsafe_mul(half_width, HALF_WIDTH_PPM_2) > rate or unsafe_mul(price, rate) == 0:
            usable = False
        # The worse of spot and EMA, moved by the half-width against the leg.
        average: uint256 = unsafe_div(unsafe_mul(price, (price_word >> 116) & words.U28), RATIO)  # words._price_ema_ratio
        notional: uint256 = 0
        if size > 0:
            magnitude: uint256 = convert(size, uint256)
            assert magnitude < MAX_SIZE
            notional = unsafe_mul(magnitude, price)
            low: uint256 = unsafe_mul(min(price, average), unsafe_sub(HALF_WIDTH_UNIT, half_width))
            long_value = unsafe_add(long_value, notional)
            long_adverse = unsafe_add(long_adverse, unsafe_mul(magnitude, unsafe_div(low, HALF_WIDTH_UNIT)))
            # A long's adverse price is not above spot, so spot is the initial margin's.
            initial_sum = unsafe_add(initial_sum, unsafe_mul(notional, risk >> 236))  # words._risk_initial
        else:
            # A leg's size is an int144: no overflow.
            magnitude: uint256 = convert(unsafe_sub(0, size), uint256)
            assert magnitude < MAX_SIZE
            notional = unsafe_mul(magnitude, price)
            high: uint256 = unsafe_mul(max(price, average), unsafe_add(HALF_WIDTH_UNIT, half_width))
            worse: uint256 = unsafe_div(unsafe_add(high, HALF_WIDTH_UNIT - 1), HALF_WIDTH_UNIT)
            adverse_notional: uint256 = unsafe_mul(magnitude, worse)
            short_value = unsafe_add(short_value, notional)
            short_adverse = unsafe_add(short_adverse, adverse_notional)
            initial_sum = unsafe_add(initial_sum, unsafe_mul(adverse_notional, risk >> 236))  # words._risk_initial
        maintenance_sum = unsafe_add(maintenance_sum, unsafe_mul(notional, rate))
        reserve_units = unsafe_add(reserve_units, (risk >> 148) & words.U16)  # words._risk_reserve
    value: int256 = unsafe_sub(convert(long_value, int256), convert(short_value, int256))
    adverse_value: int256 = unsafe_sub(convert(long_adverse, int256), convert(short_adverse, int256))
    reserve: int256 = convert(unsafe_mul(reserve_units, RESERVE_UNIT), int256)
    # All terms are below 2**200, the bound of base included.
    fixed: int256 = unsafe_sub(self._bounded(base), reserve)
    equity: int256 = unsafe_add(unsafe_add(fixed, fixed_math._wad_floor(value)), collateral)
    net: int256 = unsafe_add(unsafe_sub(base, cash), fixed_math._wad_floor(adverse_value))
    # Settlement balance: what of equity is in the settlement token. It must cover half of the initial margin, so
    # that collateral never carries a debt in the settlement token alone.
    held: int256 = unsafe_sub(cash, reserve)
    bound: int256 = unsafe_add(held, net)
    if bound > 0:
        bound = unsafe_add(bound, bound)
    settled: int256 = unsafe_add(held, collateral_initial)
    adverse: int256 = settled
    if net > 0:
        profit: uint256 = unsafe_div(unsafe_mul(convert(net, uint256), PROFIT_WEIGHT_PPM), PPM)
        adverse = unsafe_add(settled, convert(profit, int256))
    else:
        settled = unsafe_add(settled, net)
        adverse = settled
    initial: uint256 = max_value(uint256)
    if usable:
        initial = self._ceil_requirement(initial_sum)
    return equity, min(adverse, bound), min(settled, bound), initial, self._ceil_requirement(maintenance_sum)


@external
@view
@reentrant
def plan(
    account_word: uint256,
    base: int256,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
) -> (int256, uint256, int256, uint256, DynArray[uint256, 16]):
    """
    @notice Equity and maintenance margin at spot, the same at favourable ends, and a plan word per market leg.
    @dev See IMarginModel. `legs` and `prices` are parallel, in any order.
    """
    # Sums as in `assess`; a favourable price is below 2**97.
    value: int256 = 0
    favourable_value: int256 = 0
    maintenance_sum: uint256 = 0
    favourable_sum: uint256 = 0
    reserve_units: uint256 = 0
    collateral: int256 = 0
    planned: DynArray[uint256, 16] = []
    index: uint256 = 0
    for leg: uint256 in legs:
        price_word: uint256 = prices[index]
        index = unsafe_add(index, 1)
        id: uint256 = leg >> 248  # words._leg_id
        size: int256 = convert(convert(leg << 112, bytes32), int256) >> 112  # words._leg_size
        if id >= COLLATERAL_IDS:
            worth_initial: int256 = 0
            worth: int256 = 0
            worth_initial, worth = self._collateral(id, size, price_word)
            collateral += worth
            continue
        risk: uint256 = self._risks[id]
        rate: uint256 = self._rate_now(risk)
        units: uint256 = (risk >> 148) & words.U16  # words._risk_reserve
        reserve_units = unsafe_add(reserve_units, units)
        price: uint256 = price_word >> 176  # words._price_price
        better: uint256 = price
        if (price_word >> 100) & words.U16 != 0:  # words._price_half_width
            better = self._favourable_price(size, price_word, rate)
        magnitude: uint256 = self._magnitude(size)
        notional: uint256 = unsafe_mul(magnitude, price)
        value = unsafe_add(value, unsafe_mul(size, convert(price, int256)))
        favourable_value = unsafe_add(favourable_value, unsafe_mul(size, convert(better, int256)))
        maintenance_sum = unsafe_add(maintenance_sum, unsafe_mul(notional, rate))
        favourable_sum = unsafe_add(favourable_sum, unsafe_mul(unsafe_mul(magnitude, better), rate))
        usable: uint256 = 1 if self._is_usable(price_word, rate) else 0
        planned.append(words._plan(id, usable, unsafe_mul(units, RESERVE_UNIT), rate, unsafe_div(notional, UWAD)))
    # All terms are below 2**200, the bound of base included.
    reserve: int256 = convert(unsafe_mul(reserve_units, RESERVE_UNIT), int256)
    outside: int256 = unsafe_sub(unsafe_add(self._bounded(base), collateral), reserve)
    equity: int256 = unsafe_add(outside, fixed_math._wad_floor(value))
    favourable: int256 = unsafe_add(outside, fixed_math._wad_floor(favourable_value))
    maintenance: uint256 = self._ceil_requirement(maintenance_sum)
    favourable_maintenance: uint256 = self._ceil_requirement(favourable_sum)
    return equity, maintenance, favourable, favourable_maintenance, planned


@external
@view
def risk_word(market_id: uint256) -> uint256:
    """
    @notice The stored risk word of a market, see words.vy.
    """
    return self._risks[market_id]


@external
@view
def token_weight_word(token_id: uint256) -> uint256:
    """
    @notice Weights of a collateral token, see words.vy.
    """
    return self._weights[token_id]


@external
@view
def rates_at(market_id: uint256, time: uint256) -> (uint256, uint256):
    """
    @notice Initial and maintenance rate (parts per million) in force at a time, ramp included.
    """
    risk: uint256 = self._risks[market_id]
    maintenance: uint256 = self._maintenance_rate(risk, time)
    return words._risk_initial(risk), maintenance


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _maintenance_rate(risk: uint256, time: uint256) -> uint256:
    """
    @notice The maintenance rate in force: linear from one value to the other, rounded down.
    """
    target: uint256 = words._risk_maintenance_to(risk)
    start: uint256 = words._risk_ramp_start(risk)
    if time >= start + RAMP:
        return target
    origin: uint256 = words._risk_maintenance_from(risk)
    if time <= start:
        return origin
    # set_risk never stores an origin above the target.
    step: uint256 = (target - origin) * (time - start)
    return origin + step // RAMP


@internal
@view
def _rate_now(risk: uint256) -> uint256:
    """
    @notice The maintenance rate in force now; without another call while no ramp is set.
    """
    target: uint256 = (risk >> 196) & words.U20  # words._risk_maintenance_to
    # words._risk_maintenance_from
    if (risk >> 216) & words.U20 == target:
        return target
    return self._maintenance_rate(risk, block.timestamp)


@internal
@pure
def _bounded(base: int256) -> int256:
    """
    @notice A base that no sum here overflows; an account's is below 2**117.
    """
    assert base < MAX_BASE and base >= -MAX_BASE
    return base


@internal
@pure
def _magnitude(size: int256) -> uint256:
    """
    @notice |size| below its bound.
    """
    # A leg's size is an int144: no overflow.
    magnitude: uint256 = convert(max(size, unsafe_sub(0, size)), uint256)
    assert magnitude < MAX_SIZE
    return magnitude


@internal
@pure
def _ceil_requirement(total: uint256) -> uint256:
    """
    @notice A sum of rate * |size| * price, rounded up to money.
    """
    required: uint256 = unsafe_div(total, WAD_PPM)
    # required * 10**24 <= total.
    if unsafe_mul(required, WAD_PPM) != total:
        required = unsafe_add(required, 1)
    return required


@internal
@pure
def _is_usable(price_word: uint256, rate: uint256) -> bool:
    """
    @notice A market is usable while its half-width is at most half its maintenance rate.
    """
    if price_word >> 176 == 0 or rate == 0:  # words._price_price
        return False
    # words._price_half_width
    return unsafe_mul((price_word >> 100) & words.U16, HALF_WIDTH_PPM_2) <= rate


@internal
@pure
def _favourable_price(size: int256, price_word: uint256, rate: uint256) -> uint256:
    """
    @notice Spot moved by the half-width, capped at half the maintenance rate, in favour of the leg; up for a long, down for
            a short.
    """
    price: uint256 = price_word >> 176  # words._price_price
    half_width: uint256 = (price_word >> 100) & words.U16  # words._price_half_width
    # Half the rate in units of a half-width: at most 50,000. A price is below 2**80.
    width: uint256 = min(half_width, unsafe_div(rate, HALF_WIDTH_PPM_2))
    if size > 0:
        high: uint256 = unsafe_mul(price, unsafe_add(HALF_WIDTH_UNIT, width))
        return unsafe_div(unsafe_add(high, HALF_WIDTH_UNIT - 1), HALF_WIDTH_UNIT)
    return unsafe_div(unsafe_mul(price, unsafe_sub(HALF_WIDTH_UNIT, width)), HALF_WIDTH_UNIT)


@internal
@view
def _collateral(id: uint256, amount: int256, price_word: uint256) -> (int256, int256):
    """
    @notice Weighted worth of a collateral amount: for initial margin at its adverse end, for maintenance margin at the
            last price.
    @dev A silent feed carries no new risk; it liquidates nobody either, so equity keeps the last price.
    """
    tokens: uint256 = convert(amount, uint256)
    price: uint256 = words._price_price(price_word)
    half_width: uint256 = words._price_half_width(price_word)
    weight: uint256 = self._weights[unsafe_sub(id, 127)]
    gross: uint256 = fixed_math._mul_div_down(tokens, price, UWAD)
    maintenance: uint256 = fixed_math._ppm_down(gross, words._weight_maintenance(weight))
    initial: uint256 = 0
    if half_width != UNUSABLE:
        # The worse of spot and EMA, less the half-width: a balance is held like a long.
        average: uint256 = unsafe_div(unsafe_mul(price, words._price_ema_ratio(price_word)), RATIO)
        low: uint256 = unsafe_mul(min(price, average), unsafe_sub(HALF_WIDTH_UNIT, half_width))
        adverse: uint256 = fixed_math._mul_div_down(tokens, unsafe_div(low, HALF_WIDTH_UNIT), UWAD)
        initial = fixed_math._ppm_down(adverse, words._weight_initial(weight))
    return convert(initial, int256), convert(maintenance, int256)
