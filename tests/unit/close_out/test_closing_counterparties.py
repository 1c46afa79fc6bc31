"""Deleveraging costs the same however many hold the other side: no list, no queue, no loop."""

from __future__ import annotations

from typing import Any

from books import ETH, long_eth, near, rich

from seawall.deployed import System
from seawall.spec.clearinghouse import Change
from seawall.spec.words import GATE_NONE, WAD, account_id
from tests.closing_desk import ClosingDesk
from tests.desk import dollars

#: ETH on the other side, whoever holds it.
OPEN = 40
#: Parties of one trade, the long among them.
PARTIES = 21
FALLEN = 2_700


def spread(desk: ClosingDesk, long: int, owner: Any, count: int) -> list[int]:
    """So many shorts of equal size against one long, which holds OPEN in the end."""
    shorts = [account_id(str(owner.address), 1_000 + number) for number in range(count)]
    size = OPEN * WAD // count
    price = desk.price(ETH)
    for start in range(0, count, PARTIES - 1):
        some = shorts[start : start + PARTIES - 1]
        money = size * price // WAD
        changes = [Change(one, -size, money, 0, GATE_NONE) for one in some]
        whole = Change(long, size * len(some), -money * len(some), 0, GATE_NONE)
        desk.trade(ETH, [whole, *changes])
    return shorts


def gas_of(desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, count: int) -> int:
    """Gas of a close-out whose shortfall and legs are all the other side's, of so many."""
    pool = rich(desk, maker)
    shorts = spread(desk, pool, maker, count)
    account = long_eth(desk, trader, pool, 10, 1_500)
    taker = desk.account(keeper, 1)
    desk.empty_fund()
    desk.gap(ETH, FALLEN)
    ends = shorts[0], shorts[-1]
    before = [desk.equity(one) for one in ends]
    closed = desk.close_out(account, taker)
    gas = desk.last_gas
    assert closed.charged == dollars(1_500)
    for was, one in zip(before, ends, strict=True):
        assert near((was - desk.equity(one)) * count, closed.charged)
        assert near(-desk.size(one, ETH) * count, (OPEN - 10) * WAD)
    return gas


def test_close_out_costs_the_same_with_ten_and_with_a_thousand_counterparties(
    closing_system: System,
    chain: Any,
    deployer: Any,
    module_role: Any,
    trader: Any,
    maker: Any,
    keeper: Any,
) -> None:
    """GMX and dYdX v1 deleverage one counterparty per transaction, whom a keeper picks."""
    found = []
    for count in (10, 1_000):
        before = chain.snapshot()
        desk = ClosingDesk(closing_system, chain.provider.http_uri, deployer, module_role)
        found.append(gas_of(desk, trader, maker, keeper, count))
        desk.close()
        chain.restore(before)
    assert found[0] == found[1]
