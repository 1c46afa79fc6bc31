"""A local anvil node owned by the caller.

Ape starts its own node for tests and deployments; the demo, the replays and the fuzzers that need
speed or a clock of their own start one here and talk to it through `Rpc`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from seawall.rpc import GAS_LIMIT, Receipt, Rpc, RpcError, succeeded

__all__ = ["MNEMONIC", "Node", "NodeError", "Receipt", "Rpc", "RpcError", "find_anvil", "succeeded"]

MNEMONIC = "test test test test test test test test test test test junk"
HOST = "127.0.0.1"

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 20
_STOP_SECONDS = 5


class NodeError(Exception):
    """The local node is missing, did not start, or the port is taken."""


class Node:
    """An anvil process on a free port, stopped when the `with` block is left."""

    def __init__(
        self,
        chain_id: int = 31337,
        block_time: int | None = None,
        timestamp: int | None = None,
        port: int | None = None,
        accounts: int = 10,
        mnemonic: str = MNEMONIC,
        options: Sequence[str] = (),
    ) -> None:
        """Describe the node; entering the context starts it.

        `block_time` in seconds makes it mine on a clock instead of per transaction, `timestamp`
        is the time of the genesis block in seconds, `options` are passed to anvil as they are.
        """
        self.chain_id = chain_id
        self.port = port if port is not None else _free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.ws_url = f"ws://{HOST}:{self.port}"
        self._flags = ["--silent", "--host", HOST, "--port", str(self.port)]
        self._flags += ["--chain-id", str(chain_id), "--hardfork", "cancun"]
        self._flags += ["--accounts", str(accounts), "--mnemonic", mnemonic]
        self._flags += ["--gas-limit", str(GAS_LIMIT), "--base-fee", "0", "--gas-price", "0"]
        if block_time is not None:
            self._flags += ["--block-time", str(block_time)]
        if timestamp is not None:
            self._flags += ["--timestamp", str(timestamp)]
        self._flags += options
        self._process: subprocess.Popen[bytes] | None = None
        self._former_handler: Any = None

    def rpc(self) -> Rpc:
        """A new connection to this node."""
        return Rpc(self.url)

    def __enter__(self) -> Self:
        """Start anvil and wait for its answer. Errors: NodeError."""
        program = find_anvil()
        if _listens(self.port):
            raise NodeError(f"port {self.port} is taken: choose another or leave it out")
        self._catch_termination()
        with tempfile.TemporaryFile() as errors:
            # A group of its own: the terminal's Ctrl-C reaches the caller, who stops the node.
            self._process = subprocess.Popen(
                [program, *self._flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            try:
                self._wait_until_ready()
            except BaseException as failure:
                self.stop()
                errors.seek(0)
                text = errors.read().decode(errors="replace").strip()
                if isinstance(failure, NodeError) and text:
                    raise NodeError(f"{failure}: {text}") from None
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the node, whatever happened inside."""
        self.stop()

    def stop(self) -> None:
        """Stop the node's process group and wait for its end; nothing happens if it has ended."""
        process, self._process = self._process, None
        if process is not None:
            _end_group(process)
        self._release_termination()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        rpc = Rpc(self.url, timeout=_START_SECONDS)
        while time.monotonic() < deadline:
            if (status := self._process.poll()) is not None:
                raise NodeError(f"anvil ended with status {status}")
            try:
                answered = int(rpc.call("eth_chainId"), 16)
            except OSError:
                time.sleep(0.02)
                continue
            rpc.close()
            if answered != self.chain_id:
                raise NodeError(f"port {self.port} answers for chain {answered}")
            return
        raise NodeError(f"anvil gave no answer in {_START_SECONDS} s")

    def _catch_termination(self) -> None:
        # Without a handler a SIGTERM ends Python at once and leaves the node running.
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._former_handler = signal.signal(signal.SIGTERM, _exit_on_signal)

    def _release_termination(self) -> None:
        if self._former_handler is not None:
            signal.signal(signal.SIGTERM, self._former_handler)
            self._former_handler = None


def find_anvil() -> str:
    """Path of anvil: the virtual environment's, npm's, then PATH. Errors: NodeError."""
    native = sorted(_ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    for candidate in [Path(sys.prefix, "bin", "anvil"), *native]:
        if os.access(candidate, os.X_OK):
            return str(candidate)
    if found := shutil.which("anvil"):
        return found
    raise NodeError("anvil is not installed: run `make setup`")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_STOP_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
