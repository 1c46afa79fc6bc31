"""A vault that savers leave slowly: the specification of `contracts/modules/exit_vault.vy`.

ERC-4626 over one Clearinghouse account. Price of a share: (worth + 1) / (supply + 10**6), both
raised by virtual amounts, so that inflating the price before somebody's deposit costs a million
times what that depositor can lose. Every conversion rounds against the caller. A vault states its
worth in native units twice: no less than the true one for who enters, no more for who leaves.

Leaving: request (shares are locked) -> wait -> announce (the price is noted) -> one hour -> claim
at the lower of the price noted and the price then. 48 hours after maturity the request lapses.
Locked shares stay in the supply, so a loss hits them like any others, and no money is set aside for
them.

Refused actions raise :class:`VaultError` with the contract's reason. Custody is not modelled here:
what the Clearinghouse credits and pays are arguments and results.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

from seawall.spec.words import MAX_UINT256

WAD_DECIMALS = 18
DECIMALS_OFFSET = 6
VIRTUAL_SHARES = 10**DECIMALS_OFFSET
VIRTUAL_ASSETS = 1
MAX_SUPPLY = 2**255
WINDOW_SECONDS = 48 * 3600
CLAIM_DELAY_SECONDS = 3600


class VaultError(ValueError):
    """An action that the vault refuses; the text is the contract's reason."""


@dataclass(frozen=True)
class Request:
    """Locked shares of one saver; times are unix seconds.

    Once announced, `due_at` is not 0 and (`worth`, `supply`) are the price noted.
    """

    shares: int
    matures_at: int
    due_at: int = 0
    worth: int = 0
    supply: int = 0

    @property
    def lapses_at(self) -> int:
        """From here on nothing can be claimed."""
        return self.matures_at + WINDOW_SECONDS

    def claimable(self, now: int) -> int:
        """The shares from the due time of the announced claim until the lapse, else 0."""
        return self.shares if self.due_at and self.due_at <= now < self.lapses_at else 0


