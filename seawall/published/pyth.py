"""A Pyth contract as its makers ship it for tests of others' code: prices by id, paid updates."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.client.contract import Contract
from seawall.published.artifacts import deploy, transact
from seawall.published.solidity import pyth
from seawall.rpc import Receipt, Rpc

#: Wei for each price of an update.
UPDATE_FEE = 1
#: Seconds that `getPrice` allows; nothing here reads through it.
VALID_SECONDS = 60


@dataclass(frozen=True)
class PythSource:
    """The contract of @pythnetwork/pyth-sdk-solidity that takes updates without signatures.

    All but the proof that publishers signed an update is the real one's: ids, exponents, fees, and
    the rule that a price must be published later than the one it replaces.
    """

    rpc: Rpc
    contract: Contract
    sender: str

    @property
    def address(self) -> str:
        """Where protocols read prices."""
        return self.contract.address

    def update(
        self,
        price_id: bytes,
        price: int,
        confidence: int,
        exponent: int,
        publish_time: int,
        fee: int = UPDATE_FEE,
    ) -> Receipt:
        """Bring a price; its moving average is the price itself. Errors: PublishedError."""
        # The time of the update before serves only those who ask for a price of a given second.
        terms = (price_id, price, confidence, exponent, price, confidence, publish_time, 0)
        data = self.contract.encode("createPriceFeedUpdateData", *terms)
        answer = self.rpc.view(self.address, data)
        update = self.contract.decode("createPriceFeedUpdateData", answer)
        return transact(
            self.rpc, self.sender, self.contract, "updatePriceFeeds", [update], value=fee
        )


def deploy_pyth(rpc: Rpc, sender: str) -> PythSource:
    """A Pyth contract without prices. Errors: PublishedError."""
    made = deploy(rpc, sender, pyth("MockPyth"), VALID_SECONDS, UPDATE_FEE)
    return PythSource(rpc, made, sender)
