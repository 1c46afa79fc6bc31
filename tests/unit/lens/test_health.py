"""What the Lens says of an account is what the gate and the engine would do with it."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.lens import Health, Lens, Reason
from seawall.spec.risk import ANY_VOLATILITY
from seawall.spec.words import MAX_UINT256, PPM, PRICE, RATIO, WAD, account_id
from tests.unit.clearinghouse.mirror import USDC, Deployed, Mirror, deploy_reason, fill

FLAT, OPEN, BELOW_INITIAL, MARGIN_CALL, BELOW_MAINTENANCE, BELOW_CLOSE_OUT, BANKRUPT = range(7)
SIZE = WAD // 10
INITIAL = Reason.INITIAL | Reason.EXIT
CALLED = INITIAL | Reason.MARGIN_CALL
LIQUIDATABLE = CALLED | Reason.MAINTENANCE
CLOSABLE = LIQUIDATABLE | Reason.CLOSE_OUT
LOST = CLOSABLE | Reason.BANKRUPT
#: price of market 1 -> status and reasons of a long of 0.1 from 40,000 with 500 of cash, of which
#: 499 less the loss are its settlement balance
LINES = {
    40_000: (OPEN, 0),
    38_500: (BELOW_INITIAL, INITIAL),
    37_900: (MARGIN_CALL, CALLED),
    37_400: (BELOW_MAINTENANCE, LIQUIDATABLE),
    36_500: (BELOW_CLOSE_OUT, CLOSABLE | Reason.BALANCE),
    35_010: (BANKRUPT, LOST | Reason.BALANCE),
    30_000: (BANKRUPT, LOST | Reason.BALANCE),
}


@pytest.fixture
def account(mirror: Mirror, trader: Any, maker: Any) -> int:
    """A long of 0.1 from 40,000 with 500 of cash, against a rich short."""
    made, rich = mirror.fund(trader, 500), mirror.fund(maker, 1_000_000)
    mirror.open(made, rich, SIZE, 40_000)
    return made


def _health(mirror: Mirror, lens: Deployed, account: int) -> dict[str, int]:
    """The contract's answer, which must be what the specification derives."""
    seen = dict(zip(Health._fields, mirror.read(lens, "health", account), strict=True))
    assert seen == _derived(mirror, account)
    return seen


def _derived(mirror: Mirror, account: int) -> dict[str, int]:
    with mirror.at("latest"):
        return Lens(mirror.spec, 666_667).health(account)._asdict()


