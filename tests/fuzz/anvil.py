"""The same chain on a node that Ape manages, spoken to over one persistent connection.

A transaction is sent, its receipt polled, and what it answered read from its own trace: reads
straight after a submission may be stale, and a receipt carries no answer. Views go in one batch,
because they depend on nothing in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from seawall.rpc import Rpc, succeeded
from tests.fuzz.backend import GAS, START, Argument, Call, Refused, address_of, call_data
from tests.fuzz.creation import Types, creation_code

TOP_CALL = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
PATIENCE_SECONDS = 30
#: Between two looks for a receipt.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.0002, 0.01


class NodeError(Exception):
    """The node and the backend disagree about something that no contract decides."""


class Anvil:
    """The machine's backend on a node: anybody may send, each block is a second after the last."""

    def __init__(self, types: Types, url: str) -> None:
        self.rpc = Rpc(url)
        self._types = types
        self._addresses: dict[str, str] = {}
        #: Contract's name by address, for whoever prints a trace.
        self.contracts: dict[str, str] = {}
        self.last_transaction = ""
        self._found = self.rpc.snapshot()
        self._snapshot: tuple[str, int] | None = None
        self.time = START
        self.rpc.call("anvil_autoImpersonateAccount", True)
        self.rpc.set_block_interval(1)
        self.rpc.set_next_timestamp(START)
        self.rpc.mine()

    def close(self) -> None:
        """Leave the node as it was found."""
        self.rpc.revert(self._found)
        self.rpc.call("anvil_removeBlockTimestampInterval")
        self.rpc.call("anvil_autoImpersonateAccount", False)
        self.rpc.close()

    def deploy(self, name: str, contract: str, *arguments: Any) -> str:
        """Deploy a compiled contract under a name of its own; returns its address."""
        code = creation_code(self._types, contract, arguments)
        receipt = self.rpc.send(self.actor("deployer"), None, code)
        if not succeeded(receipt):
            raise NodeError(f"{contract} does not deploy")
        self.time += 1
        self._addresses[name] = str(receipt["contractAddress"]).lower()
        self.contracts[self._addresses[name]] = contract
        return self._addresses[name]

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Answer of a transaction. Errors: Refused."""
        data = call_data(signature, arguments)
        self.last_transaction = self.rpc.submit(sender, target, data, GAS)
        receipt, trace = self._mined(self.last_transaction)
        self.time += 1
        answer = bytes.fromhex(str(trace.get("output", "0x")).removeprefix("0x"))
        if succeeded(receipt):
            return answer
        if trace.get("error") != "execution reverted":
            raise NodeError(f"{self.last_transaction} halted: {trace.get('error')}")
        raise Refused(answer)

    def view(self, calls: Sequence[Call]) -> list[bytes | None]:
        """Answers of independent views; None for one that reverts."""
        return self.rpc.try_views([(to, call_data(name, rest)) for to, name, rest in calls])

    def addr(self, name: str) -> str:
        """Address of a deployed contract."""
        return self._addresses[name]

    def actor(self, name: str) -> str:
        """Address of a person."""
        return address_of(name)

    def warp(self, seconds: int) -> None:
        """Let time pass: an empty block."""
        self.time += seconds
        self.rpc.set_next_timestamp(self.time)
        self.rpc.mine()

    def reset(self) -> None:
        """Return to the first call of this method, which only remembers the state."""
        if self.rpc.timestamp() != self.time:
            raise NodeError(f"block time {self.rpc.timestamp()}, expected {self.time}")
        if self._snapshot is not None:
            snapshot_id, self.time = self._snapshot
            self.rpc.revert(snapshot_id)
        self._snapshot = (self.rpc.snapshot(), self.time)

    def _mined(self, tx_hash: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Receipt and outermost call of a transaction once it is mined."""
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE_SECONDS
        while time.monotonic() < deadline:
            receipt, trace = self.rpc.try_batch(
                [
                    ("eth_getTransactionReceipt", (tx_hash,)),
                    ("debug_traceTransaction", (tx_hash, TOP_CALL)),
                ]
            )
            if isinstance(receipt, dict) and isinstance(trace, dict):
                return receipt, trace
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        raise NodeError(f"transaction {tx_hash} is not mined after {PATIENCE_SECONDS} s")
