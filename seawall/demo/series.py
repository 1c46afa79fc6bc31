"""What the report draws, as `out/demo/series.json` holds it: plain lists, money in dollars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from seawall.demo.books import PARTIAL, Books, StepRecord
from seawall.demo.market_data import MarketDay
from seawall.demo.opening import Cast
from seawall.demo.population import Trader
from seawall.demo.replay import Course
from seawall.demo.scene import Scene
from seawall.keeper.planning import Row
from seawall.parameters import Parameters
from seawall.spec.words import PPM, WAD

#: Bands of the margin ratio h: name and lowest h in parts per million; "closed" holds no position.
BANDS = (
    ("h above 4", 4 * PPM),
    ("2 to 4", 2 * PPM),
    ("1.2 to 2", 1_200_000),
    ("margin call, 1 to 1.2", PPM),
    ("below maintenance", None),
)
CLOSED = "closed"
#: How many of the largest shortfalls are listed.
_LISTED = 6
#: Cuts that make an account worth telling of.
_SEVERAL = 4


def build(
    scene: Scene, day: MarketDay, cast: Cast, course: Course, books: Books, parameters: Parameters
) -> dict[str, Any]:
    """Everything the report needs beside the summary."""
    return {
        "times": [_clock(time) for time in day.times],
        "prices": {name: [float(price) for price in column] for name, column in day.closes.items()},
        "bands": _bands(course, len(cast.traders)),
        "marks": _marks(books, parameters),
        "flow": _flow(books, len(day)),
        "fund": [_dollars(cash) for cash in course.fund],
        "outage": _outage(scene, day),
        "story": _story(cast, course, books, parameters),
        "shortfalls": _shortfalls(books, cast, parameters, day),
    }


def _dollars(wei: int) -> float:
    return round(wei / WAD, 2)


def _clock(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def band_of(row: Row) -> str:
    """Name of the band an account is in."""
    if row.maintenance == 0:
        return CLOSED
    for name, lowest in BANDS:
        if lowest is None or row.equity * PPM >= row.maintenance * lowest:
            return name
    raise AssertionError("the last band has no lower end")


def _bands(course: Course, traders: int) -> dict[str, list[int]]:
    counts = {name: [0] * len(course.rows) for name in (*(name for name, _ in BANDS), CLOSED)}
    for minute, rows in enumerate(course.rows):
        for row in rows[:traders]:
            counts[band_of(row)][minute] += 1
    return counts


def _marks(books: Books, parameters: Parameters) -> dict[str, dict[str, list[list[float]]]]:
    """Per market and stage: [minute, notional closed, steps] of each minute with steps."""
    symbols = {market.market_id: market.symbol for market in parameters.markets}
    found: dict[str, dict[str, dict[int, list[float]]]] = {
        symbol: {"partial": defaultdict(lambda: [0.0, 0]), "whole": defaultdict(lambda: [0.0, 0])}
        for symbol in symbols.values()
    }
    for step in books.steps:
        stage = "partial" if step.stage == PARTIAL else "whole"
        for market_id, closed in step.legs:
            entry = found[symbols[market_id]][stage][step.minute]
            entry[0] += _dollars(closed)
            entry[1] += 1
    return {
        symbol: {
            stage: [[minute, *entry] for minute, entry in sorted(minutes.items())]
            for stage, minutes in stages.items()
        }
        for symbol, stages in found.items()
    }


def _flow(books: Books, minutes: int) -> dict[str, list[float]]:
    """Per minute: notional closed by stage, fees to the fund, what it paid, what is deferred."""
    names = ("partial", "whole", "fees", "paid", "deferred")
    flow: dict[str, list[float]] = {name: [0.0] * minutes for name in names}
    for step in books.steps:
        stage = "partial" if step.stage == PARTIAL else "whole"
        flow[stage][step.minute] += _dollars(step.closed)
        flow["fees"][step.minute] += _dollars(step.to_fund)
        flow["paid"][step.minute] += _dollars(step.from_fund)
        flow["deferred"][step.minute] += _dollars(step.deferred)
    return flow


def _outage(scene: Scene, day: MarketDay) -> list[str]:
    """First and last time of the keeper's outage; empty where there is none in these minutes."""
    missed = [time for time in day.times if scene.outage and scene.outage.covers(time)]
    return [_clock(missed[0]), _clock(missed[-1] + 60)] if missed else []


def describe(trader: Trader, parameters: Parameters) -> str:
    """What a trader opened, for instance "long 3.2 BTC"."""
    symbols = {market.market_id: market.symbol for market in parameters.markets}
    return " and ".join(
        f"{'long' if size > 0 else 'short'} {abs(size) / WAD:,.4g} {symbols[market_id]}"
        for market_id, size in trader.sizes.items()
    )


def _story(
    cast: Cast, course: Course, books: Books, parameters: Parameters
) -> dict[str, Any] | None:
    """The largest trader who was cut several times and still held a position at the end."""
    steps: dict[int, list[StepRecord]] = defaultdict(list)
    for step in books.steps:
        steps[step.account].append(step)
    alive = [
        (min(len(steps[trader.actor.account]), _SEVERAL), trader.collateral, index)
        for index, trader in enumerate(cast.traders)
        if trader.actor.account in steps and course.rows[-1][index].maintenance
    ]
    if not alive:
        return None
    _, _, chosen = max(alive)
    trader = cast.traders[chosen]
    cuts = steps[trader.actor.account]
    rows = [rows[chosen] for rows in course.rows]
    return {
        "name": trader.actor.name,
        "opened": describe(trader, parameters),
        "collateral": trader.collateral,
        "leverage": round(_opening_notional(rows, parameters) / trader.collateral, 1),
        "equity": [_dollars(row.equity) for row in rows],
        "maintenance": [_dollars(row.maintenance) for row in rows],
        "cuts": [[cut.minute, _dollars(cut.closed), _dollars(cut.before.equity)] for cut in cuts],
        "fees": _dollars(sum(cut.fee for cut in cuts)),
    }


def _opening_notional(rows: Sequence[Row], parameters: Parameters) -> float:
    rate = parameters.markets[0].maintenance / PPM
    return rows[0].maintenance / WAD / rate


def _shortfalls(
    books: Books, cast: Cast, parameters: Parameters, day: MarketDay
) -> list[dict[str, Any]]:
    """The largest shortfalls: who, what they had opened, and who paid."""
    traders = {trader.actor.account: trader for trader in cast.traders}
    short = sorted(
        (step for step in books.steps if step.shortfall),
        key=lambda step: -step.shortfall,
    )
    return [
        {
            "name": traders[step.account].actor.name,
            "opened": describe(traders[step.account], parameters),
            "time": _clock(day.times[step.minute])[11:],
            "closed": _dollars(step.closed),
            "shortfall": _dollars(step.shortfall),
            "from_fund": _dollars(step.from_fund),
        }
        for step in short[:_LISTED]
    ]
