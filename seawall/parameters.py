"""Deployment parameters: `params/<network>.yaml` read into checked, exact numbers.

Rates are written as decimal fractions (0.065) and become parts per million; money and sizes are
written in whole units and become WAD. Nothing passes through a float.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import isqrt
from pathlib import Path
from typing import Any

import yaml

from seawall.quantities import ParameterError, decimal, ppm, wad, whole
from seawall.spec import dutch_auction
from seawall.spec.insurance_fund import MIN_SHARE
from seawall.spec.oracle import (
    MAX_EMA_SECONDS,
    MAX_GRACE,
    MAX_MAX_AGE,
    MAX_PULL_AGE,
    MAX_SECONDS,
    MIN_MAX_AGE,
    MIN_SECONDS,
    SETTLEMENT_ID,
)
from seawall.spec.risk import (
    ANY_VOLATILITY,
    DEPTH_UNIT,
    MAX_VOLATILITY_CAP,
    RESERVE_UNIT,
    MarketRisk,
)
from seawall.spec.scenarios import BIAS, SCENARIOS, Shocks, Terms
from seawall.spec.words import LISTED, PPM, TERMS
from seawall.vault_parameters import FundParameters, VaultParameters

SECONDS_PER_DAY = 86_400
BACKSTOP_FIELDS = "name symbol cooldown_seconds premium discount duration_seconds"
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
#: Fields of an index, of a market or of the settlement token.
_INDEX = "quorum spread_band volatility_floor feeds"


class _Loader(yaml.SafeLoader):
    """Keeps decimal numbers as text, so that 0.1 stays one tenth."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: str(node.value))


def _fields(raw: Any, where: str, required: str, optional: str = "") -> dict[str, Any]:
    """A mapping with all required fields and no unknown one."""
    if not isinstance(raw, dict):
        raise ParameterError(f"{where}: expected a mapping, found {type(raw).__name__}")
    known = set(required.split()) | set(optional.split())
    missing = set(required.split()) - set(raw)
    if missing:
        raise ParameterError(f"{where}: missing {', '.join(sorted(missing))}")
    if set(raw) - known:
        unknown = ", ".join(sorted(set(raw) - known))
        raise ParameterError(f"{where}: unknown {unknown}; known: {', '.join(sorted(known))}")
    return raw


def _int(raw: Any, where: str, lowest: int, highest: int) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not lowest <= raw <= highest:
        raise ParameterError(f"{where}: {raw!r} is not a whole number from {lowest} to {highest}")
    return raw


@dataclass(frozen=True)
class FeedParameters:
    """One price source of an index.

    `adapter` is a deployed price feed of any kind; without one a Chainlink feed is deployed on
    `aggregator`, and without that on a test aggregator that answers `price`. `heartbeat` and
    `max_age` are seconds, `pull` says that updates come with a caller.
    """

    adapter: str | None
    aggregator: str | None
    heartbeat: int
    max_age: int
    pull: bool
    min_answer: int
    max_answer: int
    decimals: int
    price: Decimal | None


@dataclass(frozen=True)
class IndexParameters:
    """Feeds of one index and their terms: spread_band in 10**-5, volatility_floor in 10**-9 per
    root of a second, of 10**unit_exponent units of the asset."""

    unit_exponent: int
    quorum: int
    spread_band: int
    volatility_floor: int
    feeds: tuple[FeedParameters, ...]


@dataclass(frozen=True)
class SettlementParameters:
    """The settlement token; `asset` None deploys a test token that anyone may mint, `index` None
    takes it for a dollar for ever."""

    asset: str | None
    symbol: str
    decimals: int
    cap: int
    index: IndexParameters | None = None
    #: Seconds that profit waits in the exit queue.
    exit_wait: int = 3_600
    #: Whole tokens that may leave net within a day, 0 for any number.
    outflow: int = 0

    @property
    def limits(self) -> int:
        """Outflow and cap as the Clearinghouse takes them."""
        return self.outflow << 52 | self.cap


@dataclass(frozen=True)
class BucketParameters:
    """A bucket of the Backstop: whole money, and least equity / notional in parts per million."""

    capital: int
    max_notional: int
    loss_budget: int
    initial: int


