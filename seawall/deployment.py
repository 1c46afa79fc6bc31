"""Deploy Seawall through Ape, write the registry and read everything back from the chain.

Scripts, the demo and the tests all deploy here, so that what is tested is what users get.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import rlp
import yaml
from eth_utils import keccak, to_canonical_address, to_checksum_address

from seawall.parameters import (
    BucketParameters,
    FeedParameters,
    IndexParameters,
    MarketParameters,
    Parameters,
)
from seawall.quantities import ParameterError
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.scenarios import pack_shocks, unpack_shocks
from seawall.spec.words import (
    BUCKET,
    CAPACITY,
    EXIT,
    LOSS,
    MATRIX,
    PAY,
    RESTRICT,
    RISK,
    TERMS,
    TOKEN,
    TRADE,
    WATERFALL,
    account_id,
)

ENGINE_RIGHTS = TRADE | WATERFALL
CLOSE_OUT_RIGHTS = TRADE | PAY | LOSS | WATERFALL
EXCHANGE_RIGHTS = TRADE
CONVERTER_RIGHTS = TRADE | PAY | WATERFALL
BACKSTOP_RIGHTS = TRADE | WATERFALL | EXIT
NOBODY = "0x" + "00" * 20
#: Names of the contracts of one system, in the order of deployment.
CORE = (
    "IndexOracle",
    "MarginModel",
    "InsuranceFund",
    "ExitQueue",
    "Clearinghouse",
    "Exchange",
    "LiquidationEngine",
    "Lens",
    "RiskMonitor",
    "CollateralConverter",
    "RiskLens",
    "WhatIfLens",
    "BackstopVault",
    "Backstop",
    "CloseOut",
)

#: Chain ids of development nodes, the only ones where test tokens and feeds are allowed.
DEVELOPMENT_CHAINS = (1337, 31337, 31338)

Report = Callable[[str], None]


class DeploymentError(Exception):
    """What the chain holds is not what the parameters say."""


@dataclass(frozen=True)
class GivenFeed:
    """An adapter that somebody else deployed."""

    address: str


@dataclass(frozen=True)
class System:
    """Contract instances of one deployment; `aggregators[id]` are the sources of the index with
    that id: of a market, or of the settlement token if it has one."""

    parameters: Parameters
    settlement: Any
    index_oracle: Any
    margin_model: Any
    insurance_fund: Any
    exit_queue: Any
    clearinghouse: Any
    exchange: Any
    engine: Any
    lens: Any
    risk_monitor: Any
    converter: Any
    risk_lens: Any
    what_if_lens: Any
    backstop_vault: Any
    backstop: Any
    close_out: Any
    feeds: dict[int, list[Any]]
    aggregators: dict[int, list[str]]
    start_block: int

    def addresses(self) -> dict[str, str]:
        """Checksummed address of every core contract."""
        instances = (
            self.index_oracle, self.margin_model, self.insurance_fund, self.exit_queue,
            self.clearinghouse, self.exchange, self.engine, self.lens, self.risk_monitor,
            self.converter, self.risk_lens, self.what_if_lens, self.backstop_vault,
            self.backstop, self.close_out,
        )  # fmt: skip
        named = {name: str(one.address) for name, one in zip(CORE, instances, strict=True)}
        return {"SettlementToken": str(self.settlement.address), **named}


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
    return System(
        parameters, settlement, oracle, model, fund, queue, house, exchange, engine, lens, monitor,
        converter, risk_lens, what_if_lens, vault, backstop, close_out,
        feeds, aggregators, start_block,
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
    if system.parameters.guardian is not None:
        house.set_module(system.parameters.guardian, RESTRICT, sender=deployer)
    system.margin_model.set_follower(system.risk_monitor.address, sender=deployer)
    _activate_matrix(system, deployer, report)
    for index_id, index in system.parameters.indexes.items():
        report(f"setting the feeds of {_index_name(index_id)}")
        tuples = _feed_tuples(system, index_id, index)
        system.index_oracle.set_feeds(index_id, _terms(index), tuples, sender=deployer)
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


def _index_name(index_id: int) -> str:
    return "settlement token" if index_id == SETTLEMENT_ID else f"market {index_id}"


def _terms(index: IndexParameters) -> tuple[int, int, int]:
    return index.quorum, index.spread_band, index.volatility_floor


def _feed_tuples(
    system: System, index_id: int, index: IndexParameters
) -> list[tuple[str, int, int, bool]]:
    return [
        (str(adapter.address), feed.heartbeat, feed.max_age, feed.pull)
        for adapter, feed in zip(system.feeds[index_id], index.feeds, strict=True)
    ]


def _owned(system: System) -> list[Any]:
    return [
        system.index_oracle, system.margin_model, system.clearinghouse, system.exchange,
        system.backstop,
    ]  # fmt: skip


def _hand_over(system: System, deployer: Any, report: Report) -> None:
    owner = system.parameters.owner
    if owner is None or to_checksum_address(owner) == str(deployer.address):
        return
    report(f"offering ownership to {owner}")
    for contract in _owned(system):
        contract.transfer_ownership(owner, sender=deployer)


def verify(system: System, deployer: str) -> list[str]:
    """Read everything back; one line per difference between chain and parameters."""
    found: list[str] = []

    def same(what: str, seen: Any, wanted: Any) -> None:
        if seen != wanted:
            found.append(f"{what} is {seen}, expected {wanted}")

    addresses = system.addresses()
    links = (
        ("Clearinghouse", system.clearinghouse, "MARGIN_MODEL", "MarginModel"),
        ("Clearinghouse", system.clearinghouse, "INDEX_ORACLE", "IndexOracle"),
        ("Exchange", system.exchange, "CLEARINGHOUSE", "Clearinghouse"),
        ("Exchange", system.exchange, "INDEX_ORACLE", "IndexOracle"),
        ("LiquidationEngine", system.engine, "CLEARINGHOUSE", "Clearinghouse"),
        ("LiquidationEngine", system.engine, "INDEX_ORACLE", "IndexOracle"),
        ("LiquidationEngine", system.engine, "MARGIN_MODEL", "MarginModel"),
        ("LiquidationEngine", system.engine, "BACKSTOP", "Backstop"),
        ("LiquidationEngine", system.engine, "EXCHANGE", "Exchange"),
        ("Lens", system.lens, "CLEARINGHOUSE", "Clearinghouse"),
        ("RiskLens", system.risk_lens, "CLEARINGHOUSE", "Clearinghouse"),
        ("RiskLens", system.risk_lens, "INDEX_ORACLE", "IndexOracle"),
        ("RiskLens", system.risk_lens, "MARGIN_MODEL", "MarginModel"),
        ("WhatIfLens", system.what_if_lens, "CLEARINGHOUSE", "Clearinghouse"),
        ("WhatIfLens", system.what_if_lens, "INDEX_ORACLE", "IndexOracle"),
        ("WhatIfLens", system.what_if_lens, "LENS", "Lens"),
        ("RiskMonitor", system.risk_monitor, "CLEARINGHOUSE", "Clearinghouse"),
        ("RiskMonitor", system.risk_monitor, "INDEX_ORACLE", "IndexOracle"),
        ("RiskMonitor", system.risk_monitor, "MARGIN_MODEL", "MarginModel"),
        ("MarginModel", system.margin_model, "follower", "RiskMonitor"),
        ("CollateralConverter", system.converter, "CLEARINGHOUSE", "Clearinghouse"),
        ("CollateralConverter", system.converter, "INDEX_ORACLE", "IndexOracle"),
        ("CollateralConverter", system.converter, "MARGIN_MODEL", "MarginModel"),
        ("CloseOut", system.close_out, "CLEARINGHOUSE", "Clearinghouse"),
        ("CloseOut", system.close_out, "INDEX_ORACLE", "IndexOracle"),
        ("CloseOut", system.close_out, "MARGIN_MODEL", "MarginModel"),
        ("CloseOut", system.close_out, "INSURANCE_FUND", "InsuranceFund"),
        ("CloseOut", system.close_out, "ENGINE", "LiquidationEngine"),
        ("CloseOut", system.close_out, "BACKSTOP", "Backstop"),
        ("InsuranceFund", system.insurance_fund, "clearinghouse", "Clearinghouse"),
        ("BackstopVault", system.backstop_vault, "clearinghouse", "Clearinghouse"),
        ("BackstopVault", system.backstop_vault, "asset", "SettlementToken"),
        ("BackstopVault", system.backstop_vault, "BACKSTOP", "Backstop"),
        ("Backstop", system.backstop, "VAULT", "BackstopVault"),
        ("Backstop", system.backstop, "CLEARINGHOUSE", "Clearinghouse"),
        ("Backstop", system.backstop, "INDEX_ORACLE", "IndexOracle"),
        ("Backstop", system.backstop, "MARGIN_MODEL", "MarginModel"),
        ("ExitQueue", system.exit_queue, "CLEARINGHOUSE", "Clearinghouse"),
        ("ExitQueue", system.exit_queue, "INDEX_ORACLE", "IndexOracle"),
        ("ExitQueue", system.exit_queue, "MARGIN_MODEL", "MarginModel"),
    )
    for name, contract, getter, target in links:
        same(f"{name}.{getter}", str(getattr(contract, getter)()), addresses[target])
    _verify_parameters(system, same)
    for market in system.parameters.markets:
        _verify_market(system, market, same)
    for index_id, index in system.parameters.indexes.items():
        _verify_index(system, index_id, index, same)
    owner = system.parameters.owner
    for contract in _owned(system):
        holder = str(contract.pending_owner() if owner and owner != deployer else contract.owner())
        same(f"owner of {contract.address}", holder, to_checksum_address(owner or deployer))
    return found


Same = Callable[[str, Any, Any], None]


def _verify_parameters(system: System, same: Same) -> None:
    parameters, house, engine = system.parameters, system.clearinghouse, system.engine
    token = TOKEN.unpack(house.token_word(0))
    same("settlement asset", token["asset"], int(str(system.settlement.address), 16))
    same("settlement decimals", token["decimals"], parameters.settlement.decimals)
    same("settlement cap", token["cap"], parameters.settlement.cap)
    same("settlement outflow limit", token["outflow"], parameters.settlement.outflow)
    queue = system.exit_queue
    same("queue account", house.QUEUE_ACCOUNT(), account_id(str(queue.address)))
    same("seconds of the exit queue", queue.WAIT_SECONDS(), parameters.settlement.exit_wait)
    same("rights of ExitQueue", house.modules(queue.address), EXIT)
    same("rights of InsuranceFund", house.modules(system.insurance_fund.address), EXIT)
    same("fee account", house.FEE_ACCOUNT(), system.insurance_fund.fund_account())
    fund_terms = parameters.fund
    same("wait of InsuranceFund", system.insurance_fund.cooldown_seconds(), fund_terms.cooldown)
    same("market share", system.insurance_fund.market_share_ppm(), fund_terms.market_share)
    same("epoch share", system.insurance_fund.epoch_share_ppm(), fund_terms.epoch_share)
    same("rights of Exchange", house.modules(system.exchange.address), EXCHANGE_RIGHTS)
    same("rights of LiquidationEngine", house.modules(engine.address), ENGINE_RIGHTS)
    same("profit weight", system.margin_model.PROFIT_WEIGHT_PPM(), parameters.profit_weight)
    oracle, memory = system.index_oracle, parameters.oracle
    same("EMA seconds", oracle.EMA_SECONDS(), memory.ema)
    same("volatility seconds", oracle.VOLATILITY_SECONDS(), memory.volatility)
    uptime, grace = oracle.sequencer()
    same("sequencer", str(uptime), to_checksum_address(memory.sequencer or NOBODY))
    same("grace seconds", grace, memory.grace)
    same("notional floor", system.margin_model.NOTIONAL_FLOOR_PPM(), parameters.notional_floor)
    _verify_matrix(system, same)
    same("margin call", system.margin_model.MARGIN_CALL_PPM(), parameters.margin_call)
    rates = parameters.liquidation
    same("target buffer", engine.TARGET_BUFFER_PPM(), rates.target_buffer)
    same("penalty at h = 1", engine.PENALTY_MIN_PPM(), rates.penalty_min)
    same("penalty at close-out", engine.PENALTY_MAX_PPM(), rates.penalty_max)
    same("close-out", engine.CLOSE_OUT_PPM(), rates.close_out)
    same("keeper share", engine.KEEPER_SHARE_PPM(), rates.keeper_share)
    close_out = system.close_out
    same("rights of CloseOut", house.modules(close_out.address), CLOSE_OUT_RIGHTS)
    same("seconds before a reduction", close_out.REDUCE_AFTER_SECONDS(), rates.reduce_after)
    converter, discounts = system.converter, parameters.conversion
    same("rights of CollateralConverter", house.modules(converter.address), CONVERTER_RIGHTS)
    same("least discount", converter.DISCOUNT_MIN_PPM(), discounts.discount_min)
    same("largest discount", converter.DISCOUNT_MAX_PPM(), discounts.discount_max)
    backstop, auction = system.backstop, parameters.auction
    same("rights of Backstop", house.modules(backstop.address), BACKSTOP_RIGHTS)
    vault_terms = parameters.vault
    same("wait of BackstopVault", system.backstop_vault.cooldown_seconds(), vault_terms.cooldown)
    same("premium of auctions", backstop.PREMIUM_PPM(), auction.premium)
    same("discount of auctions", backstop.DISCOUNT_PPM(), auction.discount)
    same("duration of auctions", backstop.DURATION_SECONDS(), auction.duration)
    same("close-out of Lens", system.lens.CLOSE_OUT_PPM(), rates.close_out)
    same("close-out of RiskLens", system.risk_lens.CLOSE_OUT_PPM(), rates.close_out)


def _verify_matrix(system: System, same: Same) -> None:
    portfolio, model = system.parameters.portfolio, system.margin_model
    matrix = MATRIX.unpack(model.matrix_word())
    if portfolio is None:
        same("version of the scenario matrix", matrix["version"], 0)
        return
    terms = portfolio.terms
    wanted = (terms.tail, terms.factor, terms.floor)
    names = ("tail", "factor", "gross_floor")
    same("terms of the scenario matrix", tuple(matrix[name] for name in names), wanted)
    same("minimum equity", matrix["minimum_equity"], portfolio.minimum_equity)
    for market_id, shocks in portfolio.shocks.items():
        seen = unpack_shocks(*model.shocks(matrix["version"], market_id))
        same(f"shocks of market {market_id}", seen, shocks)


def _verify_market(system: System, market: MarketParameters, same: Same) -> None:
    name = f"market {market.market_id}"
    terms = TERMS.unpack(system.clearinghouse.market_words(market.market_id)[2])
    same(f"{name} terms", TERMS.pack(**terms), market.terms_word)
    risk, _, capacity = system.margin_model.risk_words_of(market.market_id)
    found = RISK.unpack(risk) | {
        "capacity_floor": CAPACITY.unpack(capacity)["least"],
        "capacity_per_fund": CAPACITY.unpack(capacity)["per_fund"],
    }
    for term, wanted in market.risk._asdict().items():
        same(f"{name} {term.replace('_', ' ')}", found[term], wanted)
    fees = tuple(system.exchange.fees(market.market_id))
    same(f"{name} fees and band", fees, (market.maker_fee, market.taker_fee, market.band))
    bucket = BUCKET.unpack(system.backstop.bucket_word(market.market_id))
    for term, wanted in asdict(market.bucket or BucketParameters(0, 0, 0, 0)).items():
        same(f"{name} bucket's {term.replace('_', ' ')}", bucket[term], wanted)


def _verify_index(system: System, index_id: int, index: IndexParameters, same: Same) -> None:
    name = _index_name(index_id)
    terms, feeds = system.index_oracle.feeds(index_id)
    same(f"{name} quorum, spread band and volatility floor", tuple(terms), _terms(index))
    seen = [(str(adapter), *rest) for adapter, *rest in feeds]
    same(f"{name} feeds", seen, _feed_tuples(system, index_id, index))


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
