"""The figures: which scene gives each, what is counted, what must have happened, and the goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench import risk_scenes, scenes, waterfall_scenes
from bench.stand import Act, Stand


@dataclass(frozen=True)
class Figure:
    """One number of the bench and its goal, in gas; goal 0 where none is set.

    `events` are what the system's contracts must log in the measured transaction, by name and
    stage: a scene that goes another way than it says is no measurement. `parts` divides the gas,
    rounded up; `execution` leaves out the base share; `real_usdc` picks the settlement token;
    `counted` measures once more among many markets, which may not change it.
    """

    name: str
    scene: Callable[[Stand], Act]
    goal: int
    events: Mapping[str, int] = field(default_factory=dict)
    parts: int = 1
    execution: bool = False
    real_usdc: bool = False
    counted: bool = False


def fills(makers: int) -> dict[str, int]:
    """Events of a match by a direct taker: each maker's order, the positions of all."""
    return {"OrderFilled": makers, "PositionChanged": makers + 1}


def slices(accounts: int, checks: int = 0) -> dict[str, int]:
    """Events of partial liquidations: two positions change in each, none in a batch's last check,
    which logs one all the same."""
    return {"Liquidated stage 1": accounts, "PositionChanged": 2 * accounts + checks}


def to_orders(makers: int) -> dict[str, int]:
    """Events of a slice to so many makers: their orders, the positions of all and of the account,
    and the keeper's, which stays and is logged all the same."""
    return {
        "Liquidated stage 1": 1,
        "Matched": 1,
        "OrderFilled": makers,
        "PositionChanged": makers + 2,
    }


def slices_of_all(legs: int) -> dict[str, int]:
    """Events of a slice that takes a fraction of each of so many legs."""
    return {"Liquidated stage 1": legs, "PositionChanged": 2 * legs}


def wholes(legs: int) -> dict[str, int]:
    """Events of a whole close of so many legs."""
    return {"Liquidated stage 2": legs, "PositionChanged": 2 * legs}


def closes(markets: int, accounts: int = 1) -> dict[str, int]:
    """Events of accounts that are closed against other sides, with a leg in each of some markets;
    their keeper reserves are paid at once."""
    return {
        "ClosedOut": accounts,
        "PositionChanged": markets * accounts,
        "SideChanged": markets,
        "Moved": 1,
    }


def by_fund(markets: int) -> dict[str, int]:
    """Events of a close whose shortfall the insurance fund pays, market by market."""
    return {"ShortfallPaid stage 4": markets, "Covered": markets, "Moved": 2}


FIGURES = (
    Figure("deposit_topup", scenes.deposit_topup, 65_000, {"Deposited": 1}),
    Figure("deposit_topup_usdc", scenes.deposit_topup, 90_000, {"Deposited": 1}, real_usdc=True),
    Figure("withdraw_with_leg", scenes.withdraw_with_leg, 0, {"Withdrawn": 1}),
    Figure("fill_open", scenes.fill_open, 175_000, fills(1)),
    Figure("fill_hold", scenes.fill_hold, 115_000, fills(1), counted=True),
    Figure("fill_hold_fresh", scenes.fill_hold_fresh, 132_000, fills(1)),
    Figure("fill_batch10_each", scenes.fill_batch10, 60_000, fills(10), parts=10),
    Figure("liquidate_1", scenes.liquidate_1, 120_000, slices(1), counted=True),
    Figure("liquidate_2", scenes.liquidate_2, 130_000, slices(1), counted=True),
    Figure("liquidate_4", scenes.liquidate_4, 160_000, slices(1), counted=True),
    Figure("liquidate_8", scenes.liquidate_8, 215_000, slices(1), counted=True),
    Figure("liquidate_1_new_keeper_leg", scenes.liquidate_1_new_keeper_leg, 0, slices(1)),
    Figure("liquidate_matched_1", scenes.liquidate_matched_1, 0, to_orders(1)),
    Figure(
        "liquidate_8_stale_index",
        scenes.liquidate_8_stale_index,
        0,
        slices(1) | {"IndexUpdated": 8},
    ),
    Figure("liquidate_many_20_each", scenes.liquidate_many_20, 0, slices(20, 1), parts=20),
    Figure("liquidate_whole_8", scenes.liquidate_whole_8, 0, wholes(8)),
    Figure("adl", waterfall_scenes.adl, 140_000, closes(1) | {"ShortfallPaid stage 5": 1}),
    Figure("bad_debt_1", waterfall_scenes.bad_debt_1, 175_000, closes(1) | by_fund(1)),
    Figure("close_out_8", waterfall_scenes.close_out_8, 400_000, closes(8) | by_fund(8)),
    Figure("close_out_16", waterfall_scenes.close_out_16, 0, closes(16) | by_fund(16)),
    Figure(
        "close_many_20_each",
        waterfall_scenes.close_many_20,
        0,
        closes(1, accounts=20) | by_fund(1),
        parts=20,
    ),
    Figure(
        "convert_1",
        scenes.convert_1,
        0,
        {"Converted": 1, "Moved": 2, "PositionChanged": 1},
    ),
    Figure("backstop_room", scenes.backstop_room, 0, execution=True),
    Figure(
        "backstop_auction_buy",
        scenes.backstop_auction_buy,
        0,
        {"Bought": 1, "PositionChanged": 2},
    ),
    Figure("margin_view_1", scenes.margin_view_1, 23_000, execution=True, counted=True),
    Figure("margin_view_4", scenes.margin_view_4, 55_000, execution=True, counted=True),
    Figure("margin_view_8", scenes.margin_view_8, 100_000, execution=True, counted=True),
    Figure("fill_hold_busy", risk_scenes.fill_hold_busy, 0, fills(1)),
    Figure("liquidate_1_busy", risk_scenes.liquidate_1_busy, 0, slices(1)),
    Figure("liquidate_8_busy", risk_scenes.liquidate_8_busy, 0, slices(1)),
    Figure("margin_view_1_busy", risk_scenes.margin_view_1_busy, 0, execution=True),
    Figure("margin_view_8_busy", risk_scenes.margin_view_8_busy, 0, execution=True),
    Figure("portfolio_view_8", risk_scenes.portfolio_view_8, 175_000, execution=True, counted=True),
    Figure("portfolio_view_8_busy", risk_scenes.portfolio_view_8_busy, 0, execution=True),
    Figure("fill_hold_portfolio", risk_scenes.fill_hold_portfolio, 0, fills(1)),
    Figure("liquidate_8_portfolio", risk_scenes.liquidate_8_portfolio, 0, slices_of_all(8)),
    Figure("set_mode", risk_scenes.set_mode, 0, {"ModeSet": 1}),
    Figure("call_margin_20", risk_scenes.call_margin_20, 0, {"MarginCall": 20}),
    Figure("follow_8", risk_scenes.follow_8, 0, {"Followed": 8}),
    Figure("index_update_3feeds", scenes.index_update_3feeds, 75_000, {"IndexUpdated": 1}),
    Figure("index_cached_read", scenes.index_cached_read, 5_000, execution=True),
)

BY_NAME = {figure.name: figure for figure in FIGURES}
