"""A chain inside the process: six methods that a node or another machine could offer as well.

Calls are not whole transactions: gas is no measure here, and transient storage is cleared by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyrevm
from eth_abi.abi import encode as encode_abi
from eth_utils.crypto import keccak

UINT256 = 1 << 256
GAS = 30_000_000
START = 1_750_000_000
ERROR_SELECTOR = keccak(text="Error(string)")[:4]

#: A tuple: a union is built anew at every test.
SCALAR = (int, str)

Argument = int | str | Sequence[int] | Sequence[Sequence[int]]


class Refused(Exception):  # noqa: N818  # the contract's word for it
    """A call that reverted; `reason` is empty where the contract gave none."""

    def __init__(self, data: bytes) -> None:
        self.reason = ""
        if data[:4] == ERROR_SELECTOR:
            length = int.from_bytes(data[36:68], "big")
            self.reason = data[68 : 68 + length].decode()
        super().__init__(self.reason or f"(no reason) {data.hex()}")


def selector(signature: str) -> bytes:
    """First four bytes of a function's hash."""
    return keccak(text=signature)[:4]


def _word(value: int | str) -> bytes:
    number = int(value, 16) if isinstance(value, str) else value
    return (number % UINT256).to_bytes(32, "big")


def _flat(items: Sequence[Any]) -> bytes:
    return b"".join(_flat(item) if isinstance(item, tuple) else _word(item) for item in items)


def encode(*arguments: Argument) -> bytes:
    """Static words, addresses, and lists of words or of static tuples."""
    head, tail = [], b""
    for argument in arguments:
        if isinstance(argument, SCALAR):
            head.append(_word(argument))
        else:
            head.append(_word(32 * len(arguments) + len(tail)))
            tail += _word(len(argument)) + _flat(argument)
    return b"".join(head) + tail


def words_of(data: bytes) -> list[int]:
    """An answer as unsigned words."""
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def signed(word: int) -> int:
    """Two's complement of a word."""
    return word - UINT256 if word >> 255 else word


class Revm:
    """The six methods: send, view, addr, actor, warp, reset; contracts are deployed before."""

    def __init__(self, types: dict[str, Any]) -> None:
        settings = pyrevm.CfgEnv(chain_id=31337)
        self._evm = pyrevm.EVM(spec_id="CANCUN", env=pyrevm.Env(cfg=settings))
        self._types = types
        self._addresses: dict[str, str] = {}
        self._selectors: dict[str, bytes] = {}
        self._actors: dict[str, str] = {}
        self._snapshot: Any = None
        self.time = START
        self._block = 1
        self._set_block()

    def deploy(self, name: str, contract: str, *arguments: Any) -> str:
        """Deploy a compiled contract under a name of its own; returns its address."""
        artifact = self._types[contract]
        inputs = [entry for entry in artifact["abi"] if entry["type"] == "constructor"]
        kinds = [value["type"] for value in inputs[0]["inputs"]] if inputs else []
        code = bytes.fromhex(artifact["deploymentBytecode"]["bytecode"].removeprefix("0x"))
        code += encode_abi(kinds, arguments)
        self._addresses[name] = self._evm.deploy(self.actor("deployer"), code, gas=GAS).lower()
        return self._addresses[name]

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Call as `sender`. Errors: Refused."""
        return self._call(sender, target, signature, arguments, static=False)

    def view(self, target: str, signature: str, *arguments: Argument) -> bytes:
        """Call without writing. Errors: Refused."""
        return self._call(self.actor("viewer"), target, signature, arguments, static=True)

    def addr(self, name: str) -> str:
        """Address of a deployed contract."""
        return self._addresses[name]

    def actor(self, name: str) -> str:
        """Address of a person."""
        if name not in self._actors:
            self._actors[name] = "0x" + keccak(text=name)[12:].hex()
        return self._actors[name]

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds
        self._block += 1
        self._set_block()

    def reset(self) -> None:
        """Return to the first call of this method, which only remembers the state."""
        if self._snapshot is not None:
            checkpoint, self.time, self._block = self._snapshot
            self._evm.revert(checkpoint)
        self._snapshot = (self._evm.snapshot(), self.time, self._block)
        self._set_block()

    def _call(
        self, sender: str, target: str, signature: str, arguments: Sequence[Argument], static: bool
    ) -> bytes:
        if signature not in self._selectors:
            self._selectors[signature] = selector(signature)
        data = self._selectors[signature] + encode(*arguments)
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
