# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Fixed oracle
@notice Answers for each id the price word that a test has set.
"""

U32: constant(uint256) = 2**32 - 1

_words: HashMap[uint256, uint256]
# What the latest refresh of an id has answered.
_seen: HashMap[uint256, uint256]


@external
def set_word(id: uint256, word: uint256):
    """
    @notice What to answer for an id.
    """
    self._words[id] = word


@external
def refresh(bitmap: uint256) -> DynArray[uint256, 24]:
    """
    @notice The words of the ids in the bitmap, ascending.
    """
    answer: DynArray[uint256, 24] = []
    for id: uint256 in range(136):
        if bitmap & (1 << id) != 0:
            self._seen[id] = self._words[id]
            answer.append(self._words[id])
    return answer


@external
@view
def prices(bitmap: uint256) -> DynArray[uint256, 24]:
    """
    @notice What a refresh would answer.
    """
    answer: DynArray[uint256, 24] = []
    for id: uint256 in range(136):
        if bitmap & (1 << id) != 0:
            answer.append(self._words[id])
    return answer


@external
@view
def price_word(id: uint256) -> uint256:
    """
    @notice The word of an id where it was set as of this block, else what its latest refresh answered.
    """
    word: uint256 = self._words[id]
    refreshed_at: uint256 = (word >> 68) & U32  # words.PRICE
    if refreshed_at == block.timestamp:
        return word
    return self._seen[id]