@dataclass(frozen=True)
class MarketParameters(IndexParameters):
    """A market and its index: `risk` as MarginModel takes it, oi_cap in WAD units, min_notional WAD
    money; `bucket` None where the Backstop takes nothing."""

    market_id: int
    symbol: str
    risk: MarketRisk
    oi_cap: int
    min_notional: int
    maker_fee: int
    taker_fee: int
    band: int
    bucket: BucketParameters | None = None

    @property
    def initial(self) -> int:
        """Base rate of initial margin, parts per million."""
        return self.risk.initial

    @property
    def maintenance(self) -> int:
        """Base rate of maintenance margin, parts per million."""
        return self.risk.maintenance

    @property
    def reserve(self) -> int:
        """Keeper reserve of a leg, WAD money."""
        return self.risk.reserve * RESERVE_UNIT

    @property
    def terms_word(self) -> int:
        """The terms word of a freely trading market."""
        return TERMS.pack(oi_cap=self.oi_cap, min_notional=self.min_notional, mode=LISTED)


@dataclass(frozen=True)
class PortfolioParameters:
    """The first scenario matrix: its terms, and shocks in 1/10,000 by market; rates in ppm."""

    terms: Terms
    minimum_equity: int
    shocks: dict[int, Shocks]


@dataclass(frozen=True)
class OracleParameters:
    """Time constants of the index's averages in seconds; `sequencer` is the uptime feed of an L2,
    after whose resume nothing is usable for `grace` seconds."""

    ema: int
    volatility: int
    sequencer: str | None
    grace: int


@dataclass(frozen=True)
class EngineSettings:
    """Liquidation parameters, parts per million; `reduce_after` in seconds."""

    target_buffer: int
    penalty_min: int
    penalty_max: int
    close_out: int
    keeper_share: int
    reduce_after: int


@dataclass(frozen=True)
class ConversionSettings:
    """Discounts at which collateral is sold for cash, parts per million."""

    discount_min: int
    discount_max: int


@dataclass(frozen=True)
class Parameters:
    """Everything a deployment needs; `owner` and `guardian` None mean the deployer."""

    name: str
    owner: str | None
    guardian: str | None
    settlement: SettlementParameters
    profit_weight: int
    margin_call: int
    notional_floor: int
    oracle: OracleParameters
    liquidation: EngineSettings
    conversion: ConversionSettings
    fund: FundParameters
    vault: VaultParameters
    auction: dutch_auction.AuctionTerms
    markets: tuple[MarketParameters, ...] = field(default_factory=tuple)
    portfolio: PortfolioParameters | None = None

    @property
    def indexes(self) -> dict[int, IndexParameters]:
        """Every index by its id, the settlement token's first if it has one."""
        settlement = self.settlement.index
        found: dict[int, IndexParameters] = {SETTLEMENT_ID: settlement} if settlement else {}
        return found | {market.market_id: market for market in self.markets}

    @property
    def uses_test_contracts(self) -> bool:
        """Whether any token or feed would be a test contract that anyone controls."""
        feeds = [feed for index in self.indexes.values() for feed in index.feeds]
        untested = any(feed.adapter is None and feed.aggregator is None for feed in feeds)
        return self.settlement.asset is None or untested


def load(path: Path) -> Parameters:
    """Read and check a parameter file. Raises ParameterError with the field that is wrong."""
    try:
        raw = yaml.load(path.read_text(), Loader=_Loader)
    except FileNotFoundError:
        raise ParameterError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: not YAML: {error}") from None
    return parse(raw, path.parent)


