# pragma version ==0.4.3
"""
@title Bits
@notice Owners of accounts, bitmaps and the 30-bit float of open interest; `seawall/spec/words.py` has the same float.
"""

# ---------------------------------------------------------------
#                          ACCOUNTS
# ---------------------------------------------------------------


@internal
@pure
def _owner(account: uint256) -> uint256:
    """
    @notice The owner's address of `owner << 96 | sub_account`, as a number.
    """
    return account >> 96


@internal
@pure
def _first_account(owner: address) -> uint256:
    """
    @notice Sub-account 0 of an owner.
    """
    return convert(owner, uint256) << 96


# ---------------------------------------------------------------
#                           FLOAT30
# ---------------------------------------------------------------


@internal
@pure
def _float30_up(number: uint256) -> uint256:
    """
    @notice Smallest float (mantissa uint23 << exponent uint7) that is not below `number` < 2**127.
    """
    assert number >> 127 == 0
    exponent: uint256 = 0
    if number >> 23 != 0:
        # The highest bit becomes the mantissa's.
        exponent = unsafe_sub(self._log2(number), 22)
    mantissa: uint256 = number >> exponent
    if mantissa << exponent != number:
        mantissa += 1
        if mantissa >> 23 != 0:
            mantissa = mantissa >> 1
            exponent += 1
    return (mantissa << 7) | exponent


@internal
@pure
def _float30_value(word: uint256) -> uint256:
    return (word >> 7) << (word & 127)


# ---------------------------------------------------------------
#                            BITMAPS
# ---------------------------------------------------------------


@internal
@pure
def _log2(number: uint256) -> uint256:
    """
    @notice Position of the highest set bit of a number that is not zero.
    @dev Written out: as a loop it costs three times the gas, and every leg of every account passes here.
    """
    rest: uint256 = number
    position: uint256 = 0
    if rest >> 128 != 0:
        rest = rest >> 128
        position = 128
    if rest >> 64 != 0:
        rest = rest >> 64
        position = unsafe_add(position, 64)
    if rest >> 32 != 0:
        rest = rest >> 32
        position = unsafe_add(position, 32)
    if rest >> 16 != 0:
        rest = rest >> 16
        position = unsafe_add(position, 16)
    if rest >> 8 != 0:
        rest = rest >> 8
        position = unsafe_add(position, 8)
    if rest >> 4 != 0:
        rest = rest >> 4
        position = unsafe_add(position, 4)
    if rest >> 2 != 0:
        rest = rest >> 2
        position = unsafe_add(position, 2)
    # What is left is 1, 2 or 3; position stays below 256.
    return unsafe_add(position, rest >> 1)


@internal
@pure
def _lowest(bitmap: uint256) -> uint256:
    """
    @notice Position of the lowest set bit; `bitmap` must not be zero.
    @dev Quick below 4: a loop over ids looks from the last one on, and the next is mostly near.
    """
    lowest: uint256 = bitmap & unsafe_sub(0, bitmap)
    if lowest < 16:
        # 1, 2, 4, 8 -> 0, 1, 2, 3
        return unsafe_sub(lowest >> 1, lowest >> 3)
    return self._log2(lowest)


@internal
@pure
def _count(bitmap: uint256) -> uint256:
    """
    @notice Number of set bits.
    """
    rest: uint256 = bitmap
    bits: uint256 = 0
    for i: uint256 in range(256):
        if rest == 0:
            break
        rest = rest & unsafe_sub(rest, 1)
        bits = unsafe_add(bits, 1)
    return bits


@internal
@pure
def _bit(position: uint256) -> uint256:
    """
    @notice The bitmap of one id.
    """
    return 1 << position


@internal
@pure
def _has(bitmap: uint256, position: uint256) -> bool:
    """
    @notice Whether a bit is set.
    """
    return (bitmap >> position) & 1 == 1


@internal
@pure
def _without_lowest(bitmap: uint256) -> uint256:
    """
    @notice Clear the lowest set bit.
    """
    return bitmap & unsafe_sub(bitmap, 1)
