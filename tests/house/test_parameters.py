"""Parameter files: exact numbers in, clear complaints out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.parameters import load, parse
from seawall.quantities import ParameterError, ppm, wad

ROOT = Path(__file__).resolve().parents[2]
GOOD = yaml.safe_load((ROOT / "params" / "local.yaml").read_text())
GOOD["portfolio"]["scenarios"] = str(ROOT / "params" / GOOD["portfolio"]["scenarios"])
MARKET = GOOD["markets"][0]
OWNER = "0x" + "12" * 20

Change = Callable[[dict[str, Any]], Any]


def broken(change: Change) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    change(raw)
    return raw


def pegged(**changes: Any) -> dict[str, Any]:
    """Feeds of the settlement token and their terms."""
    source = {"max_age": 3_600, "heartbeat": 60, "decimals": 8, "price": 1}
    terms = {"quorum": 2, "spread_band": 0.01, "volatility_floor": 0.05}
    return {**terms, "feeds": [source] * 3, **changes}


def feed(raw: Any) -> Any:
    """The first feed of the first market."""
    return raw["markets"][0]["feeds"][0]


@pytest.mark.parametrize("name", ["local", "devnet"])
def test_load_shipped_file_is_accepted(name: str) -> None:
    parameters = load(ROOT / "params" / f"{name}.yaml")
    assert parameters.name == name
    assert parameters.markets[0].maintenance == 65_000
    assert parameters.liquidation.close_out == 666_667


def test_ppm_tenth_is_exact() -> None:
    assert ppm("0.1", "rate") == 100_000
    assert ppm(0.065, "rate") == 65_000


def test_wad_smallest_unit_is_exact() -> None:
    assert wad("0.000000000000000001", "amount") == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda raw: raw.pop("margin"), "file: missing margin"),
        (lambda raw: raw.update(color="red"), "file: unknown color; known:"),
        (lambda raw: raw.update(markets=[]), "markets: expected a list"),
        (lambda raw: raw["markets"].append(MARKET), "an id stands twice"),
        (lambda raw: raw["markets"][0].update(id=0), r"id: 0 is not a whole number from 1 to 127"),
        (lambda raw: raw["markets"][0].update(id=128), "id: 128 is not a whole number"),
        (lambda raw: raw["markets"][0].update(initial=0.05), "0 < maintenance <= initial <= 1"),
        (lambda raw: raw["markets"][0].update(maintenance=0), "0 < maintenance <= initial"),
        (lambda raw: raw["markets"][0].update(initial="1e-7"), "more than six decimals"),
        (lambda raw: raw["markets"][0].update(taker_fee=0.02), "taker_fee: 0.02 is outside 0 to"),
        (lambda raw: raw["markets"][0].update(band="wide"), "band: 'wide' is not a number"),
        (lambda raw: raw["markets"][0].update(reserve=-1), "reserve: -1 is negative"),
        (lambda raw: raw["markets"][0].update(quorum=4), "quorum: 4 is not a whole number"),
        (lambda raw: raw["markets"][0].update(feeds=[]), "feeds: expected a list of one to five"),
        (lambda raw: feed(raw).pop("price"), "needs an adapter, an aggregator, or a price"),
        (lambda raw: feed(raw).update(adapter=OWNER, aggregator=OWNER), "not both"),
        (lambda raw: feed(raw).update(heartbeat=0), "heartbeat: 0 is not a whole number from 1"),
        (lambda raw: feed(raw).update(heartbeat=10**6), "heartbeat: 1000000 is not a whole"),
        (
            lambda raw: feed(raw).update(pull=True),
            "max_age: 3600 is not a whole number",
        ),
        (lambda raw: feed(raw).update(pull=1), "pull: 1 is not true or false"),
        (lambda raw: raw["markets"][0].update(spread_band=0.7), "outside 0 to 0.65535"),
        (lambda raw: raw["markets"][0].update(spread_band="1e-6"), "more than five decimals"),
        (lambda raw: raw["markets"][0].update(volatility_floor=16), "outside 0 to 15"),
        (lambda raw: raw["oracle"].update(ema_seconds=59), "ema_seconds: 59 is not a whole number"),
        (lambda raw: raw["oracle"].update(grace_seconds=60), "needs oracle.sequencer"),
        (lambda raw: raw["margin"].update(profit_weight=2), "profit_weight: 2 is outside 0 to 1"),
        (lambda raw: raw["liquidation"].update(close_out=1), "close_out: must be below 1"),
        (lambda raw: raw["liquidation"].update(penalty_min=0.05), "penalty_min <= penalty_max"),
        (lambda raw: raw["conversion"].update(discount_max=0.2), "discount_max: 0.2 is outside"),
        (lambda raw: raw["conversion"].update(discount_min=0.06), "discount_min <= discount_max"),
        (lambda raw: raw["settlement"].update(decimals=19), "decimals: 19 is not a whole number"),
        (lambda raw: raw["settlement"].update(asset="0x12"), "asset: '0x12' is not an address"),
        (
            lambda raw: raw["settlement"].update(feeds=MARKET["feeds"]),
            "settlement: missing quorum, spread_band, volatility_floor",
        ),
        (lambda raw: raw["settlement"].update(quorum=1), "settlement: missing feeds, spread_band"),
        (lambda raw: raw["settlement"].update(pegged(quorum=4)), r"settlement\.quorum: 4 is not"),
        (
            lambda raw: raw["settlement"].update(pegged(feeds=[{"max_age": 60}])),
            r"settlement\.feeds\[0\]: needs an adapter, an aggregator, or a price",
        ),
        (lambda raw: raw["insurance_fund"].update(symbol="TOOLONG"), "symbol up to 5"),
        (lambda raw: raw["insurance_fund"].update(epoch_share=0.9), "market_share <= epoch_share"),
        (lambda raw: raw["insurance_fund"].update(market_share=0.009), "must be 0.01 <= market"),
        (lambda raw: raw["insurance_fund"].update(epoch_share=1.1), "1.1 is outside 0 to 1"),
        (lambda raw: raw["markets"][0].update(depth=0), "depth: must be at least 1000"),
        (lambda raw: raw["markets"][0].update(depth=1500), "depth: thousands of money, up to"),
        (lambda raw: raw["markets"][0].pop("volatility_cap"), "volatility_cap come together"),
        (lambda raw: raw["markets"][0].update(volatility_cap=0.9), "0.9 is outside 1 to 16"),
        (lambda raw: raw["markets"][0].update(volatility_cap=1.25), "more than one decimal"),
        (lambda raw: raw["markets"][0].update(capacity={}), "capacity: missing least, per_fund"),
        (lambda raw: raw["markets"][0].update(reserve=0.001), "reserve: cents, up to 65535"),
        (lambda raw: raw["margin"].pop("notional_floor"), "margin: missing notional_floor"),
        (lambda raw: raw["portfolio"].update(tail=33), "tail: 33 is not a whole number"),
        (lambda raw: raw["portfolio"].update(factor=0), "must be above 0"),
        (lambda raw: raw["portfolio"].update(floor=0), "must be above 0"),
        (lambda raw: raw["portfolio"].update(scenarios="no.yaml"), "no.yaml: no such file"),
        (
            lambda raw: raw["portfolio"].update(scenarios=str(ROOT / "params" / "local.yaml")),
            r"expected shocks by market id, of \[1, 2\]",
        ),
        (lambda raw: raw.update(owner="0x" + "g" * 40), "owner: .* is not an address"),
    ],
)
def test_parse_bad_field_is_named(change: Change, complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        parse(broken(change))


def test_load_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"none\.yaml: no such file"):
        load(tmp_path / "none.yaml")


def test_load_text_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("markets: [")
    with pytest.raises(ParameterError, match="not YAML"):
        load(path)


def test_address_without_quotes_is_read_back() -> None:
    number = int("12" * 20, 16)
    raw = broken(lambda raw: raw["settlement"].update(asset=number))
    assert parse(raw).settlement.asset == "0x" + "12" * 20


def test_parse_volatility_floor_is_per_root_of_a_second() -> None:
    """30 % a year: 0.3 / sqrt(365 * 86,400) = 5.342e-5."""
    (market,) = parse(GOOD).markets[:1]

    assert market.volatility_floor == 53_421
    assert market.spread_band == 5_000


def test_parse_settlement_token_without_feeds_has_no_index() -> None:
    parameters = parse(GOOD)
    assert parameters.settlement.index is None
    assert list(parameters.indexes) == [1, 2]


def test_parse_settlement_token_with_feeds_has_an_index_in_dollars() -> None:
    parameters = parse(broken(lambda raw: raw["settlement"].update(pegged())))
    index = parameters.settlement.index
    assert index is not None
    assert (index.quorum, index.spread_band, index.unit_exponent) == (2, 1_000, 0)
    assert [(one.heartbeat, one.max_age) for one in index.feeds] == [(60, 3_600)] * 3
    assert [one.price for one in index.feeds] == [Decimal(1)] * 3
    assert list(parameters.indexes) == [0, 1, 2]


def test_parse_test_feed_of_the_settlement_token_is_a_test_contract() -> None:
    def given(raw: dict[str, Any]) -> None:
        raw["settlement"].update(asset=OWNER)
        for market in raw["markets"]:
            market["feeds"] = [{"adapter": OWNER, "max_age": 60}] * 3

    assert not parse(broken(given)).uses_test_contracts
    raw = broken(given)
    raw["settlement"].update(pegged())
    assert parse(raw).uses_test_contracts
