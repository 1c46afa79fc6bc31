# pragma version ==0.4.3
"""
@title Token utils
@notice Has the Clearinghouse pay tokens out so that a token which refuses costs its receiver only, and asks whether an
        account may be paid so that one which cannot be valued costs itself only.
@dev The calls' gas is capped, so that one which burns all it gets leaves the rest of the transaction alone; of the answers
     a word or two are copied. A failure counts only if it could not be the caller's doing: the gas given must have been
     enough for all of the cap. Reverts with "queue: gas".
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# What a payment may use. The Clearinghouse needs about 80,000, a token behind a proxy about 60,000.
PAY_GAS: constant(uint256) = 500_000
# The EVM hands over at most 63/64 of the gas left after the call's own price (2,600 for a cold account):
# 500,000 * 64 / 63 + 2,600 + some hundreds to set the call up. Above this the payment got all of PAY_GAS.
ENOUGH_GAS: constant(uint256) = 520_000
# What a valuation may use: 24 legs with five feeds of 30,000 each need about 4,000,000.
VALUE_GAS: constant(uint256) = 8_000_000
ENOUGH_TO_VALUE: constant(uint256) = 8_140_000
# Paid and left, a word each.
ANSWER_BYTES: constant(uint256) = 64
WORD_BYTES: constant(uint256) = 32

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
def _try_withdraw(house: address, account: uint256, amount: uint256, receiver: address) -> (bool, uint256, uint256):
    """
    @notice Withdraw native units of the settlement token from an account of this contract.
    @return Whether the Clearinghouse did it, native units paid, native units left.
    """
    gas_before: uint256 = msg.gas
    success: bool = False
    answer: Bytes[ANSWER_BYTES] = b""
    success, answer = raw_call(
        house,
        abi_encode(
            account,
            convert(0, uint256),
            amount,
            receiver,
            method_id=method_id("withdraw(uint256,uint256,uint256,address)"),
        ),
        max_outsize=ANSWER_BYTES,
        gas=PAY_GAS,
        revert_on_failure=False,
    )
    # A failure fills the answer with revert data.
    if not success or len(answer) != ANSWER_BYTES:
        assert gas_before > ENOUGH_GAS, "queue: gas"
        return False, 0, amount
    paid: uint256 = 0
    left: uint256 = 0
    paid, left = abi_decode(answer, (uint256, uint256))
    return True, paid, left


@internal
@view
def _try_is_covered(queue: address, account: uint256) -> bool:
    """
    @notice What `is_covered` of the exit queue says; no where it fails.
    """
    gas_before: uint256 = msg.gas
    success: bool = False
    answer: Bytes[WORD_BYTES] = b""
    success, answer = raw_call(
        queue,
        abi_encode(account, method_id=method_id("is_covered(uint256)")),
        max_outsize=WORD_BYTES,
        gas=VALUE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != WORD_BYTES:
        assert gas_before > ENOUGH_TO_VALUE, "queue: gas"
        return False
    return abi_decode(answer, bool)
