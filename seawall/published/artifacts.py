"""ABI and creation code of published contracts, read from the npm packages that setup installs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi import encode

from seawall.client.contract import Abi, Contract
from seawall.rpc import Receipt, Rpc, RpcError, succeeded

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "node_modules"

_ADDRESS_DIGITS = 40


class PublishedError(Exception):
    """A package is missing, is not what it should be, or its contract refused a transaction."""


@dataclass(frozen=True)
class Artifact:
    """A compiled contract; `code` is hex, with placeholders until its libraries are linked.

    `links` are the places of library addresses in the code: (library, first byte).
    """

    name: str
    abi: Abi
    code: str
    links: tuple[tuple[str, int], ...] = ()

    def creation(self, *args: Any, libraries: Mapping[str, str] | None = None) -> bytes:
        """What a deploying transaction carries. Errors: PublishedError without a library."""
        code = self.code
        for library, start in self.links:
            if library not in (libraries or {}):
                raise PublishedError(f"{self.name} needs the library {library}")
            address = (libraries or {})[library].removeprefix("0x").lower()
            place = 2 * start
            code = code[:place] + address + code[place + _ADDRESS_DIGITS :]
        return bytes.fromhex(code) + encode(self._kinds, args)

    @property
    def _kinds(self) -> list[str]:
        found = [entry for entry in self.abi if entry["type"] == "constructor"]
        return [one["type"] for entry in found for one in entry["inputs"]]


@cache
def chainlink(name: str, version: str = "v0.6") -> Artifact:
    """A contract of @chainlink/contracts by the compiler version its folder names."""
    path = PACKAGES / "@chainlink" / "contracts" / "abi" / version / f"{name}.json"
    output = _read(path)["compilerOutput"]
    return Artifact(name, output["abi"], _plain(output["evm"]["bytecode"]["object"]))


@cache
def circle(source: str, name: str) -> Artifact:
    """A contract of Circle's token by its source's path without ending, and its name."""
    package = PACKAGES / "@offchainlabs" / "stablecoin-evm"
    path = package / "artifacts" / "hardhat" / "contracts" / f"{source}.sol" / f"{name}.json"
    raw = _read(path)
    links = tuple(
        (library, place["start"])
        for libraries in raw["linkReferences"].values()
        for library, places in libraries.items()
        for place in places
    )
    return Artifact(name, raw["abi"], _plain(raw["bytecode"]), links)


@cache
def uniswap(name: str) -> Artifact:
    """A contract of @uniswap/v3-core."""
    folder = PACKAGES / "@uniswap" / "v3-core" / "artifacts" / "contracts"
    raw = _read(folder / f"{name}.sol" / f"{name}.json")
    return Artifact(name, raw["abi"], _plain(raw["bytecode"]))


def deploy(
    rpc: Rpc,
    sender: str,
    artifact: Artifact,
    *args: Any,
    libraries: Mapping[str, str] | None = None,
) -> Contract:
    """Deploy on a node that signs for the sender. Errors: PublishedError."""
    receipt = rpc.send(sender, None, artifact.creation(*args, libraries=libraries))
    if not succeeded(receipt):
        raise PublishedError(f"{artifact.name} could not be deployed")
    return Contract(str(receipt["contractAddress"]), artifact.abi)


def transact(
    rpc: Rpc, sender: str, contract: Contract, function: str, *args: Any, value: int = 0
) -> Receipt:
    """A mined transaction that carries `value` wei. Errors: PublishedError with the contract's
    reason."""
    data = contract.encode(function, *args)
    receipt = rpc.send(sender, contract.address, data, value=value)
    if not succeeded(receipt):
        raise PublishedError(f"{function}: {_reason(rpc, sender, contract.address, data)}")
    return receipt


def _reason(rpc: Rpc, sender: str, to: str, data: bytes) -> str:
    try:
        rpc.view(to, data, sender, "pending")
    except RpcError as error:
        return error.reason or "reverted"
    return "reverted"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise PublishedError(f"{path.relative_to(ROOT)} is missing: run make setup")
    return dict(json.loads(path.read_text()))


def _plain(code: str) -> str:
    return code.removeprefix("0x")
