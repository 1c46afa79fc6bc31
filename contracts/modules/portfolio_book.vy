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
# Where a leg is priced.
AT_SPOT: constant(uint256) = 0
AT_FAVOURABLE: constant(uint256) = 1
AT_ADVERSE: constant(uint256) = 2

# ---------------------------------------------------------------
#                          REQUIREMENTS
# ---------------------------------------------------------------


@internal
@view
def _portfolio(
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
    # Without a matrix nobody is in portfolio mode, so that the first one needs no ramp.
    poor: bool = matrix.version == 0 or equity < convert(matrix.minimum_equity * UWAD, int256)
    book: scenarios.Book = self._book(AT_SPOT, False, legs, prices, time)
    maintenance: uint256 = scenarios._maintenance(matrix, book, time)
    book = self._book(AT_ADVERSE, crowded, legs, prices, time)
    initial: uint256 = scenarios._initial(matrix, book)
    return poor, max(initial, maintenance), maintenance


@internal
@view
def _maintenance(
    legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256
) -> (uint256, uint256):
    """
    @notice Maintenance margin of a portfolio at spot and at favourable ends, where it is not above that at spot: ends
            that part a hedge are not in favour of the account.
    """
    matrix: risk_words.Matrix = risk_words._matrix_fields(scenarios._matrix)
    book: scenarios.Book = self._book(AT_SPOT, False, legs, prices, time)
    maintenance: uint256 = scenarios._maintenance(matrix, book, time)
    # The two ends differ only where an index is not sure of itself.
    unsure: uint256 = 0
    for word: uint256 in prices:
        unsure = max(unsure, words._price_half_width(word))
    if unsure == 0:
        return maintenance, maintenance
    book = self._book(AT_FAVOURABLE, False, legs, prices, time)
    favourable: uint256 = scenarios._maintenance(matrix, book, time)
    return maintenance, min(maintenance, favourable)


@internal
@view
def _book(
    ends: uint256, crowded: bool, legs: DynArray[uint256, 24], prices: DynArray[uint256, 24], time: uint256
) -> scenarios.Book:
    """
    @notice The market legs as portfolio margin sees them: for maintenance at spot or at favourable ends, for initial
            margin with a short at its adverse end.
    """
    book: scenarios.Book = empty(scenarios.Book)
    index: uint256 = 0
    for leg: uint256 in legs:
        price_word: uint256 = prices[index]
        index = unsafe_add(index, 1)
        id: uint256 = words._leg_id(leg)
        if id >= COLLATERAL_IDS:
            continue
        risk: uint256 = risk_parameters._risks[id]
        size: int256 = words._leg_size(leg)
        least: uint256 = 0
        depth: uint256 = 0
        factor: uint256 = 0
        least, depth, factor = risk_parameters._terms(id, risk, time)
        price: uint256 = words._price_price(price_word)
        magnitude: uint256 = leg_math._magnitude(size)
        notional: uint256 = unsafe_mul(magnitude, price)
        flat_rate: uint256 = 0
        rate: uint256 = 0
        if ends == AT_ADVERSE:
            maintenance_rate: uint256 = risk_factors._maintenance_rate(least, factor, depth, notional)
            factor = max(factor, risk_factors._calm_factor(risk, words._price_volatility(price_word)))
            if risk != 0:
                interest: uint256 = 0
                if crowded:
                    interest = unsafe_mul(words._leg_open_interest(leg), price)
                rate = max(risk_parameters._initial_rate(risk, factor, notional, interest), maintenance_rate)
                flat_rate = risk_factors._charged(risk >> 236, factor, risk_factors.MAX_INITIAL_RATE)  # risk_words._risk_fields
            if size <= 0:
                notional = unsafe_mul(magnitude, leg_math._adverse_price(price_word))
        else:
            if ends == AT_FAVOURABLE:
                notional = unsafe_mul(magnitude, leg_math._favourable_price(size, price_word, least))
            rate = risk_factors._maintenance_rate(least, factor, depth, notional)
            flat_rate = risk_factors._charged(least, factor, PPM)
        # A notional is below 2**199, a factor below 2**25, a rate below 2**30.
        exposure: int256 = convert(unsafe_div(unsafe_mul(unsafe_div(notional, UWAD), factor), PPM), int256)
        book.ids.append(id)
        book.exposures.append(exposure if size > 0 else unsafe_sub(0, exposure))
        book.flats.append(leg_math._ceil_requirement(unsafe_mul(notional, flat_rate)))
        added: uint256 = leg_math._ceil_requirement(unsafe_mul(notional, unsafe_sub(rate, flat_rate)))
        book.excess = unsafe_add(book.excess, added)
    return book
