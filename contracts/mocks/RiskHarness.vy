# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Risk arithmetic, arrays in and arrays out
@notice Runs one packer or the readers of `risk_words`, one function of `risk_factors` or the Expected Shortfall of
        `scenarios` over many cases in one call; a case that reverts is an answer too.
@dev Signed numbers travel as their two's complement bits in 256 bits.
"""

# Every function of these is under test.
from contracts.modules import risk_factors
from contracts.modules import risk_words
from contracts.modules import scenarios
initializes: scenarios

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_CASES: constant(uint256) = 500
MAX_BOOKS: constant(uint256) = 20

# Words in the order of the module.
RISK: constant(uint256) = 0
EARLIER: constant(uint256) = 1
CAPACITY: constant(uint256) = 2
WEIGHT: constant(uint256) = 3
MATRIX: constant(uint256) = 4
PLAN: constant(uint256) = 5

# Functions in the order of the module.
PASSED: constant(uint256) = 0
BETWEEN: constant(uint256) = 1
BASE_BETWEEN: constant(uint256) = 2
VOLATILITY_FACTOR: constant(uint256) = 3
CALM_FACTOR: constant(uint256) = 4
SIZE_FACTOR: constant(uint256) = 5
SIZED_FACTOR: constant(uint256) = 6
MAINTENANCE_RATE: constant(uint256) = 7
INTEREST_FACTOR: constant(uint256) = 8
CHARGED: constant(uint256) = 9
WORTH: constant(uint256) = 10
CALM_BETWEEN: constant(uint256) = 11

# ---------------------------------------------------------------
#                              WORDS
# ---------------------------------------------------------------


@external
@view
def pack_many(kind: uint256, cases: DynArray[uint256[11], MAX_CASES]) -> DynArray[uint256[2], MAX_CASES]:
    """
    @notice (1, word) for each case that returns and (0, 0) for each that reverts.
    """
    answers: DynArray[uint256[2], MAX_CASES] = []
    for case: uint256[11] in cases:
        success: bool = False
        response: Bytes[32] = b""
        success, response = raw_call(
            self,
            abi_encode(kind, case, method_id=method_id("pack(uint256,uint256[11])")),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        if success:
            word: uint256 = abi_decode(response, uint256)
            answers.append([1, word])
        else:
            answers.append([0, 0])
    return answers


@external
@pure
def pack(kind: uint256, case: uint256[11]) -> uint256:
    """
    @notice The word that a packer makes of its fields; numbers that it does not take are ignored.
    """
    if kind == RISK:
        return risk_words._risk(
            risk_words.Risk(
                initial=case[0],
                maintenance=case[1],
                depth=case[2],
                capacity=case[3],
                reserve=case[4],
                calm=case[5],
                volatility_cap=case[6],
                ramp_start=case[7],
                factor_from=case[8],
                factor_to=case[9],
                factor_start=case[10],
            )
        )
    if kind == EARLIER:
        return risk_words._earlier(
            risk_words.Earlier(maintenance=case[0], depth=case[1], calm=case[2], volatility_cap=case[3])
        )
    if kind == CAPACITY:
        return risk_words._capacity(case[0], case[1])
    if kind == WEIGHT:
        return risk_words._weight(
            risk_words.Weight(
                initial_from=case[0],
                initial_to=case[1],
                maintenance_from=case[2],
                maintenance_to=case[3],
                depth_from=case[4],
                depth_to=case[5],
                ramp_start=case[6],
            )
        )
    if kind == MATRIX:
        return risk_words._matrix(
            risk_words.Matrix(
                version=case[0],
                earlier=case[1],
                ramp_start=case[2],
                tail=case[3],
                factor=case[4],
                gross_floor=case[5],
                earlier_tail=case[6],
                earlier_factor=case[7],
                earlier_gross_floor=case[8],
                minimum_equity=case[9],
            )
        )
    assert kind == PLAN
    return risk_words._plan(
        risk_words.Plan(
            id=case[0],
            usable=case[1],
            reserve=case[2],
            rate=case[3],
            base=case[4],
            flat=case[5],
            depth=case[6],
            notional=case[7],
        )
    )


@external
@pure
def unpack_many(kind: uint256, packed: DynArray[uint256, MAX_CASES]) -> DynArray[uint256[11], MAX_CASES]:
    """
    @notice What the readers of a word say of each, in the order of its fields.
    """
    answers: DynArray[uint256[11], MAX_CASES] = []
    for word: uint256 in packed:
        answer: uint256[11] = empty(uint256[11])
        if kind == RISK:
            answer = self._risk(word)
        elif kind == WEIGHT:
            answer = self._weight(word)
        elif kind == MATRIX:
            answer = self._matrix(word)
        elif kind == PLAN:
            answer = self._plan(word)
        elif kind == EARLIER:
            answer = self._earlier(word)
        else:
            assert kind == CAPACITY
            answer[0] = risk_words._capacity_least(word)
            answer[1] = risk_words._capacity_per_fund(word)
        answers.append(answer)
    return answers


# ---------------------------------------------------------------
#                             FACTORS
# ---------------------------------------------------------------


@external
@pure
def run_many(index: uint256, cases: DynArray[uint256[4], MAX_CASES]) -> DynArray[uint256[2], MAX_CASES]:
    """
    @notice Results of a function of `risk_factors`; a second one where it has two.
    """
    answers: DynArray[uint256[2], MAX_CASES] = []
    for case: uint256[4] in cases:
        first: uint256 = 0
        second: uint256 = 0
        if index == PASSED:
            first = risk_factors._passed(case[0], case[1])
        elif index == BETWEEN:
            first = risk_factors._between(case[0], case[1], case[2])
        elif index == BASE_BETWEEN:
            first, second = risk_factors._base_between(case[0], case[1], case[2])
        elif index == VOLATILITY_FACTOR:
            first = risk_factors._volatility_factor(case[0], case[1])
        elif index == CALM_FACTOR:
            first = risk_factors._calm_factor(case[0], case[1], case[2])
        elif index == SIZE_FACTOR:
            first = risk_factors._size_factor(case[0], case[1])
        elif index == SIZED_FACTOR:
            first = risk_factors._sized_factor(case[0], case[1], case[2])
        elif index == MAINTENANCE_RATE:
            first = risk_factors._maintenance_rate(case[0], case[1], case[2], case[3])
        elif index == INTEREST_FACTOR:
            first = risk_factors._interest_factor(case[0], case[1], case[2])
        elif index == CHARGED:
            first = risk_factors._charged(case[0], case[1], case[2])
        elif index == WORTH:
            first = risk_factors._worth(case[0], case[1], case[2])
        else:
            assert index == CALM_BETWEEN
            fields: risk_words.Risk = risk_words._risk_fields(case[0])
            first, second = risk_factors._calm_between(fields, case[1], case[2])
        answers.append([first, second])
    return answers


# ---------------------------------------------------------------
#                            SCENARIOS
# ---------------------------------------------------------------


@external
def shortfall_many(tail: uint256, books: DynArray[DynArray[uint256[3], 16], MAX_BOOKS]) -> DynArray[uint256, MAX_BOOKS]:
    """
    @notice Expected Shortfall of each book of legs as (signed requirement, two words of shocks).
    """
    answers: DynArray[uint256, MAX_BOOKS] = []
    for legs: DynArray[uint256[3], 16] in books:
        book: DynArray[int256, 16] = []
        columns: scenarios.Columns = empty(scenarios.Columns)
        gross: uint256 = 0
        for leg: uint256[3] in legs:
            needed: int256 = convert(convert(leg[0], bytes32), int256)
            columns.first.append(leg[1])
            columns.second.append(leg[2])
            book.append(needed)
            gross += convert(abs(needed), uint256)
        shortfall: uint256 = scenarios._expected_shortfall(tail, gross, columns, book)
        answers.append(shortfall)
    return answers


# ---------------------------------------------------------------
#                             INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _risk(word: uint256) -> uint256[11]:
    fields: risk_words.Risk = risk_words._risk_fields(word)
    return [
        fields.initial,
        fields.maintenance,
        fields.depth,
        fields.capacity,
        fields.reserve,
        fields.calm,
        fields.volatility_cap,
        fields.ramp_start,
        fields.factor_from,
        fields.factor_to,
        fields.factor_start,
    ]


@internal
@pure
def _earlier(word: uint256) -> uint256[11]:
    fields: risk_words.Earlier = risk_words._earlier_fields(word)
    return [fields.maintenance, fields.depth, fields.calm, fields.volatility_cap, 0, 0, 0, 0, 0, 0, 0]


@internal
@pure
def _weight(word: uint256) -> uint256[11]:
    fields: risk_words.Weight = risk_words._weight_fields(word)
    return [
        fields.initial_from,
        fields.initial_to,
        fields.maintenance_from,
        fields.maintenance_to,
        fields.depth_from,
        fields.depth_to,
        fields.ramp_start,
        0,
        0,
        0,
        0,
    ]


@internal
@pure
def _matrix(word: uint256) -> uint256[11]:
    fields: risk_words.Matrix = risk_words._matrix_fields(word)
    return [
        fields.version,
        fields.earlier,
        fields.ramp_start,
        fields.tail,
        fields.factor,
        fields.gross_floor,
        fields.earlier_tail,
        fields.earlier_factor,
        fields.earlier_gross_floor,
        fields.minimum_equity,
        0,
    ]


@internal
@pure
def _plan(word: uint256) -> uint256[11]:
    usable: uint256 = 1 if risk_words._plan_usable(word) else 0
    answer: uint256[11] = empty(uint256[11])
    answer[0] = risk_words._plan_id(word)
    answer[1] = usable
    answer[2] = risk_words._plan_reserve(word)
    answer[3] = risk_words._plan_rate(word)
    answer[4] = risk_words._plan_base(word)
    answer[5] = risk_words._plan_flat(word)
    answer[6] = risk_words._plan_depth(word)
    answer[7] = risk_words._plan_notional(word)
    return answer
