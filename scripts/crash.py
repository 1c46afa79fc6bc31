"""A crash on a development node: ape run crash --network ethereum:devnet:node.

Opens leveraged accounts by signed orders, gives the keeper margin, drops every price and watches
until no account is below maintenance margin. The keeper itself runs beside it (docs/keepers.md).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from ape import accounts as ape_accounts
from ape.cli import ConnectedProviderCommand
from rich.console import Console
from rich.table import Table

from seawall.deployed import DEVELOPMENT_CHAINS, DeploymentError
from seawall.deployment import read_registry
from seawall.keeper.chain import Chain
from seawall.keeper.rehearsal import CrashError, Outcome, Story, count_due, prepare, watch
from seawall.rpc import Rpc
from seawall.spec.words import PPM, account_id


@click.command(cls=ConnectedProviderCommand)
@click.option("--accounts", default=60, show_default=True, help="Accounts to have open.")
@click.option("--drop", default="0.12", show_default=True, help="Fall of every price; 0: none.")
@click.option("--keeper", help="Owner of the keeper's margin account [default: TEST::1].")
@click.option("--keeper-margin", default=3_000_000, show_default=True, help="Dollars it can use.")
@click.option("--timeout", default=60, show_default=True, help="Seconds to wait for the keeper.")
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    default=Path("deployments/devnet.yaml"),
    show_default=True,
    help="What `ape run deploy` wrote.",
)
def cli(
    provider: Any,
    accounts: int,
    drop: str,
    keeper: str | None,
    keeper_margin: int,
    timeout: int,
    registry: Path,
) -> None:
    """Open accounts, drop every price, wait until the keeper has liquidated what is due."""
    console = Console()
    try:
        read = read_registry(registry)
        if provider.chain_id not in DEVELOPMENT_CHAINS or provider.chain_id != read["chain_id"]:
            raise CrashError(
                f"chain {provider.chain_id} is not the development chain of {registry}"
            )
        owner = keeper or str(ape_accounts.test_accounts[1].address)
        story = Story(Rpc(provider.http_uri), read)
        chain = Chain(story.rpc, read, account_id(owner))
        opened = prepare(story, chain, accounts, keeper_margin)
        console.print(f"{len(opened)} accounts open, keeper {owner} has margin")
        if (fraction := _fraction(drop)) > 0:
            play(console, story, chain, opened, fraction, timeout)
    except (CrashError, DeploymentError) as error:
        raise click.ClickException(str(error)) from None


def play(
    console: Console, story: Story, chain: Chain, opened: list[int], fraction: int, timeout: int
) -> None:
    """The crash itself. Errors: CrashError when accounts are left below maintenance margin."""
    dropped = story.drop(fraction)
    was_due = count_due(chain, opened, dropped)
    console.print(f"block {dropped}: every price fell, {was_due} accounts are due")
    left = watch(chain, opened, timeout)
    console.print(table_of(story.outcome(dropped), was_due, left))
    if left:
        raise CrashError(
            f"{left} accounts are still due after {timeout} s: is the keeper running?\n"
            "  silverback run liquidator --network ethereum:devnet:node --account TEST::1"
        )


def table_of(outcome: Outcome, was_due: int, left: int) -> Table:
    """The measurement on screen."""
    table = Table(title="since the price drop", show_header=False)
    table.add_row("accounts below maintenance margin", str(was_due))
    table.add_row("accounts liquidated", str(outcome.accounts))
    table.add_row("of these closed out", str(outcome.closed))
    table.add_row("accounts left below maintenance margin", str(left))
    table.add_row("liquidations", str(outcome.steps))
    table.add_row("transactions", str(outcome.transactions))
    table.add_row("gas per liquidation", str(outcome.gas // max(outcome.steps, 1)))
    table.add_row("blocks to the last liquidation", str(outcome.blocks))
    table.add_row("seconds to the last liquidation", str(outcome.seconds))
    return table


def _fraction(text: str) -> int:
    try:
        fraction = Decimal(text)
    except InvalidOperation:
        raise CrashError(f"--drop: {text!r} is not a number") from None
    if not 0 <= fraction < 1:
        raise CrashError(f"--drop: {text} must be at least 0 and below 1")
    return int(fraction * PPM)
