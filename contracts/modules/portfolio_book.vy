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
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
    at_spot, other = self._books(True, crowded, legs, prices, time)
    columns: scenarios.Columns = scenarios._columns(matrix.version, legs)
    maintenance: uint256 = scenarios._maintenance(matrix, columns, legs, at_spot, time)
    terms: scenarios.Terms = scenarios.Terms(tail=matrix.tail, factor=matrix.factor, gross_floor=matrix.gross_floor)
    initial: uint256 = scenarios._requirement(terms, columns, other)
    return equity < convert(matrix.minimum_equity * UWAD, int256), max(initial, maintenance), maintenance


@internal
@view
def _maintenance(legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256) -> uint256:
    """
    @notice Maintenance margin of a portfolio at spot.
    """
    matrix: risk_words.Matrix = risk_words._matrix_fields(scenarios._matrix)
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
    at_spot, other = self._books(False, False, legs, prices, time)
    columns: scenarios.Columns = scenarios._columns(matrix.version, legs)
    return scenarios._maintenance(matrix, columns, legs, at_spot, time)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _books(
    initial: bool, crowded: bool, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256
) -> (scenarios.Book, scenarios.Book):
    """
    @notice The market legs as portfolio margin sees them: for maintenance margin at spot, and (if asked for) for initial
            margin.
    """
    at_spot: scenarios.Book = empty(scenarios.Book)
    other: scenarios.Book = empty(scenarios.Book)
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
        # As in `MarginModel.assess`.
        if (
            risk & risk_words.MOVING != risk_words.STILL  # risk_words._risk_fields
            or (price_word >> 44) & words.U24 > (risk >> 112) & risk_words.U24  # words._price_volatility
            or notional > unsafe_mul(depth, risk_factors.DEPTH_WAD)
            or interest > unsafe_mul((risk >> 152) & risk_words.U32, risk_factors.DEPTH_WAD)  # risk_words._risk_fields
        ):
            factor: uint256 = PPM
            least, depth, factor = risk_parameters._terms(id, risk, time)
            flat_rate = risk_factors._charged(least, factor, PPM)
            rate = risk_factors._maintenance_rate(least, factor, depth, notional)
            if initial:
                if not crowded:
                    interest = 0
                # words._price_volatility
                wider: uint256 = risk_parameters._initial_factor(risk, factor, (price_word >> 44) & words.U24)
                flat_initial = risk_factors._charged(flat_initial, wider, risk_factors.MAX_INITIAL_RATE)
                initial_rate = max(rate, risk_parameters._initial_rate(risk, wider, notional, interest))
        at_spot.needed.append(self._signed(size, unsafe_mul(notional, flat_rate)))
        if rate != flat_rate:
            # A notional is below 2**199, a rate at most 10**6.
            added: uint256 = leg_math._ceil_requirement(unsafe_mul(notional, unsafe_sub(rate, flat_rate)))
            at_spot.excess = unsafe_add(at_spot.excess, added)
        if initial:
            flat: uint256 = unsafe_mul(notional, flat_initial)
            other.needed.append(self._signed(size, flat))
            if size <= 0:
                notional = unsafe_mul(magnitude, leg_math._adverse_price(price_word))
            whole: uint256 = leg_math._ceil_requirement(unsafe_mul(notional, initial_rate))
            other.excess = unsafe_add(other.excess, unsafe_sub(whole, leg_math._ceil_requirement(flat)))
    return at_spot, other


@internal
@pure
def _signed(size: int256, required: uint256) -> int256:
    """
    @notice What a leg needs, with the sign of the leg.
    @param required notional times rate: below 2**229
    """
    needed: int256 = convert(leg_math._ceil_requirement(required), int256)
    if size > 0:
        return needed
    return unsafe_sub(0, needed)