def parse(raw: Any, folder: Path = Path()) -> Parameters:
    """Check a parsed parameter file; files that it names are looked up in `folder`."""
    required = (
        "name settlement margin oracle liquidation conversion insurance_fund backstop markets"
    )
    top = _fields(raw, "file", required, "owner guardian portfolio")
    margin = _fields(top["margin"], "margin", "profit_weight margin_call notional_floor")
    if not isinstance(top["markets"], list) or not top["markets"]:
        raise ParameterError("markets: expected a list with at least one market")
    markets = tuple(_market(entry, f"markets[{i}]") for i, entry in enumerate(top["markets"]))
    ids = [market.market_id for market in markets]
    if len(set(ids)) != len(ids):
        raise ParameterError(f"markets: an id stands twice in {ids}")
    liquidation = _liquidation(top["liquidation"])
    return Parameters(
        name=str(top["name"]),
        owner=_address(top.get("owner"), "owner"),
        guardian=_address(top.get("guardian"), "guardian"),
        settlement=_settlement(top["settlement"]),
        profit_weight=ppm(margin["profit_weight"], "margin.profit_weight"),
        margin_call=ppm(margin["margin_call"], "margin.margin_call"),
        notional_floor=ppm(margin["notional_floor"], "margin.notional_floor"),
        oracle=_oracle(top["oracle"]),
        liquidation=liquidation,
        conversion=_conversion(top["conversion"]),
        fund=_fund(top["insurance_fund"]),
        vault=_vault(top["backstop"]),
        auction=_auction(top["backstop"], liquidation),
        markets=markets,
        portfolio=_portfolio(top.get("portfolio"), folder, ids),
    )


def _portfolio(raw: Any, folder: Path, market_ids: list[int]) -> PortfolioParameters | None:
    """Portfolio mode; None where a file has no such section and nobody can opt in."""
    if raw is None:
        return None
    names = "tail factor floor minimum_equity scenarios"
    entry = _fields(raw, "portfolio", names)
    terms = Terms(
        tail=_int(entry["tail"], "portfolio.tail", 1, SCENARIOS),
        factor=ppm(entry["factor"], "portfolio.factor", "16"),
        floor=ppm(entry["floor"], "portfolio.floor"),
    )
    if terms.factor == 0 or terms.floor == 0:
        raise ParameterError("portfolio: factor and floor must be above 0")
    minimum = _int(entry["minimum_equity"], "portfolio.minimum_equity", 0, 2**32 - 1)
    shocks = _shocks(folder / str(entry["scenarios"]), market_ids)
    return PortfolioParameters(terms, minimum, shocks)


def _shocks(path: Path, market_ids: list[int]) -> dict[int, Shocks]:
    """A scenario file: market id to a list of shocks in 1/10,000 of its rate."""
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ParameterError(f"portfolio.scenarios: {path}: no such file") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: not YAML: {error}") from None
    if not isinstance(raw, dict) or not set(raw) <= set(market_ids):
        raise ParameterError(f"{path}: expected shocks by market id, of {market_ids}")
    for market_id, row in raw.items():
        where = f"{path}: market {market_id}"
        if not isinstance(row, list) or len(row) != SCENARIOS:
            raise ParameterError(f"{where}: expected a list of {SCENARIOS} shocks")
        for shock in row:
            _int(shock, where, 1 - BIAS, BIAS - 1)
    return {market_id: tuple(row) for market_id, row in raw.items()}


def _address(raw: Any, where: str) -> str | None:
    if raw is None:
        return None
    # YAML reads an unquoted 0x literal as a number.
    text = f"0x{raw:040x}" if isinstance(raw, int) else str(raw)
    if len(text) != 42 or not text.startswith("0x"):
        raise ParameterError(f"{where}: {raw!r} is not an address")
    try:
        int(text, 16)
    except ValueError:
        raise ParameterError(f"{where}: {raw!r} is not an address") from None
    return text


def _settlement(raw: Any) -> SettlementParameters:
    optional = "asset exit_wait_seconds outflow_per_day"
    entry = _fields(raw, "settlement", "symbol decimals cap", f"{optional} {_INDEX}")
    index = None
    if any(name in entry for name in _INDEX.split()):
        # All or none.
        terms = {name: one for name, one in entry.items() if name in _INDEX.split()}
        index = _index(_fields(terms, "settlement", _INDEX), "settlement")
    return SettlementParameters(
        asset=_address(entry.get("asset"), "settlement.asset"),
        symbol=str(entry["symbol"]),
        decimals=_int(entry["decimals"], "settlement.decimals", 0, 18),
        cap=_int(entry["cap"], "settlement.cap", 0, 2**52 - 1),
        index=index,
        exit_wait=_int(
            entry.get("exit_wait_seconds", 3_600), "settlement.exit_wait_seconds", 0, 604_800
        ),
        outflow=_int(entry.get("outflow_per_day", 0), "settlement.outflow_per_day", 0, 2**36 - 1),
    )


