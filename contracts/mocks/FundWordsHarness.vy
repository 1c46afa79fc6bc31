# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Fund words, arrays in and arrays out
@notice Packs and reads the words of `fund_words`; a case that reverts is an answer too.
"""

# Every function of the module is under test.
from contracts.modules import fund_words

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_CASES: constant(uint256) = 500

# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def pack_many(kind: uint256, cases: DynArray[uint256[3], MAX_CASES]) -> DynArray[uint256[2], MAX_CASES]:
    """
    @notice (1, word) for each case that returns and (0, 0) for each that reverts.
    @param kind 0 for the word of all markets, 1 for that of one, which ignores the third number
    """
    answers: DynArray[uint256[2], MAX_CASES] = []
    for case: uint256[3] in cases:
        success: bool = False
        response: Bytes[32] = b""
        success, response = raw_call(
            self,
            abi_encode(kind, case, method_id=method_id("pack(uint256,uint256[3])")),
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
def pack(kind: uint256, case: uint256[3]) -> uint256:
    """
    @notice The word that a packer makes.
    """
    if kind == 0:
        return fund_words._use(case[0], case[1], case[2])
    assert kind == 1
    return fund_words._market_use(case[0], case[1])


@external
@pure
def unpack_many(words: DynArray[uint256, MAX_CASES]) -> DynArray[uint256[4], MAX_CASES]:
    """
    @notice What every reader finds in each word: epoch, start, used by all markets, used by one.
    """
    answers: DynArray[uint256[4], MAX_CASES] = []
    for word: uint256 in words:
        epoch: uint256 = fund_words._epoch(word)
        start: uint256 = fund_words._use_start(word)
        used: uint256 = fund_words._use_used(word)
        market_used: uint256 = fund_words._market_used(word)
        answers.append([epoch, start, used, market_used])
    return answers
