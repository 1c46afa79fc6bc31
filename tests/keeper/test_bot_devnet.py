"""The bot as users run it: deployed, started and put through a crash on a node of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.client import Contract, load_abi
from seawall.deployment import read_registry
from seawall.node import Node
from seawall.rpc import Rpc

ROOT = Path(__file__).resolve().parents[2]
NETWORK = ("--network", "ethereum:devnet:node")
DEFAULT_ADDRESS = "127.0.0.1:8545"
ACCOUNTS = 24
COMMAND_SECONDS = 120
PROJECT_FILES = (".build", "bots", "contracts", "interfaces", "params", "scripts", "seawall")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node(chain_id=31338) as running:
        yield running


@pytest.fixture(scope="module")
def folder(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is, with the port of the test's node in its settings."""
    folder = tmp_path_factory.mktemp("project")
    for name in PROJECT_FILES:
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "ape-config.yaml").read_text()
    assert DEFAULT_ADDRESS in text
    text = text.replace(DEFAULT_ADDRESS, f"127.0.0.1:{node.port}")
    (folder / "ape-config.yaml").write_text(text)
    return folder


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A program of the environment, in a group of its own."""
    program = Path(sys.prefix, "bin", words[0])
    return subprocess.Popen(
        [str(program), *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Output of a command that ends by itself; it must succeed."""
    try:
        output, _ = process.communicate(timeout=COMMAND_SECONDS)
    finally:
        stop(process)
    assert process.returncode == 0, output
    return output


def stop(process: subprocess.Popen[str]) -> str:
    """End a command and all it started. Returns what it had still to say."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0]


def liquidations(rpc: Rpc, engine: Contract) -> list[dict[str, Any]]:
    wanted = {"address": engine.address, "topics": [engine.topic("Liquidated")], "fromBlock": "0x0"}
    return list(rpc.call("eth_getLogs", wanted))


@pytest.mark.slow
def test_bot_price_falls_liquidates_every_account_that_is_due(node: Node, folder: Path) -> None:
    config = ("--config", str(ROOT / "params" / "devnet.yaml"))
    finish(start(folder, "ape", "run", "deploy", *NETWORK, "--account", "TEST::0", *config))
    rpc = node.rpc()
    rpc.call("evm_setIntervalMining", 1)
    bot = start(folder, "silverback", "run", "liquidator", *NETWORK, "--account", "TEST::1")
    try:
        told = finish(start(folder, "ape", "run", "crash", *NETWORK, "--accounts", str(ACCOUNTS)))
    finally:
        log = stop(bot)
    registry = read_registry(folder / "deployments" / "devnet.yaml")
    engine = Contract(registry["contracts"]["LiquidationEngine"], load_abi("LiquidationEngine"))
    logs = liquidations(rpc, engine)
    expected = ACCOUNTS * 3 // 4
    assert f"{expected} accounts are due" in told
    assert len({entry["topics"][1] for entry in logs}) == expected, log
    senders = {rpc.call("eth_getTransactionByHash", one["transactionHash"])["from"] for one in logs}
    assert senders == {rpc.accounts()[1]}
    assert f"{ACCOUNTS + 1} open, {expected} due" in log
