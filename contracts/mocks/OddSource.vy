# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Odd source
@notice Misbehaves at any call, as an aggregator or as a price feed: fails, burns gas, answers set bytes or a
        bomb, calls back.
@dev `decimals` answers 8, so that an adapter can be deployed on it.
"""

ANSWER: constant(uint256) = 0
REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2
BOMB: constant(uint256) = 3
REVERT_BOMB: constant(uint256) = 4
CALL: constant(uint256) = 5

MAX_BYTES: constant(uint256) = 1024
BOMB_WORDS: constant(uint256) = 1024
BOMB_BYTES: constant(uint256) = 32 * BOMB_WORDS

mode: public(uint256)
answer: public(Bytes[MAX_BYTES])
target: public(address)
data: public(Bytes[MAX_BYTES])


@external
def answer_with(answer: Bytes[MAX_BYTES]):
    """
    @notice Answer these bytes as they are.
    """
    self.mode = ANSWER
    self.answer = answer


@external
def fail_with(answer: Bytes[MAX_BYTES]):
    """
    @notice Revert with these bytes.
    """
    self.mode = REVERT
    self.answer = answer


@external
def burn_gas():
    """
    @notice Run until no gas is left.
    """
    self.mode = BURN


@external
def answer_bomb():
    """
    @notice Answer 32 KiB that begin with two words of 1.
    """
    self.mode = BOMB


@external
def fail_bomb():
    """
    @notice Revert with 32 KiB that begin with two words of 1.
    """
    self.mode = REVERT_BOMB


@external
def call_back(target: address, data: Bytes[MAX_BYTES], answer: Bytes[MAX_BYTES]):
    """
    @notice Call somebody, revert if that fails, else answer these bytes.
    """
    self.mode = CALL
    self.target = target
    self.data = data
    self.answer = answer


@external
@view
def decimals() -> uint8:
    """
    @notice Decimals of the answers.
    """
    return 8


@external
@payable
@raw_return
def __default__() -> Bytes[BOMB_BYTES]:
    mode: uint256 = self.mode
    if mode == REVERT:
        raw_revert(self.answer)
    if mode == BURN:
        self._burn()
    if mode == BOMB:
        return self._bomb()
    if mode == REVERT_BOMB:
        raw_revert(self._bomb())
    if mode == CALL:
        raw_call(self.target, self.data)
    return self.answer


@internal
@view
def _burn():
    # The first mapping slot that is not zero: there is none.
    place: uint256 = 0
    for i: uint256 in range(2**64):
        place = convert(keccak256(convert(place, bytes32)), uint256)


@internal
@pure
def _bomb() -> Bytes[BOMB_BYTES]:
    filled: uint256[BOMB_WORDS] = empty(uint256[BOMB_WORDS])
    filled[0] = 1
    filled[1] = 1
    return abi_encode(filled)
