# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Median harness
@notice The median module, many cases in one call.
"""

from contracts.modules import median

MAX_CASES: constant(uint256) = 500


@external
@view
def medians(cases: DynArray[DynArray[uint256, 5], MAX_CASES]) -> DynArray[uint256, MAX_CASES]:
    """
    @notice Median of each case.
    """
    results: DynArray[uint256, MAX_CASES] = []
    for values: DynArray[uint256, 5] in cases:
        results.append(median._median(values))
    return results
