"""Deploy Seawall through Ape, write the registry and read everything back from the chain.

Scripts, the demo and the tests all deploy here, so that what is tested is what users get.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import rlp
import yaml
from eth_utils import keccak, to_canonical_address, to_checksum_address

from seawall.deployed import (
    BACKSTOP_RIGHTS,
    CLOSE_OUT_RIGHTS,
    CONVERTER_RIGHTS,
    CORE,
    DELISTING_RIGHTS,
    DEVELOPMENT_CHAINS,
    ENGINE_RIGHTS,
    EXCHANGE_RIGHTS,
    NOBODY,
    DeploymentError,
    GivenFeed,
    System,
    feed_tuples,
    index_name,
    owned_by_timelock,
    terms_of,
)
from seawall.parameters import FeedParameters, IndexParameters, Parameters
from seawall.quantities import ParameterError
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.scenarios import pack_shocks
from seawall.spec.words import EXIT, RESTRICT, TOKEN
from seawall.verification import verify

Report = Callable[[str], None]


def check_chain(parameters: Parameters, chain_id: int) -> None:
    """Refuse test contracts on a chain that is not a development node: ParameterError."""
    if parameters.uses_test_contracts and chain_id not in DEVELOPMENT_CHAINS:
        raise ParameterError(
            f"chain {chain_id} is not a development chain {DEVELOPMENT_CHAINS}: "
            "settlement.asset and every feed's adapter or aggregator must be given"
        )


def create_address(sender: str, nonce: int) -> str:
    """Address of the contract that `sender` creates with this nonce (EIP-161 numbering)."""
    encoded = rlp.encode([to_canonical_address(sender), nonce])
    return to_checksum_address(keccak(encoded)[12:])


def deploy(
    project: Any, deployer: Any, parameters: Parameters, report: Report = lambda line: None
) -> System:
    """Deploy and configure everything, hand ownership to `parameters.owner`, verify.

    A different owner must accept by `accept_ownership` on each owned contract. Raises
    DeploymentError when the chain disagrees with the parameters afterwards.
    """
    system = _deploy_contracts(project, deployer, parameters, report)
    _configure(system, deployer, report)
    _hand_over(system, deployer, report)
    mismatches = verify(system, str(deployer.address))
    if mismatches:
        raise DeploymentError("read back from the chain:\n  " + "\n  ".join(mismatches))
    report("read back: every address, right, rate, fee and feed is as configured")
    return system


def _deploy_contracts(
    project: Any, deployer: Any, parameters: Parameters, report: Report
) -> System:
    def create(name: str, *args: Any) -> Any:
        report(f"deploying {name}")
        return deployer.deploy(getattr(project, name), *args)

    owner = str(deployer.address)
    start_block = deployer.provider.get_block("latest").number
    settlement = _settlement(project, parameters, create)
    feeds, aggregators = _deploy_feeds(project, parameters, create)
    memory = parameters.oracle
    oracle = create(
        "IndexOracle", owner, memory.ema, memory.volatility, memory.sequencer or NOBODY,
        memory.grace,
    )  # fmt: skip
    model = create(
        "MarginModel", parameters.profit_weight, parameters.margin_call,
        parameters.notional_floor, owner,
    )  # fmt: skip
    # Fund, queue and Clearinghouse name each other: the last address is known beforehand.
    predicted = create_address(owner, deployer.nonce + 2)
    fund_terms = parameters.fund
    fund = create(
        "InsuranceFund", predicted, settlement.address, fund_terms.name, fund_terms.symbol,
        fund_terms.cooldown, fund_terms.market_share, fund_terms.epoch_share,
    )  # fmt: skip
    queue = create(
        "ExitQueue", predicted, settlement.address, oracle.address, model.address,
        parameters.settlement.exit_wait,
    )  # fmt: skip
    house = create(
        "Clearinghouse", settlement.address, parameters.settlement.limits, model.address,
        oracle.address, fund.address, queue.address, owner,
    )  # fmt: skip
    if str(house.address) != predicted:
        raise DeploymentError(
            f"Clearinghouse is at {house.address}, fund and queue expect it at {predicted}: "
            "another transaction of the deployer came in between; deploy again"
        )
    exchange = create("Exchange", house.address, oracle.address, owner)
    rates = parameters.liquidation
    sources = house.address, oracle.address
    vault, backstop = _deploy_backstop(deployer, parameters, create, house, oracle, model)
    engine = create(
        "LiquidationEngine", *sources, model.address, backstop.address, exchange.address,
        rates.target_buffer, rates.penalty_min, rates.penalty_max, rates.close_out,
        rates.keeper_share,
    )  # fmt: skip
    lens = create("Lens", house.address, oracle.address, model.address, rates.close_out)
    monitor = create("RiskMonitor", house.address, oracle.address, model.address)
    discounts = parameters.conversion
    converter = create(
        "CollateralConverter", house.address, oracle.address, model.address,
        discounts.discount_min, discounts.discount_max,
    )  # fmt: skip
    risk_lens = create("RiskLens", *sources, model.address, rates.close_out)
    what_if_lens = create("WhatIfLens", *sources, lens.address)
    close_out = create(
        "CloseOut", engine.address, fund.address, backstop.address, rates.reduce_after
    )
    delisting = create("Delisting", *sources, owner)
    return System(
        parameters, settlement, oracle, model, fund, queue, house, exchange, engine, lens, monitor,
        converter, risk_lens, what_if_lens, vault, backstop, close_out,
        delisting, feeds, aggregators, start_block,
    )  # fmt: skip


def _deploy_backstop(
    deployer: Any,
    parameters: Parameters,
    create: Callable[..., Any],
    house: Any,
    oracle: Any,
    model: Any,
) -> tuple[Any, Any]:
    """The vault and the Backstop name each other: the second address is known beforehand."""
    owner, terms = str(deployer.address), parameters.vault
    predicted = create_address(owner, deployer.nonce + 1)
    asset = to_checksum_address(TOKEN.unpack(house.token_word(0))["asset"].to_bytes(20, "big"))
    vault = create(
        "BackstopVault", house.address, asset, predicted, terms.name, terms.symbol, terms.cooldown
    )
    backstop = create(
        "Backstop", house.address, oracle.address, model.address, vault.address,
        *parameters.auction, owner,
    )  # fmt: skip
    if str(backstop.address) != predicted:
        raise DeploymentError(
            f"Backstop is at {backstop.address}, its vault expects it at {predicted}: "
            "another transaction of the deployer came in between; deploy again"
        )
    return vault, backstop


def _settlement(project: Any, parameters: Parameters, create: Callable[..., Any]) -> Any:
    wanted = parameters.settlement
    if wanted.asset is None:
        return create("Token", f"Test {wanted.symbol}", wanted.symbol[:5], wanted.decimals)
    token = project.Token.at(wanted.asset)
    decimals = token.decimals()
    if decimals != wanted.decimals:
        raise ParameterError(
            f"settlement.decimals: {wanted.asset} has {decimals}, the file says {wanted.decimals}"
        )
    return token


def _deploy_feeds(
    project: Any, parameters: Parameters, create: Callable[..., Any]
) -> tuple[dict[int, list[Any]], dict[int, list[str]]]:
    feeds: dict[int, list[Any]] = {}
    aggregators: dict[int, list[str]] = {}
    for index_id, index in parameters.indexes.items():
        feeds[index_id], aggregators[index_id] = [], []
        for feed in index.feeds:
            adapter, source = _deploy_feed(project, index, feed, create)
            feeds[index_id].append(adapter)
            aggregators[index_id] += source
    return feeds, aggregators


def _deploy_feed(
    project: Any, index: IndexParameters, feed: FeedParameters, create: Callable[..., Any]
) -> tuple[Any, list[str]]:
    """A feed's adapter, and the aggregator behind it where we know of one."""
    if feed.adapter is not None:
        return GivenFeed(to_checksum_address(feed.adapter)), []
    source = _aggregator(project, feed, create)
    terms = index.unit_exponent, feed.min_answer, feed.max_answer
    return create("ChainlinkFeed", source, *terms), [source]


