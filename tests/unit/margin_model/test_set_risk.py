"""Parameters of a market: bounds, what is in force at once and what by a ramp."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import NOTICE, RAMP, MarketRisk
from seawall.spec.words import LEG, PPM, PRICE, RATIO, WAD
from tests.unit.clearinghouse.mirror import deploy_reason
from tests.unit.margin_model.room import DAY, RISK, Room

NOT_OWNER = "ownable: caller is not the owner"
#: Thousands of money in a notional that asks for none of the factors.
SMALL = 1_000 * WAD


def _rates(room: Room, time: int, notional: int = SMALL) -> tuple[int, int]:
    initial, maintenance = room.model.requirement_at(1, notional, 0, 0, time)
    return initial, maintenance


def test_set_risk_of_a_new_market_is_in_force_at_once(room: Room) -> None:
    receipt = room.set_risk(127, RISK)

    event = receipt.decode_logs(room.model.RiskSet)[0]
    risk = room.spec.risks[127]
    assert (event.market_id, event.old_word, event.new_word) == (127, 0, risk.word)
    assert (event.earlier, event.capacity) == (0, risk.capacity_word)
    assert tuple(room.model.requirement_at(127, SMALL, 0, 0, receipt.timestamp)) == (
        100_000,
        65_000,
    )


@pytest.mark.parametrize("market_id", [0, 128, 255, 2**255])
def test_set_risk_of_an_id_out_of_range_refused(room: Room, market_id: int) -> None:
    assert room.refuse_risk(market_id, RISK) == "risk: market id"


@pytest.mark.parametrize(
    "changed, reason",
    [
        ({"maintenance": 0}, "risk: rates"),
        ({"maintenance": 100_001}, "risk: rates"),
        ({"initial": PPM + 1}, "risk: rates"),
        ({"initial": 2**256 - 1, "maintenance": 2**256 - 1}, "risk: rates"),
        ({"depth": 0}, "risk: depth"),
        ({"calm": 0}, "risk: calm"),
        ({"volatility_cap": 9}, "risk: volatility cap"),
        ({"volatility_cap": 161}, "risk: volatility cap"),
        ({"capacity_floor": 0}, "risk: capacity"),
    ],
)
def test_set_risk_out_of_bounds_refused(room: Room, changed: dict[str, int], reason: str) -> None:
    assert room.refuse_risk(1, RISK._replace(**changed)) == reason


@pytest.mark.parametrize(
    "changed",
    [
        {"depth": 2**32},
        {"calm": 2**24},
        {"capacity_floor": 2**32},
        {"capacity_per_fund": 2**32},
        {"reserve": 2**16},
    ],
)
def test_set_risk_without_room_in_its_word_refused_bare(
    room: Room, changed: dict[str, int]
) -> None:
    risk = tuple(RISK._replace(**changed))

    assert room.reason(room.owner, "set_risk", 1, risk) == ""


@pytest.mark.parametrize(
    "risk",
    [
        MarketRisk(PPM, PPM, 2**16 - 1, 2**32 - 1, 2**24 - 1, 160, 2**32 - 1, 2**32 - 1),
        MarketRisk(1, 1, 0, 1, 1, 10, 1, 0),
    ],
)
def test_set_risk_at_its_bounds_is_stored(room: Room, risk: MarketRisk) -> None:
    room.set_risk(1, risk)


def test_set_risk_reserve_is_fixed_at_listing(room: Room) -> None:
    room.set_risk(1, RISK)

    assert room.refuse_risk(1, RISK._replace(reserve=101)) == "risk: reserve is fixed"


@pytest.mark.parametrize("maintenance", [90_000, 40_000])
def test_set_risk_moves_maintenance_after_notice_over_the_ramp(
    room: Room, maintenance: int
) -> None:
    """Down as well as up: a lower rate narrows favourable ends and what a leg hedges."""
    room.set_risk(1, RISK)
    changed = room.set_risk(1, RISK._replace(maintenance=maintenance)).timestamp
    middle = (65_000 + maintenance) // 2

    start = changed + NOTICE
    for time, rate in (
        (0, 65_000),
        (changed, 65_000),
        (start, 65_000),
        (start + RAMP // 2, middle),
        (start + RAMP, maintenance),
        (2**255, maintenance),
    ):
        assert _rates(room, time) == (100_000, rate)
    assert (room.model.NOTICE(), room.model.RAMP()) == (NOTICE, RAMP)


@pytest.mark.parametrize("depth", [5_000, 80_000])
def test_set_risk_moves_depth_of_maintenance_by_the_ramp_and_of_initial_at_once(
    room: Room, depth: int
) -> None:
    """80,000,000: four depths at first, a factor of 2."""
    room.set_risk(1, RISK)
    changed = room.set_risk(1, RISK._replace(depth=depth)).timestamp
    notional = 80_000_000 * WAD
    factor = {5_000: 4, 80_000: 1}[depth]

    # Initial margin is never below maintenance, whatever moves first.
    assert _rates(room, changed, notional) == (max(100_000 * factor, 130_000), 130_000)
    assert _rates(room, changed + NOTICE + RAMP, notional)[1] == 65_000 * factor
    assert room.spec.risks[1].base(changed + NOTICE + RAMP // 2)[1] == (20_000 + depth) // 2


def test_set_risk_raises_initial_at_once(room: Room) -> None:
    room.set_risk(1, RISK)
    changed = room.set_risk(1, RISK._replace(initial=200_000)).timestamp

    assert _rates(room, changed) == (200_000, 65_000)
    assert room.spec.risks[1].ramp_start == 0


def test_set_risk_lowered_initial_stays_at_maintenance_until_that_has_moved(room: Room) -> None:
    room.set_risk(1, RISK)
    changed = room.set_risk(1, RISK._replace(initial=30_000, maintenance=30_000)).timestamp

    assert _rates(room, changed) == (65_000, 65_000)
    assert _rates(room, changed + NOTICE + RAMP) == (30_000, 30_000)


def test_set_risk_in_the_middle_of_a_ramp_starts_where_it_stands(room: Room) -> None:
    room.set_risk(1, RISK)
    for maintenance, depth in ((90_000, 5_000), (40_000, 80_000), (100_000, 1_000)):
        changed = room.set_risk(1, RISK._replace(maintenance=maintenance, depth=depth)).timestamp
        before = room.spec.risks[1]
        assert _rates(room, changed)[1] == before.base(changed)[0]
        room.wait(NOTICE + RAMP // 3)
    stands = room.spec.risks[1].base(room.now + 1)

    last = room.set_risk(1, RISK).timestamp

    found = room.spec.risks[1]
    assert (found.earlier_maintenance, found.earlier_depth) == room.spec.risks[1].base(last)
    assert abs(found.earlier_maintenance - stands[0]) <= 1
    assert 65_000 < _rates(room, last)[1] < 100_000


def test_set_risk_lowers_capacity_at_once_and_raises_it_by_following_alone(room: Room) -> None:
    room.set_risk(1, RISK)
    room.set_risk(1, RISK._replace(capacity_floor=900_000))
    assert room.spec.risks[1].capacity == 500_000
    room.set_risk(1, RISK._replace(capacity_floor=100_000))
    assert room.spec.risks[1].capacity == 100_000
    room.set_risk(1, RISK._replace(capacity_floor=900_000))
    assert room.spec.risks[1].capacity == 100_000

    room.follow(1, 0)

    assert room.spec.risks[1].capacity == 900_000


def test_set_risk_makes_nobody_liquidatable_in_its_own_block(room: Room) -> None:
    room.set_risk(1, RISK)
    # Equity a wei above maintenance: 65 of 1,000, and the reserve.
    base = -1_000 * WAD + 66 * WAD + 1
    legs, prices = [LEG.pack(id=1, size=WAD)], [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)]

    def excess(block: Any) -> int:
        answer = room.model.plan(0, base, legs, prices, block_id=block)
        return int(answer[2]) - int(answer[3])

    receipt = room.set_risk(1, RISK._replace(initial=PPM, maintenance=PPM, depth=1))

    assert excess(receipt.block_number - 1) == 1
    assert excess(receipt.block_number) == 1
    room.wait(NOTICE + DAY)
    assert excess("latest") < 0


# -- rights ----------------------------------------------------------------------------------


def test_setters_by_anyone_but_the_owner_refused(room: Room, stranger: Any) -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "set_risk": (1, tuple(RISK)),
        "set_token_risk": (1, 1, 1, 1),
        "stage_scenarios": (1, (1, 1)),
        "activate_matrix": (1, 1, 1, 1),
        "set_follower": (str(stranger.address),),
        "transfer_ownership": (str(stranger.address),),
    }
    for function, arguments in calls.items():
        assert room.reason(stranger, function, *arguments) == NOT_OWNER


def test_transfer_ownership_takes_two_steps(room: Room, trader: Any) -> None:
    room.model.transfer_ownership(trader, sender=room.owner)
    assert room.model.owner() == room.owner.address

    room.model.accept_ownership(sender=trader)

    assert room.reason(trader, "set_risk", 5, tuple(RISK)) is None
    assert room.reason(room.owner, "set_risk", 5, tuple(RISK)) == NOT_OWNER


@pytest.mark.parametrize(
    "terms, reason",
    [
        ((PPM + 1, 0, 0), "risk: profit weight"),
        ((0, PPM + 1, 0), "risk: margin call"),
        ((0, 0, PPM + 1), "risk: notional floor"),
    ],
)
def test_deploy_out_of_bounds_refused(
    project: Any, room: Room, terms: tuple[int, int, int], reason: str
) -> None:
    owner = str(room.owner.address)
    assert deploy_reason(room.rpc, project.MarginModel, *terms, owner) == reason
    assert deploy_reason(room.rpc, project.MarginModel, PPM, PPM, PPM, owner) is None


def test_deploy_without_owner_refused(project: Any, room: Room) -> None:
    nobody = "0x" + "00" * 20
    assert deploy_reason(room.rpc, project.MarginModel, 0, 0, 0, nobody) == "risk: no owner"
