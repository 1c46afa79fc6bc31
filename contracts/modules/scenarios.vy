# pragma version ==0.4.3
"""
@title Scenarios
@notice The matrix of joint price shocks of all markets, and what a portfolio needs under it. Part of the margin model.
@dev `seawall/spec/scenarios.py` is the same in Python, with the sources of the formulas. A version holds 32 shocks a
     market, in 1/10,000 of the market's own rate as 16-bit numbers shifted by 2**15, 16 to a word: the first 16 in the
     first word, from the lowest bits up. A market whose words are 0 is not covered.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IMarginModel

from contracts.modules import bits  # highest bits
from contracts.modules import risk_factors  # ramps
from contracts.modules import risk_words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

PPM: constant(uint256) = 10**6
SCENARIOS: constant(uint256) = 32
# Ids from here up are collateral tokens.
COLLATERAL_IDS: constant(uint256) = 128
BIAS: constant(uint256) = 2**15
SHOCK_UNIT: constant(uint256) = 10_000
# 64-bit lanes hold sums of requirements below 2**46 times shocks below 2**16: their highest two bits are free.
GROSS_BITS: constant(uint256) = 46
LANE: constant(uint256) = 2**64 - 1
EVERY_LANE: constant(uint256) = 2**192 + 2**128 + 2**64 + 1
HIGHEST: constant(uint256) = EVERY_LANE * 2**63
# Every fourth 16-bit number of a word: what multiplies into lanes.
EVERY_FOURTH: constant(uint256) = (2**16 - 1) * EVERY_LANE
# The number 1 in every 16 bits, and the highest bit of each.
EVERY_SHOCK: constant(uint256) = (2**48 + 2**32 + 2**16 + 1) * EVERY_LANE
HIGHEST_OF_SHOCKS: constant(uint256) = EVERY_SHOCK * 2**15


# What a matrix asks for: worst scenarios averaged, parts per million.
struct Terms:
    tail: uint256
    factor: uint256
    gross_floor: uint256


# What market legs need by themselves at the factor that holds whatever the size, with the sign of the leg, and what
# sizes add to all of them.
struct Book:
    needed: DynArray[int256, 16]
    excess: uint256


# The shocks of the same legs in one version, two words each.
struct Columns:
    first: DynArray[uint256, 16]
    second: DynArray[uint256, 16]


# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

_matrix: uint256
# version -> market -> two words of shocks
_shocks: HashMap[uint256, uint256[2][128]]

# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@internal
def _stage(market_id: uint256, shocks: uint256[2]):
    """
    @notice Write a market's shocks of the next version.
    """
    matrix: risk_words.Matrix = risk_words._matrix_fields(self._matrix)
    version: uint256 = matrix.version + 1
    if shocks[0] | shocks[1] != 0:  # bits._has in either
        for word: uint256 in shocks:
            # Only where one of the sixteen is 0, which is no shock, is its highest bit borrowed first.
            lent: uint256 = unsafe_sub(word, EVERY_SHOCK) & ~word  # bits._has in each
            assert lent & HIGHEST_OF_SHOCKS == 0, "risk: shocks"  # bits._has in each
    self._shocks[version][market_id] = shocks
    log IMarginModel.ScenariosStaged(version=version, market_id=market_id, shocks=shocks)


@internal
def _activate(terms: Terms, minimum_equity: uint256):
    """
    @notice Put the staged version in force: for initial margin at once, for maintenance by a ramp. Before the first one no
            market is covered.
    """
    word: uint256 = self._matrix
    old: risk_words.Matrix = risk_words._matrix_fields(word)
    assert block.timestamp >= old.ramp_start + risk_factors.RAMP, "risk: matrix ramps"
    assert terms.tail != 0 and terms.tail <= SCENARIOS, "risk: tail"
    assert terms.factor != 0, "risk: factor"
    assert terms.gross_floor != 0 and terms.gross_floor <= PPM, "risk: floor"
    new: uint256 = risk_words._matrix(
        risk_words.Matrix(
            version=old.version + 1,
            earlier=old.version,
            ramp_start=block.timestamp + risk_factors.NOTICE,
            tail=terms.tail,
            factor=terms.factor,
            gross_floor=terms.gross_floor,
            earlier_tail=old.tail,
            earlier_factor=old.factor,
            earlier_gross_floor=old.gross_floor,
            minimum_equity=minimum_equity,
        )
    )
    self._matrix = new
    log IMarginModel.MatrixActivated(old_word=word, new_word=new)


# ---------------------------------------------------------------
#                         REQUIREMENTS
# ---------------------------------------------------------------


@internal
@view
def _maintenance(
    matrix: risk_words.Matrix, columns: Columns, legs: DynArray[uint256, 24], book: Book, time: uint256
) -> uint256:
    """
    @notice Maintenance margin: while a new matrix that asks for more is on its ramp, a blend of both, rounded down.
    @param columns the legs' shocks of the matrix in force
    """
    terms: Terms = Terms(tail=matrix.tail, factor=matrix.factor, gross_floor=matrix.gross_floor)
    required: uint256 = self._requirement(terms, columns, book)
    if time >= matrix.ramp_start + risk_factors.RAMP:
        return required
    terms = Terms(tail=matrix.earlier_tail, factor=matrix.earlier_factor, gross_floor=matrix.earlier_gross_floor)
    before: Columns = self._columns(matrix.earlier, legs)
    earlier: uint256 = self._requirement(terms, before, book)
    if earlier < required:
        passed: uint256 = risk_factors._passed(matrix.ramp_start, time)
        required = earlier + (required - earlier) * passed // risk_factors.RAMP
    return required


@internal
@view
def _columns(version: uint256, legs: DynArray[uint256, 24]) -> Columns:
    """
    @notice The shocks of the market legs in a version.
    """
    columns: Columns = empty(Columns)
    for leg: uint256 in legs:
        id: uint256 = leg >> 248  # words._leg_id
        if id < COLLATERAL_IDS:
            columns.first.append(self._shocks[version][id][0])
            columns.second.append(self._shocks[version][id][1])
    return columns


@internal
@pure
def _requirement(terms: Terms, columns: Columns, book: Book) -> uint256:
    """
    @notice max(factor * ES, floor * gross, |net|) + concentration + what is not covered.
    """
    # Requirements are below 2**150 each, and there are 16.
    gross: uint256 = 0
    net: int256 = 0
    required: uint256 = book.excess
    index: uint256 = 0
    for needed: int256 in book.needed:
        magnitude: uint256 = convert(abs(needed), uint256)
        if columns.first[index] == 0:
            required = unsafe_add(required, magnitude)
        else:
            gross = unsafe_add(gross, magnitude)
            net = unsafe_add(net, needed)
        index = unsafe_add(index, 1)
    shortfall: uint256 = self._expected_shortfall(terms.tail, gross, columns, book.needed)
    spread: uint256 = max(self._ppm_up(shortfall, terms.factor), self._ppm_up(gross, terms.gross_floor))
    spread = max(spread, convert(abs(net), uint256))
    return unsafe_add(required, spread)


@internal
@pure
def _expected_shortfall(
    tail: uint256, gross: uint256, columns: Columns, book: DynArray[int256, 16]
) -> uint256:
    """
    @notice Mean of the worst `tail` losses of the covered legs, not below 0, rounded up.
    @dev A long loses what a shock takes: its 16 bits inverted are 2**15 - 1 - shock, a short's 2**15 + shock. Both are
         above 0, so that sums need no sign; what they are above the loss is the same in every scenario.
    """
    if gross == 0:
        return 0
    # What is cut off keeps GROSS_BITS of the gross, so that no lane reaches the next.
    highest: uint256 = bits._log2(gross)
    dropped: uint256 = 0
    if highest >= GROSS_BITS:
        dropped = unsafe_sub(highest, GROSS_BITS - 1)
    lanes: uint256[8] = empty(uint256[8])
    bias: uint256 = 0
    legs: uint256 = 0
    index: uint256 = 0
    for needed: int256 in book:
        first: uint256 = columns.first[index]
        if first != 0:
            second: uint256 = columns.second[index]
            cut: uint256 = convert(abs(needed), uint256) >> dropped  # bits._log2 of the gross
            level: uint256 = BIAS
            if needed > 0:
                first = ~first  # risk_words._matrix: every shock inverted
                second = ~second  # risk_words._matrix: every shock inverted
                level = BIAS - 1
            bias = unsafe_add(bias, unsafe_mul(cut, level))
            legs = unsafe_add(legs, 1)
            # Sixteen 16-bit shocks into four lanes each, as words._price_half_width reads one.
            lanes[0] = unsafe_add(lanes[0], unsafe_mul(cut, first & EVERY_FOURTH))
            lanes[1] = unsafe_add(lanes[1], unsafe_mul(cut, (first >> 16) & EVERY_FOURTH))  # words._price_half_width
            lanes[2] = unsafe_add(lanes[2], unsafe_mul(cut, (first >> 32) & EVERY_FOURTH))  # words._price_half_width
            lanes[3] = unsafe_add(lanes[3], unsafe_mul(cut, (first >> 48) & EVERY_FOURTH))  # words._price_half_width
            lanes[4] = unsafe_add(lanes[4], unsafe_mul(cut, second & EVERY_FOURTH))
            lanes[5] = unsafe_add(lanes[5], unsafe_mul(cut, (second >> 16) & EVERY_FOURTH))  # words._price_half_width
            lanes[6] = unsafe_add(lanes[6], unsafe_mul(cut, (second >> 32) & EVERY_FOURTH))  # words._price_half_width
            lanes[7] = unsafe_add(lanes[7], unsafe_mul(cut, (second >> 48) & EVERY_FOURTH))  # words._price_half_width
        index = unsafe_add(index, 1)
    worst: uint256 = self._largest(lanes, tail)
    level_all: uint256 = unsafe_mul(bias, tail)
    # A leg's cut is less than a unit, and its shock less than 4.
    rounding: uint256 = (4 * legs) << dropped  # bits._log2 of the gross
    if worst <= level_all:
        return rounding
    loss: uint256 = unsafe_sub(worst, level_all) << dropped  # bits._log2 of the gross
    parts: uint256 = unsafe_mul(tail, SHOCK_UNIT)
    # A matrix has a tail of at least 1. The gross is below 2**154, so 108 bits are cut at most: a loss is below 2**175.
    return unsafe_add(unsafe_div(unsafe_add(loss, unsafe_sub(parts, 1)), parts), rounding)


@internal
@pure
def _largest(lanes: uint256[8], count: uint256) -> uint256:
    """
    @notice Sum of the `count` largest of the 64-bit lanes.
    """
    # The largest so far, in descending order.
    kept: uint256[SCENARIOS] = empty(uint256[SCENARIOS])
    last: uint256 = unsafe_sub(count, 1)
    least: uint256 = 0
    total: uint256 = 0
    for word: uint256 in lanes:
        # Lanes are below 2**63: where one is above the least, its highest bit is not borrowed from.
        beaten: uint256 = unsafe_mul(unsafe_add(least, 1), EVERY_LANE)
        if unsafe_sub(word | HIGHEST, beaten) & HIGHEST == 0:  # bits._has in each lane
            continue
        rest: uint256 = word
        for i: uint256 in range(4):
            value: uint256 = rest & LANE
            rest = rest >> 64  # the next lane, as bits._without_lowest
            if value <= least:
                continue
            total = unsafe_add(unsafe_sub(total, least), value)
            place: uint256 = last
            for j: uint256 in range(last, bound=SCENARIOS):
                before: uint256 = kept[unsafe_sub(place, 1)]
                if before >= value:
                    break
                kept[place] = before
                place = unsafe_sub(place, 1)
            kept[place] = value
            least = kept[last]
    return total


@internal
@pure
def _ppm_up(amount: uint256, ppm: uint256) -> uint256:
    return unsafe_div(unsafe_add(unsafe_mul(amount, ppm), PPM - 1), PPM)
