# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Fixed-point arithmetic, arrays in and arrays out
@notice Runs one function of `fixed_math` over many cases in one call; a case that reverts is an answer too.
@dev Signed arguments and results travel as their two's complement bits.
"""

# Every function of the module is under test.
from contracts.modules import fixed_math

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_CASES: constant(uint256) = 500

# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def run_many(index: uint256, cases: DynArray[uint256[3], MAX_CASES]) -> DynArray[uint256[2], MAX_CASES]:
    """
    @notice (1, result) for each case that returns and (0, 0) for each that reverts.
    @param index place of the function in the module, counted from 0
    """
    answers: DynArray[uint256[2], MAX_CASES] = []
    for case: uint256[3] in cases:
        success: bool = False
        response: Bytes[32] = b""
        success, response = raw_call(
            self,
            abi_encode(index, case, method_id=method_id("run(uint256,uint256[3])")),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        if success:
            result: uint256 = abi_decode(response, uint256)
            answers.append([1, result])
        else:
            answers.append([0, 0])
    return answers


@external
@pure
def run(index: uint256, case: uint256[3]) -> uint256:
    """
    @notice Result of one function for one case; arguments that it does not take are ignored.
    """
    if index >= 10:
        return self._unsigned(index, case[0], case[1], case[2])
    a: int256 = self._signed(case[0])
    if index == 9:
        return fixed_math._abs(a)
    b: int256 = self._signed(case[1])
    c: int256 = self._signed(case[2])
    result: int256 = self._run_signed(index, a, b, c)
    return convert(convert(result, bytes32), uint256)


# ---------------------------------------------------------------
#                             INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _signed(bits: uint256) -> int256:
    return convert(convert(bits, bytes32), int256)


@internal
@pure
def _run_signed(index: uint256, a: int256, b: int256, c: int256) -> int256:
    if index == 0:
        return fixed_math._floor_div(a, b)
    if index == 1:
        return fixed_math._ceil_div(a, b)
    if index == 2:
        return fixed_math._mul_div_floor(a, b, c)
    if index == 3:
        return fixed_math._mul_div_ceil(a, b, c)
    if index == 4:
        return fixed_math._wad_floor(a)
    if index == 5:
        return fixed_math._wad_ceil(a)
    if index == 6:
        return fixed_math._mul_ray_floor(a, b)
    if index == 7:
        return fixed_math._mul_ray_ceil(a, b)
    assert index == 8
    return fixed_math._magnitude(a)


@internal
@pure
def _unsigned(index: uint256, a: uint256, b: uint256, c: uint256) -> uint256:
    if index == 10:
        return fixed_math._mul_div_down(a, b, c)
    if index == 11:
        return fixed_math._mul_div_up(a, b, c)
    if index == 12:
        return fixed_math._ppm_down(a, b)
    assert index == 13
    return fixed_math._ppm_up(a, b)
