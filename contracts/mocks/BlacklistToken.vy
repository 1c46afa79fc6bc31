# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Blacklist token
@notice An ERC-20 that refuses transfers from and to listed addresses.
@dev snekmate limits names to 25 and symbols to 5 characters. Anyone may mint.
"""

from ethereum.ercs import IERC20
implements: IERC20
from snekmate.auth import ownable
initializes: ownable
from snekmate.tokens import erc20
initializes: erc20[ownable := ownable]

exports: (
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.approve,
)

blacklisted: public(HashMap[address, bool])


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8):
    """
    @notice Deploy without supply.
    """
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Make tokens from nothing.
    """
    erc20._mint(receiver, amount)


@external
def set_blacklisted(account: address, blacklisted: bool):
    """
    @notice List or unlist an address.
    """
    self.blacklisted[account] = blacklisted


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Send; reverts with "token: blacklisted".
    """
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Send for an owner; reverts with "token: blacklisted".
    """
    erc20._spend_allowance(owner, msg.sender, amount)
    self._move(owner, receiver, amount)
    return True


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert not self.blacklisted[owner], "token: blacklisted"
    assert not self.blacklisted[receiver], "token: blacklisted"
    erc20._transfer(owner, receiver, amount)
