"""Calldata, return data and logs of a compiled contract, without a provider.

For loops that talk raw JSON-RPC: coders are built once per function and kept. Structs go in and
come out as tuples, addresses as hex strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eth_abi.decoding import ContextFramesBytesIO
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import registry
from eth_utils import keccak

ROOT = Path(__file__).resolve().parents[2]

_MANIFEST = Path(".build/__local__.json")

Abi = list[dict[str, Any]]


class ContractError(ValueError):
    """No such contract, function or event, or values that do not fit its types."""


def load_abi(name: str, root: Path = ROOT) -> Abi:
    """ABI of a compiled contract. Errors: ContractError when it is not compiled."""
    path = root / _MANIFEST
    if not path.is_file():
        raise ContractError(f"{_MANIFEST} is missing: run make compile")
    compiled = _abis(path, path.stat().st_mtime_ns)
    if name not in compiled:
        raise ContractError(f"{name} is not compiled: run make compile")
    return compiled[name]


@lru_cache(maxsize=4)
def _abis(path: Path, written_at: int) -> dict[str, Abi]:
    """ABI of every contract; the file is large, so it is read once per time of writing."""
    contracts = json.loads(path.read_text())["contractTypes"]
    return {name: list(contract["abi"]) for name, contract in contracts.items()}


@dataclass(frozen=True)
class _Function:
    selector: bytes
    arguments: str
    returns: str
    single: bool

    def encode(self, args: tuple[Any, ...]) -> bytes:
        # The coder of an empty tuple does not exist.
        return self.selector + bytes(registry.get_encoder(self.arguments)(args) if args else b"")

    def decode(self, data: bytes) -> Any:
        values = _decode(self.returns, data)
        return values[0] if self.single else values


@dataclass(frozen=True)
class _Event:
    name: str
    indexed: tuple[tuple[str, str], ...]
    plain: tuple[tuple[str, str], ...]

    def decode(self, topics: list[str], data: bytes) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for (field, kind), topic in zip(self.indexed, topics[1:], strict=True):
            word = _bytes(topic)
            # Only the hash of a value without a fixed length is in its topic.
            values[field] = word if _is_dynamic(kind) else _decode(f"({kind})", word)[0]
        fields = [field for field, _ in self.plain]
        kinds = ",".join(kind for _, kind in self.plain)
        return values | dict(zip(fields, _decode(f"({kinds})", data), strict=True))


class Contract:
    """A contract at an address: `encode` a call, `decode` its return data, read an `event`."""

    def __init__(self, address: str, abi: Abi) -> None:
        """Index the ABI; nothing is asked of a node."""
        self.address = address
        self._functions: dict[tuple[str, int], _Function] = {}
        self._events: dict[str, _Event] = {}
        for entry in abi:
            if entry["type"] == "function":
                self._functions[entry["name"], len(entry["inputs"])] = _function(entry)
            elif entry["type"] == "event":
                self._events[_topic(entry)] = _event(entry)

    def encode(self, function: str, *args: Any) -> bytes:
        """Selector and arguments. Errors: ContractError for an unknown function or a misfit."""
        found = self._functions.get((function, len(args)))
        if found is None:
            counts = self._counts(function)
            raise ContractError(
                f"{function} takes {' or '.join(counts)} arguments, not {len(args)}"
            )
        try:
            return found.encode(args)
        except EncodingError as error:
            raise ContractError(f"{function}{found.arguments}: {error}") from None

    def decode(self, function: str, data: bytes) -> Any:
        """The returned value, or a tuple of several. Errors: ContractError for data too short."""
        self._counts(function)
        found = next(one for (name, _), one in self._functions.items() if name == function)
        try:
            return found.decode(data)
        except DecodingError as error:
            raise ContractError(f"{function} returned {len(data)} bytes: {error}") from None

    def topic(self, event: str) -> str:
        """First topic (0x and 64 digits) of an event, as `eth_getLogs` filters by it."""
        for topic, found in self._events.items():
            if found.name == event:
                return topic
        raise ContractError(f"no event {event} at {self.address}")

    def event(self, log: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Name and fields of a JSON-RPC log. Errors: ContractError if it is not of this ABI."""
        topics = list(log["topics"])
        found = self._events.get(topics[0]) if topics else None
        if found is None:
            raise ContractError(f"a log of {log['address']} is not in the ABI of {self.address}")
        return found.name, found.decode(topics, _bytes(log["data"]))

    def events(self, logs: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
        """Fields of this contract's events of one name, in the order of the logs."""
        topic, address = self.topic(name), self.address.lower()
        return [
            self.event(log)[1]
            for log in logs
            if log["address"].lower() == address and log["topics"][:1] == [topic]
        ]

    def _counts(self, function: str) -> list[str]:
        """Numbers of arguments that a function takes: a default value makes a second function."""
        counts = [str(count) for name, count in self._functions if name == function]
        if not counts:
            raise ContractError(f"no function {function} at {self.address}")
        return counts


def _function(entry: dict[str, Any]) -> _Function:
    arguments, returns = _tuple(entry["inputs"]), _tuple(entry["outputs"])
    selector = keccak(text=entry["name"] + arguments)[:4]
    return _Function(selector, arguments, returns, len(entry["outputs"]) == 1)


def _event(entry: dict[str, Any]) -> _Event:
    fields = [(one["name"], _kind(one), one["indexed"]) for one in entry["inputs"]]
    indexed = tuple((name, kind) for name, kind, is_indexed in fields if is_indexed)
    plain = tuple((name, kind) for name, kind, is_indexed in fields if not is_indexed)
    return _Event(entry["name"], indexed, plain)


def _topic(entry: dict[str, Any]) -> str:
    return "0x" + keccak(text=entry["name"] + _tuple(entry["inputs"])).hex()


def _tuple(fields: list[dict[str, Any]]) -> str:
    return f"({','.join(_kind(one) for one in fields)})"


def _kind(field: dict[str, Any]) -> str:
    """Canonical type: a struct is a tuple of its members, with what stands behind it kept."""
    kind = str(field["type"])
    if kind.startswith("tuple"):
        return _tuple(field["components"]) + kind.removeprefix("tuple")
    return kind


def _is_dynamic(kind: str) -> bool:
    return kind in ("bytes", "string") or kind.endswith((")", "]"))


def _decode(kinds: str, data: bytes) -> tuple[Any, ...]:
    return tuple(registry.get_decoder(kinds)(ContextFramesBytesIO(data))) if kinds != "()" else ()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
