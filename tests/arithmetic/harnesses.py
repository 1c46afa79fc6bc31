"""A deployed array harness, on Ape's node or inside the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pyrevm
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

GAS = 30_000_000
CALLER = "0x" + "ca" * 20


class Refused(Exception):  # noqa: N818  # an outcome of the rules
    """A call that reverted."""


class Harness(Protocol):
    """What the array tests need of a contract."""

    def call(self, function: str, *arguments: Any) -> Any:
        """Answer of a view. Errors: Refused."""

    def simulate(self, function: str, *arguments: Any) -> Any:
        """Answer of a function that writes, which no later call sees."""


class ApeHarness:
    """On the node that Ape started."""

    def __init__(self, contract: Any) -> None:
        self._contract = contract

    def call(self, function: str, *arguments: Any) -> Any:
        """Answer of a view. Errors: Refused."""
        from ape.exceptions import ContractLogicError

        try:
            return getattr(self._contract, function)(*arguments)
        except ContractLogicError as error:
            raise Refused(str(error)) from None

    def simulate(self, function: str, *arguments: Any) -> Any:
        """Answer of a function that writes, which no later call sees."""
        return getattr(self._contract, function).call(*arguments)


class RevmHarness:
    """In the process, from a compiled contract without constructor arguments."""

    def __init__(self, artifact: dict[str, Any]) -> None:
        self._evm = pyrevm.EVM(spec_id="CANCUN")
        code = artifact["deploymentBytecode"]["bytecode"].removeprefix("0x")
        self._address = self._evm.deploy(CALLER, bytes.fromhex(code), gas=GAS)
        views = [entry for entry in artifact["abi"] if entry["type"] == "function"]
        self._inputs = {view["name"]: _kinds(view["inputs"]) for view in views}
        self._outputs = {view["name"]: _kinds(view["outputs"]) for view in views}

    def call(self, function: str, *arguments: Any) -> Any:
        """Answer of a view. Errors: Refused; RuntimeError for a halt, which is no refusal."""
        return self._answer(function, arguments, is_static=True)

    def simulate(self, function: str, *arguments: Any) -> Any:
        """Answer of a function that writes, which no later call sees."""
        before = self._evm.snapshot()
        try:
            return self._answer(function, arguments, is_static=False)
        finally:
            self._evm.revert(before)

    def _answer(self, function: str, arguments: Sequence[Any], is_static: bool) -> Any:
        kinds = self._inputs[function]
        data = keccak(text=f"{function}({','.join(kinds)})")[:4] + encode(kinds, arguments)
        try:
            answer = self._evm.message_call(
                CALLER, self._address, data, gas=GAS, is_static=is_static
            )
        except RuntimeError as error:
            if "output: 0x" not in str(error):
                raise
            raise Refused(str(error)) from None
        finally:
            self._evm.reset_transient_storage()
        (value,) = decode(self._outputs[function], bytes(answer))
        # As Ape answers.
        return list(value) if isinstance(value, tuple) else value


def _kinds(entries: list[dict[str, Any]]) -> list[str]:
    """Types as a signature writes them: a struct by its members."""
    return [_kind(entry) for entry in entries]


def _kind(entry: dict[str, Any]) -> str:
    members = entry.get("components")
    if not members:
        return str(entry["type"])
    return f"({','.join(_kinds(members))})" + entry["type"].removeprefix("tuple")
