"""What the machine asks of a chain, and the words that go to and come from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

from coincurve import PrivateKey
from eth_utils.crypto import keccak

UINT256 = 1 << 256
GAS = 30_000_000
#: Time of the first block (2033): ahead of any node's clock, which may not go back.
START = 2_000_000_000
CHAIN_ID = 31_337
ERROR_SELECTOR = keccak(text="Error(string)")[:4]

#: A tuple: a union is built anew at every test.
SCALAR = (int, str)

#: `bytes` are the encoded body of one dynamic argument.
Argument = int | str | bytes | Sequence[int] | Sequence[Sequence[int]]


class Refused(Exception):  # noqa: N818  # the contract's word for it
    """A call that reverted; `reason` is empty where the contract gave none."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reason = ""
        if data[:4] == ERROR_SELECTOR:
            length = int.from_bytes(data[36:68], "big")
            self.reason = data[68 : 68 + length].decode()
        super().__init__(self.reason or f"(no reason) {data.hex()}")


class Call(NamedTuple):
    """One view."""

    target: str
    signature: str
    arguments: tuple[Argument, ...] = ()


class Backend(Protocol):
    """A chain with the contracts on it.

    Each `send` is a block of its own, one second after the one before, reverted or not; `time` is
    that of the latest block, at which views are answered.
    """

    @property
    def time(self) -> int:
        """Time of the latest block."""

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Answer of a transaction. Errors: Refused."""

    def view(self, calls: Sequence[Call]) -> list[bytes | None]:
        """Answers of independent views; None for one that reverts."""

    def addr(self, name: str) -> str:
        """Address of a deployed contract."""

    def actor(self, name: str) -> str:
        """Address of a person."""

    def warp(self, seconds: int) -> None:
        """Let time pass: an empty block."""

    def reset(self) -> None:
        """Return to the first call of this method, which only remembers the state."""


class Deployable(Backend, Protocol):
    """A backend while it is being set up."""

    def deploy(self, name: str, contract: str, *arguments: Any) -> str:
        """Deploy a compiled contract under a name of its own; returns its address."""


@cache
def key_of(name: str) -> PrivateKey:
    """The key of a person."""
    return PrivateKey(keccak(text=name))


@cache
def address_of(name: str) -> str:
    """The address of a person, the same on every chain."""
    return "0x" + keccak(key_of(name).public_key.format(compressed=False)[1:])[12:].hex()


@cache
def selector(signature: str) -> bytes:
    """First four bytes of a function's hash."""
    return keccak(text=signature)[:4]


def _word(value: int | str) -> bytes:
    number = int(value, 16) if isinstance(value, str) else value
    return (number % UINT256).to_bytes(32, "big")


def _flat(items: Sequence[Any]) -> bytes:
    return b"".join(_flat(item) if isinstance(item, tuple) else _word(item) for item in items)


def encode(*arguments: Argument) -> bytes:
    """Static words, addresses, lists of words or of static tuples, and encoded bodies."""
    head, tail = [], b""
    for argument in arguments:
        if isinstance(argument, SCALAR):
            head.append(_word(argument))
            continue
        head.append(_word(32 * len(arguments) + len(tail)))
        if isinstance(argument, bytes):
            tail += argument
        else:
            tail += _word(len(argument)) + _flat(argument)
    return b"".join(head) + tail


def body(data: bytes) -> bytes:
    """A byte string as the encoded body of an argument."""
    return len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)


def call_data(signature: str, arguments: Sequence[Argument]) -> bytes:
    """What a transaction carries that calls a function."""
    return selector(signature) + encode(*arguments)


def words_of(data: bytes) -> list[int]:
    """An answer as unsigned words."""
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def signed(word: int) -> int:
    """Two's complement of a word."""
    return word - UINT256 if word >> 255 else word
