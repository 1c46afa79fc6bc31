"""Rounds against a scripted chain: what is sent, left out, waited for and tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from seawall.keeper.chain import Trial
from seawall.keeper.index import PositionEvent
from seawall.keeper.jobs import Keeper
from seawall.keeper.outbox import MOST_GAS
from seawall.keeper.planning import Action, Candidate, KeeperMargin, Limits, Row
from seawall.keeper.rounds import LIQUIDATE, Policy, Report
from seawall.keeper.sender import GasPriceError, Sent
from seawall.rpc import RpcError
from seawall.spec.step_plan import PARTIAL, WHOLE, Step

WAD = 10**18
KEEPER = 99
FEE = 2 * WAD
STEP = Step(PARTIAL, 1, WAD, WAD, 100 * WAD, 4 * WAD, FEE, 0)


@dataclass
class ScriptedChain:
    """Accounts that are due, a keeper's margin, and what trials of accounts answer."""

    due: list[int]
    free: int = 1_000_000
    refused: dict[int, str] = field(default_factory=dict)
    steps: dict[int, Step] = field(default_factory=dict)
    receipts: dict[str, dict[str, str]] = field(default_factory=dict)
    head: int = 100
    keeper_account: int = KEEPER
    prices: int = 0
    gas: int = 100_000
    gas_each: int = 0
    taken: Step | None = None
    mute: dict[str, list[int]] = field(default_factory=dict)
    faulty: dict[int, Exception] = field(default_factory=dict)
    asked_rates: set[int] = field(default_factory=set)

    @property
    def rpc(self) -> Any:
        return SimpleNamespace(
            block_number=lambda: self.head, call=lambda method, tx_hash: self.receipts.get(tx_hash)
        )

    def events(self, first: int, last: int) -> list[PositionEvent]:
        return [PositionEvent(first, one, 1, WAD) for one in [*self.due, KEEPER]]

    def rows(self, accounts: list[int], block: int) -> list[Row]:
        read = [one for one in accounts if one not in self.mute.get("health", ())]
        return [Row(one, 4 if one in self.due else 1, 90 * WAD, 100 * WAD) for one in read]

    def candidates(self, rows: list[Row], block: int) -> list[Candidate]:
        planned = [row for row in rows if row.account not in self.mute.get("plan", ())]
        return [Candidate(row, self.steps.get(row.account, STEP), (1, 2)) for row in planned]

    def margin(self, block: int, market_ids: set[int]) -> KeeperMargin:
        self.asked_rates = market_ids
        return KeeperMargin(self.free * WAD, {1: 100_000, 2: 100_000})

    def contract_of(self, action: Action) -> Any:
        return SimpleNamespace(address="0xengine")

    def calldata(self, action: Action) -> bytes:
        return repr(action.accounts).encode()

    def attempt(self, action: Action, sender: str, block: int) -> Trial:
        for account in action.accounts:
            if account in self.refused:
                return Trial((), 0, self.refused[account])
            if account in self.faulty:
                raise self.faulty[account]
        step = self.taken if action.kind == "one" else None
        gas = self.gas + self.gas_each * len(action.accounts)
        return Trial(action.accounts, gas, "", self.prices, step)


@dataclass
class RecordingSender:
    """Numbers transactions; `price` None is above the maximum."""

    address: str = "0xkeeper"
    price: int | None = 10**9
    sent: list[Sent] = field(default_factory=list)
    replaced: int = 0
    broken: bool = False

    def gas_price(self) -> int:
        if self.price is None:
            raise GasPriceError("gas price too high")
        return self.price

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        if self.broken:
            raise RpcError(-32000, "insufficient funds")
        one = Sent((f"0x{len(self.sent)}",), to, data, gas, len(self.sent), self.gas_price())
        self.sent.append(one)
        return one

    def replace(self, sent: Sent) -> Sent | None:
        self.replaced += 1
        again = (*sent.hashes, f"{sent.hashes[0]}-again")
        return Sent(again, sent.to, sent.data, sent.gas, sent.nonce, sent.gas_price * 2)


@pytest.fixture
def chain() -> ScriptedChain:
    return ScriptedChain(due=[1, 2, 3])


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