def _aggregator(project: Any, feed: FeedParameters, create: Callable[..., Any]) -> str:
    if feed.aggregator is not None:
        return feed.aggregator
    answer = int((feed.price or Decimal(0)) * 10**feed.decimals)
    return str(create("MockAggregator", feed.decimals, answer).address)


def _configure(system: System, deployer: Any, report: Report) -> None:
    """Rights, markets, rates, fees and feeds: each setter once."""
    house = system.clearinghouse
    report("granting rights to the modules")
    house.set_module(system.exchange.address, EXCHANGE_RIGHTS, sender=deployer)
    house.set_module(system.engine.address, ENGINE_RIGHTS, sender=deployer)
    house.set_module(system.close_out.address, CLOSE_OUT_RIGHTS, sender=deployer)
    house.set_module(system.converter.address, CONVERTER_RIGHTS, sender=deployer)
    house.set_module(system.backstop.address, BACKSTOP_RIGHTS, sender=deployer)
    for module in (system.insurance_fund, system.exit_queue):
        house.set_module(module.address, EXIT, sender=deployer)
    house.set_module(system.delisting.address, DELISTING_RIGHTS, sender=deployer)
    guardian = system.parameters.guardian
    if guardian is not None:
        house.set_module(guardian, RESTRICT, sender=deployer)
    system.index_oracle.set_roles(guardian or NOBODY, system.delisting.address, sender=deployer)
    system.margin_model.set_follower(system.risk_monitor.address, sender=deployer)
    _activate_matrix(system, deployer, report)
    for index_id, index in system.parameters.indexes.items():
        report(f"setting the feeds of {index_name(index_id)}")
        tuples = feed_tuples(system, index_id, index)
        system.index_oracle.set_feeds(index_id, terms_of(index), tuples, sender=deployer)
    for market in system.parameters.markets:
        report(f"listing market {market.market_id} {market.symbol}")
        system.margin_model.set_risk(market.market_id, tuple(market.risk), sender=deployer)
        system.exchange.set_fees(
            market.market_id, market.maker_fee, market.taker_fee, market.band, sender=deployer
        )
        # Listed last: a market is open only once its margin and its index stand.
        house.set_market(market.market_id, market.terms_word, sender=deployer)
        if market.bucket is not None:
            terms = astuple(market.bucket)
            system.backstop.set_bucket(market.market_id, *terms, sender=deployer)