def _div(numerator: int, denominator: int, up: bool) -> int:
    quotient = -(-numerator // denominator) if up else numerator // denominator
    if quotient > MAX_UINT256:
        raise VaultError("math: mul_div overflow")
    return quotient


def to_shares(assets: int, worth: int, supply: int, up: bool = False) -> int:
    """Shares for native units at the price before the move."""
    return _div(assets * (supply + VIRTUAL_SHARES), worth + VIRTUAL_ASSETS, up)


def to_assets(shares: int, worth: int, supply: int, up: bool = False) -> int:
    """Native units for shares at the price before the move."""
    return _div(shares * (worth + VIRTUAL_ASSETS), supply + VIRTUAL_SHARES, up)


def max_assets_in(room: int, worth: int, supply: int) -> int:
    """The most of `room` native units that may be deposited before the supply passes 2**255."""
    issuable = MAX_SUPPLY - supply
    return min(room, issuable * (worth + VIRTUAL_ASSETS) // (supply + VIRTUAL_SHARES))


def max_shares_out(room: int, worth: int, supply: int) -> int:
    """The most shares within `room` native units and the limit of the supply."""
    issuable = MAX_SUPPLY - supply
    return min(issuable, room * (supply + VIRTUAL_SHARES) // (worth + VIRTUAL_ASSETS))


def exit_cut(assets: int, held: int, deferred: int) -> int:
    """What the Clearinghouse pays of a debit: the ratio held / (held + deferred), rounded down."""
    return assets if deferred == 0 else assets * held // (held + deferred)


@dataclass
class ExitVault(ABC):
    """Shares and queue of a vault; fees, donations and losses change its `cash` (WAD) directly."""

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
    @abstractmethod
    def worth_in(self) -> int:
        """Native units that who enters pays for, no less than what there is."""

    @property
    @abstractmethod
    def worth_out(self) -> int:
        """Native units that who leaves is paid from, no more than what there is."""

    # -- previews ----------------------------------------------------------------------------

    def preview_deposit(self, assets: int) -> int:
        """Shares for `assets`, rounded down."""
        return to_shares(assets, self.worth_in, self.supply)

    def preview_mint(self, shares: int) -> int:
        """Native units that `shares` cost, rounded up."""
        return to_assets(shares, self.worth_in, self.supply, up=True)

    def preview_withdraw(self, assets: int, saver: str = "") -> int:
        """Shares that `assets` cost the saver: the most at any of the prices, rounded up."""
        return max(to_shares(assets, *price, up=True) for price in self._exit_prices(saver))

    def preview_redeem(self, shares: int, saver: str = "") -> int:
        """Native units debited for the saver's shares: the least at any price, rounded down."""
        return min(to_assets(shares, *price) for price in self._exit_prices(saver))

    # -- entry -------------------------------------------------------------------------------

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
            raise VaultError("vault: short credit")
        self._issue(saver, shares)
        self.cash += credit
        return assets

    # -- exit --------------------------------------------------------------------------------

    def request_redeem(self, saver: str, shares: int, now: int) -> int:
        """Lock `shares` and start the wait for all locked shares; returns the maturity.

        An announcement made before is void.
        """
        queued = self.queue[saver].shares + shares if saver in self.queue else shares
        if queued == 0:
            raise VaultError("vault: zero shares")
        if self.balances.get(saver, 0) < shares:
            raise VaultError("erc20: transfer amount exceeds balance")
        self.balances[saver] = self.balances.get(saver, 0) - shares
        self.queue[saver] = Request(queued, now + self.cooldown_seconds)
        return now + self.cooldown_seconds

    def announce(self, saver: str, now: int) -> int:
        """Note the price for all locked shares, matured; returns when the claim is due.

        Announced again, the price then is noted and the hour starts anew.
        """
        if saver not in self.queue:
            raise VaultError("vault: zero shares")
        request, due_at = self.queue[saver], now + CLAIM_DELAY_SECONDS
        if now < request.matures_at or due_at >= request.lapses_at:
            raise VaultError("vault: outside window")
        self.queue[saver] = replace(
            request, due_at=due_at, worth=self.worth_out, supply=self.supply
        )
        return due_at

    def cancel_redeem(self, saver: str) -> int:
        """Give all locked shares back."""
        if saver not in self.queue:
            raise VaultError("vault: zero shares")
        shares = self.queue.pop(saver).shares
        self.balances[saver] = self.balances.get(saver, 0) + shares
        return shares

    def claimable(self, saver: str, now: int) -> int:
        """Locked shares whose announced claim is due."""
        return self.queue[saver].claimable(now) if saver in self.queue else 0

    def max_redeem(
        self,
        saver: str,
        now: int,
        held: int = MAX_UINT256,
        deferred: int = 0,
        room: int = MAX_UINT256,
    ) -> int:
        """Claimable shares, as far as the Clearinghouse's `held` tokens (WAD) and what the account
        can pay (WAD) go; none when that pays less than one native unit."""
        shares = self.claimable(saver, now)
        payable = min(held + deferred, room) // self.scale
        if shares and self.preview_redeem(shares, saver) > payable:
            # At the price that values them least, so that no more than `payable` is debited.
            shares = max(to_shares(payable, *price) for price in self._exit_prices(saver))
        paid = exit_cut(self.preview_redeem(shares, saver), held, deferred)
        return shares if paid else 0

    def max_withdraw(
        self,
        saver: str,
        now: int,
        held: int = MAX_UINT256,
        deferred: int = 0,
        room: int = MAX_UINT256,
    ) -> int:
        """Native units of the claimable shares, as far as the held tokens and what the account can
        pay go; none while deferred losses cut payments."""
        assets = self.preview_redeem(self.claimable(saver, now), saver)
        return 0 if deferred else min(assets, min(held, room) // self.scale)

    def redeem(self, saver: str, shares: int, now: int) -> int:
        """Burn claimable shares; returns the native units that are debited, rounded down."""
        assets = self.preview_redeem(shares, saver)
        self._leave(saver, assets, shares, now)
        return assets

    def withdraw(self, saver: str, assets: int, now: int) -> int:
        """Debit exactly `assets` native units; returns the shares that were burnt, rounded up."""
        shares = self.preview_withdraw(assets, saver)
        self._leave(saver, assets, shares, now)
        return shares

    # -- internals ---------------------------------------------------------------------------

    def _exit_prices(self, saver: str) -> list[tuple[int, int]]:
        """(worth, supply) of now and, once the saver has announced, of then."""
        prices = [(self.worth_out, self.supply)]
        request = self.queue.get(saver)
        if request and request.due_at:
            prices.append((request.worth, request.supply))
        return prices

    def _check_entry(self, assets: int) -> None:
        if self.cash < 0:
            raise VaultError("vault: in debt")
        if assets == 0:
            raise VaultError("vault: zero assets")

    def _issue(self, saver: str, shares: int) -> None:
        if shares == 0:
            raise VaultError("vault: zero shares")
        if shares > MAX_SUPPLY - self.supply:
            raise VaultError("vault: too many shares")
        self.supply += shares
        self.balances[saver] = self.balances.get(saver, 0) + shares

    def _leave(self, saver: str, assets: int, shares: int, now: int) -> None:
        if assets == 0:
            raise VaultError("vault: zero assets")
        if shares > self.claimable(saver, now):
            raise VaultError("vault: above claimable")
        request = self.queue.pop(saver)
        if request.shares > shares:
            self.queue[saver] = replace(request, shares=request.shares - shares)
        self.supply -= shares
        self.cash -= assets * self.scale
