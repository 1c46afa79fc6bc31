# pragma version ==0.4.3
"""
@title Risk words
@notice The words of the margin model: what is stored of markets, collateral tokens and the scenario matrix, and what
        a plan tells of a leg. `seawall/spec/words.py` is the same layout; the array harness holds the two equal at
        each field's corners. Apart from words.vy because only the margin model writes them.
@dev Fields from the most significant bit:
     risk      initial uint20 | maintenance uint20 | depth uint32 | capacity uint32 | reserve uint16 | calm uint24
               | volatility_cap uint8 | ramp_start uint32 | factor_from uint16 | factor_to uint16 | factor_start uint32
               | unused 8
     earlier   unused 172 | maintenance uint20 | depth uint32 | calm uint24 | volatility_cap uint8
     capacity  unused 192 | least uint32 | per_fund uint32
     weight    initial_from uint20 | initial_to uint20 | maintenance_from uint20 | maintenance_to uint20
               | depth_from uint32 | depth_to uint32 | ramp_start uint32 | unused 80
     matrix    version uint16 | earlier uint16 | ramp_start uint32 | tail uint8 | factor uint24 | gross_floor uint20
               | earlier_tail uint8 | earlier_factor uint24 | earlier_gross_floor uint20 | minimum_equity uint32
               | unused 56
     plan      id uint8 | usable uint8 | reserve uint16 | rate uint20 | base uint20 | flat uint24 | depth uint32
               | notional uint128
     A packer reverts when a field is out of range, so a word never corrupts its neighbour.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U8: constant(uint256) = 2**8 - 1
U16: constant(uint256) = 2**16 - 1
U20: constant(uint256) = 2**20 - 1
U24: constant(uint256) = 2**24 - 1
U32: constant(uint256) = 2**32 - 1
U128: constant(uint256) = 2**128 - 1

# Of a risk word: the fields that move with time, and what they are while nothing moves and volatility is calm.
MOVING: constant(uint256) = (2**64 - 1) * 2**40
STILL: constant(uint256) = (1_000 * 2**16 + 1_000) * 2**40


# Units: see seawall/spec/words.py.
struct Risk:
    initial: uint256
    maintenance: uint256
    depth: uint256
    capacity: uint256
    reserve: uint256
    calm: uint256
    volatility_cap: uint256
    ramp_start: uint256
    factor_from: uint256
    factor_to: uint256
    factor_start: uint256


struct Earlier:
    maintenance: uint256
    depth: uint256
    calm: uint256
    volatility_cap: uint256


struct Weight:
    initial_from: uint256
    initial_to: uint256
    maintenance_from: uint256
    maintenance_to: uint256
    depth_from: uint256
    depth_to: uint256
    ramp_start: uint256


struct Matrix:
    version: uint256
    earlier: uint256
    ramp_start: uint256
    tail: uint256
    factor: uint256
    gross_floor: uint256
    earlier_tail: uint256
    earlier_factor: uint256
    earlier_gross_floor: uint256
    minimum_equity: uint256


struct Plan:
    id: uint256
    usable: uint256
    reserve: uint256
    rate: uint256
    base: uint256
    flat: uint256
    depth: uint256
    notional: uint256


# ---------------------------------------------------------------
#                            MARKETS
# ---------------------------------------------------------------


@internal
@pure
def _risk(risk: Risk) -> uint256:
    assert risk.initial <= U20
    assert risk.maintenance <= U20
    assert risk.depth <= U32
    assert risk.capacity <= U32
    assert risk.reserve <= U16
    assert risk.calm <= U24
    assert risk.volatility_cap <= U8
    assert risk.ramp_start <= U32
    assert risk.factor_from <= U16
    assert risk.factor_to <= U16
    assert risk.factor_start <= U32
    return (
        (risk.initial << 236)
        | (risk.maintenance << 216)
        | (risk.depth << 184)
        | (risk.capacity << 152)
        | (risk.reserve << 136)
        | (risk.calm << 112)
        | (risk.volatility_cap << 104)
        | (risk.ramp_start << 72)
        | (risk.factor_from << 56)
        | (risk.factor_to << 40)
        | (risk.factor_start << 8)
    )


@internal
@pure
def _risk_fields(word: uint256) -> Risk:
    return Risk(
        initial=word >> 236,
        maintenance=(word >> 216) & U20,
        depth=(word >> 184) & U32,
        capacity=(word >> 152) & U32,
        reserve=(word >> 136) & U16,
        calm=(word >> 112) & U24,
        volatility_cap=(word >> 104) & U8,
        ramp_start=(word >> 72) & U32,
        factor_from=(word >> 56) & U16,
        factor_to=(word >> 40) & U16,
        factor_start=(word >> 8) & U32,
    )


@internal
@pure
def _earlier(earlier: Earlier) -> uint256:
    assert earlier.maintenance <= U20
    assert earlier.depth <= U32
    assert earlier.calm <= U24
    assert earlier.volatility_cap <= U8
    return (earlier.maintenance << 64) | (earlier.depth << 32) | (earlier.calm << 8) | earlier.volatility_cap


@internal
@pure
def _earlier_fields(word: uint256) -> Earlier:
    return Earlier(
        maintenance=word >> 64, depth=(word >> 32) & U32, calm=(word >> 8) & U24, volatility_cap=word & U8
    )


@internal
@pure
def _capacity(least: uint256, per_fund: uint256) -> uint256:
    assert least <= U32
    assert per_fund <= U32
    return (least << 32) | per_fund


@internal
@pure
def _capacity_least(word: uint256) -> uint256:
    return word >> 32


@internal
@pure
def _capacity_per_fund(word: uint256) -> uint256:
    return word & U32


# ---------------------------------------------------------------
#                       COLLATERAL TOKENS
# ---------------------------------------------------------------


@internal
@pure
def _weight(weight: Weight) -> uint256:
    assert weight.initial_from <= U20
    assert weight.initial_to <= U20
    assert weight.maintenance_from <= U20
    assert weight.maintenance_to <= U20
    assert weight.depth_from <= U32
    assert weight.depth_to <= U32
    assert weight.ramp_start <= U32
    return (
        (weight.initial_from << 236)
        | (weight.initial_to << 216)
        | (weight.maintenance_from << 196)
        | (weight.maintenance_to << 176)
        | (weight.depth_from << 144)
        | (weight.depth_to << 112)
        | (weight.ramp_start << 80)
    )


@internal
@pure
def _weight_fields(word: uint256) -> Weight:
    return Weight(
        initial_from=word >> 236,
        initial_to=(word >> 216) & U20,
        maintenance_from=(word >> 196) & U20,
        maintenance_to=(word >> 176) & U20,
        depth_from=(word >> 144) & U32,
        depth_to=(word >> 112) & U32,
        ramp_start=(word >> 80) & U32,
    )


# ---------------------------------------------------------------
#                        SCENARIO MATRIX
# ---------------------------------------------------------------


@internal
@pure
def _matrix(matrix: Matrix) -> uint256:
    assert matrix.version <= U16
    assert matrix.earlier <= U16
    assert matrix.ramp_start <= U32
    assert matrix.tail <= U8
    assert matrix.factor <= U24
    assert matrix.gross_floor <= U20
    assert matrix.earlier_tail <= U8
    assert matrix.earlier_factor <= U24
    assert matrix.earlier_gross_floor <= U20
    assert matrix.minimum_equity <= U32
    return (
        (matrix.version << 240)
        | (matrix.earlier << 224)
        | (matrix.ramp_start << 192)
        | (matrix.tail << 184)
        | (matrix.factor << 160)
        | (matrix.gross_floor << 140)
        | (matrix.earlier_tail << 132)
        | (matrix.earlier_factor << 108)
        | (matrix.earlier_gross_floor << 88)
        | (matrix.minimum_equity << 56)
    )


@internal
@pure
def _matrix_fields(word: uint256) -> Matrix:
    return Matrix(
        version=word >> 240,
        earlier=(word >> 224) & U16,
        ramp_start=(word >> 192) & U32,
        tail=(word >> 184) & U8,
        factor=(word >> 160) & U24,
        gross_floor=(word >> 140) & U20,
        earlier_tail=(word >> 132) & U8,
        earlier_factor=(word >> 108) & U24,
        earlier_gross_floor=(word >> 88) & U20,
        minimum_equity=(word >> 56) & U32,
    )


# ---------------------------------------------------------------
#                             PLANS
# ---------------------------------------------------------------


@internal
@pure
def _plan(plan: Plan) -> uint256:
    assert plan.id <= U8
    assert plan.usable <= 1
    assert plan.reserve <= U16
    assert plan.rate <= U20
    assert plan.base <= U20
    assert plan.flat <= U24
    assert plan.depth <= U32
    assert plan.notional <= U128
    return (
        (plan.id << 248)
        | (plan.usable << 240)
        | (plan.reserve << 224)
        | (plan.rate << 204)
        | (plan.base << 184)
        | (plan.flat << 160)
        | (plan.depth << 128)
        | plan.notional
    )


@internal
@pure
def _plan_id(word: uint256) -> uint256:
    return word >> 248


@internal
@pure
def _plan_usable(word: uint256) -> bool:
    return (word >> 240) & 1 == 1


@internal
@pure
def _plan_reserve(word: uint256) -> uint256:
    """
    @notice In cents.
    """
    return (word >> 224) & U16


@internal
@pure
def _plan_rate(word: uint256) -> uint256:
    return (word >> 204) & U20


@internal
@pure
def _plan_base(word: uint256) -> uint256:
    return (word >> 184) & U20


@internal
@pure
def _plan_flat(word: uint256) -> uint256:
    return (word >> 160) & U24


@internal
@pure
def _plan_depth(word: uint256) -> uint256:
    return (word >> 128) & U32


@internal
@pure
def _plan_notional(word: uint256) -> uint256:
    return word & U128
