# pragma version ==0.4.3
"""
@title Fund words
@notice What an epoch has used of the insurance fund: one storage word for all markets, one for each.
        `seawall/spec/fund_words.py` is the same layout. Apart from words.vy because no other contract reads them.
@dev Fields from the most significant bit, amounts WAD:
     use         epoch uint32 | start uint112 | used uint112
     market use  epoch uint32 | used uint112 | unused 112
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U32: constant(uint256) = 2**32 - 1
U112: constant(uint256) = 2**112 - 1

# Without a cap the sum of an epoch's payments stops here.
MOST_USED: constant(uint256) = U112

# ---------------------------------------------------------------
#                            PACKING
# ---------------------------------------------------------------


@internal
@pure
def _use(epoch: uint256, start: uint256, used: uint256) -> uint256:
    """
    @notice Pack what all markets have used; reverts when a field is out of range.
    """
    assert epoch <= U32
    assert start <= U112
    assert used <= U112
    # Packed as in words._token.
    return (epoch << 224) | (start << 112) | used


@internal
@pure
def _market_use(epoch: uint256, used: uint256) -> uint256:
    """
    @notice Pack what one market has used; reverts when a field is out of range.
    """
    assert epoch <= U32
    assert used <= U112
    # Packed as in words._token.
    return (epoch << 224) | (used << 112)


# ---------------------------------------------------------------
#                            FIELDS
# ---------------------------------------------------------------


@internal
@pure
def _epoch(word: uint256) -> uint256:
    """
    @notice Number of the epoch, of either word.
    """
    # Unpacked as in words._token_decimals.
    return word >> 224


@internal
@pure
def _use_start(word: uint256) -> uint256:
    """
    @notice Cash that the fund had before the epoch's first payment.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 112) & U112


@internal
@pure
def _use_used(word: uint256) -> uint256:
    """
    @notice What was paid in the epoch.
    """
    # Unpacked as in words._token_decimals.
    return word & U112


@internal
@pure
def _market_used(word: uint256) -> uint256:
    """
    @notice What was paid in the epoch for one market.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 112) & U112