def _oracle(raw: Any) -> OracleParameters:
    bounds = {"ema_seconds": MAX_EMA_SECONDS, "volatility_seconds": MAX_SECONDS}
    entry = _fields(raw, "oracle", " ".join(bounds), "sequencer grace_seconds")
    seconds = [_int(entry[one], f"oracle.{one}", MIN_SECONDS, most) for one, most in bounds.items()]
    sequencer = _address(entry.get("sequencer"), "oracle.sequencer")
    grace = _int(entry.get("grace_seconds", 0), "oracle.grace_seconds", 0, MAX_GRACE)
    if grace and sequencer is None:
        raise ParameterError("oracle.grace_seconds: needs oracle.sequencer, an L2's uptime feed")
    return OracleParameters(seconds[0], seconds[1], sequencer, grace)


def _liquidation(raw: Any) -> EngineSettings:
    names = "target_buffer penalty_min penalty_max close_out keeper_share"
    entry = _fields(raw, "liquidation", f"{names} reduce_after_seconds")
    values = {name: ppm(entry[name], f"liquidation.{name}") for name in names.split()}
    if values["penalty_min"] > values["penalty_max"] or values["penalty_max"] > PPM // 10:
        raise ParameterError("liquidation: must be 0 <= penalty_min <= penalty_max <= 0.1")
    if values["close_out"] >= PPM:
        raise ParameterError("liquidation.close_out: must be below 1")
    name = "reduce_after_seconds"
    seconds = _int(entry[name], f"liquidation.{name}", 0, SECONDS_PER_DAY)
    return EngineSettings(**values, reduce_after=seconds)


def _conversion(raw: Any) -> ConversionSettings:
    names = "discount_min discount_max"
    entry = _fields(raw, "conversion", names)
    lowest, highest = (ppm(entry[name], f"conversion.{name}", "0.1") for name in names.split())
    if lowest > highest:
        raise ParameterError("conversion: discounts must be discount_min <= discount_max")
    return ConversionSettings(lowest, highest)


def _fund(raw: Any) -> FundParameters:
    shares = "market_share epoch_share"
    entry = _fields(raw, "insurance_fund", f"name symbol cooldown_seconds {shares}")
    if len(str(entry["name"])) > 25 or len(str(entry["symbol"])) > 5:
        raise ParameterError("insurance_fund: name up to 25 characters, symbol up to 5")
    cooldown = _int(
        entry["cooldown_seconds"], "insurance_fund.cooldown_seconds", 0, 90 * SECONDS_PER_DAY
    )
    market_share, epoch_share = (
        ppm(entry[name], f"insurance_fund.{name}") for name in shares.split()
    )
    if not MIN_SHARE <= market_share <= epoch_share:
        raise ParameterError("insurance_fund: shares must be 0.01 <= market_share <= epoch_share")
    return FundParameters(
        str(entry["name"]), str(entry["symbol"]), cooldown, market_share, epoch_share
    )


def _vault(raw: Any) -> VaultParameters:
    entry = _fields(raw, "backstop", BACKSTOP_FIELDS)
    name, symbol, where = str(entry["name"]), str(entry["symbol"]), "backstop.cooldown_seconds"
    if len(name) > 25 or len(symbol) > 5:
        raise ParameterError("backstop: name up to 25 characters, symbol up to 5")
    cooldown = _int(entry["cooldown_seconds"], where, 3_600, 30 * SECONDS_PER_DAY)
    return VaultParameters(name, symbol, cooldown)


