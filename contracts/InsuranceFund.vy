# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Insurance fund
@notice ERC-4626 vault over one Clearinghouse account: savers bear the shortfalls of bankrupt accounts and
        share the fees that flow into it.
@dev The assets are the cash of account `self << 96`, in whole native units of the settlement token, rounded
     down; a negative cash counts as none. A deposit made to that account at the Clearinghouse belongs to all
     holders; tokens sent to this address belong to nobody and count for nothing.
     The price is (assets + 1) / (supply + 10**6): the virtual unit and the virtual shares make it useless to
     inflate the price before somebody's deposit, and own what the account earned before the first saver came.
     Every conversion rounds against the caller.
     snekmate's erc4626 reads `balanceOf(self)` in internal functions that an importer cannot replace, so the
     ERC-4626 surface is written here, on snekmate's erc20.
     A total loss leaves the old shares in place, and what is deposited next is issued at one virtual unit:
     each such loss multiplies the supply by the units deposited. At 2**255 no more is issued; exits go on.
     Views revert while this contract or the Clearinghouse is in the middle of an action, also those that
     ERC-4626 wants never to revert: a price read there would be wrong. Settlement tokens that take a fee on
     transfer are not supported.
@custom:kill There is no switch and no owner. Once no module that calls `cover` has the LOSS right the fund only
             pays its savers back, and that works for as long as the Clearinghouse pays.
@custom:security Money leaves in two ways only: to a holder for burnt shares, or by `cover`, to a Clearinghouse
                 account, at the call of a module whose right the Clearinghouse keeps. Shares wait before they
                 leave and are slashed while they wait; a matured one may leave in front of a loss.
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

from interfaces import IClearinghouse  # custody of the money, and who may call for it

from interfaces import IInsuranceFund
implements: IInsuranceFund


# The Clearinghouse's probe returns nothing, and the compiler takes a static call only as a value: declared with
# a result, the call fills in the default.
interface ReentrancyProbe:
    def check_nonreentrant() -> bool: view

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from snekmate.auth import ownable  # demanded by erc20: nothing is exported, the constructor empties it
initializes: ownable
from snekmate.tokens import erc20  # the share token with permit
initializes: erc20[ownable := ownable]

from contracts.modules import bits  # the first account of this address
from contracts.modules import fixed_math  # the exit ratio while losses are deferred
from contracts.modules import vault_math  # price of a share
from contracts.modules import words  # the cash in an account word

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

# Outside the lock: these call nobody, and read or write balances, allowances and nonces only. Shares may thus
# change hands inside a token's callback, which moves no price. `mint` and the owner's functions stay inside.
exports: (
    erc20.name, erc20.symbol, erc20.decimals, erc20.totalSupply, erc20.balanceOf, erc20.allowance,
    erc20.transfer, erc20.transferFrom, erc20.approve,
    erc20.permit, erc20.nonces, erc20.DOMAIN_SEPARATOR, erc20.eip712Domain,
)

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# Verb right at the Clearinghouse.
LOSS: constant(uint256) = 8

SETTLEMENT: constant(uint256) = 0
WAD: constant(uint256) = 10**18
WAD_DECIMALS: constant(uint256) = 18
MAX_CASH: constant(uint256) = 2**111 - 1

# Decimals that a share has beyond the asset's: one virtual share is worth 10**-6 units at the start.
DECIMALS_OFFSET: constant(uint8) = 6

# The least wait still spans several blocks of a liquidation; the longest keeps savers from being locked in.
MIN_COOLDOWN_SECONDS: constant(uint256) = 3600
MAX_COOLDOWN_SECONDS: constant(uint256) = 30 * 86400
WINDOW_SECONDS: constant(uint256) = 48 * 3600

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: immutable(IClearinghouse)
ASSET: immutable(IERC20)
FUND_ACCOUNT: immutable(uint256)
COOLDOWN_SECONDS: immutable(uint256)

# WAD per native unit of the asset.
SCALE: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------


# Shares that wait to leave. They are held by this contract itself.
struct Queued:
    shares: uint256
    matures_at: uint256


