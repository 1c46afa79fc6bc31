# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Fee token
@notice An ERC-20 that burns a part of every transfer: the receiver gets less than was sent.
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

BPS: constant(uint256) = 10_000

fee_bps: public(uint256)


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8, fee_bps: uint256):
    """
    @notice Deploy without supply.
    @param fee_bps part of a transfer that is burned, in 1/10000
    """
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")
    self._set_fee(fee_bps)


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Make tokens from nothing.
    """
    erc20._mint(receiver, amount)


@external
def set_fee(fee_bps: uint256):
    """
    @notice Change the fee.
    """
    self._set_fee(fee_bps)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Send; the receiver gets the amount less the fee.
    """
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Send for an owner; the receiver gets the amount less the fee.
    """
    erc20._spend_allowance(owner, msg.sender, amount)
    self._move(owner, receiver, amount)
    return True


@internal
def _set_fee(fee_bps: uint256):
    assert fee_bps <= BPS
    self.fee_bps = fee_bps


@internal
def _move(owner: address, receiver: address, amount: uint256):
    fee: uint256 = amount * self.fee_bps // BPS
    erc20._transfer(owner, receiver, amount - fee)
    erc20._burn(owner, fee)
