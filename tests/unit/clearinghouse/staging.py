"""Deployments that the tests of Clearinghouse, MarginModel and Lens act on."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from seawall.deployed import System
from seawall.deployment import create_address
from seawall.parameters import Parameters, load
from seawall.rpc import Rpc
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import EXIT, FUNDING, LOSS, PAY, TRADE, WAD, WATERFALL
from tests.unit.clearinghouse.mirror import Deployed, Stage

ROOT = Path(__file__).resolve().parents[3]
ENGINE_RIGHTS = TRADE | PAY | FUNDING | LOSS | WATERFALL
#: market -> index price in dollars at the start
PRICES = {1: 40_000, 2: 2_000, 3: 1}
CAP = 10**9
#: token -> (decimals, market whose feeds price it, initial and maintenance weight)
COLLATERAL = {1: (8, 1, 700_000, 800_000), 2: (18, 2, 850_000, 900_000)}
MAX = 2**256 - 1


def parameters(**changes: Any) -> Parameters:
    """The local parameters with three markets of one feed each."""
    local = load(ROOT / "params" / "local.yaml")
    first = local.markets[0]
    markets = []
    for market_id, price in PRICES.items():
        feed = replace(first.feeds[0], price=Decimal(price))
        oi_cap = 10**8 * WAD // price
        markets.append(replace(first, market_id=market_id, feeds=(feed,), quorum=1, oi_cap=oi_cap))
    # Without a scenario matrix: a test that needs one brings its own.
    return replace(local, markets=tuple(markets), portfolio=None, **changes)


def build_stage(
    project: Any,
    system: System,
    deployer: Any,
    actors: list[Any],
    collateral: dict[int, tuple[int, int, int, int]] = COLLATERAL,
    depth: int = 2**32 - 1,
) -> Stage:
    """Add collateral tokens (their markets' depth in thousands) and two modules to a system.

    The actors' wallets are filled.
    """
    house = system.clearinghouse
    tokens = {0: (str(system.settlement.address), system.parameters.settlement.decimals, CAP)}
    for token_id, (decimals, market_id, initial, maintenance) in collateral.items():
        token = deployer.deploy(project.Token, f"Collateral {token_id}", "COL", decimals)
        house.set_token(token_id, token.address, CAP, sender=deployer)
        weights = (initial, maintenance, depth)
        system.margin_model.set_token_risk(token_id, *weights, sender=deployer)
        feed = (str(system.feeds[market_id][0].address), 3600, 3600, False)
        system.index_oracle.set_feeds(127 + token_id, (1, 0, 0), [feed], sender=deployer)
        tokens[token_id] = (str(token.address), decimals, CAP)
    # New tokens count for nothing until their ramps are over.
    rpc = Rpc(str(deployer.provider.http_uri))
    rpc.warp(NOTICE + RAMP)
    repeat_answers(project, system, deployer)
    modules = {}
    for verbs in (TRADE, ENGINE_RIGHTS):
        module = deployer.deploy(project.TestModule, house.address)
        house.set_module(module.address, verbs, sender=deployer)
        modules[str(module.address)] = verbs
    stage = Stage(
        url=str(deployer.provider.http_uri),
        house=str(house.address),
        model=str(system.margin_model.address),
        oracle=str(system.index_oracle.address),
        owner=str(deployer.address),
        fee_account=int(house.FEE_ACCOUNT()),
        queue=str(system.exit_queue.address),
        tokens=tokens,
        markets=tuple(market.market_id for market in system.parameters.markets),
        modules=modules,
        sources={market_id: sources[0] for market_id, sources in system.aggregators.items()},
    )
    fill_wallets(stage, actors)
    return stage


def repeat_answers(project: Any, system: System, deployer: Any) -> None:
    """Let every feed of a system say the same again: after a warp none is fresh."""
    for sources in system.aggregators.values():
        for source in sources:
            feed = project.MockAggregator.at(source)
            feed.set_answer(feed.latestRoundData()[1], sender=deployer)


def bare_stage(project: Any, system: System, deployer: Any, token: Any, cap: int = CAP) -> Stage:
    """A Clearinghouse of its own around another settlement token, without markets."""
    model, oracle = system.margin_model.address, system.index_oracle.address
    predicted = create_address(str(deployer.address), deployer.nonce + 1)
    queue = deployer.deploy(
        project.ExitQueue, predicted, token.address, oracle, model,
        system.parameters.settlement.exit_wait,
    )  # fmt: skip
    house = deployer.deploy(
        project.Clearinghouse, token.address, cap, model, oracle,
        system.insurance_fund.address, queue.address, deployer.address,
    )  # fmt: skip
    assert str(house.address) == predicted
    for module in (queue, system.insurance_fund):
        house.set_module(module.address, EXIT, sender=deployer)
    modules = {}
    for verbs in (TRADE, ENGINE_RIGHTS):
        module = deployer.deploy(project.TestModule, house.address)
        house.set_module(module.address, verbs, sender=deployer)
        modules[str(module.address)] = verbs
    return Stage(
        url=str(deployer.provider.http_uri),
        house=str(house.address),
        model=str(system.margin_model.address),
        oracle=str(system.index_oracle.address),
        owner=str(deployer.address),
        fee_account=int(house.FEE_ACCOUNT()),
        queue=str(queue.address),
        tokens={0: (str(token.address), int(token.decimals()), cap)},
        modules=modules,
    )


def fill_wallets(stage: Stage, actors: list[Any]) -> None:
    """Mint every token of a stage to the actors and let the Clearinghouse pull it."""
    rpc = Rpc(stage.url)
    for address, decimals, _ in stage.tokens.values():
        token = Deployed(address, "Token")
        for actor in actors:
            mint = token.encode("mint", str(actor.address), 10 ** (9 + decimals))
            approve = token.encode("approve", stage.house, MAX)
            for data in (mint, approve):
                receipt = rpc.send(str(actor.address), address, data)
                assert receipt["status"] == "0x1"