def _auction(raw: Any, liquidation: EngineSettings) -> dutch_auction.AuctionTerms:
    """Of the Backstop's inventory: what a buyer may gain is no more than what a solvent account has
    paid the bucket for its liquidation, the keeper's share apart."""
    entry = _fields(raw, "backstop", BACKSTOP_FIELDS)
    highest = str(Decimal(dutch_auction.MAX_RATE) / PPM)
    premium, discount = (
        ppm(entry[name], f"backstop.{name}", highest) for name in ("premium", "discount")
    )
    left = liquidation.penalty_min * (PPM - liquidation.keeper_share) // PPM
    if discount > left:
        raise ParameterError(
            "backstop.discount: must not be above liquidation.penalty_min less the keeper's share, "
            f"{Decimal(left) / PPM}"
        )
    where = "backstop.duration_seconds"
    seconds = _int(
        entry["duration_seconds"], where, dutch_auction.MIN_SECONDS, dutch_auction.MAX_SECONDS
    )
    return dutch_auction.AuctionTerms(premium, discount, seconds)


def _bucket(raw: Any, where: str) -> BucketParameters | None:
    """None where a market has no such section."""
    if raw is None:
        return None
    entry = _fields(raw, where, "capital max_notional loss_budget initial")
    names = ("capital", "max_notional", "loss_budget")
    least = {"capital": 1, "max_notional": 1, "loss_budget": 0}
    capital, max_notional, loss_budget = (
        _int(entry[name], f"{where}.{name}", least[name], 2**34 - 1) for name in names
    )
    initial = ppm(entry["initial"], f"{where}.initial")
    if initial == 0:
        raise ParameterError(f"{where}.initial: must be above 0")
    return BucketParameters(capital, max_notional, loss_budget, initial)


def _market(raw: Any, where: str) -> MarketParameters:
    entry = _fields(
        raw,
        where,
        "id symbol unit_exponent initial maintenance reserve depth capacity oi_cap min_notional "
        f"maker_fee taker_fee band {_INDEX}",
        "calm_volatility volatility_cap bucket",
    )
    unit_exponent = _int(entry["unit_exponent"], f"{where}.unit_exponent", -18, 18)
    index = _index(entry, where, unit_exponent)
    return MarketParameters(
        market_id=_int(entry["id"], f"{where}.id", 1, 127),
        symbol=str(entry["symbol"]),
        risk=_risk(entry, where),
        oi_cap=wad(entry["oi_cap"], f"{where}.oi_cap"),
        min_notional=wad(entry["min_notional"], f"{where}.min_notional"),
        maker_fee=ppm(entry["maker_fee"], f"{where}.maker_fee", "0.01"),
        taker_fee=ppm(entry["taker_fee"], f"{where}.taker_fee", "0.01"),
        band=ppm(entry["band"], f"{where}.band", "0.1"),
        bucket=_bucket(entry.get("bucket"), f"{where}.bucket"),
        **vars(index),
    )


def _index(entry: dict[str, Any], where: str, unit_exponent: int = 0) -> IndexParameters:
    """Feeds and terms of an index; the entry has all of them."""
    if not isinstance(entry["feeds"], list) or not 1 <= len(entry["feeds"]) <= 5:
        raise ParameterError(f"{where}.feeds: expected a list of one to five feeds")
    feeds = tuple(_feed(feed, f"{where}.feeds[{i}]") for i, feed in enumerate(entry["feeds"]))
    quorum = _int(entry["quorum"], f"{where}.quorum", 1, len(feeds))
    if sum(not feed.pull for feed in feeds) < quorum:
        raise ParameterError(f"{where}.quorum: {quorum} feeds must not be pull feeds")
    return IndexParameters(
        unit_exponent=unit_exponent,
        quorum=quorum,
        spread_band=_spread_band(entry["spread_band"], f"{where}.spread_band"),
        volatility_floor=_per_second(entry["volatility_floor"], f"{where}.volatility_floor"),
        feeds=feeds,
    )


