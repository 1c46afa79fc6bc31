# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Test module
@notice Forwards every verb of a module, so that a test acts with exactly the rights that were granted to it.
@dev Anyone may call.
"""

from interfaces import IClearinghouse

MAX_CHANGES: constant(uint256) = 22

CLEARINGHOUSE: public(immutable(IClearinghouse))


@deploy
def __init__(clearinghouse: IClearinghouse):
    """
    @param clearinghouse where the rights are held
    """
    CLEARINGHOUSE = clearinghouse


@external
def trade(market_id: uint256, changes: DynArray[IClearinghouse.Change, MAX_CHANGES]):
    """
    @notice Forward, see IClearinghouse.
    """
    extcall CLEARINGHOUSE.trade(market_id, changes)


@external
def pay(sender: uint256, receiver: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Forward, see IClearinghouse.
    """
    return extcall CLEARINGHOUSE.pay(sender, receiver, token_id, amount)


@external
def set_funding_rate(market_id: uint256, rate: int256):
    """
    @notice Forward, see IClearinghouse.
    """
    extcall CLEARINGHOUSE.set_funding_rate(market_id, rate)


@external
def write_off(account: uint256) -> uint256:
    """
    @notice Forward, see IClearinghouse.
    """
    return extcall CLEARINGHOUSE.write_off(account)


@external
def heal(amount: uint256) -> uint256:
    """
    @notice Forward, see IClearinghouse.
    """
    return extcall CLEARINGHOUSE.heal(amount)


@external
def restrict(market_id: uint256):
    """
    @notice Forward, see IClearinghouse.
    """
    extcall CLEARINGHOUSE.restrict(market_id)
