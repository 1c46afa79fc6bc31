# pragma version ==0.4.3
"""
@title Report word
@notice A signed report in one storage word. `seawall/spec/feeds.py` is the same layout. Apart from words.vy because
        no other contract reads it.
@dev Fields from the most significant bit:
     report    price uint96 | half_width uint16 | published_at uint64 | unused 80
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U16: constant(uint256) = 2**16 - 1
U64: constant(uint256) = 2**64 - 1
U96: constant(uint256) = 2**96 - 1

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _report(price: uint256, half_width: uint256, published_at: uint256) -> uint256:
    """
    @notice Pack a report; reverts when a field is out of range.
    """
    assert price <= U96
    assert half_width <= U16
    assert published_at <= U64
    # Packed as in words._token.
    return (price << 160) | (half_width << 144) | (published_at << 80)


@internal
@pure
def _report_price(word: uint256) -> uint256:
    """
    @notice WAD price; 0 for no report.
    """
    # Unpacked as in words._token_asset.
    return word >> 160


@internal
@pure
def _report_half_width(word: uint256) -> uint256:
    """
    @notice Half-width in 10**-5 of the price.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 144) & U16


@internal
@pure
def _report_published_at(word: uint256) -> uint256:
    """
    @notice Unix seconds; of the last report even when it counts no longer.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 80) & U64
