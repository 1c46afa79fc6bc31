"""The margin gate where size, open interest and volatility raise rates."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import ANY_VOLATILITY
from seawall.spec.words import GATE_INITIAL, PPM, WAD, account_id
from tests.unit.clearinghouse.mirror import Mirror, fill

BELOW = "margin: below initial"
ANY = 2**32 - 1
INITIAL, MAINTENANCE, RESERVE = 100_000, 50_000, 100
PRICE = 40_000


@pytest.fixture
def set_terms(mirror: Mirror) -> Any:
    """set_terms(depth=, capacity=): thousands of dollars, for market 1."""

    def act(depth: int = ANY, capacity: int = ANY) -> None:
        risk = (INITIAL, MAINTENANCE, RESERVE, depth, ANY_VOLATILITY, 10, capacity, 0)
        mirror.send(mirror.stage.owner, mirror.model, "set_risk", 1, risk)
        mirror.adopt_market(mirror.spec, mirror.spec.model, 1)

    return act


def most(mirror: Mirror, account: int, other: int, dollars: int) -> None:
    """A long of so many dollars passes the gate, and a thousandth more of it does not.

    The open interest is kept as a float that rounds up: the accounts have a dollar for that.
    """
    size = dollars * WAD // PRICE
    larger = fill(account, other, size + size // 1_000, PRICE * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, larger)
    mirror.open(account, other, size, PRICE)


def test_trade_beyond_depth_needs_margin_with_the_square_root_of_size(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    set_terms(depth=100)
    # 400,000 at four times the depth: twice the rate, 20 %.
    account, other = mirror.fund(trader, 80_002), mirror.fund(maker, 10**6)
    most(mirror, account, other, 400_000)


def test_trade_of_an_open_interest_beyond_capacity_needs_its_mean_factor(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    set_terms(capacity=100)
    # From 0 to 200,000: 1 up to the capacity, then up to 2, so 1.25 in the mean: 25,000.
    account, other = mirror.fund(trader, 25_002), mirror.fund(maker, 10**6)
    most(mirror, account, other, 200_000)


def test_trade_of_a_latecomer_pays_for_the_open_interest_that_he_adds(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    first, other = mirror.fund(trader, 10**5), mirror.fund(maker, 10**6)
    mirror.open(first, other, 200_000 * WAD // PRICE, PRICE)
    set_terms(capacity=100)
    # From 200,000 to 220,000: between 2 and 2.2 times 10 % of 20,000.
    late = mirror.fund(trader, 4_202, sub=1)
    most(mirror, late, other, 20_000)


def test_withdraw_after_the_fill_cannot_take_the_margin_of_open_interest_back(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    set_terms(capacity=100)
    account, other = mirror.fund(trader, 25_101), mirror.fund(maker, 10**6)
    mirror.open(account, other, 200_000 * WAD // PRICE, PRICE)
    own = account_id(trader.address, 9)
    mirror.refuse(BELOW, "transfer", trader, account, own, 101 * WAD)
    mirror.act("transfer", trader, account, own, 99 * WAD)


def test_trade_that_takes_a_liquidated_leg_over_is_spared_the_open_interest(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    victim, other = mirror.fund(trader, 10**5), mirror.fund(maker, 10**6)
    mirror.open(victim, other, 200_000 * WAD // PRICE, PRICE)
    set_terms(capacity=1)
    taker = mirror.fund(trader, 20_001, sub=1)
    changes = fill(taker, victim, 200_000 * WAD // PRICE, PRICE * WAD, gate=GATE_INITIAL)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    mirror.act("trade", mirror.engine, 1, changes)


def test_trade_that_reduces_passes_below_the_margin_of_open_interest(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    account, other = mirror.fund(trader, 30_000), mirror.fund(maker, 10**6)
    size = 200_000 * WAD // PRICE
    mirror.open(account, other, size, PRICE)
    set_terms(capacity=1)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, other, WAD // 100, PRICE * WAD))
    mirror.act("trade", mirror.venue, 1, fill(other, account, size // 2, PRICE * WAD))


def test_trade_of_strangers_changes_nobodys_maintenance(
    mirror: Mirror, trader: Any, maker: Any, stranger: Any, set_terms: Any
) -> None:
    set_terms(capacity=100)
    account, other = mirror.fund(trader, 20_000), mirror.fund(maker, 10**6)
    mirror.open(account, other, 100_000 * WAD // PRICE, PRICE)
    before = mirror.spec.assess(account)
    friend = mirror.fund(stranger, 500_000)
    mirror.open(friend, other, 200_000 * WAD // PRICE, PRICE)
    with mirror.at("latest"):
        after = mirror.spec.assess(account)
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)
    assert after.initial > before.initial


def test_set_risk_lower_depth_counts_for_new_risk_at_once(
    mirror: Mirror, trader: Any, maker: Any, set_terms: Any
) -> None:
    account, other = mirror.fund(trader, 60_000), mirror.fund(maker, 10**6)
    mirror.open(account, other, 400_000 * WAD // PRICE, PRICE)
    set_terms(depth=100)
    with mirror.at("latest"):
        found = mirror.spec.assess(account)
    assert found.initial == 400_000 * WAD * 2 * INITIAL // PPM
    assert found.maintenance < found.equity
    mirror.refuse(BELOW, "transfer", trader, account, account_id(trader.address, 9), WAD)
