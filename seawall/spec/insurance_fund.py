"""The insurance fund: the specification of `contracts/InsuranceFund.vy`.

The fund's assets are the cash (WAD) of its Clearinghouse account; its users see whole native units
of the settlement token and shares with six decimals more. Price of a share:
(assets + 1) / (supply + 10**6), both raised by virtual amounts, so that inflating the price before
somebody's deposit costs a million times what that depositor can lose. Every conversion rounds
against the caller.

Refused actions raise :class:`FundError` with the contract's reason. Custody is not modelled here:
what the Clearinghouse credits and pays are arguments and results.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seawall.spec.words import MAX_UINT256

WAD_DECIMALS = 18
DECIMALS_OFFSET = 6
VIRTUAL_SHARES = 10**DECIMALS_OFFSET
VIRTUAL_ASSETS = 1
MAX_SUPPLY = 2**255
WINDOW_SECONDS = 48 * 3600


class FundError(ValueError):
    """An action that the fund refuses; the text is the contract's reason."""


@dataclass(frozen=True)
class Request:
    """Locked shares of one saver and the time (seconds) from which they can be redeemed."""

    shares: int
    matures_at: int

    def claimable(self, now: int) -> int:
        """The shares inside the window [maturity, maturity + 48 h), else 0."""
        return self.shares if 0 <= now - self.matures_at < WINDOW_SECONDS else 0


