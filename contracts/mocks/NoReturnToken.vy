# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title No-return token
@notice An ERC-20 whose `approve`, `transfer` and `transferFrom` answer nothing.
@dev snekmate limits names to 25 and symbols to 5 characters. Anyone may mint.
"""

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
)


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
def approve(spender: address, amount: uint256):
    """
    @notice Allow a spender; answers nothing.
    """
    erc20._approve(msg.sender, spender, amount)


@external
def transfer(receiver: address, amount: uint256):
    """
    @notice Send; answers nothing.
    """
    erc20._transfer(msg.sender, receiver, amount)


@external
def transferFrom(owner: address, receiver: address, amount: uint256):
    """
    @notice Send for an owner; answers nothing.
    """
    erc20._spend_allowance(owner, msg.sender, amount)
    erc20._transfer(owner, receiver, amount)
