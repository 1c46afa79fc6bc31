# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Fixed oracle
@notice Answers for each id the price word that a test has set.
"""

_words: HashMap[uint256, uint256]


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
            answer.append(self._words[id])
    return answer


@external
@view
def price_word(id: uint256) -> uint256:
    """
    @notice The word of one id.
    """
    return self._words[id]