class Rounds:
    """A keeper that liquidates only."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def round(self) -> Report:
        (report,) = self._keeper.round()
        assert isinstance(report, Report)
        return report


def make(chain: Any, sender: Any, **policy: Any) -> Rounds:
    return Rounds(Keeper(chain, sender, Policy(**policy), start_block=1, jobs=[LIQUIDATE]))


def receipt(block: int, status: int = 1) -> dict[str, str]:
    return {"blockNumber": hex(block), "status": hex(status)}


def test_round_sends_all_that_is_due_but_never_its_own_account(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.due.append(KEEPER)
    report = make(chain, sender).round()
    assert [action.accounts for action in report.sent] == [(1, 2, 3)]


def test_round_gas_covers_a_refresh_of_every_price_that_the_trial_may_not_see(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.prices = 2
    make(chain, sender).round()
    assert sender.sent[0].gas == 130_000 + 2 * 150_000


def test_round_batch_that_may_need_more_gas_than_a_transaction_may_use_is_halved(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.due, chain.gas_each, chain.prices = [1, 2, 3, 4], 4_000_000, 2
    report = make(chain, sender).round()
    assert [action.accounts for action in report.sent] == [(1, 2), (3, 4)]
    assert max(one.gas for one in sender.sent) <= MOST_GAS


def test_round_one_account_is_sent_with_the_most_gas_that_a_transaction_may_name(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.due, chain.gas = [1], MOST_GAS - 1
    make(chain, sender).round()
    assert [one.gas for one in sender.sent] == [MOST_GAS]


def test_round_one_account_beyond_any_transaction_is_left_out(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.due, chain.gas = [1], MOST_GAS + 1
    report = make(chain, sender).round()
    assert report.left_out == {1: "more gas than a transaction may use"}
    assert sender.sent == []


def test_round_asks_for_the_rates_of_what_is_due_alone(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    make(chain, sender).round()
    assert chain.asked_rates == {1}
    chain.due = [4]
    chain.steps[4] = STEP._replace(stage=WHOLE, market_id=0)
    make(chain, sender).round()
    assert chain.asked_rates == {1, 2}


def test_round_market_without_a_rate_is_left_out_and_the_others_sent(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.steps[2] = STEP._replace(market_id=3)
    report = make(chain, sender).round()
    assert [action.accounts for action in report.sent] == [(1, 3)]
    assert report.left_out == {2: "no initial rate of a market"}


def test_round_account_whose_plan_reverts_is_left_out_and_the_others_sent(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.mute["plan"] = [2]
    report = make(chain, sender).round()
    assert [action.accounts for action in report.sent] == [(1, 3)]
    assert report.left_out == {2: "plan reverts"}


def test_round_account_that_cannot_be_read_is_told_once_and_the_others_sent(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.mute["health"] = [2]
    keeper = make(chain, sender)
    report = keeper.round()
    assert [action.accounts for action in report.sent] == [(1, 3)]
    assert report.left_out == {2: "health reverts"}
    chain.due, chain.mute["health"] = [], [1, 2]
    told = []
    for _ in range(3):
        chain.head += 1
        told.append(keeper.round().summary())
    assert told[0].endswith("; 2 left out: health reverts")
    assert told[1:] == ["", ""]


def test_round_trial_that_fails_oddly_leaves_out_its_account_alone(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.faulty[2] = KeyError(7)
    report = make(chain, sender).round()
    assert sorted(one for action in report.sent for one in action.accounts) == [1, 3]
    assert report.left_out == {2: "KeyError: 7"}


def test_round_lost_connection_is_not_tried_account_by_account(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.faulty[1] = ConnectionResetError("gone")
    keeper = Keeper(chain, sender, Policy(), start_block=1, jobs=[LIQUIDATE])  # type: ignore[arg-type]
    (report,) = keeper.round()
    assert report.summary() == "liquidate given up: ConnectionResetError: gone"
    assert sender.sent == []


def test_round_slice_reports_and_weighs_what_the_trial_would_take(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.due, chain.free = [1], 5
    chain.taken = STEP._replace(notional=30 * WAD, keeper_fee=WAD // 2)
    everything = Limits(use_ppm=1_000_000)
    (action,) = make(chain, sender, limits=everything).round().sent
    assert (action.limit, action.notional, action.keeper_fee) == (50 * WAD, 30 * WAD, WAD // 2)
    # The plan's share would be a dollar.
    report = make(chain, sender, limits=everything, min_profit=6 * WAD // 10).round()
    assert report.left_out == {1: "keeper fee below the cost of gas"}


def test_round_nothing_due_sends_nothing(sender: RecordingSender) -> None:
    report = make(ScriptedChain(due=[]), sender).round()
    assert (report.due, sender.sent) == (0, [])


def test_round_dry_run_reports_without_sending(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    report = make(chain, sender, dry_run=True).round()
    assert (report.targets, sender.sent) == (3, [])


def test_round_transaction_on_its_way_is_not_repeated(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender)
    keeper.round()
    chain.head += 1
    report = keeper.round()
    assert (len(sender.sent), report.waiting) == (1, 3)


def test_round_mined_and_still_due_is_tried_again(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender)
    keeper.round()
    chain.head += 1
    chain.receipts["0x0"] = receipt(chain.head)
    report = keeper.round()
    assert (report.mined, len(sender.sent)) == (1, 2)


def test_round_mined_after_the_block_that_is_looked_at_still_waits(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender)
    keeper.round()
    chain.receipts["0x0"] = receipt(chain.head + 1)
    assert keeper.round().waiting == 3


def test_round_reverted_transaction_rests_its_accounts(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender)
    keeper.round()
    chain.head += 1
    chain.receipts["0x0"] = receipt(chain.head, status=0)
    report = keeper.round()
    assert report.left_out == dict.fromkeys([1, 2, 3], "cooling down")
    chain.head += 5
    assert keeper.round().targets == 3


def test_round_bad_account_is_found_by_halving_and_the_others_sent(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.refused[2] = "margin: below initial"
    report = make(chain, sender).round()
    assert sorted(one for action in report.sent for one in action.accounts) == [1, 3]
    assert report.left_out == {2: "margin: below initial"}


def test_round_margin_of_transactions_on_their_way_is_reserved(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    chain.free = 35
    keeper = make(chain, sender, limits=Limits(use_ppm=1_000_000))
    keeper.round()
    chain.due.append(4)
    chain.head += 1
    (action,) = keeper.round().sent
    assert (action.kind, action.limit) == ("one", 50 * WAD)


def test_round_stuck_transaction_is_outbid_once_it_is_old_enough(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender, replace_blocks=3)
    keeper.round()
    chain.head += 2
    keeper.round()
    assert sender.replaced == 0
    chain.head += 1
    keeper.round()
    assert sender.replaced == 1


def test_round_replacement_that_fails_oddly_stops_nothing(
    chain: ScriptedChain, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(sent: Sent) -> Sent | None:
        raise ValueError("signer is locked")

    keeper = make(chain, sender, replace_blocks=1)
    keeper.round()
    monkeypatch.setattr(sender, "replace", locked)
    chain.due.append(4)
    chain.head += 1
    report = keeper.round()
    assert (report.waiting, report.targets) == (3, 1)


def test_round_replacement_that_was_mined_is_seen(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    keeper = make(chain, sender, replace_blocks=1)
    keeper.round()
    chain.head += 1
    keeper.round()
    chain.head += 1
    chain.receipts["0x0-again"] = receipt(chain.head)
    assert keeper.round().mined == 1


def test_round_fee_below_gas_is_left_out(chain: ScriptedChain, sender: RecordingSender) -> None:
    # 100,000 gas at 1 gwei and 3,000 dollars cost 0.30 dollars, three fees bring 6.
    costs = {"native_price": 3_000 * WAD}
    assert make(chain, sender, min_profit=57 * WAD // 10, **costs).round().targets == 3
    report = make(chain, sender, min_profit=57 * WAD // 10 + 1, **costs).round()
    assert set(report.left_out.values()) == {"keeper fee below the cost of gas"}


def test_round_gas_price_above_maximum_sends_nothing(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    sender.price = None
    report = make(chain, sender).round()
    assert (sender.sent, report.left_out[1]) == ([], "gas price too high")


def test_round_node_refuses_transaction_says_why(
    chain: ScriptedChain, sender: RecordingSender
) -> None:
    sender.broken = True
    report = make(chain, sender).round()
    assert report.left_out == dict.fromkeys([1, 2, 3], "insufficient funds")


def test_summary_tells_counts_and_reasons(chain: ScriptedChain, sender: RecordingSender) -> None:
    chain.refused[2] = "margin: below initial"
    line = make(chain, sender).round().summary()
    assert line == (
        "block 100: 3 open, 3 due, 2 in 2 transactions (200 notional, fee 4.00); "
        "1 left out: margin: below initial"
    )
