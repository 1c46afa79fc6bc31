"""`call_margin`: accounts below the line are called, with what cures them."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import PPM, WAD
from tests.desk import Desk, contract_at

ETH = 2
#: 20 % above maintenance margin.
CALL = 200_000


@pytest.fixture
def call(desk: Desk, stranger: Any) -> Any:
    """call(*accounts): the cures answered, and the events logged."""
    monitor = contract_at(str(desk.system.risk_monitor.address), "RiskMonitor")

    def act(*accounts: int) -> tuple[list[int], list[dict[str, Any]]]:
        cures = list(desk.view(monitor, "call_margin", list(accounts)))
        receipt = desk.send(str(stranger.address), monitor, "call_margin", list(accounts))
        return cures, monitor.events(receipt["logs"], "MarginCall")

    return act


def long(desk: Desk, owner: Any, maker: Any, dollars: int, sub: int = 0) -> int:
    """One ETH with so many dollars; 219.375 is maintenance margin, the reserve one."""
    account, other = desk.account(owner, dollars, sub), desk.account(maker, 10**6)
    desk.fill(account, other, ETH, WAD)
    return account


def test_call_margin_below_the_line_logs_what_cures(
    desk: Desk, call: Any, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    plan = desk.plan(account)
    wanted = -(-plan.maintenance * (PPM + CALL) // PPM) - plan.equity
    assert wanted > 0
    cures, events = call(account)
    assert cures == [wanted]
    assert events == [
        {
            "account": account,
            "equity": plan.equity,
            "maintenance": plan.maintenance,
            "to_cure": wanted,
        }
    ]


def test_call_margin_cured_account_is_not_called(
    desk: Desk, call: Any, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 250)
    (cure,), _ = call(account)
    # Up to the next dollar.
    desk.deposit(account, -(-cure // WAD))
    assert call(account) == ([0], [])


def test_call_margin_of_a_batch_tells_who_is_called(
    desk: Desk, call: Any, trader: Any, maker: Any
) -> None:
    rich, poor = long(desk, trader, maker, 5_000), long(desk, trader, maker, 240, sub=1)
    empty = desk.account(trader, 10, sub=2)
    cures, events = call(rich, poor, empty)
    assert (cures[0], cures[2]) == (0, 0)
    assert cures[1] > 0
    assert [event["account"] for event in events] == [poor]


def test_call_margin_of_a_liquidatable_account_is_a_call_too(
    desk: Desk, call: Any, trader: Any, maker: Any
) -> None:
    account = long(desk, trader, maker, 100)
    cures, events = call(account)
    assert len(events) == 1
    assert cures[0] > desk.plan(account).maintenance - desk.plan(account).equity
