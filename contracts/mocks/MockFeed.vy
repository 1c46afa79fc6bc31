# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Mock feed
@notice A price feed whose answer anyone may set; storage slots 0 to 2 in this order.
"""

from interfaces import IPriceFeed
implements: IPriceFeed

price: public(uint256)
updated_at: public(uint256)
failing: public(bool)


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
def set_failing(failing: bool):
    """
    @notice Let `latest` revert.
    """
    self.failing = failing


@external
@view
def latest() -> (uint256, uint256):
    """
    @notice Price and time of data.
    """
    assert not self.failing, "mock: failing"
    return self.price, self.updated_at
