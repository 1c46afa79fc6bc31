# pragma version ==0.4.3
"""
@title Risk parameters
@notice What the owner sets of markets and collateral tokens, how it moves with time, and the rates that follow.
        Part of the margin model.
@dev `seawall/spec/risk.py` is the same in Python. Rates, weights and factors are parts per million.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from interfaces import IMarginModel

from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_factors  # how rates grow and move
from contracts.modules import risk_words  # storage layout of parameters
from contracts.modules import words  # layout of legs and prices

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
MAX_MARKET_ID: constant(uint256) = 127
MAX_TOKENS: constant(uint256) = 8
# Volatility factors reach from 1 to 16, in tenths.
LEAST_CAP: constant(uint256) = 10
MOST_CAP: constant(uint256) = 160
# How long a movement of the volatility factor lasts before another may replace it: looking every block would
# otherwise round it away.
FACTOR_PERIOD: constant(uint256) = 3_600

# ---------------------------------------------------------------
#                             STORAGE
# ---------------------------------------------------------------

_risks: uint256[128]
# What a market's ramp comes from; only read while it is on.
_earlier: uint256[128]
_capacities: uint256[128]
_weights: uint256[9]

# ---------------------------------------------------------------
#                              ADMIN
# ---------------------------------------------------------------


@internal
def _set_risk(market_id: uint256, risk: IMarginModel.MarketRisk):
    """
    @notice List a market or change its parameters.
    """
    self._check_market_id(market_id)
    old: uint256 = self._risks[market_id]
    self._check_risk(risk)
    changed: risk_words.Risk = risk_words._risk_fields(old)
    goal: uint256 = risk_words._earlier(
        risk_words.Earlier(
            maintenance=risk.maintenance, depth=risk.depth, calm=risk.calm, volatility_cap=risk.volatility_cap
        )
    )
    earlier: uint256 = goal
    if old == 0:
        changed.reserve = risk.reserve
        changed.capacity = risk.capacity_floor
        changed.factor_from = risk_factors.FACTOR_UNIT
        changed.factor_to = risk_factors.FACTOR_UNIT
    else:
        assert risk.reserve == changed.reserve, "risk: reserve is fixed"
        earlier = self._earlier_now(market_id, old)
    changed.initial = risk.initial
    changed.maintenance = risk.maintenance
    changed.depth = risk.depth
    changed.calm = risk.calm
    changed.volatility_cap = risk.volatility_cap
    changed.capacity = min(changed.capacity, risk.capacity_floor)
    changed.ramp_start = block.timestamp + risk_factors.NOTICE
    # A ramp runs where what is in force differs from the new terms.
    if earlier == goal:
        earlier = 0
        changed.ramp_start = 0
    new: uint256 = risk_words._risk(changed)
    capacity: uint256 = risk_words._capacity(risk.capacity_floor, risk.capacity_per_fund)
    self._risks[market_id] = new
    self._earlier[market_id] = earlier
    self._capacities[market_id] = capacity
    log IMarginModel.RiskSet(market_id=market_id, old_word=old, new_word=new, earlier=earlier, capacity=capacity)


@internal
def _set_token_risk(token_id: uint256, initial: uint256, maintenance: uint256, depth: uint256):
    """
    @notice Set the weights of a collateral token and the depth of its market.
    """
    assert token_id != 0 and token_id <= MAX_TOKENS, "risk: token id"
    assert initial <= maintenance and maintenance < PPM, "risk: weights"
    assert depth != 0, "risk: depth"
    old: uint256 = self._weights[token_id]
    weight: risk_words.Weight = self._weight_at(old, block.timestamp)
    weight.initial_from = min(weight.initial_from, initial)
    weight.initial_to = initial
    weight.maintenance_to = maintenance
    if weight.depth_to == 0:
        weight.depth_from = depth
    weight.depth_to = depth
    weight.ramp_start = block.timestamp + risk_factors.NOTICE
    new: uint256 = risk_words._weight(weight)
    self._weights[token_id] = new
    log IMarginModel.TokenRiskSet(token_id=token_id, old_word=old, new_word=new)


@internal
def _follow(market_id: uint256, volatility: uint256, fund: uint256):
    """
    @notice Let a market's capacity follow the fund, and the volatility factor of its maintenance the volatility.
    """
    old: uint256 = 0
    if market_id <= MAX_MARKET_ID:
        old = self._risks[market_id]
    # What is not listed is refused as what cannot be.
    self._check_market_id(market_id if old != 0 else 0)
    risk: risk_words.Risk = risk_words._risk_fields(old)
    terms: uint256 = self._capacities[market_id]
    grown: uint256 = fixed_math._ppm_down(fund, risk_words._capacity_per_fund(terms)) // risk_factors.DEPTH_UNIT
    risk.capacity = min(risk_words._capacity_least(terms) + grown, risk_words.U32)
    calm: uint256 = risk.calm
    cap: uint256 = risk.volatility_cap
    if risk.ramp_start != 0:
        calm, cap = risk_factors._calm_between(risk, self._earlier[market_id], block.timestamp)
    goal: uint256 = risk_factors._calm_factor(calm, cap, volatility) // risk_factors.FACTOR_UNIT
    here: uint256 = risk_factors._volatility_factor(old, block.timestamp) // risk_factors.FACTOR_UNIT
    # Movements and ramps that are over cost every reader.
    if here == risk.factor_to:
        risk.factor_from = here
    if block.timestamp >= risk.factor_start + FACTOR_PERIOD and goal != risk.factor_to:
        risk.factor_from = here
        risk.factor_to = goal
        risk.factor_start = block.timestamp
    if block.timestamp >= risk.ramp_start + risk_factors.RAMP:
        risk.ramp_start = 0
    new: uint256 = risk_words._risk(risk)
    self._risks[market_id] = new
    log IMarginModel.Followed(market_id=market_id, old_word=old, new_word=new)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _check_market_id(market_id: uint256):
    assert market_id != 0 and market_id <= MAX_MARKET_ID, "risk: market id"


@internal
@pure
def _check_risk(risk: IMarginModel.MarketRisk):
    assert risk.maintenance != 0 and risk.maintenance <= risk.initial and risk.initial <= PPM, "risk: rates"
    assert risk.depth != 0, "risk: depth"
    assert risk.calm != 0, "risk: calm"
    assert risk.volatility_cap >= LEAST_CAP and risk.volatility_cap <= MOST_CAP, "risk: volatility cap"
    assert risk.capacity_floor != 0, "risk: capacity"


@internal
@view
def _earlier_now(market_id: uint256, word: uint256) -> uint256:
    """
    @notice What is in force of a listed market as a ramp's origin.
    """
    earlier: risk_words.Earlier = empty(risk_words.Earlier)
    flat: uint256 = 0
    earlier.maintenance, earlier.depth, flat = self._terms(market_id, word, block.timestamp)
    risk: risk_words.Risk = risk_words._risk_fields(word)
    earlier.calm, earlier.volatility_cap = risk_factors._calm_between(
        risk, self._earlier[market_id], block.timestamp
    )
    return risk_words._earlier(earlier)


@internal
@view
def _terms(id: uint256, risk: uint256, time: uint256) -> (uint256, uint256, uint256):
    """
    @notice Maintenance rate, depth and the factor that holds whatever the size, in force at a time; depth at least 1.
    """
    least: uint256 = (risk >> 216) & risk_words.U20  # risk_words._risk_fields
    depth: uint256 = (risk >> 184) & risk_words.U32  # risk_words._risk_fields
    # Ramp and volatility factor of risk_words._risk_fields.
    if risk & risk_words.MOVING == risk_words.STILL:
        return least, depth, PPM
    if risk == 0:
        return 0, 1, PPM
    start: uint256 = (risk >> 72) & risk_words.U32  # risk_words._risk_fields
    if start != 0:
        least, depth = risk_factors._base_between(risk, self._earlier[id], time)
    return least, depth, risk_factors._volatility_factor(risk, time)


@internal
@view
def _rates(
    id: uint256, risk: uint256, notional: uint256, interest: uint256, price_word: uint256, time: uint256
) -> (uint256, uint256, uint256):
    """
    @notice Base maintenance rate, maintenance rate and initial rate of a leg.
    @param interest open interest as a product of two WAD numbers, 0 for none
    """
    if risk == 0:
        return 0, 0, 0
    least: uint256 = 0
    depth: uint256 = 0
    flat: uint256 = 0
    least, depth, flat = self._terms(id, risk, time)
    rate: uint256 = risk_factors._maintenance_rate(least, flat, depth, notional)
    factor: uint256 = self._initial_factor(risk, flat, words._price_volatility(price_word))
    initial_rate: uint256 = self._initial_rate(risk, factor, notional, interest)
    # An initial rate that was lowered is in force at once, the maintenance rate by a ramp.
    return least, rate, max(initial_rate, rate)


@internal
@pure
def _initial_factor(risk: uint256, flat: uint256, volatility: uint256) -> uint256:
    """
    @notice The factor that initial margin has whatever the size: that of maintenance margin or, if larger, of volatility.
    """
    calm: uint256 = (risk >> 112) & risk_words.U24  # risk_words._risk_fields
    cap: uint256 = (risk >> 104) & risk_words.U8  # risk_words._risk_fields
    return max(flat, risk_factors._calm_factor(calm, cap, volatility))


@internal
@pure
def _initial_rate(risk: uint256, flat: uint256, notional: uint256, interest: uint256) -> uint256:
    """
    @notice The initial rate of a notional among its market's open interest, rounded up.
    """
    # risk_words._risk_fields
    depth: uint256 = (risk >> 184) & risk_words.U32
    capacity: uint256 = (risk >> 152) & risk_words.U32
    factor: uint256 = risk_factors._sized_factor(flat, depth, notional)
    # uint32 * 10**39
    if interest > unsafe_mul(capacity, risk_factors.DEPTH_WAD):
        interest_factor: uint256 = risk_factors._interest_factor(notional, interest, capacity)
        factor = max(factor, interest_factor)
    return risk_factors._charged(risk >> 236, factor, risk_factors.MAX_INITIAL_RATE)  # risk_words._risk_fields


@internal
@pure
def _weight_at(word: uint256, time: uint256) -> risk_words.Weight:
    """
    @notice A token's fields with what is in force at a time where its ramps come from.
    """
    weight: risk_words.Weight = risk_words._weight_fields(word)
    passed: uint256 = risk_factors._passed(weight.ramp_start, time)
    weight.initial_from = risk_factors._between(weight.initial_from, weight.initial_to, passed)
    weight.maintenance_from = risk_factors._between(weight.maintenance_from, weight.maintenance_to, passed)
    weight.depth_from = risk_factors._between(weight.depth_from, weight.depth_to, passed)
    return weight
