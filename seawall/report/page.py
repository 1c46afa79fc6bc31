"""The report as one HTML file that opens without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from seawall.report.figures import figures

_TEMPLATE = Path(__file__).with_name("template.html")
#: The hours that the second button of the page shows.
_RUSH_MINUTES = 240
_PLACE = re.compile(r"\{\{(\w+)\}\}")

#: Heading and reading help of each chart, in the order of the page.
_CHARTS = (
    (
        "price", "Prices, and where accounts were liquidated",
        "A circle is a partial liquidation, a diamond an account that was closed whole; the larger "
        "the mark, the more notional. They sit where the index was in that minute.",
    ),
    (
        "bands", "Accounts by margin ratio",
        "The margin ratio h is equity divided by maintenance margin, seen each minute before the "
        "keeper acts. Below 1 a keeper may step in; what it leaves stands at 1.1.",
    ),
    (
        "flow", "Notional closed",
        "A partial liquidation closes just enough to bring an account back to a margin ratio of "
        "1.1. Accounts that fell through the close-out line between two looks are closed whole.",
    ),
    (
        "fund", "The insurance fund",
        "Half of each liquidation fee goes to the fund. When an account is closed with less than "
        "nothing left, the fund pays the difference in the same transaction.",
    ),
)  # fmt: skip


def write_report(summary: Mapping[str, Any], series: Mapping[str, Any], path: Path) -> None:
    """Write the page; money in `summary` and `series` is in dollars."""
    path.write_text(render(summary, series), encoding="utf-8")


def render(summary: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    """The whole page as text."""
    parts = {
        "title": escape(str(summary["title"])),
        "lead": _lead(summary, series),
        "tiles": _tiles(summary),
        "charts": _charts(series),
        "shortfalls": _shortfalls(series["shortfalls"], int(summary["accounts_with_shortfall"])),
        "checks": _checks(summary["checks"]),
        "made": _made(summary),
        "figures": _embedded(figures(series)),
        "rush": _embedded(_rush(series)),
        "plotly": get_plotlyjs(),
    }
    # One pass, so that nothing within a part is taken for a place of the template.
    template = _TEMPLATE.read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: parts[place[1]], template)


def _embedded(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/")


def money(amount: float) -> str:
    """Dollars as a reader takes them in: thousands and millions shortened."""
    if abs(amount) >= 1_000_000:
        return f"${amount / 1_000_000:,.2f} M"
    if abs(amount) >= 10_000:
        return f"${amount / 1_000:,.1f} k"
    return f"${amount:,.2f}"


def fall(prices: Sequence[float]) -> float:
    """Largest fall from the first price, in percent."""
    return (1 - min(prices) / prices[0]) * 100


def _rush(series: Mapping[str, Any]) -> list[str]:
    """First and last time of the hours in which most was closed; empty where nothing was."""
    flow, times = series["flow"], series["times"]
    closed = [sum(both) for both in zip(flow["partial"], flow["whole"], strict=True)]
    if not any(closed) or len(times) <= _RUSH_MINUTES:
        return []
    sums = [
        sum(closed[start : start + _RUSH_MINUTES]) for start in range(len(times) - _RUSH_MINUTES)
    ]
    # Many windows hold the same steps: the middle one has some calm on both sides.
    best = [start for start, total in enumerate(sums) if total >= 0.999 * max(sums)]
    start = best[len(best) // 2]
    return [times[start], times[start + _RUSH_MINUTES]]


def _lead(summary: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    falls = [f"{name} fell {fall(prices):.0f} %" for name, prices in series["prices"].items()]
    sentences = [
        f"{' and '.join(falls)} from the first minute to the low of the day. Of "
        f"{summary['accounts']} leveraged accounts, {summary['accounts_liquidated']} fell below "
        f"maintenance margin. A keeper closed {money(summary['notional_closed'])} of positions in "
        f"{summary['liquidations']:,} steps, {summary['closed_to_needed']:.4f} times what was "
        "needed.",
        _fund_sentence(summary),
        f"Over all {summary['minutes']:,} minutes the books balanced with an error of "
        f"{summary['conservation_error_wei']} wei.",
    ]
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _fund_sentence(summary: Mapping[str, Any]) -> str:
    outage = summary["keeper_outage_minutes"]
    silence = (
        f"For {outage} minutes in the steepest fall no keeper acts, as the scene assumes: "
        if outage
        else ""
    )
    if not summary["shortfall"]:
        return f"{silence}No account ended below zero, so the insurance fund paid nothing.".strip()
    count = summary["accounts_with_shortfall"]
    whose = (
        "1 account lost more than it had"
        if count == 1
        else f"{count} accounts lost more than they had"
    )
    text = (
        f"{silence}{whose}, and the insurance fund paid {money(summary['shortfall_paid_by_fund'])}."
    )
    if summary["shortfall_charged"]:
        text += f" The sides that had won were charged {money(summary['shortfall_charged'])}."
    if summary["shortfall_deferred"]:
        text += f" It was empty then: {money(summary['shortfall_deferred'])} is deferred."
    return text


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = (
        ("accounts liquidated", f"{summary['accounts_liquidated']} of {summary['accounts']}",
         f"{summary['partial_liquidations']:,} partial steps, {summary['whole_closes']:,} whole"),
        ("notional closed", money(summary["notional_closed"]),
         f"needed {money(summary['notional_needed'])}"),
        ("shortfall", money(summary["shortfall"]),
         f"in {summary['accounts_with_shortfall']} accounts"),
        ("fund", money(summary["fund_after"]), f"before {money(summary['fund_before'])}"),
        ("fees to the fund", money(summary["fees_to_fund"]),
         f"as much to keepers: {money(summary['fees_to_keeper'])}"
         if summary["fees_to_keeper"] == summary["fees_to_fund"]
         else f"to keepers {money(summary['fees_to_keeper'])}"),
        ("conservation error", f"{summary['conservation_error_wei']} wei",
         "largest of any minute"),
        ("gas per liquidation", f"{summary['gas_per_liquidation']:,}",
         f"median {summary['gas_per_liquidation_median']:,}, whole transactions"),
        ("time", f"{summary['seconds']:.0f} s", f"{summary['minutes']:,} minutes of market"),
    )  # fmt: skip
    return "\n".join(
        f'<div class="tile"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"<small>{escape(note)}</small></div>"
        for name, value, note in tiles
    )


def _chart(name: str, heading: str, reading: str) -> str:
    return (
        f'<section class="card"><h2>{escape(heading)}</h2><p class="reading">{escape(reading)}</p>'
        f'<div class="chart" id="{name}"></div></section>'
    )


def _charts(series: Mapping[str, Any]) -> str:
    note = " Shaded: minutes in which no keeper acts." if series["outage"] else ""
    first, *others = (
        _chart(name, heading, reading + (note if index == 0 else ""))
        for index, (name, heading, reading) in enumerate(_CHARTS)
    )
    return "\n".join((first, *others, _story(series)))


def _story(series: Mapping[str, Any]) -> str:
    story = series["story"]
    if not story:
        return ""
    closed = sum(cut[1] for cut in story["cuts"])
    reading = (
        f"{story['name'].capitalize()} opened {story['opened']} on {money(story['collateral'])} of "
        f"collateral, {story['leverage']} times leverage. {len(story['cuts'])} cuts closed "
        f"{money(closed)} and cost {money(story['fees'])} in fees. The account ended the day with "
        f"{money(story['equity'][-1])} and a position still open."
    )
    return _chart("story", "One account that was cut, and lived", reading)


def _shortfalls(rows: Sequence[Mapping[str, Any]], accounts: int) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td>{escape(row['name'])}</td><td>{escape(row['opened'])}</td>"
        f"<td>{escape(row['time'])}</td><td class=n>{money(row['closed'])}</td>"
        f"<td class=n>{money(row['shortfall'])}</td><td class=n>{money(row['from_fund'])}</td></tr>"
        for row in rows
    )
    return (
        '<section class="card"><h2>Where the fund\'s money went</h2><p class="reading">'
        f"The largest of {accounts} shortfalls. No other trader paid any of it.</p>"
        '<div class="scroll"><table><thead><tr><th>account<th>opened<th>closed at'
        "<th class=n>notional<th class=n>shortfall<th class=n>fund paid</tr></thead>"
        f"<tbody>{lines}</tbody></table></div></section>"
    )


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        f'<li class="{"kept" if check["kept"] else "broken"}"><b>{escape(check["promise"])}</b>'
        f"<small>{escape(check['detail'])}</small></li>"
        for check in checks
    )


def _made(summary: Mapping[str, Any]) -> str:
    return escape(
        f"One-minute closes of Binance spot, {summary['minutes']:,} of them, written into three "
        "aggregators per market that differ by 1 to 3 basis points; their median is the close. "
        f"{summary['accounts']} traders are drawn from seed {summary['seed']}; each signed the "
        f"orders that opened its position, and {summary['market_makers']} market makers took them. "
        "Nobody "
        "adds margin or trades during the day. The keeper takes positions at the index price onto "
        f"an account with {money(summary['keeper_capital'])} and holds them; it ended with "
        f"{money(summary['keeper_equity_after'])}. Funding is zero. The contracts are the ones "
        "that are deployed, on a local node whose clock ran through the day."
    )
