"""How margin failed elsewhere, tried here: each test is named after its incident."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import ANY_VOLATILITY, NOTICE, RAMP
from seawall.spec.words import PPM, WAD, account_id
from tests.unit.clearinghouse.mirror import Mirror, fill

BELOW = "margin: below initial"
ANY = 2**32 - 1
#: One million dollars of open interest where the capacity is a tenth of it: the mean factor of all
#: of it is (0.1 + (1 - 0.01) / 0.2) = 5.05, so 505,000 at 10 %.
PRICE, DOLLARS, CAPACITY = 40_000, 10**6, 100
WHOLE = 505_000


@pytest.fixture
def thin_market(mirror: Mirror) -> None:
    """A market whose open interest is worth 100,000 dollars before initial margin grows."""
    risk = (100_000, 50_000, 0, ANY, ANY_VOLATILITY, 10, CAPACITY, 0)
    mirror.send(mirror.stage.owner, mirror.model, "set_risk", 4, risk)
    mirror.send(mirror.stage.owner, mirror.oracle, "set_feeds", 4, (1, 0, 0), [feed_of(mirror, 1)])
    terms = mirror.read(mirror.house, "market_words", 1)[2]
    mirror.send(mirror.stage.owner, mirror.house, "set_market", 4, terms)
    mirror.adopt_market(mirror.spec, mirror.spec.model, 4)


def feed_of(mirror: Mirror, market_id: int) -> tuple[str, int, int, bool]:
    """The feed of another market, as `set_feeds` takes it."""
    _, feeds = mirror.read(mirror.oracle, "feeds", market_id)
    return tuple(feeds[0])


def test_20_mango_unrealised_profit_of_a_pumped_index_backs_nothing(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    attacker, friend = mirror.fund(trader, 100_000), mirror.fund(maker, 1_000_000)
    mirror.open(attacker, friend, 900_000 * WAD, 1, market_id=3)
    mirror.set_index(3, 24)
    with mirror.at("latest"):
        found = mirror.spec.assess(attacker)
    assert found.equity > 20_000_000 * WAD
    # At the slow average, and what is left of it by weight, it is less than what was paid in.
    assert found.adverse < 200_000 * WAD
    own = account_id(trader.address, 9)
    mirror.refuse(BELOW, "transfer", trader, attacker, own, 1)
    other = fill(attacker, friend, WAD // 100, 40_000 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, other)


def test_21_yfi_one_wallet_pays_for_the_open_interest_that_it_makes(
    mirror: Mirror, trader: Any, maker: Any, thin_market: None
) -> None:
    counterparty = mirror.fund(maker, 10**8)
    size = DOLLARS * WAD // PRICE
    poor = mirror.fund(trader, WHOLE * 99 // 100)
    mirror.refuse(BELOW, "trade", mirror.venue, 4, fill(poor, counterparty, size, PRICE * WAD))
    rich = mirror.fund(trader, WHOLE + 1, sub=1)
    mirror.open(rich, counterparty, size, PRICE, market_id=4)


def test_21_yfi_twenty_wallets_pay_no_less_than_one(
    mirror: Mirror, trader: Any, maker: Any, thin_market: None
) -> None:
    counterparty = mirror.fund(maker, 10**8)
    size = DOLLARS * WAD // PRICE // 20
    paid = 0
    for number in range(20):
        wallet = mirror.fund(trader, 10**6, sub=number)
        with mirror.compared_once():
            mirror.open(wallet, counterparty, size, PRICE, market_id=4)
        with mirror.at("latest"):
            initial = mirror.spec.assess(wallet).initial
        paid += initial
        # What is above the margin may leave at once, and not a wei of the margin itself.
        own = account_id(trader.address, 99)
        free = 10**6 * WAD - initial
        mirror.refuse(BELOW, "transfer", trader, wallet, own, free + 10**12)
        mirror.act("transfer", trader, wallet, own, free)
    assert paid >= WHOLE * WAD * 99 // 100


def test_43_drift_new_collateral_counts_nothing_until_its_ramp(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    weth, decimals, cap = mirror.stage.tokens[2]
    mirror.send(mirror.stage.owner, mirror.house, "set_token", 3, weth, cap)
    mirror.send(
        mirror.stage.owner, mirror.oracle, "set_feeds", 130, (1, 0, 0), [feed_of(mirror, 2)]
    )
    mirror.send(mirror.stage.owner, mirror.model, "set_token_risk", 3, 900_000, 950_000, ANY)
    mirror.spec.set_token(3, weth, decimals, cap)
    account, other = account_id(trader.address), mirror.fund(maker, 10**6)
    mirror.act("deposit", trader, account, 3, 100 * WAD)
    opening = fill(account, other, WAD // 1_000, 40_000 * WAD)
    mirror.refuse_unmodelled(BELOW, "trade", mirror.venue, 1, opening)
    start = mirror.rpc.timestamp()
    for passed, share in ((NOTICE, 0), (NOTICE + RAMP // 2, 2), (NOTICE + RAMP, 1)):
        initial, maintenance, _ = mirror.read(mirror.model, "weights_at", 3, start + passed)
        wanted = 900_000 // share if share else 0
        assert abs(initial - wanted) <= 10
        assert initial <= maintenance < PPM


def test_44_new_matrix_makes_nobody_liquidatable_in_its_block(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    owner, model = mirror.stage.owner, mirror.model
    for version, percent in enumerate((50, 250)):
        step = percent * 100 // 16
        words = [sum((2**15 + step * (n - 16)) << 16 * (n % 16) for n in row) for row in HALVES]
        mirror.send(owner, model, "stage_scenarios", 1, words)
        mirror.send(owner, model, "activate_matrix", 2, PPM, 10_000, 0)
        if version == 0:
            mirror.adopt_matrix()
            account, other = mirror.fund(trader, 4_000), mirror.fund(maker, 10**6)
            mirror.open(account, other, WAD // 2, 40_000)
            mirror.act("set_mode", trader, account, 1)
            with mirror.at("latest"):
                before = mirror.spec.assess(account)
            mirror.rpc.warp(NOTICE + RAMP)
    mirror.adopt_matrix()
    with mirror.at("latest"):
        after = mirror.spec.assess(account)
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)
    # New risk meets the new matrix at once.
    assert after.initial > 2 * before.initial
    mirror.later(NOTICE + RAMP)
    mirror.set_index(1, PRICE)
    with mirror.at("latest"):
        assert mirror.spec.assess(account).maintenance > 2 * before.maintenance


HALVES = (range(16), range(16, 32))
