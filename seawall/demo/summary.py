"""The figures of one replay, as `out/demo/summary.json` holds them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from seawall.demo.books import PARTIAL, WHOLE, Books
from seawall.demo.checks import CONSERVATION_BOUND_WEI, Audit, Check, conservation_error
from seawall.demo.opening import Cast
from seawall.demo.replay import Course
from seawall.demo.scene import Scene
from seawall.spec.words import WAD

#: What the numbers of the summary mean; money is rounded to a millionth.
UNITS = {
    "money": "US dollars: every key without another unit here",
    "counts": "accounts, accounts_*, liquidations, partial_liquidations, whole_closes, "
    "liquidation_transactions, left_below_maintenance, minutes, market_makers, seed",
    "wei": "conservation_error_wei, conservation_bound_wei: 1e-18 dollars",
    "gas": "gas_per_liquidation*: whole transactions divided by the steps in them",
    "seconds": "seconds, seconds_setup, seconds_replay: wall clock",
    "closed_to_needed": "notional_closed / notional_needed",
    "notional_needed": "above close-out the size that restores the target buffer, "
    "below it the whole account",
}


def dollars(wei: int) -> float:
    """WAD money as a number of dollars, to a millionth."""
    return round(wei / WAD, 6)


def summarise(
    scene: Scene,
    cast: Cast,
    course: Course,
    books: Books,
    found: Audit,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Every figure, in the order a reader wants them."""
    steps = books.steps
    closed = sum(step.closed for step in steps)
    needed = sum(step.needed for step in steps)
    names = "to_fund keeper_fee reserve shortfall from_fund charged deferred"
    total = {name: dollars(sum(getattr(step, name) for step in steps)) for name in names.split()}
    return {
        "scene": scene.name,
        "title": scene.title,
        "minutes": len(course.rows),
        "accounts": len(cast.traders),
        "liquidations": len(steps),
        "accounts_liquidated": len({step.account for step in steps}),
        "accounts_with_shortfall": len({step.account for step in steps if step.shortfall}),
        "partial_liquidations": sum(step.stage == PARTIAL for step in steps),
        "whole_closes": sum(step.stage == WHOLE for step in steps),
        "notional_opened": dollars(course.notional_opened),
        "notional_closed": dollars(closed),
        "notional_needed": dollars(needed),
        "closed_to_needed": round(closed / needed, 6) if needed else 0.0,
        "fees_to_fund": total["to_fund"],
        "fees_to_keeper": total["keeper_fee"],
        "reserves_to_keeper": total["reserve"],
        "shortfall": total["shortfall"],
        "shortfall_paid_by_fund": total["from_fund"],
        "shortfall_charged": total["charged"],
        "shortfall_deferred": total["deferred"],
        "fund_before": dollars(course.fund_before),
        "fund_after": dollars(course.fund[-1]),
        "conservation_error_wei": conservation_error(course, found),
        "conservation_bound_wei": CONSERVATION_BOUND_WEI,
        "left_below_maintenance": len(course.left_below),
        **_gas(books.transaction_gas),
        "keeper_outage_minutes": scene.outage.minutes if scene.outage else 0,
        "keeper_capital": float(scene.keeper_capital),
        "keeper_equity_after": dollars(course.keeper_equity[-1]),
        "market_makers": len(cast.market_makers),
        "seed": scene.seed,
        **{name: round(value, 1) for name, value in seconds.items()},
        "units": UNITS,
    }


def _gas(transactions: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Mean over all steps, and the median of what a step costs in its transaction."""
    steps = sum(count for _, count in transactions)
    per_step = [gas // count for gas, count in transactions for _ in range(count)]
    return {
        "gas_per_liquidation": round(sum(gas for gas, _ in transactions) / steps) if steps else 0,
        "gas_per_liquidation_median": round(statistics.median(per_step)) if per_step else 0,
        "liquidation_transactions": len(transactions),
    }


def with_checks(summary: Mapping[str, Any], checks: Sequence[Check]) -> dict[str, Any]:
    """The summary with one entry per promise."""
    return {
        **summary,
        "checks": [
            {"promise": one.promise, "kept": one.kept, "detail": one.detail} for one in checks
        ],
    }
