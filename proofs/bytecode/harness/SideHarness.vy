# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Side harness
@notice Closes a part of one side by the ledger's own function. The open interest of a market, a product of unknowns
        packed as a float, stays out of it.
"""

from contracts.modules import ledger  # under proof
initializes: ledger


@external
def close(which: uint256, shares: int256, charge: int256, size: int256, money: int256) -> (int256, int256, int256, uint256, int256):
    """
    @notice Shares, scale, charge and epoch of a side at scale 1 after the change, and how the book moved.
    """
    market: ledger.Market = empty(ledger.Market)
    market.sides[which].shares = shares
    market.sides[which].scale = ledger.RAY
    market.sides[which].charge = charge
    book: int256 = 0
    market, book = ledger._change_side(market, 1, which, size, money)
    side: ledger.Side = market.sides[which]
    return side.shares, side.scale, side.charge, side.epoch, book
