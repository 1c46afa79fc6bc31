# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Vault arithmetic, arrays in and arrays out
@notice Runs one function of `vault_math` over many cases in one call; a case that reverts is an answer too.
"""

# Every function of the module is under test.
from contracts.modules import vault_math

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
    @param index place of the function in the module, counted from 0, the rounding up of the first two apart
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
    @notice Result of one function for one case.
    """
    if index == 0:
        return vault_math._to_shares(case[0], case[1], case[2], False)
    if index == 1:
        return vault_math._to_shares(case[0], case[1], case[2], True)
    if index == 2:
        return vault_math._to_assets(case[0], case[1], case[2], False)
    if index == 3:
        return vault_math._to_assets(case[0], case[1], case[2], True)
    if index == 4:
        return vault_math._max_assets_in(case[0], case[1], case[2])
    assert index == 5
    return vault_math._max_shares_out(case[0], case[1], case[2])
