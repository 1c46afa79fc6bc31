"""The insurance fund: the specification of `contracts/InsuranceFund.vy`.

An :class:`ExitVault` whose worth is the cash (WAD) of its Clearinghouse account, for who enters and
who leaves alike; collateral that the account holds counts nothing. What it pays of shortfalls is
capped: per epoch (a day of UTC) one market gets at most one share, all markets together at most
another share of the cash that the fund had before its first payment of the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seawall.spec.exit_vault import ExitVault
from seawall.spec.fund_words import MARKET_USE, MOST_USED, USE
from seawall.spec.words import MAX_UINT256, PPM

EPOCH_SECONDS = 86_400
#: Of the fund's assets at the start of an epoch, parts per million; all of them is no cap.
MIN_SHARE = 10_000
#: Key of the word of all markets among those by market.
ALL_MARKETS = -1


def cap_room(start: int, share: int, used: int) -> int:
    """WAD that a cap leaves of `share` ppm of `start`, rounded down; a share of 1 caps nothing."""
    if share == PPM:
        return MAX_UINT256
    return max(0, start * share // PPM - used)


@dataclass
class InsuranceFund(ExitVault):
    """State of a fund; fees, donations and losses change the account's `cash` (WAD) directly.

    Shares are parts per million, `uses` the packed words by market.
    """

    market_share: int = PPM
    epoch_share: int = PPM
    uses: dict[int, int] = field(default_factory=dict)

    @property
    def total_assets(self) -> int:
        """Native units, rounded down; none when the cash is negative."""
        return max(0, self.cash) // self.scale

    @property
    def worth_in(self) -> int:
        """The cash."""
        return self.total_assets

    @property
    def worth_out(self) -> int:
        """The cash."""
        return self.total_assets

    def used(self, market_id: int, now: int) -> tuple[int, int, int]:
        """Of the present epoch: its start (WAD), what all markets and what this one used of it.

        An epoch's start is the cash at its first payment: before that, the present cash.
        """
        epoch = now // EPOCH_SECONDS
        use = USE.unpack(self.uses.get(ALL_MARKETS, 0))
        if use["epoch"] != epoch:
            return max(0, self.cash), 0, 0
        market = MARKET_USE.unpack(self.uses.get(market_id, 0))
        return use["start"], use["used"], market["used"] if market["epoch"] == epoch else 0

    def cover_room(self, market_id: int, now: int) -> int:
        """The most (WAD) that `cover` pays now."""
        start, used, market_used = self.used(market_id, now)
        return min(
            max(0, self.cash),
            cap_room(start, self.epoch_share, used),
            cap_room(start, self.market_share, market_used),
        )

    def cover(self, market_id: int, amount: int, now: int) -> int:
        """Pay up to `amount` (WAD) of a shortfall; returns what was paid."""
        paid = min(amount, self.cover_room(market_id, now))
        if paid == 0:
            return 0
        start, used, market_used = self.used(market_id, now)
        epoch = now // EPOCH_SECONDS
        total, of_market = min(used + paid, MOST_USED), min(market_used + paid, MOST_USED)
        self.uses[ALL_MARKETS] = USE.pack(epoch=epoch, start=start, used=total)
        self.uses[market_id] = MARKET_USE.pack(epoch=epoch, used=of_market)
        self.cash -= paid
        return paid
