"""After an outage or a halt slices wait, and nobody leaves; whole closes do not wait."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import ETH, ETH_PRICE, one_leg

from seawall.spec.clearinghouse import Change
from seawall.spec.index_modes import HALT_GRACE
from seawall.spec.liquidation import SPARED
from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import GATE_MARGIN_RULE, GATE_NONE, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused

#: Of the sequencer, seconds.
GRACE = 1_800


def lately_halted(desk: ClosingDesk) -> None:
    """A halt of ETH has just been lifted: prices from here on are flagged."""
    desk.send(desk.owner, desk.oracle, "halt", ETH)
    desk.send(desk.owner, desk.oracle, "lift_halt", ETH)


def withdraw(desk: ClosingDesk, owner: Any, account: int) -> None:
    """A dollar. Errors: Refused."""
    sender, unit = str(owner.address), 10**desk.system.parameters.settlement.decimals
    desk.send(sender, desk.house, "withdraw", account, 0, unit, sender)
    desk.spec.withdraw(int(sender, 16), account, 0, unit, int(sender, 16))


def test_liquidate_slice_in_grace_is_refused(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    lately_halted(desk)
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    assert desk.refusal(account, taker, keeper) == "liquidation: in grace"


def test_liquidate_slice_after_the_grace_passes(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    lately_halted(desk)
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    desk.warp(HALT_GRACE)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL


def test_liquidate_whole_in_grace_passes(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """What is below close-out may be a hole in a moment: it does not wait."""
    lately_halted(desk)
    account = one_leg(desk, trader, maker, "0.3")
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert step.stage == WHOLE


def test_liquidate_many_in_grace_spares_one_and_closes_the_other(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    lately_halted(desk)
    spared = one_leg(desk, trader, maker, "0.9")
    closed = one_leg(desk, trader, maker, "0.3", sub=1)
    taker = desk.account(keeper, 100_000)
    statuses, _ = desk.liquidate_many([spared, closed], taker, keeper)
    assert statuses == [SPARED, 0]
    assert desk.size(spared, ETH) == 10 * WAD


def test_deposit_and_reduction_in_grace_pass(desk: ClosingDesk, trader: Any, maker: Any) -> None:
    lately_halted(desk)
    account = one_leg(desk, trader, maker, "0.9")
    desk.deposit(account, 5)
    other, money = desk.account(maker), ETH_PRICE * WAD
    changes = [
        Change(account, -WAD, money, 0, GATE_MARGIN_RULE),
        Change(other, WAD, -money, 0, GATE_NONE),
    ]
    desk.trade(ETH, changes)
    assert desk.size(account, ETH) == 9 * WAD


def test_withdraw_in_grace_waits_for_accounts_with_a_leg(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    lately_halted(desk)
    account = one_leg(desk, trader, maker, 5)
    bystander = desk.account(keeper, 100)
    with pytest.raises(Refused, match=r"margin: "):
        withdraw(desk, trader, account)
    withdraw(desk, keeper, bystander)
    desk.warp(HALT_GRACE)
    withdraw(desk, trader, account)
    desk.check()


def sequencer(desk: ClosingDesk) -> Any:
    """The system is on an L2 from now on; what its uptime feed is told."""
    feed = desk.deploy("OddSource")

    def say(answer: int, started_at: int) -> None:
        words = (1, answer, started_at, started_at, 1)
        data = b"".join(word.to_bytes(32, "big") for word in words)
        desk.send(desk.owner, feed, "answer_with", data)

    say(0, desk.rpc.timestamp() - 86_400)
    desk.send(desk.owner, desk.oracle, "set_sequencer", feed.address, GRACE)
    return say


def test_attack_12_after_an_outage_deposits_come_before_slices(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Users could not act, so who is merely below maintenance margin gets time."""
    say = sequencer(desk)
    slipped = one_leg(desk, trader, maker, "0.9")
    sunk = one_leg(desk, trader, maker, "0.3", sub=1)
    taker = desk.account(keeper, 100_000)
    say(1, desk.rpc.timestamp())
    desk.index(ETH, ETH_PRICE)
    for account in (slipped, sunk):
        reason = desk.refusal(account, taker, keeper)
        assert reason in ("liquidation: healthy", "liquidation: price stale")
    say(0, desk.rpc.timestamp())
    # What was stamped during the outage does not count; the resume and this are one second.
    assert desk.refusal(sunk, taker, keeper) == "liquidation: price stale"
    desk.index(ETH, ETH_PRICE)
    assert desk.liquidate(sunk, taker, keeper)[0].stage == WHOLE
    assert desk.refusal(slipped, taker, keeper) == "liquidation: in grace"
    desk.warp(GRACE)
    assert desk.liquidate(slipped, taker, keeper)[0].stage == PARTIAL
