# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Reentrant token
@notice An ERC-20 that makes a set call inside `transfer` and `transferFrom`, before or after the balances move.
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

MAX_BYTES: constant(uint256) = 4096

target: public(address)
data: public(Bytes[MAX_BYTES])
propagate: public(bool)
before: public(bool)
# Result of the latest call, if it was not propagated.
calls: public(uint256)
success: public(bool)
answer: public(Bytes[MAX_BYTES])

_inside: bool


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
def set_call(target: address, data: Bytes[MAX_BYTES], propagate: bool, before: bool):
    """
    @notice Choose the call; the zero address for none. It is made once per transfer that is not itself inside it.
    @param propagate whether its revert reverts the transfer; if not the result is recorded
    @param before whether it is made before the balances move
    """
    self.target = target
    self.data = data
    self.propagate = propagate
    self.before = before


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Send and call.
    """
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Send for an owner and call.
    """
    erc20._spend_allowance(owner, msg.sender, amount)
    self._move(owner, receiver, amount)
    return True


@internal
def _move(owner: address, receiver: address, amount: uint256):
    if self.before:
        self._call()
    erc20._transfer(owner, receiver, amount)
    if not self.before:
        self._call()


@internal
def _call():
    if self.target == empty(address) or self._inside:
        return
    self._inside = True
    if self.propagate:
        raw_call(self.target, self.data)
        self.success = True
    else:
        success: bool = False
        answer: Bytes[MAX_BYTES] = b""
        success, answer = raw_call(self.target, self.data, max_outsize=MAX_BYTES, revert_on_failure=False)
        self.success = success
        self.answer = answer
    self.calls += 1
    self._inside = False
