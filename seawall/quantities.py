"""Numbers of a parameter file, exact: fractions become parts per million, money and sizes WAD."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from seawall.spec.words import PPM, WAD


class ParameterError(ValueError):
    """A parameter file that cannot be deployed; the message names the field and what is allowed."""


def ppm(text: Any, where: str, highest: str = "1") -> int:
    """A fraction from 0 to `highest` as parts per million; it must have at most six decimals."""
    fraction = decimal(text, where)
    if not 0 <= fraction <= Decimal(highest):
        raise ParameterError(f"{where}: {text} is outside 0 to {highest}")
    return whole(fraction * PPM, f"{where}: {text} has more than six decimals")


def wad(text: Any, where: str) -> int:
    """A non-negative number as WAD."""
    number = decimal(text, where)
    if number < 0:
        raise ParameterError(f"{where}: {text} is negative")
    return whole(number * WAD, f"{where}: {text} has more than eighteen decimals")


def decimal(text: Any, where: str) -> Decimal:
    """A finite number."""
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        raise ParameterError(f"{where}: {text!r} is not a number") from None
    if not number.is_finite():
        raise ParameterError(f"{where}: {text!r} is not a finite number")
    return number


def whole(number: Decimal, complaint: str) -> int:
    """A number without decimals."""
    if number != int(number):
        raise ParameterError(complaint)
    return int(number)