def test_health_in_figures(mirror: Mirror, lens: Deployed, account: int) -> None:
    mirror.set_index(1, 41_000)
    # A tenth of a unit bought at 40,000, worth what the average says, and 80 % of the profit.
    ratio = PRICE.unpack(mirror.read(mirror.oracle, "prices", 2)[0])["ema_ratio"]
    average = 41_000 * WAD * ratio // RATIO
    profit = average // 10 - 4_000 * WAD
    assert 0 < profit < WAD
    assert _health(mirror, lens, account) == {
        "status": OPEN,
        "equity": 599 * WAD,
        "adverse_equity": 499 * WAD + profit * 8 // 10,
        "settled_equity": 499 * WAD,
        "initial": 410 * WAD,
        "maintenance": 266_500_000 * WAD // 10**6,
        "cash": 500 * WAD,
        "notional": 4_100 * WAD,
        "ratio": 5_990 * WAD // 2_665,
        "leverage": -(-4_100 * WAD // 599),
        "withdrawable": 89 * WAD,
        "to_cure": 0,
        "reasons": 0,
        "mode": 0,
        "utilisation": -(-410 * WAD * WAD // (499 * WAD + profit * 8 // 10)),
    }


@pytest.mark.parametrize("price, expected", LINES.items())
def test_health_status_and_reasons_at_each_line(
    mirror: Mirror, lens: Deployed, account: int, price: int, expected: tuple[int, Reason]
) -> None:
    mirror.set_index(1, price)
    found = _health(mirror, lens, account)
    assert (found["status"], found["reasons"]) == expected
    assert mirror.read(lens, "health_many", [account])[0][0] == expected[0]


def test_health_of_a_flat_account(mirror: Mirror, lens: Deployed, trader: Any) -> None:
    account = mirror.fund(trader, 7, sub=4)
    found = _health(mirror, lens, account)
    assert found["status"] == FLAT
    assert found["withdrawable"] == found["equity"] == 7 * WAD
    assert found["ratio"] == MAX_UINT256


def test_health_of_a_debtor_without_legs(
    mirror: Mirror, lens: Deployed, trader: Any, maker: Any
) -> None:
    debtor = account_id(trader.address, 9)
    mirror.act("pay", mirror.engine, debtor, account_id(maker.address), 0, WAD)
    found = _health(mirror, lens, debtor)
    assert (found["status"], found["withdrawable"]) == (BANKRUPT, 0)
    assert found["reasons"] == Reason.BANKRUPT | Reason.CASH | Reason.EXIT
    mirror.act("deposit", trader, debtor, 1, 10**6)
    assert _health(mirror, lens, debtor)["status"] == FLAT


@pytest.mark.parametrize("account", [0, 1, 2, 2**96, 2**256 - 1])
def test_health_of_an_unknown_account_is_flat(mirror: Mirror, lens: Deployed, account: int) -> None:
    assert _health(mirror, lens, account)["status"] == FLAT


def test_health_with_a_stale_leg_is_below_initial(
    mirror: Mirror, lens: Deployed, account: int
) -> None:
    mirror.later(3_601)
    found = _health(mirror, lens, account)
    assert found["initial"] == found["utilisation"] == MAX_UINT256
    assert (found["status"], found["withdrawable"]) == (BELOW_INITIAL, 0)
    # The adverse end of what nobody knows is far away.
    assert found["reasons"] == INITIAL | Reason.PRICE | Reason.BALANCE


def test_health_sees_a_price_that_nobody_refreshed(
    mirror: Mirror, lens: Deployed, account: int
) -> None:
    mirror.set_index(1, 30_000)
    assert _health(mirror, lens, account)["equity"] == (499 - 1_000) * WAD


def test_health_accrues_funding(mirror: Mirror, lens: Deployed, account: int) -> None:
    mirror.act("set_funding_rate", mirror.engine, 1, 10**15)
    mirror.later(3_000)
    assert _health(mirror, lens, account)["equity"] <= 499 * WAD - 3_000 * 10**14


def test_health_of_two_legs_and_collateral(
    mirror: Mirror, lens: Deployed, account: int, trader: Any, maker: Any
) -> None:
    rich = account_id(maker.address)
    mirror.act("deposit", trader, account, 1, 10**6)
    mirror.act("deposit", trader, account, 2, 10**17)
    mirror.open(rich, account, WAD // 10, 2_000, market_id=2)
    found = _health(mirror, lens, account)
    # 0.01 at 40,000 counts 0.8, 0.1 at 2,000 counts 0.9; two reserves.
    assert found["equity"] == (500 + 320 + 180 - 2) * WAD
    assert found["notional"] == 4_200 * WAD


def test_health_many_answers_in_order(
    mirror: Mirror, lens: Deployed, account: int, trader: Any
) -> None:
    flat = mirror.fund(trader, 7, sub=4)
    accounts = [flat, account, 0, account]
    rows = mirror.read(lens, "health_many", accounts)
    for one, row in zip(accounts, rows, strict=True):
        found = _derived(mirror, one)
        assert tuple(row) == (found["status"], found["equity"], found["maintenance"])


def test_health_many_takes_none_to_five_hundred(
    mirror: Mirror, lens: Deployed, account: int
) -> None:
    assert len(mirror.read(lens, "health_many", [])) == 0
    assert len(mirror.read(lens, "health_many", [account] * 500)) == 500
    assert mirror.reason_of(mirror.stage.owner, lens, "health_many", [account] * 501) == ""


@pytest.mark.parametrize("price", [37_450, 37_900, 40_000])
def test_health_status_survives_the_block_of_a_raised_maintenance(
    mirror: Mirror, lens: Deployed, account: int, price: int
) -> None:
    mirror.set_index(1, price)
    before = _health(mirror, lens, account)
    assert before["status"] < BELOW_MAINTENANCE
    # Up to the listed reserve; the initial rate applies at once.
    risk = (PPM, PPM, 100, 2**32 - 1, ANY_VOLATILITY, 10, 2**32 - 1, 0)
    mirror.send(mirror.stage.owner, mirror.model, "set_risk", 1, risk)
    mirror.adopt_market(mirror.spec, mirror.spec.model, 1)
    after = _health(mirror, lens, account)
    assert after["maintenance"] == before["maintenance"]
    assert BELOW_INITIAL <= after["status"] < BELOW_MAINTENANCE
    mirror.later(7 * 86_400)
    mirror.set_index(1, price)
    assert _health(mirror, lens, account)["maintenance"] == price * WAD // 10


# -- withdrawable and to_cure ----------------------------------------------------------------


@pytest.mark.parametrize("price", [40_000, 39_999, 41_234, 60_000])
def test_withdrawable_leaves_and_one_unit_more_does_not(
    mirror: Mirror, lens: Deployed, account: int, trader: Any, price: int
) -> None:
    mirror.act("deposit", trader, account, 0, 300 * USDC)
    mirror.set_index(1, price)
    free = _health(mirror, lens, account)["withdrawable"] // 10**12
    assert free > 0
    receiver = str(trader.address)
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, free + 1, receiver)
    mirror.act("withdraw", trader, account, 0, free, receiver)
    assert _health(mirror, lens, account)["withdrawable"] < 10**12


def test_withdrawable_leaves_half_of_initial_margin_when_collateral_stands_behind(
    mirror: Mirror, lens: Deployed, account: int, trader: Any
) -> None:
    mirror.act("deposit", trader, account, 1, 10**8)
    # Of 500 dollars half of the initial margin stays, and the keeper's reserve.
    half = -(-_health(mirror, lens, account)["initial"] // 2)
    free = _health(mirror, lens, account)["withdrawable"]
    assert free == 499 * WAD - half
    receiver = str(trader.address)
    reason = "margin: below initial"
    mirror.refuse(reason, "withdraw", trader, account, 0, free // 10**12 + 1, receiver)
    mirror.act("withdraw", trader, account, 0, free // 10**12, receiver)


def test_withdrawable_below_initial_is_nothing(
    mirror: Mirror, lens: Deployed, account: int
) -> None:
    mirror.set_index(1, 38_500)
    assert _health(mirror, lens, account)["withdrawable"] == 0


@pytest.mark.parametrize("price", [37_900, 37_400, 35_000, 30_000])
def test_to_cure_ends_the_call_and_one_unit_less_does_not(
    mirror: Mirror, lens: Deployed, account: int, trader: Any, price: int
) -> None:
    mirror.set_index(1, price)
    needed = -(-_health(mirror, lens, account)["to_cure"] // 10**12)
    mirror.act("deposit", trader, account, 0, needed - 1)
    assert _health(mirror, lens, account)["status"] == MARGIN_CALL
    mirror.act("deposit", trader, account, 0, 1)
    found = _health(mirror, lens, account)
    assert (found["status"], found["to_cure"]) == (BELOW_INITIAL, 0)


# -- sizes and conservation ------------------------------------------------------------------


def test_size_of_a_leg_and_of_none(
    mirror: Mirror, lens: Deployed, account: int, maker: Any
) -> None:
    assert mirror.read(lens, "size_of", account, 1) == SIZE
    assert mirror.read(lens, "size_of", account_id(maker.address), 1) == -SIZE
    for market_id in (0, 2, 127, 128, 255, 2**255):
        assert mirror.read(lens, "size_of", account, market_id) == 0
    assert mirror.read(lens, "size_of", 0, 1) == 0


def test_size_of_a_leg_on_a_scaled_side(mirror: Mirror, lens: Deployed, account: int) -> None:
    money = SIZE // 3 * 40_000
    changes = [(1, -(SIZE // 3), money, 0, 0), (2, SIZE // 3, -money, 0, 0)]
    mirror.act("trade", mirror.engine, 1, [_side_change(*change) for change in changes])
    with mirror.at("latest"):
        size = mirror.spec.portfolio(account)[1][0][2]
    assert mirror.read(lens, "size_of", account, 1) == size < SIZE


def _side_change(*values: int) -> Any:
    template = fill(1, 2, WAD, WAD)[0]
    return type(template)(*values)


def test_conservation_is_zero_to_the_wei_while_no_side_was_touched(
    mirror: Mirror, lens: Deployed, account: int, maker: Any
) -> None:
    markets = list(mirror.stage.markets)
    rich = account_id(maker.address)
    mirror.act("set_funding_rate", mirror.engine, 1, 10**12)
    mirror.later(1_000)
    mirror.open(rich, account, SIZE // 10, 40_000)
    mirror.open(account, rich, WAD // 10, 2_000, market_id=2)
    mirror.set_index(1, 39_123)
    assert mirror.read(lens, "conservation", markets) == mirror.slack() == 0
    assert mirror.read(lens, "conservation", []) == 0


def test_conservation_counts_charges_and_scales(
    mirror: Mirror, lens: Deployed, account: int
) -> None:
    money = 1_234_567 * 40_000
    changes = [(1, -1_234_567, money, 0, 0), (2, 1_234_567, -money, 0, 0)]
    mirror.act("trade", mirror.engine, 1, [_side_change(*change) for change in changes])
    seen = mirror.read(lens, "conservation", [1, 2, 3])
    assert seen == mirror.slack()
    assert 0 <= seen < 10**6


def test_conservation_shows_a_debt_only_when_it_is_hidden(
    mirror: Mirror, lens: Deployed, trader: Any, maker: Any
) -> None:
    debtor, creditor = account_id(trader.address, 3), mirror.fund(maker, 10)
    mirror.act("pay", mirror.engine, debtor, creditor, 0, WAD)
    mirror.act("write_off", mirror.engine, debtor)
    assert mirror.totals()[2] == WAD
    assert mirror.read(lens, "conservation", [1, 2, 3]) == 0


@pytest.mark.parametrize("market_id", [136, 255])
def test_conservation_of_an_id_out_of_range_refused(
    mirror: Mirror, lens: Deployed, market_id: int
) -> None:
    assert mirror.reason_of(mirror.stage.owner, lens, "conservation", [market_id]) == ""


def test_lens_names_its_sources(mirror: Mirror, lens: Deployed) -> None:
    assert mirror.read(lens, "CLEARINGHOUSE") == mirror.stage.house.lower()
    assert mirror.read(lens, "INDEX_ORACLE") == mirror.stage.oracle.lower()
    assert mirror.read(lens, "MARGIN_MODEL") == mirror.stage.model.lower()
    assert mirror.read(lens, "CLOSE_OUT_PPM") == 666_667


def test_deploy_with_a_close_out_line_at_maintenance_refused(mirror: Mirror, project: Any) -> None:
    parts = (mirror.stage.house, mirror.stage.oracle, mirror.stage.model)
    assert deploy_reason(mirror.rpc, project.Lens, *parts, 10**6) == "lens: close out"
    assert deploy_reason(mirror.rpc, project.Lens, *parts, 10**6 - 1) is None