def _activate_matrix(system: System, deployer: Any, report: Report) -> None:
    """Put the scenario matrix of the parameters in force, where they have one."""
    portfolio, model = system.parameters.portfolio, system.margin_model
    if portfolio is None:
        return
    report(f"staging scenarios of {len(portfolio.shocks)} markets")
    for market_id, shocks in portfolio.shocks.items():
        model.stage_scenarios(market_id, list(pack_shocks(shocks)), sender=deployer)
    terms = portfolio.terms
    model.activate_matrix(
        terms.tail, terms.factor, terms.floor, portfolio.minimum_equity, sender=deployer
    )  # fmt: skip


def _hand_over(system: System, deployer: Any, report: Report) -> None:
    owner = system.parameters.owner
    if owner is None or to_checksum_address(owner) == str(deployer.address):
        return
    report(f"offering ownership to {owner}")
    for contract in owned_by_timelock(system):
        contract.transfer_ownership(owner, sender=deployer)


def write_registry(system: System, path: Path, chain_id: int, deployer: str) -> None:
    """One YAML file per deployment: addresses, parameters' name, compiler, source commit."""
    registry = {
        "name": system.parameters.name,
        "chain_id": chain_id,
        "deployer": deployer,
        "start_block": system.start_block,
        "vyper": "0.4.3",
        "source_commit": _source_commit(),
        "contracts": system.addresses(),
        "settlement": {
            "symbol": system.parameters.settlement.symbol,
            **_sources(system, SETTLEMENT_ID),
        },
        "markets": {
            market.market_id: {"symbol": market.symbol, **_sources(system, market.market_id)}
            for market in system.parameters.markets
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(registry, sort_keys=False))


def _sources(system: System, index_id: int) -> dict[str, list[str]]:
    """Feeds and aggregators of an index, for the registry; none of an index that is not there."""
    return {
        "feeds": [str(feed.address) for feed in system.feeds.get(index_id, [])],
        "aggregators": system.aggregators.get(index_id, []),
    }


def read_registry(path: Path) -> dict[str, Any]:
    """A registry as written; raises DeploymentError when it is missing or not one."""
    if not path.is_file():
        raise DeploymentError(
            f"{path}: no such registry; deploy first, or name another with --registry"
        )
    registry = yaml.safe_load(path.read_text())
    if not isinstance(registry, dict) or not set(CORE) <= set(registry.get("contracts", {})):
        raise DeploymentError(f"{path}: not a registry: contracts must name {', '.join(CORE)}")
    return registry


def _source_commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    commit = done.stdout.strip()
    return commit if re.fullmatch(r"[0-9a-f]{40}", commit) else "unknown"
