# pragma version ==0.4.3
"""
@title Portfolio book
@notice Requirements of an account in portfolio mode: its legs put before the scenario matrix. Part of the margin model.
@dev `seawall/spec/margin.py` is the same in Python.
"""

# ---------------------------------------------------------------
#                             MODULES
# ---------------------------------------------------------------

from contracts.modules import leg_math  # prices and requirements of a leg
from contracts.modules import risk_factors  # how rates grow and move
from contracts.modules import risk_parameters  # what the owner sets
uses: risk_parameters
from contracts.modules import risk_words  # storage layout of parameters
from contracts.modules import scenarios  # the scenario matrix
uses: scenarios
from contracts.modules import words  # layout of legs and prices

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
UWAD: constant(uint256) = 10**18
# Ids from here up are collateral tokens.
COLLATERAL_IDS: constant(uint256) = 128

# ---------------------------------------------------------------
#                          REQUIREMENTS
# ---------------------------------------------------------------


@internal
@view
def _assessed(
    equity: int256,
    crowded: bool,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
    time: uint256,
) -> (bool, uint256, uint256):
    """
    @notice Whether equity is below what portfolio mode asks for, initial and maintenance margin of a portfolio.
    @param crowded whether the open-interest factor is asked for
    """
    matrix: risk_words.Matrix = risk_words._matrix_fields(scenarios._matrix)
    alike: bool = False
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
    alike, at_spot, other = self._books(True, crowded, legs, prices, time)
    # Without a matrix no leg is margined by one, so that the first one needs no ramp; without legs there is no risk
    # that a least equity should stand behind.
    poor: bool = equity < convert(matrix.minimum_equity * UWAD, int256) or matrix.version == 0
    poor = poor and len(at_spot.ids) != 0
    maintenance: uint256 = 0
    shortfall: uint256 = 0
    maintenance, shortfall = scenarios._maintenance(matrix, at_spot, time)
    if not alike:
        shortfall = scenarios.UNKNOWN
    initial: uint256 = scenarios._initial(matrix, other, shortfall)
    return poor, max(initial, maintenance), maintenance


@internal
@view
def _maintenance(legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256) -> uint256:
    """
    @notice Maintenance margin of a portfolio at spot.
    """
    matrix: risk_words.Matrix = risk_words._matrix_fields(scenarios._matrix)
    alike: bool = False
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
    alike, at_spot, other = self._books(False, False, legs, prices, time)
    return scenarios._maintenance(matrix, at_spot, time)[0]


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _books(
    initial: bool, crowded: bool, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256
) -> (bool, scenarios.Book, scenarios.Book):
    """
    @notice The market legs as portfolio margin sees them: for maintenance margin at spot, and (if asked for) for initial
            margin; and whether both have the same exposures.
    """
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
    alike: bool = True
    index: uint256 = 0
    for leg: uint256 in legs:
        price_word: uint256 = prices[index]
        index = unsafe_add(index, 1)
        id: uint256 = leg >> 248  # words._leg_id
        if id >= COLLATERAL_IDS:
            continue
        risk: uint256 = risk_parameters._risks[id]
        size: int256 = convert(convert(leg << 112, bytes32), int256) >> 112  # words._leg_size
        price: uint256 = price_word >> 176  # words._price_price
        magnitude: uint256 = leg_math._magnitude(size)
        notional: uint256 = unsafe_mul(magnitude, price)
        interest: uint256 = unsafe_mul((leg >> 144) & words.U104, price)  # words._leg_open_interest
        # Of risk_words._risk_fields; what the market's state does not move is what the owner set.
        least: uint256 = (risk >> 216) & risk_words.U20
        depth: uint256 = (risk >> 184) & risk_words.U32
        flat_rate: uint256 = least
        rate: uint256 = least
        flat_initial: uint256 = risk >> 236  # risk_words._risk_fields
        initial_rate: uint256 = flat_initial
        factor: uint256 = PPM
        wider: uint256 = PPM
        # As in `MarginModel.assess`.
        if (
            risk & risk_words.MOVING != risk_words.STILL  # risk_words._risk_fields
            or (price_word >> 44) & words.U24 > (risk >> 112) & risk_words.U24  # words._price_volatility
            or notional > unsafe_mul(depth, risk_factors.DEPTH_WAD)
            or interest > unsafe_mul((risk >> 152) & risk_words.U32, risk_factors.DEPTH_WAD)  # risk_words._risk_fields
        ):
            least, depth, factor = risk_parameters._terms(id, risk, time)
            flat_rate = risk_factors._charged(least, factor, PPM)
            rate = risk_factors._maintenance_rate(least, factor, depth, notional)
            if initial:
                if not crowded:
                    interest = 0
                # words._price_volatility
                wider = max(factor, risk_factors._calm_factor(risk, (price_word >> 44) & words.U24))
                flat_initial = risk_factors._charged(flat_initial, wider, risk_factors.MAX_INITIAL_RATE)
                initial_rate = max(rate, risk_parameters._initial_rate(risk, wider, notional, interest))
        exposure: int256 = self._exposure(size, notional, factor)
        needed: uint256 = 0
        added: uint256 = 0
        needed, added = self._parts(notional, flat_rate, rate)
        at_spot.ids.append(id)
        at_spot.exposures.append(exposure)
        at_spot.flats.append(needed)
        at_spot.excess = unsafe_add(at_spot.excess, added)
        if initial:
            if wider != factor:
                alike = False
                exposure = self._exposure(size, notional, wider)
            needed = leg_math._ceil_requirement(unsafe_mul(notional, flat_initial))
            if size <= 0:
                notional = unsafe_mul(magnitude, leg_math._adverse_price(price_word))
            added = unsafe_sub(leg_math._ceil_requirement(unsafe_mul(notional, initial_rate)), needed)
            other.ids.append(id)
            other.exposures.append(exposure)
            other.flats.append(needed)
            other.excess = unsafe_add(other.excess, added)
    return alike, at_spot, other


@internal
@pure
def _exposure(size: int256, notional: uint256, factor: uint256) -> int256:
    """
    @notice Signed money at the factor that holds whatever the size.
    """
    # A notional is below 2**199 and a factor below 2**25.
    exposure: int256 = convert(unsafe_div(unsafe_mul(unsafe_div(notional, UWAD), factor), PPM), int256)
    if size > 0:
        return exposure
    return unsafe_sub(0, exposure)


@internal
@pure
def _parts(notional: uint256, flat_rate: uint256, rate: uint256) -> (uint256, uint256):
    """
    @notice A leg's maintenance margin at the factor that holds whatever the size, and what the size adds.
    """
    # A notional is below 2**199, a rate at most 10**6.
    needed: uint256 = leg_math._ceil_requirement(unsafe_mul(notional, flat_rate))
    if rate == flat_rate:
        return needed, 0
    return needed, leg_math._ceil_requirement(unsafe_mul(notional, unsafe_sub(rate, flat_rate)))
