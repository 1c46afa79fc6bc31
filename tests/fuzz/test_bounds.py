"""The ends of what constructors and setters take: accepted at the end, refused just behind it."""

from __future__ import annotations

import pytest

from seawall.spec.margin import MarketRisk
from seawall.spec.words import LEG, PRICE, WAD, account_id
from tests.fuzz.backend import Call, Refused, words_of
from tests.fuzz.compare import WORDS_AND_PRICES
from tests.fuzz.creation import compiled
from tests.fuzz.parameters import ACTIVATE, SET_RISK, SET_TOKEN_RISK, STAGE
from tests.fuzz.revm import Revm
from tests.fuzz.stage import CAP, deploy

ENGINE = (100_000, 5_000, 10_000, 666_667, 500_000)
ENGINE_VIEWS = ("TARGET_BUFFER", "PENALTY_MIN", "PENALTY_MAX", "CLOSE_OUT", "KEEPER_SHARE")
LAST_TOKEN = 8
#: Sizes in the margin model: positions are int112, their sums one bit longer.
LARGEST_SIZE = 2**113 - 1


@pytest.fixture(scope="module")
def bounded() -> Revm:
    """The system of the random machine, without accounts; tests add contracts of their own."""
    bounded = Revm(compiled())
    deploy(bounded)
    return bounded


def read(bounded: Revm, target: str, signature: str, *arguments: int) -> list[int]:
    """Words that a view answers."""
    (answer,) = bounded.view([Call(target, signature, arguments)])
    assert answer is not None
    return words_of(answer)


def deploy_engine(bounded: Revm, rates: tuple[int, ...]) -> str:
    """A second engine beside the system's own."""
    contracts = (bounded.addr(name) for name in ("house", "oracle", "model", "fund", "exchange"))
    return bounded.deploy("another engine", "LiquidationEngine", *contracts, *rates)


@pytest.mark.parametrize("place, value", [(0, 10**6), (1, 10_000), (3, 999_999), (4, 10**6)])
def test_engine_parameter_at_its_bound_is_kept(bounded: Revm, place: int, value: int) -> None:
    rates = (*ENGINE[:place], value, *ENGINE[place + 1 :])
    engine = deploy_engine(bounded, rates)
    assert [read(bounded, engine, f"{view}_PPM()")[0] for view in ENGINE_VIEWS] == list(rates)


def test_engine_penalty_at_its_highest_is_kept(bounded: Revm) -> None:
    engine = deploy_engine(bounded, (*ENGINE[:2], 10**5, *ENGINE[3:]))
    assert read(bounded, engine, "PENALTY_MAX_PPM()") == [10**5]


@pytest.mark.parametrize(
    "place, value", [(0, 10**6 + 1), (1, 10_001), (2, 10**5 + 1), (3, 10**6), (4, 10**6 + 1)]
)
def test_engine_parameter_behind_its_bound_is_refused(
    bounded: Revm, place: int, value: int
) -> None:
    with pytest.raises(RuntimeError, match="Revert"):
        deploy_engine(bounded, (*ENGINE[:place], value, *ENGINE[place + 1 :]))


def test_margin_model_parameters_at_their_bounds_are_kept(bounded: Revm) -> None:
    rates = 10**6, 10**6, 10**6
    model = bounded.deploy("strict", "MarginModel", *rates, bounded.actor("timelock"))
    assert read(bounded, model, "PROFIT_WEIGHT_PPM()") == [10**6]
    assert read(bounded, model, "MARGIN_CALL_PPM()") == [10**6]
    assert read(bounded, model, "NOTIONAL_FLOOR_PPM()") == [10**6]


@pytest.mark.parametrize("place", range(3))
def test_margin_model_parameter_behind_its_bound_is_refused(bounded: Revm, place: int) -> None:
    rates = [10**6] * 3
    rates[place] += 1
    with pytest.raises(RuntimeError, match="Revert"):
        bounded.deploy("wrong", "MarginModel", *rates, bounded.actor("timelock"))


