# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Vault that savers leave slowly
@notice Shares over one Clearinghouse account, with entry at once and exit by request, wait and announced claim: the
        part of an ERC-4626 vault that does not depend on what its account is worth.
@dev The account's cash is what is paid from, in whole native units of the settlement token. What it is worth is the
     importer's to say, native units rounded down: no less than the true worth to who enters, no more to who leaves.
     Where one number is asked for, as in `totalAssets`, it is the lower.
     The price is (worth + 1) / (supply + 10**6): the virtual unit and the virtual shares make it useless to inflate
     the price before somebody's deposit, and own what the account earned before the first saver came. Every
     conversion rounds against the caller.
     Leaving: `request_redeem` locks shares in the vault, and they mature. `announce` notes the price and an hour passes,
     so that whoever saw a loss or a fee come has shown his claim before it. `redeem` and `withdraw` then pay at the
     lower of the price noted and the price of the moment; what the till cannot pay waits in the exit queue. 48 hours
     after maturity the request lapses. Locked shares stay in the supply: a loss hits them, no money is set aside.
     snekmate's erc4626 reads `balanceOf(self)` in internal functions that an importer cannot replace, so the
     surface is written here, on snekmate's erc20.
     The account may be another's, who then pays.
     A total loss leaves the old shares in place, and what is deposited next is issued at one virtual unit: each
     such loss multiplies the supply by the units deposited. At 2**255 no more is issued; exits go on.
     `seawall/spec/exit_vault.py` is the same in Python.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from interfaces import IClearinghouse  # custody of the money
from interfaces import IExitVault  # events of the queue


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

from contracts.modules import fixed_math  # the exit ratio while losses are deferred
from contracts.modules import reasons  # short reverts
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
CLAIM_DELAY_SECONDS: constant(uint256) = 3600

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: immutable(IClearinghouse)
ASSET: immutable(IERC20)
ACCOUNT: immutable(uint256)
# The Clearinghouse, or who owns the account and answers to the same `withdraw`.
PAYER: immutable(IClearinghouse)
COOLDOWN_SECONDS: immutable(uint256)
# WAD per native unit of the asset.
SCALE: immutable(uint256)

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------


# Shares that wait to leave. They are held by the vault itself. Once announced `due_at` is not 0 and `worth` and
# `supply` make the price noted.
struct Queued:
    shares: uint256
    matures_at: uint256
    due_at: uint256
    worth: uint256
    supply: uint256


