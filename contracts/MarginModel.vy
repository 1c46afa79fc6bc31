# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Margin model
@notice Given a portfolio and prices, what are equity, initial and maintenance margin?
@dev `seawall/spec/margin.py` is the same in Python. `assess` and `plan` are not locked: nothing here can be caught in
     the middle of a change, for it never calls out. Rates, weights and factors are parts per million, prices and
     money WAD. Assets round down, requirements up.
@custom:kill None: it holds parameters only, and whatever raises maintenance takes NOTICE and RAMP seconds.
@custom:security The owner can raise initial margin at once, but not the maintenance of open accounts, nor lower what
                 their collateral counts for; the keeper reserve of a market never changes. The follower, a contract
                 without a choice, moves factors within what the owner allowed.
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
from contracts.modules import leg_math  # prices and requirements of a leg
from contracts.modules import risk_factors  # how rates grow and move
from contracts.modules import risk_parameters  # what the owner sets
initializes: risk_parameters
from contracts.modules import risk_words  # storage layout of parameters
from contracts.modules import scenarios  # the scenario matrix
initializes: scenarios
from contracts.modules import portfolio_book  # requirements of portfolio mode
initializes: portfolio_book[risk_parameters := risk_parameters, scenarios := scenarios]
from contracts.modules import words  # layout of portfolios and prices

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
# A change that raises maintenance waits for NOTICE and then moves linearly over RAMP seconds.
NOTICE: public(constant(uint256)) = risk_factors.NOTICE
RAMP: public(constant(uint256)) = risk_factors.RAMP
UNUSABLE: constant(uint256) = 2**16 - 1
RESERVE_UNIT: constant(uint256) = 10**16
# Bound of what the caller adds up before: far above any account's, far below an overflow.
MAX_BASE: constant(int256) = 2**200
# Ids from here up are collateral tokens, 128 is token 1.
COLLATERAL_IDS: constant(uint256) = 128
# Mode bits of an account word: portfolio margin; an account that opts in, with the least equity; a takeover, which asks
# for none of the open-interest factor.
PORTFOLIO: constant(uint256) = 1
OPTING_IN: constant(uint256) = 64
TAKEOVER: constant(uint256) = 128

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

PROFIT_WEIGHT_PPM: public(immutable(uint256))
MARGIN_CALL_PPM: public(immutable(uint256))
# What must stay of gross notional after a way out by value.
NOTIONAL_FLOOR_PPM: public(immutable(uint256))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

# Who may call `follow`.
follower: public(address)

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(profit_weight_ppm: uint256, margin_call_ppm: uint256, notional_floor_ppm: uint256, owner: address):
    """
    @param profit_weight_ppm what of positive net unrealised profit counts for initial margin, at most 1e6
    @param margin_call_ppm the margin-call line above maintenance margin, at most 1e6
    @param notional_floor_ppm what must stay of gross notional after a way out by value, at most 1e6
    @param owner who sets rates and weights
    """
    ownable.__init__()
    ownable_2step.__init__()
    assert owner != empty(address), "risk: no owner"
    ownable._transfer_ownership(owner)
    assert profit_weight_ppm <= PPM, "risk: profit weight"
    assert margin_call_ppm <= PPM, "risk: margin call"
    assert notional_floor_ppm <= PPM, "risk: notional floor"
    PROFIT_WEIGHT_PPM = profit_weight_ppm
    MARGIN_CALL_PPM = margin_call_ppm
    NOTIONAL_FLOOR_PPM = notional_floor_ppm


# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@external
def set_risk(market_id: uint256, risk: IMarginModel.MarketRisk):
    """
    @notice List a market or change its parameters. Owner only; see IMarginModel.
    """
    ownable._check_owner()
    risk_parameters._set_risk(market_id, risk)


@external
def set_token_risk(token_id: uint256, initial: uint256, maintenance: uint256, depth: uint256):
    """
    @notice Set the weights of a collateral token and the depth of its market. Owner only; see IMarginModel.
    """
    ownable._check_owner()
    risk_parameters._set_token_risk(token_id, initial, maintenance, depth)


