"""Choosing a margin mode: the owner alone, and only with the initial margin of the new mode."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.scenarios import SCENARIOS, pack_shocks
from seawall.spec.words import ACCOUNT, PPM, WAD, account_id
from tests.unit.clearinghouse.mirror import Mirror, fill

BELOW = "margin: below initial"
STANDARD, PORTFOLIO = 0, 1
BTC_SIZE, ETH_SIZE = WAD // 10, 2 * WAD
#: 4,000 dollars each, one long, one short: standard margin is 400 + 400 and two reserves.
STANDARD_INITIAL = 802
MINIMUM_EQUITY = 100


@pytest.fixture
def matrix(mirror: Mirror) -> None:
    """Markets 1 and 2 fall and rise together, up to their rates, market 2 by a tenth more."""
    activate(mirror, MINIMUM_EQUITY)


def activate(mirror: Mirror, minimum_equity: int) -> None:
    """The first matrix, with a least equity in whole money."""
    steps = [round(10_000 * (2 * number / (SCENARIOS - 1) - 1)) for number in range(SCENARIOS)]
    owner = mirror.stage.owner
    for market_id, percent in ((1, 100), (2, 110)):
        shocks = tuple(step * percent // 100 for step in steps)
        words = list(pack_shocks(shocks))
        mirror.send(owner, mirror.model, "stage_scenarios", market_id, words)
    terms = (2, PPM, 100_000, minimum_equity)
    mirror.send(owner, mirror.model, "activate_matrix", *terms)
    mirror.adopt_matrix()


@pytest.fixture
def hedged(mirror: Mirror, trader: Any, maker: Any) -> int:
    """Long a tenth of a BTC, short two ETH, with 1,000 dollars."""
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 100_000)
    mirror.open(account, other, BTC_SIZE, 40_000)
    mirror.open(other, account, ETH_SIZE, 2_000, market_id=2)
    return account


def mode_of(mirror: Mirror, account: int) -> int:
    """Mode on the chain."""
    return ACCOUNT.unpack(int(mirror.read(mirror.house, "account_word", account)))["mode"]


def test_set_mode_of_a_hedged_account_frees_margin(
    mirror: Mirror, trader: Any, matrix: None, hedged: int
) -> None:
    free = (1_000 - STANDARD_INITIAL) * WAD
    own = account_id(trader.address, 1)
    mirror.refuse(BELOW, "transfer", trader, hedged, own, free + 1)
    receipt = mirror.act("set_mode", trader, hedged, PORTFOLIO)
    assert mode_of(mirror, hedged) == PORTFOLIO
    assert mirror.events(receipt, "ModeSet") == [{"account": hedged, "mode": PORTFOLIO}]
    mirror.act("transfer", trader, hedged, own, 4 * free)


def test_set_mode_back_needs_standard_margin(
    mirror: Mirror, trader: Any, matrix: None, hedged: int
) -> None:
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    mirror.act("set_mode", trader, hedged, STANDARD)
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    mirror.act("transfer", trader, hedged, account_id(trader.address, 1), 300 * WAD)
    mirror.refuse(BELOW, "set_mode", trader, hedged, STANDARD)
    mirror.act("deposit", trader, hedged, 0, 110 * 10**6)
    mirror.act("set_mode", trader, hedged, STANDARD)
    assert mode_of(mirror, hedged) == STANDARD


def test_set_mode_below_minimum_equity_and_standard_margin_takes_no_new_risk(
    mirror: Mirror, trader: Any, maker: Any, matrix: None, hedged: int
) -> None:
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    # A loss of 925 leaves 75 - 2: the mode stays, and so does what reduces.
    mirror.act("pay", mirror.engine, hedged, account_id(maker.address), 0, 925 * WAD)
    mirror.refuse(BELOW, "set_mode", trader, hedged, PORTFOLIO)
    other = account_id(maker.address)
    mirror.refuse(BELOW, "trade", mirror.venue, 2, fill(other, hedged, WAD // 10, 2_000 * WAD))
    half = fill(other, hedged, BTC_SIZE // 2, 40_000 * WAD)
    # Half of one leg alone leaves a hedge apart: that lowers health, and is refused.
    mirror.refuse(BELOW, "trade", mirror.venue, 1, half)


def test_set_mode_below_minimum_equity_reduces_a_hedge_with_standard_margin(
    mirror: Mirror, trader: Any, maker: Any, hedged: int
) -> None:
    activate(mirror, 950)
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    mirror.act("pay", mirror.engine, hedged, account_id(maker.address), 0, 100 * WAD)
    half = fill(account_id(maker.address), hedged, BTC_SIZE // 2, 40_000 * WAD)
    mirror.act("trade", mirror.venue, 1, half)
    # No credit for the hedge that is left: 200 + 400 and two reserves.
    own = account_id(trader.address, 1)
    mirror.refuse(BELOW, "transfer", trader, hedged, own, 298 * WAD + 1)
    mirror.act("transfer", trader, hedged, own, 298 * WAD)


def test_set_mode_below_minimum_equity_refused_whatever_the_margin(
    mirror: Mirror, trader: Any, hedged: int
) -> None:
    activate(mirror, 999)
    mirror.refuse(BELOW, "set_mode", trader, hedged, PORTFOLIO)
    mirror.act("deposit", trader, hedged, 0, 10**6)
    mirror.act("set_mode", trader, hedged, PORTFOLIO)


def test_set_mode_without_a_matrix_gives_no_credit(
    mirror: Mirror, trader: Any, hedged: int
) -> None:
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    free, own = (1_000 - STANDARD_INITIAL) * WAD, account_id(trader.address, 1)
    mirror.refuse(BELOW, "transfer", trader, hedged, own, free + 1)
    mirror.act("transfer", trader, hedged, own, free)


def test_set_mode_of_an_empty_account_is_free_but_hedges_get_no_credit_below_the_minimum(
    mirror: Mirror, trader: Any, maker: Any, matrix: None
) -> None:
    account, other = mirror.fund(trader, MINIMUM_EQUITY - 1), mirror.fund(maker, 10_000)
    mirror.act("set_mode", trader, account, PORTFOLIO)
    mirror.act("trade", mirror.venue, 1, fill(account, other, WAD // 50, 40_000 * WAD))
    hedge = fill(other, account, 4 * WAD // 10, 2_000 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 2, hedge)
    mirror.act("deposit", trader, account, 0, 10 * 10**6)
    mirror.act("trade", mirror.venue, 2, hedge)


@pytest.mark.parametrize("mode", [2, 128, 2**255])
def test_set_mode_unknown_refused(mirror: Mirror, trader: Any, mode: int) -> None:
    account = mirror.fund(trader, 10)
    mirror.refuse("", "set_mode", trader, account, mode)


def test_set_mode_by_a_stranger_or_an_operator_refused(
    mirror: Mirror, trader: Any, maker: Any, keeper: Any
) -> None:
    account = mirror.fund(trader, 10)
    mirror.act("set_operator", trader, str(keeper.address), 2**40 - 1, 2**128 - 1, 2**88 - 1)
    for caller in (maker, keeper):
        mirror.refuse("account: not yours", "set_mode", caller, account, PORTFOLIO)


def test_set_mode_changes_neither_cash_nor_legs(
    mirror: Mirror, trader: Any, matrix: None, hedged: int
) -> None:
    before = ACCOUNT.unpack(int(mirror.read(mirror.house, "account_word", hedged)))
    mirror.act("set_mode", trader, hedged, PORTFOLIO)
    after = ACCOUNT.unpack(int(mirror.read(mirror.house, "account_word", hedged)))
    assert after == before | {"mode": PORTFOLIO}
