# pragma version ==0.4.3
"""
@title Fixed-point arithmetic
@notice Products and quotients with the rounding in the name; the only place where signed numbers are divided.
@dev "floor" is toward -inf and "ceil" toward +inf, whatever the signs; "down" and "up" are their unsigned
     names. A product is formed in 256 bits: signed a * b outside [-2**255, 2**255) and unsigned a * b at or
     above 2**256 revert, as does a divisor that is not positive. `seawall/spec/fixed_math.py` states the same
     functions. For the smaller or larger of two numbers the compiler's own `min` and `max` serve.
     The compiler's signed division truncates toward zero, so each signed function divides once, multiplies
     back and corrects by one. Proof that this is safe unchecked, for a divisor b >= 1 and q = trunc(a / b):
     q * b lies between 0 and a, so it never wraps; and a correction happens only when q * b != a, which
     needs b >= 2, hence |q| <= 2**254, so q - 1 and q + 1 never wrap.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

WAD: constant(int256) = 10**18
RAY: constant(int256) = 10**27
PPM: constant(uint256) = 10**6

# ---------------------------------------------------------------
#                             SIGNED
# ---------------------------------------------------------------


@internal
@pure
def _floor_div(a: int256, b: int256) -> int256:
    """
    @notice a / b rounded toward -inf, for b > 0 and any a.
    """
    assert b > 0
    quotient: int256 = unsafe_div(a, b)
    back: int256 = unsafe_mul(quotient, b)
    if back > a:
        quotient = unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def _ceil_div(a: int256, b: int256) -> int256:
    """
    @notice a / b rounded toward +inf, for b > 0 and any a.
    """
    assert b > 0
    quotient: int256 = unsafe_div(a, b)
    back: int256 = unsafe_mul(quotient, b)
    if back < a:
        quotient = unsafe_add(quotient, 1)
    return quotient


@internal
@pure
def _mul_div_floor(a: int256, b: int256, c: int256) -> int256:
    """
    @notice a * b / c rounded toward -inf, for c > 0 and |a * b| < 2**255.
    """
    return self._floor_div(a * b, c)


@internal
@pure
def _mul_div_ceil(a: int256, b: int256, c: int256) -> int256:
    """
    @notice a * b / c rounded toward +inf, for c > 0 and |a * b| < 2**255.
    """
    return self._ceil_div(a * b, c)


# Those below stand in the loop over an account's legs or close it: the division is written out, which saves a
# jump and the check of a divisor that is a constant.


@internal
@pure
def _wad_floor(product: int256) -> int256:
    """
    @notice A product of two WAD numbers, or a sum of such, / 10**18 rounded toward -inf.
    """
    quotient: int256 = unsafe_div(product, WAD)
    back: int256 = unsafe_mul(quotient, WAD)
    if back > product:
        quotient = unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def _wad_ceil(product: int256) -> int256:
    """
    @notice A product of two WAD numbers, or a sum of such, / 10**18 rounded toward +inf.
    """
    quotient: int256 = unsafe_div(product, WAD)
    back: int256 = unsafe_mul(quotient, WAD)
    if back < product:
        quotient = unsafe_add(quotient, 1)
    return quotient


@internal
@pure
def _mul_ray_floor(a: int256, b: int256) -> int256:
    """
    @notice a * b / 10**27 rounded toward -inf, for |a * b| < 2**255.
    """
    product: int256 = a * b
    quotient: int256 = unsafe_div(product, RAY)
    back: int256 = unsafe_mul(quotient, RAY)
    if back > product:
        quotient = unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def _mul_ray_ceil(a: int256, b: int256) -> int256:
    """
    @notice a * b / 10**27 rounded toward +inf, for |a * b| < 2**255.
    """
    product: int256 = a * b
    quotient: int256 = unsafe_div(product, RAY)
    back: int256 = unsafe_mul(quotient, RAY)
    if back < product:
        quotient = unsafe_add(quotient, 1)
    return quotient


@internal
@pure
def _abs(x: int256) -> uint256:
    """
    @notice Magnitude of any x; 2**255 for the lowest.
    """
    magnitude: int256 = x
    if x < 0:
        # Wraps for the lowest number alone, whose bits read unsigned are the right answer.
        magnitude = unsafe_sub(0, x)
    return convert(convert(magnitude, bytes32), uint256)


@internal
@pure
def _magnitude(x: int256) -> int256:
    """
    @notice |x| as a signed number; the lowest int256 has none and reverts.
    """
    return abs(x)


# ---------------------------------------------------------------
#                            UNSIGNED
# ---------------------------------------------------------------


@internal
@pure
def _mul_div_down(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @notice a * b / c rounded down, for c > 0 and a * b < 2**256.
    """
    return (a * b) // c


@internal
@pure
def _mul_div_up(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @notice a * b / c rounded up, for c > 0 and a * b < 2**256.
    """
    product: uint256 = a * b
    quotient: uint256 = product // c
    # quotient * c <= product; the increment needs c >= 2, so quotient < 2**255.
    back: uint256 = unsafe_mul(quotient, c)
    if back != product:
        quotient = unsafe_add(quotient, 1)
    return quotient


@internal
@pure
def _ppm_down(amount: uint256, ppm: uint256) -> uint256:
    """
    @notice `ppm` parts per million of an amount, rounded down, for amount * ppm < 2**256.
    """
    return unsafe_div(amount * ppm, PPM)


@internal
@pure
def _ppm_up(amount: uint256, ppm: uint256) -> uint256:
    """
    @notice `ppm` parts per million of an amount, rounded up, for amount * ppm < 2**256.
    """
    product: uint256 = amount * ppm
    quotient: uint256 = unsafe_div(product, PPM)
    # quotient * 10**6 <= product, and quotient <= 2**256 / 10**6.
    back: uint256 = unsafe_mul(quotient, PPM)
    if back != product:
        quotient = unsafe_add(quotient, 1)
    return quotient
