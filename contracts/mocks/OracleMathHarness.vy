# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Oracle arithmetic, arrays in and arrays out
@notice Runs `consensus`, `averages` and `settlement_price` over many cases in one call.
"""

# Every function that the oracle calls is under test.
from contracts.modules import averages
from contracts.modules import consensus
from contracts.modules import settlement_price

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_CASES: constant(uint256) = 500


struct Agreement:
    count: uint256
    quorum: uint256
    spread_band: uint256
    volatility: uint256
    # price, updated_at, half_width, overdue, is_pull
    quotes: uint256[5][5]


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@pure
def agree_many(cases: DynArray[Agreement, MAX_CASES]) -> DynArray[uint256[3], MAX_CASES]:
    """
    @notice Price, time and half-width of each case; zeros without a quorum.
    """
    answers: DynArray[uint256[3], MAX_CASES] = []
    for case: Agreement in cases:
        packed: uint256[5] = empty(uint256[5])
        for i: uint256 in range(case.count, bound=5):
            quote: uint256[5] = case.quotes[i]
            packed[i] = consensus._quote(quote[0], quote[1], quote[2], quote[3], quote[4])
        price: uint256 = 0
        updated_at: uint256 = 0
        half_width: uint256 = 0
        price, updated_at, half_width = consensus._agree(
            packed, case.count, case.quorum, case.spread_band, case.volatility
        )
        answers.append([price, updated_at, half_width])
    return answers


@external
@pure
def decay_many(cases: DynArray[uint256[2], MAX_CASES]) -> DynArray[uint256[3], MAX_CASES]:
    """
    @notice Decay factor of (elapsed, seconds).
    """
    answers: DynArray[uint256[3], MAX_CASES] = []
    for case: uint256[2] in cases:
        factor: uint256 = averages._decay(case[0], case[1])
        answers.append([factor, 0, 0])
    return answers


@external
@pure
def next_many(cases: DynArray[uint256[7], MAX_CASES]) -> DynArray[uint256[3], MAX_CASES]:
    """
    @notice EMA ratio, sample ratio and volatility of (ema_ratio, sample_ratio, volatility, old price, price, factor,
            age of the sample).
    """
    answers: DynArray[uint256[3], MAX_CASES] = []
    for case: uint256[7] in cases:
        ema_ratio: uint256 = averages._next_ema_ratio(case[0], case[3], case[4], case[5])
        sample_ratio: uint256 = averages._next_sample_ratio(case[1], case[3], case[4])
        volatility: uint256 = averages._next_volatility(case[2], sample_ratio, case[6], case[5])
        answers.append([ema_ratio, sample_ratio, volatility])
    return answers


@external
@pure
def phased_in_many(cases: DynArray[uint256[3], MAX_CASES]) -> DynArray[uint256[1], MAX_CASES]:
    """
    @notice The settlement token's word as collateral is priced with it, of (its word above par, start, time).
    """
    answers: DynArray[uint256[1], MAX_CASES] = []
    for case: uint256[3] in cases:
        counted: uint256 = settlement_price._phased_in(case[0], case[1], case[2])
        answers.append([counted])
    return answers


@external
@pure
def in_settlement_many(cases: DynArray[uint256[5], MAX_CASES]) -> DynArray[uint256[3], MAX_CASES]:
    """
    @notice Three words as answered, of (bitmap, three words, settlement token's word).
    """
    answers: DynArray[uint256[3], MAX_CASES] = []
    for case: uint256[5] in cases:
        fresh_words: DynArray[uint256, 24] = [case[1], case[2], case[3]]
        answered: DynArray[uint256, 24] = settlement_price._in_settlement(fresh_words, case[0], case[4])
        answers.append([answered[0], answered[1], answered[2]])
    return answers
