"""Who paid for a wipeout, from events and views, and the promises it is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.demo.checks import CONSERVATION_BOUND_WEI, Check
from seawall.demo.scene import Wipeout
from seawall.demo.summary import dollars
from seawall.demo.venue import Venue
from seawall.demo.wipeout import MARKET_ID, Story
from seawall.keeper.planning import BANKRUPT
from seawall.spec.close_out import CHARGED, DEFERRED, FUND
from seawall.spec.words import LONG, PPM, SHORT, WAD

#: What charges and sizes may differ by for roundings, in wei: a billionth of a dollar or a unit.
ROUNDING_WEI = 10**9


@dataclass(frozen=True)
class Bill:
    """What the events of all closes say; WAD.

    `collateral` is what the fund paid for the collateral that it took over with the debts;
    `charged` is by side, `shortfalls` are by account.
    """

    shortfalls: Mapping[int, int]
    reserve: int
    fees: int
    collateral: int
    fund: int
    charged: Mapping[int, int]
    deferred: int

    @property
    def shortfall(self) -> int:
        """What all bankrupt accounts lack together."""
        return sum(self.shortfalls.values())

    @property
    def charges(self) -> int:
        """What both sides were charged."""
        return sum(self.charged.values())


def bill(venue: Venue, story: Story) -> Bill:
    """Add the events up."""
    logs = [log for receipt in story.cleared.receipts for log in receipt["logs"]]
    closed = venue.closer.events(logs, "ClosedOut")
    paid = venue.closer.events(logs, "ShortfallPaid")
    moved = venue.house.events(logs, "Moved")
    fund = sum(one["amount"] for one in paid if one["stage"] == FUND)
    # What the fund pays for collateral goes out like what it pays for shortfalls.
    out = sum(one["amount"] for one in moved if one["sender"] == story.fund and not one["token_id"])
    charged = {LONG: 0, SHORT: 0}
    for one in paid:
        if one["stage"] == CHARGED:
            charged[one["side"]] += one["amount"]
    return Bill(
        shortfalls={one["account"]: one["shortfall"] for one in closed},
        reserve=sum(one["reserve"] for one in closed),
        fees=sum(one["fee"] for one in closed),
        collateral=out - fund,
        fund=fund,
        charged=charged,
        deferred=sum(one["amount"] for one in paid if one["stage"] == DEFERRED),
    )


def haircuts(story: Story) -> dict[int, int]:
    """What each winner's equity fell by during the closes, at one price (WAD)."""
    before, after = story.before.rows, story.after.rows
    return {one: before[one].equity - after[one].equity for one in story.cast.winners}


