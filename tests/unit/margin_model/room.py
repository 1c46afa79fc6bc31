"""A margin model on the node, its specification beside it: changes are predicted and compared."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.rpc import Rpc, RpcError
from seawall.spec.margin import MarginModel
from seawall.spec.risk import MarketRisk
from seawall.spec.scenarios import Shocks, Terms, pack_shocks
from seawall.spec.state import Journal, Reverted
from tests.unit.clearinghouse.mirror import Deployed

PROFIT_WEIGHT = 800_000
MARGIN_CALL = 200_000
NOTIONAL_FLOOR = 20_000
RISK = MarketRisk(
    initial=100_000,
    maintenance=65_000,
    reserve=100,
    depth=20_000,
    calm=142_000,
    volatility_cap=40,
    capacity_floor=500_000,
    capacity_per_fund=50,
)
DAY = 86_400


class Room:
    """`act` must go through as predicted, `refuse` must fail with one reason in both."""

    def __init__(self, model: Any, owner: Any, follower: Any) -> None:
        self.model, self.owner, self.follower = model, owner, follower
        self.spec = MarginModel(Journal(), PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR)
        self.rpc = Rpc(str(model.provider.http_uri))
        self.coder = Deployed(str(model.address), "MarginModel")

    # -- changes -----------------------------------------------------------------------------

    def set_risk(self, market_id: int, risk: MarketRisk) -> Any:
        """The receipt; the words stored are the specification's."""
        receipt = self.model.set_risk(market_id, tuple(risk), sender=self.owner)
        self.spec.set_risk(market_id, risk, receipt.timestamp)
        self.compare_market(market_id)
        return receipt

    def follow(self, market_id: int, volatility: int, fund: int = 0) -> Any:
        """The receipt; the words stored are the specification's."""
        receipt = self.model.follow(market_id, volatility, fund, sender=self.follower)
        self.spec.follow(market_id, volatility, fund, receipt.timestamp)
        self.compare_market(market_id)
        return receipt

    def set_token_risk(self, token_id: int, initial: int, maintenance: int, depth: int) -> Any:
        """The receipt; the word stored is the specification's."""
        terms = (token_id, initial, maintenance, depth)
        receipt = self.model.set_token_risk(*terms, sender=self.owner)
        self.spec.set_token_risk(*terms, receipt.timestamp)
        assert self.model.weight_word(token_id) == self.spec.weights[token_id].word
        return receipt

    def stage(self, market_id: int, shocks: Shocks) -> Any:
        """The receipt; the words stored are the specification's."""
        version = self.spec.scenarios.matrix.version + 1
        words = pack_shocks(shocks)
        receipt = self.model.stage_scenarios(market_id, words, sender=self.owner)
        self.spec.scenarios.stage(market_id, shocks)
        assert tuple(self.model.shocks(version, market_id)) == words
        return receipt

    def activate(self, terms: Terms, minimum_equity: int) -> Any:
        """The receipt; the word stored is the specification's."""
        receipt = self.model.activate_matrix(
            terms.tail, terms.factor, terms.floor, minimum_equity, sender=self.owner
        )
        self.spec.scenarios.activate(terms, minimum_equity, receipt.timestamp)
        assert self.model.matrix_word() == self.spec.scenarios.matrix.word
        return receipt

    def compare_market(self, market_id: int) -> None:
        """All three words of a market."""
        risk = self.spec.risks[market_id]
        words = self.model.risk_words_of(market_id)
        # What a ramp came from is left behind when it is over, and not read.
        earlier = risk.earlier_word if risk.ramp_start else words[1]
        assert tuple(words) == (risk.word, earlier, risk.capacity_word)

    # -- answers -----------------------------------------------------------------------------

    def reason(self, sender: Any, function: str, *arguments: Any) -> str | None:
        """Why a call fails, "" if bare; None if it would pass."""
        try:
            data = self.coder.encode(function, *arguments)
            self.rpc.view(self.coder.address, data, str(sender.address))
        except RpcError as error:
            return error.reason
        return None

    def refuse_risk(self, market_id: int, risk: MarketRisk) -> str:
        """The reason with which both refuse."""
        return self._same_reason(
            lambda: self.spec.set_risk(market_id, risk, self.now),
            self.reason(self.owner, "set_risk", market_id, tuple(risk)),
        )

    def refuse_token_risk(self, *terms: int) -> str:
        """The reason with which both refuse."""
        token_id, initial, maintenance, depth = terms
        return self._same_reason(
            lambda: self.spec.set_token_risk(token_id, initial, maintenance, depth, self.now),
            self.reason(self.owner, "set_token_risk", *terms),
        )

    def refuse_matrix(self, terms: Terms, minimum_equity: int = 0) -> str:
        """The reason with which both refuse."""
        words = (terms.tail, terms.factor, terms.floor, minimum_equity)
        return self._same_reason(
            lambda: self.spec.scenarios.activate(terms, minimum_equity, self.now),
            self.reason(self.owner, "activate_matrix", *words),
        )

    @staticmethod
    def _same_reason(predicted: Any, found: str | None) -> str:
        with pytest.raises(Reverted) as refused:
            predicted()
        assert found == refused.value.reason
        return refused.value.reason

    @property
    def now(self) -> int:
        """Time of the latest block."""
        return self.rpc.timestamp()

    def wait(self, seconds: int) -> None:
        """Let time pass: an empty block."""
        self.rpc.set_next_timestamp(self.now + seconds)
        self.rpc.mine()
