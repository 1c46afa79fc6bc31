"""Actors and contracts of the Pyth feed's tests: the adapter on Pyth's own contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ape.contracts import ContractInstance
from eth_utils.crypto import keccak

from seawall.published.pyth import PythSource, deploy_pyth
from seawall.rpc import Rpc
from seawall.spec.feeds import PythPrice
from seawall.spec.oracle import Reading

ETH = bytes(31) + b"\x01"

Deploy = Callable[[int], ContractInstance]
SetPrice = Callable[[PythPrice], None]


@pytest.fixture(scope="session")
def pyth(node: Rpc, accounts: Any) -> PythSource:
    """A contract that knows one price: 3,000 dollars for ETH."""
    source = deploy_pyth(node, str(accounts[0].address))
    source.update(ETH, 3_000 * 10**8, 10**8, -8, 1_000)
    return source


@pytest.fixture(scope="session", autouse=True)
def deployed_first(pyth: PythSource) -> None:
    """The contract stands before the first test's isolation begins."""


@pytest.fixture
def deploy_feed(project: Any, deployer: Any, pyth: PythSource) -> Deploy:
    """Deploy a feed of ETH with a unit exponent."""

    def act(unit_exponent: int = 0) -> ContractInstance:
        return deployer.deploy(project.PythFeed, pyth.address, ETH, unit_exponent)

    return act


@pytest.fixture
def set_price(node: Rpc, pyth: PythSource) -> SetPrice:
    """Write the contract's price of ETH past its own rules, and without moving the time."""
    place = int.from_bytes(keccak(ETH + bytes(32)), "big")

    def act(published: PythPrice) -> None:
        packed = published.price % 2**64
        packed |= published.confidence << 64
        packed |= (published.exponent % 2**32) << 128
        for offset, word in ((1, packed), (2, published.publish_time)):
            node.call(
                "anvil_setStorageAt", pyth.address, f"0x{place + offset:064x}", f"0x{word:064x}"
            )

    return act


@pytest.fixture
def stored_price(node: Rpc, pyth: PythSource) -> Callable[[], PythPrice]:
    """What the contract answers for ETH."""

    def ask() -> PythPrice:
        data = node.view(pyth.address, pyth.contract.encode("getPriceUnsafe", ETH))
        return PythPrice(*pyth.contract.decode("getPriceUnsafe", data))

    return ask


@pytest.fixture
def read(node: Rpc) -> Callable[[ContractInstance], Reading]:
    """What a feed answers as of the latest block."""

    def ask(feed: ContractInstance) -> Reading:
        data = node.view(str(feed.address), feed.latest.encode_input())
        words = (data[start : start + 32] for start in range(0, 96, 32))
        return Reading(*(int.from_bytes(word, "big") for word in words))

    return ask
