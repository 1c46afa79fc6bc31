"""Chores against a scripted chain: halving, cooldowns, what is on its way, refusals of the node."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from seawall.keeper.chain import Purse, Task, Trial
from seawall.keeper.chores import CALL, CONVERT, FOLLOW
from seawall.keeper.index import PositionEvent
from seawall.keeper.jobs import Keeper
from seawall.keeper.planning import Limits, Row
from seawall.keeper.purchases import Offer, Purchase, PurchaseRules
from seawall.keeper.rounds import LIQUIDATE, Policy
from seawall.keeper.sender import GasPriceError, Sent
from seawall.keeper.upkeep import CallEvent, Follow, MarginCall, Market
from seawall.rpc import RpcError
from seawall.spec.risk import Risk

WAD = 10**18
KEEPER = 99
HOUR = 3_600
BUY = PurchaseRules(most=1_000 * WAD, discount_ppm=0)
#: A goal that volatility has left behind.
MOVED = Risk(calm=100, volatility_cap=40, factor_from=1_000, factor_to=1_000, initial=1)


@dataclass
class ScriptedChain:
    """Accounts below the margin-call line, markets to follow, offers, and what trials answer."""

    below: list[int] = field(default_factory=list)
    to_follow: list[int] = field(default_factory=list)
    offered: list[Offer] = field(default_factory=list)
    purse_of: Purse = field(default_factory=lambda: Purse(10_000 * WAD, 10_000 * WAD))
    refused: dict[int, str] = field(default_factory=dict)
    receipts: dict[str, dict[str, str]] = field(default_factory=dict)
    called: list[CallEvent] = field(default_factory=list)
    broken: str = ""
    faulty: dict[int, Exception] = field(default_factory=dict)
    head: int = 1_000
    seconds_per_block: int = 12
    keeper_account: int = KEEPER
    asked_for: list[int] = field(default_factory=list)
    open_ids: set[int] = field(default_factory=set)
    attempts: int = 0

    @property
    def rpc(self) -> Any:
        return SimpleNamespace(
            block_number=lambda: self.head, call=lambda method, tx_hash: self.receipts.get(tx_hash)
        )

    def time(self, block: int) -> int:
        return 10**9 + block * self.seconds_per_block

    def events(self, first: int, last: int) -> list[PositionEvent]:
        return [PositionEvent(first, one, 1, WAD) for one in [*self.below, KEEPER]]

    def calls(self, first: int, last: int) -> list[CallEvent]:
        return [event for event in self.called if first <= event.block <= last]

    def receivers(self, first: int, last: int) -> set[int]:
        return {KEEPER, *(offer.account for offer in self.offered)}

    def rows(self, accounts: list[int], block: int) -> list[Row]:
        return [Row(one, 3, 110 * WAD, 100 * WAD) for one in accounts]

    def candidates(self, rows: list[Row], block: int) -> list[Any]:
        return []

    def markets(self, block: int, open_ids: set[int]) -> tuple[list[Market], int]:
        if self.broken == FOLLOW:
            raise RpcError(-32000, "header not found")
        self.open_ids = open_ids
        return [Market(one, MOVED, 200 if one in self.to_follow else 0) for one in (1, 2, 3)], 0

    def offers(self, accounts: list[int], block: int) -> list[Offer]:
        self.asked_for = accounts
        if self.broken == CONVERT:
            raise KeyError(9)
        return [offer for offer in self.offered if offer.account in accounts]

    def purse(self, block: int) -> Purse:
        return self.purse_of

    def contract_of(self, task: Task) -> Any:
        return SimpleNamespace(address=type(task).__name__)

    def calldata(self, task: Task) -> Any:
        return task

    def attempt(self, task: Task, sender: str, block: int) -> Trial:
        self.attempts += 1
        for target in task.targets:
            if target in self.refused:
                return Trial((), 0, self.refused[target])
            if target in self.faulty:
                raise self.faulty[target]
        return Trial(task.targets, 100_000)


@dataclass
class RecordingSender:
    """Numbers transactions and sends none."""

    address: str = "0xkeeper"
    price: int | None = 0
    sent: list[Task] = field(default_factory=list)

    def gas_price(self) -> int:
        if self.price is None:
            raise GasPriceError("gas price too high")
        return self.price

    def send(self, to: str, data: Any, gas: int) -> Sent:
        number = len(self.sent)
        self.sent.append(data)
        return Sent((f"0x{number}",), to, b"", gas, number, self.gas_price())

    def replace(self, sent: Sent) -> Sent | None:
        return None


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


def make(chain: Any, sender: Any, *jobs: str, **policy: Any) -> Keeper:
    return Keeper(chain, sender, Policy(**policy), start_block=1, jobs=jobs)


def lines(keeper: Keeper) -> list[str]:
    return [line for one in keeper.round() if (line := one.summary())]


def offer(account: int, cash: int, worth: int) -> Offer:
    return Offer(account, 1, 10**6, cash * WAD, worth * WAD)


# -- follow ----------------------------------------------------------------------------------


def test_follow_refused_market_is_found_by_halving_and_the_others_sent(
    sender: RecordingSender,
) -> None:
    chain = ScriptedChain(to_follow=[1, 2, 3], refused={2: "risk: market id"})
    (line,) = lines(make(chain, sender, FOLLOW))
    assert sender.sent == [Follow((1,)), Follow((3,))]
    assert line == "block 1000: follow 2 in 2 transactions; 1 left out: risk: market id"


def test_follow_refused_market_rests_for_the_cooldown(sender: RecordingSender) -> None:
    chain = ScriptedChain(to_follow=[2], refused={2: "risk: market id"})
    keeper = make(chain, sender, FOLLOW)
    for _ in range(5):
        keeper.round()
        chain.head += 1
    assert chain.attempts == 1
    keeper.round()
    assert chain.attempts == 2


def test_follow_refused_market_is_told_once(sender: RecordingSender) -> None:
    chain = ScriptedChain(to_follow=[2], refused={2: "risk: market id"})
    keeper = make(chain, sender, FOLLOW)
    assert len(lines(keeper)) == 1
    for _ in range(20):
        chain.head += 1
        assert lines(keeper) == []
    chain.head += 300
    assert len(lines(keeper)) == 1


def test_follow_on_its_way_is_not_repeated(sender: RecordingSender) -> None:
    chain = ScriptedChain(to_follow=[1], seconds_per_block=HOUR)
    keeper = make(chain, sender, FOLLOW)
    keeper.round()
    chain.head += 2
    keeper.round()
    assert len(sender.sent) == 1


def test_follow_reverted_is_tried_again_after_its_rest(sender: RecordingSender) -> None:
    chain = ScriptedChain(to_follow=[1])
    keeper = make(chain, sender, FOLLOW)
    keeper.round()
    chain.head += 1
    chain.receipts["0x0"] = {"blockNumber": hex(chain.head), "status": "0x0"}
    keeper.round()
    assert len(sender.sent) == 1
    chain.head += 5
    keeper.round()
    assert len(sender.sent) == 2


# -- margin calls ----------------------------------------------------------------------------


def test_call_goes_in_batches(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1, 2, 3])
    make(chain, sender, CALL, limits=Limits(batch=2)).round()
    assert sender.sent == [MarginCall((1, 2)), MarginCall((3,))]


def test_call_on_its_way_is_not_repeated(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1])
    keeper = make(chain, sender, CALL)
    for _ in range(10):
        keeper.round()
        chain.head += 1
    assert len(sender.sent) == 1


def test_call_that_left_no_event_rests_before_it_is_tried_again(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1])
    keeper = make(chain, sender, CALL)
    keeper.round()
    chain.receipts["0x0"] = {"blockNumber": hex(chain.head + 1), "status": "0x1"}
    for _ in range(4):
        chain.head += 1
        keeper.round()
    assert len(sender.sent) == 1
    chain.head += 1
    keeper.round()
    assert len(sender.sent) == 2


def test_call_reads_no_further_back_than_a_call_may_stand(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1, 2], called=[CallEvent(699, 1), CallEvent(700, 2)])
    make(chain, sender, CALL).round()
    assert sender.sent == [MarginCall((1,))]


# -- conversions -----------------------------------------------------------------------------


def test_convert_never_looks_at_its_own_account(sender: RecordingSender) -> None:
    chain = ScriptedChain(offered=[offer(7, 100, 102)])
    make(chain, sender, CONVERT, purchases=BUY).round()
    assert chain.asked_for == [7]


def test_convert_cash_of_purchases_on_their_way_is_reserved(sender: RecordingSender) -> None:
    chain = ScriptedChain(offered=[offer(7, 100, 102)], purse_of=Purse(150 * WAD, 1_000 * WAD))
    keeper = make(chain, sender, CONVERT, purchases=BUY)
    keeper.round()
    chain.offered.append(offer(8, 100, 102))
    chain.head += 1
    keeper.round()
    # 49 dollars of 150 are left beside the first one's 101.
    first, second = sender.sent
    assert isinstance(first, Purchase)
    assert isinstance(second, Purchase)
    assert first.most == 101 * WAD
    assert 48 * WAD < second.most <= 49 * WAD


def test_convert_minimum_covers_the_gas(sender: RecordingSender) -> None:
    chain = ScriptedChain(offered=[offer(7, 100, 102)])
    sender.price = 10**9
    make(chain, sender, CONVERT, purchases=BUY, native_price=5_000 * WAD).round()
    # 100,000 gas cost half a dollar: a quarter of the discount.
    (purchase,) = sender.sent
    assert isinstance(purchase, Purchase)
    assert purchase.least == 250_000


def test_convert_refused_purchase_tells_why_and_the_others_are_sent(
    sender: RecordingSender,
) -> None:
    chain = ScriptedChain(
        offered=[offer(7, 100, 103), offer(8, 100, 102)], refused={7: "custody: till short"}
    )
    (line,) = lines(make(chain, sender, CONVERT, purchases=BUY))
    assert len(sender.sent) == 1
    assert line == (
        "block 1000: convert 1 in 1 transactions (100.00 paid for 102.00); "
        "1 left out: custody: till short"
    )


# -- together --------------------------------------------------------------------------------


def test_round_job_that_the_node_refuses_does_not_stop_the_others(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1], broken=FOLLOW)
    told = lines(make(chain, sender, LIQUIDATE, CALL, FOLLOW))
    assert told == [
        "block 1000: call 1 in 1 transactions",
        "follow given up: header not found (code -32000)",
    ]


def test_round_job_that_fails_oddly_is_named_and_does_not_stop_the_others(
    sender: RecordingSender,
) -> None:
    chain = ScriptedChain(below=[1], to_follow=[2], broken=CONVERT)
    told = lines(make(chain, sender, LIQUIDATE, CONVERT, CALL, FOLLOW, purchases=BUY))
    assert told == [
        "convert given up: KeyError: 9",
        "block 1000: call 1 in 1 transactions",
        "block 1000: follow 1 in 1 transactions",
    ]


def test_follow_looks_at_markets_that_somebody_holds(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1])
    make(chain, sender, FOLLOW).round()
    assert chain.open_ids == {1}


def test_convert_purchase_that_fails_oddly_does_not_stop_the_others(
    sender: RecordingSender,
) -> None:
    chain = ScriptedChain(offered=[offer(7, 100, 103), offer(8, 100, 102)])
    chain.faulty[7] = KeyError(9)
    (line,) = lines(make(chain, sender, CONVERT, purchases=BUY))
    assert [task.targets for task in sender.sent] == [(8,)]
    assert line.endswith("; 1 left out: KeyError: 9")


def test_round_jobs_keep_apart_what_is_on_its_way(sender: RecordingSender) -> None:
    """Market 1 on its way is not account 1 on its way."""
    chain = ScriptedChain(to_follow=[1])
    keeper = make(chain, sender, CALL, FOLLOW)
    keeper.round()
    chain.below.append(1)
    chain.head += 1
    keeper.round()
    assert sender.sent == [Follow((1,)), MarginCall((1,))]


def test_round_gas_price_above_the_maximum_sends_nothing_of_any_job(
    sender: RecordingSender,
) -> None:
    chain = ScriptedChain(below=[1], to_follow=[1], offered=[offer(7, 100, 102)])
    sender.price = None
    told = lines(make(chain, sender, CALL, FOLLOW, CONVERT, purchases=BUY))
    assert sender.sent == []
    assert [line.split("; ")[1] for line in told] == ["1 left out: gas price too high"] * 3


def test_round_dry_run_sends_nothing_of_any_job(sender: RecordingSender) -> None:
    chain = ScriptedChain(below=[1], to_follow=[1], offered=[offer(7, 100, 102)])
    told = lines(make(chain, sender, CALL, FOLLOW, CONVERT, purchases=BUY, dry_run=True))
    assert (len(told), sender.sent) == (3, [])
