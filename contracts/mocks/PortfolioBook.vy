# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Portfolio book
@notice Answers as a Clearinghouse and an oracle with the one portfolio that a test has described: for views alone.
"""

_word: uint256
_base: int256
_held: uint256
_deferred: uint256
_legs: DynArray[uint256, 24]
_prices: DynArray[uint256, 24]
_settlement: uint256
_tokens: uint256[9]


@external
def set_portfolio(
    word: uint256,
    base: int256,
    held: uint256,
    deferred: uint256,
    legs: DynArray[uint256, 24],
    prices: DynArray[uint256, 24],
):
    """
    @notice What every account holds and at which prices, and what custody holds and owes (WAD).
    """
    self._word = word
    self._base = base
    self._held = held
    self._deferred = deferred
    self._legs = legs
    self._prices = prices


@external
def set_settlement(word: uint256):
    """
    @notice The price word of the settlement token.
    """
    self._settlement = word


@external
def set_token(token_id: uint256, word: uint256):
    """
    @notice The word of a token.
    """
    self._tokens[token_id] = word


@external
@view
def portfolio(account: uint256) -> (uint256, int256, DynArray[uint256, 24]):
    """
    @notice Account word, base and legs.
    """
    return self._word, self._base, self._legs


@external
@view
def prices(bitmap: uint256) -> DynArray[uint256, 24]:
    """
    @notice One price word per leg; that of the settlement token where it alone is asked for.
    """
    if bitmap == 1:
        return [self._settlement]
    return self._prices


@external
@view
def token_word(token_id: uint256) -> uint256:
    """
    @notice The word that a test has set.
    """
    return self._tokens[token_id]


@external
@view
def totals() -> (uint256, int256, uint256):
    """
    @notice Settlement tokens held, nothing, deferred losses.
    """
    return self._held, 0, self._deferred