def per_unit(story: Story) -> list[int]:
    """Haircut per unit of the size held before, of each winner (WAD)."""
    sizes = story.before.sizes
    return [cut * WAD // abs(sizes[one]) for one, cut in haircuts(story).items() if sizes[one]]


def summarise(
    scene: Wipeout, story: Story, found: Bill, checks: Sequence[Check], seconds: float
) -> dict[str, Any]:
    """Every figure: money in dollars, sizes in units, prices in dollars."""
    cast, opened, before, after = story.cast, story.opened, story.before, story.after
    size = cast.whale.sizes[MARKET_ID]
    interest = sum(max(held, 0) for held in opened.sizes.values())
    gone = sum(before.sizes[one] - after.sizes[one] for one in cast.losers)
    bucket = after.sizes[story.bucket] - before.sizes[story.bucket]
    cut, left = sum(haircuts(story).values()), found.shortfall - found.fund - found.deferred
    units = per_unit(story)
    return {
        "scene": scene.name,
        "title": scene.title,
        "seed": scene.seed,
        "opening_price": dollars(story.opening_price),
        "price": dollars(story.price),
        "accounts": len(cast.losers) + len(cast.winners),
        "open_interest": dollars(interest),
        "whale_size": dollars(size),
        "whale_share": round(size / interest, 6),
        "whale_equity_opening": dollars(opened.rows[cast.whale.actor.account].equity),
        "whale_equity_after_gap": dollars(before.rows[cast.whale.actor.account].equity),
        "accounts_closed": len(found.shortfalls),
        "size_closed": dollars(gone),
        "size_to_bucket": dollars(bucket),
        "size_closed_of_shorts": dollars(gone - bucket),
        "notional_to_bucket": dollars(bucket * story.price // WAD),
        "notional_closed_of_shorts": dollars((gone - bucket) * story.price // WAD),
        "collateral_taken_by_fund": dollars(found.collateral),
        "shortfall": dollars(found.shortfall),
        "paid_by_fund": dollars(found.fund),
        "charged_to_longs": dollars(found.charged[LONG]),
        "charged_to_shorts": dollars(found.charged[SHORT]),
        "deferred": dollars(found.deferred),
        "haircut": dollars(cut),
        "haircut_to_shortfall_left": round(cut / left, 6) if left else 0.0,
        "winners": len(units),
        "least_charge_per_unit": dollars(min(units)),
        "largest_charge_per_unit": dollars(max(units)),
        "fund_before": dollars(before.fund_cash),
        "fund_after": dollars(after.fund_cash),
        "accounts_without_positions": len(before.idle),
        "keeper_capital": dollars(before.keeper_cash),
        "keeper_earned": dollars(after.keeper_cash - before.keeper_cash),
        "transactions": len(story.cleared.receipts),
        "blocks": story.cleared.blocks,
        "gas": story.cleared.gas,
        "conservation_error_wei": after.conservation,
        "seconds": round(seconds, 3),
        "checks": [
            {"promise": one.promise, "kept": one.kept, "detail": one.detail} for one in checks
        ],
    }


def run_checks(scene: Wipeout, story: Story, found: Bill) -> list[Check]:
    """All promises, kept or not."""
    before, after, cast = story.before, story.after, story.cast
    bankrupt = sorted(one for one, row in before.rows.items() if row.status == BANKRUPT)
    left = sum(row.status == BANKRUPT for row in after.rows.values())
    cut = sum(haircuts(story).values())
    units = per_unit(story)
    spread = max(units) - min(units)
    stages = found.fund + found.charges + found.deferred
    moved = sum(after.idle[one] != cash for one, cash in before.idle.items())
    unexplained = after.fund_cash - before.fund_cash + found.collateral + found.fund
    apart = sum(after.sizes.values())
    interest = sum(max(size, 0) for size in story.opened.sizes.values())
    size = cast.whale.sizes[MARKET_ID]
    # A size is a multiple of a step, so the share is not to the last digit.
    share_gap = abs(size * PPM // interest - scene.whale_share_ppm)
    return [
        Check(
            "The whale held the share of open interest that the scene says",
            share_gap <= 10,
            f"{size / interest:.4%} of {interest / WAD:,.4f} BTC",
        ),
        Check(
            "Every account at or below zero was closed, and nobody else",
            left == 0 and sorted(found.shortfalls) == bankrupt,
            f"{len(found.shortfalls)} closed, {left} left",
        ),
        Check(
            "The stages sum to the shortfall",
            stages == found.shortfall,
            f"difference {stages - found.shortfall} wei",
        ),
        Check(
            "Winners lost what the other stages left, no more",
            abs(cut - found.charges) <= ROUNDING_WEI,
            f"difference {cut - found.charges} wei over {len(units)} accounts",
        ),
        Check(
            "Every winner paid the same for a unit",
            spread <= ROUNDING_WEI,
            f"largest less least charge: {spread} wei per BTC",
        ),
        Check(
            "Accounts without positions are untouched",
            moved == 0,
            f"{moved} of {len(before.idle)} hold something else than before",
        ),
        Check(
            "The fund paid its stage and for collateral, nothing else",
            unexplained == 0,
            f"unexplained: {unexplained} wei",
        ),
        Check(
            "The keeper needed no capital and was paid in cash",
            before.keeper_cash == 0 and after.keeper_cash == found.reserve,
            f"${before.keeper_cash / WAD:,.2f} before, ${after.keeper_cash / WAD:,.2f} after",
        ),
        Check(
            "The books balance and both sides have one size",
            abs(after.conservation) <= CONSERVATION_BOUND_WEI
            and min(after.custody_gaps) >= 0
            and abs(apart) <= CONSERVATION_BOUND_WEI,
            f"error {after.conservation} wei; sides differ by {apart} wei of a unit; tokens beyond "
            f"the ledger: {after.custody_gaps[0]}",
        ),
    ]
