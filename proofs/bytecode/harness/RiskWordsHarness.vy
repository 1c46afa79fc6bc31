# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Risk words harness
@notice Packs and reads each word of the margin model by the functions of `risk_words`.
"""

from contracts.modules import risk_words  # under proof

RISK: constant(uint256) = 0
EARLIER: constant(uint256) = 1
CAPACITY: constant(uint256) = 2
WEIGHT: constant(uint256) = 3
MATRIX: constant(uint256) = 4
PLAN: constant(uint256) = 5


@external
@pure
def pack(kind: uint256, case: uint256[11]) -> uint256:
    """
    @notice The word that a packer makes of its arguments; arguments that it does not take are ignored.
    """
    if kind == RISK:
        risk: risk_words.Risk = risk_words.Risk(
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
        return risk_words._risk(risk)
    if kind == EARLIER:
        earlier: risk_words.Earlier = risk_words.Earlier(
            maintenance=case[0], depth=case[1], calm=case[2], volatility_cap=case[3]
        )
        return risk_words._earlier(earlier)
    if kind == CAPACITY:
        return risk_words._capacity(case[0], case[1])
    if kind == WEIGHT:
        weight: risk_words.Weight = risk_words.Weight(
            initial_from=case[0],
            initial_to=case[1],
            maintenance_from=case[2],
            maintenance_to=case[3],
            depth_from=case[4],
            depth_to=case[5],
            ramp_start=case[6],
        )
        return risk_words._weight(weight)
    if kind == MATRIX:
        matrix: risk_words.Matrix = risk_words.Matrix(
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
        return risk_words._matrix(matrix)
    assert kind == PLAN
    plan: risk_words.Plan = risk_words.Plan(
        id=case[0],
        usable=case[1],
        reserve=case[2],
        rate=case[3],
        base=case[4],
        flat=case[5],
        depth=case[6],
        notional=case[7],
    )
    return risk_words._plan(plan)


@external
@pure
def read(kind: uint256, word: uint256) -> uint256[11]:
    """
    @notice What the readers of a word say of it, in the order of the packer's arguments.
    """
    answer: uint256[11] = empty(uint256[11])
    if kind == RISK:
        risk: risk_words.Risk = risk_words._risk_fields(word)
        answer[0] = risk.initial
        answer[1] = risk.maintenance
        answer[2] = risk.depth
        answer[3] = risk.capacity
        answer[4] = risk.reserve
        answer[5] = risk.calm
        answer[6] = risk.volatility_cap
        answer[7] = risk.ramp_start
        answer[8] = risk.factor_from
        answer[9] = risk.factor_to
        answer[10] = risk.factor_start
    elif kind == EARLIER:
        earlier: risk_words.Earlier = risk_words._earlier_fields(word)
        answer[0] = earlier.maintenance
        answer[1] = earlier.depth
        answer[2] = earlier.calm
        answer[3] = earlier.volatility_cap
    elif kind == CAPACITY:
        answer[0] = risk_words._capacity_least(word)
        answer[1] = risk_words._capacity_per_fund(word)
    elif kind == WEIGHT:
        weight: risk_words.Weight = risk_words._weight_fields(word)
        answer[0] = weight.initial_from
        answer[1] = weight.initial_to
        answer[2] = weight.maintenance_from
        answer[3] = weight.maintenance_to
        answer[4] = weight.depth_from
        answer[5] = weight.depth_to
        answer[6] = weight.ramp_start
    elif kind == MATRIX:
        matrix: risk_words.Matrix = risk_words._matrix_fields(word)
        answer[0] = matrix.version
        answer[1] = matrix.earlier
        answer[2] = matrix.ramp_start
        answer[3] = matrix.tail
        answer[4] = matrix.factor
        answer[5] = matrix.gross_floor
        answer[6] = matrix.earlier_tail
        answer[7] = matrix.earlier_factor
        answer[8] = matrix.earlier_gross_floor
        answer[9] = matrix.minimum_equity
    else:
        assert kind == PLAN
        answer[0] = risk_words._plan_id(word)
        answer[1] = convert(risk_words._plan_usable(word), uint256)
        answer[2] = risk_words._plan_reserve(word)
        answer[3] = risk_words._plan_rate(word)
        answer[4] = risk_words._plan_base(word)
        answer[5] = risk_words._plan_flat(word)
        answer[6] = risk_words._plan_depth(word)
        answer[7] = risk_words._plan_notional(word)
    return answer
