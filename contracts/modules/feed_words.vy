# pragma version ==0.4.3
"""
@title Feed words
@notice One storage word per feed; the word of an id's first feed also holds how many feeds there are and the
        quorum, so that reading them costs no slot of their own. `seawall/spec/oracle.py` is the same layout.
        Apart from words.vy because no other contract reads them.
@dev Fields from the most significant bit:
     feed      adapter uint160 | heartbeat uint20 | max_age uint20 | is_pull bool | count uint3 | quorum uint3
               | unused 7 | mode uint2 | spread_band uint16 | volatility_floor uint24
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U16: constant(uint256) = 2**16 - 1
U20: constant(uint256) = 2**20 - 1
U24: constant(uint256) = 2**24 - 1

# Modes of an id: its index follows its feeds; it was halted, see index_modes; its price is fixed for good.
FOLLOWING: constant(uint256) = 0
HALTED: constant(uint256) = 1
STANDING: constant(uint256) = 2

# ---------------------------------------------------------------
#                             PACKING
# ---------------------------------------------------------------


@internal
@pure
def _feed(adapter: address, heartbeat: uint256, max_age: uint256, is_pull: bool) -> uint256:
    """
    @notice Pack a feed; reverts when a field is out of range.
    """
    assert heartbeat <= U20
    assert max_age <= U20
    flag: uint256 = 1 if is_pull else 0
    # Packed as in words._token.
    return (convert(adapter, uint256) << 96) | (heartbeat << 76) | (max_age << 56) | (flag << 55)


@internal
@pure
def _terms(count: uint256, quorum: uint256, spread_band: uint256, volatility_floor: uint256) -> uint256:
    """
    @notice What the word of an id's first feed holds besides; reverts when a field is out of range.
    """
    assert count <= 7
    assert quorum <= 7
    assert spread_band <= U16
    assert volatility_floor <= U24
    # Packed as in words._token.
    return (count << 52) | (quorum << 49) | (spread_band << 24) | volatility_floor


@internal
@pure
def _with_mode(word: uint256, mode: uint256) -> uint256:
    """
    @notice The word of a first feed with another mode, 0 to 3.
    """
    # Packed as in words._token.
    return (word & ~(convert(3, uint256) << 40)) | (mode << 40)


# ---------------------------------------------------------------
#                             FIELDS
# ---------------------------------------------------------------


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
def _feed_heartbeat(word: uint256) -> uint256:
    """
    @notice Seconds between the updates that a feed promises.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 76) & U20


@internal
@pure
def _feed_max_age(word: uint256) -> uint256:
    """
    @notice Seconds after which a feed's data counts no more.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 56) & U20


@internal
@pure
def _feed_is_pull(word: uint256) -> uint256:
    """
    @notice 1 for a feed whose updates come with a caller.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 55) & 1


@internal
@pure
def _terms_count(word: uint256) -> uint256:
    """
    @notice Number of feeds; zero in every word but the first.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 52) & 7


@internal
@pure
def _terms_quorum(word: uint256) -> uint256:
    """
    @notice Number of fresh feeds that make a price; zero in every word but the first.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 49) & 7


@internal
@pure
def _terms_mode(word: uint256) -> uint256:
    """
    @notice Mode of the id, see index_modes; zero in every word but the first.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 40) & 3


@internal
@pure
def _terms_spread_band(word: uint256) -> uint256:
    """
    @notice Distance from the median beyond which a feed is dropped, 10**-5.
    """
    # Unpacked as in words._token_decimals.
    return (word >> 24) & U16


@internal
@pure
def _terms_volatility_floor(word: uint256) -> uint256:
    """
    @notice What the volatility never falls below, 10**-9 per root of a second.
    """
    # Unpacked as in words._token_decimals.
    return word & U24
