"""What a transaction carries that deploys a compiled contract, without a provider."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from eth_abi import encode

from seawall.client.contract import ContractError

ROOT = Path(__file__).resolve().parents[2]

_MANIFEST = Path(".build/__local__.json")


def creation(name: str, *args: Any, root: Path = ROOT) -> bytes:
    """Creation code and constructor arguments. Errors: ContractError when it is not compiled."""
    path = root / _MANIFEST
    if not path.is_file():
        raise ContractError(f"{_MANIFEST} is missing: run make compile")
    compiled = _codes(path, path.stat().st_mtime_ns)
    if name not in compiled:
        raise ContractError(f"{name} is not compiled: run make compile")
    code, kinds = compiled[name]
    return code + encode(kinds, args)


@lru_cache(maxsize=2)
def _codes(path: Path, written_at: int) -> dict[str, tuple[bytes, list[str]]]:
    """Creation code and types of the constructor of every contract."""
    contracts = json.loads(path.read_text())["contractTypes"]
    return {name: (_code(one), _kinds(one["abi"])) for name, one in contracts.items()}


def _code(contract: dict[str, Any]) -> bytes:
    return bytes.fromhex(contract["deploymentBytecode"]["bytecode"].removeprefix("0x"))


def _kinds(abi: list[dict[str, Any]]) -> list[str]:
    """Types of the constructor's arguments; no constructor of ours takes a struct."""
    found = [entry for entry in abi if entry["type"] == "constructor"]
    return [one["type"] for entry in found for one in entry["inputs"]]
