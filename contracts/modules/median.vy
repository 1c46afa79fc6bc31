# pragma version ==0.4.3
"""
@title Median
@notice Middle value of up to five numbers.
@dev Stateless. `seawall/spec/oracle.py` is the same rule; the array harness holds the two equal.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_VALUES: constant(uint256) = 5

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _median(values: DynArray[uint256, MAX_VALUES]) -> uint256:
    """
    @notice The middle value, or the floor of the mean of the two middle values.
    @dev Reverts for an empty list and when the two middle values add up to 2**256 or more.
    @param values in any order
    @return median in the unit of the values
    """
    ordered: DynArray[uint256, MAX_VALUES] = values
    count: uint256 = len(values)
    for i: uint256 in range(1, count, bound=MAX_VALUES):
        value: uint256 = ordered[i]
        place: uint256 = i
        for _: uint256 in range(MAX_VALUES):
            if place == 0:
                break
            below: uint256 = ordered[place - 1]
            if below <= value:
                break
            ordered[place] = below
            place -= 1
        ordered[place] = value
    middle: uint256 = count // 2
    if count % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) // 2
