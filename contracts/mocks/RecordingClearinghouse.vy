# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Recording Clearinghouse
@notice Keeps what `trade` was called with. Rights and positions are what a test has set: order rules alone are
        at test, margin is not.
"""

from interfaces import IClearinghouse
from contracts.modules import words

struct Right:
    market_id: uint256
    max_size: uint256

market_id: public(uint256)
_changes: DynArray[IClearinghouse.Change, 22]
_rights: HashMap[uint256, HashMap[address, Right]]
_legs: HashMap[uint256, DynArray[uint256, 24]]
_refusal: String[32]
_forgetful: bool
# A call to make in the middle of `trade`.
_target: address
_calldata: Bytes[4096]


@external
def allow(account: uint256, actor: address, market_id: uint256, max_size: uint256):
    """
    @notice Let an address act for one account in one market up to a size; market 0 revokes.
    """
    self._rights[account][actor] = Right(market_id=market_id, max_size=max_size)


@external
def set_size(account: uint256, market_id: uint256, size: int256):
    """
    @notice Append a leg to an account's portfolio.
    """
    leg: uint256 = words._leg(market_id, 0, size)
    self._legs[account].append(leg)


@external
def refuse(reason: String[32]):
    """
    @notice Make `trade` revert with a reason; empty: accept.
    """
    self._refusal = reason


@external
def forget():
    """
    @notice Stop recording, so that gas is the caller's.
    """
    self._forgetful = True


@external
def call_back(target: address, data: Bytes[4096]):
    """
    @notice Make `trade` call this.
    """
    self._target = target
    self._calldata = data


@external
@view
def changes() -> DynArray[IClearinghouse.Change, 22]:
    """
    @notice What the last `trade` was called with.
    """
    return self._changes


@external
def trade(market_id: uint256, changes: DynArray[IClearinghouse.Change, 22]):
    """
    @notice Record the changes.
    """
    assert len(self._refusal) == 0, self._refusal
    if self._forgetful:
        return
    self.market_id = market_id
    self._changes = changes
    if self._target != empty(address):
        raw_call(self._target, self._calldata)


@external
@view
def may_act(account: uint256, actor: address, market_id: uint256, size: int256) -> bool:
    """
    @notice Whether the actor owns the account or was allowed.
    """
    if convert(account >> 96, address) == actor:
        return True
    right: Right = self._rights[account][actor]
    return right.market_id == market_id and convert(abs(size), uint256) <= right.max_size


@external
@view
def portfolio(account: uint256) -> (uint256, int256, DynArray[uint256, 24]):
    """
    @notice The legs that were set; account word and base are not at test.
    """
    return 0, 0, self._legs[account]
