# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Returns-false token
@notice An ERC-20 that answers False instead of reverting: always while `failing`, else when it cannot pay.
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

failing: public(bool)


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
def set_failing(failing: bool):
    """
    @notice Let every transfer fail, or only those that cannot be paid.
    """
    self.failing = failing


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Send, or answer False and change nothing.
    """
    if self.failing or erc20.balanceOf[msg.sender] < amount:
        return False
    erc20._transfer(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Send for an owner, or answer False and change nothing.
    """
    if self.failing or erc20.balanceOf[owner] < amount:
        return False
    if erc20.allowance[owner][msg.sender] < amount:
        return False
    erc20._spend_allowance(owner, msg.sender, amount)
    erc20._transfer(owner, receiver, amount)
    return True
