"""The bot as users run it: deployed, started and put through a crash on a node of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.client import Contract, load_abi
from seawall.deployment import read_registry
from seawall.node import Node
from seawall.rpc import Rpc, succeeded
from seawall.spec.words import PAY, WAD, account_id
from tests.desk import FIRST_TOKEN_ID, creation

ROOT = Path(__file__).resolve().parents[2]
NETWORK = ("--network", "ethereum:devnet:node")
DEFAULT_ADDRESS = "127.0.0.1:8545"
ACCOUNTS = 24
#: Of the long accounts some are liquidated whole, some in part, and some are only called.
CRASH = ("--accounts", str(ACCOUNTS), "--drop", "0.07")
COMMAND_SECONDS = 120
EVENT_SECONDS = 30
GAS = 6_000_000
SETTINGS = {
    "PYTHONUNBUFFERED": "1",
    "SEAWALL_CONVERT_MAX": "1000",
    "SEAWALL_NATIVE_PRICE": "3000",
}
PROJECT_FILES = (".build", "bots", "contracts", "interfaces", "params", "scripts", "seawall")


@pytest.fixture(scope="module")
def own_node() -> Iterator[Node]:
    with Node(chain_id=31338) as running:
        yield running


@pytest.fixture(scope="module")
def folder(own_node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is, with the port of the test's node in its settings."""
    folder = tmp_path_factory.mktemp("project")
    for name in PROJECT_FILES:
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "ape-config.yaml").read_text()
    assert DEFAULT_ADDRESS in text
    text = text.replace(DEFAULT_ADDRESS, f"127.0.0.1:{own_node.port}")
    (folder / "ape-config.yaml").write_text(text)
    return folder


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A program of the environment, in a group of its own."""
    program = Path(sys.prefix, "bin", words[0])
    return subprocess.Popen(
        [str(program), *words[1:]],
        cwd=folder,
        env=os.environ | SETTINGS | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
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


class Deployed:
    """What stands on the node, as the registry names it."""

    def __init__(self, rpc: Rpc, registry: dict[str, Any]) -> None:
        self.rpc = rpc
        self.owner, self.bot, _, self.debtor = rpc.accounts()[:4]
        self._addresses = registry["contracts"]

    def contract(self, name: str, kind: str = "") -> Contract:
        return Contract(self._addresses[name], load_abi(kind or name))

    def logs(self, name: str, event: str) -> list[dict[str, Any]]:
        """All events of one kind, with the sender of each one's transaction."""
        contract = self.contract(name)
        wanted = {
            "address": contract.address,
            "topics": [contract.topic(event)],
            "fromBlock": "0x0",
        }
        found = []
        for log in self.rpc.call("eth_getLogs", wanted):
            sent = self.rpc.call("eth_getTransactionByHash", log["transactionHash"])
            found.append(contract.event(log)[1] | {"from": sent["from"]})
        return found

    def send(self, sender: str, contract: Contract, function: str, *args: Any) -> None:
        data = contract.encode(function, *args)
        assert succeeded(self.rpc.send(sender, contract.address, data, GAS))

    def create(self, name: str, *args: Any) -> Contract:
        receipt = self.rpc.send(self.owner, None, creation(name, *args), GAS)
        return Contract(receipt["contractAddress"], load_abi(name))

    def indebt(self) -> int:
        """An account without legs that owes 200 dollars on ten tokens of 100."""
        house, settlement = (
            self.contract("Clearinghouse"),
            self.contract("SettlementToken", "Token"),
        )
        token = self.create("Token", "Collateral", "COL", 18)
        source = self.create("MockAggregator", 8, 100 * 10**8)
        adapter = self.create("ChainlinkFeed", source.address, 0, 0, 0)
        feeds = [(adapter.address, 3_600, 3_600, False)]
        oracle = self.contract("IndexOracle")
        self.send(self.owner, oracle, "set_feeds", FIRST_TOKEN_ID, (1, 5_000, 0), feeds)
        self.send(self.owner, house, "set_token", 1, token.address, 10**9)
        account = account_id(self.debtor)
        self.send(self.debtor, token, "mint", self.debtor, 10 * WAD)
        self.send(self.debtor, token, "approve", house.address, 10 * WAD)
        self.send(self.debtor, house, "deposit", account, 1, 10 * WAD)
        self.send(self.owner, settlement, "mint", self.owner, 10**6)
        self.send(self.owner, settlement, "approve", house.address, 10**6)
        creditor = account_id(self.owner)
        self.send(self.owner, house, "deposit", creditor, 0, 10**6)
        self.send(self.owner, house, "set_module", self.owner, PAY)
        self.send(self.owner, house, "pay", account, creditor, 0, 200 * WAD)
        return account

    def save(self, dollars: int) -> None:
        """Put so many dollars into the insurance fund."""
        fund, settlement = self.contract("InsuranceFund"), self.contract("SettlementToken", "Token")
        native = dollars * 10**6
        self.send(self.owner, settlement, "mint", self.owner, native)
        self.send(self.owner, settlement, "approve", fund.address, native)
        self.send(self.owner, fund, "deposit", native, self.owner)


def wait_for(found: Callable[[], list[Any]]) -> list[Any]:
    """What is there within half a minute."""
    deadline = time.monotonic() + EVENT_SECONDS
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


@pytest.mark.slow
def test_bot_price_falls_liquidates_calls_follows_and_converts(
    own_node: Node, folder: Path
) -> None:
    config = ("--config", str(ROOT / "params" / "devnet.yaml"))
    finish(start(folder, "ape", "run", "deploy", *NETWORK, "--account", "TEST::0", *config))
    rpc = own_node.rpc()
    deployed = Deployed(rpc, read_registry(folder / "deployments" / "devnet.yaml"))
    debtor = deployed.indebt()
    deployed.save(1_000_000)
    rpc.call("evm_setIntervalMining", 1)
    bot = start(folder, "silverback", "run", "keeper", *NETWORK, "--account", "TEST::1")
    try:
        told = finish(start(folder, "ape", "run", "crash", *NETWORK, *CRASH))
        conversions = wait_for(lambda: deployed.logs("CollateralConverter", "Converted"))
        calls = wait_for(lambda: deployed.logs("RiskMonitor", "MarginCall"))
        follows = wait_for(lambda: deployed.logs("MarginModel", "Followed"))
    finally:
        log = stop(bot)
    found = re.search(r"(\d+) accounts are due", told)
    assert found is not None
    expected = int(found.group(1))
    assert 0 < expected < ACCOUNTS
    liquidated = deployed.logs("LiquidationEngine", "Liquidated")
    assert len({event["account"] for event in liquidated}) == expected, log
    assert [event["account"] for event in conversions] == [debtor], log
    assert calls, log
    assert {event["market_id"] for event in follows} == {1, 2}, log
    everything = [*liquidated, *conversions, *calls, *follows]
    assert {event["from"] for event in everything} == {deployed.bot}
    assert f"{ACCOUNTS + 1} open, {expected} due" in log
