"""A chain inside the process, on Ape-compiled bytecode.

Calls are not whole transactions: gas is no measure here, and transient storage is cleared by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyrevm

from tests.fuzz.backend import CHAIN_ID, GAS, START, Argument, Call, Refused, address_of, call_data
from tests.fuzz.creation import Types, creation_code


class Revm:
    """The machine's backend on pyrevm."""

    def __init__(self, types: Types) -> None:
        settings = pyrevm.CfgEnv(chain_id=CHAIN_ID)
        self._evm = pyrevm.EVM(spec_id="CANCUN", env=pyrevm.Env(cfg=settings))
        self._types = types
        self._addresses: dict[str, str] = {}
        self._snapshot: Any = None
        self.time = START
        self._block = 1
        self._set_block()

    def deploy(self, name: str, contract: str, *arguments: Any) -> str:
        """Deploy a compiled contract under a name of its own; returns its address."""
        code = creation_code(self._types, contract, arguments)
        self._next_block(1)
        self._addresses[name] = self._evm.deploy(self.actor("deployer"), code, gas=GAS).lower()
        return self._addresses[name]

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Answer of a transaction. Errors: Refused."""
        self._next_block(1)
        return self._call(sender, target, call_data(signature, arguments), static=False)

    def view(self, calls: Sequence[Call]) -> list[bytes | None]:
        """Answers of independent views; None for one that reverts."""
        return [self._view(call) for call in calls]

    def addr(self, name: str) -> str:
        """Address of a deployed contract."""
        return self._addresses[name]

    def actor(self, name: str) -> str:
        """Address of a person."""
        return address_of(name)

    def warp(self, seconds: int) -> None:
        """Let time pass: an empty block."""
        self._next_block(seconds)

    def reset(self) -> None:
        """Return to the first call of this method, which only remembers the state."""
        if self._snapshot is not None:
            checkpoint, self.time, self._block = self._snapshot
            self._evm.revert(checkpoint)
        self._snapshot = (self._evm.snapshot(), self.time, self._block)
        self._set_block()

    def _view(self, call: Call) -> bytes | None:
        target, signature, arguments = call
        try:
            data = call_data(signature, arguments)
            return self._call(self.actor("viewer"), target, data, static=True)
        except Refused:
            return None

    def _call(self, sender: str, target: str, data: bytes, static: bool) -> bytes:
        try:
            answer = self._evm.message_call(sender, target, data, gas=GAS, is_static=static)
        except RuntimeError as error:
            found = re.search(r"output: 0x([0-9a-f]*)", str(error))
            # A halt (out of gas, invalid code) is no refusal.
            if found is None:
                raise
            raise Refused(bytes.fromhex(found[1])) from None
        finally:
            self._evm.reset_transient_storage()
        return bytes(answer)

    def _next_block(self, seconds: int) -> None:
        self.time += seconds
        self._block += 1
        self._set_block()

    def _set_block(self) -> None:
        self._evm.set_block_env(
            pyrevm.BlockEnv(
                number=self._block,
                timestamp=self.time,
                gas_limit=GAS,
                basefee=0,
                prevrandao=bytes(32),
            )
        )
