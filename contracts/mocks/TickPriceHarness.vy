# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Tick price harness
@notice The module of prices out of ticks, many cases in one call.
"""

from contracts.modules import tick_price
from snekmate.utils import math

MAX_CASES: constant(uint256) = 500


@external
@view
def prices(ticks: DynArray[int256, MAX_CASES], exponent: int256) -> DynArray[uint256, MAX_CASES]:
    """
    @notice WAD price of each tick, 0 out of range.
    """
    scale: int256 = tick_price._scale(exponent)
    results: DynArray[uint256, MAX_CASES] = []
    for tick: int256 in ticks:
        results.append(tick_price._price(tick, scale))
    return results


@external
@view
def half_widths(distances: DynArray[uint256, MAX_CASES]) -> DynArray[uint256, MAX_CASES]:
    """
    @notice Half-width of each distance in ticks.
    """
    results: DynArray[uint256, MAX_CASES] = []
    for distance: uint256 in distances:
        results.append(tick_price._half_width(distance))
    return results


@external
@view
def powers(logs: DynArray[int256, MAX_CASES]) -> DynArray[int256, MAX_CASES]:
    """
    @notice Exponential of each number (WAD), as the module gets it.
    """
    results: DynArray[int256, MAX_CASES] = []
    for logarithm: int256 in logs:
        results.append(math._wad_exp(logarithm))
    return results
