# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Gas caller
@notice Calls with a chosen amount of gas and goes on whatever happens, as an attacker would.
"""

MAX_BYTES: constant(uint256) = 2048


@external
def call_with(target: address, data: Bytes[MAX_BYTES], gas_amount: uint256) -> (bool, Bytes[MAX_BYTES], uint256):
    """
    @notice Call; answers whether it succeeded, what came back and what it cost.
    """
    gas_before: uint256 = msg.gas
    success: bool = False
    answer: Bytes[MAX_BYTES] = b""
    success, answer = raw_call(target, data, max_outsize=MAX_BYTES, gas=gas_amount, revert_on_failure=False)
    return success, answer, gas_before - msg.gas
