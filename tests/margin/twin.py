"""A margin model inside the process with its specification beside it: every change goes to both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from seawall.spec.margin import Assessment, Leg, MarginModel, Plan, Price
from seawall.spec.risk import MarketRisk
from seawall.spec.scenarios import Shocks, Terms, pack_shocks
from seawall.spec.state import Journal, Reverted
from seawall.spec.words import ACCOUNT, LEG, PRICE
from tests.fuzz.backend import START, UINT256, Refused, encode, selector, signed, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm

PROFIT_WEIGHT = 800_000
MARGIN_CALL = 200_000
NOTIONAL_FLOOR = 20_000
SET_RISK = "set_risk(uint256,(" + ",".join(["uint256"] * 8) + "))"
SET_TOKEN_RISK = "set_token_risk(uint256,uint256,uint256,uint256)"
STAGE = "stage_scenarios(uint256,uint256[2])"
ACTIVATE = "activate_matrix(uint256,uint256,uint256,uint256)"
FOLLOW = "follow(uint256,uint256,uint256)"
ASK_MANY = "ask_many(address,bytes[])"
ASSESS = selector("assess(uint256,int256,uint256[],uint256[],uint256)")
PLAN = selector("plan(uint256,int256,uint256[],uint256[],uint256)")
#: Questions to a call of the harness.
BATCH = 50
#: Of one call of the harness: fifty of the heaviest portfolios.
GAS = 200_000_000


class Question(NamedTuple):
    """A portfolio at its prices, and when."""

    cash: int
    base: int
    legs: list[Leg]
    prices: list[Price]
    time: int
    mode: int

    def encoded(self, function: bytes) -> bytes:
        """Calldata."""
        count = len(self.legs)
        return b"".join(
            (
                function,
                _word(ACCOUNT.pack(cash=self.cash, mode=self.mode)),
                _word(self.base),
                _word(160),
                _word(192 + 32 * count),
                _word(self.time),
                _word(count),
                *(_word(_leg(leg)) for leg in self.legs),
                _word(count),
                *(_word(_price(price)) for price in self.prices),
            )
        )


def _word(number: int) -> bytes:
    return (number % UINT256).to_bytes(32, "big")


def _leg(leg: Leg) -> int:
    return LEG.pack(id=leg[0], open_interest=leg[1], size=leg[2])


def _price(price: Price) -> int:
    return PRICE.pack(**price._asdict())


class Model(Protocol):
    """What a history of changes is told to; each change is a block of its own, a second later.

    A change answers None, or why it is refused.
    """

    spec: MarginModel

    @property
    def now(self) -> int:
        """Time of the latest block."""

    def warp(self, seconds: int) -> None:
        """Let time pass."""

    def set_risk(self, market_id: int, risk: MarketRisk) -> str | None: ...

    def set_token_risk(
        self, token_id: int, initial: int, maintenance: int, depth: int
    ) -> str | None: ...

    def stage(self, market_id: int, shocks: Shocks) -> str | None: ...

    def activate(self, terms: Terms, minimum_equity: int) -> str | None: ...

    def follow(self, market_id: int, volatility: int, fund: int) -> str | None: ...


class Alone:
    """The specification by itself."""

    def __init__(self) -> None:
        self.spec = MarginModel(Journal(), PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR)
        self.now = START

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    def set_risk(self, market_id: int, risk: MarketRisk) -> str | None:
        return self._change(lambda: self.spec.set_risk(market_id, risk, self.now))

    def set_token_risk(
        self, token_id: int, initial: int, maintenance: int, depth: int
    ) -> str | None:
        terms = (token_id, initial, maintenance, depth)
        return self._change(lambda: self.spec.set_token_risk(*terms, self.now))

    def stage(self, market_id: int, shocks: Shocks) -> str | None:
        return self._change(lambda: self.spec.scenarios.stage(market_id, shocks))

    def activate(self, terms: Terms, minimum_equity: int) -> str | None:
        activate = self.spec.scenarios.activate
        return self._change(lambda: activate(terms, minimum_equity, self.now))

    def follow(self, market_id: int, volatility: int, fund: int) -> str | None:
        return self._change(lambda: self.spec.follow(market_id, volatility, fund, self.now))

    def _change(self, change: Callable[[], None]) -> str | None:
        self.now += 1
        try:
            change()
        except Reverted as refused:
            return refused.reason
        return None


class Twin:
    """One deployed model, its specification, and a harness that asks it."""

    def __init__(self) -> None:
        self.chain = Revm(compiled())
        self.owner, self.follower = self.chain.actor("owner"), self.chain.actor("follower")
        terms = (PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR)
        self.model = self.chain.deploy("model", "MarginModel", *terms, self.owner)
        self.harness = self.chain.deploy("harness", "MarginHarness")
        self.spec = MarginModel(Journal(), *terms)
        self.chain.send(self.owner, self.model, "set_follower(address)", self.follower)

    @property
    def now(self) -> int:
        """Time of the latest block."""
        return self.chain.time

    def warp(self, seconds: int) -> None:
        """Let time pass: an empty block."""
        self.chain.warp(seconds)

    def set_risk(self, market_id: int, risk: MarketRisk) -> str | None:
        return self._change(
            lambda now: self.spec.set_risk(market_id, risk, now), SET_RISK, market_id, *risk
        )

    def set_token_risk(
        self, token_id: int, initial: int, maintenance: int, depth: int
    ) -> str | None:
        terms = (token_id, initial, maintenance, depth)
        return self._change(
            lambda now: self.spec.set_token_risk(*terms, now), SET_TOKEN_RISK, *terms
        )

    def stage(self, market_id: int, shocks: Shocks) -> str | None:
        scenarios = self.spec.scenarios
        return self._change(
            lambda _: scenarios.stage(market_id, shocks), STAGE, market_id, *pack_shocks(shocks)
        )

    def activate(self, terms: Terms, minimum_equity: int) -> str | None:
        scenarios = self.spec.scenarios
        return self._change(
            lambda now: scenarios.activate(terms, minimum_equity, now),
            ACTIVATE,
            terms.tail,
            terms.factor,
            terms.floor,
            minimum_equity,
        )

    def follow(self, market_id: int, volatility: int, fund: int) -> str | None:
        return self._change(
            lambda now: self.spec.follow(market_id, volatility, fund, now),
            FOLLOW,
            market_id,
            volatility,
            fund,
        )

    def _change(self, change: Callable[[int], None], signature: str, *arguments: int) -> str | None:
        """None, or why both refused: no two answers may differ."""
        reason = None
        try:
            change(self.now + 1)
        except Reverted as refused:
            reason = refused.reason
        sender = self.follower if signature == FOLLOW else self.owner
        found = None
        try:
            self.chain.send(sender, self.model, signature, *arguments)
        except Refused as refused:
            found = refused.reason
        assert found == reason, (signature, arguments, found, reason)
        return reason

    def ask(self, function: bytes, questions: Sequence[Question]) -> list[list[int] | None]:
        """Answers as words; None for a question that reverts."""
        answers: list[list[int] | None] = []
        for start in range(0, len(questions), BATCH):
            batch = [question.encoded(function) for question in questions[start : start + BATCH]]
            answers += self._ask(batch)
        return answers

    def _ask(self, batch: list[bytes]) -> list[list[int] | None]:
        bodies = [_word(len(data)) + data + bytes(-len(data) % 32) for data in batch]
        offsets, offset = [], 32 * len(bodies)
        for body in bodies:
            offsets.append(_word(offset))
            offset += len(body)
        array = b"".join((_word(len(bodies)), *offsets, *bodies))
        data = selector(ASK_MANY) + encode(self.harness_target, array)
        answer = self.chain._evm.message_call(
            self.owner, self.harness, data, gas=GAS, is_static=True
        )
        self.chain._evm.reset_transient_storage()
        return _byte_strings(bytes(answer))

    @property
    def harness_target(self) -> int:
        return int(self.model, 16)


def _byte_strings(data: bytes) -> list[list[int] | None]:
    """The words of each string of a list of byte strings."""
    found: list[list[int] | None] = []
    body = data[32:]
    count = int.from_bytes(body[:32], "big")
    for place in range(count):
        offset = 32 + int.from_bytes(body[32 + 32 * place : 64 + 32 * place], "big")
        length = int.from_bytes(body[offset : offset + 32], "big")
        text = body[offset + 32 : offset + 32 + length]
        found.append(words_of(text) if text else None)
    return found


def assessment(words: list[int]) -> Assessment:
    """An answer of `assess`."""
    equity, adverse, settled = (signed(word) for word in words[:3])
    return Assessment(equity, adverse, settled, words[3], words[4])


def assessed(spec: MarginModel, question: Question) -> Assessment | None:
    """What the specification answers; None where it refuses."""
    cash, base, legs, prices, time, mode = question
    try:
        return spec.assess(cash, base, legs, prices, time, mode)
    except Reverted:
        return None


def planned(spec: MarginModel, question: Question) -> Plan | None:
    """What the specification answers; None where it refuses or a word has no room."""
    _, base, legs, prices, time, mode = question
    try:
        return spec.plan(base, legs, prices, time, mode)
    except Reverted:
        return None


def plan_words(plan: Plan | None) -> list[int] | None:
    """A plan as the contract answers it; None where a notional has no room in its word."""
    if plan is None:
        return None
    try:
        words = [leg.word for leg in plan.legs]
    except ValueError:
        return None
    head = [plan.equity, plan.maintenance, plan.favourable_equity, plan.favourable_maintenance]
    return [*(number % UINT256 for number in head), 160, len(words), *words]
