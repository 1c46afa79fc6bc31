"""A node with an index oracle and adapters on contracts of others, without a system around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.published.artifacts import transact
from seawall.published.chainlink import ChainlinkSource
from seawall.rpc import Rpc, succeeded
from seawall.spec.oracle import Reading

NOBODY = "0x" + "00" * 20
#: Time constants of the averages, seconds.
MEMORY = 1_800, 86_400
#: Address of an adapter, heartbeat and greatest age in seconds, whether it is pulled.
Row = tuple[str, int, int, bool]


class IndexRoom:
    """Deploys on Ape's node, whose blocks are a second apart, and refreshes an index oracle."""

    def __init__(self, url: str, owner: str, oracles: Sequence[str]) -> None:
        """Take the node's clock; `oracles` report to Chainlink's aggregators."""
        self.rpc = Rpc(url)
        self.rpc.set_block_interval(1)
        self.owner, self.oracles = owner, list(oracles)
        self.oracle = self.deploy("IndexOracle", owner, *MEMORY, NOBODY, 0)

    def close(self) -> None:
        """Give the node its clock back."""
        self.rpc.call("anvil_removeBlockTimestampInterval")
        self.rpc.close()

    def chain_id(self) -> int:
        """For the domain of signatures."""
        return int(self.rpc.call("eth_chainId"), 16)

    def deploy(self, name: str, *args: Any) -> Contract:
        """A contract of this project's."""
        receipt = self.rpc.send(self.owner, None, creation(name, *args))
        assert succeeded(receipt)
        return Contract(str(receipt["contractAddress"]), load_abi(name))

    # -- feeds -----------------------------------------------------------------------------------

    def source(self, **terms: Any) -> ChainlinkSource:
        """A proxy and its aggregator, two of whose three reporters make a round."""
        return ChainlinkSource(self.rpc, self.owner, self.oracles, quorum=2, **terms)

    def adapter(self, source: ChainlinkSource, *terms: int) -> Contract:
        """The adapter of a source: unit exponent, floor and ceiling, 0 each by default."""
        return self.deploy("ChainlinkFeed", source.address, *(terms or (0, 0, 0)))

    def latest(self, adapter: Contract) -> Reading:
        """What an adapter says as of the latest block. Errors: RpcError."""
        data = self.rpc.view(adapter.address, adapter.encode("latest"))
        return Reading(*adapter.decode("latest", data))

    # -- the index -------------------------------------------------------------------------------

    def list(self, index_id: int, sources: Sequence[ChainlinkSource], quorum: int) -> None:
        """Sources of an index, an hour of age each."""
        rows = [(self.adapter(source).address, 3_600, 3_600, False) for source in sources]
        self.set_feeds(index_id, (quorum, 5_000, 0), rows)

    def set_feeds(self, index_id: int, terms: tuple[int, int, int], rows: Sequence[Row]) -> None:
        """Quorum, spread band and volatility floor, and the feeds."""
        args = (index_id, terms, list(rows))
        transact(self.rpc, self.owner, self.oracle, "set_feeds", *args)

    def refresh(self, index_id: int) -> int:
        """The word that is stored after a refresh."""
        transact(self.rpc, self.owner, self.oracle, "refresh", 1 << index_id)
        data = self.rpc.view(self.oracle.address, self.oracle.encode("price_word", index_id))
        return int(self.oracle.decode("price_word", data))