@external
def stage_scenarios(market_id: uint256, shocks: uint256[2]):
    """
    @notice Write a market's shocks of the next matrix. Owner only; see IMarginModel.
    """
    ownable._check_owner()
    assert market_id != 0 and market_id < COLLATERAL_IDS, "risk: market id"
    scenarios._stage(market_id, shocks)


@external
def activate_matrix(
    tail: uint256, factor: uint256, gross_floor: uint256, minimum_equity: uint256
):
    """
    @notice Put the staged matrix in force. Owner only; see IMarginModel.
    """
    ownable._check_owner()
    terms: scenarios.Terms = scenarios.Terms(tail=tail, factor=factor, gross_floor=gross_floor)
    scenarios._activate(terms, minimum_equity)


@external
def set_follower(follower: address):
    """
    @notice Name the contract that may call `follow`. Owner only.
    """
    ownable._check_owner()
    log IMarginModel.FollowerSet(old_follower=self.follower, new_follower=follower)
    self.follower = follower


@external
def follow(market_id: uint256, volatility: uint256, fund: uint256):
    """
    @notice Let a market's capacity follow the fund, and the volatility factor of its maintenance the volatility.
    @dev See IMarginModel.
    """
    assert msg.sender == self.follower, "risk: not the follower"
    risk_parameters._follow(market_id, volatility, fund)


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
    time: uint256 = block.timestamp,
) -> (int256, int256, int256, uint256, uint256):
    """
    @notice Equity at spot, adverse equity, settled equity, initial margin, maintenance margin.
    @dev See IMarginModel. `legs` and `prices` are parallel, in any order.
    """
    cash: int256 = words._account_cash(account_word)
    mode: uint256 = words._account_mode(account_word)
    # Sums over the legs of |size| < 2**113, price < 2**80, adverse price < 2**86 and rate < 2**30: each is rounded
    # once, at the end. 24 products of all three stay below 2**234. Longs and shorts apart spare signs.
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
    flags: uint256 = 0
    index: uint256 = 0
    for leg: uint256 in legs:
        price_word: uint256 = prices[index]
        index = unsafe_add(index, 1)
        id: uint256 = leg >> 248  # words._leg_id
        size: int256 = convert(convert(leg << 112, bytes32), int256) >> 112  # words._leg_size
        if id >= COLLATERAL_IDS:
            worth_initial: int256 = 0
            worth: int256 = 0
            worth_initial, worth = self._collateral(id, size, price_word, time)
            collateral_initial += worth_initial
            collateral += worth
            continue
        flags = flags | price_word  # words._price_flags
        risk: uint256 = risk_parameters._risks[id]
        price: uint256 = price_word >> 176  # words._price_price
        # A leg's size is an int144: no overflow.
        magnitude: uint256 = convert(max(size, unsafe_sub(0, size)), uint256)
        assert magnitude < leg_math.MAX_SIZE
        notional: uint256 = unsafe_mul(magnitude, price)
        # Of risk_words._risk_fields; what the market's state does not move is what the owner set.
        least: uint256 = (risk >> 216) & risk_words.U20
        rate: uint256 = least
        initial_rate: uint256 = risk >> 236  # risk_words._risk_fields
        interest: uint256 = unsafe_mul((leg >> 144) & words.U104, price)  # words._leg_open_interest
        # All factors are 1 unless something moves, volatility is above calm, or a notional or the open interest is
        # beyond what rates hold for: fields of risk_words._risk_fields and words._price_volatility.
        if (
            risk & risk_words.MOVING != risk_words.STILL  # risk_words._risk_fields
            or (price_word >> 44) & words.U24 > (risk >> 112) & risk_words.U24  # risk_words._risk_fields
            or notional > unsafe_mul((risk >> 184) & risk_words.U32, risk_factors.DEPTH_WAD)  # risk_words._risk_fields
            or interest > unsafe_mul((risk >> 152) & risk_words.U32, risk_factors.DEPTH_WAD)  # risk_words._risk_fields
        ):
            if mode & TAKEOVER != 0:
                interest = 0
            least, rate, initial_rate = risk_parameters._rates(id, risk, notional, interest, price_word, time)
        half_width: uint256 = (price_word >> 100) & words.U16  # words._price_half_width
        # A market is usable while its half-width is at most half its maintenance rate.
        if unsafe_mul(half_width, leg_math.HALF_WIDTH_PPM_2) > least or unsafe_mul(price, least) == 0:
            usable = False
        # The worse of spot and EMA, moved by the half-width against the leg.
        average: uint256 = unsafe_div(unsafe_mul(price, (price_word >> 116) & words.U28), leg_math.RATIO)  # words._price_ema_ratio
        if size > 0:
            low: uint256 = unsafe_mul(min(price, average), unsafe_sub(leg_math.HALF_WIDTH_UNIT, half_width))
            long_value = unsafe_add(long_value, notional)
            long_adverse = unsafe_add(long_adverse, unsafe_mul(magnitude, unsafe_div(low, leg_math.HALF_WIDTH_UNIT)))
            # A long's adverse price is not above spot, so spot is the initial margin's.
            initial_sum = unsafe_add(initial_sum, unsafe_mul(notional, initial_rate))
        else:
            high: uint256 = unsafe_mul(max(price, average), unsafe_add(leg_math.HALF_WIDTH_UNIT, half_width))
            worse: uint256 = unsafe_div(unsafe_add(high, leg_math.HALF_WIDTH_UNIT - 1), leg_math.HALF_WIDTH_UNIT)
            adverse_notional: uint256 = unsafe_mul(magnitude, worse)
            short_value = unsafe_add(short_value, notional)
            short_adverse = unsafe_add(short_adverse, adverse_notional)
            initial_sum = unsafe_add(initial_sum, unsafe_mul(adverse_notional, initial_rate))
        maintenance_sum = unsafe_add(maintenance_sum, unsafe_mul(notional, rate))
        reserve_units = unsafe_add(reserve_units, (risk >> 136) & risk_words.U16)  # risk_words._risk_fields
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
    initial: uint256 = leg_math._ceil_requirement(initial_sum)
    maintenance: uint256 = leg_math._ceil_requirement(maintenance_sum)
    if mode & PORTFOLIO != 0:
        poor: bool = False
        standard: uint256 = initial
        # A call of its own, so that the accounts in standard mode do not pay for its memory.
        poor, initial, maintenance = staticcall IMarginModel(self).portfolio_margin(
            equity, mode & TAKEOVER == 0, legs, prices, time
        )
        # Too poor for the credit of hedges: new risk at the margin of standard mode.
        if poor:
            initial = max(initial, standard)
            if mode & OPTING_IN != 0 and standard != 0:
                initial = max_value(uint256)
    if not usable:
        initial = max_value(uint256)
    settled = min(settled, bound)
    least: uint256 = leg_math._ceil_requirement(unsafe_mul(unsafe_add(long_value, short_value), NOTIONAL_FLOOR_PPM))
    if least > initial:
        settled = unsafe_sub(settled, convert(unsafe_sub(least, initial), int256))
    if words._price_flags(flags) != 0:
        # No way out by value yet.
        settled = min(settled, -1)
    return equity, min(adverse, bound), settled, initial, maintenance


