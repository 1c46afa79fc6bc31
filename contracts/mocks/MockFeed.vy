# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Mock feed
@notice A price feed whose answer anyone may set; storage slots 0 to 3 in this order.
"""

from interfaces import IPriceFeed
implements: IPriceFeed

price: public(uint256)
updated_at: public(uint256)
failing: public(bool)
half_width: public(uint256)


@deploy
def __init__(price: uint256):
    """
    @notice Deploy with a WAD price of now.
    """
    self.price = price
    self.updated_at = block.timestamp


@external
def set_price(price: uint256):
    """
    @notice A new WAD price of now.
    """
    self.price = price
    self.updated_at = block.timestamp


@external
def set_latest(price: uint256, updated_at: uint256):
    """
    @notice Price and time of data (unix seconds).
    """
    self.price = price
    self.updated_at = updated_at


@external
def set_half_width(half_width: uint256):
    """
    @notice How far the price may be off, in 10**-5 of it.
    """
    self.half_width = half_width


@external
def set_failing(failing: bool):
    """
    @notice Let `latest` revert.
    """
    self.failing = failing


@external
@view
def latest() -> (uint256, uint256, uint256):
    """
    @notice Price, time of data and half-width.
    """
    assert not self.failing, "mock: failing"
    return self.price, self.updated_at, self.half_width
