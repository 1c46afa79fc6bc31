"""What may leave at once, what waits, and how the queue pays it or gives it back."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import EXIT, PAY, WAD, account_id
from tests.unit.clearinghouse.mirror import USDC, deploy_reason
from tests.unit.exit_queue.counter import WAIT, Counter


@pytest.fixture
def winner(counter: Counter, trader: Any, maker: Any) -> int:
    """100 put in and 50 won from a maker of 1,000."""
    account, other = counter.mirror.fund(trader, 100), counter.mirror.fund(maker, 1_000)
    counter.earn(account, other, 50)
    return account


# -- at once ---------------------------------------------------------------------------------


def test_withdraw_up_to_the_principal_leaves_at_once(
    counter: Counter, trader: Any, winner: int
) -> None:
    before = counter.mirror.balance(trader)
    receipt = counter.withdraw(trader, winner, 100 * USDC)
    assert counter.mirror.balance(trader) - before == 100 * USDC
    assert counter.events(receipt, "TicketQueued") == []
    assert counter.mirror.cash(winner) == 50 * WAD


def test_withdraw_beyond_the_principal_queues_the_rest(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    before = counter.mirror.balance(keeper)
    receipt = counter.withdraw(trader, winner, 130 * USDC, keeper)
    assert counter.mirror.balance(keeper) - before == 100 * USDC
    assert counter.mirror.events(receipt, "Withdrawn") == [
        {
            "account": winner,
            "token_id": 0,
            "receiver": str(keeper.address).lower(),
            "amount": 130 * USDC,
            "paid": 100 * USDC,
            "queued": 30 * USDC,
        }
    ]
    (ticket,) = counter.events(receipt, "TicketQueued")
    assert (ticket["account"], ticket["amount"]) == (winner, 30 * USDC)
    assert counter.mirror.cash(winner) == 20 * WAD
    assert counter.mirror.cash(counter.account) == 30 * WAD


def test_withdraw_twice_the_principal_counts_once(
    counter: Counter, trader: Any, winner: int
) -> None:
    counter.withdraw(trader, winner, 60 * USDC)
    receipt = counter.withdraw(trader, winner, 60 * USDC)
    (ticket,) = counter.events(receipt, "TicketQueued")
    assert ticket["amount"] == 20 * USDC


def test_transfer_carries_the_principal_and_no_more(
    counter: Counter, trader: Any, maker: Any, winner: int
) -> None:
    second = account_id(trader.address, 5)
    counter.mirror.act("transfer", trader, winner, second, 120 * WAD)
    receipt = counter.withdraw(trader, second, 120 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 20 * USDC
    receipt = counter.withdraw(trader, winner, 30 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 30 * USDC


def test_pay_of_the_engine_waits_and_leaves_principals_alone(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    """A keeper's reward was put in by somebody else."""
    wallet = account_id(keeper.address)
    counter.mirror.act("pay", counter.mirror.engine, winner, wallet, 0, 30 * WAD)
    assert counter.principal(winner) == 100 * WAD
    receipt = counter.withdraw(keeper, wallet, 30 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 30 * USDC


def test_pay_of_a_module_without_the_loss_right_uses_up_the_principal(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    """Cash that buys collateral, which leaves at once, is not free to leave a second time."""
    mirror, seller = counter.mirror, account_id(keeper.address)
    mirror.act("set_module", mirror.stage.owner, mirror.venue, PAY)
    mirror.act("pay", mirror.venue, winner, seller, 0, 70 * WAD)
    assert (counter.principal(winner), counter.principal(seller)) == (30 * WAD, 0)
    receipt = counter.withdraw(trader, winner, 80 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 50 * USDC


def test_pay_beyond_the_principal_leaves_none(counter: Counter, keeper: Any, winner: int) -> None:
    mirror = counter.mirror
    mirror.act("set_module", mirror.stage.owner, mirror.venue, PAY)
    mirror.act("pay", mirror.venue, winner, account_id(keeper.address), 0, 101 * WAD)
    assert counter.principal(winner) == 0


def test_transfer_to_a_debtor_carries_the_principal(
    counter: Counter, trader: Any, winner: int
) -> None:
    mirror, debtor = counter.mirror, account_id(trader.address, 9)
    mirror.act("pay", mirror.engine, debtor, winner, 0, 40 * WAD)
    mirror.act("transfer", trader, winner, debtor, 40 * WAD)
    assert (counter.principal(winner), counter.principal(debtor)) == (60 * WAD, 40 * WAD)


def test_deposit_for_the_fund_is_no_principal(counter: Counter, trader: Any) -> None:
    fund = counter.mirror.stage.fee_account
    counter.mirror.act("deposit", trader, fund, 0, USDC)
    assert counter.principal(fund) == 0


def test_withdraw_with_the_exit_right_leaves_at_once(
    counter: Counter, trader: Any, winner: int
) -> None:
    mirror = counter.mirror
    mirror.act("set_module", mirror.stage.owner, str(trader.address), EXIT)
    receipt = counter.withdraw(trader, winner, 150 * USDC)
    assert counter.events(receipt, "TicketQueued") == []
    assert counter.principal(winner) == 0


# -- payment ---------------------------------------------------------------------------------


def test_claim_before_the_wait_pays_nothing(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    counter.withdraw(trader, winner, 130 * USDC)
    counter.wait(WAIT - 2)
    assert counter.claim(keeper) == []


def test_claim_after_the_wait_pays_in_order(
    counter: Counter, trader: Any, maker: Any, keeper: Any, winner: int
) -> None:
    counter.withdraw(trader, winner, 110 * USDC)
    counter.withdraw(trader, winner, 20 * USDC, maker)
    counter.wait()
    first, second = counter.claim(keeper)
    assert [first["ticket_id"] + 1, first["amount"]] == [second["ticket_id"], 10 * USDC]
    assert (second["amount"], second["left"]) == (20 * USDC, 0)
    assert counter.mirror.cash(counter.account) == 0


def test_claim_of_one_leaves_the_next(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    for amount in (110, 20):
        counter.withdraw(trader, winner, amount * USDC)
    counter.wait()
    assert counter.claim(keeper, 0) == []
    assert len(counter.claim(keeper, 1)) == 1
    assert len(counter.claim(keeper, 1)) == 1


def test_claim_for_an_account_in_debt_gives_back(
    counter: Counter, trader: Any, maker: Any, keeper: Any, winner: int
) -> None:
    """Whoever loses while he waits bears it himself."""
    counter.withdraw(trader, winner, 150 * USDC)
    counter.earn(account_id(maker.address), winner, 20)
    assert counter.mirror.cash(winner) == -20 * WAD
    counter.wait()
    (returned,) = counter.claim(keeper)
    assert (returned["amount"], returned["reason"]) == (50 * USDC, 2)
    assert counter.mirror.cash(winner) == 30 * WAD


def test_claim_for_an_account_below_initial_margin_gives_back(
    counter: Counter, trader: Any, maker: Any, keeper: Any, winner: int
) -> None:
    """Liquidated or about to be: the money that had left covers the legs again."""
    counter.withdraw(trader, winner, 145 * USDC)
    counter.mirror.force(winner, account_id(maker.address), WAD // 100, 40_000)
    counter.wait()
    counter.mirror.set_index(1, 40_000)
    (returned,) = counter.claim(keeper)
    assert (returned["amount"], returned["reason"]) == (45 * USDC, 2)
    assert counter.mirror.cash(winner) == 50 * WAD


def test_claim_for_an_account_with_margin_pays(
    counter: Counter, trader: Any, maker: Any, keeper: Any, winner: int
) -> None:
    counter.mirror.open(winner, account_id(maker.address), WAD // 1_000, 40_000)
    counter.withdraw(trader, winner, 110 * USDC)
    counter.wait()
    counter.mirror.set_index(1, 40_000)
    (paid,) = counter.claim(keeper)
    assert (paid["amount"], paid["left"]) == (10 * USDC, 0)


def test_claim_of_what_was_given_back_waits_again(
    counter: Counter, trader: Any, winner: int
) -> None:
    receipt = counter.withdraw(trader, winner, 150 * USDC)
    ticket_id = counter.events(receipt, "TicketQueued")[0]["ticket_id"]
    counter.cancel(trader, ticket_id)
    assert counter.mirror.cash(winner) == 50 * WAD
    receipt = counter.withdraw(trader, winner, 50 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 50 * USDC


def test_claim_while_losses_are_deferred_is_cut_like_any_withdrawal(
    counter: Counter, trader: Any, keeper: Any, winner: int
) -> None:
    mirror = counter.mirror
    counter.withdraw(trader, winner, 140 * USDC)
    debtor = account_id(keeper.address, 9)
    mirror.act("pay", mirror.engine, debtor, winner, 0, 500 * WAD)
    mirror.act("write_off", mirror.engine, debtor)
    held, _, deferred = mirror.totals()
    counter.wait()
    (paid,) = counter.claim(keeper)
    assert paid["paid"] == 40 * USDC * held // (held + deferred) < 40 * USDC


# -- cancel and rights -----------------------------------------------------------------------


def test_cancel_by_another_or_twice_refused(
    counter: Counter, trader: Any, maker: Any, winner: int
) -> None:
    receipt = counter.withdraw(trader, winner, 150 * USDC)
    ticket_id = counter.events(receipt, "TicketQueued")[0]["ticket_id"]
    refusal = counter.mirror.reason_of
    assert refusal(maker, counter.queue, "cancel", ticket_id) == "queue: not yours"
    assert refusal(trader, counter.queue, "cancel", ticket_id + 1) == "queue: not yours"
    (returned,) = counter.events(counter.cancel(trader, ticket_id), "TicketReturned")
    assert (returned["amount"], returned["reason"]) == (50 * USDC, 1)
    assert refusal(trader, counter.queue, "cancel", ticket_id) == "queue: not yours"


def test_enqueue_by_anyone_else_refused(counter: Counter, trader: Any, winner: int) -> None:
    args = (winner, str(trader.address), USDC)
    reason = counter.mirror.reason_of(trader, counter.queue, "enqueue", *args)
    assert reason == "queue: not the house"


def test_claim_with_little_gas_gives_nothing_back(
    counter: Counter, trader: Any, maker: Any, keeper: Any, winner: int
) -> None:
    """A starved payment is the caller's doing: it must not count as the token's refusal."""
    counter.withdraw(trader, winner, 150 * USDC)
    counter.wait()
    data = counter.queue.encode("claim", 1)
    for gas in range(90_000, 400_000, 20_000):
        call = {
            "from": str(keeper.address),
            "to": counter.queue.address,
            "data": "0x" + data.hex(),
            "gas": hex(gas),
        }
        mark = counter.mirror.rpc.call("evm_snapshot")
        counter.mirror.rpc.call("eth_sendTransaction", call)
        counter.mirror.rpc.mine()
        assert counter.mirror.cash(winner) == 0
        counter.mirror.rpc.call("evm_revert", mark)


# -- till and throttle -----------------------------------------------------------------------


def test_withdraw_from_a_short_till_queues_and_claim_pays_what_comes_in(
    counter: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Perpetual v1, Perennial: cash that nobody backs yet. The front waits, no one overtakes it."""
    mirror = counter.mirror
    account, debtor = mirror.fund(trader, 100), account_id(maker.address, 9)
    mirror.act("pay", mirror.engine, debtor, account, 0, 60 * WAD)
    receipt = counter.withdraw(trader, account, 160 * USDC)
    assert mirror.events(receipt, "Withdrawn")[0]["paid"] == 100 * USDC
    counter.wait()
    assert counter.claim(keeper) == []
    mirror.act("deposit", maker, debtor, 0, 45 * USDC)
    (paid,) = counter.claim(keeper)
    assert (paid["amount"], paid["left"]) == (45 * USDC, 15 * USDC)
    mirror.act("deposit", maker, debtor, 0, 15 * USDC)
    (paid,) = counter.claim(keeper)
    assert (paid["amount"], paid["left"]) == (15 * USDC, 0)


def test_withdraw_above_the_days_outflow_queues(counter: Counter, trader: Any, maker: Any) -> None:
    account = counter.mirror.fund(trader, 1_000)
    counter.limit(100)
    receipt = counter.withdraw(trader, account, 250 * USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == 150 * USDC
    receipt = counter.withdraw(trader, account, USDC)
    assert counter.events(receipt, "TicketQueued")[0]["amount"] == USDC


def test_deposit_and_withdrawal_do_not_fill_the_days_outflow(
    counter: Counter, trader: Any, maker: Any
) -> None:
    """Nobody shuts the door for others with money that he takes in and out."""
    account, other = counter.mirror.fund(trader, 1_000), account_id(maker.address)
    counter.limit(100)
    counter.mirror.fund(maker, 500)
    counter.withdraw(maker, other, 500 * USDC)
    receipt = counter.withdraw(trader, account, 100 * USDC)
    assert counter.events(receipt, "TicketQueued") == []


def test_claim_obeys_the_days_outflow_and_goes_on_the_next_day(
    counter: Counter, trader: Any, keeper: Any
) -> None:
    account = counter.mirror.fund(trader, 1_000)
    counter.limit(100)
    counter.withdraw(trader, account, 250 * USDC)
    now = counter.mirror.rpc.timestamp()
    counter.wait(86_400 - now % 86_400 + WAIT)
    (paid,) = counter.claim(keeper)
    assert (paid["amount"], paid["left"]) == (100 * USDC, 50 * USDC)
    assert counter.claim(keeper) == []
    counter.wait(86_400)
    (paid,) = counter.claim(keeper)
    assert (paid["amount"], paid["left"]) == (50 * USDC, 0)


# -- tokens that refuse ----------------------------------------------------------------------


def test_claim_for_a_blacklisted_receiver_gives_back_and_goes_on(
    around: Any, project: Any, deployer: Any, trader: Any, maker: Any, keeper: Any
) -> None:
    token = deployer.deploy(project.BlacklistToken, "Listed", "LST", 6)
    counter = around(token)
    mirror = counter.mirror
    account, other = mirror.fund(trader, 100), mirror.fund(maker, 100)
    counter.limit(1)
    counter.withdraw(trader, account, 11 * USDC, keeper)
    counter.withdraw(maker, other, 10 * USDC)
    token.set_blacklisted(keeper, True, sender=deployer)
    counter.limit(0)
    counter.wait()
    paid, returned = counter.claim(maker, refused=(keeper,))
    assert (paid["account"], paid["paid"]) == (other, 10 * USDC)
    assert (returned["account"], returned["amount"], returned["reason"]) == (
        account,
        10 * USDC,
        3,
    )
    assert mirror.cash(account) == 99 * WAD


def test_deploy_without_queue_refused(project: Any, deployer: Any, counter: Counter) -> None:
    stage, one, nobody = counter.mirror.stage, str(deployer.address), "0x" + "00" * 20
    parts = (stage.tokens[0][0], 1, stage.model, stage.oracle, one, nobody, one)
    rpc = counter.mirror.rpc
    assert deploy_reason(rpc, project.Clearinghouse, *parts) == "clearinghouse: no queue"
    wait = (stage.house, stage.tokens[0][0], stage.oracle, stage.model, 604_801)
    assert deploy_reason(rpc, project.ExitQueue, *wait) == "queue: wait"
