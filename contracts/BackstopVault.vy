# pragma version ==0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Backstop vault
@notice ERC-4626 vault over the Backstop: savers lend the capital of its buckets, bear their losses and share their
        profits. They leave by request, wait and announced claim.
@dev What savers pay in is cash of the Backstop's sub-account 0. Worth is the Backstop's `nav`, in whole native units
     rounded down: at favourable ends for who enters, at adverse ends for who leaves and for `totalAssets`; one virtual
     unit covers what rounding takes. A deposit made to an account of the Backstop at the Clearinghouse belongs to all
     holders; tokens sent to this address belong to nobody and count for nothing.
     A claim is paid from what is not allotted and then from buckets, see `IBackstop.withdraw`. What is more than both
     can pay waits, in part: what inventory ties down comes free as auctions sell it, and nothing allots what was paid.
     While a bucket is below zero nothing is paid; anybody may close it.
     Views revert while this contract, the Backstop or the Clearinghouse is in the middle of an action, also those
     that ERC-4626 wants never to revert: a price read there would be wrong. Settlement tokens that take a fee on
     transfer are not supported.
@custom:kill There is no switch and no owner. Without the Backstop's rights nothing is taken any more, and savers leave
             as far as buckets without auctions pay.
@custom:security Money leaves to a holder for burnt shares only. Shares wait before they leave, are slashed while they
                 wait, and are paid at the lower of two prices an hour apart.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from ethereum.ercs import IERC20
implements: IERC20

from ethereum.ercs import IERC20Detailed
implements: IERC20Detailed

from ethereum.ercs import IERC4626
implements: IERC4626

from interfaces import IBackstop  # what there is, and who pays

from interfaces import IExitVault
implements: IExitVault

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # the Backstop's first account
from contracts.modules import exit_vault  # shares, queue, entry and exit
initializes: exit_vault

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

# The share token.
exports: (
    exit_vault.name, exit_vault.symbol, exit_vault.decimals, exit_vault.totalSupply, exit_vault.balanceOf,
    exit_vault.allowance, exit_vault.transfer, exit_vault.transferFrom, exit_vault.approve,
    exit_vault.permit, exit_vault.nonces, exit_vault.DOMAIN_SEPARATOR, exit_vault.eip712Domain,
)

# What of the vault does not depend on its worth.
exports: (
    exit_vault.request_redeem, exit_vault.cancel_redeem, exit_vault.redeem_request, exit_vault.announcement,
    exit_vault.asset, exit_vault.clearinghouse, exit_vault.cooldown_seconds,
)

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

BACKSTOP: public(immutable(IBackstop))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse_address: address,
    asset_address: address,
    backstop: address,
    name: String[25],
    symbol: String[5],
    wait_seconds: uint256,
):
    """
    @notice Bind the vault to its Backstop, for ever.
    @param clearinghouse_address the Backstop's
    @param asset_address the settlement token, at most 18 decimals
    @param backstop may have no code yet; it must name this vault
    @param name share token name, also of its signing domain
    @param symbol share token symbol
    @param wait_seconds time between a request to leave and its maturity, from one hour to 30 days
    """
    assert backstop != empty(address)
    account: uint256 = bits._first_account(backstop)
    exit_vault.__init__(clearinghouse_address, asset_address, name, symbol, wait_seconds, account, backstop)
    BACKSTOP = IBackstop(backstop)


# ---------------------------------------------------------------
#                          USER ACTIONS
# ---------------------------------------------------------------


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Pay `assets` in and issue the shares of what the Clearinghouse credits, rounded down.
    @param assets native units of the settlement token
    @param receiver holder of the new shares
    @return The shares.
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._deposit(assets, receiver, worth)


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Issue exactly `shares` for their price, rounded up.
    @param shares share units
    @param receiver holder of the new shares
    @return The native units that were paid.
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._mint(shares, receiver, worth)


@external
def announce() -> uint256:
    """
    @notice Note the price for all locked shares of the caller's, matured; an hour later they can be claimed.
    @dev See IExitVault.
    @return The time from which the shares can be claimed.
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._announce(worth)


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Pay exactly `assets` for shares of the owner's whose claim is due, at the lower price, rounded up.
    @dev Reverts while deferred losses cut payments: `redeem` then pays what there is.
    @param assets native units of the settlement token
    @param receiver where the tokens go
    @param owner whose shares; another caller needs an allowance
    @return The shares that were burnt.
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._withdraw(assets, receiver, owner, worth)


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Burn shares of the owner's whose claim is due and pay their value at the lower price, rounded down.
    @dev While losses are deferred the Clearinghouse cuts the payment; the event and the result tell what was paid.
    @param shares share units
    @param receiver where the tokens go
    @param owner whose shares; another caller needs an allowance
    @return The native units that were paid.
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._redeem(shares, receiver, owner, worth)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def totalAssets() -> uint256:
    """
    @notice The Backstop's worth at adverse ends in native units, rounded down.
    """
    return self._worth()[0]


@external
@view
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares at the present price, rounded down.
    @param assets native units
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._to_shares(assets, worth, False)


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Native units at the present price, rounded down.
    @param shares share units
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._to_assets(shares, worth, False)


@external
@view
def maxDeposit(receiver: address) -> uint256:
    """
    @notice Native units that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._max_deposit(worth)


@external
@view
def maxMint(receiver: address) -> uint256:
    """
    @notice Shares that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._max_mint(worth)


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Native units of the owner's shares whose claim is due, as far as the Backstop can pay; 0 before that, while a
            bucket is below zero and while deferred losses cut payments.
    @param owner who locked the shares
    """
    worth: uint256 = self._worth()[0]
    most: uint256 = self._payable()
    return exit_vault._max_withdraw(owner, worth, most)


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice The owner's shares whose claim is due, as far as the Backstop can pay; 0 before that, while a bucket is below
            zero and when they pay less than one native unit.
    @param owner who locked the shares
    """
    worth: uint256 = self._worth()[0]
    most: uint256 = self._payable()
    return exit_vault._max_redeem(owner, worth, most)


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that `deposit` issues at least, rounded down.
    @param assets native units
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._to_shares(assets, worth, False)


@external
@view
def previewMint(shares: uint256) -> uint256:
    """
    @notice Native units that `mint` takes, rounded up.
    @param shares share units
    """
    worth: uint256 = self._worth()[1]
    return exit_vault._to_assets(shares, worth, True)


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that `withdraw` burns of the caller's, rounded up: at the lower price once he has announced.
    @param assets native units
    """
    worth: uint256 = self._worth()[0]
    return exit_vault._cost(msg.sender, assets, worth, True)


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Native units that `redeem` pays for the caller's shares, rounded down: at the lower price once he has
            announced.
    @param shares share units
    """
    worth: uint256 = self._worth()[0]
    assets: uint256 = exit_vault._value(msg.sender, shares, worth)
    return exit_vault._cut(assets)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _worth() -> (uint256, uint256):
    """
    @notice Native units that back the shares, for who leaves and for who enters, rounded down.
    @dev Refuses to price in the middle of a Clearinghouse action.
    """
    exit_vault._check_idle()
    adverse: uint256 = 0
    favourable: uint256 = 0
    adverse, favourable = staticcall BACKSTOP.nav()
    return adverse // exit_vault.SCALE, favourable // exit_vault.SCALE


@internal
@view
def _payable() -> uint256:
    """
    @notice Native units that the Backstop can pay now, rounded down.
    """
    money: uint256 = staticcall BACKSTOP.exit_room()
    return money // exit_vault.SCALE
