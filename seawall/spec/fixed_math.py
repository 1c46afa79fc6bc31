"""Rounded products and quotients: the specification of `contracts/modules/fixed_math.vy`.

`floor` is toward minus infinity and `ceil` toward plus infinity, whatever the signs; `down` and
`up` are their unsigned names. Where the contract reverts, these functions raise an
:class:`ArithmeticError`: :class:`OverflowError` when an argument or a product leaves 256 bits,
:class:`ZeroDivisionError` when a divisor is not positive.
"""

from __future__ import annotations

WAD = 10**18
RAY = 10**27
PPM = 10**6
MAX_INT256 = 2**255 - 1
MIN_INT256 = -(2**255)
MAX_UINT256 = 2**256 - 1


def _int256(value: int) -> int:
    if not MIN_INT256 <= value <= MAX_INT256:
        raise OverflowError(f"{value} does not fit int256")
    return value


def _uint256(value: int) -> int:
    if not 0 <= value <= MAX_UINT256:
        raise OverflowError(f"{value} does not fit uint256")
    return value


def _product(a: int, b: int) -> int:
    return _int256(_int256(a) * _int256(b))


def _unsigned_product(a: int, b: int) -> int:
    return _uint256(_uint256(a) * _uint256(b))


def _divisor(value: int) -> int:
    if value <= 0:
        raise ZeroDivisionError(f"divisor {value} is not positive")
    return value


def floor_div(a: int, b: int) -> int:
    """a / b toward minus infinity."""
    return _int256(a) // _divisor(_int256(b))


def ceil_div(a: int, b: int) -> int:
    """a / b toward plus infinity."""
    return -(-_int256(a) // _divisor(_int256(b)))


def mul_div_floor(a: int, b: int, c: int) -> int:
    """a * b / c toward minus infinity."""
    return floor_div(_product(a, b), c)


def mul_div_ceil(a: int, b: int, c: int) -> int:
    """a * b / c toward plus infinity."""
    return ceil_div(_product(a, b), c)


def wad_floor(product: int) -> int:
    """A product of two WAD numbers / 10**18 toward minus infinity."""
    return floor_div(product, WAD)


def wad_ceil(product: int) -> int:
    """A product of two WAD numbers / 10**18 toward plus infinity."""
    return ceil_div(product, WAD)


def mul_ray_floor(a: int, b: int) -> int:
    """a * b / 10**27 toward minus infinity."""
    return mul_div_floor(a, b, RAY)


def mul_ray_ceil(a: int, b: int) -> int:
    """a * b / 10**27 toward plus infinity."""
    return mul_div_ceil(a, b, RAY)


def mul_div_down(a: int, b: int, c: int) -> int:
    """a * b / c of unsigned numbers, rounded down."""
    return _unsigned_product(a, b) // _divisor(_uint256(c))


def mul_div_up(a: int, b: int, c: int) -> int:
    """a * b / c of unsigned numbers, rounded up."""
    return -(-_unsigned_product(a, b) // _divisor(_uint256(c)))


def ppm_down(amount: int, ppm: int) -> int:
    """`ppm` parts per million of an unsigned amount, rounded down."""
    return mul_div_down(amount, ppm, PPM)


def ppm_up(amount: int, ppm: int) -> int:
    """`ppm` parts per million of an unsigned amount, rounded up."""
    return mul_div_up(amount, ppm, PPM)


def magnitude(x: int) -> int:
    """|x| of an int256; 2**255 for the lowest."""
    return abs(_int256(x))
