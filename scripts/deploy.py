"""Deploy Seawall: ape run deploy --network <network> --config params/<network>.yaml."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from ape import project
from ape.cli import ConnectedProviderCommand, account_option
from ape.logging import logger
from rich.console import Console
from rich.table import Table

from seawall.deployed import DeploymentError
from seawall.deployment import check_chain, deploy, write_registry
from seawall.parameters import load
from seawall.quantities import ParameterError


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option(
    "--config", type=click.Path(path_type=Path), required=True, help="Parameter file to deploy."
)
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    help="Where to write the addresses [default: deployments/<name of the config>.yaml].",
)
def cli(account: Any, provider: Any, config: Path, registry: Path | None) -> None:
    """Deploy every contract of Seawall, configure it, read it back and write the registry."""
    console = Console()
    started = time.monotonic()
    try:
        parameters = load(config)
        check_chain(parameters, provider.chain_id)
        # Ape would print a line per transaction between the lines of the status.
        with console.status("deploying") as status, logger.at_level("WARNING"):
            system = deploy(project, account, parameters, report=status.update)
    except (ParameterError, DeploymentError) as error:
        raise click.ClickException(str(error)) from None
    path = registry or Path("deployments") / f"{parameters.name}.yaml"
    write_registry(system, path, provider.chain_id, str(account.address))
    table = Table(title=f"Seawall on chain {provider.chain_id}")
    table.add_column("contract")
    table.add_column("address")
    for name, address in system.addresses().items():
        table.add_row(name, address)
    console.print(table)
    console.print(f"configuration read back from the chain: as in {config}")
    console.print(f"registry: {path}   ({time.monotonic() - started:.0f} s)")
