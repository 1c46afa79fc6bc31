# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Token
@notice A plain ERC-20.
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
    erc20.transfer,
    erc20.transferFrom,
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
