"""Views: what they answer for known and for unknown things."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seawall.spec.words import LEG, WAD, account_id
from tests.unit.clearinghouse.mirror import BARE, USDC, Mirror

ROOT = Path(__file__).resolve().parents[3]
REASON = re.compile(r'^([A-Z0-9_]+): constant\(uint256\) = (\d+)  # "([^"]+)"$', re.MULTILINE)


def test_portfolio_lists_markets_then_collateral_in_order(
    mirror: Mirror, trader: Any, maker: Any
) -> None:
    account, other = mirror.fund(trader, 10_000), mirror.fund(maker, 10_000)
    mirror.act("deposit", trader, account, 2, 3 * WAD)
    mirror.act("deposit", trader, account, 1, 10**7)
    mirror.open(account, other, WAD, 2_000, market_id=2)
    mirror.open(other, account, WAD // 10, 40_000)
    word, base, legs = mirror.read(mirror.house, "portfolio", account)
    assert word == mirror.read(mirror.house, "account_word", account)
    assert base == 10_000 * WAD - 2_000 * WAD + 4_000 * WAD
    seen = [LEG.unpack(leg) for leg in legs]
    assert [leg["id"] for leg in seen] == [1, 2, 128, 129]
    assert [leg["size"] for leg in seen] == [-WAD // 10, WAD, WAD // 10, 3 * WAD]
    with mirror.at("latest"):
        assert mirror.spec.portfolio(account) == (
            base,
            [(leg["id"], leg["open_interest"], leg["size"]) for leg in seen],
        )


def test_portfolio_accrues_funding_to_now(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 10_000), mirror.fund(maker, 10_000)
    mirror.open(account, other, WAD // 10, 40_000)
    mirror.act("set_funding_rate", mirror.engine, 1, 10**12)
    mirror.later(5_000)
    _, base, _ = mirror.read(mirror.house, "portfolio", account)
    with mirror.at("latest"):
        assert mirror.spec.portfolio(account)[0] == base
    assert base <= 10_000 * WAD - 4_000 * WAD - 5_000 * 10**11


@pytest.mark.parametrize("account", [0, 1, 2, 2**96, 2**255, 2**256 - 1])
def test_views_of_an_unknown_account_are_empty(mirror: Mirror, account: int) -> None:
    house = mirror.house
    assert mirror.read(house, "portfolio", account) in ((0, 0, ()), (0, 0, []))
    assert mirror.read(house, "account_word", account) == 0
    assert mirror.read(house, "position_word", account, 1) == 0
    assert mirror.read(house, "collateral_of", account, 1) == 0


@pytest.mark.parametrize("market_id", [0, 4, 127])
def test_views_of_an_unlisted_market_are_empty(mirror: Mirror, market_id: int) -> None:
    assert list(mirror.read(mirror.house, "market_words", market_id)) == [0, 0, 0]
    assert mirror.read(mirror.house, "side_word", market_id, 1, 0) == 0


@pytest.mark.parametrize("number", [128, 255, 2**255, 2**256 - 1])
def test_views_out_of_range_refused(mirror: Mirror, trader: Any, number: int) -> None:
    account = account_id(trader.address)
    views = {
        "market_words": (number,),
        "position_word": (account, number),
        "token_word": (number,),
        "collateral_of": (account, number),
    }
    for function, arguments in views.items():
        assert mirror.reason_of(trader, mirror.house, function, *arguments) == BARE


def test_views_of_an_unlisted_token_are_empty(mirror: Mirror) -> None:
    for token_id in (3, 8):
        assert mirror.read(mirror.house, "token_word", token_id) == 0


def test_totals_start_at_nothing(mirror: Mirror, trader: Any) -> None:
    assert mirror.totals() == (0, 0, 0)
    mirror.act("deposit", trader, account_id(trader.address), 0, USDC)
    assert mirror.totals() == (WAD, WAD, 0)


def test_reasons_are_the_texts_beside_them() -> None:
    source = (ROOT / "contracts" / "modules" / "reasons.vy").read_text(encoding="ascii")
    found = REASON.findall(source)
    assert len(found) == source.count(": constant(uint256)") >= 16
    for name, number, text in found:
        assert int(number) == int.from_bytes(text.encode() + bytes([len(text)])), name
        assert name == re.sub(r"\W+", "_", text).upper()
        assert len(text) <= 31


def test_reasons_are_all_in_use() -> None:
    source = (ROOT / "contracts" / "modules" / "reasons.vy").read_text(encoding="ascii")
    paths = [*(ROOT / "contracts").glob("*.vy"), *(ROOT / "contracts" / "modules").glob("*.vy")]
    used = "\n".join(path.read_text(encoding="ascii") for path in paths)
    for name, _, _ in REASON.findall(source):
        assert f"reasons.{name}" in used, name
