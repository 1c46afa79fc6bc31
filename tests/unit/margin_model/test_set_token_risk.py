"""Weights and depth of a collateral token: bounds and ramps."""

from __future__ import annotations

import pytest

from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import ACCOUNT, LEG, PPM, PRICE, RATIO, WAD
from tests.unit.margin_model.room import Room


def test_set_token_risk_of_a_new_token_starts_at_nothing(room: Room) -> None:
    receipt = room.set_token_risk(8, 700_000, 800_000, 1_000)

    start = receipt.timestamp + NOTICE
    event = receipt.decode_logs(room.model.TokenRiskSet)[0]
    assert (event.token_id, event.old_word) == (8, 0)
    assert event.new_word == room.spec.weights[8].word
    for time, weights in (
        (receipt.timestamp, (0, 0, 1_000)),
        (start, (0, 0, 1_000)),
        (start + RAMP // 2, (350_000, 400_000, 1_000)),
        (start + RAMP, (700_000, 800_000, 1_000)),
        (2**255, (700_000, 800_000, 1_000)),
    ):
        assert tuple(room.model.weights_at(8, time)) == weights


@pytest.mark.parametrize(
    "terms, reason",
    [
        ((0, 1, 1, 1), "risk: token id"),
        ((9, 1, 1, 1), "risk: token id"),
        ((128, 1, 1, 1), "risk: token id"),
        ((2**255, 1, 1, 1), "risk: token id"),
        ((1, 2, 1, 1), "risk: weights"),
        ((1, 1, PPM, 1), "risk: weights"),
        ((1, 2**255, 2**256 - 1, 1), "risk: weights"),
        ((1, 1, 1, 0), "risk: depth"),
    ],
)
def test_set_token_risk_out_of_bounds_refused(
    room: Room, terms: tuple[int, int, int, int], reason: str
) -> None:
    assert room.refuse_token_risk(*terms) == reason


def test_set_token_risk_without_room_in_its_word_refused_bare(room: Room) -> None:
    assert room.reason(room.owner, "set_token_risk", 1, 1, 1, 2**32) == ""


@pytest.mark.parametrize("terms", [(1, 999_999, 999_999, 2**32 - 1), (8, 0, 0, 1)])
def test_set_token_risk_at_its_bounds_is_stored(
    room: Room, terms: tuple[int, int, int, int]
) -> None:
    room.set_token_risk(*terms)


def test_set_token_risk_lower_initial_weight_counts_at_once_the_rest_ramps(room: Room) -> None:
    room.set_token_risk(1, 700_000, 800_000, 1_000)
    room.wait(NOTICE + RAMP)

    changed = room.set_token_risk(1, 300_000, 400_000, 500).timestamp

    assert tuple(room.model.weights_at(1, changed)) == (300_000, 800_000, 1_000)
    middle = changed + NOTICE + RAMP // 2
    assert tuple(room.model.weights_at(1, middle)) == (300_000, 600_000, 750)
    assert tuple(room.model.weights_at(1, changed + NOTICE + RAMP)) == (300_000, 400_000, 500)


def test_set_token_risk_in_the_middle_of_a_ramp_starts_where_it_stands(room: Room) -> None:
    room.set_token_risk(1, 700_000, 800_000, 1_000)
    room.wait(NOTICE + RAMP // 4)

    changed = room.set_token_risk(1, 900_000, 900_000, 4_000).timestamp

    _, maintenance, depth = room.model.weights_at(1, changed)
    assert abs(maintenance - 200_000) < 10
    assert depth == 1_000
    # Notice again: it stands for two more days.
    assert room.model.weights_at(1, changed + NOTICE)[1] == maintenance


def test_set_token_risk_moves_nobodys_equity_in_its_own_block(room: Room) -> None:
    room.set_token_risk(1, 700_000, 800_000, 1_000)
    room.wait(NOTICE + RAMP)
    leg = [LEG.pack(id=128, size=10_000 * WAD)]
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)]
    cash = ACCOUNT.pack(cash=WAD)
    before = room.model.plan(cash, WAD, leg, price)

    receipt = room.set_token_risk(1, 0, 0, 1)

    assert room.model.plan(cash, WAD, leg, price, block_id=receipt.block_number) == before
    room.wait(NOTICE + RAMP // 2)
    assert room.model.plan(cash, WAD, leg, price)[0] < before[0]