_queue: HashMap[address, Queued]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse_address: address, asset_address: address, name: String[25], symbol: String[5], wait_seconds: uint256
):
    """
    @notice Bind the fund to its Clearinghouse, for ever.
    @param clearinghouse_address may have no code yet
    @param asset_address the settlement token, at most 18 decimals
    @param name share token name, also of its signing domain
    @param symbol share token symbol
    @param wait_seconds time between a request to leave and its maturity, from one hour to 30 days
    """
    assert clearinghouse_address != empty(address)
    assert wait_seconds >= MIN_COOLDOWN_SECONDS
    assert wait_seconds <= MAX_COOLDOWN_SECONDS
    asset_decimals: uint8 = staticcall IERC20Detailed(asset_address).decimals()
    decimals: uint256 = convert(asset_decimals, uint256)
    assert decimals <= WAD_DECIMALS

    ownable.__init__()
    erc20.__init__(name, symbol, asset_decimals + DECIMALS_OFFSET, name, "1")
    # The module made the deployer owner and minter.
    erc20.is_minter[msg.sender] = False
    ownable._transfer_ownership(empty(address))

    CLEARINGHOUSE = IClearinghouse(clearinghouse_address)
    ASSET = IERC20(asset_address)
    FUND_ACCOUNT = bits._first_account(self)
    COOLDOWN_SECONDS = wait_seconds
    SCALE = 10 ** (WAD_DECIMALS - decimals)


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
    before: uint256 = self._total_assets()
    credited: uint256 = self._pay_in(assets)
    shares: uint256 = vault_math._to_shares(credited // SCALE, before, erc20.totalSupply, False)
    self._issue(receiver, assets, shares)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Issue exactly `shares` for their price, rounded up.
    @param shares share units
    @param receiver holder of the new shares
    @return The native units that were paid.
    """
    assets: uint256 = self._to_assets(shares, True)
    credited: uint256 = self._pay_in(assets)
    assert credited >= assets * SCALE, "fund: short credit"
    self._issue(receiver, assets, shares)
    return assets


@external
def request_redeem(shares: uint256) -> uint256:
    """
    @notice Lock shares of the caller's and start the wait, again for those that were locked before.
    @dev Zero shares start the wait of a lapsed request anew.
    @param shares share units to lock in addition
    @return The time from which the locked shares can be redeemed.
    """
    queued: uint256 = self._queue[msg.sender].shares + shares
    assert queued != 0, "fund: zero shares"
    matures_at: uint256 = block.timestamp + COOLDOWN_SECONDS
    self._queue[msg.sender] = Queued(shares=queued, matures_at=matures_at)
    erc20._transfer(msg.sender, self, shares)
    log IInsuranceFund.RedeemRequested(
        owner=msg.sender, shares=shares, queued=queued, matures_at=matures_at, lapses_at=matures_at + WINDOW_SECONDS
    )
    return matures_at


@external
def cancel_redeem() -> uint256:
    """
    @notice Take all locked shares back, at any time.
    @return The shares.
    """
    shares: uint256 = self._queue[msg.sender].shares
    assert shares != 0, "fund: zero shares"
    self._queue[msg.sender] = empty(Queued)
    erc20._transfer(self, msg.sender, shares)
    log IInsuranceFund.RedeemCancelled(owner=msg.sender, shares=shares)
    return shares


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Pay exactly `assets` for matured shares of the owner's, rounded up.
    @dev Reverts while deferred losses cut payments: `redeem` then pays what there is.
    @param assets native units of the settlement token
    @param receiver where the tokens go
    @param owner whose shares; another caller needs an allowance
    @return The shares that were burnt.
    """
    shares: uint256 = self._to_shares(assets, True)
    paid: uint256 = self._pay_out(receiver, owner, assets, shares)
    assert paid == assets, "fund: short payment"
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Burn matured shares of the owner's and pay their price, rounded down.
    @dev While losses are deferred the Clearinghouse cuts the payment; the event and the result tell what was paid.
    @param shares share units
    @param receiver where the tokens go
    @param owner whose shares; another caller needs an allowance
    @return The native units that were paid.
    """
    assets: uint256 = self._to_assets(shares, False)
    return self._pay_out(receiver, owner, assets, shares)


# ---------------------------------------------------------------
#                         MODULE ACTIONS
# ---------------------------------------------------------------


@external
def cover(market_id: uint256, account: uint256, amount: uint256) -> uint256:
    """
    @notice Pay up to `amount` (WAD) of an account's shortfall from the fund's cash. Clamps, never reverts for
            lack of money.
    @dev Only a module with the LOSS right at the Clearinghouse. No price is used, so nothing is probed.
    @param market_id where the shortfall arose
    @param account who owes it; the fund cannot owe itself
    @param amount WAD
    @return What was paid (WAD).
    """
    rights: uint256 = staticcall CLEARINGHOUSE.modules(msg.sender)
    assert rights & LOSS != 0, "module: no right"  # words.py numbers the rights
    cash: int256 = self._cash()
    covered: uint256 = 0
    if cash > 0 and account != FUND_ACCOUNT:
        covered = min(amount, convert(cash, uint256))
    if covered != 0:
        extcall CLEARINGHOUSE.transfer(FUND_ACCOUNT, account, covered)
    log IInsuranceFund.Covered(account=account, market_id=market_id, amount=amount, covered=covered)
    return covered


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def asset() -> address:
    """
    @notice The settlement token.
    """
    return ASSET.address


@external
@view
def clearinghouse() -> address:
    """
    @notice The Clearinghouse that holds the fund's account.
    """
    return CLEARINGHOUSE.address


@external
@view
def fund_account() -> uint256:
    """
    @notice The Clearinghouse account that holds the fund's assets.
    """
    return FUND_ACCOUNT


@external
@view
def cooldown_seconds() -> uint256:
    """
    @notice The wait between a request and its maturity.
    """
    return COOLDOWN_SECONDS


@external
@view
def redeem_request(owner: address) -> (uint256, uint256, uint256):
    """
    @notice Locked shares of an owner, when they mature and when they lapse; zeros where none are locked.
    @param owner who locked them
    """
    queued: Queued = self._queue[owner]
    if queued.shares == 0:
        return 0, 0, 0
    return queued.shares, queued.matures_at, queued.matures_at + WINDOW_SECONDS


@external
@view
def totalAssets() -> uint256:
    """
    @notice The account's cash in native units, rounded down; 0 when it is negative.
    """
    return self._total_assets()


@external
@view
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares at the present price, rounded down.
    @param assets native units
    """
    return self._to_shares(assets, False)


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Native units at the present price, rounded down.
    @param shares share units
    """
    return self._to_assets(shares, False)


@external
@view
def maxDeposit(receiver: address) -> uint256:
    """
    @notice Native units that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    room: uint256 = self._room()
    before: uint256 = self._total_assets()
    return vault_math._max_assets_in(room, before, erc20.totalSupply)


@external
@view
def maxMint(receiver: address) -> uint256:
    """
    @notice Shares that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    @param receiver has no bearing on it
    """
    room: uint256 = self._room()
    before: uint256 = self._total_assets()
    return vault_math._max_shares_out(room, before, erc20.totalSupply)


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Native units of the owner's matured shares; 0 while deferred losses cut payments.
    @param owner who locked the shares
    """
    claimable: uint256 = self._claimable(owner)
    assets: uint256 = self._to_assets(claimable, False)
    paid: uint256 = self._cut(assets)
    return assets if paid == assets else 0


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice The owner's matured shares; 0 when they are worth less than one native unit.
    @param owner who locked the shares
    """
    claimable: uint256 = self._claimable(owner)
    assets: uint256 = self._to_assets(claimable, False)
    return claimable if assets != 0 else 0


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that `deposit` issues at least, rounded down.
    @param assets native units
    """
    return self._to_shares(assets, False)


@external
@view
def previewMint(shares: uint256) -> uint256:
    """
    @notice Native units that `mint` takes, rounded up.
    @param shares share units
    """
    return self._to_assets(shares, True)


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that `withdraw` burns, rounded up.
    @param assets native units
    """
    return self._to_shares(assets, True)


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Native units that `redeem` pays, rounded down.
    @param shares share units
    """
    assets: uint256 = self._to_assets(shares, False)
    return self._cut(assets)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _cash() -> int256:
    word: uint256 = staticcall CLEARINGHOUSE.account_word(FUND_ACCOUNT)
    return words._account_cash(word)


@internal
@view
def _total_assets() -> uint256:
    """
    @notice Native units that back the shares, rounded down.
    @dev Refuses to price in the middle of a Clearinghouse action.
    """
    probe: ReentrancyProbe = ReentrancyProbe(CLEARINGHOUSE.address)
    idle: bool = staticcall probe.check_nonreentrant(default_return_value=True)
    assert idle
    cash: int256 = self._cash()
    if cash <= 0:
        return 0
    return convert(cash, uint256) // SCALE


@internal
@view
def _to_shares(assets: uint256, up: bool) -> uint256:
    total_assets: uint256 = self._total_assets()
    return vault_math._to_shares(assets, total_assets, erc20.totalSupply, up)


@internal
@view
def _to_assets(shares: uint256, up: bool) -> uint256:
    total_assets: uint256 = self._total_assets()
    return vault_math._to_assets(shares, total_assets, erc20.totalSupply, up)


@internal
@view
def _held_and_deferred() -> (uint256, uint256):
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall CLEARINGHOUSE.totals()
    return held, deferred


@internal
@view
def _room() -> uint256:
    """
    @notice Native units that the settlement token's cap and the cash field leave room for; 0 in debt and while
            losses are deferred.
    """
    cash: int256 = self._cash()
    if cash < 0:
        return 0
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    token: uint256 = staticcall CLEARINGHOUSE.token_word(SETTLEMENT)
    cap: uint256 = words._token_cap(token) * WAD
    if held >= cap or deferred != 0:
        return 0
    field_room: uint256 = MAX_CASH - convert(cash, uint256)
    cap_room: uint256 = cap - held
    return min(field_room, cap_room) // SCALE


@internal
@view
def _cut(assets: uint256) -> uint256:
    """
    @notice What the Clearinghouse pays of a debit: its exit ratio is held / (held + deferred).
    """
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    if deferred == 0:
        return assets
    return fixed_math._mul_div_down(assets, held, held + deferred)


@internal
@view
def _claimable(owner: address) -> uint256:
    """
    @notice Locked shares of an owner inside their window, else 0.
    """
    queued: Queued = self._queue[owner]
    if block.timestamp < queued.matures_at or block.timestamp >= queued.matures_at + WINDOW_SECONDS:
        return 0
    return queued.shares


@internal
def _pay_in(assets: uint256) -> uint256:
    """
    @notice Carry the caller's tokens into the fund's account.
    @return The credit (WAD).
    """
    # A saver must not fill a hole that the present holders owe, nor one that all accounts share.
    cash: int256 = self._cash()
    assert cash >= 0, "fund: in debt"
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    assert deferred == 0, "fund: losses deferred"
    assert assets != 0, "fund: zero assets"
    assert extcall ASSET.transferFrom(msg.sender, self, assets, default_return_value=True)
    assert extcall ASSET.approve(CLEARINGHOUSE.address, assets, default_return_value=True)
    return extcall CLEARINGHOUSE.deposit(FUND_ACCOUNT, SETTLEMENT, assets)


@internal
def _issue(receiver: address, assets: uint256, shares: uint256):
    assert shares != 0, "fund: zero shares"
    assert shares <= vault_math.MAX_SUPPLY - erc20.totalSupply, "fund: too many shares"
    erc20._mint(receiver, shares)
    log IERC4626.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _pay_out(receiver: address, owner: address, assets: uint256, shares: uint256) -> uint256:
    """
    @notice Burn matured shares and have the Clearinghouse pay for them.
    @return The native units that were paid.
    """
    assert assets != 0, "fund: zero assets"
    claimable: uint256 = self._claimable(owner)
    assert shares <= claimable, "fund: above claimable"
    if msg.sender != owner:
        erc20._spend_allowance(owner, msg.sender, shares)
    self._queue[owner].shares = claimable - shares
    erc20._burn(self, shares)
    paid: uint256 = extcall CLEARINGHOUSE.withdraw(FUND_ACCOUNT, SETTLEMENT, assets, receiver)
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=paid, shares=shares)
    return paid