def refusal(bounded: Revm, signature: str, *arguments: int) -> str | None:
    """Reason of a refusal by the margin model."""
    try:
        bounded.send(bounded.actor("timelock"), bounded.addr("model"), signature, *arguments)
    except Refused as error:
        return error.reason
    return None


#: Smallest and largest of each parameter of a market.
LEAST = MarketRisk(1, 1, 0, 1, 1, 10, 1, 0)
MOST = MarketRisk(10**6, 10**6, 2**16 - 1, 2**32 - 1, 2**24 - 1, 160, 2**32 - 1, 2**32 - 1)


@pytest.mark.parametrize(
    "market_id, risk, reason",
    [
        (101, MOST, None),
        (127, LEAST, None),
        (1, LEAST, None),
        (128, LEAST, "risk: market id"),
        (0, LEAST, "risk: market id"),
        (102, MOST._replace(initial=10**6 + 1), "risk: rates"),
        (102, LEAST._replace(maintenance=2), "risk: rates"),
        (102, LEAST._replace(maintenance=0), "risk: rates"),
        (102, LEAST._replace(depth=0), "risk: depth"),
        (102, LEAST._replace(calm=0), "risk: calm"),
        (102, LEAST._replace(volatility_cap=9), "risk: volatility cap"),
        (102, LEAST._replace(volatility_cap=161), "risk: volatility cap"),
        (102, LEAST._replace(capacity_floor=0), "risk: capacity"),
        (102, MOST._replace(reserve=2**16), ""),
        (102, MOST._replace(depth=2**32), ""),
        (102, MOST._replace(calm=2**24), ""),
        (102, MOST._replace(capacity_floor=2**32), ""),
        (102, MOST._replace(capacity_per_fund=2**32), ""),
        (101, MOST._replace(reserve=0), "risk: reserve is fixed"),
    ],
)
def test_set_risk_around_its_bounds(
    bounded: Revm, market_id: int, risk: MarketRisk, reason: str | None
) -> None:
    assert refusal(bounded, SET_RISK, market_id, *risk) == reason


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((8, 999_999, 999_999, 2**32 - 1), None),
        ((7, 0, 0, 1), None),
        ((9, 0, 0, 1), "risk: token id"),
        ((0, 0, 0, 1), "risk: token id"),
        ((7, 1, 0, 1), "risk: weights"),
        ((7, 0, 10**6, 1), "risk: weights"),
        ((7, 0, 0, 0), "risk: depth"),
        ((7, 0, 0, 2**32), ""),
    ],
)
def test_set_token_risk_around_its_bounds(
    bounded: Revm, arguments: tuple[int, ...], reason: str | None
) -> None:
    assert refusal(bounded, SET_TOKEN_RISK, *arguments) == reason


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((0, 1, 1, 0), "risk: tail"),
        ((33, 1, 1, 0), "risk: tail"),
        ((1, 0, 1, 0), "risk: factor"),
        ((1, 1, 0, 0), "risk: floor"),
        ((1, 1, 10**6 + 1, 0), "risk: floor"),
        ((1, 2**24, 1, 0), ""),
        ((1, 1, 1, 2**32), ""),
        ((32, 2**24 - 1, 10**6, 2**32 - 1), None),
    ],
)
def test_activate_matrix_around_its_bounds(
    bounded: Revm, arguments: tuple[int, ...], reason: str | None
) -> None:
    assert refusal(bounded, ACTIVATE, *arguments) == reason


def test_activate_matrix_on_a_ramp_is_refused(bounded: Revm) -> None:
    refusal(bounded, ACTIVATE, 1, 1, 1, 0)
    assert refusal(bounded, ACTIVATE, 1, 1, 1, 0) == "risk: matrix ramps"


@pytest.mark.parametrize(
    "market_id, reason",
    [(1, None), (127, None), (0, "risk: market id"), (128, "risk: market id")],
)
def test_stage_scenarios_around_its_bounds(
    bounded: Revm, market_id: int, reason: str | None
) -> None:
    assert refusal(bounded, STAGE, market_id, 0, 0) == reason