@external
@view
@reentrant
def plan(
    account_word: uint256,
    base: int256,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
    time: uint256 = block.timestamp,
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
            worth_initial, worth = self._collateral(id, size, price_word, time)
            collateral += worth
            continue
        risk: uint256 = risk_parameters._risks[id]
        # Of risk_words._risk_fields; as `risk_parameters._terms` says while nothing moves.
        least: uint256 = (risk >> 216) & risk_words.U20
        depth: uint256 = (risk >> 184) & risk_words.U32
        flat: uint256 = PPM
        if risk & risk_words.MOVING != risk_words.STILL:  # risk_words._risk_fields
            least, depth, flat = risk_parameters._terms(id, risk, time)
        units: uint256 = (risk >> 136) & risk_words.U16  # risk_words._risk_fields
        reserve_units = unsafe_add(reserve_units, units)
        price: uint256 = price_word >> 176  # words._price_price
        # A leg's size is an int144: no overflow.
        magnitude: uint256 = convert(max(size, unsafe_sub(0, size)), uint256)
        assert magnitude < leg_math.MAX_SIZE
        notional: uint256 = unsafe_mul(magnitude, price)
        rate: uint256 = least
        # uint32 * 10**39; `_maintenance_rate` of a leg whose factors are 1
        if flat != PPM or notional > unsafe_mul(depth, risk_factors.DEPTH_WAD):
            rate = risk_factors._maintenance_rate(least, flat, depth, notional)
        better: uint256 = price
        better_notional: uint256 = notional
        better_rate: uint256 = rate
        half_width: uint256 = (price_word >> 100) & words.U16  # words._price_half_width
        if half_width != 0:
            better = leg_math._favourable_price(size, price_word, least)
            better_notional = unsafe_mul(magnitude, better)
            better_rate = risk_factors._maintenance_rate(least, flat, depth, better_notional)
        value = unsafe_add(value, unsafe_mul(size, convert(price, int256)))
        favourable_value = unsafe_add(favourable_value, unsafe_mul(size, convert(better, int256)))
        maintenance_sum = unsafe_add(maintenance_sum, unsafe_mul(notional, rate))
        favourable_sum = unsafe_add(favourable_sum, unsafe_mul(better_notional, better_rate))
        whole: uint256 = unsafe_div(notional, UWAD)
        # risk_words._plan: all other fields come from fields of their width.
        assert whole <= risk_words.U128
        usable: uint256 = 1
        # A market is usable while its half-width is at most half its maintenance rate.
        if unsafe_mul(half_width, leg_math.HALF_WIDTH_PPM_2) > least or unsafe_mul(price, least) == 0:
            usable = 0
        head: uint256 = (id << 248) | (usable << 240) | (units << 224) | (rate << 204)  # risk_words._plan
        tail: uint256 = (least << 184) | (flat << 160) | (depth << 128) | whole  # risk_words._plan
        planned.append(head | tail)  # risk_words._plan
    # All terms are below 2**200, the bound of base included.
    reserve: int256 = convert(unsafe_mul(reserve_units, RESERVE_UNIT), int256)
    outside: int256 = unsafe_sub(unsafe_add(self._bounded(base), collateral), reserve)
    equity: int256 = unsafe_add(outside, fixed_math._wad_floor(value))
    favourable: int256 = unsafe_add(outside, fixed_math._wad_floor(favourable_value))
    maintenance: uint256 = leg_math._ceil_requirement(maintenance_sum)
    favourable_maintenance: uint256 = leg_math._ceil_requirement(favourable_sum)
    if words._account_mode(account_word) & PORTFOLIO != 0:
        maintenance = staticcall IMarginModel(self).portfolio_maintenance(legs, prices, time)
        # The width of an index is at most half of standard margin, many times what a hedge needs: as a part of this
        # margin it may not shield a portfolio more than a leg in standard mode.
        favourable_maintenance = maintenance
        favourable = min(favourable, unsafe_add(equity, convert(unsafe_div(maintenance, 2), int256)))
    return equity, maintenance, favourable, favourable_maintenance, planned


@external
@view
@reentrant
def portfolio_margin(
    equity: int256, crowded: bool, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256
) -> (bool, uint256, uint256):
    """
    @notice Whether equity is below what portfolio mode asks for, initial and maintenance margin of a portfolio.
    @dev See IMarginModel.
    """
    return portfolio_book._assessed(equity, crowded, legs, prices, time)


@external
@view
@reentrant
def portfolio_maintenance(legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256) -> uint256:
    """
    @notice Maintenance margin of a portfolio at spot.
    """
    return portfolio_book._maintenance(legs, prices, time)


@external
@view
def risk_words_of(market_id: uint256) -> uint256[3]:
    """
    @notice What is stored of a market: risk, earlier and capacity word, see risk_words.vy.
    """
    return [risk_parameters._risks[market_id], risk_parameters._earlier[market_id], risk_parameters._capacities[market_id]]


@external
@view
def weight_word(token_id: uint256) -> uint256:
    """
    @notice What is stored of a collateral token, see risk_words.vy.
    """
    return risk_parameters._weights[token_id]


@external
@view
def matrix_word() -> uint256:
    """
    @notice Versions and terms of the scenario matrix, see risk_words.vy.
    """
    return scenarios._matrix


@external
@view
def shocks(version: uint256, market_id: uint256) -> uint256[2]:
    """
    @notice A market's shocks in a version of the matrix, see scenarios.vy.
    """
    return scenarios._shocks[version][market_id]


@external
@view
def requirement_at(
    market_id: uint256, notional: uint256, open_interest: uint256, volatility: uint256, time: uint256
) -> (uint256, uint256):
    """
    @notice Initial and maintenance rate of a leg at a time, ramps included. See IMarginModel.
    """
    # Notionals below 2**139 and 2**124 are what `assess` meets.
    assert notional >> 139 == 0 and open_interest >> 124 == 0, "risk: notional"  # words._leg, words._price
    least: uint256 = 0
    rate: uint256 = 0
    initial_rate: uint256 = 0
    price_word: uint256 = words._price(0, 0, 0, 0, words._price_memory(0, volatility, 0, 0))
    least, rate, initial_rate = risk_parameters._rates(
        market_id, risk_parameters._risks[market_id], notional * UWAD, open_interest * UWAD, price_word, time
    )
    return initial_rate, rate


@external
@view
def weights_at(token_id: uint256, time: uint256) -> (uint256, uint256, uint256):
    """
    @notice Initial and maintenance weight and depth of a collateral token at a time, ramps included.
    """
    weight: risk_words.Weight = risk_parameters._weight_at(risk_parameters._weights[token_id], time)
    return weight.initial_from, weight.maintenance_from, weight.depth_from


# ---------------------------------------------------------------
#                     INTERNAL: ARITHMETIC
# ---------------------------------------------------------------


@internal
@pure
def _bounded(base: int256) -> int256:
    """
    @notice A base that no sum here overflows; an account's is below 2**117.
    """
    assert base < MAX_BASE and base >= -MAX_BASE
    return base


@internal
@view
def _collateral(id: uint256, amount: int256, price_word: uint256, time: uint256) -> (int256, int256):
    """
    @notice Weighted worth of a collateral amount: for initial margin at its adverse end, for maintenance margin at the
            last price.
    @dev A silent feed carries no new risk; it liquidates nobody either, so equity keeps the last price.
    """
    tokens: uint256 = convert(amount, uint256)
    price: uint256 = words._price_price(price_word)
    half_width: uint256 = words._price_half_width(price_word)
    weight: risk_words.Weight = risk_parameters._weight_at(risk_parameters._weights[unsafe_sub(id, 127)], time)
    if weight.depth_to == 0:
        return 0, 0
    gross: uint256 = fixed_math._mul_div_down(tokens, price, UWAD)
    maintenance: uint256 = risk_factors._worth(gross, weight.maintenance_from, weight.depth_from)
    initial: uint256 = 0
    if half_width != UNUSABLE:
        # The worse of spot and EMA, less the half-width: a balance is held like a long.
        average: uint256 = unsafe_div(unsafe_mul(price, words._price_ema_ratio(price_word)), leg_math.RATIO)
        low: uint256 = unsafe_mul(min(price, average), unsafe_sub(leg_math.HALF_WIDTH_UNIT, half_width))
        adverse: uint256 = fixed_math._mul_div_down(tokens, unsafe_div(low, leg_math.HALF_WIDTH_UNIT), UWAD)
        initial = risk_factors._worth(adverse, weight.initial_from, weight.depth_from)
    return convert(initial, int256), convert(maintenance, int256)
