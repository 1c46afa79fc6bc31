"""A Chainlink price feed as protocols read it: EACAggregatorProxy in front of a FluxAggregator."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.client.contract import Contract
from seawall.published.artifacts import chainlink, deploy, transact
from seawall.rpc import Rpc

NOBODY = "0x" + "00" * 20
#: Seconds after which an unfinished round may be skipped.
ROUND_TIMEOUT = 600
#: Bounds of a submission, as wide as the aggregator has them.
LOWEST, HIGHEST = 1, 10**18


class ChainlinkSource:
    """A proxy that `owner` may point at another aggregator, and the oracles that report to it.

    A round has an answer once `quorum` oracles have submitted; the answer is their median. Oracles
    are paid nothing, so that no LINK is needed.
    """

    def __init__(
        self,
        rpc: Rpc,
        owner: str,
        oracles: Sequence[str],
        quorum: int = 1,
        decimals: int = 8,
        lowest: int = LOWEST,
        highest: int = HIGHEST,
    ) -> None:
        """Deploy aggregator and proxy; there is no round yet."""
        self._rpc, self._owner = rpc, owner
        self._oracles, self._quorum = list(oracles), quorum
        self._bounds = lowest, highest, decimals
        self.aggregator = self._deploy_aggregator()
        proxy = chainlink("EACAggregatorProxy")
        self.proxy = deploy(rpc, owner, proxy, self.aggregator.address, NOBODY)

    @property
    def address(self) -> str:
        """The proxy, which is what protocols read."""
        return self.proxy.address

    def submit(self, oracle: str, answer: int) -> None:
        """One oracle's answer to the round that is its turn. Errors: PublishedError."""
        asked = self.aggregator.encode("oracleRoundState", oracle, 0)
        # The aggregator answers this to no contract: the caller must be the origin.
        state = self._rpc.view(self.aggregator.address, asked, oracle)
        turn = self.aggregator.decode("oracleRoundState", state)[1]
        transact(self._rpc, oracle, self.aggregator, "submit", turn, answer)

    def answer(self, price: int) -> None:
        """A new round in which as many oracles as it takes submit this price."""
        for oracle in self._oracles[: self._quorum]:
            self.submit(oracle, price)

    def next_phase(self) -> None:
        """A new aggregator behind the same proxy, without a round."""
        self.aggregator = self._deploy_aggregator()
        for function in ("proposeAggregator", "confirmAggregator"):
            transact(self._rpc, self._owner, self.proxy, function, self.aggregator.address)

    def _deploy_aggregator(self) -> Contract:
        lowest, highest, decimals = self._bounds
        made = deploy(
            self._rpc, self._owner, chainlink("FluxAggregator"),
            NOBODY, 0, ROUND_TIMEOUT, NOBODY, lowest, highest, decimals, "PRICE / USD",
        )  # fmt: skip
        count = len(self._oracles)
        transact(
            self._rpc, self._owner, made, "changeOracles",
            [], self._oracles, self._oracles, self._quorum, count, 0,
        )  # fmt: skip
        return made
