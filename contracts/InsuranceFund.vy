# pragma version ==0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Insurance fund
@notice ERC-4626 vault over one Clearinghouse account: savers bear the shortfalls of bankrupt accounts and
        share the fees that flow into it. They leave by request, wait and announced claim.
@dev The worth of the account `self << 96`, to who enters and who leaves alike, is its cash in whole native units of
     the settlement token, rounded down; a negative cash counts as none. Collateral that bankrupt accounts leave there
     counts nothing, neither to who enters nor to who leaves, until it has become cash. A deposit made to that account
     at the Clearinghouse belongs to all holders; tokens sent to this address belong to nobody and count for nothing.
     `cover` is capped: in an epoch, a day of UTC, one market gets at most one share, and all markets together at
     most another, of the cash that the fund had before its first payment of the epoch.
     Views revert while this contract or the Clearinghouse is in the middle of an action, also those that
     ERC-4626 wants never to revert: a price read there would be wrong. Settlement tokens that take a fee on
     transfer are not supported.
@custom:kill There is no switch and no owner. Once no module that calls `cover` has the LOSS right the fund only
             pays its savers back, and that works for as long as the Clearinghouse pays.
@custom:security Money leaves in two ways only: to a holder for burnt shares, or by `cover`, to a Clearinghouse
                 account, at the call of a module whose right the Clearinghouse keeps. Shares wait before they leave,
                 are slashed while they wait, and are paid at the lower of two prices an hour apart.
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

from interfaces import IExitVault
implements: IExitVault

from interfaces import IInsuranceFund
implements: IInsuranceFund

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # the first account of this address
from contracts.modules import exit_vault  # shares, queue, entry and exit
initializes: exit_vault
from contracts.modules import fund_words  # what an epoch has used
from contracts.modules import reasons  # short reverts

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
#                            CONSTANTS
# ---------------------------------------------------------------

# Verb right at the Clearinghouse.
LOSS: constant(uint256) = 8

EPOCH_SECONDS: constant(uint256) = 86400
# Both sides of 24 markets, and none.
MAX_COVERS: constant(uint256) = 49

# Shares of an epoch's starting cash: all of it is no cap, and less than a hundredth would be no insurance.
PPM: constant(uint256) = 10**6
MIN_SHARE_PPM: constant(uint256) = 10_000

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

MARKET_SHARE_PPM: immutable(uint256)
EPOCH_SHARE_PPM: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

# What the latest epoch with a payment has used: all markets together (`fund_words._use`), and by market
# (`fund_words._market_use`).
_use: uint256
_market_uses: HashMap[uint256, uint256]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse_address: address,
    asset_address: address,
    name: String[25],
    symbol: String[5],
    wait_seconds: uint256,
    market_share: uint256,
    epoch_share: uint256,
):
    """
    @notice Bind the fund to its Clearinghouse and its caps, for ever.
    @param clearinghouse_address may have no code yet
    @param asset_address the settlement token, at most 18 decimals
    @param name share token name, also of its signing domain
    @param symbol share token symbol
    @param wait_seconds time between a request to leave and its maturity, from one hour to 30 days
    @param market_share of an epoch's starting cash, the most that one market gets in it; parts per million from 10**4
           to `epoch_share`
    @param epoch_share the same for all markets together, up to 10**6
    """
    assert market_share >= MIN_SHARE_PPM
    assert market_share <= epoch_share
    assert epoch_share <= PPM
    account: uint256 = bits._first_account(self)
    exit_vault.__init__(
        clearinghouse_address, asset_address, name, symbol, wait_seconds, account, clearinghouse_address
    )
    MARKET_SHARE_PPM = market_share
    EPOCH_SHARE_PPM = epoch_share


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
    worth: uint256 = self._worth()
    return exit_vault._deposit(assets, receiver, worth)


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Issue exactly `shares` for their price, rounded up.
    @param shares share units
    @param receiver holder of the new shares
    @return The native units that were paid.
    """
    worth: uint256 = self._worth()
    return exit_vault._mint(shares, receiver, worth)


@external
def announce() -> uint256:
    """
    @notice Note the price for all locked shares of the caller's, matured; an hour later they can be claimed.
    @dev See IExitVault.
    @return The time from which the shares can be claimed.
    """
    worth: uint256 = self._worth()
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
    worth: uint256 = self._worth()
    return exit_vault._withdraw(assets, receiver, owner, worth)


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Burn shares of the owner's whose claim is due and pay their value at the lower price, rounded down.
    @dev While losses are deferred the Clearinghouse cuts the payment; the event and the result tell what was paid.
    @param shares share units
    @param receiver where the tokens go
    @param owner whose shares; another caller needs an allowance
    @return The native units that were paid, or wait for the receiver in the exit queue.
    """
    worth: uint256 = self._worth()
    return exit_vault._redeem(shares, receiver, owner, worth)


