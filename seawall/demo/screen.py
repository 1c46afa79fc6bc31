"""What a person sees in the terminal while the demo runs, and the table at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from seawall.demo.checks import Check
from seawall.demo.replay import Course
from seawall.spec.words import WAD

#: What fits beside the bar in 80 columns.
_NOTE_WIDTH = 28


class Terminal:
    """A line per phase and one bar for the minutes of the day."""

    def __init__(self, console: Console, minutes: int) -> None:
        """Nothing is drawn before the context is entered."""
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._minutes = minutes
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        self._task = self._progress.add_task("", total=self._minutes, note="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self._progress.stop()

    def phase(self, text: str, detail: str = "") -> None:
        """Show what is being done."""
        assert self._task is not None
        self._progress.update(self._task, description=text, note=detail[:_NOTE_WIDTH])

    def minute(self, minute: int, course: Course) -> None:
        """Move the bar; the note is the number of steps so far and the fund."""
        assert self._task is not None
        note = f"{course.steps} steps, fund ${course.fund[-1] / WAD:,.0f}"
        self._progress.update(self._task, completed=minute + 1, note=note)


def show_lines(console: Console, title: str, lines: Sequence[tuple[str, str]]) -> None:
    """A table of names and values; an empty line draws a rule."""
    console.print(_table(title, lines))


def show_promises(console: Console, checks: Sequence[Check]) -> None:
    """One line per promise."""
    for check in checks:
        mark = "[green]kept  [/green]" if check.kept else "[red]BROKEN[/red]"
        console.print(f"{mark} {check.promise}: [dim]{check.detail}[/dim]", highlight=False)


def show(
    console: Console, summary: Mapping[str, Any], checks: Sequence[Check], report: Path
) -> None:
    """The table, one line per promise, and where the files are."""
    console.print(
        _table(summary["title"] + f": {summary['minutes']} minutes replayed", _lines(summary))
    )
    show_promises(console, checks)
    console.print(f"report: {report}", highlight=False, soft_wrap=True)


def show_wipeout(
    console: Console, summary: Mapping[str, Any], checks: Sequence[Check], figures: Path
) -> None:
    """Who paid, stage by stage, one line per promise, and where the figures are."""
    console.print(_table(summary["title"], _wipeout_lines(summary)))
    show_promises(console, checks)
    console.print(f"figures: {figures}", highlight=False, soft_wrap=True)


def _table(title: str, lines: Sequence[tuple[str, str]]) -> Table:
    """Two columns; an empty line draws a rule."""
    table = Table(title=title)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in lines:
        if name:
            table.add_row(name, value)
        else:
            table.add_section()
    table.show_header = False
    return table


def _wipeout_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    def money(name: str) -> str:
        return f"${summary[name]:,.2f}"

    rule = ("", "")
    return [
        ("BTC", f"{money('opening_price')} to {money('price')}"),
        ("open interest", f"{summary['open_interest']:,.4f} BTC"),
        ("the whale is long", f"{summary['whale_size']:,.4f} BTC, {summary['whale_share']:.1%}"),
        (
            "its equity",
            f"{money('whale_equity_opening')} to {money('whale_equity_after_gap')}",
        ),
        ("accounts closed", f"{summary['accounts_closed']} of {summary['accounts']}"),
        rule,
        ("longs closed", f"{summary['size_closed']:,.4f} BTC"),
        ("taken by the bucket (stage 2)", f"{summary['size_to_bucket']:,.4f} BTC"),
        ("closed against shorts", f"{summary['size_closed_of_shorts']:,.4f} BTC"),
        ("collateral to the fund (stage 3)", money("collateral_taken_by_fund")),
        rule,
        ("shortfall", money("shortfall")),
        ("insurance fund (stage 4)", money("paid_by_fund")),
        ("charged to shorts (stage 5)", money("charged_to_shorts")),
        ("charged to longs (stage 5)", money("charged_to_longs")),
        ("deferred (stage 6)", money("deferred")),
        rule,
        ("haircut of all winners", money("haircut")),
        ("haircut / shortfall after the fund", f"{summary['haircut_to_shortfall_left']:.2f}"),
        (
            "charge per BTC",
            f"{money('least_charge_per_unit')} to {money('largest_charge_per_unit')}, "
            f"{summary['winners']} winners",
        ),
        rule,
        ("fund before, after", f"{money('fund_before')}, {money('fund_after')}"),
        ("keeper's capital, earned", f"{money('keeper_capital')}, {money('keeper_earned')}"),
        (
            "transactions, gas",
            f"{summary['transactions']} in {summary['blocks']} block, {summary['gas']:,}",
        ),
        ("time", f"{summary['seconds']:.0f} s"),
    ]


def _lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    def money(name: str) -> str:
        return f"${summary[name]:,.2f}"

    return [
        ("accounts liquidated", f"{summary['accounts_liquidated']} of {summary['accounts']}"),
        (
            "liquidations",
            f"{summary['liquidations']:,} ({summary['partial_liquidations']:,} partial, "
            f"{summary['whole_closes']:,} whole)",
        ),
        ("notional closed", money("notional_closed")),
        (
            "notional needed",
            f"{money('notional_needed')}  (ratio {summary['closed_to_needed']:.4f})",
        ),
        ("fees to the fund", money("fees_to_fund")),
        (
            "shortfall",
            f"{money('shortfall')} in {summary['accounts_with_shortfall']} accounts",
        ),
        (
            "by fund / sides / deferred",
            f"{money('shortfall_paid_by_fund')} / {money('shortfall_charged')} / "
            f"{money('shortfall_deferred')}",
        ),
        ("fund before", money("fund_before")),
        ("fund after", money("fund_after")),
        ("conservation error", f"{summary['conservation_error_wei']} wei"),
        (
            "gas per liquidation",
            f"{summary['gas_per_liquidation']:,} mean, "
            f"{summary['gas_per_liquidation_median']:,} median",
        ),
        ("keeper outage", f"{summary['keeper_outage_minutes']} minutes"),
        (
            "time",
            f"{summary['seconds']:.0f} s ({summary['seconds_setup']:.0f} s until the first minute)",
        ),
    ]
