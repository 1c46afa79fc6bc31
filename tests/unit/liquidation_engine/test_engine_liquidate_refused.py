"""Who may not liquidate whom; a refused step leaves every word as it was."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import BTC, ETH, one_leg, two_legs

from seawall.spec.words import WAD
from tests.desk import Desk, Refused, dollars


@pytest.mark.parametrize("ratio", ("1", "1.000001", "1.5"))
def test_liquidate_healthy_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, ratio: str
) -> None:
    account = one_leg(desk, trader, maker, ratio)
    assert desk.refusal(account, desk.account(keeper, 10_000), keeper) == "liquidation: healthy"


def test_liquidate_account_without_legs_is_refused(desk: Desk, trader: Any, keeper: Any) -> None:
    account = desk.account(trader, 1)
    assert desk.refusal(account, desk.account(keeper, 10_000), keeper) == "liquidation: healthy"


def test_liquidate_side_of_a_market_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    one_leg(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 10_000)
    for side in (0, 1, 2):
        assert desk.refusal(side, taker, keeper) == "liquidation: healthy"


def test_liquidate_own_account_is_refused(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    assert desk.refusal(account, account, trader) == "liquidation: own account"


@pytest.mark.parametrize("ratio", ("0.9", "0.5"))
def test_liquidate_for_a_stranger_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, stranger: Any, ratio: str
) -> None:
    account = one_leg(desk, trader, maker, ratio)
    taker = desk.account(keeper, 100_000)
    before = desk.words()
    with pytest.raises(Refused, match="account: not yours"):
        desk.send(str(stranger.address), desk.engine, "liquidate", account, taker, 2**255)
    assert desk.words() == before


def test_liquidate_for_a_side_of_a_market_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    for side in (0, 1, 2):
        with pytest.raises(Refused, match="account: not yours"):
            desk.send(str(keeper.address), desk.engine, "liquidate", account, side, 2**255)


def test_liquidate_by_the_keepers_operator_works(
    desk: Desk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    desk.allow(keeper, operator, [ETH], 10 * WAD)
    step, _ = desk.liquidate(account, taker, operator)
    assert desk.size(taker, ETH) == step.size


def test_liquidate_by_an_operator_of_another_market_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 100_000)
    desk.allow(keeper, operator, [BTC], 10 * WAD)
    before = desk.words()
    with pytest.raises(Refused, match="account: not yours"):
        desk.send(str(operator.address), desk.engine, "liquidate", account, taker, 2**255)
    assert desk.words() == before


def test_liquidate_by_an_operator_above_his_size_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.5")
    taker = desk.account(keeper, 100_000)
    desk.allow(keeper, operator, [ETH], 10 * WAD - 1)
    with pytest.raises(Refused, match="account: not yours"):
        desk.send(str(operator.address), desk.engine, "liquidate", account, taker, 2**255)


@pytest.mark.parametrize("money", (0, 100, 580))
def test_liquidate_keeper_below_initial_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, money: int
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, money)
    assert desk.refusal(account, taker, keeper) == "margin: below initial"


def test_liquidate_keeper_at_initial_is_enough(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    step = desk.plan_step(account)
    # A tenth of the notional and one dollar of reserve; the fee is unrealised profit, 80 % counts.
    needed = step.notional // 10 + WAD - step.keeper_fee * 8 // 10
    cents = -(-needed // 10**16)
    taker = desk.account(keeper, f"{cents // 100}.{cents % 100:02}")
    assert desk.liquidate(account, taker, keeper)[0] == step


def test_liquidate_without_the_engines_rights_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    desk.send(desk.owner, desk.house, "set_module", desk.engine.address, 0)
    with pytest.raises(Refused, match="module: no right"):
        desk.send(str(keeper.address), desk.engine, "liquidate", account, taker, dollars(10**9))
