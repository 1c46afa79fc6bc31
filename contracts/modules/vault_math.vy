# pragma version ==0.4.3
"""
@title Vault arithmetic
@notice Price of a vault share with virtual assets and shares, and how much a vault may still issue.
@dev price = (assets + 1) / (supply + 10**6), assets in native units. Whoever inflates the price before a
     first deposit pays a million times what the next depositor can lose to rounding.
     Products are formed in 512 bits: a total loss followed by a deposit multiplies the supply by the units
     deposited, and exits must work whatever it has become. `seawall/spec/exit_vault.py` states the same.
"""

# 512-bit products.
from snekmate.utils import math

VIRTUAL_SHARES: constant(uint256) = 10**6
VIRTUAL_ASSETS: constant(uint256) = 1
MAX_SUPPLY: constant(uint256) = 2**255


@internal
@pure
def _to_shares(assets: uint256, total_assets: uint256, supply: uint256, up: bool) -> uint256:
    """
    @notice Shares for `assets`, rounded as told; reverts where they reach 2**256.
    """
    return math._mul_div(assets, supply + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS, up)


@internal
@pure
def _to_assets(shares: uint256, total_assets: uint256, supply: uint256, up: bool) -> uint256:
    """
    @notice Assets for `shares`, rounded as told; reverts where they reach 2**256.
    """
    return math._mul_div(shares, total_assets + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES, up)


@internal
@pure
def _max_assets_in(room: uint256, total_assets: uint256, supply: uint256) -> uint256:
    """
    @notice The most of `room` that may be deposited before the supply passes its limit.
    @param room native units, below 2**112, as are `total_assets`
    """
    issuable: uint256 = MAX_SUPPLY - supply
    # A unit costs at most `supply + 10**6` shares, so here all of it fits; past this line the quotient below
    # stays under room * (total_assets + 1) < 2**224.
    if issuable // (supply + VIRTUAL_SHARES) >= room:
        return room
    affordable: uint256 = self._to_assets(issuable, total_assets, supply, False)
    return min(room, affordable)


@internal
@pure
def _max_shares_out(room: uint256, total_assets: uint256, supply: uint256) -> uint256:
    """
    @notice The most shares that cost no more than `room` and keep the supply within its limit.
    @param room native units, below 2**112, as are `total_assets`
    """
    issuable: uint256 = MAX_SUPPLY - supply
    # Past this line room / (total_assets + 1) < issuable // (supply + 10**6) + 1, so the quotient below stays
    # under issuable + supply + 10**6 = 2**255 + 10**6.
    if room // (total_assets + VIRTUAL_ASSETS) > issuable // (supply + VIRTUAL_SHARES):
        return issuable
    shares: uint256 = self._to_shares(room, total_assets, supply, False)
    return min(issuable, shares)
