"""Read a deployment back from the chain and say where it differs from its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from eth_utils import to_checksum_address

from seawall.deployed import (
    BACKSTOP_RIGHTS,
    CLOSE_OUT_RIGHTS,
    CONVERTER_RIGHTS,
    DELISTING_RIGHTS,
    ENGINE_RIGHTS,
    EXCHANGE_RIGHTS,
    NOBODY,
    System,
    feed_tuples,
    index_name,
    owned_by_timelock,
    terms_of,
)
from seawall.parameters import BucketParameters, IndexParameters, MarketParameters
from seawall.spec.scenarios import unpack_shocks
from seawall.spec.words import (
    BUCKET,
    CAPACITY,
    EXIT,
    MATRIX,
    RISK,
    TERMS,
    TOKEN,
    account_id,
)

#: (what, seen, wanted): notes a difference.
Same = Callable[[str, Any, Any], None]


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
        ("CloseOut", system.close_out, "EXIT_QUEUE", "ExitQueue"),
        ("Delisting", system.delisting, "CLEARINGHOUSE", "Clearinghouse"),
        ("Delisting", system.delisting, "INDEX_ORACLE", "IndexOracle"),
        ("IndexOracle", system.index_oracle, "delister", "Delisting"),
    )
    for name, contract, getter, target in links:
        same(f"{name}.{getter}", str(getattr(contract, getter)()), addresses[target])
    _verify_parameters(system, same)
    for market in system.parameters.markets:
        _verify_market(system, market, same)
    for index_id, index in system.parameters.indexes.items():
        _verify_index(system, index_id, index, same)
    owner = system.parameters.owner
    for contract in owned_by_timelock(system):
        holder = str(contract.pending_owner() if owner and owner != deployer else contract.owner())
        same(f"owner of {contract.address}", holder, to_checksum_address(owner or deployer))
    return found


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
    guardian = to_checksum_address(parameters.guardian or NOBODY)
    same("guardian of IndexOracle", str(oracle.guardian()), guardian)
    same("rights of Delisting", house.modules(system.delisting.address), DELISTING_RIGHTS)
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
    name = index_name(index_id)
    terms, feeds = system.index_oracle.feeds(index_id)
    same(f"{name} quorum, spread band and volatility floor", tuple(terms), terms_of(index))
    seen = [(str(adapter), *rest) for adapter, *rest in feeds]
    same(f"{name} feeds", seen, feed_tuples(system, index_id, index))