def _risk(entry: dict[str, Any], where: str) -> MarketRisk:
    """Rates, and how size, open interest and volatility raise them."""
    initial = ppm(entry["initial"], f"{where}.initial")
    maintenance = ppm(entry["maintenance"], f"{where}.maintenance")
    if not 0 < maintenance <= initial:
        raise ParameterError(f"{where}: rates must be 0 < maintenance <= initial <= 1")
    if ("calm_volatility" in entry) != ("volatility_cap" in entry):
        raise ParameterError(f"{where}: calm_volatility and volatility_cap come together")
    calm = entry.get("calm_volatility")
    cap = ppm(entry.get("volatility_cap", 1), f"{where}.volatility_cap", "16")
    tenths = whole(Decimal(cap * 10) / PPM, f"{where}.volatility_cap: more than one decimal")
    if not 10 <= tenths <= MAX_VOLATILITY_CAP:
        raise ParameterError(f"{where}.volatility_cap: {cap / PPM} is outside 1 to 16")
    capacity = _fields(entry["capacity"], f"{where}.capacity", "least per_fund")
    reserve = wad(entry["reserve"], f"{where}.reserve")
    return MarketRisk(
        initial=initial,
        maintenance=maintenance,
        reserve=_units(reserve, RESERVE_UNIT, 2**16 - 1, f"{where}.reserve: cents"),
        depth=_thousands(entry["depth"], f"{where}.depth"),
        calm=_per_second(calm, f"{where}.calm_volatility") if calm is not None else ANY_VOLATILITY,
        volatility_cap=tenths,
        capacity_floor=_thousands(capacity["least"], f"{where}.capacity.least"),
        capacity_per_fund=ppm(capacity["per_fund"], f"{where}.capacity.per_fund", "4000"),
    )


def _thousands(text: Any, where: str) -> int:
    """Money in thousands, above 0."""
    found = _units(wad(text, where), DEPTH_UNIT, 2**32 - 1, f"{where}: thousands of money")
    if found == 0:
        raise ParameterError(f"{where}: must be at least 1000")
    return found


def _units(amount: int, unit: int, highest: int, where: str) -> int:
    """A whole number of units."""
    if amount % unit or amount // unit > highest:
        raise ParameterError(f"{where}, up to {highest} of them")
    return amount // unit


def _spread_band(text: Any, where: str) -> int:
    """A fraction up to 0.65535 in 10**-5, as half-widths are."""
    fraction = ppm(text, where, "0.65535")
    return whole(Decimal(fraction) / 10, f"{where}: {text} has more than five decimals")


def _per_second(text: Any, where: str) -> int:
    """Volatility a year, at most 15, as 10**-9 per root of a second, rounded down."""
    yearly = ppm(text, where, "15")
    return isqrt((yearly * 1_000) ** 2 // SECONDS_PER_YEAR)


def _feed(raw: Any, where: str) -> FeedParameters:
    optional = "adapter aggregator heartbeat pull min_answer max_answer decimals price"
    entry = _fields(raw, where, "max_age", optional)
    aggregator = _address(entry.get("aggregator"), f"{where}.aggregator")
    adapter = _address(entry.get("adapter"), f"{where}.adapter")
    if adapter and aggregator:
        raise ParameterError(f"{where}: give an adapter or an aggregator, not both")
    if not adapter and not aggregator and "price" not in entry:
        raise ParameterError(
            f"{where}: needs an adapter, an aggregator, or a price for a test aggregator"
        )
    pull = entry.get("pull", False)
    if not isinstance(pull, bool):
        raise ParameterError(f"{where}.pull: {pull!r} is not true or false")
    longest = MAX_PULL_AGE if pull else MAX_MAX_AGE
    max_age = _int(entry["max_age"], f"{where}.max_age", MIN_MAX_AGE, longest)
    return FeedParameters(
        adapter=adapter,
        aggregator=aggregator,
        heartbeat=_int(entry.get("heartbeat", max_age), f"{where}.heartbeat", 1, max_age),
        max_age=max_age,
        pull=pull,
        min_answer=_int(entry.get("min_answer", 0), f"{where}.min_answer", 0, 2**191),
        max_answer=_int(entry.get("max_answer", 0), f"{where}.max_answer", 0, 2**191),
        decimals=_int(entry.get("decimals", 8), f"{where}.decimals", 0, 18),
        price=decimal(entry["price"], f"{where}.price") if "price" in entry else None,
    )
