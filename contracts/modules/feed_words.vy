# pragma version ==0.4.3
"""
@title Feed words
@notice One storage word per feed; the word of an id's first feed also holds how many feeds there are and the
        quorum, so that reading them costs no slot of their own. `seawall/spec/oracle.py` is the same layout.
        Apart from words.vy because no other contract reads them.
@dev Fields from the most significant bit:
     feed      adapter uint160 | max_age uint32 | count uint8 | quorum uint8 | unused 48
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U8: constant(uint256) = 2**8 - 1
U32: constant(uint256) = 2**32 - 1

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _feed(adapter: address, max_age: uint256, count: uint256, quorum: uint256) -> uint256:
    """
    @notice Pack a feed; reverts when a field is out of range.
    """
    assert max_age <= U32
    assert count <= U8
    assert quorum <= U8
    # Packed as in words._token.
    return (convert(adapter, uint256) << 96) | (max_age << 64) | (count << 56) | (quorum << 48)


@internal
@pure
def _feed_adapter(word: uint256) -> address:
    """
    @notice Adapter of a feed.
    """
    # Unpacked as in words._token_asset.
    return convert(word >> 96, address)


@internal
@pure
def _feed_max_age(word: uint256) -> uint256:
    """
    @notice Greatest age of usable data in seconds.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 64) & U32


@internal
@pure
def _feed_count(word: uint256) -> uint256:
    """
    @notice Number of feeds; zero in every word but the first.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 56) & U8


@internal
@pure
def _feed_quorum(word: uint256) -> uint256:
    """
    @notice Number of fresh feeds that make a price; zero in every word but the first.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 48) & U8