# ---------------------------------------------------------------
#                         MODULE ACTIONS
# ---------------------------------------------------------------


@external
def cover(
    account: uint256, market_ids: DynArray[uint256, MAX_COVERS], amounts: DynArray[uint256, MAX_COVERS]
) -> DynArray[uint256, MAX_COVERS]:
    """
    @notice Pay up to so much (WAD) per market of an account's shortfall from the fund's cash, within the caps of the
            epoch. Clamps, never reverts for lack of money or room.
    @dev Only a module with the LOSS right at the Clearinghouse. No price is used, so nothing is probed.
    @param account who owes it; the fund cannot owe itself
    @param market_ids where the shortfall arose; 0 for none, which has a cap of its own
    @param amounts WAD, one for each market
    @return What was paid of each (WAD).
    """
    rights: uint256 = staticcall exit_vault.CLEARINGHOUSE.modules(msg.sender)
    # words.py numbers the rights.
    if rights & LOSS == 0:
        reasons._fail(reasons.MODULE_NO_RIGHT)
    paid: DynArray[uint256, MAX_COVERS] = []
    cash: uint256 = 0
    if account != exit_vault.ACCOUNT:
        cash = self._positive_cash()
    use: uint256 = self._present_use(cash)
    total: uint256 = 0
    index: uint256 = 0
    for amount: uint256 in amounts:
        covered: uint256 = 0
        if amount != 0:
            covered, use = self._draw(market_ids[index], amount, unsafe_sub(cash, total), use)
            log IInsuranceFund.Covered(
                account=account, market_id=market_ids[index], amount=amount, covered=covered
            )
        total = unsafe_add(total, covered)
        paid.append(covered)
        index = unsafe_add(index, 1)
    if total != 0:
        self._use = use
        extcall exit_vault.CLEARINGHOUSE.transfer(exit_vault.ACCOUNT, account, total)
    return paid


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def fund_account() -> uint256:
    """
    @notice The Clearinghouse account that holds the fund's assets.
    """
    return exit_vault.ACCOUNT


@external
@view
def market_share_ppm() -> uint256:
    """
    @notice Parts per million of the epoch's starting cash that one market gets at most; 10**6 for no cap.
    """
    return MARKET_SHARE_PPM


@external
@view
def epoch_share_ppm() -> uint256:
    """
    @notice Parts per million of the epoch's starting cash that all markets together get at most; 10**6 for no cap.
    """
    return EPOCH_SHARE_PPM


@external
@view
def cover_room(market_id: uint256) -> uint256:
    """
    @notice The most (WAD) that `cover` pays now for a market.
    @param market_id 0 for none
    """
    cash: uint256 = self._positive_cash()
    use: uint256 = self._present_use(cash)
    market_used: uint256 = self._market_used(market_id, use)
    return self._room(use, market_used, cash)


@external
@view
def totalAssets() -> uint256:
    """
    @notice The account's cash in native units, rounded down; 0 when it is negative.
    """
    return self._worth()


@external
@view
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares at the present price, rounded down.
    @param assets native units
    """
    worth: uint256 = self._worth()
    return exit_vault._to_shares(assets, worth, False)


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Native units at the present price, rounded down.
    @param shares share units
    """
    worth: uint256 = self._worth()
    return exit_vault._to_assets(shares, worth, False)


