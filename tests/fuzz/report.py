"""What a run shows on the screen and writes into the summary file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.fuzz.campaign import LEAST_HITS
from tests.fuzz.explore import Tally

OUT = Path(__file__).parents[2] / "out" / "fuzz"
SUMMARY = OUT / "summary.json"
FAILURES = OUT / "failures"
SOAKS = OUT / "soaks.jsonl"
RAREST = 3
WIDTH = 110
#: Between two lines of progress where there is no terminal.
QUIET_SECONDS = 60


def console() -> Console:
    """Where everything is printed; wide where no terminal says how wide."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=WIDTH)


@contextmanager
def progress(screen: Console, title: str) -> Iterator[Callable[[str], None]]:
    """A function that shows a line: in its place on a terminal, now and then elsewhere."""
    if screen.is_terminal:
        with screen.status(title) as status:
            yield lambda line: status.update(f"{title}: {line}")
        return
    printed = time.monotonic()

    def show(line: str) -> None:
        nonlocal printed
        if time.monotonic() - printed > QUIET_SECONDS:
            printed = time.monotonic()
            screen.print(f"{title}: {line}", markup=False)

    yield show


def progress_line(tallies: Iterable[Tally], seconds: float) -> str:
    """One line: transactions, sequences, speed."""
    listed = list(tallies)
    sent = sum(tally.transactions for tally in listed)
    examples = sum(tally.examples for tally in listed)
    return f"{sent:,} transactions, {examples:,} sequences, {sent / max(seconds, 1e-9):,.0f} per s"


def summary_table(tallies: Sequence[Tally], failed: int) -> Table:
    """Backends beside each other, and the rules with the fewest successes."""
    table = Table("backend", title="Fuzz", title_justify="left")
    for name in ("transactions", "sequences", "seconds", "per second"):
        table.add_column(name, justify="right")
    table.add_column("fewest successes", no_wrap=True)
    for tally in tallies:
        hits = sorted(tally.rule_hits.items(), key=lambda item: item[1])
        rarest = "\n".join(f"{number:,} {name}" for name, number in hits[:RAREST])
        table.add_row(
            tally.backend,
            f"{tally.transactions:,}",
            f"{tally.examples:,}",
            f"{tally.seconds:.0f}",
            f"{tally.transactions / max(tally.seconds, 1e-9):,.0f}",
            rarest,
        )
    needed = " and ".join(f"{least} ({backend})" for backend, least in LEAST_HITS.items())
    table.caption = f"{failed} violations; every rule needs {needed} successes"
    return table


def write_summary(tallies: Sequence[Tally]) -> None:
    """The summary file: a list with an entry per backend."""
    OUT.mkdir(parents=True, exist_ok=True)
    SUMMARY.write_text(json.dumps([tally.summary() for tally in tallies], indent=1) + "\n")


def write_soak(text: str, tally: Tally, failures: int) -> None:
    """A soak's line in the list of soaks, in place of an earlier one of the same seed."""
    OUT.mkdir(parents=True, exist_ok=True)
    entry = {"seed": text, "violations": failures, **tally.summary()}
    known = SOAKS.read_text().splitlines() if SOAKS.exists() else []
    others = [line for line in known if json.loads(line)["seed"] != text]
    SOAKS.write_text("\n".join([*others, json.dumps(entry)]) + "\n")