_queue: HashMap[address, Queued]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse_address: address, asset_address: address, name: String[25], symbol: String[5], wait_seconds: uint256,
    account: uint256, payer: address,
):
    """
    @notice Bind the vault to its Clearinghouse, for ever.
    @param clearinghouse_address may have no code yet
    @param asset_address the settlement token, at most 18 decimals
    @param name share token name, also of its signing domain
    @param symbol share token symbol
    @param wait_seconds time between a request to leave and its maturity, from one hour to 30 days
    @param account at the Clearinghouse
    @param payer the Clearinghouse if the account is the importer's, else its owner
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
    ACCOUNT = account
    PAYER = IClearinghouse(payer)
    COOLDOWN_SECONDS = wait_seconds
    SCALE = 10 ** (WAD_DECIMALS - decimals)


# ---------------------------------------------------------------
#                          USER ACTIONS
# ---------------------------------------------------------------


@external
def request_redeem(shares: uint256) -> uint256:
    """
    @notice Lock shares of the caller's and start the wait, again for those that were locked before.
    @dev Zero shares start the wait of a lapsed request anew. An announcement made before is void.
    @param shares share units to lock in addition
    @return The time from which the claim can be announced.
    """
    queued: uint256 = self._queue[msg.sender].shares + shares
    if queued == 0:
        reasons._fail(reasons.VAULT_ZERO_SHARES)
    matures_at: uint256 = block.timestamp + COOLDOWN_SECONDS
    self._queue[msg.sender] = Queued(shares=queued, matures_at=matures_at, due_at=0, worth=0, supply=0)
    erc20._transfer(msg.sender, self, shares)
    log IExitVault.RedeemRequested(
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
    if shares == 0:
        reasons._fail(reasons.VAULT_ZERO_SHARES)
    self._queue[msg.sender] = empty(Queued)
    erc20._transfer(self, msg.sender, shares)
    log IExitVault.RedeemCancelled(owner=msg.sender, shares=shares)
    return shares


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
    @notice The Clearinghouse that holds the vault's account.
    """
    return CLEARINGHOUSE.address


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
    """
    shares: uint256 = self._queue[owner].shares
    if shares == 0:
        return 0, 0, 0
    matures_at: uint256 = self._queue[owner].matures_at
    return shares, matures_at, matures_at + WINDOW_SECONDS


@external
@view
def announcement(owner: address) -> (uint256, uint256, uint256):
    """
    @notice When an owner's announced claim is due, and the price noted: worth in native units, and supply; zeros where
            nothing is announced.
    """
    queued: Queued = self._queue[owner]
    return queued.due_at, queued.worth, queued.supply


# ---------------------------------------------------------------
#                         INTERNAL: MOVES
# ---------------------------------------------------------------


@internal
def _deposit(assets: uint256, receiver: address, worth: uint256) -> uint256:
    """
    @notice Pay `assets` of the caller's in and issue the shares of what the Clearinghouse credits, rounded down.
    @param worth native units before the payment, no less than the true worth
    @return The shares.
    """
    credited: uint256 = self._pay_in(assets)
    shares: uint256 = vault_math._to_shares(credited // SCALE, worth, erc20.totalSupply, False)
    self._issue(receiver, assets, shares)
    return shares


@internal
def _mint(shares: uint256, receiver: address, worth: uint256) -> uint256:
    """
    @notice Issue exactly `shares` for their price, rounded up.
    @param worth native units before the payment, no less than the true worth
    @return The native units that were paid.
    """
    assets: uint256 = self._to_assets(shares, worth, True)
    credited: uint256 = self._pay_in(assets)
    if credited < assets * SCALE:
        reasons._fail(reasons.VAULT_SHORT_CREDIT)
    self._issue(receiver, assets, shares)
    return assets


@internal
def _announce(worth: uint256) -> uint256:
    """
    @notice Note the price for all locked shares of the caller's, matured; an hour later they can be claimed.
    @dev Announced again, the price then is noted and the hour starts anew.
    @param worth native units, no more than the true worth
    @return The time from which the shares can be claimed.
    """
    shares: uint256 = self._queue[msg.sender].shares
    if shares == 0:
        reasons._fail(reasons.VAULT_ZERO_SHARES)
    matures_at: uint256 = self._queue[msg.sender].matures_at
    lapses_at: uint256 = matures_at + WINDOW_SECONDS
    due_at: uint256 = block.timestamp + CLAIM_DELAY_SECONDS
    # What is due when it lapses could never be claimed.
    if block.timestamp < matures_at or due_at >= lapses_at:
        reasons._fail(reasons.VAULT_OUTSIDE_WINDOW)
    supply: uint256 = erc20.totalSupply
    self._queue[msg.sender] = Queued(
        shares=shares, matures_at=matures_at, due_at=due_at, worth=worth, supply=supply
    )
    log IExitVault.RedeemAnnounced(
        owner=msg.sender, shares=shares, due_at=due_at, lapses_at=lapses_at, worth=worth, supply=supply
    )
    return due_at


@internal
def _withdraw(assets: uint256, receiver: address, owner: address, worth: uint256) -> uint256:
    """
    @notice Pay exactly `assets` for shares of the owner's whose claim is due, rounded up.
    @dev Reverts while deferred losses cut payments: `_redeem` then pays what there is.
    @param worth native units, no more than the true worth
    @return The shares that were burnt.
    """
    shares: uint256 = self._cost(owner, assets, worth, True)
    paid: uint256 = self._pay_out(receiver, owner, assets, shares)
    if paid != assets:
        reasons._fail(reasons.VAULT_SHORT_PAYMENT)
    return shares


@internal
def _redeem(shares: uint256, receiver: address, owner: address, worth: uint256) -> uint256:
    """
    @notice Burn shares of the owner's whose claim is due and pay their value, rounded down.
    @dev While losses are deferred the Clearinghouse cuts the payment; the event and the result tell what was paid.
    @param worth native units, no more than the true worth
    @return The native units that were paid.
    """
    assets: uint256 = self._value(owner, shares, worth)
    return self._pay_out(receiver, owner, assets, shares)


@internal
def _pay_in(assets: uint256) -> uint256:
    """
    @notice Carry the caller's tokens into the vault's account.
    @return The credit (WAD).
    """
    # A saver must not fill a hole that the present holders owe, nor one that all accounts share.
    if self._cash() < 0:
        reasons._fail(reasons.VAULT_IN_DEBT)
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    if deferred != 0:
        reasons._fail(reasons.VAULT_LOSSES_DEFERRED)
    self._check_assets(assets)
    assert extcall ASSET.transferFrom(msg.sender, self, assets, default_return_value=True)
    assert extcall ASSET.approve(CLEARINGHOUSE.address, assets, default_return_value=True)
    return extcall CLEARINGHOUSE.deposit(ACCOUNT, SETTLEMENT, assets)


@internal
def _issue(receiver: address, assets: uint256, shares: uint256):
    if shares == 0:
        reasons._fail(reasons.VAULT_ZERO_SHARES)
    if shares > vault_math.MAX_SUPPLY - erc20.totalSupply:
        reasons._fail(reasons.VAULT_TOO_MANY_SHARES)
    erc20._mint(receiver, shares)
    log IERC4626.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _pay_out(receiver: address, owner: address, assets: uint256, shares: uint256) -> uint256:
    """
    @notice Burn shares whose claim is due and have them paid for.
    @return The native units that were paid, or wait for the receiver in the exit queue.
    """
    self._check_assets(assets)
    claimable: uint256 = self._claimable(owner)
    if shares > claimable:
        reasons._fail(reasons.VAULT_ABOVE_CLAIMABLE)
    if msg.sender != owner:
        erc20._spend_allowance(owner, msg.sender, shares)
    if shares == claimable:
        self._queue[owner] = empty(Queued)
    else:
        self._queue[owner].shares = claimable - shares
    erc20._burn(self, shares)
    parts: (uint256, uint256) = extcall PAYER.withdraw(ACCOUNT, SETTLEMENT, assets, receiver)
    paid: uint256 = parts[0] + parts[1]
    # Deferred losses may leave nothing of it: the shares then wait for better days.
    self._check_assets(paid)
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=paid, shares=shares)
    return paid


@internal
@pure
def _check_assets(assets: uint256):
    if assets == 0:
        reasons._fail(reasons.VAULT_ZERO_ASSETS)


# ---------------------------------------------------------------
#                        INTERNAL: PRICES
# ---------------------------------------------------------------


@internal
@view
def _to_shares(assets: uint256, worth: uint256, up: bool) -> uint256:
    """
    @notice Shares for native units at the present price, rounded as told.
    """
    return vault_math._to_shares(assets, worth, erc20.totalSupply, up)


@internal
@view
def _to_assets(shares: uint256, worth: uint256, up: bool) -> uint256:
    """
    @notice Native units for shares at the present price, rounded as told.
    """
    return vault_math._to_assets(shares, worth, erc20.totalSupply, up)


@internal
@view
def _value(owner: address, shares: uint256, worth: uint256) -> uint256:
    """
    @notice What a claim of the owner's debits for shares: at the lower of the price noted and the present, rounded down.
    """
    assets: uint256 = self._to_assets(shares, worth, False)
    if self._queue[owner].due_at == 0:
        return assets
    queued: Queued = self._queue[owner]
    noted: uint256 = vault_math._to_assets(shares, queued.worth, queued.supply, False)
    return min(assets, noted)


@internal
@view
def _cost(owner: address, assets: uint256, worth: uint256, up: bool) -> uint256:
    """
    @notice Shares of the owner's for native units, as `_value` prices them: up is what a claim burns.
    """
    shares: uint256 = self._to_shares(assets, worth, up)
    if self._queue[owner].due_at == 0:
        return shares
    queued: Queued = self._queue[owner]
    noted: uint256 = vault_math._to_shares(assets, queued.worth, queued.supply, up)
    return max(shares, noted)


# ---------------------------------------------------------------
#                        INTERNAL: LIMITS
# ---------------------------------------------------------------


@internal
@view
def _max_deposit(worth: uint256) -> uint256:
    """
    @notice Native units that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    """
    room: uint256 = self._room()
    return vault_math._max_assets_in(room, worth, erc20.totalSupply)


@internal
@view
def _max_mint(worth: uint256) -> uint256:
    """
    @notice Shares that the Clearinghouse's cap and the limit of the supply leave room for; 0 in debt.
    """
    room: uint256 = self._room()
    return vault_math._max_shares_out(room, worth, erc20.totalSupply)


@internal
@view
def _max_withdraw(owner: address, worth: uint256, payable_assets: uint256) -> uint256:
    """
    @notice Native units of the owner's shares whose claim is due, as far as there is; 0 while deferred losses cut.
    """
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    if deferred != 0:
        return 0
    claimable: uint256 = self._claimable(owner)
    assets: uint256 = self._value(owner, claimable, worth)
    return min(assets, min(payable_assets, held // SCALE))


@internal
@view
def _max_redeem(owner: address, worth: uint256, payable_assets: uint256) -> uint256:
    """
    @notice The owner's shares whose claim is due, as far as there is; 0 when that pays less than one native unit.
    @param payable_assets what the account can pay now, beside what the Clearinghouse holds
    """
    shares: uint256 = self._claimable(owner)
    assets: uint256 = self._value(owner, shares, worth)
    held: uint256 = 0
    deferred: uint256 = 0
    held, deferred = self._held_and_deferred()
    # A larger debit would pay more than is held, at the exit ratio.
    most: uint256 = min(payable_assets, (held + deferred) // SCALE)
    if assets > most:
        # At the lower price, so that no more than that is debited.
        shares = self._cost(owner, most, worth, False)
        assets = self._value(owner, shares, worth)
    paid: uint256 = self._cut(assets)
    return shares if paid != 0 else 0


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
def _claimable(owner: address) -> uint256:
    """
    @notice Locked shares of an owner whose announced claim is due and has not lapsed, else 0.
    """
    due_at: uint256 = self._queue[owner].due_at
    if due_at == 0 or block.timestamp < due_at:
        return 0
    lapses_at: uint256 = self._queue[owner].matures_at + WINDOW_SECONDS
    if block.timestamp >= lapses_at:
        return 0
    return self._queue[owner].shares


# ---------------------------------------------------------------
#                        INTERNAL: CUSTODY
# ---------------------------------------------------------------


@internal
@view
def _check_idle():
    """
    @notice Revert in the middle of a Clearinghouse action: what is read there prices nothing.
    """
    probe: ReentrancyProbe = ReentrancyProbe(CLEARINGHOUSE.address)
    idle: bool = staticcall probe.check_nonreentrant(default_return_value=True)
    assert idle


@internal
@view
def _cash() -> int256:
    """
    @notice Cash of the vault's account (WAD).
    """
    word: uint256 = staticcall CLEARINGHOUSE.account_word(ACCOUNT)
    return words._account_cash(word)


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
