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


def show(
    console: Console, summary: Mapping[str, Any], checks: Sequence[Check], report: Path
) -> None:
    """The table, one line per promise, and where the files are."""
    console.print(_table(summary))
    for check in checks:
        mark = "[green]kept  [/green]" if check.kept else "[red]BROKEN[/red]"
        console.print(f"{mark} {check.promise}: [dim]{check.detail}[/dim]", highlight=False)
    console.print(f"report: {report}", highlight=False, soft_wrap=True)


def _table(summary: Mapping[str, Any]) -> Table:
    table = Table(title=f"{summary['title']}: {summary['minutes']} minutes replayed")
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in _lines(summary):
        table.add_row(name, value)
    table.show_header = False
    return table


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
