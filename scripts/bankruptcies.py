"""Clear accounts that are bankrupt at once: python -m scripts.bankruptcies [--accounts N]."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from seawall.demo import bankruptcies
from seawall.demo.errors import DemoError
from seawall.demo.run import clear_bankruptcies
from seawall.demo.screen import show_lines, show_promises

ACCOUNTS = 1_000


def main() -> int:
    """Run and show; status 1 when it cannot run or a promise is broken."""
    parser = argparse.ArgumentParser(prog="make bankruptcies", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"default {ACCOUNTS}")
    accounts = parser.parse_args().accounts
    console = Console()
    try:
        if accounts < 1:
            raise DemoError(f"--accounts {accounts}: 1 or more")
        outcome = clear_bankruptcies(accounts, lambda phase: console.print(phase, style="dim"))
    except DemoError as error:
        console.print(f"[red]bankruptcies:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("bankruptcies: stopped; the node is gone")
        return 130
    title = f"{accounts:,} accounts bankrupt at once"
    show_lines(console, title, bankruptcies.lines(outcome))
    show_promises(console, outcome.checks)
    return 0 if all(check.kept for check in outcome.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
