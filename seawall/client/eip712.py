"""EIP-712 hashes from packed words, which is several times faster than a generic encoder."""

from __future__ import annotations

from collections.abc import Iterable

from eth_hash.auto import keccak

#: Name and type of the fields of every domain here.
DOMAIN_FIELDS = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)


def type_hash(name: str, fields: Iterable[tuple[str, ...]]) -> bytes:
    """Hash of a type whose fields begin with (name, type)."""
    members = ",".join(f"{field[1]} {field[0]}" for field in fields)
    return bytes(keccak(f"{name}({members})".encode()))


_DOMAIN_TYPE_HASH = type_hash("EIP712Domain", DOMAIN_FIELDS)


def separator(name: str, version: str, chain_id: int, contract: str) -> bytes:
    """Domain separator (32 bytes)."""
    names = bytes(keccak(name.encode())) + bytes(keccak(version.encode()))
    place = chain_id.to_bytes(32, "big") + int(contract, 16).to_bytes(32, "big")
    return bytes(keccak(_DOMAIN_TYPE_HASH + names + place))


def digest(domain_separator: bytes, encoded: bytes) -> bytes:
    """What is signed (32 bytes) of a struct: its type hash and its words."""
    return bytes(keccak(b"\x19\x01" + domain_separator + keccak(encoded)))