def _div(numerator: int, denominator: int, up: bool) -> int:
    quotient = -(-numerator // denominator) if up else numerator // denominator
    if quotient > MAX_UINT256:
        raise FundError("math: mul_div overflow")
    return quotient


def to_shares(assets: int, total_assets: int, supply: int, up: bool = False) -> int:
    """Shares for native units at the price before the move."""
    return _div(assets * (supply + VIRTUAL_SHARES), total_assets + VIRTUAL_ASSETS, up)


def to_assets(shares: int, total_assets: int, supply: int, up: bool = False) -> int:
    """Native units for shares at the price before the move."""
    return _div(shares * (total_assets + VIRTUAL_ASSETS), supply + VIRTUAL_SHARES, up)


def max_assets_in(room: int, total_assets: int, supply: int) -> int:
    """The most of `room` native units that may be deposited before the supply passes 2**255."""
    issuable = MAX_SUPPLY - supply
    return min(room, issuable * (total_assets + VIRTUAL_ASSETS) // (supply + VIRTUAL_SHARES))


def max_shares_out(room: int, total_assets: int, supply: int) -> int:
    """The most shares within `room` native units and the limit of the supply."""
    issuable = MAX_SUPPLY - supply
    return min(issuable, room * (supply + VIRTUAL_SHARES) // (total_assets + VIRTUAL_ASSETS))


def exit_cut(assets: int, held: int, deferred: int) -> int:
    """What the Clearinghouse pays of a debit: the ratio held / (held + deferred), rounded down."""
    return assets if deferred == 0 else assets * held // (held + deferred)


@dataclass
class InsuranceFund:
    """State of a fund; fees, donations and losses change the account's `cash` (WAD) directly."""

    decimals: int
    cooldown_seconds: int
    cash: int = 0
    supply: int = 0
    balances: dict[str, int] = field(default_factory=dict)
    queue: dict[str, Request] = field(default_factory=dict)

    @property
    def scale(self) -> int:
        """WAD per native unit."""
        return 10 ** (WAD_DECIMALS - self.decimals)

    @property
    def total_assets(self) -> int:
        """Native units, rounded down; none when the cash is negative."""
        return max(0, self.cash) // self.scale

    def preview_deposit(self, assets: int) -> int:
        """Shares for `assets`, rounded down."""
        return to_shares(assets, self.total_assets, self.supply)

    def preview_mint(self, shares: int) -> int:
        """Native units that `shares` cost, rounded up."""
        return to_assets(shares, self.total_assets, self.supply, up=True)

    def preview_withdraw(self, assets: int) -> int:
        """Shares that `assets` cost, rounded up."""
        return to_shares(assets, self.total_assets, self.supply, up=True)

    def preview_redeem(self, shares: int) -> int:
        """Native units that are debited for `shares`, rounded down."""
        return to_assets(shares, self.total_assets, self.supply)

    def deposit(self, saver: str, assets: int, credited: int | None = None) -> int:
        """Issue shares on the WAD credit of `assets` (the plain one by default), rounded down."""
        self._check_entry(assets)
        credit = assets * self.scale if credited is None else credited
        shares = self.preview_deposit(credit // self.scale)
        self._issue(saver, shares)
        self.cash += credit
        return shares

    def mint(self, saver: str, shares: int, credited: int | None = None) -> int:
        """Issue exactly `shares` for their price in native units, rounded up."""
        assets = self.preview_mint(shares)
        self._check_entry(assets)
        credit = assets * self.scale if credited is None else credited
        if credit < assets * self.scale:
            raise FundError("fund: short credit")
        self._issue(saver, shares)
        self.cash += credit
        return assets

    def request_redeem(self, saver: str, shares: int, now: int) -> int:
        """Lock `shares` and start the wait for all locked shares; returns the maturity."""
        queued = self.queue[saver].shares + shares if saver in self.queue else shares
        if queued == 0:
            raise FundError("fund: zero shares")
        if self.balances.get(saver, 0) < shares:
            raise FundError("erc20: transfer amount exceeds balance")
        self.balances[saver] = self.balances.get(saver, 0) - shares
        self.queue[saver] = Request(queued, now + self.cooldown_seconds)
        return now + self.cooldown_seconds

    def cancel_redeem(self, saver: str) -> int:
        """Give all locked shares back."""
        if saver not in self.queue:
            raise FundError("fund: zero shares")
        shares = self.queue.pop(saver).shares
        self.balances[saver] = self.balances.get(saver, 0) + shares
        return shares

    def claimable(self, saver: str, now: int) -> int:
        """Locked shares inside their window."""
        return self.queue[saver].claimable(now) if saver in self.queue else 0

    def max_redeem(self, saver: str, now: int) -> int:
        """Claimable shares; none when they are worth less than one native unit."""
        shares = self.claimable(saver, now)
        return shares if self.preview_redeem(shares) else 0

    def max_withdraw(self, saver: str, now: int) -> int:
        """Native units of the claimable shares, rounded down, while no losses are deferred."""
        return self.preview_redeem(self.claimable(saver, now))

    def redeem(self, saver: str, shares: int, now: int) -> int:
        """Burn matured shares; returns the native units that are debited, rounded down."""
        assets = self.preview_redeem(shares)
        self._leave(saver, assets, shares, now)
        return assets

    def withdraw(self, saver: str, assets: int, now: int) -> int:
        """Debit exactly `assets` native units; returns the shares that were burnt, rounded up."""
        shares = self.preview_withdraw(assets)
        self._leave(saver, assets, shares, now)
        return shares

    def cover(self, amount: int) -> int:
        """Pay up to `amount` (WAD) of a shortfall; returns what was paid."""
        paid = min(amount, max(0, self.cash))
        self.cash -= paid
        return paid

    def _check_entry(self, assets: int) -> None:
        if self.cash < 0:
            raise FundError("fund: in debt")
        if assets == 0:
            raise FundError("fund: zero assets")

    def _issue(self, saver: str, shares: int) -> None:
        if shares == 0:
            raise FundError("fund: zero shares")
        if shares > MAX_SUPPLY - self.supply:
            raise FundError("fund: too many shares")
        self.supply += shares
        self.balances[saver] = self.balances.get(saver, 0) + shares

    def _leave(self, saver: str, assets: int, shares: int, now: int) -> None:
        if assets == 0:
            raise FundError("fund: zero assets")
        if shares > self.claimable(saver, now):
            raise FundError("fund: above claimable")
        request = self.queue.pop(saver)
        if request.shares > shares:
            self.queue[saver] = Request(request.shares - shares, request.matures_at)
        self.supply -= shares
        self.cash -= assets * self.scale