@external
@view
def maxDeposit(receiver: address) -> uint256:
    """
    @notice Native units that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    worth: uint256 = self._worth()
    return exit_vault._max_deposit(worth)


@external
@view
def maxMint(receiver: address) -> uint256:
    """
    @notice Shares that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    worth: uint256 = self._worth()
    return exit_vault._max_mint(worth)


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Native units of the owner's shares whose claim is due; 0 before that and while deferred losses cut payments.
    @param owner who locked the shares
    """
    worth: uint256 = self._worth()
    return exit_vault._max_withdraw(owner, worth, max_value(uint256))


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice The owner's shares whose claim is due; 0 before that and when they pay less than one native unit.
    @param owner who locked the shares
    """
    worth: uint256 = self._worth()
    return exit_vault._max_redeem(owner, worth, max_value(uint256))


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that `deposit` issues at least, rounded down.
    @param assets native units
    """
    worth: uint256 = self._worth()
    return exit_vault._to_shares(assets, worth, False)


@external
@view
def previewMint(shares: uint256) -> uint256:
    """
    @notice Native units that `mint` takes, rounded up.
    @param shares share units
    """
    worth: uint256 = self._worth()
    return exit_vault._to_assets(shares, worth, True)


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that `withdraw` burns of the caller's, rounded up: at the lower price once he has announced.
    @param assets native units
    """
    worth: uint256 = self._worth()
    return exit_vault._cost(msg.sender, assets, worth, True)


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Native units that `redeem` pays for the caller's shares, rounded down: at the lower price once he has
            announced.
    @param shares share units
    """
    worth: uint256 = self._worth()
    assets: uint256 = exit_vault._value(msg.sender, shares, worth)
    return exit_vault._cut(assets)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _worth() -> uint256:
    """
    @notice Native units that back the shares, rounded down.
    @dev Refuses to price in the middle of a Clearinghouse action.
    """
    exit_vault._check_idle()
    cash: int256 = exit_vault._cash()
    if cash <= 0:
        return 0
    return convert(cash, uint256) // exit_vault.SCALE


@internal
def _draw(market_id: uint256, amount: uint256, cash: uint256, use: uint256) -> (uint256, uint256):
    """
    @notice Book on a market what the fund pays of `amount` from `cash`.
    @param use what all markets have used, which the caller stores
    @return What it pays (WAD), and what all markets have used then.
    """
    market_used: uint256 = self._market_used(market_id, use)
    covered: uint256 = min(amount, self._room(use, market_used, cash))
    if covered == 0:
        return 0, use
    epoch: uint256 = fund_words._epoch(use)
    start: uint256 = fund_words._use_start(use)
    used: uint256 = fund_words._use_used(use)
    # covered < 2**111: no overflow. Without a cap the sums stop at what their fields hold.
    used = min(used + covered, fund_words.MOST_USED)
    market_used = min(market_used + covered, fund_words.MOST_USED)
    self._market_uses[market_id] = fund_words._market_use(epoch, market_used)
    return covered, fund_words._use(epoch, start, used)


@internal
@view
def _positive_cash() -> uint256:
    """
    @notice The fund's cash (WAD), or 0 where it is below.
    """
    cash: int256 = exit_vault._cash()
    return convert(max(cash, 0), uint256)


@internal
@view
def _present_use(cash: uint256) -> uint256:
    """
    @notice What all markets have used in the present epoch, as `fund_words._use` packs it; before the epoch's first
            payment its starting cash is the present cash.
    """
    epoch: uint256 = block.timestamp // EPOCH_SECONDS
    use: uint256 = self._use
    if fund_words._epoch(use) != epoch:
        use = fund_words._use(epoch, cash, 0)
    return use


@internal
@view
def _market_used(market_id: uint256, use: uint256) -> uint256:
    """
    @notice What a market has used (WAD) of the epoch of `use`.
    """
    market_use: uint256 = self._market_uses[market_id]
    if fund_words._epoch(market_use) != fund_words._epoch(use):
        return 0
    return fund_words._market_used(market_use)


@internal
@view
def _room(use: uint256, market_used: uint256, cash: uint256) -> uint256:
    """
    @notice The most that can be paid for a market (WAD).
    """
    start: uint256 = fund_words._use_start(use)
    used: uint256 = fund_words._use_used(use)
    epoch_room: uint256 = self._cap_room(start, EPOCH_SHARE_PPM, used)
    market_room: uint256 = self._cap_room(start, MARKET_SHARE_PPM, market_used)
    return min(cash, min(epoch_room, market_room))


@internal
@pure
def _cap_room(start: uint256, share: uint256, used: uint256) -> uint256:
    """
    @notice What a cap leaves of `share` of `start`, rounded down (WAD).
    """
    if share == PPM:
        return max_value(uint256)
    # start < 2**112 and share < 2**20: no overflow.
    cap: uint256 = start * share // PPM
    return cap - min(cap, used)
