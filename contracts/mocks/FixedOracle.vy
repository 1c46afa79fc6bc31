# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Fixed oracle
@notice Answers for each id the price word that a test has set, or what an index oracle answers for it.
"""

from interfaces import IIndexOracle

# Bitmaps from here up hold a collateral token.
COLLATERAL: constant(uint256) = 2**128
SETTLEMENT: constant(uint256) = 1
U32: constant(uint256) = 2**32 - 1

_words: HashMap[uint256, uint256]
# What the latest refresh of an id has answered.
_seen: HashMap[uint256, uint256]
# Whom to ask for the ids of a bitmap.
_source: IIndexOracle
_asked: uint256


@external
def set_word(id: uint256, word: uint256):
    """
    @notice What to answer for an id.
    """
    self._words[id] = word


@external
def ask_for(bitmap: uint256, source: IIndexOracle):
    """
    @notice Leave the ids of a bitmap to an index oracle.
    """
    self._source = source
    self._asked = bitmap


@external
def refresh(bitmap: uint256) -> DynArray[uint256, 24]:
    """
    @notice The words of the ids in the bitmap, ascending.
    @dev As at an index oracle collateral brings the settlement token along.
    """
    asked: uint256 = bitmap & self._asked
    if bitmap >= COLLATERAL:
        asked |= SETTLEMENT & self._asked
    found: DynArray[uint256, 24] = []
    if asked != 0:
        found = extcall self._source.refresh(asked)
    for id: uint256 in range(136):
        if bitmap & (1 << id) != 0:
            self._seen[id] = self._words[id]
    return self._merged(bitmap, asked, found)


@external
@view
def prices(bitmap: uint256) -> DynArray[uint256, 24]:
    """
    @notice What a refresh would answer.
    """
    asked: uint256 = bitmap & self._asked
    found: DynArray[uint256, 24] = []
    if asked != 0:
        found = staticcall self._source.prices(asked)
    return self._merged(bitmap, asked, found)


@external
@view
def price_word(id: uint256) -> uint256:
    """
    @notice The word of an id where it was set as of this block, else what its latest refresh answered.
    """
    if self._asked & (1 << id) != 0:
        return staticcall self._source.price_word(id)
    word: uint256 = self._words[id]
    refreshed_at: uint256 = (word >> 68) & U32  # words.PRICE
    if refreshed_at == block.timestamp:
        return word
    return self._seen[id]


@internal
@view
def _merged(bitmap: uint256, asked: uint256, found: DynArray[uint256, 24]) -> DynArray[uint256, 24]:
    answer: DynArray[uint256, 24] = []
    place: uint256 = 0
    for id: uint256 in range(136):
        bit: uint256 = 1 << id
        word: uint256 = self._words[id]
        if asked & bit != 0:
            word = found[place]
            place += 1
        if bitmap & bit != 0:
            answer.append(word)
    return answer
