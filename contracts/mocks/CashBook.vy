# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Cash book
@notice The part of a Clearinghouse that the insurance fund uses, with real token movements and settable odds.
@dev Anyone may set anything. Cash alone is kept; the exit ratio is held / (held + deferred).
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from contracts.modules import words

WAD: constant(uint256) = 10**18

asset: public(address)
decimals: public(uint256)
scale: public(uint256)
cap: public(uint256)
held: public(uint256)
deferred: public(uint256)
modules: public(HashMap[address, uint256])

_cash: HashMap[uint256, int256]


@deploy
def __init__():
    """
    @notice No cap to speak of.
    """
    self.cap = 2**52 - 1


# ---------------------------------------------------------------
#                             SETTERS
# ---------------------------------------------------------------


@external
def set_asset(asset: address):
    """
    @notice Name the settlement token.
    """
    decimals: uint8 = staticcall IERC20Detailed(asset).decimals()
    self.asset = asset
    self.decimals = convert(decimals, uint256)
    self.scale = 10 ** (18 - self.decimals)


@external
def set_cap(cap: uint256):
    """
    @notice Cap of the settlement token in whole tokens.
    """
    self.cap = cap


@external
def set_cash(account: uint256, cash: int256):
    """
    @notice Write an account's cash (WAD): a fee, a loss or a debt.
    """
    self._cash[account] = cash


@external
def set_deferred(deferred: uint256):
    """
    @notice Defer losses (WAD), which cuts payments and raises credits.
    """
    self.deferred = deferred


@external
def set_module(module: address, verbs: uint256):
    """
    @notice Grant verb rights.
    """
    self.modules[module] = verbs


# ---------------------------------------------------------------
#                             ACTIONS
# ---------------------------------------------------------------


@external
def deposit(account: uint256, token_id: uint256, amount: uint256) -> uint256:
    """
    @notice Pull settlement tokens and credit what arrived, divided by the exit ratio.
    """
    assert token_id == 0, "token: unknown"
    assert amount != 0, "amount: zero"
    before: uint256 = staticcall IERC20(self.asset).balanceOf(self)
    assert extcall IERC20(self.asset).transferFrom(msg.sender, self, amount, default_return_value=True)
    after: uint256 = staticcall IERC20(self.asset).balanceOf(self)
    arrived: uint256 = (after - before) * self.scale
    credited: uint256 = arrived
    if self.deferred != 0 and self.held != 0:
        credited = arrived * (self.held + self.deferred) // self.held
        self.deferred += credited - arrived
    assert self.held + arrived <= self.cap * WAD, "token: over cap"
    self.held += arrived
    self._cash[account] += convert(credited, int256)
    return credited


@external
def withdraw(account: uint256, token_id: uint256, amount: uint256, receiver: address) -> (uint256, uint256):
    """
    @notice Debit the caller's account in full and pay the exit ratio's share.
    """
    assert token_id == 0, "token: unknown"
    assert amount != 0, "amount: zero"
    assert account >> 96 == convert(msg.sender, uint256), "account: not yours"
    left: int256 = self._cash[account] - convert(amount * self.scale, int256)
    assert left >= 0, "margin: cash below zero"
    self._cash[account] = left
    paid: uint256 = amount
    if self.deferred != 0:
        paid = amount * self.held // (self.held + self.deferred)
        # Rounded to native units the cut may exceed what is left of the losses.
        self.deferred -= min(self.deferred, (amount - paid) * self.scale)
    assert self.held >= paid * self.scale, "custody: till short"
    self.held -= paid * self.scale
    assert extcall IERC20(self.asset).transfer(receiver, paid, default_return_value=True)
    return paid, 0


@external
def transfer(sender: uint256, receiver: uint256, amount: uint256):
    """
    @notice Move WAD cash of the caller's.
    """
    assert sender >> 96 == convert(msg.sender, uint256), "account: not yours"
    assert amount != 0, "amount: zero"
    left: int256 = self._cash[sender] - convert(amount, int256)
    assert left >= 0, "margin: cash below zero"
    self._cash[sender] = left
    self._cash[receiver] += convert(amount, int256)


# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


# Open while an action runs, so that the fund's own probe is what a test sees.
@external
@view
@reentrant
def account_word(account: uint256) -> uint256:
    """
    @notice The account word with its cash.
    """
    return words._account(self._cash[account], 0, 0)


@external
@view
@reentrant
def token_word(token_id: uint256) -> uint256:
    """
    @notice The settlement token's word.
    """
    return words._token(self.asset, self.decimals, self.cap)


@external
@view
@reentrant
def totals() -> (uint256, int256, uint256):
    """
    @notice Tokens held (WAD), a book that nobody reads, deferred losses.
    """
    return self.held, 0, self.deferred


@external
@view
def check_nonreentrant():
    """
    @notice Reverts while an action runs.
    """
    pass