@pytest.mark.parametrize("view", ["assess", "plan"])
@pytest.mark.parametrize("sign", [1, -1])
def test_margin_of_the_largest_size_is_known_and_of_no_larger(
    bounded: Revm, view: str, sign: int
) -> None:
    price = PRICE.pack(price=10**10, ema_ratio=10**7)
    answers = []
    for size in (LARGEST_SIZE, LARGEST_SIZE + 1):
        leg = LEG.pack(id=1, open_interest=0, size=sign * size)
        call = Call(bounded.addr("model"), f"{view}{WORDS_AND_PRICES}", (0, 0, [leg], [price]))
        (answer,) = bounded.view([call])
        answers.append(answer)
    assert answers[0] is not None
    assert answers[1] is None


def test_last_token_is_deposited_counted_and_withdrawn(bounded: Revm) -> None:
    owner, trader, house = bounded.actor("timelock"), bounded.actor("trader"), bounded.addr("house")
    token = bounded.deploy("last token", "Token", "Last", "LST", 18)
    bounded.send(owner, house, "set_token(uint256,address,uint256)", LAST_TOKEN, token, CAP)
    bounded.send(trader, token, "mint(address,uint256)", trader, 5 * WAD)
    bounded.send(trader, token, "approve(address,uint256)", house, 5 * WAD)
    account = account_id(trader)

    bounded.send(trader, house, "deposit(uint256,uint256,uint256)", account, LAST_TOKEN, 5 * WAD)

    (leg,) = read(bounded, house, "portfolio(uint256)", account)[4:]
    assert leg == LEG.pack(id=127 + LAST_TOKEN, open_interest=0, size=5 * WAD)
    withdraw = "withdraw(uint256,uint256,uint256,address)"
    bounded.send(trader, house, withdraw, account, LAST_TOKEN, 5 * WAD, trader)
    assert read(bounded, token, "balanceOf(address)", int(trader, 16)) == [5 * WAD]
    assert read(bounded, house, "portfolio(uint256)", account)[3:] == [0]


def test_token_behind_the_last_is_unknown(bounded: Revm) -> None:
    account, trader = account_id(bounded.actor("trader")), bounded.actor("trader")
    deposit = "deposit(uint256,uint256,uint256)"
    with pytest.raises(Refused, match="token: unknown"):
        bounded.send(trader, bounded.addr("house"), deposit, account, LAST_TOKEN + 1, 1)


def test_collateral_at_its_cap_is_taken_and_no_unit_more(bounded: Revm) -> None:
    owner, maker, house = bounded.actor("timelock"), bounded.actor("maker"), bounded.addr("house")
    token = bounded.addr("token 8")
    bounded.send(owner, house, "set_token(uint256,address,uint256)", 2, token, 3)
    bounded.send(maker, token, "mint(address,uint256)", maker, 4 * WAD)
    bounded.send(maker, token, "approve(address,uint256)", house, 4 * WAD)
    deposit, account = "deposit(uint256,uint256,uint256)", account_id(maker)

    bounded.send(maker, house, deposit, account, 2, 3 * WAD)

    with pytest.raises(Refused, match="token: over cap"):
        bounded.send(maker, house, deposit, account, 2, 1)
    assert read(bounded, house, "collateral_of(uint256,uint256)", account, 2) == [3 * WAD]


def test_withdraw_all_that_the_till_holds_is_paid(bounded: Revm) -> None:
    saver, house, token = bounded.actor("saver"), bounded.addr("house"), bounded.addr("token 0")
    account = account_id(saver)
    bounded.send(saver, token, "mint(address,uint256)", saver, 7)
    bounded.send(saver, token, "approve(address,uint256)", house, 7)
    bounded.send(saver, house, "deposit(uint256,uint256,uint256)", account, 0, 7)
    assert read(bounded, house, "totals()")[0] == 7 * 10**12

    withdraw = "withdraw(uint256,uint256,uint256,address)"
    bounded.send(saver, house, withdraw, account, 0, 7, saver)

    assert read(bounded, house, "totals()") == [0, 0, 0]
