"""What the risk lens says of prices and parameters to come."""

from __future__ import annotations

import random
from typing import Any

import pytest

from seawall.spec.lens import Affected, Cover, Status
from seawall.spec.risk import NOTICE, RAMP, MarketRisk
from seawall.spec.words import PORTFOLIO, PPM, PRICE, WAD, float30_up, float30_value
from tests.unit.clearinghouse.mirror import deploy_reason
from tests.unit.lens.wide import PRICES, Room, risk_of

WEEK = NOTICE + RAMP


# -- sensitivities ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_sensitivities_of_random_accounts(room: Room, seed: int) -> None:
    accounts = room.populate(600 + seed, 8)
    room.silence(1)
    calls = [(account,) for account in accounts]
    answers = room.read_all(room.risk, "sensitivities", calls)
    with room.mirror.at("latest"):
        for account, (rows, equity, required) in zip(accounts, answers, strict=True):
            expected = room.expected.sensitivities(account)
            assert ([tuple(row) for row in rows], equity, required) == expected


def test_sensitivities_in_figures(room: Room) -> None:
    """A long of 15,000 at 40,000: its size; 5.4 % of it; a hundredth of all."""
    account = room.account(10_000)
    size = room.hold(account, 1, 15_000)
    room.pledge(account, 2, 1_000)
    rows, equity, required = room.read(room.risk, "sensitivities", account)
    assert tuple(rows[0]) == (1, size, size * 54 // 1000)
    # Half a token that counts 0.82.
    assert tuple(rows[1]) == (129, WAD * 41 // 100, 0)
    assert (equity, required) == (158 * WAD + WAD // 5, 150 * WAD * 54 // 1000)


def test_sensitivities_of_an_account_without_legs(room: Room) -> None:
    assert room.read(room.risk, "sensitivities", room.account(5)) == ((), 0, 0)


# -- cover -----------------------------------------------------------------------------------


@pytest.mark.parametrize("move", [-WAD, -WAD // 2, -WAD // 10, 0, WAD // 5, 2 * WAD])
def test_cover_of_random_accounts(room: Room, move: int) -> None:
    accounts = room.populate(700, 12)
    found = _cover(room, accounts, move)
    with room.mirror.at("latest"):
        assert found == room.expected.cover(accounts, move)
    assert found.needed <= found.total
    assert found.shortfalls[0] >= found.shortfalls[1]


def _cover(room: Room, accounts: list[int], move: int) -> Cover:
    named, shortfalls, *rest = room.read(room.risk, "cover", accounts, move)
    return Cover(tuple(named), tuple(shortfalls), *rest)


def test_cover_in_figures(room: Room) -> None:
    """Longs of 10,000 lose 3,000 in a fall of 30 %, of which their cash pays a part."""
    cashes = (1_000, 5_000, 2_500, 500)
    accounts = [room.account(cash) for cash in cashes]
    for account in accounts:
        room.hold(account, 1, 10_000)
    room.mirror.act("pay", room.mirror.engine, room.rich, room.mirror.stage.fee_account, 0, 7 * WAD)
    # A dollar of each is the keeper's.
    assert _cover(room, accounts, -3 * WAD // 10) == Cover(
        (accounts[3], accounts[0]),
        (2_501 * WAD, 2_001 * WAD),
        4_502 * WAD,
        5_003 * WAD,
        7 * WAD,
    )
    assert _cover(room, accounts, WAD)[:4] == ((0, 0), (0, 0), 0, 0)
    assert _cover(room, [], -WAD)[:4] == ((0, 0), (0, 0), 0, 0)


def test_cover_after_more_than_everything_refused(room: Room) -> None:
    assert room.mirror.reason_of(room.trader, room.risk, "cover", [], -WAD - 1) == ""


# -- parameters ------------------------------------------------------------------------------


def _set_risk(room: Room, market_id: int, **changes: int) -> None:
    risk: MarketRisk = risk_of(market_id)._replace(**changes)
    room.mirror.send(room.mirror.stage.owner, room.mirror.model, "set_risk", market_id, tuple(risk))
    room.mirror.adopt_market(room.spec, room.spec.model, market_id)


def _affected(room: Room, accounts: list[int], time: int) -> list[Affected]:
    rows = room.read(room.risk, "accounts_affected", accounts, time)
    found = [Affected(*row) for row in rows]
    with room.mirror.at("latest"):
        assert found == room.expected.accounts_affected(accounts, time)
    return found


def test_accounts_affected_by_a_change_that_was_announced(room: Room) -> None:
    """540 of maintenance becomes 1,080: one account stays well, one is called, one falls."""
    cashes = (3_000, 1_201, 901, 300)
    accounts = [room.account(cash) for cash in cashes]
    for account in accounts:
        room.hold(account, 1, 10_000)
    now = room.mirror.rpc.timestamp()
    assert _affected(room, accounts, now + WEEK) == []
    _set_risk(room, 1, initial=200_000, maintenance=108_000)
    now = room.mirror.rpc.timestamp()
    assert _affected(room, accounts, now) == _affected(room, accounts, now + NOTICE) == []
    # The last was lost before.
    assert _affected(room, accounts, now + WEEK) == [
        Affected(accounts[1], Status.MARGIN_CALL, 1_200 * WAD, 540 * WAD, 1_080 * WAD),
        Affected(accounts[2], Status.BELOW_MAINTENANCE, 900 * WAD, 540 * WAD, 1_080 * WAD),
    ]


def test_accounts_affected_are_those_that_time_brings_down(room: Room) -> None:
    accounts = room.populate(800, 16)
    for market_id in PRICES:
        rate = risk_of(market_id).maintenance * 3 // 2
        _set_risk(room, market_id, initial=rate, maintenance=rate)
    now = room.mirror.rpc.timestamp()
    before = _statuses(room, accounts)
    affected = {row.account: row.status for row in _affected(room, accounts, now + WEEK)}
    assert affected
    room.mirror.rpc.warp(WEEK)
    owner = room.mirror.stage.owner
    for market_id, price in PRICES.items():
        room.mirror.set_index(market_id, price)
        room.mirror.send(owner, room.mirror.oracle, "refresh", 1 << market_id)
    after = _statuses(room, accounts)
    for account in accounts:
        if account in affected:
            assert after[account] == affected[account] > before[account]
        else:
            assert after[account] in (before[account], Status.BELOW_INITIAL) or (
                before[account] >= Status.BELOW_MAINTENANCE
            )


def _statuses(room: Room, accounts: list[int]) -> dict[int, int]:
    rows = room.read(room.lens, "health_many", accounts)
    return {account: row[0] for account, row in zip(accounts, rows, strict=True)}


def test_requirement_at_follows_a_ramp(room: Room) -> None:
    base = risk_of(2)
    _set_risk(room, 2, initial=300_000, maintenance=200_000)
    now = room.mirror.rpc.timestamp()
    rates = [
        tuple(room.read(room.risk, "requirement_at", 2, now + later))[:2]
        for later in (0, NOTICE, NOTICE + RAMP // 2, WEEK, 10 * WEEK)
    ]
    middle = (base.maintenance + 200_000) // 2
    maintenance = [base.maintenance, base.maintenance, middle, 200_000, 200_000]
    assert rates == [(300_000, rate) for rate in maintenance]


def test_requirement_at_of_a_leg_on_top_of_what_is_open(room: Room) -> None:
    room.hold(room.account(10_000), 1, 150_000)
    now = room.mirror.rpc.timestamp()
    notional = 45_000 * WAD
    found = room.read(room.risk, "requirement_at", 1, now, notional)
    model, oracle = room.mirror.model, room.mirror.oracle
    volatility = PRICE.unpack(room.read(oracle, "prices", 2)[0])["volatility"]
    # What a market stores of its open interest is rounded up to a float.
    size = float30_value(float30_up(150_000 * WAD // 40_000))
    interest = size * 40_000 + notional
    rates = room.read(model, "requirement_at", 1, notional, interest, volatility, now)
    assert tuple(found) == (*rates, interest, volatility)
    # Size: the root of 45 / 20. Open interest: the mean of 1.5 and 1.95.
    base = risk_of(1)
    assert found[0] - base.initial * 1_725 // 1_000 in (0, 1)
    assert found[1] == base.maintenance * 15 // 10


@pytest.mark.parametrize("notional, interest", ((2**139, 0), (0, 2**124)))
def test_requirement_at_of_more_than_any_market_is_refused(
    room: Room, notional: int, interest: int
) -> None:
    """The model itself, at the largest numbers that an account can bring, and one above."""
    model, now = room.mirror.model, room.mirror.rpc.timestamp()
    largest = (max(0, notional - 1), max(0, interest - 1))
    assert room.read(model, "requirement_at", 1, *largest, 0, now)[1] > 0
    above = (1, notional, interest, 0, now)
    reason = room.mirror.reason_of(room.trader, model, "requirement_at", *above)
    assert reason == "risk: notional"


def test_requirement_at_of_an_unknown_market_is_nothing(room: Room) -> None:
    assert tuple(room.read(room.risk, "requirement_at", 99, 0)) == (0, 0, 0, 0)
    assert room.mirror.reason_of(room.trader, room.risk, "requirement_at", 128, 0) == ""


def test_weights_at_follow_a_ramp(room: Room) -> None:
    owner, model = room.mirror.stage.owner, room.mirror.model
    room.mirror.send(owner, model, "set_token_risk", 1, 600_000, 610_000, 40)
    now = room.mirror.rpc.timestamp()
    seen = [
        tuple(room.read(room.risk, "weights_at", 1, now + later))
        for later in (0, NOTICE + RAMP // 2, WEEK)
    ]
    assert seen == [
        (600_000, 810_000, 20_000 * WAD),
        (600_000, 710_000, 30_000 * WAD),
        (600_000, 610_000, 40_000 * WAD),
    ]


# -- deployment ------------------------------------------------------------------------------


def test_risk_lens_names_its_sources(room: Room) -> None:
    stage = room.mirror.stage
    assert room.read(room.risk, "CLEARINGHOUSE") == stage.house.lower()
    assert room.read(room.risk, "INDEX_ORACLE") == stage.oracle.lower()
    assert room.read(room.risk, "MARGIN_MODEL") == stage.model.lower()
    assert room.read(room.risk, "FUND_ACCOUNT") == stage.fee_account
    assert room.read(room.what_if, "LENS") == room.lens.address.lower()


def test_deploy_risk_lens_with_a_close_out_line_at_maintenance_refused(
    room: Room, project: Any
) -> None:
    parts = (room.mirror.stage.house, room.mirror.stage.oracle, room.mirror.stage.model)
    assert deploy_reason(room.mirror.rpc, project.RiskLens, *parts, PPM) == "lens: close out"
    assert deploy_reason(room.mirror.rpc, project.RiskLens, *parts, PPM - 1) is None


# -- gas -------------------------------------------------------------------------------------

#: What a view of an account with 16 legs and 8 tokens may take, and of one leg.
MOST = {
    "health": (5_000_000, 700_000),
    "liquidation_price": (3_000_000, 300_000),
    "margin_call_price": (3_500_000, 300_000),
    "liquidation_move": (3_500_000, 500_000),
    "margin_call_move": (3_500_000, 500_000),
    "sensitivities": (6_000_000, 300_000),
    "what_if": (5_000_000, 750_000),
}


@pytest.mark.parametrize("mode", [0, PORTFOLIO])
def test_views_of_a_full_account_fit_a_call(room: Room, mode: int) -> None:
    account = room.full_account(mode)
    gas = _gas(room, account)
    assert {name: gas[name] <= most for name, (most, _) in MOST.items()} == dict.fromkeys(
        MOST, True
    )


@pytest.mark.parametrize("mode", [0, PORTFOLIO])
def test_views_of_one_leg_are_cheap(room: Room, mode: int) -> None:
    account = room.account(3_000, mode)
    room.hold(account, 1, 15_000)
    gas = _gas(room, account)
    assert {name: gas[name] <= most for name, (_, most) in MOST.items()} == dict.fromkeys(
        MOST, True
    )


def _gas(room: Room, account: int) -> dict[str, int]:
    lens, risk = room.lens, room.risk
    trade: tuple[Any, ...] = ([(1, WAD // 100, 40_000 * WAD, WAD)], 0, [], 2)
    return {
        "health": room.gas_of(lens, "health", account),
        "liquidation_price": room.gas_of(lens, "liquidation_price", account, 1),
        "margin_call_price": room.gas_of(lens, "margin_call_price", account, 3),
        "liquidation_move": room.gas_of(lens, "liquidation_move", account),
        "margin_call_move": room.gas_of(lens, "margin_call_move", account),
        "sensitivities": room.gas_of(risk, "sensitivities", account),
        "what_if": room.gas_of(room.what_if, "what_if", account, trade, []),
    }


def test_many_accounts_fit_a_call(room: Room) -> None:
    """The node allows 30,000,000; these have up to six legs and three tokens."""
    page = room.populate(900, 6) * 8
    random.Random(1).shuffle(page)
    assert len(room.read(room.lens, "health_many", page)) == len(page)
    assert _cover(room, page, -WAD // 2).total > 0
    _affected(room, page, room.mirror.rpc.timestamp() + WEEK)
