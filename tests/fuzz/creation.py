"""What a deployment carries, from Ape's build file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

ROOT = Path(__file__).parents[2]

Types = dict[str, Any]


def compiled() -> Types:
    """Contract types by name; SEAWALL_FUZZ_BUILD names another build file than Ape's."""
    path = Path(os.environ.get("SEAWALL_FUZZ_BUILD", ROOT / ".build" / "__local__.json"))
    types: Types = json.loads(path.read_text())["contractTypes"]
    return types


def creation_code(types: Types, contract: str, arguments: tuple[Any, ...]) -> bytes:
    """Bytecode followed by the constructor's arguments."""
    artifact = types[contract]
    inputs = [entry for entry in artifact["abi"] if entry["type"] == "constructor"]
    kinds = [value["type"] for value in inputs[0]["inputs"]] if inputs else []
    code = bytes.fromhex(artifact["deploymentBytecode"]["bytecode"].removeprefix("0x"))
    return code + encode(kinds, arguments)
